//! The documents of Track & Trace as they are written and read. Their limits and words are those
//! that check them; a test holds their keys against the types that they are read into.

use serde_json::{Value, json};

use super::forms::{
    any_number, any_object, any_text, at_least, closed, flag, id, list, not_negative, number,
    one_of, or_null, text, time, whole, words,
};
use crate::domain::policy::{NEARBY_ETA_MAX, RADIUS_MAX_M};
use crate::domain::position::Source;
use crate::domain::route::RoutingMode;
use crate::runtime::documents::limits::{
    ARRIVAL_SCOPES, COMMENT_CHARS_MAX, COMPANY_NAME_CHARS_MAX, COURIER_TEXT_CHARS_MAX,
    CUSTOMER_NAME_CHARS_MAX, CUSTOMER_NUMBER_CHARS_MAX, DESCRIPTION_CHARS_MAX, ETA_TYPES,
    INFERRED_VISITS, NUMBER_CHARS_MAX, ORDER_TYPES, OVERLAP_POLICIES, PAYMENT_STATUSES,
    PAYMENT_TYPE_INTERNAL, PAYMENT_TYPES, RETENTION_DAYS_MIN, SECONDS_MAX, SHARED_MAX, statuses,
};

/// For each kind what creates one, what changes one, what stores one by its number, and one as it is
/// read.
pub(super) fn schemas() -> Vec<(&'static str, Value)> {
    let mut schemas = Vec::new();
    for (names, fields) in [
        (["CompanyWrite", "CompanyChange", "CompanyStore", "Company"], company()),
        (["CourierWrite", "CourierChange", "CourierStore", "Courier"], courier()),
        (["DepotWrite", "DepotChange", "DepotStore", "Depot"], depot()),
        (["OrderWrite", "OrderChange", "OrderStore", "Order"], order()),
        (["RouteWrite", "RouteChange", "RouteStore", "Route"], route()),
    ] {
        let [write, change, store, read] = names;
        schemas.push((write, written(&fields, true)));
        schemas.push((change, written(&fields, false)));
        if store != "CompanyStore" {
            let mut by_number = written(&fields, false);
            by_number["required"] = json!(["number"]);
            schemas.push((store, by_number));
        }
        schemas.push((read, shown(&fields)));
    }
    schemas.push(("Node", node()));
    schemas
}

/// One field.
struct Field {
    key: &'static str,
    schema: Value,
    /// How it may be written.
    write: Write,
    /// How it is read.
    read: Read,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Write {
    /// It must be there when one is created, and is never null.
    Needed,
    /// Null resets it.
    Optional,
    /// Null is none of its values.
    NotNull,
    /// Passed over.
    Never,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Read {
    /// Always there, never null.
    Value,
    /// Always there, null where it is not set.
    OrNull,
    /// There where it applies; what is shared shows the outline of a document only.
    Sometimes,
    /// Not shown.
    Never,
}

const fn field(key: &'static str, schema: Value, write: Write, read: Read) -> Field {
    Field { key, schema, write, read }
}

/// A request: what creates one needs more.
fn written(fields: &[Field], is_new: bool) -> Value {
    let mut properties = serde_json::Map::new();
    for field in fields {
        let schema = match field.write {
            Write::Needed | Write::NotNull => field.schema.clone(),
            Write::Optional => or_null(field.schema.clone()),
            Write::Never => json!({ "readOnly": true }),
        };
        properties.insert(field.key.to_owned(), schema);
    }
    let needed = fields.iter().filter(|field| field.write == Write::Needed && is_new);
    let needed: Vec<_> = needed.map(|field| field.key).collect();
    let mut schema =
        json!({ "type": "object", "properties": properties, "additionalProperties": false });
    if !needed.is_empty() {
        schema["required"] = json!(needed);
    }
    schema
}

fn shown(fields: &[Field]) -> Value {
    let mut properties = serde_json::Map::new();
    let mut needed = Vec::new();
    for field in fields.iter().filter(|field| field.read != Read::Never) {
        let schema = field.schema.clone();
        let schema = if field.read == Read::Value { schema } else { or_null(schema) };
        properties.insert(field.key.to_owned(), schema);
        if field.read != Read::Sometimes {
            needed.push(field.key);
        }
    }
    let finding = closed([("pointer", any_text()), ("detail", any_text())]);
    properties.insert("warnings".to_owned(), list(finding, None));
    json!({
        "type": "object", "properties": properties, "required": needed,
        "additionalProperties": false,
    })
}

/// A field that null resets and that is always read.
fn usual(key: &'static str, schema: Value) -> Field {
    field(key, schema, Write::Optional, Read::OrNull)
}

/// A field that is shown to its owner.
fn setting(key: &'static str, schema: Value) -> Field {
    field(key, schema, Write::Optional, Read::Sometimes)
}

fn number_of_object() -> Value {
    let mut number = text(NUMBER_CHARS_MAX);
    number["minLength"] = 1.into();
    // Not of white space alone, and without U+0000.
    number["pattern"] = "^[^\\u0000]*[^\\u0000\\s][^\\u0000]*$".into();
    number
}

fn radius() -> Value {
    number(0.0, RADIUS_MAX_M)
}

fn seconds() -> Value {
    whole(0, i64::from(SECONDS_MAX))
}

fn degrees() -> [Value; 2] {
    [number(-90.0, 90.0), number(-180.0, 180.0)]
}

fn sources() -> Value {
    list(one_of(Source::ALL.map(Source::name)), None)
}

fn company() -> Vec<Field> {
    let mut thresholds = list(not_negative(), Some(NEARBY_ETA_MAX));
    thresholds["minItems"] = 1.into();
    vec![
        field("id", id(), Write::Never, Read::Value),
        field("company_id", id(), Write::Never, Read::Never),
        field("number", number_of_object(), Write::Optional, Read::Value),
        usual("name", text(COMPANY_NAME_CHARS_MAX)),
        field("admin_token", any_text(), Write::Never, Read::Sometimes),
        setting("mark_delivered_enabled", flag()),
        setting("mark_delivered_radius", radius()),
        setting("mark_delivered_service_time_coefficient", not_negative()),
        setting("eta_type", words(&ETA_TYPES)),
        setting("time_zone", any_text()),
        setting("tracking_start_h", not_negative()),
        setting("partially_finished_status_enabled", flag()),
        setting("delivery_by_order_statuses", flag()),
        setting("nearby_eta_s", thresholds),
        setting("nearby_distance_m", not_negative()),
        setting("overlap_policy", words(&OVERLAP_POLICIES)),
        setting("inferred_visits", words(&INFERRED_VISITS)),
        setting("arrival_scope", words(&ARRIVAL_SCOPES)),
        setting("resequence", flag()),
        setting("max_gap_s", not_negative()),
        setting("use_refined_location", flag()),
        setting("retention_days", at_least(RETENTION_DAYS_MIN)),
        setting("allowed_courier_position_sources", sources()),
    ]
}

fn courier() -> Vec<Field> {
    vec![
        field("id", id(), Write::Never, Read::Value),
        field("company_id", id(), Write::Never, Read::Value),
        field("number", number_of_object(), Write::Needed, Read::Value),
        usual("name", text(COURIER_TEXT_CHARS_MAX)),
        usual("phone", text(COURIER_TEXT_CHARS_MAX)),
        usual("silent_when_still", flag()),
        usual("allowed_courier_position_sources", sources()),
    ]
}

fn depot() -> Vec<Field> {
    let [lat, lon] = degrees();
    vec![
        field("id", id(), Write::Never, Read::Value),
        field("company_id", id(), Write::Never, Read::Value),
        field("number", number_of_object(), Write::Needed, Read::Value),
        field("lat", lat, Write::Needed, Read::Value),
        field("lon", lon, Write::Needed, Read::Value),
        usual("address", any_text()),
        usual("time_zone", any_text()),
        setting("mark_delivered_radius", radius()),
        setting("mark_route_started_radius", radius()),
        setting("service_duration_s", seconds()),
        setting("order_service_duration_s", seconds()),
    ]
}

fn route() -> Vec<Field> {
    let date = json!({ "type": "string", "format": "date" });
    let nodes = list(super::reference("Node"), None);
    vec![
        field("id", id(), Write::Never, Read::Value),
        field("company_id", id(), Write::Never, Read::Value),
        field("number", number_of_object(), Write::Needed, Read::Value),
        field("date", date, Write::Needed, Read::Value),
        field("courier_id", id(), Write::NotNull, Read::Sometimes),
        field("courier_number", any_text(), Write::NotNull, Read::Never),
        usual("depot_id", id()),
        field("depot_number", any_text(), Write::Optional, Read::Never),
        usual("routing_mode", one_of(RoutingMode::ALL.map(RoutingMode::name))),
        setting("imei", at_least(0)),
        usual("route_start", any_text()),
        usual("route_finish", any_text()),
        setting("nodes", nodes),
        field("courier_violated_route", flag(), Write::Never, Read::Never),
    ]
}

fn node() -> Value {
    let [lat, lon] = degrees();
    let garage = closed([("lat", lat), ("lon", lon)]);
    let one = |key: &'static str, schema: Value| closed([(key, schema)]);
    json!({ "oneOf": [
        one("order_id", id()), one("order_number", number_of_object()),
        one("depot_id", id()), one("depot_number", number_of_object()), one("garage", garage),
    ] })
}

fn order() -> Vec<Field> {
    let [lat, lon] = degrees();
    let payments = PAYMENT_TYPES.iter().map(|(word, ())| *word);
    let payments = one_of(payments.filter(|word| *word != PAYMENT_TYPE_INTERNAL));
    let mut fields = vec![
        field("id", id(), Write::Never, Read::Value),
        field("company_id", id(), Write::Never, Read::Value),
        field("number", number_of_object(), Write::Needed, Read::Value),
        field("type", words(&ORDER_TYPES), Write::Optional, Read::Never),
        field("status", words(&statuses()), Write::Optional, Read::Value),
        field("status_comment", text(COMMENT_CHARS_MAX), Write::Optional, Read::Never),
        usual("route_id", id()),
        field("route_number", any_text(), Write::Optional, Read::Never),
        usual("lat", lat.clone()),
        usual("lon", lon.clone()),
        usual("refined_lat", lat),
        usual("refined_lon", lon),
        usual("mark_delivered_radius", radius()),
        usual("eta_type", words(&ETA_TYPES)),
        field("service_duration_s", seconds(), Write::Optional, Read::Value),
        field("shared_service_duration_s", seconds(), Write::Optional, Read::Value),
        usual("time_interval", any_text()),
        usual("customer_name", text(CUSTOMER_NAME_CHARS_MAX)),
        usual("customer_number", text(CUSTOMER_NUMBER_CHARS_MAX)),
        usual("description", text(DESCRIPTION_CHARS_MAX)),
        usual("amount", not_negative()),
        usual("payment_type", payments),
        usual("payment_status", words(&PAYMENT_STATUSES)),
        usual("volume", any_number()),
        usual("weight", any_number()),
        usual("address", any_text()),
        usual("comments", any_text()),
        usual("phone", any_text()),
        field(
            "shared_with_company_ids",
            list(id(), Some(SHARED_MAX)),
            Write::Optional,
            Read::Value,
        ),
        field(
            "shared_with_company_numbers",
            list(any_text(), Some(SHARED_MAX)),
            Write::Optional,
            Read::Never,
        ),
    ];
    fields.extend(told_of_order());
    fields
}

/// What the engine and the server tell of an order.
fn told_of_order() -> Vec<Field> {
    let point = closed([("lat", any_number()), ("lon", any_number())]);
    let entry = closed([
        ("point", or_null(point)),
        ("status", words(&statuses())),
        ("timestamp", any_number()),
    ]);
    let comment = closed([("id", id()), ("status", words(&statuses())), ("comment", any_text())]);
    let company = closed([("number", any_text()), ("name", or_null(any_text())), ("id", id())]);
    let window = closed([("start", time()), ("end", time())]);
    vec![
        field("history", list(history_item(), None), Write::Never, Read::Value),
        field("status_log", list(entry, None), Write::Never, Read::Value),
        field("order_status_comments", list(comment, None), Write::Never, Read::Value),
        field("shared_with_companies", list(company, None), Write::Never, Read::Value),
        field("confirmed_at", time(), Write::Never, Read::OrNull),
        field("delivered_at", time(), Write::Never, Read::OrNull),
        field("time_interval_secs", list(any_number(), Some(2)), Write::Never, Read::OrNull),
        field("time_window", window, Write::Never, Read::OrNull),
    ]
}

fn history_item() -> Value {
    let position = closed([("lat", any_number()), ("lon", any_number()), ("time", time())]);
    let source = closed([("initiator", one_of(["yandex", "app", "user_api"]))]);
    let mut item = any_object();
    item["properties"] = json!({
        "event": one_of([
            "ORDER_CREATED", "START", "ORDER_BECAME_NEXT", "STATUS_UPDATE", "INTERVAL_UPDATE",
            "ARRIVAL", "ORDER_VISIT", "DEPARTURE",
        ]),
        "timestamp": any_number(), "time": time(), "position": or_null(position),
        "used_mark_delivered_radius": radius(), "source": source,
        "estimated_time": or_null(time()), "visited": flag(), "reason": or_null(any_text()),
        "inferred": or_null(flag()), "interpolated": or_null(flag()), "backfilled": or_null(flag()),
        "stay": or_null(at_least(1)),
    });
    item["required"] = json!(["event", "timestamp", "time"]);
    item["additionalProperties"] = false.into();
    item
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::collections::BTreeSet;

    use serde::de::value::Error;
    use serde::de::{Deserialize, Deserializer, Visitor};
    use serde::forward_to_deserialize_any;

    use super::{Field, company, courier, depot, order, route};
    use crate::runtime::documents::dto::{
        CompanyDto, CompanyNamesDto, CourierDocumentDto, DepotDto, OrderDto, RouteDocumentDto,
    };

    /// Tells what keys a type has, and reads nothing.
    struct Keys<'a>(&'a Cell<&'static [&'static str]>);

    impl<'de> Deserializer<'de> for Keys<'_> {
        type Error = Error;

        fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
            Err(serde::de::Error::custom("not a struct"))
        }

        fn deserialize_struct<V: Visitor<'de>>(
            self,
            _: &'static str,
            keys: &'static [&'static str],
            _: V,
        ) -> Result<V::Value, Error> {
            self.0.set(keys);
            Err(serde::de::Error::custom("known"))
        }

        forward_to_deserialize_any! {
            bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
            option unit unit_struct newtype_struct seq tuple tuple_struct map enum identifier
            ignored_any
        }
    }

    fn keys<'de, T: Deserialize<'de>>() -> BTreeSet<&'static str> {
        let known = Cell::new(&[][..]);
        assert!(T::deserialize(Keys(&known)).is_err());
        known.get().iter().copied().collect()
    }

    /// What is resolved or passed over beside the type.
    fn holds(fields: &[Field], typed: BTreeSet<&'static str>, apart: &[&'static str]) {
        let described: BTreeSet<_> = fields.iter().map(|field| field.key).collect();
        assert_eq!(described.len(), fields.len(), "a key is there twice");
        assert_eq!(described, typed.into_iter().chain(apart.iter().copied()).collect());
    }

    #[test]
    fn the_described_keys_are_those_of_the_types() {
        let names = keys::<CompanyNamesDto>();
        let settings = keys::<CompanyDto>().union(&names).copied().collect();
        holds(&company(), settings, &["id", "company_id", "admin_token"]);
        holds(&courier(), keys::<CourierDocumentDto>(), &["id", "company_id"]);
        holds(&depot(), keys::<DepotDto>(), &["id", "company_id"]);
        let resolved = [
            "id",
            "company_id",
            "courier_id",
            "courier_number",
            "depot_id",
            "depot_number",
            "nodes",
            "courier_violated_route",
        ];
        holds(&route(), keys::<RouteDocumentDto>(), &resolved);
        holds(&order(), keys::<OrderDto>(), &["route_number", "status_comment"]);
    }
}
