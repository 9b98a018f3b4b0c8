//! The customer's tracking page: one order for whoever holds its link, without a token. Shows what
//! the API document of the widget names, and the courier's place, rounded, while it is on the way.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, StatusCode};
use axum::response::IntoResponse;
use axum::routing::get;
use serde_json::{Value, json};
use subtle::ConstantTimeEq;

use super::body::Ids;
use super::error::Problem;
use super::present;
use super::state::Api;
use super::widget::tracking_id;
use crate::domain::event::EventKind;
use crate::domain::geo::Point;
use crate::domain::ids::OrderId;
use crate::domain::time::{SECOND_MS, Time};
use crate::feed::cloud_event::iso;
use crate::runtime::admission::{company_zone, order_times};
use crate::runtime::feed_reader::{FeedBody, FeedEvent};
use crate::storage::catalog::Catalog;
use crate::storage::catalog::change::{Document, Kind};

/// The page, what it is made of, and what it asks for again and again.
pub(super) fn routes() -> Router<Arc<Api>> {
    Router::new()
        .route("/t/{order}/{id}", get(page))
        .route("/t/{order}/{id}/state", get(read))
        .route("/t/page.css", get(|| asset("text/css; charset=utf-8", CSS)))
        .route("/t/page.js", get(|| asset("text/javascript; charset=utf-8", SCRIPT)))
}

async fn page(
    State(api): State<Arc<Api>>,
    Ids((order, id)): Ids<(u64, String)>,
) -> Result<impl IntoResponse, Problem> {
    let known = found(&api, order, &id)?;
    let status = if known.is_some() { StatusCode::OK } else { StatusCode::NOT_FOUND };
    let headers: [(HeaderName, &str); 5] = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CACHE_CONTROL, "no-store"),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CONTENT_SECURITY_POLICY, CONTENT_SECURITY),
    ];
    Ok((status, headers, if known.is_some() { PAGE } else { UNKNOWN }))
}

async fn read(
    State(api): State<Arc<Api>>,
    Ids((order, id)): Ids<(u64, String)>,
) -> Result<impl IntoResponse, Problem> {
    let order = found(&api, order, &id)?.ok_or_else(|| Problem::not_found("order"))?;
    let state = present::state(&api, &order).await?;
    let history = api.feed.history(OrderId(order.id))?;
    let status = present::status(&order, state.as_ref());
    let (times, zone, company) = api.readers.read(|catalog| {
        let company = catalog.document_ever(Kind::Company, order.company)?;
        Ok((order_times(catalog, &order)?, company_zone(catalog, order.company)?, company))
    })?;
    let is_open = !status.is_terminal();
    let on_its_way = state.as_ref().filter(|state| state.is_started && is_open);
    let eta = on_its_way.and_then(|state| state.eta);
    let door = order.field("lat").zip(order.field("lon"));
    let view = json!({
        "number": order.number,
        "status": status.name(),
        "is_there": state.as_ref().is_some_and(|state| state.has_open_stay),
        "company": company.as_ref().and_then(|company| company.text("name")),
        "customer_name": order.field("customer_name"),
        "address": order.field("address"),
        "time_interval": order.field("time_interval"),
        "time_window": times.window.map(|window| json!({
            "start": iso(window.start), "end": iso(window.end),
        })),
        "time_zone": zone.iana_name(),
        "now": iso(api.clock.now()),
        "shift_start": first(&history, |kind| matches!(kind, EventKind::Start)),
        "estimated_delivery_time": eta.map(|eta| iso(to_half_hour(eta))),
        "minutes_left": eta.map(|eta| minutes_until(eta, api.clock.now())),
        "orders_before": on_its_way.and_then(|state| state.queue_position),
        "courier": on_its_way.and_then(|state| state.courier_position).map(|last| json!({
            "place": rounded(last.point), "time": iso(last.t),
        })),
        "door": door.map(|(lat, lon)| json!([lat, lon])),
        "history": told(&history),
    });
    Ok(([(CACHE_CONTROL, "no-store"), (REFERRER_POLICY, "no-referrer")], axum::Json(view)))
}

/// The order of a link; `None`: there is none, or the link is not its.
fn found(api: &Api, order: u64, id: &str) -> Result<Option<Document>, Problem> {
    let (order, secret) = api
        .readers
        .read(|catalog| Ok((catalog.document(Kind::Order, order)?, Catalog::secret(catalog)?)))?;
    let Some((order, secret)) = order.zip(secret) else { return Ok(None) };
    let expected = tracking_id(&secret, order.company, order.id);
    let is_its = bool::from(expected.as_bytes().ct_eq(id.as_bytes()));
    Ok(is_its.then_some(order))
}

/// What a customer cares for of the history, oldest first.
fn told(history: &[FeedEvent]) -> Vec<Value> {
    let events = history.iter().filter_map(|event| {
        let FeedBody::Event(told) = &event.body else { return None };
        let (name, time) = match &told.kind {
            EventKind::Start => ("on_the_way", told.t),
            EventKind::Arrival(at) => ("arrived", at.estimated_time),
            EventKind::OrderVisit(at) => ("visited", at.estimated_time),
            EventKind::StatusUpdate { status, .. } => (status.name(), told.t),
            EventKind::OrderCreated
            | EventKind::OrderBecameNext
            | EventKind::IntervalUpdate { .. }
            | EventKind::Departure { .. } => return None,
        };
        Some(json!({ "event": name, "time": iso(time) }))
    });
    events.collect()
}

/// The first event of that kind.
fn first(history: &[FeedEvent], is_it: impl Fn(&EventKind) -> bool) -> Option<String> {
    history.iter().find_map(|event| match &event.body {
        FeedBody::Event(told) => is_it(&told.kind).then(|| iso(told.t)),
        FeedBody::Eta { .. } | FeedBody::Notification { .. } | FeedBody::RouteViolated { .. } => {
            None
        }
    })
}

/// The nearest half hour, as the widget's document has it.
fn to_half_hour(time: Time) -> Time {
    Time::from_ms((time.ms() + HALF_HOUR_MS / 2).div_euclid(HALF_HOUR_MS) * HALF_HOUR_MS)
}

/// Whole minutes, at least 1.
fn minutes_until(time: Time, now: Time) -> i64 {
    ((time - now) / MINUTE_MS).max(1)
}

/// A place to about 100 m: enough to see how far it is, too little to follow a person.
fn rounded(point: Point) -> [f64; 2] {
    [point.lat(), point.lon()].map(|degrees| libm::round(degrees * 1e3) / 1e3)
}

async fn asset(kind: &'static str, text: &'static str) -> impl IntoResponse {
    let headers = [(CONTENT_TYPE, kind), (CACHE_CONTROL, "max-age=300")];
    (headers, text)
}

const MINUTE_MS: i64 = 60 * SECOND_MS;
const HALF_HOUR_MS: i64 = 30 * MINUTE_MS;
const PAGE: &str = include_str!("page.html");
const UNKNOWN: &str = include_str!("unknown.html");
const CSS: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");
const CONTENT_SECURITY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
