//! How an item changes a stored document: what it names is set, null resets, what it does not name
//! stays; and what of it is not for the caller to set.

use serde::de::DeserializeOwned;
use serde::de::value::MapDeserializer;
use serde_json::Value;

use super::request::Item;
use crate::runtime::documents::dto::{
    CompanyDto, CourierDocumentDto, DepotDto, OrderDto, RouteDocumentDto,
};
use crate::runtime::documents::findings::{Findings, Place};
use crate::runtime::documents::words::in_words;
use crate::storage::catalog::change::Kind;

/// The stored fields after an item.
pub(super) fn merged(kind: Kind, stored: &Item, item: &Item) -> Item {
    let mut body = stored.clone();
    for (key, value) in item {
        if is_apart(kind, key) {
            continue;
        }
        if value.is_null() && !is_null_a_value(kind, key) {
            body.remove(key);
        } else {
            body.insert(key.clone(), value.clone());
        }
    }
    if kind == Kind::Order {
        set_window(&mut body, item);
    }
    body
}

/// An unknown key is an error also where it is null, which leaves nothing in the merged fields.
pub(super) fn check_nulls(kind: Kind, item: &Item, at: &Place, findings: &mut Findings) {
    let nulls = item.iter().filter(|(key, value)| value.is_null() && !is_apart(kind, key));
    for (key, _) in nulls {
        let error = match kind {
            Kind::Company if matches!(key.as_str(), "number" | "name") => None,
            Kind::Company => null_error::<CompanyDto>(key),
            Kind::Depot => null_error::<DepotDto>(key),
            Kind::Courier => null_error::<CourierDocumentDto>(key),
            Kind::Route => null_error::<RouteDocumentDto>(key),
            Kind::Order => null_error::<OrderDto>(key),
        };
        if let Some(error) = error.filter(|error| error.starts_with("unknown field")) {
            findings.error(at, in_words(&error));
        }
    }
}

fn null_error<T: DeserializeOwned>(key: &str) -> Option<String> {
    let one: Item = [(key.to_owned(), Value::Null)].into_iter().collect();
    serde_json::from_value::<T>(Value::Object(one)).err().map(|error| error.to_string())
}

/// The fields as their type has them; an error where one is of another type or unknown.
pub(super) fn typed<T: DeserializeOwned>(
    kind: Kind,
    body: &Item,
    at: &Place,
    findings: &mut Findings,
) -> Option<T> {
    let fields = body.iter().filter(|(key, _)| !is_own(kind, key));
    let fields = fields.map(|(key, value)| (key.as_str(), value));
    let fields = MapDeserializer::<_, serde_json::Error>::new(fields);
    match serde_path_to_error::deserialize(fields) {
        Ok(typed) => Some(typed),
        Err(error) => {
            let place = at.path(&error.path().to_string());
            findings.error(&place, in_words(&error.into_inner().to_string()));
            None
        }
    }
}

/// A window that was read may be written where no interval is.
fn set_window(body: &mut Item, item: &Item) {
    if item.get("time_interval").is_some_and(|interval| !interval.is_null()) {
        return;
    }
    let bound = |key: &str| item.get("time_window")?.get(key)?.as_str();
    if let Some((start, end)) = bound("start").zip(bound("end")) {
        body.insert("time_interval".to_owned(), format!("{start}/{end}").into());
    }
}

/// Keys that are not merged: references are resolved apart, and what reads alone show is passed
/// over, so that a document may be written as it was read.
fn is_apart(kind: Kind, key: &str) -> bool {
    let keys: &[&str] = match kind {
        Kind::Company => &["id", "company_id"],
        Kind::Depot | Kind::Courier => &["id", "company_id"],
        Kind::Route => &[
            "id",
            "company_id",
            "courier_id",
            "courier_number",
            "depot_id",
            "depot_number",
            "nodes",
            "courier_violated_route",
        ],
        Kind::Order => &[
            "id",
            "company_id",
            "route_id",
            "route_number",
            "confirmed_at",
            "delivered_at",
            "history",
            "status_log",
            "order_status_comments",
            "shared_with_companies",
            "shared_with_company_ids",
            "shared_with_company_numbers",
            "time_interval_secs",
            "time_window",
            STATUS_COMMENT,
        ],
    };
    keys.contains(&key) || is_own(kind, key)
}

/// Keys that admission itself keeps in a body.
fn is_own(kind: Kind, key: &str) -> bool {
    match kind {
        Kind::Company | Kind::Depot | Kind::Courier => false,
        Kind::Route => matches!(key, NODES | DEPOT),
        Kind::Order => matches!(key, PLACED | CREATED | STATUS_CHANGES | TRACKER | DELIVERY),
    }
}

fn is_null_a_value(kind: Kind, key: &str) -> bool {
    kind == Kind::Depot && key == "mark_route_started_radius"
}

/// A route's nodes, each `{"order": id}`, `{"depot": id}` or `{"garage": {lat, lon}}`.
pub const NODES: &str = "nodes";
/// A route's depot.
pub const DEPOT: &str = "depot";
/// Whether an order was ever on a route, so that its ORDER_CREATED is told once.
pub const PLACED: &str = "placed";
/// When an order was stored that was on no route then, Unix milliseconds: the engine does not know.
pub const CREATED: &str = "created_ms";
/// What is said about a status that an item sets.
pub(super) const STATUS_COMMENT: &str = "status_comment";
/// What the Tracker view keeps of an order beside the order's own fields.
pub const TRACKER: &str = "tracker";
/// What the Deliveries view keeps of an order beside the order's own fields.
pub const DELIVERY: &str = "delivery";
/// The statuses that were set by the API or the app, oldest first.
pub const STATUS_CHANGES: &str = "status_changes";
