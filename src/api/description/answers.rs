//! What is answered beside documents, and what is asked for beside them.

use serde_json::{Value, json};

use super::forms::{
    any_number, any_object, any_text, at_least, closed, flag, id, list, not_negative, number,
    object, one_of, optional, or_null, properties, text, time,
};
use super::parameters::severity;
use crate::api::deliveries::callbacks::{SECRET_MAX, SECRET_MIN};
use crate::api::deliveries::fields as delivery;
use crate::api::trackers::fields as tracker;
use crate::feed::outbound::ADDRESS_CHARS_MAX;
use crate::runtime::access::Role;
use crate::runtime::admission::BATCH_MAX;

/// Every schema by its name.
pub(super) fn schemas() -> Vec<(&'static str, Value)> {
    let mut all = refusals();
    all.extend(deliveries());
    all.extend(trackers());
    all.extend(track_and_trace());
    all.extend(native());
    all
}

fn refusals() -> Vec<(&'static str, Value)> {
    let mut problem = object([
        ("type", any_text()),
        ("title", any_text()),
        ("status", at_least(400)),
        ("detail", any_text()),
        ("instance", any_text()),
        ("severity", severity()),
    ]);
    problem["properties"]["errors"] =
        list(closed([("pointer", any_text()), ("detail", any_text())]), None);
    problem["additionalProperties"] = false.into();
    let fields = list(closed([("field", any_text()), ("message", any_text())]), None);
    let of_delivery =
        closed([("error_type", any_text()), ("message", any_text()), ("errors", fields)]);
    let mut error =
        object([("type", any_text()), ("severity", severity()), ("message", any_text())]);
    error["properties"]["field"] = any_text();
    error["additionalProperties"] = false.into();
    let of_tracker = closed([("errors", list(error, None))]);
    vec![("Problem", problem), ("DeliveriesError", of_delivery), ("TrackerError", of_tracker)]
}

fn deliveries() -> Vec<(&'static str, Value)> {
    let ids = ["id", "order_id", "location_id"].map(|key| (key, any_text()));
    let fields: Vec<_> = ids.into_iter().chain(delivery::read_fields()).collect();
    let keys: Vec<_> = fields.iter().map(|(key, _)| *key).collect();
    let read = json!({
        "type": "object", "required": keys, "properties": properties(fields),
        "additionalProperties": false,
    });
    let mut secret = text(SECRET_MAX);
    secret["minLength"] = SECRET_MIN.into();
    let mut wish = object([("url", text(ADDRESS_CHARS_MAX))]);
    wish["properties"]["url"]["pattern"] = "^https?://[^@#]+$".into();
    wish["properties"]["secret"] = or_null(secret);
    wish["additionalProperties"] = false.into();
    let mut callback = object([
        ("url", any_text()),
        ("created_at", time()),
        ("waiting", at_least(0)),
        ("oldest_waiting_at", or_null(time())),
    ]);
    callback["properties"]["secret"] = any_text();
    callback["additionalProperties"] = false.into();
    vec![
        ("Delivery", read),
        ("DeliveryWrite", delivery::create_schema()),
        ("DeliveryChange", delivery::change_schema()),
        ("CallbackWish", wish),
        ("Callback", callback),
    ]
}

fn trackers() -> Vec<(&'static str, Value)> {
    let window = || {
        let bound = || or_null(at_least(0));
        closed([("startsAt", bound()), ("endsAt", bound())])
    };
    let estimated = || closed([("startsAt", or_null(at_least(0)))]);
    let statuses = one_of([
        "ORDER_DISPATCHED",
        "ORDER_ASSIGNED",
        "PICKUP_STARTED",
        "OUT_FOR_DELIVERY",
        "ORDER_DELAYED",
        "ORDER_DELIVERED",
        "ORDER_UNDELIVERABLE",
        "ORDER_CANCELLED",
    ]);
    let text_or_null = || or_null(any_text());
    let object_or_null = || or_null(any_object());
    let place = closed([
        ("latitude", any_number()),
        ("longitude", any_number()),
        ("timestamp", at_least(0)),
    ]);
    let driver = closed([("name", text_or_null()), ("phone", text_or_null())]);
    let mut tracker = object([
        ("id", any_text()),
        ("trackerExternalId", text_or_null()),
        ("orderExternalId", any_text()),
        ("brandExternalId", text_or_null()),
        ("locationExternalId", text_or_null()),
        ("trackingId", text_or_null()),
        ("type", one_of(["delivery", "pickup", "shipping"])),
        ("status", statuses),
        ("groupId", text_or_null()),
        ("orderAttributes", any_object()),
        ("orderValue", or_null(not_negative())),
        ("currencyCode", text_or_null()),
        ("tips", or_null(any_number())),
        ("packages", list(any_object(), None)),
        ("pickupTime", window()),
        ("deliveryTime", window()),
        ("estimatedPickupTime", estimated()),
        ("estimatedDeliveryTime", estimated()),
        ("lastLocation", or_null(place)),
        ("driver", or_null(driver)),
        ("vehicle", object_or_null()),
        ("provider", any_object()),
        ("timeZone", text_or_null()),
        ("pickupInstructions", text_or_null()),
        ("pickupContact", object_or_null()),
        ("pickupAddress", object_or_null()),
        ("deliveryInstructions", text_or_null()),
        ("deliveryContact", any_object()),
        ("deliveryAddress", object_or_null()),
        ("referenceLinks", closed([("customerWebflowUrl", text_or_null())])),
        ("source", any_object()),
    ]);
    let warning = closed([("field", any_text()), ("message", any_text())]);
    for (key, schema) in [
        ("barcodes", list(any_text(), None)),
        ("items", list(any_object(), None)),
        ("createdDate", at_least(0)),
        ("locale", any_text()),
        ("warnings", list(warning, None)),
    ] {
        tracker["properties"][key] = or_null(schema);
    }
    tracker["additionalProperties"] = false.into();
    vec![("Tracker", tracker), ("TrackerWrite", tracker::schema())]
}

fn track_and_trace() -> Vec<(&'static str, Value)> {
    let moment = || or_null(closed([("value", any_number()), ("text", time())]));
    let place = || closed([("lat", any_number()), ("lon", any_number())]);
    let finding = closed([("pointer", any_text()), ("detail", any_text())]);
    let mut batch = object([("inserted", at_least(0)), ("updated", at_least(0))]);
    batch["properties"]["warnings"] = list(finding, None);
    batch["additionalProperties"] = false.into();
    let notification = closed([
        ("id", id()),
        ("type", one_of(["shift_start", "nearby"])),
        ("eta", or_null(time())),
        ("time", time()),
        ("widget_url", or_null(any_text())),
        ("order_id", id()),
        ("order_number", any_text()),
        ("route_id", id()),
        ("route_number", any_text()),
        ("owner_company_id", id()),
        ("owner_company_name", or_null(any_text())),
    ]);
    let courier = closed([
        ("name", or_null(any_text())),
        ("number", any_text()),
        ("location", or_null(place())),
        ("location_updated_at", moment()),
    ]);
    let order_info = closed([
        ("status", any_text()),
        ("tracking_url", or_null(any_text())),
        ("courier", or_null(courier)),
        ("delivery_queue_position", or_null(at_least(0))),
        ("estimated_delivery_time", moment()),
    ]);
    let last = closed([("lat", any_number()), ("lon", any_number()), ("time", time())]);
    let route_info = closed([
        ("route_id", id()),
        ("nodes", list(any_object(), None)),
        ("courier_position", or_null(last)),
        ("courier_violated_route", flag()),
    ]);
    let plan_fact = closed([
        ("route_id", id()),
        ("route_number", any_text()),
        ("courier_id", or_null(id())),
        ("route_start", or_null(time())),
        ("route_finish", or_null(time())),
        ("courier_violated_route", flag()),
        ("nodes", list(any_object(), None)),
    ]);
    let place_of_track = closed([
        ("lat", number(-90.0, 90.0)),
        ("lon", number(-180.0, 180.0)),
        ("timestamp", any_number()),
        ("server_timestamp", any_number()),
    ]);
    let refused = closed([("index", at_least(0)), ("reason", any_text())]);
    let pushed = closed([("accepted", at_least(0)), ("refused", list(refused, None))]);
    vec![
        ("Batch", batch),
        ("Notification", notification),
        ("CourierPosition", place_of_track),
        ("OrderInfo", order_info),
        ("RouteInfo", route_info),
        ("PlanFact", plan_fact),
        ("CourierPosition", courier_position()),
        ("Positions", positions()),
        ("Pushed", pushed),
    ]
}

fn courier_position() -> Value {
    closed([
        ("lat", number(-90.0, 90.0)),
        ("lon", number(-180.0, 180.0)),
        ("timestamp", any_number()),
        ("server_timestamp", any_number()),
    ])
}

fn erasure() -> Value {
    closed([("courier_id", id()), ("events", at_least(0)), ("track_files", at_least(0))])
}

/// Keys that are not known are passed over.
fn positions() -> Value {
    let point = object([("lat", number(-90.0, 90.0)), ("lon", number(-180.0, 180.0))]);
    let timestamp = number(0.0, crate::api::track_and_trace::TIMESTAMP_MAX_S);
    let mut position = object([("point", point), ("timestamp", timestamp)]);
    for key in ["accuracy", "speed", "heading"] {
        position["properties"][key] = or_null(any_number());
    }
    object([("positions", list(position, Some(BATCH_MAX)))])
}

fn native() -> Vec<(&'static str, Value)> {
    let roles = || one_of(Role::ALL.map(Role::name));
    let mut wish =
        optional([("role", roles()), ("courier_id", or_null(id())), ("depot_id", or_null(id()))]);
    wish["required"] = json!(["role"]);
    let mut token = object([
        ("id", id()),
        ("company_id", id()),
        ("role", roles()),
        ("courier_id", or_null(id())),
        ("depot_id", or_null(id())),
        ("created_at", time()),
        ("last_used_at", or_null(time())),
        ("revoked_at", or_null(time())),
    ]);
    token["properties"]["token"] = json!({ "type": "string", "description": "Shown once." });
    token["additionalProperties"] = false.into();
    let texts = [
        "id",
        "source",
        "type",
        "subject",
        "recordedtime",
        "sequence",
        "partitionkey",
        "datacontenttype",
    ];
    let mut event = object(texts.map(|key| (key, any_text())));
    event["properties"]["specversion"] = json!({ "const": "1.0" });
    event["properties"]["time"] = time();
    event["properties"]["data"] = any_object();
    let gap = closed([("first_missing", any_text()), ("first_available", any_text())]);
    let events = closed([
        ("events", list(super::reference("Event"), None)),
        ("cursor", any_text()),
        ("has_more", flag()),
        ("gap", or_null(gap)),
    ]);
    let quic = closed([("address", any_text()), ("fingerprint", any_text())]);
    let mut info =
        object([("version", any_text()), ("quic", or_null(quic)), ("server_time", at_least(0))]);
    info["properties"]["time_scale"] = any_number();
    info["properties"]["company"] = any_object();
    info["properties"]["role"] = roles();
    info["properties"]["courier_id"] = or_null(id());
    info["additionalProperties"] = false.into();
    let mut located = object([
        ("courier_id", id()),
        ("number", or_null(any_text())),
        ("name", or_null(any_text())),
        ("lat", any_number()),
        ("lon", any_number()),
        ("time", time()),
    ]);
    located["properties"]["distance_m"] = not_negative();
    located["additionalProperties"] = false.into();
    vec![
        ("Token", token),
        ("TokenWish", wish),
        ("ErasureWish", closed([("courier_id", at_least(0))])),
        ("Erasure", erasure()),
        ("Event", event),
        ("Events", events),
        ("Info", info),
        ("Located", located),
        ("PageState", any_object()),
        ("Description", any_object()),
    ]
}
