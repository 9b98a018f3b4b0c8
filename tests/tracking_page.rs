//! The customer's page over real HTTP: who sees it, what it says, and what it keeps to itself.

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

use doorstep::runtime::clock::Clock;
use doorstep::storage::sim_disk::SimDisk;
use serde_json::{Value, json};
use support::delivery::{C, VISIT, drive, with_route};
use support::serving::{Place, Serving, morning};

#[test]
fn the_link_shows_the_order_as_it_goes() {
    let (place, clock) = (Place::new(), Clock::manual(morning()));
    let serving = Serving::start(&place, &SimDisk::default(), &clock);
    let (courier, route, order) = with_route(&serving);
    let path = link(&serving, order);
    let page = serving.ask_as(None, "GET", &path, &Value::Null);
    assert_eq!(page.status, 200);
    let head = page.headers.to_lowercase();
    assert!(head.contains("content-security-policy: default-src 'none'"), "{head}");
    assert!(head.contains("referrer-policy: no-referrer"), "{head}");
    for word in ["http://", "https://", "//"] {
        assert!(!page.body.contains(word), "the page fetches nothing from elsewhere");
    }
    for file in ["/t/page.css", "/t/page.js"] {
        assert_eq!(serving.ask_as(None, "GET", file, &Value::Null).status, 200);
    }
    let state = || serving.ask_as(None, "GET", &format!("{path}/state"), &Value::Null).expect(200);
    let before = state();
    assert_eq!((&before["status"], &before["number"]), (&json!("new"), &json!("A-1")));
    assert_eq!((&before["customer_name"], &before["company"]), (&json!("Bo"), &json!("Parcels")));
    assert_eq!(before["time_interval"], "10:00-12:00");
    assert_eq!((&before["courier"], &before["shift_start"]), (&Value::Null, &Value::Null));

    drive(&serving, courier, route, &VISIT[..3]);
    let under_way = state();
    assert_eq!(under_way["estimated_delivery_time"], "2026-05-04T08:00:00.000Z", "half hours");
    assert_eq!(under_way["minutes_left"], 2);
    assert_eq!(under_way["orders_before"], 0);
    let courier_place = under_way["courier"]["place"].clone();
    assert_eq!(courier_place, json!([52.504, 13.4]), "rounded to 3 places");
    assert!(under_way["shift_start"].is_string());

    drive(&serving, courier, route, &VISIT[3..]);
    let done = state();
    assert_eq!(done["status"], "finished");
    assert_eq!(done["courier"], Value::Null, "where the courier goes next is nobody's business");
    let told: Vec<&str> =
        done["history"].as_array().unwrap().iter().map(|e| e["event"].as_str().unwrap()).collect();
    assert_eq!(told, ["on_the_way", "arrived", "visited", "finished"]);
    serving.stop();
}

#[test]
fn only_the_whole_link_opens_it() {
    let (place, clock) = (Place::new(), Clock::manual(morning()));
    let serving = Serving::start(&place, &SimDisk::default(), &clock);
    let (_, _, order) = with_route(&serving);
    let other = serving.post(&format!("{C}/orders"), &json!({"number": "A-2"}));
    let path = link(&serving, order);
    let id = path.rsplit('/').next().unwrap();
    assert_eq!(id.len(), 22, "16 bytes in base64url");
    let strange = [
        format!("/t/{order}/{}", &id[1..]),
        format!("/t/{order}/x"),
        format!("/t/{}/{id}", other["id"]),
        format!("/t/99/{id}"),
    ];
    for path in strange {
        let page = serving.ask_as(None, "GET", &path, &Value::Null);
        assert_eq!(page.status, 404, "{path}");
        assert!(page.body.contains("There is no delivery here"));
        let state = format!("{path}/state");
        assert_eq!(serving.ask_as(None, "GET", &state, &Value::Null).status, 404);
    }
    serving.ask("DELETE", &format!("{C}/orders/{order}"), &Value::Null);
    assert_eq!(serving.ask_as(None, "GET", &path, &Value::Null).status, 404);
    serving.stop();
}

fn link(serving: &Serving, order: u64) -> String {
    let info = serving.get(&format!("{C}/orders/{order}/order-info"));
    let url = info["tracking_url"].as_str().unwrap().to_owned();
    url.strip_prefix("http://localhost").unwrap().to_owned()
}
