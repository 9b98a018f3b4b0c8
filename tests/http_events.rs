//! Events over HTTP: written once for all who read them, told with their orders' numbers, in a
//! bounded number of streams that end with the daemon.

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

use doorstep::api::limits::Limits;
use doorstep::runtime::clock::Clock;
use doorstep::storage::sim_disk::SimDisk;
use serde_json::{Value, json};
use support::delivery::{C, VISIT, drive, with_route};
use support::http::{Asked, ask_with, listen};
use support::serving::{Place, Serving, morning};

fn start(place: &Place, limits: Limits) -> Serving {
    Serving::start_with(place, &SimDisk::default(), &Clock::manual(morning()), limits, None)
}

/// A count of `/metrics`.
fn count(serving: &Serving, name: &str) -> u64 {
    let text = serving.ask_as(None, "GET", "/metrics", &Value::Null).body;
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("{name} ")));
    line.unwrap_or_else(|| panic!("no {name} in {text}")).parse().unwrap()
}

#[test]
fn readers_share_what_is_written() {
    let place = Place::new();
    let serving = start(&place, Limits::default());
    let (courier, route, _) = with_route(&serving);
    drive(&serving, courier, route, &VISIT);
    let all = serving.get("/v1/events?limit=1000")["events"].as_array().unwrap().clone();
    assert!(all.len() > 7, "{all:?}");
    let read = |path: &str| {
        let lines = listen(serving.address, path, &serving.token);
        let data = lines.filter_map(|line| line.strip_prefix("data: ").map(str::to_owned));
        let data = data.take(all.len());
        data.map(|data| serde_json::from_str(&data).unwrap()).collect::<Vec<Value>>()
    };
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..20).map(|_| scope.spawn(|| read("/v1/events"))).collect();
        for reader in readers {
            assert_eq!(reader.join().unwrap(), all);
        }
    });
    assert_eq!(count(&serving, "doorstep_events_written_total"), all.len() as u64);
    serving.stop();
}

#[test]
fn an_order_has_its_number_from_its_first_event_on() {
    let place = Place::new();
    let serving = start(&place, Limits::default());
    let (_, route, _) = with_route(&serving);
    let after = serving.get("/v1/events")["cursor"].clone();
    let path = format!("/v1/events?after={}", after.as_str().unwrap());
    let lines = listen(serving.address, &path, &serving.token);
    let data = lines.filter_map(|line| line.strip_prefix("data: ").map(str::to_owned));
    let mut live = data.map(|data| serde_json::from_str::<Value>(&data).unwrap());
    let mut told = Vec::new();
    for n in 0..40 {
        let order = json!({"number": format!("live-{n}"), "route_id": route, "lat": 52.6,
            "lon": 13.0 + f64::from(n) / 1e3});
        serving.post(&format!("{C}/orders"), &order);
        let event = live.next().unwrap();
        assert_eq!(event["data"]["order_number"], format!("live-{n}"), "{event}");
        told.push(event);
    }
    let again = serving.get(&path);
    assert_eq!(again["events"], json!(told));
    serving.stop();
}

#[test]
fn numbers_are_known_after_a_restart() {
    let (place, disk) = (Place::new(), SimDisk::default());
    let clock = Clock::manual(morning());
    let serving = Serving::start(&place, &disk, &clock);
    let (courier, route, order) = with_route(&serving);
    drive(&serving, courier, route, &VISIT);
    let path = format!("{C}/orders/{order}");
    serving.ask("DELETE", &path, &Value::Null).expect(204);
    let before = serving.get("/v1/events?limit=1000");
    assert_eq!(before["events"][0]["data"]["order_number"], "A-1");
    let token = serving.token.clone();
    serving.stop();
    let serving = Serving::start(&place, &disk.after_crash(0, 100), &clock);
    let after = serving.ask_as(Some(&token), "GET", "/v1/events?limit=1000", &Value::Null);
    assert_eq!(after.expect(200), before);
    serving.stop();
}

#[test]
fn a_token_has_a_bounded_number_of_streams() {
    let place = Place::new();
    let serving = start(&place, Limits { streams_max: 2, ..Limits::default() });
    let open = || {
        let mut lines = listen(serving.address, "/v1/events", &serving.token);
        assert!(lines.any(|line| line == "retry: 3000"));
        lines
    };
    let streams = [open(), open()];
    let asked =
        Asked { method: "GET", path: "/v1/events", token: Some(&serving.token), body: vec![] };
    let ask = || ask_with(serving.address, &asked, "Accept: text/event-stream\r\n");
    let refused = ask();
    assert_eq!(refused.status, 429, "{}", refused.body);
    assert_eq!(refused.json()["severity"], "transient");
    assert!(refused.headers.contains("retry-after: 10"), "{}", refused.headers);
    assert_eq!(serving.get("/v1/events")["events"], json!([]), "pages are no streams");
    drop(streams);
    let (courier, route, _) = with_route(&serving);
    // Whoever has gone is noticed when there is something to send.
    drive(&serving, courier, route, &VISIT);
    while count(&serving, "doorstep_event_streams") > 0 {}
    drop(open());
    serving.stop();
}

#[test]
fn streams_end_with_the_daemon() {
    let place = Place::new();
    let serving = start(&place, Limits::default());
    let streams: Vec<_> = (0..40)
        .map(|_| {
            let mut lines = listen(serving.address, "/v1/events", &serving.token);
            assert!(lines.any(|line| line == "retry: 3000"));
            lines
        })
        .collect();
    serving.stop();
    for mut lines in streams {
        assert!(lines.all(|line| line.is_empty() || line == "0"), "the stream is closed");
    }
}
