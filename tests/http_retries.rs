//! Requests that are sent again, and changes of what was read: done once, or not at all.

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

use std::io::{Read, Write};
use std::net::TcpStream;

use doorstep::runtime::clock::Clock;
use doorstep::storage::sim_disk::SimDisk;
use serde_json::{Value, json};
use support::delivery::{C, VISIT, drive, with_route};
use support::http::{Answer, Asked, answer, ask_with};
use support::serving::{Place, Serving, morning};

fn post(serving: &Serving, token: &str, path: &str, key: &str, body: &Value) -> Answer {
    let body = body.to_string().into_bytes();
    let asked = Asked { method: "POST", path, token: Some(token), body };
    ask_with(serving.address, &asked, &format!("Idempotency-Key: {key}\r\n"))
}

#[test]
fn a_request_that_is_sent_again_is_answered_as_before() {
    let (place, disk, clock) = (Place::new(), SimDisk::default(), Clock::manual(morning()));
    let serving = Serving::start(&place, &disk, &clock);
    let token = serving.token.clone();
    let couriers = format!("{C}/couriers");
    let ann = json!({"number": "ann"});
    let first = post(&serving, &token, &couriers, "\"k1\"", &ann);
    first.expect(201);
    assert!(!first.headers.contains("idempotency-replayed"));
    let again = post(&serving, &token, &couriers, "\"k1\"", &ann);
    assert_eq!((again.status, &again.body), (201, &first.body));
    assert!(again.headers.contains("idempotency-replayed: true"), "{}", again.headers);
    let other = post(&serving, &token, &couriers, "\"k1\"", &json!({"number": "ben"}));
    assert_eq!(other.status, 422, "{}", other.body);
    let elsewhere = post(&serving, &token, &format!("{C}/depots"), "\"k1\"", &ann);
    assert_eq!(elsewhere.status, 422, "another path is another request");
    post(&serving, &token, &couriers, "\"k2\"", &ann).expect(422);
    let refused = post(&serving, &token, &couriers, "\"k2\"", &ann);
    assert!(refused.headers.contains("idempotency-replayed: true"), "refusals are kept too");
    let long = post(&serving, &token, &couriers, &"x".repeat(256), &ann);
    assert_eq!(long.status, 400);
    // Another token has keys of its own.
    let made = serving.post("/v1/tokens", &json!({"role": "backend"}));
    let backend = made["token"].as_str().unwrap();
    let theirs = post(&serving, backend, &couriers, "\"k1\"", &json!({"number": "cleo"}));
    theirs.expect(201);
    serving.stop();
    let serving = Serving::start(&place, &disk.after_crash(0, 100), &clock);
    let again = post(&serving, &token, &couriers, "\"k1\"", &ann);
    assert_eq!((again.status, &again.body), (201, &first.body), "after a restart too");
    clock.advance(24 * 3_600_000 + 1);
    let late = post(&serving, &token, &couriers, "\"k1\"", &ann);
    assert_eq!(late.status, 422, "a day later it is a request like any other: {}", late.body);
    assert!(!late.headers.contains("idempotency-replayed"));
    serving.stop();
}

#[test]
fn a_secret_is_not_kept_to_be_shown_again() {
    let place = Place::new();
    let serving = Serving::start(&place, &SimDisk::default(), &Clock::manual(morning()));
    let token = serving.token.clone();
    let wish = json!({"role": "read"});
    let made = post(&serving, &token, "/v1/tokens", "\"t\"", &wish).expect(201);
    let again = post(&serving, &token, "/v1/tokens", "\"t\"", &wish);
    assert_eq!(again.status, 409, "{}", again.body);
    assert_eq!(serving.get("/v1/tokens").as_array().unwrap().len(), 2, "no second one is made");
    let secret = made["token"].as_str().unwrap().as_bytes();
    for entry in std::fs::read_dir(&place.0).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(!bytes.windows(secret.len()).any(|window| window == secret));
    }
    serving.stop();
}

#[test]
fn the_same_request_is_not_carried_out_twice_at_once() {
    let place = Place::new();
    let serving = Serving::start(&place, &SimDisk::default(), &Clock::manual(morning()));
    let body = json!({"number": "ann"}).to_string();
    let mut slow = TcpStream::connect(serving.address).unwrap();
    let head = format!(
        "POST {C}/couriers HTTP/1.1\r\nHost: a\r\nConnection: close\r\nIdempotency-Key: k\r\n\
         Expect: 100-continue\r\nAuthorization: OAuth {}\r\nContent-Length: {}\r\n\r\n",
        serving.token,
        body.len()
    );
    slow.write_all(head.as_bytes()).unwrap();
    // Asked to go on when its body is wanted: then it has begun.
    let mut go_on = [0; "HTTP/1.1 100 Continue\r\n\r\n".len()];
    slow.read_exact(&mut go_on).unwrap();
    let path = format!("{C}/couriers");
    let refused = post(&serving, &serving.token, &path, "k", &json!({"number": "ben"}));
    assert_eq!(refused.status, 409);
    assert!(refused.body.contains("being carried out"), "{}", refused.body);
    slow.write_all(body.as_bytes()).unwrap();
    answer(slow).expect(201);
    serving.stop();
}

#[test]
fn a_change_holds_for_what_was_read() {
    let place = Place::new();
    let serving = Serving::start(&place, &SimDisk::default(), &Clock::manual(morning()));
    let (courier, route, order) = with_route(&serving);
    let path = format!("{C}/orders/{order}");
    let send = |method: &str, body: &Value, tag: &str| {
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let asked = Asked { method, path: &path, token: Some(&serving.token), body };
        let header = if tag.is_empty() { String::new() } else { format!("If-Match: {tag}\r\n") };
        ask_with(serving.address, &asked, &header)
    };
    let tag = |answer: &Answer| {
        let line = answer.headers.lines().find_map(|line| line.strip_prefix("etag: "));
        line.unwrap_or_else(|| panic!("no etag: {}", answer.headers)).to_owned()
    };
    let read = tag(&send("GET", &Value::Null, ""));
    let changed = send("PATCH", &json!({"comments": "ring twice"}), &read);
    changed.expect(200);
    let now = tag(&changed);
    assert_ne!(now, read);
    let lost = send("PATCH", &json!({"comments": "ring once"}), &read);
    assert_eq!(lost.status, 412, "{}", lost.body);
    assert_eq!(serving.get(&path)["comments"], "ring twice");
    drive(&serving, courier, route, &VISIT);
    assert_eq!(tag(&send("GET", &Value::Null, "")), now, "what the engine tells changes no tag");
    send("PATCH", &json!({"comments": "a"}), &format!("\"other\", {now}")).expect(200);
    assert_eq!(send("PATCH", &json!({"comments": "b"}), &format!("W/{now}")).status, 412);
    assert_eq!(send("PATCH", &json!({"comments": "b"}), "bare").status, 400);
    assert_eq!(send("DELETE", &Value::Null, &read).status, 412);
    send("PATCH", &json!({"comments": "c"}), "*").expect(200);
    send("DELETE", &Value::Null, "*").expect(204);
    assert_eq!(send("DELETE", &Value::Null, "*").status, 404);
    serving.stop();
}
