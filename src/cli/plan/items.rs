//! The documents of a plan as the API takes them, by their numbers and in the order in which they
//! can be stored. Knows the file's form; its values were checked before.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use crate::domain::time::Time;
use crate::runtime::local_time;

/// What is stored, each list after the ones before it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Items {
    /// Every setting: what the plan leaves out is reset.
    pub company: Value,
    /// With what the plan says of each.
    pub depots: Vec<Value>,
    /// Those of the list first, then those whom routes alone name.
    pub couriers: Vec<Value>,
    /// Without their orders.
    pub routes: Vec<Value>,
    /// In sequence, each with its route.
    pub orders: Vec<Value>,
    /// Routes again, where nodes say more than the orders' sequence.
    pub sequences: Vec<Value>,
}

impl Items {
    /// The documents of a plan's text, which is valid. `epoch` gives routes without a date theirs.
    #[must_use]
    pub fn of(text: &str, epoch: Time) -> Self {
        let plan: Value = serde_json::from_str(text).unwrap_or_default();
        let list = |key: &str| plan.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
        let company = plan.get("company").cloned().unwrap_or_default();
        let zone_of = |value: &Value| zone(value.get("time_zone")?.as_str()?);
        let days = Days {
            epoch,
            company: zone_of(&company).unwrap_or(TimeZone::UTC),
            depots: list("depots")
                .iter()
                .filter_map(|depot| Some((text_of(depot, "number")?, zone_of(depot)?)))
                .collect(),
        };
        let mut items = Self {
            company: settings(&company),
            depots: list("depots"),
            couriers: list("couriers"),
            ..Self::default()
        };
        let routes = list("routes");
        items.add_couriers_of(&routes);
        for route in &routes {
            items.add_route(route, &days);
        }
        items
    }

    fn add_couriers_of(&mut self, routes: &[Value]) {
        let listed = self.couriers.iter().filter_map(|courier| text_of(courier, "number"));
        let mut known: BTreeSet<String> = listed.collect();
        for number in routes.iter().filter_map(|route| text_of(route, "courier")) {
            if known.insert(number.clone()) {
                self.couriers.push(json!({ "number": number }));
            }
        }
    }

    fn add_route(&mut self, route: &Value, days: &Days) {
        let Some(number) = text_of(route, "number") else { return };
        let nodes = route.get("nodes").and_then(Value::as_array);
        let starts_at = nodes.and_then(|nodes| text_of(nodes.first()?, "depot"));
        let depot = text_of(route, "depot_number").or(starts_at);
        let date = text_of(route, "date").unwrap_or_else(|| days.of(depot.as_deref()));
        let mut item = json!({
            "number": number,
            "courier_number": route.get("courier"),
            "date": date,
            "depot_number": depot,
        });
        for key in ["routing_mode", "imei", "route_start", "route_finish"] {
            item[key] = route.get(key).cloned().unwrap_or_default();
        }
        self.routes.push(item);
        for order in route.get("orders").and_then(Value::as_array).into_iter().flatten() {
            self.add_order(order, &number);
        }
        let Some(nodes) = nodes else { return };
        let sequence: Vec<Value> = nodes.iter().map(|node| self.node(node, &number)).collect();
        self.sequences.push(json!({ "number": number, "nodes": sequence }));
    }

    /// A node as a route's list has it; an order is noted.
    fn node(&mut self, node: &Value, route: &str) -> Value {
        let of = |key: &str| node.get(key).filter(|value| !value.is_null());
        match (of("order"), of("depot"), of("garage")) {
            (Some(order), _, _) => {
                self.add_order(order, route);
                json!({ "order_number": order.get("number") })
            }
            (None, Some(depot), _) => json!({ "depot_number": depot }),
            (None, None, garage) => json!({ "garage": garage }),
        }
    }

    fn add_order(&mut self, order: &Value, route: &str) {
        let mut item = order.as_object().cloned().unwrap_or_default();
        item.retain(|key, value| !ELSEWHERE.contains(&key.as_str()) && !value.is_null());
        item.insert("route_number".to_owned(), route.into());
        self.orders.push(Value::Object(item));
    }
}

/// The day of routes that have no date.
struct Days {
    epoch: Time,
    company: TimeZone,
    /// By number, where they have their own.
    depots: BTreeMap<String, TimeZone>,
}

impl Days {
    fn of(&self, depot: Option<&str>) -> String {
        let zone = depot.and_then(|number| self.depots.get(number)).unwrap_or(&self.company);
        let epoch = Timestamp::from_millisecond(self.epoch.ms()).unwrap_or(Timestamp::UNIX_EPOCH);
        epoch.to_zoned(zone.clone()).date().to_string()
    }
}

fn settings(company: &Value) -> Value {
    let settings = SETTINGS.iter().map(|key| {
        let value = company.get(key).cloned().unwrap_or_default();
        ((*key).to_owned(), value)
    });
    Value::Object(settings.collect::<Map<_, _>>())
}

fn text_of(value: &Value, key: &str) -> Option<String> {
    value.get(key)?.as_str().map(str::to_owned)
}

fn zone(name: &str) -> Option<TimeZone> {
    local_time::zone(name).ok()
}

/// Every setting of a company.
pub const SETTINGS: [&str; 18] = [
    "mark_delivered_enabled",
    "mark_delivered_radius",
    "mark_delivered_service_time_coefficient",
    "eta_type",
    "time_zone",
    "tracking_start_h",
    "partially_finished_status_enabled",
    "delivery_by_order_statuses",
    "nearby_eta_s",
    "nearby_distance_m",
    "overlap_policy",
    "inferred_visits",
    "arrival_scope",
    "resequence",
    "max_gap_s",
    "use_refined_location",
    "retention_days",
    "allowed_courier_position_sources",
];
/// What an order that was read names of another installation.
const ELSEWHERE: [&str; 4] =
    ["route_id", "shared_with_company_ids", "shared_with_company_numbers", "shared_with_companies"];
