//! Orders and notifications held against their API documents (001, 002): the printed bodies, and
//! every field's type, limit and default.

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
use support::delivery::{C, VISIT, drive, with_route};
use support::serving::{Place, Serving, morning};
use support::shape::{differences, printed};

#[test]
fn an_order_and_its_notifications_are_as_printed() {
    let (place, clock) = (Place::new(), Clock::manual(morning()));
    let serving = Serving::start(&place, &SimDisk::default(), &clock);
    let (courier, route, order) = with_route(&serving);
    let shop = serving.post("/api/v1/companies", &json!({"name": "Shop", "number": "shop"}));
    let path = format!("{C}/orders/{order}");
    let change = |body: &Value| serving.ask("PATCH", &path, body).expect(200);
    // Every field that a caller may set, with the lines of the printed body.
    let set = json!({
        "address": "Teststr. 1", "amount": 12.5, "comments": "ring twice",
        "customer_name": "Bo", "description": "a box", "lat": 52.5, "lon": 13.4,
        "number": "A-1", "customer_number": "C-9", "payment_type": "card",
        "payment_status": "unpaid", "phone": "+49 1", "route_id": route,
        "service_duration_s": 120, "shared_service_duration_s": 10, "volume": 0.2,
        "weight": 3.5, "shared_with_company_ids": [shop["id"]], "mark_delivered_radius": 100,
        "eta_type": "arrival_time", "refined_lat": 52.5001, "refined_lon": 13.4001,
        "time_interval": "10:00-12:00",
    });
    change(&set);
    change(&json!({"status": "confirmed", "status_comment": "by phone"}));
    drive(&serving, courier, route, &VISIT);
    let read = serving.get(&path);
    let printed_order = printed("002_lines_038_116.json");
    // The history has members of our own, and leaves out what does not apply.
    let history = ["/history/*"];
    let found = differences(&printed_order, &read, &history, &history);
    assert_eq!(found, Vec::<String>::new(), "{read:#}");
    for (key, value) in set.as_object().unwrap() {
        assert_eq!(read[key], *value, "{key} is read as it was set");
    }
    for (key, value) in printed_order.as_object().unwrap() {
        assert!(!read[key].is_null(), "{key} of lines 38 to 116 is set");
        let is_list = value.is_array();
        assert!(!is_list || !read[key].as_array().unwrap().is_empty(), "{key} is filled");
    }
    assert_eq!(
        read["order_status_comments"],
        json!([{"id": 1, "status": "confirmed", "comment": "by phone"}])
    );
    assert_eq!(read["time_interval_secs"], json!([36_000, 43_200]));
    let seen: Vec<&str> =
        read["history"].as_array().unwrap().iter().map(|e| e["event"].as_str().unwrap()).collect();
    for name in ["ARRIVAL", "ORDER_VISIT", "DEPARTURE"] {
        let at = seen.iter().position(|event| *event == name).unwrap();
        assert!(read["history"][at]["position"]["time"].is_string(), "{name}");
        assert_eq!(read["history"][at]["used_mark_delivered_radius"], 100.0);
    }

    let list = format!("{C}/order-notifications?from=2026-05-04T08:00:00Z&to=2026-05-04T08:30:00Z");
    let list = serving.get(&list);
    let printed_list = printed("001_lines_060_074.json");
    assert_eq!(differences(&printed_list, &list, &[], &[]), Vec::<String>::new());
    for (key, _) in printed_list[0].as_object().unwrap() {
        assert!(!list[1][key].is_null(), "{key} of lines 60 to 74: {list:#}");
    }
    serving.stop();
}

#[test]
fn every_field_has_its_type_and_its_limit() {
    let (place, clock) = (Place::new(), Clock::manual(morning()));
    let serving = Serving::start(&place, &SimDisk::default(), &clock);
    let (_, route, order) = with_route(&serving);
    let path = format!("{C}/orders/{order}");
    let change = |key: &str, value: &Value| serving.ask("PATCH", &path, &json!({key: value}));
    let long = |chars: usize| json!("ä".repeat(chars));
    for (key, line, good, bad, reset) in fields(route) {
        for value in good {
            let read = change(key, &value).expect(200);
            assert_eq!(read[key], value, "{key}, line {line}");
        }
        let before = serving.get(&path);
        for value in bad {
            let answer = change(key, &value).expect(422);
            let pointer = answer["errors"][0]["pointer"].as_str().unwrap();
            assert!(
                pointer.starts_with(&format!("/{key}")),
                "line {line}: {key} = {value}: {answer}"
            );
        }
        assert_eq!(serving.get(&path), before, "nothing of a refused request is stored");
        let read = change(key, &Value::Null).expect(200);
        assert_eq!(read[key], reset, "null resets {key}, line {line}");
    }
    // What is misspelt is told also to who wants to reset it.
    for path in
        [path.clone(), format!("{C}/routes/{route}"), format!("{C}/couriers/1"), C.to_owned()]
    {
        let answer = serving.ask("PATCH", &path, &json!({"radiuss": null})).expect(422);
        assert!(answer.to_string().contains("radiuss"), "{path}: {answer}");
    }
    let number = |number: Value| change("number", &number);
    assert_eq!(number(long(80)).expect(200)["number"], long(80));
    for bad in [long(81), json!(""), json!(7), Value::Null] {
        number(bad.clone()).expect(422);
    }
    for pair in [["lat", "lon"], ["refined_lat", "refined_lon"]] {
        for bad in [json!(90.1), json!("1"), json!(1)] {
            let body = json!({pair[0]: bad, pair[1]: Value::Null});
            assert_eq!(serving.ask("PATCH", &path, &body).status, 422, "{body}");
        }
        let body = json!({pair[0]: -90, pair[1]: 180});
        serving.ask("PATCH", &path, &body).expect(200);
    }
    serving.stop();
}

#[test]
fn what_reads_show_alone_is_passed_over_in_writes() {
    let (place, clock) = (Place::new(), Clock::manual(morning()));
    let serving = Serving::start(&place, &SimDisk::default(), &clock);
    let (_, _, order) = with_route(&serving);
    let path = format!("{C}/orders/{order}");
    let before = serving.get(&path);
    let body = json!({"id": 77, "company_id": 9, "history": [], "status_log": [], "confirmed_at":
        "2020-01-01T00:00:00Z", "delivered_at": null, "order_status_comments": [],
        "time_interval_secs": [1, 2], "shared_with_companies": []});
    assert_eq!(serving.ask("PATCH", &path, &body).expect(200), before);
    let lone = serving.ask("PATCH", &path, &json!({"status_comment": "why"})).expect(422);
    assert_eq!(lone["errors"][0]["pointer"], "/status_comment");
    let long = json!({"status": "postponed", "status_comment": "x".repeat(1024)});
    assert_eq!(serving.ask("PATCH", &path, &long).status, 422);
    for status in ["new", "confirmed", "finished", "cancelled", "postponed"] {
        let read = serving.ask("PATCH", &path, &json!({"status": status})).expect(200);
        assert_eq!(read["status"], status);
        let log = read["status_log"].as_array().unwrap();
        assert_eq!(log.last().unwrap()["status"], status, "{read:#}");
    }
    let partly = json!({"status": "partially_finished"});
    assert_eq!(serving.ask("PATCH", &path, &partly).status, 422);
    let enabled = json!({"partially_finished_status_enabled": true});
    serving.ask("PATCH", C, &enabled).expect(200);
    serving.ask("PATCH", &path, &partly).expect(200);
    serving.stop();
}

#[test]
fn a_sharing_company_sees_the_order_and_the_outline_of_the_rest() {
    let (place, clock) = (Place::new(), Clock::manual(morning()));
    let serving = Serving::start(&place, &SimDisk::default(), &clock);
    let (_, route, order) = with_route(&serving);
    let depot = json!({"number": "hub", "lat": 52.4, "lon": 13.4, "address": "Hub 1",
        "service_duration_s": 60});
    let depot = serving.post(&format!("{C}/depots"), &depot)["id"].clone();
    serving.ask("PATCH", &format!("{C}/routes/{route}"), &json!({"depot_id": depot})).expect(200);
    let shop = serving.post("/api/v1/companies", &json!({"name": "Shop", "number": "shop"}));
    let token = shop["admin_token"].as_str().unwrap().to_owned();
    let own = "/api/v1/companies/2";
    let get = |path: &str| serving.ask_as(Some(&token), "GET", path, &Value::Null);
    let paths = [format!("{own}/routes/{route}"), format!("{own}/depots/{depot}"), C.to_owned()];
    let refused: Vec<u16> = paths.iter().map(|path| get(path).status).collect();
    assert_eq!(refused, [404, 404, 403], "nothing is shared yet");
    let share = json!({"shared_with_company_numbers": ["shop"], "shared_with_company_ids": [1]});
    let path = format!("{C}/orders/{order}");
    let shared = serving.ask("PATCH", &path, &share).expect(200);
    assert_eq!(shared["shared_with_company_ids"], json!([2]), "numbers win");
    assert_eq!(get(&format!("{own}/orders/{order}")).expect(200), shared, "full information");
    assert_eq!(
        get(&paths[0]).expect(200),
        json!({"id": route, "company_id": 1, "number": "monday", "date": "2026-05-04",
            "depot_id": depot, "routing_mode": "driving", "route_start": "10:00",
            "route_finish": "18:00"}),
    );
    assert_eq!(
        get(&paths[1]).expect(200),
        json!({"id": depot, "company_id": 1, "number": "hub", "address": "Hub 1", "lat": 52.4,
            "lon": 13.4, "time_zone": null}),
    );
    assert_eq!(get(C).expect(200), json!({"id": 1, "number": "1", "name": "Parcels"}));
    let closed = [
        ("PATCH", format!("{own}/orders/{order}"), 404),
        ("DELETE", format!("{own}/orders/{order}"), 404),
        ("PATCH", paths[0].clone(), 404),
        ("GET", format!("{own}/routes/{route}/route-info"), 404),
        ("GET", format!("{own}/routes/{route}/plan-fact"), 404),
        ("GET", format!("{C}/orders/{order}"), 403),
        ("PATCH", C.to_owned(), 403),
    ];
    for (method, path, status) in closed {
        let body = json!({"comments": "x"});
        let answer = serving.ask_as(Some(&token), method, &path, &body);
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.body);
    }
    serving.ask("PATCH", &path, &json!({"shared_with_company_ids": []})).expect(200);
    let refused: Vec<u16> = paths.iter().map(|path| get(path).status).collect();
    assert_eq!(refused, [404, 404, 403], "it is shared no more");
    serving.stop();
}

#[test]
fn a_zone_that_changes_moves_the_windows_of_stored_routes() {
    let (place, clock) = (Place::new(), Clock::manual(morning()));
    let serving = Serving::start(&place, &SimDisk::default(), &clock);
    let (courier, route, order) = with_route(&serving);
    let path = format!("{C}/orders/{order}");
    let start = |read: &Value| read["time_window"]["start"].clone();
    assert_eq!(start(&serving.get(&path)), "2026-05-04T08:00:00.000Z");
    serving.ask("PATCH", C, &json!({"time_zone": "Europe/London"})).expect(200);
    let read = serving.get(&path);
    assert_eq!(start(&read), "2026-05-04T09:00:00.000Z");
    let last = read["history"].as_array().unwrap().last().unwrap()["event"].clone();
    assert_eq!(last, "INTERVAL_UPDATE", "the engine knows the window, too");
    // The route starts at 10:00 in London now: an hour later.
    drive(&serving, courier, route, &VISIT[..3]);
    assert_eq!(serving.get(&path)["history"].as_array().unwrap().len(), 2);
    // A depot's own zone wins; what changes elsewhere does not reach its routes.
    let hub = json!({"number": "hub", "lat": 52.4, "lon": 13.4, "time_zone": "Europe/Berlin"});
    let hub = serving.post(&format!("{C}/depots"), &hub)["id"].clone();
    serving.ask("PATCH", &format!("{C}/routes/{route}"), &json!({"depot_id": hub})).expect(200);
    assert_eq!(start(&serving.get(&path)), "2026-05-04T08:00:00.000Z");
    let events = serving.get("/v1/events")["cursor"].clone();
    serving.ask("PATCH", C, &json!({"time_zone": "Asia/Tokyo"})).expect(200);
    assert_eq!(serving.get("/v1/events")["cursor"], events);
    let hub = format!("{C}/depots/{hub}");
    serving.ask("PATCH", &hub, &json!({"time_zone": "Europe/Helsinki"})).expect(200);
    assert_eq!(start(&serving.get(&path)), "2026-05-04T07:00:00.000Z");
    let refined = json!({"refined_lat": 52.6, "refined_lon": 13.5});
    serving.ask("PATCH", &path, &refined).expect(200);
    serving.ask("PATCH", C, &json!({"use_refined_location": true})).expect(200);
    assert_eq!(serving.get(&path)["lat"], 52.5, "the document stays as it is");
    serving.stop();
}

#[test]
fn the_plan_is_held_against_what_happened() {
    let (place, clock) = (Place::new(), Clock::manual(morning()));
    let serving = Serving::start(&place, &SimDisk::default(), &clock);
    let (courier, route, order) = with_route(&serving);
    let second = json!({"number": "A-2", "route_id": route, "lat": 52.5 - 900.0 / 111_267.0,
        "lon": 13.4, "service_duration_s": 60, "time_interval": "10:00-10:01"});
    let second = serving.post(&format!("{C}/orders"), &second)["id"].clone();
    let nodes = json!([{"order_id": second}, {"order_id": order},
        {"garage": {"lat": 52.5, "lon": 13.5}}]);
    serving.ask("PUT", &format!("{C}/routes/{route}/nodes"), &nodes).expect(200);
    drive(&serving, courier, route, &VISIT);
    let report = serving.get(&format!("{C}/routes/{route}/plan-fact"));
    let listed = report["nodes"].as_array().unwrap();
    assert_eq!(listed[0]["order_id"], second);
    assert_eq!(listed[0]["planned_arrival"], "2026-05-04T08:00:00.000Z", "{report:#}");
    assert_eq!(listed[0]["planned_departure"], "2026-05-04T08:01:00.000Z");
    let unvisited = (&listed[0]["actual_arrival"], &listed[0]["window_failed"]);
    assert_eq!(unvisited, (&Value::Null, &json!(true)), "its window is past");
    let done = &listed[1];
    // 900 m at 7 m/s with a detour of 1.3 after the minute at the first order.
    let planned = done["planned_arrival"].as_str().unwrap();
    assert!(planned.starts_with("2026-05-04T08:03:47"), "{planned}");
    assert_eq!(done["status"], "finished");
    assert_eq!((&done["out_of_order"], &done["window_failed"]), (&json!(true), &json!(false)));
    assert_eq!(done["used_mark_delivered_radius"], 100.0);
    assert!(done["actual_arrival"].is_string() && done["actual_departure"].is_string());
    assert!(done["arrival_delay_s"].as_f64().unwrap() < 0.0, "it came early");
    assert_eq!(listed[2]["garage"]["lon"], 13.5);
    assert_eq!(report["courier_violated_route"], true);
    let info = serving.get(&format!("{C}/routes/{route}/route-info"));
    let node = &info["nodes"][1];
    assert_eq!(node["arrival"], done["actual_arrival"]);
    assert_eq!(node["departure"], done["actual_departure"]);
    assert_eq!(info["nodes"][0]["eta"], Value::Null, "the order after it was served first");
    serving.stop();
}

/// The field, its line in document 002, values that are just allowed, values that are not, and what
/// null makes of it.
type Row = (&'static str, u32, Vec<Value>, Vec<Value>, Value);

fn fields(route: u64) -> Vec<Row> {
    [texts(), numbers(route), words()].concat()
}

fn texts() -> Vec<Row> {
    let long = |chars: usize| json!("ä".repeat(chars));
    vec![
        ("address", 122, vec![json!("x")], vec![json!(1)], Value::Null),
        ("comments", 136, vec![json!("")], vec![json!([])], Value::Null),
        ("customer_name", 154, vec![long(1023)], vec![long(1024)], Value::Null),
        ("customer_number", 162, vec![long(128)], vec![long(129)], Value::Null),
        ("description", 176, vec![long(1023)], vec![long(1024)], Value::Null),
        ("phone", 264, vec![json!("+1")], vec![json!(1)], Value::Null),
        (
            "time_interval",
            332,
            vec![
                json!("10 - 12"),
                json!("10:00-12:30"),
                json!("10:00:30-12"),
                json!("22-02"),
                json!("2018-09-06T10:15:00+03:00/2018-09-06T12:45:00+03:00"),
            ],
            vec![json!("10"), json!("24-02"), json!("25-26"), json!("ten"), json!(10)],
            Value::Null,
        ),
    ]
}

fn numbers(route: u64) -> Vec<Row> {
    vec![
        ("amount", 128, vec![json!(0), json!(0.5)], vec![json!(-0.01), json!("1")], Value::Null),
        (
            "mark_delivered_radius",
            216,
            vec![json!(0), json!(10_000)],
            vec![json!(-1), json!(10_000.5)],
            Value::Null,
        ),
        ("route_id", 282, vec![json!(route)], vec![json!(99), json!("one")], Value::Null),
        (
            "service_duration_s",
            288,
            vec![json!(0), json!(86_400)],
            vec![json!(-1), json!(1.5)],
            json!(600),
        ),
        ("shared_service_duration_s", 294, vec![json!(0), json!(60)], vec![json!(-1)], json!(0)),
        ("volume", 353, vec![json!(0.1)], vec![json!("big")], Value::Null),
        ("weight", 359, vec![json!(0.1)], vec![json!([])], Value::Null),
    ]
}

fn words() -> Vec<Row> {
    vec![
        (
            "eta_type",
            184,
            vec![json!("arrival_time"), json!("delivery_time")],
            vec![json!("soon")],
            Value::Null,
        ),
        (
            "payment_status",
            240,
            vec![json!("paid"), json!("unpaid")],
            vec![json!("half")],
            Value::Null,
        ),
        (
            "payment_type",
            251,
            vec![json!("cash"), json!("card"), json!("prepaid")],
            vec![json!("yandex_pay"), json!("gold")],
            Value::Null,
        ),
        (
            "shared_with_company_ids",
            304,
            vec![json!([]), json!([1])],
            vec![json!([99]), json!(["1"]), json!(1)],
            json!([]),
        ),
    ]
}

#[test]
fn an_order_without_a_route_has_a_history_too() {
    let (place, clock) = (Place::new(), Clock::manual(morning()));
    let serving = Serving::start(&place, &SimDisk::default(), &clock);
    let (_, route, _) = with_route(&serving);
    let made =
        serving.post(&format!("{C}/orders"), &json!({"number": "lone", "lat": 52, "lon": 13}));
    let path = format!("{C}/orders/{}", made["id"]);
    let created = json!([{"event": "ORDER_CREATED", "timestamp": 1_777_881_600.0,
        "time": "2026-05-04T08:00:00.000Z"}]);
    assert_eq!(made["history"], created);
    clock.advance(60_000);
    serving.ask("PATCH", &path, &json!({"status": "confirmed"})).expect(200);
    clock.advance(60_000);
    serving.ask("PATCH", &path, &json!({"route_id": route})).expect(200);
    clock.advance(60_000);
    let read = serving.ask("PATCH", &path, &json!({"status": "postponed"})).expect(200);
    let told: Vec<_> = read["history"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| (item["event"].as_str().unwrap(), item["time"].as_str().unwrap()))
        .collect();
    let expected = [
        ("ORDER_CREATED", "2026-05-04T08:00:00.000Z"),
        ("STATUS_UPDATE", "2026-05-04T08:01:00.000Z"),
        ("STATUS_UPDATE", "2026-05-04T08:03:00.000Z"),
    ];
    assert_eq!(told, expected, "created once, wherever it went");
    assert_eq!(read["history"][1]["source"]["initiator"], "user_api");
    assert_eq!(read["status_log"].as_array().unwrap().len(), 2);
    serving.stop();
}

#[test]
fn doors_within_each_others_radius_are_warned_of() {
    let place = Place::new();
    let serving = Serving::start(&place, &SimDisk::default(), &Clock::manual(morning()));
    let (_, route, order) = with_route(&serving);
    let near = json!({"number": "near", "route_id": route, "lat": 52.5005, "lon": 13.4});
    let far = json!({"number": "far", "route_id": route, "lat": 52.51, "lon": 13.4});
    let same = json!({"number": "same", "route_id": route, "lat": 52.5, "lon": 13.4});
    let warned = |body: &Value| {
        let made = serving.post(&format!("{C}/orders"), body);
        made["warnings"][0]["detail"].as_str().unwrap_or_default().to_owned()
    };
    let detail = warned(&near);
    assert!(
        detail.contains("\"near\" and \"A-1\"") && detail.contains("overlap_policy"),
        "{detail}"
    );
    assert_eq!(warned(&far), "");
    assert!(warned(&same).contains("\"near\""), "A-1 has the same door");
    // In a batch, when an order moves, and not again when nothing moves.
    let batch = json!([{"number": "b1", "route_id": route, "lat": 53, "lon": 13},
        {"number": "b2", "route_id": route, "lat": 53.0005, "lon": 13}]);
    let stored = serving.ask("POST", &format!("{C}/orders-batch"), &batch).expect(200);
    assert_eq!(stored["warnings"].as_array().map(Vec::len), Some(1), "{stored}");
    let path = format!("{C}/orders/{order}");
    let moved = serving.ask("PATCH", &path, &json!({"lat": 52.5101})).expect(200);
    assert!(moved["warnings"][0]["detail"].as_str().unwrap().contains("\"far\""), "{moved}");
    let named = serving.ask("PATCH", &path, &json!({"comments": "x"})).expect(200);
    assert!(named.get("warnings").is_none(), "{named}");
    // The setting that tells them apart, or a radius that keeps them apart, ends it.
    let small = serving.ask("PATCH", &path, &json!({"mark_delivered_radius": 5})).expect(200);
    assert!(small.get("warnings").is_none(), "{small}");
    serving.ask("PATCH", C, &json!({"overlap_policy": "nearest"})).expect(200);
    let large = serving.ask("PATCH", &path, &json!({"mark_delivered_radius": 500})).expect(200);
    assert!(large.get("warnings").is_none(), "{large}");
    serving.stop();
}
