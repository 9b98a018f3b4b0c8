//! An order as the API document "Gets order" has it: every key, null where nothing is set.

use std::sync::Arc;

use axum::extract::State;
use axum::response::IntoResponse;
use serde_json::{Value, json};

use crate::api::body::Ids;
use crate::api::caller::Caller;
use crate::api::error::Problem;
use crate::api::preconditions::tag;
use crate::api::present::{state, status, visible};
use crate::api::state::Api;
use crate::api::status_log::{self, StatusEntry};
use crate::domain::event::EventKind;
use crate::domain::ids::OrderId;
use crate::domain::order::OrderStatus;
use crate::domain::time::{SECOND_MS, Time};
use crate::feed::cloud_event::{Item, Place, iso};
use crate::runtime::access::Role;
use crate::runtime::admission::{CREATED, OrderTimes, order_times};
use crate::runtime::feed_reader::{FeedBody, FeedEvent};
use crate::storage::catalog::Catalog;
use crate::storage::catalog::change::{Document, Kind};
use crate::storage::catalog::error::CatalogError;

/// `GET .../orders/{id}`: of an own or a shared order.
pub(super) async fn read(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Ids((company, id)): Ids<(u64, u64)>,
) -> Result<impl IntoResponse, Problem> {
    let company = u64::from(caller.within(company, Role::reads)?.0);
    let order = visible(&api, company, id)?;
    Ok((tag(&order), axum::Json(rendered(&api, &order).await?)))
}

/// An order as it is read.
pub(super) async fn rendered(api: &Api, order: &Document) -> Result<Value, Problem> {
    let state = state(api, order).await?;
    let history = api.feed.history(OrderId(order.id))?;
    let log = status_log::of(order, &history);
    let (times, sharers) = api.readers.read(|catalog| {
        Ok((order_times(catalog, order)?, companies(catalog, &order.shared_with)?))
    })?;
    let mut view = fields(order, &times);
    view["history"] = self::history(api, order, &history, &log);
    view["status"] = status(order, state.as_ref()).name().into();
    view["status_log"] = log.iter().map(StatusEntry::rendered).collect();
    view["order_status_comments"] = status_log::comments(&log);
    view["shared_with_companies"] = sharers;
    let first = |statuses: &[OrderStatus]| {
        let entry = log.iter().find(|entry| statuses.contains(&entry.status));
        entry.map_or(Value::Null, |entry| iso(entry.at).into())
    };
    let done = [OrderStatus::Finished, OrderStatus::PartiallyFinished];
    view["confirmed_at"] = first(&[OrderStatus::Confirmed]);
    view["delivered_at"] = first(&done);
    Ok(view)
}

/// What was told of an order, and what nobody could tell because it was on no route.
fn history(api: &Api, order: &Document, told: &[FeedEvent], log: &[StatusEntry]) -> Value {
    let item = |event: &str, at: Time| {
        let timestamp = at.ms() as f64 / SECOND_MS as f64;
        json!({ "event": event, "timestamp": timestamp, "time": iso(at) })
    };
    let created = order.field(CREATED).and_then(Value::as_i64).map(Time::from_ms);
    let mut items: Vec<(Time, Value)> =
        created.map(|at| (at, item("ORDER_CREATED", at))).into_iter().collect();
    for entry in log.iter().filter(|entry| entry.is_off_route) {
        let mut update = item("STATUS_UPDATE", entry.at);
        update["source"] = json!({ "initiator": entry.initiator.name() });
        items.push((entry.at, update));
    }
    for event in told {
        let FeedBody::Event(of_order) = &event.body else { continue };
        // It is created once, whenever it comes onto a route.
        if created.is_none() || !matches!(of_order.kind, EventKind::OrderCreated) {
            items.push((event.recorded_at, history_item(event, &api.names)));
        }
    }
    items.sort_by_key(|(at, _)| *at);
    items.into_iter().map(|(_, item)| item).collect()
}

/// What the document itself says.
fn fields(order: &Document, times: &OrderTimes) -> Value {
    let mut view = serde_json::Map::new();
    for key in FIELDS {
        view.insert(key.to_owned(), order.field(key).cloned().unwrap_or_default());
    }
    let or_default = [("service_duration_s", 600), ("shared_service_duration_s", 0)];
    for (key, seconds) in or_default {
        view.entry(key).and_modify(|value| {
            if value.is_null() {
                *value = seconds.into();
            }
        });
    }
    let mut view = Value::Object(view);
    view["id"] = order.id.into();
    view["company_id"] = order.company.into();
    view["number"] = order.number.clone().into();
    view["route_id"] = order.parent.into();
    view["shared_with_company_ids"] = order.shared_with.clone().into();
    view["time_interval_secs"] = times.seconds.clone().into();
    view["time_window"] = times.window.map_or(
        Value::Null,
        |window| json!({ "start": iso(window.start), "end": iso(window.end) }),
    );
    view
}

fn companies(catalog: &Catalog, ids: &[u64]) -> Result<Value, CatalogError> {
    let mut companies = Vec::with_capacity(ids.len());
    for id in ids {
        if let Some(company) = catalog.document_ever(Kind::Company, *id)? {
            let name = company.text("name");
            companies.push(json!({ "number": company.number, "name": name, "id": id }));
        }
    }
    Ok(Value::Array(companies))
}

/// An entry of the history: what is documented, and our own members of stays.
fn history_item(event: &FeedEvent, names: &crate::feed::names::Names) -> Value {
    let item = Item::new(event, names);
    let mut view = json!({ "event": item.event, "timestamp": item.timestamp, "time": item.time });
    if let Some(source) = &item.source {
        view["source"] = json!({ "initiator": source.initiator });
    }
    if let Some(position) = &item.position {
        let place = |at: &Place| json!({ "lat": at.lat, "lon": at.lon, "time": at.time });
        view["position"] = position.as_ref().map_or(Value::Null, place);
        view["used_mark_delivered_radius"] = json!(item.used_mark_delivered_radius);
        view["estimated_time"] = json!(item.estimated_time);
        view["stay"] = json!(item.stay);
        view["inferred"] = json!(item.inferred);
        view["interpolated"] = json!(item.interpolated);
        view["backfilled"] = json!(item.backfilled);
    }
    if let Some(visited) = item.visited {
        view["visited"] = visited.into();
        view["reason"] = json!(item.reason);
    }
    view
}

/// An instant of the API, from one of ours.
pub(super) fn time_or_null(time: Option<Time>) -> Value {
    time.map_or(Value::Null, |time| iso(time).into())
}

/// The documented fields that are read as they were set.
const FIELDS: [&str; 21] = [
    "address",
    "amount",
    "comments",
    "customer_name",
    "description",
    "lat",
    "lon",
    "number",
    "customer_number",
    "payment_type",
    "payment_status",
    "phone",
    "service_duration_s",
    "shared_service_duration_s",
    "volume",
    "weight",
    "mark_delivered_radius",
    "eta_type",
    "time_interval",
    "refined_lat",
    "refined_lon",
];
