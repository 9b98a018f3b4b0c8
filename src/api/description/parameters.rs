//! The parameters of paths, queries and headers.

use serde_json::{Value, json};

use super::forms::{any_text, id, number, one_of, time, whole};
use super::operations::Operation;
use crate::api::body::PAGES_MAX;
use crate::api::native::{EVENTS_MAX, FOUND_MAX, NEAR_RADIUS_M_MAX};
use crate::api::track_and_trace::UNIX_S_MAX;

/// The ids in a path.
pub(super) fn of_path(path: &str) -> Vec<Value> {
    let names = path.split('{').skip(1).filter_map(|rest| rest.split('}').next());
    names
        .map(|name| {
            let is_key = path.starts_with("/t/") && name == "id";
            let key = json!({ "type": "string", "minLength": 22, "maxLength": 22 });
            let schema = if is_key { key } else { id() };
            json!({ "name": name, "in": "path", "required": true, "schema": schema })
        })
        .collect()
}

/// Those of one operation.
pub(super) fn of(operation: &Operation) -> Vec<Value> {
    let mut parameters: Vec<Value> =
        operation.parameters.iter().map(|name| parameter(operation.path, name)).collect();
    let mut shared = |name: &str| {
        parameters.push(json!({ "$ref": format!("#/components/parameters/{name}") }));
    };
    if operation.method == "post" && operation.refuses.contains(&409) {
        shared("IdempotencyKey");
    }
    if operation.heeds_versions() {
        shared("IfMatch");
    }
    parameters
}

fn parameter(path: &str, name: &str) -> Value {
    let is_needed = matches!(name, "from" | "to" | "lat" | "lon" | "radius_m" | "bbox");
    let schema = match name {
        "page" => whole(1, PAGES_MAX as i64),
        "from" | "to" if path.ends_with("/courier-positions") => {
            json!({ "anyOf": [time(), number(0.0, UNIX_S_MAX)] })
        }
        "from" | "to" => time(),
        "lat" => number(-90.0, 90.0),
        "lon" => number(-180.0, 180.0),
        "radius_m" => number(0.0, NEAR_RADIUS_M_MAX),
        "limit" if path == "/v1/events" => whole(1, EVENTS_MAX as i64),
        "limit" | "k" => whole(1, FOUND_MAX as i64),
        "bbox" => json!({ "type": "string", "pattern": BBOX }),
        _ => any_text(),
    };
    let place = if name == "Last-Event-ID" { "header" } else { "query" };
    json!({ "name": name, "in": place, "required": is_needed, "schema": schema })
}

/// Headers that many operations know.
pub(super) fn shared() -> Value {
    json!({
        "IdempotencyKey": {
            "name": "Idempotency-Key", "in": "header", "required": false,
            "description": "The same key and request within 24 hours get the same answer.",
            "schema": { "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]([\\t -~]*[!-~])?$" },
        },
        "IfMatch": {
            "name": "If-Match", "in": "header", "required": false,
            "description": "`*`, or versions from ETag.",
            "schema": { "type": "string", "pattern": "^(\\*|\"[0-9a-f]{1,64}\")$" },
        },
    })
}

/// The severities of refusals.
pub(super) fn severity() -> Value {
    one_of(["hard", "transient"])
}

/// West, south, east, north: of two digits at most, so that what fits is on earth.
const BBOX: &str = "^(-?[0-8]?[0-9](\\.[0-9]{1,7})?,){3}-?[0-8]?[0-9](\\.[0-9]{1,7})?$";
