//! A tracker as the document prints it. What the order itself knows comes from the order.

use serde_json::{Map, Value, json};

use super::order::{KIND_DEFAULT, OPEN_END, OPEN_START};
use crate::api::error::Problem;
use crate::api::present;
use crate::api::state::Api;
use crate::domain::event::EventKind;
use crate::domain::ids::OrderId;
use crate::domain::order::OrderStatus;
use crate::domain::time::{Time, TimeWindow};
use crate::query::delivery::DeliveryStatus;
use crate::runtime::admission::{DEPOT, TRACKER, company_zone, depot_zone, order_times};
use crate::runtime::feed_reader::{FeedBody, FeedEvent};
use crate::runtime::local_time;
use crate::runtime::views::OrderState;
use crate::storage::catalog::change::{Document, Kind};

/// The tracker of an order.
pub(super) async fn rendered(api: &Api, order: &Document) -> Result<Value, Problem> {
    let state = present::state(api, order).await?;
    let history = api.feed.history(OrderId(order.id))?;
    let empty = Map::new();
    let kept = order.field(TRACKER).and_then(Value::as_object).unwrap_or(&empty);
    let depot_id = kept.get(DEPOT).and_then(Value::as_u64);
    let (company, depot, zone, window) = api.readers.read(|catalog| {
        let depot = match depot_id {
            Some(id) => catalog.document_ever(Kind::Depot, id)?,
            None => None,
        };
        let zone = match &depot {
            Some(depot) => depot_zone(catalog, depot)?,
            None => company_zone(catalog, order.company)?,
        };
        let window = order_times(catalog, order)?.window.or_else(|| absolute(order));
        Ok((catalog.document_ever(Kind::Company, order.company)?, depot, zone, window))
    })?;
    let set = |key: &str| kept.get(key).cloned().unwrap_or_default();
    let status = status(api, order, &history, state.as_ref(), window)?;
    let pickup = |key: &str| kept.get("pickup").and_then(|pickup| pickup.get(key)).cloned();
    let number = company.as_ref().map(|company| company.number.clone());
    let name = company.as_ref().and_then(|company| company.text("name"));
    let mut view = json!({
        "id": order.id.to_string(),
        "trackerExternalId": set("trackerExternalId"),
        "orderExternalId": order.number,
        "brandExternalId": number,
        "locationExternalId": depot.as_ref().map(|depot| &depot.number),
        "trackingId": set("trackingId"),
        "type": kept.get("type").and_then(Value::as_str).unwrap_or(KIND_DEFAULT),
        "status": status,
        "groupId": set("groupId"),
        "orderAttributes": kept.get("orderAttributes").cloned().unwrap_or_else(|| json!({})),
        "orderValue": order.field("amount"),
        "currencyCode": null,
        "tips": null,
        "packages": kept.get("packages").cloned().unwrap_or_else(|| json!([])),
        "pickupTime": times(kept.get("pickupTime")),
        "deliveryTime": delivery_time(order, kept, window),
        "estimatedPickupTime": { "startsAt": null },
        "vehicle": null,
        "provider": provider(kept, name.or(number.as_deref())),
        "timeZone": zone.iana_name(),
        "pickupInstructions": set("pickupInstructions"),
        "pickupContact": pickup("contact"),
        "pickupAddress": pickup("address").or_else(|| depot.as_ref().map(depot_address)),
        "deliveryInstructions": order.field("comments"),
        "deliveryContact": delivery_contact(order, kept),
        "deliveryAddress": delivery_address(order, kept),
        "referenceLinks": { "customerWebflowUrl": null },
        "source": { "type": "api", "id": order.company.to_string(), "name": name },
    });
    set_present(api, order, state.as_ref(), &mut view)?;
    view["referenceLinks"]["customerWebflowUrl"] =
        present::tracking_url(api, order.company, order.id)?;
    for key in ["barcodes", "items", "createdDate", "locale"] {
        if let Some(value) = kept.get(key) {
            view[key] = value.clone();
        }
    }
    Ok(view)
}

/// Who brings it, where that one is, and when it is expected.
fn set_present(
    api: &Api,
    order: &Document,
    state: Option<&OrderState>,
    view: &mut Value,
) -> Result<(), Problem> {
    let eta = state.and_then(|state| state.eta);
    view["estimatedDeliveryTime"] = json!({ "startsAt": eta.map(Time::ms) });
    let last = state.and_then(|state| state.courier_position);
    view["lastLocation"] = json!(last.map(|last| json!({
        "latitude": last.point.lat(), "longitude": last.point.lon(), "timestamp": last.t.ms(),
    })));
    let courier = present::courier(api, order)?;
    view["driver"] = json!(courier.as_ref().map(|courier| json!({
        "name": courier.text("name"), "phone": courier.text("phone"),
    })));
    Ok(())
}

/// The status in the words of trackers.
fn status(
    api: &Api,
    order: &Document,
    history: &[FeedEvent],
    state: Option<&OrderState>,
    window: Option<TimeWindow>,
) -> Result<&'static str, Problem> {
    let status = match present::status(order, state) {
        OrderStatus::Finished | OrderStatus::PartiallyFinished => "ORDER_DELIVERED",
        OrderStatus::Cancelled => "ORDER_CANCELLED",
        OrderStatus::Postponed if was_left_unvisited(history) => "ORDER_UNDELIVERABLE",
        OrderStatus::New | OrderStatus::Confirmed | OrderStatus::Postponed => {
            let is_late = state
                .and_then(|state| state.eta)
                .zip(window)
                .is_some_and(|(eta, window)| eta > window.end);
            let progress = present::progress(api, order, history, state)?;
            match state {
                Some(state) if state.is_started && is_late => "ORDER_DELAYED",
                Some(state) if state.is_started => "OUT_FOR_DELIVERY",
                Some(_) if progress.status == DeliveryStatus::PickupWaiting => "PICKUP_STARTED",
                Some(_) => "ORDER_ASSIGNED",
                None => "ORDER_DISPATCHED",
            }
        }
    };
    Ok(status)
}

/// Whether the courier was there last and left without a visit.
fn was_left_unvisited(history: &[FeedEvent]) -> bool {
    let mut last = None;
    for event in history {
        if let FeedBody::Event(event) = &event.body
            && let EventKind::Departure { visited, .. } = &event.kind
        {
            last = Some(*visited);
        }
    }
    last == Some(false)
}

/// A window that does not depend on the day of a route.
fn absolute(order: &Document) -> Option<TimeWindow> {
    local_time::absolute_window(order.text("time_interval")?).ok()
}

/// The order's window; a bound that was never said is null, as long as nobody set another window.
fn delivery_time(order: &Document, kept: &Map<String, Value>, window: Option<TimeWindow>) -> Value {
    let interval = order.field("time_interval");
    let is_open = |key: &str| kept.contains_key(key) && kept.get(key) == interval;
    let bound = |time: Option<Time>, key: &str| time.filter(|_| !is_open(key)).map(Time::ms);
    json!({
        "startsAt": bound(window.map(|window| window.start), OPEN_START),
        "endsAt": bound(window.map(|window| window.end), OPEN_END),
    })
}

fn times(window: Option<&Value>) -> Value {
    let bound = |key: &str| window.and_then(|window| window.get(key)).cloned();
    json!({ "startsAt": bound("startsAt"), "endsAt": bound("endsAt") })
}

fn provider(kept: &Map<String, Value>, company: Option<&str>) -> Value {
    let name = kept.get("provider").and_then(Value::as_str).or(company);
    json!({
        "name": name, "displayName": name, "serviceType": "Delivery", "serviceId": "delivery",
        "id": null,
    })
}

fn depot_address(depot: &Document) -> Value {
    json!({
        "street1": depot.text("address"), "street2": null, "city": null, "postalCode": null,
        "countryCode": null, "state": null, "latitude": depot.field("lat"),
        "longitude": depot.field("lon"),
    })
}

/// Name and phone are the order's, the rest is as it came.
fn delivery_contact(order: &Document, kept: &Map<String, Value>) -> Value {
    json!({
        "name": order.field("customer_name"),
        "phone": order.field("phone"),
        "email": kept.get("email"),
    })
}

/// The point is the order's, the rest is as it came.
fn delivery_address(order: &Document, kept: &Map<String, Value>) -> Value {
    let Some(Value::Object(address)) = kept.get("deliveryAddress") else { return Value::Null };
    let mut address = address.clone();
    for (theirs, ours) in [("latitude", "lat"), ("longitude", "lon")] {
        address.insert(theirs.to_owned(), order.field(ours).cloned().unwrap_or_default());
    }
    Value::Object(address)
}
