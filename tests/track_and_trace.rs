//! Track & Trace over real HTTP, with a node in this process: documents in, positions in, orders
//! and notifications out as documented.

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

use doorstep::runtime::admission::Refusal;
use doorstep::runtime::clock::Clock;
use doorstep::storage::sim_disk::SimDisk;
use serde_json::{Value, json};
use support::delivery::{C, VISIT, drive, with_route};
use support::http::{Asked, listen};
use support::serving::{Place, Serving, morning};

#[test]
fn an_order_is_read_as_documented_with_what_happened() {
    let (place, clock) = (Place::new(), Clock::manual(morning()));
    let serving = Serving::start(&place, &SimDisk::default(), &clock);
    let (courier, route, order) = with_route(&serving);
    let fresh = serving.get(&format!("{C}/orders/{order}"));
    assert_eq!(keys(&fresh), documented_keys());
    let nulls = ["address", "comments", "confirmed_at", "delivered_at", "eta_type", "refined_lat"];
    assert!(nulls.iter().all(|key| fresh[key].is_null()), "{fresh}");
    assert_eq!(fresh["status"], "new");
    assert_eq!(fresh["shared_service_duration_s"], 0);
    assert_eq!(fresh["status_log"], json!([]));
    assert_eq!(fresh["time_interval_secs"], json!([36_000, 43_200]));
    let window = json!({"start": "2026-05-04T08:00:00.000Z", "end": "2026-05-04T10:00:00.000Z"});
    assert_eq!(fresh["time_window"], window);
    assert_eq!(events(&fresh), ["ORDER_CREATED"]);

    drive(&serving, courier, route, &VISIT);
    let read = serving.get(&format!("{C}/orders/{order}"));
    let told = [
        "ORDER_CREATED",
        "START",
        "ORDER_BECAME_NEXT",
        "ARRIVAL",
        "ORDER_VISIT",
        "STATUS_UPDATE",
        "DEPARTURE",
    ];
    assert_eq!(events(&read), told, "{read:#}");
    assert_eq!(read["status"], "finished");
    assert!(read["delivered_at"].is_string());
    let arrival = &read["history"][3];
    assert_eq!(arrival["used_mark_delivered_radius"], 100.0);
    assert_eq!(arrival["position"]["time"], "2026-05-04T08:02:00.000Z");
    assert_eq!(arrival["time"], "2026-05-04T08:02:00.000Z");
    assert_eq!(arrival["timestamp"], 1_777_881_720.0);
    assert!(arrival.get("source").is_none());
    assert_eq!(read["history"][5]["source"], json!({"initiator": "yandex"}));
    assert!(read["history"][5].get("position").is_none());
    assert_eq!(read["history"][6]["reason"], "left");
    assert_eq!(read["status_log"][0]["status"], "finished");
    assert!(read["status_log"][0]["point"]["lat"].is_number());
    serving.stop();
}

#[test]
fn the_silence_of_a_device_whose_courier_says_so_is_credited() {
    let (place, disk, clock) = (Place::new(), SimDisk::default(), Clock::manual(morning()));
    let serving = Serving::start(&place, &disk, &clock);
    let (courier, route, order) = with_route(&serving);
    let still = json!({"silent_when_still": true});
    serving.ask("PATCH", &format!("{C}/couriers/{courier}"), &still).expect(200);
    let token = serving.token.clone();
    serving.stop();

    // The document is what counts, also after a start.
    let mut serving = Serving::start(&place, &disk.after_crash(0, 100), &clock);
    serving.token = token;
    drive(&serving, courier, route, &[(60, 400.0), (120, 10.0), (400, 700.0), (420, 800.0)]);
    let read = serving.get(&format!("{C}/orders/{order}"));
    let inferred = |event: &&Value| event["inferred"] == true;
    let visit = read["history"].as_array().unwrap().iter().find(inferred).unwrap();
    assert_eq!(visit["event"], "ORDER_VISIT");
    assert_eq!(visit["position"]["time"], "2026-05-04T08:02:00.000Z");
    serving.stop();
}

#[test]
fn notifications_are_listed_in_spans_and_pages() {
    let (place, clock) = (Place::new(), Clock::manual(morning()));
    let serving = Serving::start(&place, &SimDisk::default(), &clock);
    let (courier, route, order) = with_route(&serving);
    drive(&serving, courier, route, &VISIT);
    let list =
        format!("{C}/order-notifications?from=2026-05-04T10:00:00%2B02:00&to=2026-05-04T08:30:00Z");
    let notifications = serving.get(&list);
    let kinds: Vec<_> =
        notifications.as_array().unwrap().iter().map(|n| n["type"].clone()).collect();
    assert_eq!(kinds, ["shift_start", "nearby"], "{notifications:#}");
    let first = &notifications[0];
    let documented = [
        "eta",
        "id",
        "order_id",
        "order_number",
        "owner_company_id",
        "owner_company_name",
        "route_id",
        "route_number",
        "time",
        "type",
        "widget_url",
    ];
    assert_eq!(keys(first), documented);
    assert_eq!(first["id"], 1);
    assert_eq!(first["order_id"], order);
    assert_eq!(first["order_number"], "A-1");
    assert_eq!(first["route_number"], "monday");
    assert_eq!(first["owner_company_name"], "Parcels");
    assert!(first["widget_url"].as_str().unwrap().starts_with("http://localhost/t/"));
    assert_eq!(serving.get(&format!("{list}&page=2")), json!([]));
    let from = "from=2026-05-04T08:00:00Z";
    let refused = [
        "to=2026-05-04T08:30:01Z",
        "to=yesterday",
        "to=2026-05-04T07:00:00Z",
        "page=2",
        "to=2026-05-04T08:10:00Z&page=0",
    ];
    for to in refused {
        let answer =
            serving.ask("GET", &format!("{C}/order-notifications?{from}&{to}"), &Value::Null);
        assert_eq!(answer.status, 422, "{to}: {}", answer.body);
    }
    serving.stop();
}

#[test]
fn the_answers_to_bad_requests_are_those_documented() {
    let (place, clock) = (Place::new(), Clock::manual(morning()));
    let serving = Serving::start(&place, &SimDisk::default(), &clock);
    let (courier, route, order) = with_route(&serving);
    let company = serving.post("/api/v1/companies", &json!({"name": "Others", "number": "others"}));
    assert_eq!(company["id"], 2);
    let other = company["admin_token"].as_str().unwrap().to_owned();
    let reader = serving.post("/v1/tokens", &json!({"role": "read"}));
    let reader = reader["token"].as_str().unwrap().to_owned();
    let admin = serving.token.clone();
    let push = format!("/api/v1/couriers/{courier}/routes/{route}/push-positions-v3");
    let order_path = format!("{C}/orders/{order}");
    let orders = format!("{C}/orders");
    let null = Value::Null;
    let fix = |lat: f64| json!({"positions": [{"timestamp": 1_777_881_600, "point": {"lat": lat, "lon": 13.0}}]});
    let table: [Row<'_>; 25] = [
        (None, "GET", &order_path, null.clone(), 401),
        (Some("wrong"), "GET", &order_path, null.clone(), 401),
        (Some(&other), "GET", &order_path, null.clone(), 403),
        (Some(&other), "GET", &format!("/api/v1/companies/2/orders/{order}"), null.clone(), 404),
        (Some(&admin), "GET", &format!("{C}/orders/999"), null.clone(), 404),
        (Some(&admin), "GET", "/api/v1/nothing", null.clone(), 404),
        (Some(&admin), "GET", &format!("{C}/orders/north"), null.clone(), 404),
        (Some(&admin), "GET", &format!("{C}/orders?page=x"), null.clone(), 422),
        (Some(&admin), "GET", "/v1/couriers/near?lat=1", null.clone(), 422),
        (Some(&admin), "PUT", &orders, json!({}), 405),
        (Some(&reader), "GET", &order_path, null.clone(), 200),
        (Some(&reader), "PATCH", &order_path, json!({"comments": "x"}), 403),
        (Some(&reader), "GET", "/v1/events", null.clone(), 403),
        (Some(&reader), "POST", &push, fix(52.0), 403),
        (Some(&other), "POST", &push, fix(52.0), 403),
        (Some(&other), "POST", "/api/v1/companies", json!({}), 403),
        (Some(&admin), "POST", &push, fix(91.0), 422),
        (
            Some(&admin),
            "POST",
            &format!("/api/v1/couriers/{courier}/routes/77/push-positions-v3"),
            fix(52.0),
            404,
        ),
        (Some(&admin), "POST", &orders, json!({"number": "A-1"}), 422),
        (Some(&admin), "POST", &orders, json!({"number": "A-2", "lat": "north"}), 422),
        (Some(&admin), "POST", &orders, json!({"number": "A-2", "unheard": 1}), 422),
        (
            Some(&admin),
            "POST",
            &orders,
            json!({"number": "A-2", "status": "partially_finished"}),
            422,
        ),
        (Some(&admin), "POST", &orders, json!({"number": "A-2", "route_id": 5}), 422),
        (Some(&admin), "PATCH", &order_path, json!([]), 422),
        (Some(&admin), "DELETE", &format!("{C}/couriers/{courier}"), null.clone(), 422),
    ];
    for row in &table {
        refused(&serving, row);
    }
    let raw = |bytes: Vec<u8>| {
        let asked = Asked { method: "POST", path: &orders, token: Some(&admin), body: bytes };
        serving.ask_raw(&asked).status
    };
    assert_eq!(raw(b"{\"number\": ".to_vec()), 400);
    assert_eq!(raw(vec![b' '; 9 << 20]), 413);
    let unit = serving.ask("POST", &orders, &json!({"number": "A-2", "lat": "north", "lon": 1.0}));
    assert_eq!(unit.json()["errors"][0]["pointer"], "/lat", "{}", unit.body);
    assert_eq!(serving.get(&orders).as_array().unwrap().len(), 1, "the daemon serves on");
    serving.stop();
}

#[test]
fn a_batch_is_stored_whole_or_not_at_all() {
    let (place, clock) = (Place::new(), Clock::manual(morning()));
    let serving = Serving::start(&place, &SimDisk::default(), &clock);
    let _ = with_route(&serving);
    let batch = format!("{C}/orders-batch");
    let item =
        |n: usize| json!({"number": format!("B-{n}"), "lat": 52.0, "lon": 13.0 + n as f64 / 1e4});
    let mut items: Vec<Value> = (0..1000).map(item).collect();
    items[617]["lat"] = json!(95.0);
    let refused = serving.ask("POST", &batch, &json!(items)).expect(422);
    assert_eq!(refused["errors"][0]["pointer"], "/617/lat");
    assert_eq!(serving.get(&format!("{C}/orders")).as_array().unwrap().len(), 1);
    items[617]["lat"] = json!(52.0);
    let again = |items: &[Value]| serving.ask("POST", &batch, &json!(items));
    assert_eq!(again(&items).expect(200), json!({"inserted": 1000, "updated": 0}));
    let head = serving.get("/v1/events")["cursor"].clone();
    assert_eq!(again(&items).expect(200), json!({"inserted": 0, "updated": 1000}));
    assert_eq!(serving.get("/v1/events")["cursor"], head, "what is equal makes no event");
    items.push(item(1000));
    assert_eq!(again(&items).status, 422);
    assert_eq!(again(&[item(1), item(1)]).status, 422);
    serving.stop();
}

#[test]
fn concurrent_upserts_of_one_number_make_one_order() {
    let (place, clock) = (Place::new(), Clock::manual(morning()));
    let serving = Serving::start(&place, &SimDisk::default(), &clock);
    let _ = with_route(&serving);
    let answers: Vec<Value> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|n| {
                let serving = &serving;
                scope.spawn(move || {
                    let item = json!([{"number": "same", "route_number": "monday", "lat": 52.0,
                        "lon": 13.0, "comments": format!("{n}")}]);
                    serving.ask("POST", &format!("{C}/orders-batch"), &item).expect(200)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let inserted: u64 = answers.iter().map(|answer| answer["inserted"].as_u64().unwrap()).sum();
    assert_eq!(inserted, 1);
    let found = serving.get(&format!("{C}/orders?number=same"));
    assert_eq!(events(&found[0]), ["ORDER_CREATED"]);
    let nodes = serving.get(&format!("{C}/routes?number=monday"))[0]["nodes"].clone();
    assert_eq!(nodes.as_array().unwrap().len(), 2);
    serving.stop();
}

#[test]
fn an_order_moves_between_couriers_with_its_status() {
    let (place, clock) = (Place::new(), Clock::manual(morning()));
    let serving = Serving::start(&place, &SimDisk::default(), &clock);
    let (courier, route, order) = with_route(&serving);
    drive(&serving, courier, route, &VISIT[..6]);
    serving.post(&format!("{C}/couriers"), &json!({"number": "ben"}));
    let other = serving.post(
        &format!("{C}/routes"),
        &json!({"number": "ben monday",
        "courier_number": "ben", "date": "2026-05-04", "route_start": "10:00"}),
    );
    let path = format!("{C}/orders/{order}");
    serving.ask("PATCH", &path, &json!({"status": "confirmed"})).expect(200);
    let moved = serving.ask("PATCH", &path, &json!({"route_id": other["id"]})).expect(200);
    assert_eq!(moved["status"], "confirmed");
    assert_eq!(moved["route_id"], other["id"]);
    let history = moved["history"].as_array().unwrap();
    assert_eq!(history.last().unwrap()["event"], "DEPARTURE");
    assert_eq!(history.last().unwrap()["reason"], "moved_route");
    assert!(moved["confirmed_at"].is_string());
    assert!(moved["status_log"][0]["point"]["lat"].is_number());
    let old = serving.get(&format!("{C}/routes/{route}"));
    assert_eq!(old["nodes"], json!([]));
    // The whole route goes to another courier, and back into the sequence that is asked for.
    let third = serving.post(
        &format!("{C}/orders"),
        &json!({"number": "A-2",
        "route_id": other["id"], "lat": 52.51, "lon": 13.4}),
    );
    let path = format!("{C}/routes/{}", other["id"]);
    serving.ask("PATCH", &path, &json!({"courier_number": "ann"})).expect(200);
    let nodes = json!([{"order_id": third["id"]}, {"order_id": order}]);
    let route = serving.ask("PUT", &format!("{path}/nodes"), &nodes).expect(200);
    assert_eq!(route["nodes"], nodes);
    assert_eq!(serving.get(&format!("{C}/orders/{order}"))["status"], "confirmed");
    let info = serving.get(&format!("{path}/route-info"));
    assert_eq!(info["nodes"][0]["order_id"], third["id"]);
    serving.stop();
}

#[test]
fn documents_are_changed_reset_and_deleted() {
    let (place, clock) = (Place::new(), Clock::manual(morning()));
    let serving = Serving::start(&place, &SimDisk::default(), &clock);
    let (courier, route, order) = with_route(&serving);
    let depot = serving.post(
        &format!("{C}/depots"),
        &json!({"number": "hub", "lat": 52.4, "lon": 13.4, "time_zone": "Europe/Helsinki"}),
    );
    assert_eq!(depot["mark_route_started_radius"], 500);
    let depot_path = format!("{C}/depots/{}", depot["id"]);
    let change = |path: &str, body: &Value| serving.ask("PATCH", path, body).expect(200);
    let depot = change(&depot_path, &json!({"mark_route_started_radius": null}));
    assert_eq!(depot["mark_route_started_radius"], Value::Null, "null is a value here");
    // With the depot its zone comes: the window moves by an hour, and is told.
    let path = format!("{C}/routes/{route}");
    let with_depot = change(&path, &json!({"depot_number": "hub"}));
    assert_eq!(with_depot["nodes"], json!([{"depot_id": depot["id"]}, {"order_id": order}]));
    let order_path = format!("{C}/orders/{order}");
    let read = serving.get(&order_path);
    assert_eq!(read["time_window"]["start"], "2026-05-04T07:00:00.000Z");
    assert_eq!(events(&read), ["ORDER_CREATED", "INTERVAL_UPDATE"]);
    assert_eq!(serving.ask("DELETE", &depot_path, &Value::Null).status, 422, "it is in use");
    let reset = json!({"time_interval": null, "customer_name": null, "amount": 3});
    let read = change(&order_path, &reset);
    assert_eq!((&read["time_window"], &read["amount"]), (&Value::Null, &json!(3)));
    assert_eq!(read["customer_name"], Value::Null);
    assert_eq!(read["lat"], 52.5, "what is not named stays");
    // An order may be written as it was read.
    let before = serving.get("/v1/events")["cursor"].clone();
    assert_eq!(
        change(&order_path, &{
            let mut same = read.clone();
            same.as_object_mut().unwrap().remove("status");
            same
        }),
        read
    );
    assert_eq!(serving.get("/v1/events")["cursor"], before);
    let gone = |path: &str| serving.ask("DELETE", path, &Value::Null).status;
    assert_eq!(gone(&path), 204);
    let off = serving.get(&order_path);
    assert_eq!((&off["route_id"], &off["time_window"]), (&Value::Null, &Value::Null));
    assert_eq!(gone(&order_path), 204);
    assert_eq!(gone(&order_path), 404);
    assert_eq!(gone(&format!("{C}/couriers/{courier}")), 204);
    let again = serving.post(&format!("{C}/orders"), &json!({"number": "A-1"}));
    assert_eq!(again["id"], order + 1, "the number is free, the id is not");
    serving.stop();
}

#[test]
fn a_couriers_app_sets_statuses_on_its_own_routes() {
    let (place, clock) = (Place::new(), Clock::manual(morning()));
    let serving = Serving::start(&place, &SimDisk::default(), &clock);
    let (courier, route, order) = with_route(&serving);
    drive(&serving, courier, route, &VISIT[..3]);
    let ben = serving.post(&format!("{C}/couriers"), &json!({"number": "ben"}));
    let token = |courier: &Value| {
        let made = serving.post("/v1/tokens", &json!({"role": "device", "courier_id": courier}));
        made["token"].as_str().unwrap().to_owned()
    };
    serving.set_status(&token(&json!(courier)), order, "nobody home").unwrap();
    assert_eq!(
        serving.set_status(&token(&ben["id"]), order, "not mine"),
        Err(Refusal::NotFound("order"))
    );
    let read = serving.get(&format!("{C}/orders/{order}"));
    assert_eq!(read["status"], "postponed");
    let last = read["history"].as_array().unwrap().last().unwrap();
    assert_eq!(last["source"]["initiator"], "app");
    let comments = json!([{"id": 1, "status": "postponed", "comment": "nobody home"}]);
    assert_eq!(read["order_status_comments"], comments);
    let point = &read["status_log"][0]["point"]["lat"];
    assert!((point.as_f64().unwrap() - 52.5 - 500.0 / 111_267.0).abs() < 1e-6, "{read}");
    // Before it is set again by the one who sent the order, the whole of it changes nothing.
    let item = json!([{"number": "A-1", "status": "postponed"}]);
    let batch = serving.ask("POST", &format!("{C}/orders-batch"), &item).expect(200);
    assert_eq!(batch, json!({"inserted": 0, "updated": 1}));
    assert_eq!(serving.get(&format!("{C}/orders/{order}")), read);
    serving.stop();
}

#[test]
fn a_shared_order_is_seen_by_the_other_company() {
    let (place, clock) = (Place::new(), Clock::manual(morning()));
    let serving = Serving::start(&place, &SimDisk::default(), &clock);
    let (courier, route, order) = with_route(&serving);
    let company = serving.post("/api/v1/companies", &json!({"name": "Shop", "number": "shop"}));
    let token = company["admin_token"].as_str().unwrap();
    let path = format!("{C}/orders/{order}");
    let shared = serving.ask("PATCH", &path, &json!({"shared_with_company_numbers": ["shop"]}));
    let companies = json!([{"number": "shop", "name": "Shop", "id": 2}]);
    assert_eq!(shared.expect(200)["shared_with_companies"], companies);
    drive(&serving, courier, route, &VISIT);
    let get = |path: &str| serving.ask_as(Some(token), "GET", path, &Value::Null).expect(200);
    assert_eq!(get(&format!("/api/v1/companies/2/orders/{order}"))["status"], "finished");
    let list = get(
        "/api/v1/companies/2/order-notifications?from=2026-05-04T08:00:00Z&to=2026-05-04T08:30:00Z",
    );
    assert_eq!(list[0]["owner_company_id"], 1);
    assert_eq!(get("/v1/events")["events"], json!([]), "the feed is the owner's");
    serving.stop();
}

#[test]
fn events_are_streamed_from_a_cursor_and_paged() {
    let (place, clock) = (Place::new(), Clock::manual(morning()));
    let serving = Serving::start(&place, &SimDisk::default(), &clock);
    let (courier, route, _) = with_route(&serving);
    drive(&serving, courier, route, &VISIT);
    let page =
        serving.get("/v1/events?types=doorstep.order.arrival.v1,doorstep.order.departure.v1");
    let events = page["events"].as_array().unwrap();
    assert_eq!(events.len(), 2, "{page:#}");
    assert_eq!(events[0]["data"]["event"], "ARRIVAL");
    assert_eq!(events[0]["data"]["order_number"], "A-1");
    assert_eq!(page["has_more"], false);
    let after = events[0]["sequence"].as_str().unwrap();
    let path = format!("/v1/events?types=doorstep.order.departure.v1&after={after}");
    let mut lines =
        listen(serving.address, &path, &serving.token).skip_while(|line| !line.is_empty());
    let mut next = |begins: &str| lines.find(|line| line.starts_with(begins)).unwrap();
    assert_eq!(next("retry:"), "retry: 3000");
    assert!(next("id:").len() > 20, "the cursor");
    assert_eq!(next("event:"), "event: doorstep.order.departure.v1");
    assert!(next("data:").contains("DEPARTURE"));
    assert_eq!(serving.ask("GET", "/v1/events?types=unheard", &Value::Null).status, 422);
    assert_eq!(serving.ask("GET", "/v1/events?after=x", &Value::Null).status, 422);
    // Short names are the same types; beyond the feed's end nothing would ever come.
    let short = serving.get("/v1/events?types=order.arrival,order.departure");
    assert_eq!(short, page);
    let beyond = "/v1/events?after=00000000000000099999";
    let problem = serving.ask("GET", beyond, &Value::Null).expect(422);
    assert_eq!(problem["errors"][0]["pointer"], "/after", "{problem}");
    serving.stop();
}

#[test]
fn couriers_tokens_and_health_are_served() {
    let (place, clock) = (Place::new(), Clock::manual(morning()));
    let serving = Serving::start(&place, &SimDisk::default(), &clock);
    let (courier, route, order) = with_route(&serving);
    drive(&serving, courier, route, &VISIT[..4]);
    let near = serving.get("/v1/couriers/near?lat=52.5&lon=13.4&radius_m=300");
    assert_eq!(near[0]["number"], "ann");
    assert!((near[0]["distance_m"].as_f64().unwrap() - 200.0).abs() < 1.0);
    assert_eq!(serving.get("/v1/couriers/near?lat=52.5&lon=13.4&radius_m=100"), json!([]));
    assert_eq!(serving.get("/v1/couriers/nearest?lat=52&lon=13&k=1")[0]["name"], "Ann");
    assert_eq!(serving.get("/v1/couriers/within?bbox=13,52,14,53")[0]["courier_id"], courier);
    let info = serving.get(&format!("{C}/orders/{order}/order-info"));
    assert_eq!(info["status"], "new");
    assert_eq!(info["courier"]["number"], "ann");
    assert_eq!(info["delivery_queue_position"], 0);
    assert!(info["estimated_delivery_time"]["value"].is_number(), "{info}");
    let made = serving.post("/v1/tokens", &json!({"role": "device", "courier_id": courier}));
    let token = made["token"].as_str().unwrap();
    let push = format!("/api/v1/couriers/{courier}/routes/{route}/push-positions-v3");
    let push = |token| serving.ask_as(Some(token), "POST", &push, &json!({"positions": []})).status;
    assert_eq!(push(token), 200);
    assert_eq!(
        serving.ask("DELETE", &format!("/v1/tokens/{}", made["id"]), &Value::Null).status,
        204
    );
    assert_eq!(push(token), 401);
    assert_eq!(serving.ask("POST", "/v1/tokens", &json!({"role": "device"})).status, 422);
    let info = serving.ask_as(None, "GET", "/v1/info", &Value::Null).expect(200);
    assert_eq!(info["quic"], json!({"address": "127.0.0.1:4433", "fingerprint": "ab"}));
    assert_eq!(serving.get("/v1/info")["company"]["name"], "Parcels");
    let get = |path: &str| serving.ask_as(None, "GET", path, &Value::Null);
    assert_eq!((get("/livez").status, get("/readyz").status), (200, 200));
    let metrics = get("/metrics").body;
    assert!(metrics.contains("doorstep_http_positions_total 4"), "{metrics}");
    assert!(metrics.contains("doorstep_journal_syncs_total"), "{metrics}");
    serving.stop();
}

/// Token, method, path, body, and the status that is documented.
type Row<'a> = (Option<&'a str>, &'a str, &'a str, Value, u16);

/// Asks, and checks status and problem.
fn refused(serving: &Serving, (token, method, path, body, status): &Row<'_>) {
    let answer = serving.ask_as(*token, method, path, body);
    assert_eq!(answer.status, *status, "{method} {path} {body}: {}", answer.body);
    if *status >= 400 {
        assert!(answer.headers.contains("application/problem+json"), "{}", answer.headers);
        let problem = answer.json();
        assert_eq!(problem["status"], *status);
        assert_eq!(problem["instance"], path.split('?').next().unwrap());
        assert_eq!(problem["severity"], "hard");
    }
}

fn keys(object: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = object.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

fn events(order: &Value) -> Vec<&str> {
    let history = order["history"].as_array().unwrap();
    history.iter().map(|entry| entry["event"].as_str().unwrap()).collect()
}

/// Every key of the response in the API document "Gets order".
fn documented_keys() -> Vec<&'static str> {
    let mut keys = vec![
        "address",
        "amount",
        "comments",
        "customer_name",
        "description",
        "lat",
        "lon",
        "number",
        "customer_number",
        "payment_type",
        "payment_status",
        "phone",
        "route_id",
        "service_duration_s",
        "shared_service_duration_s",
        "status",
        "volume",
        "weight",
        "shared_with_company_ids",
        "mark_delivered_radius",
        "eta_type",
        "company_id",
        "confirmed_at",
        "delivered_at",
        "history",
        "id",
        "status_log",
        "shared_with_companies",
        "order_status_comments",
        "refined_lat",
        "refined_lon",
        "time_interval",
        "time_interval_secs",
        "time_window",
    ];
    keys.sort_unstable();
    keys
}
