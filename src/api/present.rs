//! An order as it is now, for every view: who may see it, what the engine says of it, who brings it,
//! and the customer's link.

use serde_json::Value;

use super::error::Problem;
use super::state::Api;
use super::status_log;
use super::widget::tracking_id;
use crate::domain::event::EventKind;
use crate::domain::geo::distance_m;
use crate::domain::ids::{CourierId, OrderId, RouteId};
use crate::domain::notification::{NearbyTrigger, NotificationKind};
use crate::domain::order::OrderStatus;
use crate::domain::time::Time;
use crate::engine::travel_time::TravelTime;
use crate::query::delivery::{DeliveryStatus, Progress, Step};
use crate::runtime::admission::{CHANGES, DELIVERY, pickup};
use crate::runtime::feed_reader::{FeedBody, FeedEvent};
use crate::runtime::views::OrderState;
use crate::storage::catalog::Catalog;
use crate::storage::catalog::change::{Document, Kind};
use crate::travel::straight_line::StraightLine;

/// An order that a company owns or shares.
pub(super) fn visible(api: &Api, company: u64, id: u64) -> Result<Document, Problem> {
    let order = api.readers.read(|catalog| catalog.document(Kind::Order, id))?;
    let visible =
        order.filter(|order| order.company == company || order.shared_with.contains(&company));
    visible.ok_or_else(|| Problem::not_found("order"))
}

/// What the engine says of an order now; `None`: it is on no route.
pub(super) async fn state(api: &Api, order: &Document) -> Result<Option<OrderState>, Problem> {
    let Some(route) = order.parent else { return Ok(None) };
    let courier = api.readers.read(|catalog| catalog.document(Kind::Route, route))?;
    let Some(courier) = courier.and_then(|route| route.parent) else { return Ok(None) };
    let (courier, route) = (CourierId(courier as u32), RouteId(route));
    Ok(api.views.order(courier, route, OrderId(order.id)).await?)
}

/// The status of an order now.
pub(super) fn status(order: &Document, state: Option<&OrderState>) -> OrderStatus {
    let stored = order.text("status").and_then(OrderStatus::from_name);
    state.map_or(stored.unwrap_or(OrderStatus::New), |state| state.status)
}

/// The customer's link; null before the instance has its secret.
pub(super) fn tracking_url(api: &Api, company: u64, order: u64) -> Result<Value, Problem> {
    let secret = api.readers.read(Catalog::secret)?;
    Ok(secret.map_or(Value::Null, |secret| {
        let id = tracking_id(&secret, company, order);
        format!("{}/t/{order}/{id}", api.site.public_url).into()
    }))
}

/// Who brings an order; `None`: it is on no route.
pub(super) fn courier(api: &Api, order: &Document) -> Result<Option<Document>, Problem> {
    Ok(api.readers.read(|catalog| {
        let Some(route) = order.parent else { return Ok(None) };
        match catalog.document(Kind::Route, route)?.and_then(|route| route.parent) {
            Some(courier) => catalog.document(Kind::Courier, courier),
            None => Ok(None),
        }
    })?)
}

/// An order's delivery: what was told of the order, what was set by hand, and where its courier is
/// now on the way to the depot.
pub(super) fn progress(
    api: &Api,
    order: &Document,
    history: &[FeedEvent],
    state: Option<&OrderState>,
) -> Result<Progress, Problem> {
    let progress = Progress::of(steps(order, history, nearby(api, order)?));
    if progress.status >= DeliveryStatus::PickupWaiting {
        return Ok(progress);
    }
    let Some(status) = pickup_status(api, order, state)? else { return Ok(progress) };
    Ok(progress.reached(status, api.clock.now()))
}

/// An order's delivery as that history made it, and what was set by hand until a moment.
pub(super) fn progress_until(
    api: &Api,
    order: &Document,
    history: &[FeedEvent],
    until: Time,
) -> Result<Progress, Problem> {
    let steps = steps(order, history, nearby(api, order)?);
    Ok(Progress::of(steps.into_iter().filter(|(at, _)| *at <= until)))
}

/// When the customer was first told that the courier is near.
fn nearby(api: &Api, order: &Document) -> Result<Option<Time>, Problem> {
    api.notifications.catch_up()?;
    let nearby = NotificationKind::Nearby(NearbyTrigger::Arrival).name();
    let nearby = api.readers.read(|catalog| catalog.first_notified(order.id, nearby))?;
    Ok(nearby.map(Time::from_ms))
}

/// What moved a delivery, oldest first.
fn steps(order: &Document, history: &[FeedEvent], nearby: Option<Time>) -> Vec<(Time, Step)> {
    let told = history.iter().filter_map(|event| Some((event.recorded_at, step(&event.body)?)));
    let statuses = status_log::of(order, history);
    let statuses = statuses.iter().map(|entry| (entry.at, Step::Status(entry.status)));
    let changes = order.field(DELIVERY).and_then(|kept| kept.get(CHANGES)?.as_array());
    let by_hand = changes.into_iter().flatten().filter_map(|change| {
        let status = DeliveryStatus::from_name(change.get("status")?.as_str()?)?;
        Some((Time::from_ms(change.get("at_ms")?.as_i64()?), Step::ByHand(status)))
    });
    let nearby = nearby.map(|at| (at, Step::Nearby));
    let mut steps: Vec<_> = told.chain(nearby).chain(by_hand).chain(statuses).collect();
    steps.sort_by_key(|(at, _)| *at);
    steps
}

fn step(body: &FeedBody) -> Option<Step> {
    match body {
        FeedBody::Event(event) => match &event.kind {
            EventKind::OrderCreated => Some(Step::Assigned),
            EventKind::Start => Some(Step::Start),
            EventKind::OrderBecameNext => Some(Step::BecameNext),
            EventKind::Arrival(_) => Some(Step::Arrival),
            EventKind::Departure { visited, .. } => Some(Step::Departure { visited: *visited }),
            EventKind::StatusUpdate { .. }
            | EventKind::IntervalUpdate { .. }
            | EventKind::OrderVisit(_) => None,
        },
        FeedBody::Notification { .. } | FeedBody::Eta { .. } | FeedBody::RouteViolated { .. } => {
            None
        }
    }
}

/// How far a courier is on the way to the depot; `None`: not under way, or past it.
fn pickup_status(
    api: &Api,
    order: &Document,
    state: Option<&OrderState>,
) -> Result<Option<DeliveryStatus>, Problem> {
    let Some(state) = state.filter(|state| !state.is_started) else { return Ok(None) };
    let (Some(last), Some(route)) = (state.courier_position, order.parent) else {
        return Ok(None);
    };
    let pickup = api.readers.read(|catalog| match catalog.document(Kind::Route, route)? {
        Some(route) => pickup(catalog, &route),
        None => Ok(None),
    })?;
    let Some(pickup) = pickup else { return Ok(None) };
    let is_tracked = pickup.tracked_from.is_none_or(|from| last.t >= from);
    let Some(radius) = pickup.depot.mark_route_started_radius.filter(|_| is_tracked) else {
        return Ok(None);
    };
    if api.clock.now() - last.t > SILENT_MS_MAX {
        return Ok(None);
    }
    if distance_m(pickup.depot.point, last.point) <= radius.metres() {
        return Ok(Some(DeliveryStatus::PickupWaiting));
    }
    let model = StraightLine::default();
    let travel_ms = model.travel_ms(last.point, pickup.depot.point, pickup.routing_mode);
    let is_near = travel_ms <= APPROACHING_MS_MAX;
    let near = DeliveryStatus::PickupApproaching;
    Ok(Some(if is_near { near } else { DeliveryStatus::PickupEnroute }))
}

/// A courier who has been silent for longer is nowhere.
const SILENT_MS_MAX: i64 = 1_800_000;
/// So far before the depot the pickup approaches.
const APPROACHING_MS_MAX: i64 = 300_000;
