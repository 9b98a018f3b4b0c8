//! Documents as they are read: every field present, with its default where it was not set.

use serde_json::{Map, Value, json};

use crate::runtime::admission::{DEPOT, NODES};
use crate::storage::catalog::change::{Document, Kind};

/// A company, depot, courier or route. Orders have their own view.
pub(super) fn document(kind: Kind, document: &Document) -> Value {
    let mut fields = Map::new();
    fields.insert("id".to_owned(), document.id.into());
    if kind != Kind::Company {
        fields.insert("company_id".to_owned(), document.company.into());
    }
    fields.insert("number".to_owned(), document.number.clone().into());
    if let Value::Object(defaults) = defaults(kind) {
        fields.extend(defaults);
    }
    let own = document.body.iter().filter(|(key, _)| !matches!(key.as_str(), NODES | DEPOT));
    fields.extend(own.map(|(key, value)| (key.clone(), value.clone())));
    fields.insert("number".to_owned(), document.number.clone().into());
    if kind == Kind::Route {
        fields.insert("courier_id".to_owned(), document.parent.into());
        fields.insert("depot_id".to_owned(), document.field(DEPOT).cloned().unwrap_or_default());
        fields.insert("nodes".to_owned(), nodes(document));
    }
    Value::Object(fields)
}

/// What a company that shares an order sees of its route, its depot and its owner.
pub(super) fn general(kind: Kind, whole: &Document) -> Value {
    let keys: &[&str] = match kind {
        Kind::Company => &["id", "number", "name"],
        Kind::Depot => &["id", "company_id", "number", "address", "lat", "lon", "time_zone"],
        Kind::Route => &[
            "id",
            "company_id",
            "number",
            "date",
            "depot_id",
            "routing_mode",
            "route_start",
            "route_finish",
        ],
        Kind::Courier | Kind::Order => &[],
    };
    let Value::Object(mut fields) = document(kind, whole) else { return Value::Null };
    fields.retain(|key, _| keys.contains(&key.as_str()));
    Value::Object(fields)
}

/// The nodes as they are written.
fn nodes(route: &Document) -> Value {
    let nodes = route.field(NODES).and_then(Value::as_array).into_iter().flatten();
    nodes
        .map(|node| match (node.get("order"), node.get("depot")) {
            (Some(order), _) => json!({ "order_id": order }),
            (None, Some(depot)) => json!({ "depot_id": depot }),
            (None, None) => node.clone(),
        })
        .collect()
}

fn defaults(kind: Kind) -> Value {
    match kind {
        Kind::Company => json!({
            "name": null, "mark_delivered_enabled": false, "mark_delivered_radius": 500,
            "mark_delivered_service_time_coefficient": 0.5, "eta_type": "arrival_time",
            "time_zone": "UTC", "tracking_start_h": 1,
            "partially_finished_status_enabled": false, "delivery_by_order_statuses": false,
            "nearby_eta_s": [1800], "nearby_distance_m": null, "overlap_policy": "parallel",
            "inferred_visits": "silent_devices", "arrival_scope": "head", "resequence": false,
            "max_gap_s": 300, "use_refined_location": false, "retention_days": 90,
            "allowed_courier_position_sources": SOURCES,
        }),
        Kind::Depot => json!({
            "address": null, "lat": null, "lon": null, "time_zone": null,
            "mark_delivered_radius": null, "mark_route_started_radius": 500,
            "service_duration_s": 0, "order_service_duration_s": 0,
        }),
        Kind::Courier => json!({
            "name": null, "phone": null, "silent_when_still": false,
            "allowed_courier_position_sources": null,
        }),
        Kind::Route => json!({
            "date": null, "routing_mode": "driving", "imei": null, "route_start": null,
            "route_finish": null,
        }),
        Kind::Order => Value::Null,
    }
}

const SOURCES: [&str; 4] = ["app", "gps_tracker", "s2s_api", "yanavi"];
