//! A delivery as it is read: what was set by hand, else what its order says.

use serde_json::{Value, json};

use crate::api::error::Problem;
use crate::api::present;
use crate::api::state::Api;
use crate::domain::ids::OrderId;
use crate::domain::time::Time;
use crate::query::delivery::Progress;
use crate::runtime::admission::{DELIVERY, depot_zone};
use crate::runtime::local_time::with_offset;
use crate::runtime::views::OrderState;
use crate::storage::catalog::change::Document;

/// The delivery of an order at its location.
pub(super) async fn rendered(
    api: &Api,
    order: &Document,
    location: &Document,
) -> Result<Value, Problem> {
    let state = present::state(api, order).await?;
    let history = api.feed.history(OrderId(order.id))?;
    let progress = present::progress(api, order, &history, state.as_ref())?;
    body(api, order, location, &Seen { state, progress })
}

/// A moment in the life of a delivery.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    /// What was set by hand until then counts.
    pub(super) until: Time,
    /// Of the history, what stands up to this position of the feed; `None`: what was told by then.
    pub(super) position: Option<u64>,
}

/// The delivery of an order with the status that it had at a moment; the rest is as it is now.
pub(super) async fn rendered_at(
    api: &Api,
    order: &Document,
    location: &Document,
    moment: Moment,
) -> Result<Value, Problem> {
    let state = present::state(api, order).await?;
    let mut history = api.feed.history(OrderId(order.id))?;
    history.retain(|event| match moment.position {
        Some(position) => event.position <= position,
        None => event.recorded_at <= moment.until,
    });
    let progress = present::progress_until(api, order, &history, moment.until)?;
    body(api, order, location, &Seen { state, progress })
}

/// What an order's own fields do not say.
struct Seen {
    state: Option<OrderState>,
    progress: Progress,
}

fn body(api: &Api, order: &Document, location: &Document, seen: &Seen) -> Result<Value, Problem> {
    let Seen { state, progress } = seen;
    let courier = present::courier(api, order)?;
    let zone = api.readers.read(|catalog| depot_zone(catalog, location))?;
    let kept = order.field(DELIVERY);
    let set = |key: &str| kept.and_then(|kept| kept.get(key)).cloned();
    let time = |key: &str, told: Option<Time>| {
        let set = set(key).and_then(|set| set.as_i64()).map(Time::from_ms);
        set.or(told).map_or(Value::Null, |time| with_offset(time, &zone).into())
    };
    let text = |key: &str, told: Option<&str>| {
        set(key).unwrap_or_else(|| told.map_or(Value::Null, Into::into))
    };
    // A place of which one half is set by hand is not filled up with another place's.
    let by_hand = set("driver_latitude").or_else(|| set("driver_longitude")).is_some();
    let last = state.as_ref().and_then(|state| state.courier_position).filter(|_| !by_hand);
    let degrees = |key: &str, told: Option<f64>| {
        set(key).unwrap_or_else(|| told.map_or(Value::Null, |told| told.to_string().into()))
    };
    let eta = state.as_ref().and_then(|state| state.eta);
    let tracking_url = match set("tracking_url") {
        Some(set) => set,
        None => present::tracking_url(api, order.company, order.id)?,
    };
    let driver = |key: &str| courier.as_ref().and_then(|courier| courier.text(key));
    Ok(json!({
        "id": order.id.to_string(),
        "order_id": order.id.to_string(),
        "location_id": location.id.to_string(),
        "carrier": text("carrier", None),
        "carrier_ref": text("carrier_ref", None),
        "ref": text("ref", None),
        "status": progress.status.name(),
        "fee": text("fee", None),
        "estimated_pickup_at": time("estimated_pickup_at", None),
        "estimated_dropoff_at": time("estimated_dropoff_at", eta),
        "tracking_url": tracking_url,
        "driver_name": text("driver_name", driver("name")),
        "driver_phone": text("driver_phone", driver("phone")),
        "driver_phone_access_code": text("driver_phone_access_code", None),
        "assigned_at": time("assigned_at", progress.assigned_at),
        "pickup_at": time("pickup_at", progress.pickup_at),
        "delivered_at": time("delivered_at", progress.delivered_at),
        "cancelled_at": time("cancelled_at", progress.cancelled_at),
        "driver_latitude": degrees("driver_latitude", last.map(|last| last.point.lat())),
        "driver_longitude": degrees("driver_longitude", last.map(|last| last.point.lon())),
    }))
}

/// Under which key a delivery keeps its location.
pub(super) const LOCATION: &str = "location";
