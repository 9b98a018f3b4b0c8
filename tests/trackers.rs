//! Trackers over real HTTP, as their API document (003) has them.

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

const TRACKERS: &str = "/v1/trackers";

#[test]
fn the_printed_request_is_accepted_and_answered_as_printed() {
    let (place, clock) = (Place::new(), Clock::manual(morning()));
    let serving = Serving::start(&place, &SimDisk::default(), &clock);
    let depot = json!({"number": "Self Delivery Store", "lat": 29.92, "lon": -95.55,
        "time_zone": "America/Chicago", "address": "1 Store Street"});
    serving.post(&format!("{C}/depots"), &depot);
    let request = printed("003_lines_063_092.json");
    let made = serving.post(TRACKERS, &request);
    // Barcodes are of the request and are given back; the location's address has one line only.
    let found = differences(
        &printed("003_lines_097_166.json"),
        &made,
        &[],
        &["", "/orderAttributes", "/deliveryAddress"],
    );
    assert_eq!(found, Vec::<String>::new(), "{made:#}");
    let same = [
        "locationExternalId",
        "trackerExternalId",
        "trackingId",
        "barcodes",
        "type",
        "orderAttributes",
        "orderValue",
        "deliveryContact",
        "deliveryAddress",
    ];
    for key in same {
        assert_eq!(made[key], request[key], "{key} of lines 63 to 92");
    }
    assert_eq!(made["pickupTime"], json!({"startsAt": 1_649_253_600_000_i64, "endsAt": null}));
    assert_eq!(made["deliveryTime"], json!({"startsAt": null, "endsAt": 1_649_268_000_000_i64}));
    assert_eq!(made["provider"]["name"], "Self Delivery");
    assert_eq!(made["orderExternalId"], "tracker001");
    assert_eq!(made["status"], "ORDER_DISPATCHED");
    assert_eq!(made["timeZone"], "America/Chicago");
    let url = made["referenceLinks"]["customerWebflowUrl"].as_str().unwrap();
    assert!(url.starts_with("http://localhost/t/"));
    assert!(made.get("warnings").is_none());
    let id = made["id"].as_str().unwrap();
    assert_eq!(serving.get(&format!("{TRACKERS}/{id}")), made);
    assert_eq!(serving.get(&format!("{TRACKERS}?trackerExternalId=tracker001"))[0], made);
    assert_eq!(serving.get(TRACKERS).as_array().unwrap().len(), 1);

    // The same order, as Track & Trace has it.
    let order = serving.get(&format!("{C}/orders/{id}"));
    assert_eq!(order["number"], "tracker001");
    assert_eq!((&order["lat"], &order["lon"]), (&json!(29.925_982_3), &json!(-95.552_387_9)));
    assert_eq!(order["customer_name"], "Mein Wan");
    let address = "8849 North Sam Houston Parkway West, Houston, TX, 77064, US";
    assert_eq!((&order["address"], &order["amount"]), (&json!(address), &json!(100)));
    let change = json!({"customer_name": "Mei", "time_interval": null});
    serving.ask("PATCH", &format!("{C}/orders/{id}"), &change).expect(200);
    let read = serving.get(&format!("{TRACKERS}/{id}"));
    assert_eq!(read["deliveryContact"]["name"], "Mei", "one truth");
    assert_eq!(read["deliveryTime"], json!({"startsAt": null, "endsAt": null}));
    serving.stop();
}

#[test]
fn every_field_has_its_type_and_its_limit() {
    let (place, clock) = (Place::new(), Clock::manual(morning()));
    let serving = Serving::start(&place, &SimDisk::default(), &clock);
    let long = |chars: usize| json!("x".repeat(chars));
    // The field, what is just allowed, what is not, and the line of the document.
    let table = [
        ("trackingId", long(100), long(101), 25),
        ("type", json!("pickup"), json!("flight"), 26),
        ("groupId", long(100), long(101), 27),
        ("orderAttributes", json!({"a": [1]}), json!([]), 28),
        ("orderValue", json!(0), json!(-0.01), 30),
        ("pickupTime", json!({"startsAt": 0}), json!({"startsAt": "soon"}), 31),
        ("deliveryTime", json!({"endsAt": 5, "startsAt": 4}), json!({"until": 5}), 32),
        ("deliveryContact", json!({"name": "A"}), json!({"name": 1}), 34),
        ("deliveryAddress", json!({"latitude": 90, "longitude": 1}), json!({"latitude": 91}), 35),
        ("pickupInstructions", long(10_000), long(10_001), 37),
        ("deliveryInstructions", long(10_000), long(10_001), 38),
        ("packages", json!([{"weight": 2}]), json!([2]), 39),
        ("trackerExternalId", long(100), long(101), 41),
        ("barcodes", json!(["1"]), json!([1]), 42),
        ("createdDate", json!(1_649_253_600_000_i64), json!("today"), 43),
        ("items", json!([{}]), json!({}), 44),
        ("locale", json!("en"), json!(7), 46),
        ("pickup", json!({"address": {}}), json!("here"), 47),
        ("provider", long(100), long(101), 49),
        ("colour", Value::Null, json!("red"), 0),
    ];
    for (at, (key, good, bad, line)) in table.iter().enumerate() {
        let base = json!({"pickup": {"address": {}}, "deliveryAddress": {"city": "Ulm"},
            "trackerExternalId": format!("t-{at}")});
        let with = |value: &Value| {
            let mut body = base.clone();
            body[key] = value.clone();
            serving.ask("POST", TRACKERS, &body)
        };
        if *line > 0 {
            with(good).expect(201);
            let mut null = base.clone();
            null["trackerExternalId"] = json!(format!("n-{at}"));
            if !matches!(*key, "deliveryAddress" | "pickup") {
                null[key] = Value::Null;
            }
            serving.ask("POST", TRACKERS, &null).expect(201);
        }
        let refused = with(bad).expect(422);
        let error = &refused["errors"][0];
        assert_eq!(error["type"], "INVALID_TRACKER_DATA", "{key}, line {line}: {refused}");
        assert_eq!(error["severity"], "hard");
        assert!(error["field"].as_str().unwrap().starts_with(key), "{key}, line {line}: {error}");
    }
    serving.stop();
}

#[test]
fn errors_and_warnings_are_those_of_the_document() {
    let (place, clock) = (Place::new(), Clock::manual(morning()));
    let serving = Serving::start(&place, &SimDisk::default(), &clock);
    let good = json!({"pickup": {}, "deliveryAddress": {"city": "Ulm"}, "groupId": "g",
        "trackerExternalId": "a".repeat(90)});
    let made = serving.post(TRACKERS, &good);
    assert_eq!(made["warnings"][0]["field"], "deliveryAddress", "{made:#}");
    assert_eq!(made["trackerExternalId"], "a".repeat(90));
    assert_eq!(made["orderExternalId"].as_str().unwrap().chars().count(), 80);
    let read = serving.post("/v1/tokens", &json!({"role": "read"}));
    let read = read["token"].as_str().unwrap().to_owned();
    let company = serving.post("/api/v1/companies", &json!({"number": "others"}));
    let other = company["admin_token"].as_str().unwrap().to_owned();
    let admin = Some(serving.token.as_str());
    let one = format!("{TRACKERS}/{}", made["id"].as_str().unwrap());
    let unknown = json!({"locationExternalId": "moon", "deliveryAddress": {}});
    let table = [
        // Lines 17 to 20.
        (None, "POST", TRACKERS, good.clone(), 401, "UNAUTHORIZED"),
        (admin, "POST", TRACKERS, good.clone(), 422, "INVALID_TRACKER_DATA"),
        (admin, "POST", TRACKERS, unknown, 422, "INVALID_TRACKER_DATA"),
        (admin, "POST", TRACKERS, json!({"deliveryAddress": {}}), 400, "MISSING_TRACKER_DATA"),
        (admin, "POST", TRACKERS, json!({"pickup": {}}), 400, "MISSING_TRACKER_DATA"),
        (admin, "GET", "/v1/trackers/99", Value::Null, 404, "TRACKER_NOT_FOUND"),
        (Some(&other), "GET", &one, Value::Null, 404, "TRACKER_NOT_FOUND"),
        (Some(&read), "POST", TRACKERS, good, 403, "FORBIDDEN"),
    ];
    for (token, method, path, body, status, kind) in table {
        let answer = serving.ask_as(token, method, path, &body).expect(status);
        let error = &answer["errors"][0];
        assert_eq!(error["type"], kind, "{answer}");
        assert_eq!(error["severity"], "hard");
        assert!(error["message"].is_string());
    }
    assert_eq!(serving.ask_as(Some(&other), "GET", TRACKERS, &Value::Null).expect(200), json!([]));
    let group = serving.get(&format!("{TRACKERS}?groupId=g"));
    assert_eq!(group.as_array().unwrap().len(), 1);
    assert_eq!(serving.get(&format!("{TRACKERS}?groupId=h")), json!([]));
    let cancelled = serving.ask("POST", &format!("{one}/cancel"), &Value::Null).expect(200);
    assert_eq!(cancelled["status"], "ORDER_CANCELLED");
    let again = serving.ask("POST", &format!("{one}/cancel"), &Value::Null).expect(200);
    assert_eq!(again, cancelled);
    // Without an external id there is a number all the same; a pickup needs no delivery address.
    let bare = serving.post(TRACKERS, &json!({"pickup": {}, "type": "pickup"}));
    assert_eq!(bare["orderExternalId"], format!("tracker-{}", bare["id"].as_str().unwrap()));
    assert_eq!(bare["trackerExternalId"], Value::Null);
    serving.stop();
}

#[test]
fn a_couriers_visit_moves_the_tracker() {
    let (place, clock) = (Place::new(), Clock::manual(morning()));
    let serving = Serving::start(&place, &SimDisk::default(), &clock);
    let (courier, route, first) = with_route(&serving);
    let depot = json!({"number": "hub", "lat": 52.5 + 3_000.0 / 111_267.0, "lon": 13.4});
    serving.post(&format!("{C}/depots"), &depot);
    let path = format!("{C}/routes/{route}");
    serving.ask("PATCH", &path, &json!({"depot_number": "hub"})).expect(200);
    serving.ask("DELETE", &format!("{C}/orders/{first}"), &Value::Null);
    let late = morning().ms() + 700_000;
    let made = serving.post(
        TRACKERS,
        &json!({"locationExternalId": "hub", "trackerExternalId": "t1", "type": "delivery",
            "deliveryTime": {"startsAt": morning().ms(), "endsAt": late},
            "deliveryAddress": {"latitude": 52.5, "longitude": 13.4}}),
    );
    let id = made["id"].as_str().unwrap().to_owned();
    let tracker = || serving.get(&format!("{TRACKERS}/{id}"));
    let status = || tracker()["status"].as_str().unwrap().to_owned();
    assert_eq!(status(), "ORDER_DISPATCHED");
    let order = format!("{C}/orders/{id}");
    let onto = json!({"route_id": route, "service_duration_s": 120});
    serving.ask("PATCH", &order, &onto).expect(200);
    assert_eq!(status(), "ORDER_ASSIGNED");
    drive(&serving, courier, route, &[(5, 3_000.0), (25, 3_000.0)]);
    assert_eq!(status(), "PICKUP_STARTED");
    drive(&serving, courier, route, &[(40, 2_000.0), (60, 1_800.0)]);
    let read = tracker();
    assert_eq!(read["status"], "OUT_FOR_DELIVERY", "{read:#}");
    assert!(read["estimatedDeliveryTime"]["startsAt"].as_i64().unwrap() > morning().ms());
    assert_eq!(read["driver"]["name"], "Ann");
    assert_eq!(read["lastLocation"]["timestamp"], morning().ms() + 60_000);
    drive(&serving, courier, route, &[(660, 1_700.0)]);
    assert_eq!(status(), "ORDER_DELAYED", "the ETA is past the window's end");
    drive(&serving, courier, route, &[(860, 10.0), (880, 400.0), (900, 400.0)]);
    serving.ask("PATCH", &order, &json!({"status": "postponed"})).expect(200);
    assert_eq!(status(), "ORDER_UNDELIVERABLE");
    serving.ask("PATCH", &order, &json!({"status": "confirmed"})).expect(200);
    drive(&serving, courier, route, &[(1100, 10.0), (1120, 10.0), (1140, 10.0), (1170, 10.0)]);
    assert_eq!(status(), "ORDER_DELIVERED");
    let answer = serving.ask("POST", &format!("{TRACKERS}/{id}/cancel"), &Value::Null);
    assert_eq!(answer.expect(422)["errors"][0]["severity"], "hard");
    serving.stop();
}
