//! Deliveries over real HTTP, as their API document (004) has them.

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
    pub mod shape;
}

use doorstep::runtime::clock::Clock;
use doorstep::storage::sim_disk::SimDisk;
use serde_json::{Value, json};
use support::delivery::{C, drive, with_route};
use support::serving::{Place, Serving, morning};
use support::shape::{differences, printed};

#[test]
fn the_printed_delivery_is_kept_field_by_field() {
    let (place, clock) = (Place::new(), Clock::manual(morning()));
    let serving = Serving::start(&place, &SimDisk::default(), &clock);
    let scene = Scene::new(&serving);
    let missing = serving.ask_as(Some(&scene.token), "GET", &scene.short, &Value::Null);
    let missing = missing.expect(404);
    assert_eq!(missing["error_type"], "not_found", "line 58: {missing}");

    let request = printed("004_line_039.json");
    let made = serving.ask_as(Some(&scene.token), "POST", &scene.short, &request).expect(201);
    let example = printed("004_line_061.json");
    assert_eq!(differences(&example, &made, &[], &[]), Vec::<String>::new());
    for (key, value) in request.as_object().unwrap() {
        assert_eq!(made[key], *value, "{key} of line 39");
    }
    assert_eq!(made["order_id"], scene.order.to_string());
    assert_eq!(made["location_id"], scene.location.to_string());

    // What line 61 shows beside it is set by hand; null resets.
    let ids = ["id", "order_id", "location_id", "carrier", "carrier_ref", "fee"];
    let mut change = example.clone();
    change.as_object_mut().unwrap().retain(|key, _| !ids.contains(&key.as_str()));
    let read = serving.ask_as(Some(&scene.token), "PATCH", &scene.short, &change).expect(200);
    for (key, value) in example.as_object().unwrap().iter().filter(|(key, _)| !is_id(key)) {
        assert_eq!(read[key], *value, "{key} of line 61");
    }
    let change = printed("004_line_074.json");
    let read = serving.ask_as(Some(&scene.token), "PATCH", &scene.short, &change).expect(200);
    assert_eq!(read["driver_latitude"], "48.856614", "line 74");
    assert_eq!(read["driver_longitude"], "2.3522219", "line 74");
    assert_eq!(read["driver_name"], "John", "what is not named stays");
    assert_eq!(serving.get(&scene.long), read, "both paths, the same delivery");
    let order = serving.get(&format!("{C}/orders/{}", scene.order));
    assert!(order.get("delivery").is_none(), "Track & Trace shows its own fields");
    serving.stop();
}

fn is_id(key: &str) -> bool {
    matches!(key, "id" | "order_id" | "location_id")
}

#[test]
fn every_parameter_has_its_type_and_its_limit() {
    let (place, clock) = (Place::new(), Clock::manual(morning()));
    let serving = Serving::start(&place, &SimDisk::default(), &clock);
    let scene = Scene::new(&serving);
    let post = |body: Value| serving.ask("POST", &scene.long, &body);
    let refused = [
        ("carrier", json!(null), "line 20"),
        ("carrier", json!(7), "line 20"),
        ("carrier_ref", json!([]), "line 21"),
        ("ref", json!({}), "line 22"),
        ("status", json!("lost"), "line 23"),
        ("status", json!(null), "line 23"),
        ("fee", json!(4.5), "line 24"),
        ("fee", json!("4.50"), "line 24"),
        ("fee", json!("-4.50 EUR"), "line 24"),
        ("fee", json!("4.50 eur"), "line 24"),
        ("estimated_pickup_at", json!("2023-01-01T12:00:00"), "line 25"),
        ("estimated_dropoff_at", json!(1_672_570_800), "line 26"),
        ("tracking_url", json!("x".repeat(1024)), "line 27"),
        ("driver_name", json!(1), "line 28"),
        ("driver_phone", json!(false), "line 29"),
        ("driver_phone_access_code", json!(1234), "line 30"),
        ("driver_latitude", json!("90.1"), "line 31"),
        ("driver_latitude", json!("north"), "line 31"),
        ("driver_longitude", json!("-180.5"), "line 32"),
        ("driver_longitude", json!("1e2"), "line 32"),
        ("assigned_at", json!("now"), "line 33"),
        ("pickup_at", json!(0), "line 34"),
        ("delivered_at", json!("tomorrow"), "line 35"),
        ("cancelled_at", json!({}), "line 36"),
        ("colour", json!("red"), "not in the document"),
    ];
    for (key, value, line) in refused {
        let mut body = json!({"carrier": "UPS", "status": "pending"});
        body[key] = value.clone();
        let answer = post(body).expect(422);
        assert_eq!(answer["error_type"], "unprocessable_entity");
        assert_eq!(answer["errors"][0]["field"], key, "{line}: {key} = {value}: {answer}");
        assert!(answer["errors"][0]["message"].is_string());
    }
    assert_eq!(post(json!({"status": "pending"})).expect(422)["errors"][0]["field"], "carrier");
    assert_eq!(post(json!({"carrier": "UPS"})).expect(422)["errors"][0]["field"], "status");
    let made = post(json!({"carrier": "UPS", "status": "pending", "driver_latitude": 48.5}));
    assert_eq!(made.expect(201)["driver_latitude"], "48.5");
    let again = post(json!({"carrier": "UPS", "status": "pending"})).expect(422);
    assert!(again["errors"][0]["message"].as_str().unwrap().contains("already"), "line 12");
    let half = serving.get(&scene.long);
    assert_eq!(half["driver_longitude"], Value::Null, "not half of another place");
    for fixed in ["carrier", "carrier_ref", "fee"] {
        let answer = serving.ask("PATCH", &scene.long, &json!({fixed: "1.00 EUR"})).expect(422);
        assert_eq!(answer["errors"][0]["field"], fixed, "lines 67 to 69");
    }
    serving.post(&format!("{C}/orders"), &json!({"number": "P-1", "type": "pickup"}));
    let order = serving.get(&format!("{C}/orders?number=P-1"))[0]["id"].clone();
    let path = format!("/locations/{}/orders/{order}/delivery", scene.location);
    let answer = serving.ask("POST", &path, &json!({"carrier": "UPS", "status": "pending"}));
    assert!(answer.expect(422)["message"].is_string(), "lines 13 to 16");
    serving.stop();
}

#[test]
fn statuses_stamp_their_fields_unless_set_by_hand() {
    let (place, clock) = (Place::new(), Clock::manual(morning()));
    let serving = Serving::start(&place, &SimDisk::default(), &clock);
    let scene = Scene::new(&serving);
    let new = json!({"carrier": "UPS", "status": "pending"});
    serving.ask("POST", &scene.long, &new).expect(201);
    // Lines 79 to 82, in the zone of the location.
    let stamps = [
        ("pickup_enroute", "assigned_at", "2026-05-04T10:01:00+02:00"),
        ("dropoff_enroute", "pickup_at", "2026-05-04T10:02:00+02:00"),
        ("delivered", "delivered_at", "2026-05-04T10:03:00+02:00"),
        ("cancelled", "cancelled_at", "2026-05-04T10:04:00+02:00"),
    ];
    for (status, stamp, time) in stamps {
        clock.advance(60_000);
        let read = serving.ask("PATCH", &scene.long, &json!({"status": status})).expect(200);
        assert_eq!((&read["status"], &read[stamp]), (&json!(status), &json!(time)), "{read}");
    }
    clock.advance(60_000);
    let read = serving.ask("PATCH", &scene.long, &json!({"status": "delivered"})).expect(200);
    assert_eq!(read["delivered_at"], "2026-05-04T10:03:00+02:00", "the first stamp stays");
    let by_hand = json!({"delivered_at": "2026-05-04T07:30:00Z"});
    let read = serving.ask("PATCH", &scene.long, &by_hand).expect(200);
    assert_eq!(read["delivered_at"], "2026-05-04T09:30:00+02:00", "what is set by hand wins");
    let path = format!("{C}/orders/{}", scene.order);
    let order = serving.get(&path);
    assert_eq!(order["status"], "finished", "one order, whichever way it is looked at");
    serving.ask("PATCH", &path, &json!({"status": "cancelled"})).expect(200);
    assert_eq!(serving.get(&scene.long)["status"], "cancelled");
    serving.ask("PATCH", &scene.long, &json!({"status": "dropoff_enroute"})).expect(200);
    assert_eq!(serving.get(&path)["status"], "new");
    assert_eq!(serving.get(&scene.long)["status"], "dropoff_enroute");
    serving.stop();
}

#[test]
fn a_couriers_drive_moves_the_delivery() {
    let (place, clock) = (Place::new(), Clock::manual(morning()));
    let serving = Serving::start(&place, &SimDisk::default(), &clock);
    let scene = Scene::new(&serving);
    serving.ask("POST", &scene.long, &json!({"carrier": "Own", "status": "pending"})).expect(201);
    let (courier, route) = (scene.courier, scene.route);
    let status = || serving.get(&scene.long)["status"].as_str().unwrap().to_owned();
    assert_eq!(status(), "pending");
    // The depot lies 3,000 m north of the order with a fence of 500 m.
    drive(&serving, courier, route, &[(5, 9_000.0)]);
    assert_eq!(status(), "pickup_enroute");
    drive(&serving, courier, route, &[(300, 4_500.0)]);
    assert_eq!(status(), "pickup_approaching");
    drive(&serving, courier, route, &[(420, 3_000.0)]);
    assert_eq!(status(), "pickup_waiting");
    drive(&serving, courier, route, &[(440, 3_000.0), (600, 2_000.0), (620, 1_800.0)]);
    drive(&serving, courier, route, &[(640, 1_600.0), (660, 1_400.0)]);
    let read = serving.get(&scene.long);
    assert_eq!(read["status"], "dropoff_approaching", "started, next and near at once: {read:#}");
    assert_eq!(read["driver_name"], "Ann");
    assert!(read["pickup_at"].is_string() && read["assigned_at"].is_string());
    assert!(read["estimated_dropoff_at"].as_str().unwrap().ends_with("+02:00"), "{read}");
    drive(&serving, courier, route, &[(800, 10.0)]);
    assert_eq!(status(), "dropoff_waiting");
    drive(&serving, courier, route, &[(820, 300.0), (840, 400.0)]);
    assert_eq!(status(), "dropoff_enroute", "gone without a visit");
    drive(&serving, courier, route, &[(860, 10.0), (880, 10.0), (900, 10.0), (930, 10.0)]);
    let read = serving.get(&scene.long);
    assert_eq!(read["status"], "delivered");
    assert_eq!(read["delivered_at"], "2026-05-04T10:15:30+02:00");
    serving.stop();
}

#[test]
fn a_location_sees_its_own_deliveries_only() {
    let (place, clock) = (Place::new(), Clock::manual(morning()));
    let serving = Serving::start(&place, &SimDisk::default(), &clock);
    let scene = Scene::new(&serving);
    serving.ask("POST", &scene.long, &json!({"carrier": "Own", "status": "pending"})).expect(201);
    let other =
        serving.post(&format!("{C}/depots"), &json!({"number": "west", "lat": 52.4, "lon": 13.1}));
    let token = serving.post("/v1/tokens", &json!({"role": "location", "depot_id": other["id"]}));
    let west = token["token"].as_str().unwrap();
    let company = serving.post("/api/v1/companies", &json!({"number": "others"}));
    let foreign = company["admin_token"].as_str().unwrap();
    let elsewhere = format!("/locations/{}/orders/{}/delivery", other["id"], scene.order);
    let orders = format!("{C}/orders/{}", scene.order);
    let table = [
        (Some(scene.token.as_str()), scene.short.as_str(), 200),
        (Some(&scene.token), &scene.long, 200),
        (Some(&scene.token), &orders, 403),
        (Some(&serving.token), &scene.short, 403),
        (Some(&serving.token), &elsewhere, 404),
        (Some(west), &scene.long, 403),
        (Some(west), &scene.short, 404),
        (Some(foreign), &scene.long, 404),
        (Some("wrong"), &scene.long, 401),
        (None, &scene.long, 401),
    ];
    for (token, path, status) in table {
        let answer = serving.ask_as(token, "GET", path, &Value::Null);
        assert_eq!(answer.status, status, "{path}: {}", answer.body);
        if status >= 400 && path.starts_with("/location") {
            let body = answer.json();
            assert!(body["error_type"].is_string() && body["errors"].is_array(), "{body}");
        }
    }
    let unbound = serving.ask("POST", "/v1/tokens", &json!({"role": "location"}));
    assert_eq!(unbound.expect(422)["errors"][0]["pointer"], "/depot_id");
    serving.stop();
}

/// An order of a depot's route, and the two ways to its delivery.
struct Scene {
    courier: u64,
    route: u64,
    order: u64,
    location: u64,
    /// The location's own token.
    token: String,
    short: String,
    long: String,
}

impl Scene {
    fn new(serving: &Serving) -> Self {
        let (courier, route, order) = with_route(serving);
        let depot = serving.post(
            &format!("{C}/depots"),
            &json!({"number": "hub", "lat": 52.5 + 3_000.0 / 111_267.0, "lon": 13.4,
                "time_zone": "Europe/Paris"}),
        );
        let location = depot["id"].as_u64().unwrap();
        let path = format!("{C}/routes/{route}");
        serving.ask("PATCH", &path, &json!({"depot_id": location})).expect(200);
        let token = serving.post("/v1/tokens", &json!({"role": "location", "depot_id": location}));
        Self {
            courier,
            route,
            order,
            location,
            token: token["token"].as_str().unwrap().to_owned(),
            short: format!("/location/orders/{order}/delivery"),
            long: format!("/locations/{location}/orders/{order}/delivery"),
        }
    }
}
