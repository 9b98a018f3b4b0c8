//! Who gets what: every path and method with no token, a revoked one, another company's, and each
//! role, against a table of the answers. A path that the router knows and the table does not fails.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    reason = "it owns its directories, threads and connections, and may panic"
)]

#[expect(dead_code, reason = "other tests use the rest")]
mod support {
    pub mod delivery;
    pub mod http;
    pub mod serving;
}

use std::cell::Cell;
use std::collections::BTreeSet;

use doorstep::runtime::clock::Clock;
use doorstep::storage::sim_disk::SimDisk;
use serde_json::{Value, json};
use support::delivery::{C, with_route};
use support::serving::{Place, Serving, morning};

/// Whose token is sent, in the order of the table's answers.
const CALLERS: [&str; 10] = [
    "none",
    "revoked",
    "another company's admin",
    "admin",
    "backend",
    "device",
    "gateway",
    "subscriber",
    "read",
    "location",
];

const OPEN: [u16; 10] = [200; 10];
const READ: [u16; 10] = [401, 401, 403, 200, 200, 403, 403, 200, 200, 403];
const STORE: [u16; 10] = [401, 401, 403, 200, 200, 403, 403, 403, 403, 403];
const MAKE: [u16; 10] = [401, 401, 403, 201, 201, 403, 403, 403, 403, 403];
const DROP: [u16; 10] = [401, 401, 403, 204, 204, 403, 403, 403, 403, 403];
/// Of the caller's own company, whichever that is.
const READ_OWN: [u16; 10] = [401, 401, 200, 200, 200, 403, 403, 200, 200, 403];
const LISTEN_OWN: [u16; 10] = [401, 401, 200, 200, 200, 403, 403, 200, 403, 403];
const MAKE_OWN: [u16; 10] = [401, 401, 201, 201, 201, 403, 403, 403, 403, 403];
const ADMIN_OWN: [u16; 10] = [401, 401, 200, 200, 403, 403, 403, 403, 403, 403];
/// Another company's object is not there.
const READ_BY_ID: [u16; 10] = [401, 401, 404, 200, 200, 403, 403, 200, 200, 403];
const STORE_BY_ID: [u16; 10] = [401, 401, 404, 200, 200, 403, 403, 403, 403, 403];
const READ_PLACE: [u16; 10] = [401, 401, 404, 200, 200, 403, 403, 200, 200, 200];
const STORE_PLACE: [u16; 10] = [401, 401, 404, 200, 200, 403, 403, 403, 403, 200];
const MAKE_PLACE: [u16; 10] = [401, 401, 404, 201, 201, 403, 403, 403, 403, 201];
const READ_SHORT: [u16; 10] = [401, 401, 403, 403, 403, 403, 403, 403, 403, 200];
const MAKE_SHORT: [u16; 10] = [401, 401, 403, 403, 403, 403, 403, 403, 403, 201];

/// Nobody has set it when it is read.
const CALLBACK: [u16; 10] = [401, 401, 404, 404, 403, 403, 403, 403, 403, 403];

const TABLE: &[(&str, &str, [u16; 10])] = &[
    ("POST", "/api/v1/companies", [401, 401, 403, 201, 403, 403, 403, 403, 403, 403]),
    ("GET", "/api/v1/companies/{company}", READ),
    ("PATCH", "/api/v1/companies/{company}", STORE),
    ("GET", "/api/v1/companies/{company}/couriers", READ),
    ("POST", "/api/v1/companies/{company}/couriers", MAKE),
    ("POST", "/api/v1/companies/{company}/couriers-batch", STORE),
    ("GET", "/api/v1/companies/{company}/couriers/{id}", READ),
    ("PATCH", "/api/v1/companies/{company}/couriers/{id}", STORE),
    ("DELETE", "/api/v1/companies/{company}/couriers/{id}", DROP),
    ("GET", "/api/v1/companies/{company}/depots", READ),
    ("POST", "/api/v1/companies/{company}/depots", MAKE),
    ("POST", "/api/v1/companies/{company}/depots-batch", STORE),
    ("GET", "/api/v1/companies/{company}/depots/{id}", READ),
    ("PATCH", "/api/v1/companies/{company}/depots/{id}", STORE),
    ("DELETE", "/api/v1/companies/{company}/depots/{id}", DROP),
    ("GET", "/api/v1/companies/{company}/order-notifications", READ),
    ("GET", "/api/v1/companies/{company}/orders", READ),
    ("POST", "/api/v1/companies/{company}/orders", MAKE),
    ("POST", "/api/v1/companies/{company}/orders-batch", STORE),
    ("GET", "/api/v1/companies/{company}/orders/{id}", READ),
    ("PATCH", "/api/v1/companies/{company}/orders/{id}", STORE),
    ("DELETE", "/api/v1/companies/{company}/orders/{id}", DROP),
    ("GET", "/api/v1/companies/{company}/orders/{id}/order-info", READ),
    ("GET", "/api/v1/companies/{company}/routes", READ),
    ("POST", "/api/v1/companies/{company}/routes", MAKE),
    ("POST", "/api/v1/companies/{company}/routes-batch", STORE),
    ("GET", "/api/v1/companies/{company}/routes/{id}", READ),
    ("PATCH", "/api/v1/companies/{company}/routes/{id}", STORE),
    ("DELETE", "/api/v1/companies/{company}/routes/{id}", DROP),
    ("GET", "/api/v1/companies/{company}/routes/{id}/plan-fact", READ),
    ("GET", "/api/v1/companies/{company}/routes/{id}/route-info", READ),
    ("PUT", "/api/v1/companies/{company}/routes/{route}/nodes", STORE),
    (
        "POST",
        "/api/v1/couriers/{courier}/routes/{route}/push-positions-v3",
        [401, 401, 403, 200, 200, 200, 200, 403, 403, 403],
    ),
    ("GET", "/api/v2/companies/{company}/routes/{id}/courier-positions", READ),
    ("GET", "/livez", OPEN),
    ("GET", "/location/orders/{order}/delivery", READ_SHORT),
    ("POST", "/location/orders/{order}/delivery", MAKE_SHORT),
    ("PATCH", "/location/orders/{order}/delivery", READ_SHORT),
    ("GET", "/locations/{location}/orders/{order}/delivery", READ_PLACE),
    ("POST", "/locations/{location}/orders/{order}/delivery", MAKE_PLACE),
    ("PATCH", "/locations/{location}/orders/{order}/delivery", STORE_PLACE),
    ("GET", "/metrics", OPEN),
    ("GET", "/openapi.json", OPEN),
    ("GET", "/readyz", OPEN),
    ("GET", "/t/page.css", OPEN),
    ("GET", "/t/page.js", OPEN),
    ("GET", "/t/{order}/{id}", OPEN),
    ("GET", "/t/{order}/{id}/state", OPEN),
    ("GET", "/v1/couriers/near", READ_OWN),
    ("GET", "/v1/couriers/nearest", READ_OWN),
    ("GET", "/v1/couriers/within", READ_OWN),
    ("POST", "/v1/erasures", [401, 401, 404, 200, 403, 403, 403, 403, 403, 403]),
    ("GET", "/v1/events", LISTEN_OWN),
    ("GET", "/v1/info", OPEN),
    ("GET", "/v1/tokens", ADMIN_OWN),
    ("POST", "/v1/tokens", MAKE_OWN),
    ("DELETE", "/v1/tokens/{id}", [401, 401, 404, 204, 403, 403, 403, 403, 403, 403]),
    ("GET", "/v1/deliveries/callback", CALLBACK),
    ("PUT", "/v1/deliveries/callback", ADMIN_OWN),
    ("DELETE", "/v1/deliveries/callback", [401, 401, 204, 204, 403, 403, 403, 403, 403, 403]),
    ("GET", "/v1/trackers", READ_OWN),
    ("POST", "/v1/trackers", MAKE_OWN),
    ("GET", "/v1/trackers/{id}", READ_BY_ID),
    ("POST", "/v1/trackers/{id}/cancel", STORE_BY_ID),
];

#[test]
fn every_caller_gets_what_the_table_says() {
    let place = Place::new();
    let scene = Scene::new(&place);
    let mut wrong = Vec::new();
    for (method, path, answers) in TABLE {
        for (at, expected) in answers.iter().enumerate() {
            let target = scene.filled(method, path, "1");
            let body = scene.body(method, path);
            let token = scene.tokens[at].as_deref();
            let answer = scene.serving.ask_as(token, method, &target, &body);
            if answer.status != *expected {
                let (caller, status) = (CALLERS[at], answer.status);
                wrong.push(format!(
                    "{method} {path} as {caller}: {status}, not {expected}: {}",
                    answer.body
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    scene.serving.stop();
}

#[test]
fn under_its_own_path_a_company_finds_no_object_of_another() {
    let place = Place::new();
    let scene = Scene::new(&place);
    let of_objects = TABLE.iter().filter(|(_, path, _)| {
        let under = path.split_once("/companies/{company}/");
        under.is_some_and(|(_, rest)| rest.contains('{'))
    });
    let mut asked = 0;
    for (method, path, _) in of_objects {
        let target = scene.filled(method, path, "2");
        let body = scene.body(method, path);
        let answer = scene.serving.ask_as(scene.tokens[2].as_deref(), method, &target, &body);
        assert_eq!(answer.status, 404, "{method} {target}: {}", answer.body);
        asked += 1;
    }
    assert!(asked > 15);
    scene.serving.stop();
}

#[test]
fn the_table_holds_every_path_and_method() {
    let place = Place::new();
    let scene = Scene::new(&place);
    let mut served = BTreeSet::new();
    for path in scene.serving.paths() {
        for method in scene.serving.methods(&path.replace(['{', '}'], "")) {
            served.insert(format!("{method} {path}"));
        }
    }
    let table = TABLE.iter().map(|(method, path, _)| format!("{method} {path}"));
    assert_eq!(table.collect::<BTreeSet<_>>(), served);
    scene.serving.stop();
}

/// Two companies, a token of each kind, and objects of the first company.
struct Scene {
    serving: Serving,
    tokens: Vec<Option<String>>,
    courier: u64,
    route: u64,
    order: u64,
    depot: u64,
    tracker: String,
    next: Cell<u64>,
}

impl Scene {
    fn new(place: &Place) -> Self {
        let serving = Serving::start(place, &SimDisk::default(), &Clock::manual(morning()));
        let (courier, route, order) = with_route(&serving);
        let depot = json!({"number": "hub", "lat": 52.4, "lon": 13.4});
        let depot = serving.post(&format!("{C}/depots"), &depot)["id"].as_u64().unwrap();
        let delivery = format!("/locations/{depot}/orders/{order}/delivery");
        serving.post(&delivery, &a_delivery());
        let tracker = serving.post("/v1/trackers", &tracker(0))["id"].as_str().unwrap().to_owned();
        let other = serving.post("/api/v1/companies", &json!({"number": "others"}));
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let make = |wish: Value| {
            let made = serving.post("/v1/tokens", &wish);
            (made["id"].clone(), text(&made["token"]))
        };
        let (id, revoked) = make(json!({"role": "admin"}));
        serving.ask("DELETE", &format!("/v1/tokens/{id}"), &Value::Null).expect(204);
        let role = |role: &str| Some(make(json!({"role": role})).1);
        let tokens = vec![
            None,
            Some(revoked),
            Some(text(&other["admin_token"])),
            Some(serving.token.clone()),
            role("backend"),
            Some(make(json!({"role": "device", "courier_id": courier})).1),
            role("gateway"),
            role("subscriber"),
            role("read"),
            Some(make(json!({"role": "location", "depot_id": depot})).1),
        ];
        let next = Cell::new(0);
        Self { serving, tokens, courier, route, order, depot, tracker, next }
    }

    fn unique(&self) -> u64 {
        self.next.set(self.next.get() + 1);
        self.next.get()
    }

    /// A path with its ids and parameters; what is to be deleted is made for it.
    fn filled(&self, method: &str, path: &str, company: &str) -> String {
        if let Some(rest) = path.strip_prefix("/t/{order}/{id}") {
            let info = self.serving.get(&format!("{C}/orders/{}/order-info", self.order));
            let link = info["tracking_url"].as_str().unwrap();
            return link.trim_start_matches("http://localhost").to_owned() + rest;
        }
        let is_gone_after = method == "DELETE" || path.ends_with("/delivery") && method == "POST";
        let id = if path.contains("/couriers/{id}") {
            if is_gone_after { self.made("couriers") } else { self.courier }
        } else if path.contains("/depots/{id}") {
            if is_gone_after { self.made("depots") } else { self.depot }
        } else if path.contains("/orders/{") {
            if is_gone_after { self.made("orders") } else { self.order }
        } else if path.contains("/routes/{id}") {
            if is_gone_after { self.made("routes") } else { self.route }
        } else if path.contains("/tokens/{id}") {
            let made = self.serving.post("/v1/tokens", &json!({"role": "read"}));
            made["id"].as_u64().unwrap()
        } else {
            self.tracker.parse().unwrap()
        };
        let filled = path
            .replace("{company}", company)
            .replace("{id}", &id.to_string())
            .replace("{order}", &id.to_string())
            .replace("{location}", &self.depot.to_string())
            .replace("{courier}", &self.courier.to_string())
            .replace("{route}", &self.route.to_string());
        let parameters = match path.rsplit('/').next().unwrap() {
            "order-notifications" => "?from=2026-05-04T08:00:00Z&to=2026-05-04T08:10:00Z",
            "courier-positions" => "?from=2026-05-04T08:00:00Z&to=2026-05-04T10:00:00Z",
            "near" => "?lat=52&lon=13&radius_m=10",
            "nearest" => "?lat=52&lon=13",
            "within" => "?bbox=13,52,14,53",
            _ => "",
        };
        filled + parameters
    }

    fn made(&self, table: &str) -> u64 {
        let body = self.body("POST", &format!("/{table}"));
        self.serving.post(&format!("{C}/{table}"), &body)["id"].as_u64().unwrap()
    }

    /// A good body.
    fn body(&self, method: &str, path: &str) -> Value {
        if matches!(method, "GET" | "DELETE") || path.ends_with("/cancel") {
            return Value::Null;
        }
        let number = format!("n{}", self.unique());
        let object = match path.rsplit('/').next().unwrap() {
            "depots" | "depots-batch" => json!({"number": number, "lat": 52.0, "lon": 13.0}),
            "routes" | "routes-batch" => {
                json!({"number": number, "date": "2026-05-04", "courier_number": "ann"})
            }
            "nodes" => json!({"order_id": self.order}),
            "callback" => json!({"url": "https://example.com/"}),
            "tokens" => json!({"role": "read"}),
            "trackers" => tracker(self.unique()),
            "erasures" => json!({"courier_id": self.made("couriers")}),
            "push-positions-v3" => {
                let point = json!({"lat": 52.0, "lon": 13.0});
                json!({"positions": [{"timestamp": 1_777_881_600, "point": point}]})
            }
            "companies" | "couriers" | "orders" | "couriers-batch" | "orders-batch" => {
                json!({"number": number})
            }
            "{company}" => json!({"name": number}),
            "delivery" if method == "POST" => a_delivery(),
            "delivery" => json!({"driver_name": number}),
            _ => json!({}),
        };
        let is_list = path.ends_with("-batch") || path.ends_with("/nodes");
        if is_list { json!([object]) } else { object }
    }
}

fn a_delivery() -> Value {
    json!({"status": "pending", "carrier": "Ann's bicycles"})
}

fn tracker(unique: u64) -> Value {
    json!({
        "trackerExternalId": format!("t{unique}"), "type": "delivery",
        "pickup": {"address": {"latitude": 52.0, "longitude": 13.0}},
        "deliveryAddress": {"latitude": 52.1, "longitude": 13.0},
    })
}
