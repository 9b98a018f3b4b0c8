//! What is too old goes, at the start and every night, as each company says, and not before.

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

use doorstep::domain::time::{DAY_MS, HOUR_MS};
use doorstep::runtime::clock::Clock;
use doorstep::runtime::retention::RetentionSettings;
use doorstep::storage::disk::Disk;
use doorstep::storage::sim_disk::SimDisk;
use serde_json::{Value, json};
use support::delivery::{C, drive, with_route};
use support::serving::{Place, Serving, morning};

fn track_files(disk: &SimDisk) -> usize {
    disk.names().unwrap().iter().filter(|name| name.starts_with("tracks-")).count()
}

/// How many positions are listed of the first two hours of the morning.
fn listed(serving: &Serving, company: u64, token: &str, route: u64) -> usize {
    let from = morning().ms() / 1_000;
    let path = format!(
        "/api/v2/companies/{company}/routes/{route}/courier-positions?from={from}&to={}",
        from + 7_200
    );
    let answer = serving.ask_as(Some(token), "GET", &path, &Value::Null);
    answer.expect(200).as_array().unwrap().len()
}

#[test]
fn positions_are_kept_as_long_as_their_company_says() {
    let place = Place::new();
    let (disk, clock) = (SimDisk::default(), Clock::manual(morning()));
    let serving = Serving::start(&place, &disk, &clock);
    let (courier, route, _) = with_route(&serving);
    let other = serving.post("/api/v1/companies", &json!({"number": "others"}));
    let token = other["admin_token"].as_str().unwrap().to_owned();
    let theirs = format!("/api/v1/companies/{}", other["id"]);
    let post = |path: &str, body: Value| {
        let answer = serving.ask_as(Some(&token), "POST", &format!("{theirs}{path}"), &body);
        answer.expect(201)["id"].as_u64().unwrap()
    };
    let their_courier = post("/couriers", json!({"number": "bo"}));
    let tour = json!({"number": "tour", "courier_number": "bo", "date": "2026-05-04"});
    let their_route = post("/routes", tour);
    serving.ask("PATCH", C, &json!({"retention_days": 2})).expect(200);
    let mut retention = serving.retention();
    assert_eq!(retention.run_if_due().unwrap().unwrap().track_files, 0);
    drive(&serving, courier, route, &[(10, 500.0), (20, 400.0)]);
    let push = format!("/api/v1/couriers/{their_courier}/routes/{their_route}/push-positions-v3");
    let position = json!({"timestamp": morning().ms() / 1_000 + 20,
        "point": {"lat": 52.0, "lon": 13.0}});
    let pushed = serving.ask_as(Some(&token), "POST", &push, &json!({"positions": [position]}));
    pushed.expect(200);
    let own = serving.token.clone();
    let company = other["id"].as_u64().unwrap();
    let both =
        || (listed(&serving, 1, &own, route), listed(&serving, company, &token, their_route));
    // Each night is run through; 08:00 is 18 hours before the first.
    assert_eq!(retention.run_if_due().unwrap(), None, "it is not night yet");
    clock.advance(18 * HOUR_MS);
    for (night, left) in [(0, (2, 1)), (1, (2, 1)), (2, (0, 1)), (3, (0, 1))] {
        let went = retention.run_if_due().unwrap().expect("it is night");
        assert_eq!(both(), left, "night {night}");
        assert_eq!(went.track_files, u64::from(night == 2), "night {night}");
        assert_eq!(retention.run_if_due().unwrap(), None, "once a night");
        clock.advance(DAY_MS);
    }
    assert_eq!(track_files(&disk), 1);
    clock.advance(90 * DAY_MS);
    // So that the first file is not the last, which says how far the tracks reach.
    drive(&serving, courier, route, &[(94 * 86_400, 400.0)]);
    for _ in 0..2 {
        clock.advance(DAY_MS);
        retention.run_if_due().unwrap().expect("it is night");
        assert_eq!(both(), (0, 0));
    }
    assert_eq!(track_files(&disk), 1);
    serving.stop();
}

#[test]
fn what_is_too_old_goes_at_the_start() {
    let place = Place::new();
    let (disk, clock) = (SimDisk::default(), Clock::manual(morning()));
    let serving = Serving::start(&place, &disk, &clock);
    let (courier, route, _) = with_route(&serving);
    drive(&serving, courier, route, &[(10, 500.0), (20, 400.0)]);
    let token = serving.token.clone();
    serving.stop();
    clock.advance(91 * DAY_MS);
    let serving = Serving::start(&place, &disk.after_crash(0, 0), &clock);
    assert_eq!(listed(&serving, 1, &token, route), 2);
    let mut retention = serving.retention();
    assert_eq!(retention.run_if_due().unwrap().unwrap().track_files, 1);
    assert_eq!(listed(&serving, 1, &token, route), 0);
    serving.stop();
}

/// What of the feed is too old, or too much, goes by whole segments once snapshots need it no more;
/// who reads behind is told of the gap, and histories begin later.
#[test]
fn the_feed_is_kept_by_age_and_size() {
    let place = Place::new();
    let (disk, clock) = (SimDisk::default(), Clock::manual(morning()));
    let serving = Serving::start(&place, &disk, &clock);
    let (courier, route, order) = with_route(&serving);
    drive(&serving, courier, route, &[(10, 500.0), (20, 400.0)]);
    let tell = |serving: &Serving, count: u64| {
        for status in ["confirmed", "new"].into_iter().cycle().take(count as usize) {
            let path = format!("{C}/orders/{order}");
            serving.ask("PATCH", &path, &json!({"status": status})).expect(200);
        }
    };
    tell(&serving, 300);
    let page = |serving: &Serving| serving.get("/v1/events?limit=1000");
    let whole = page(&serving)["events"].as_array().unwrap().clone();
    let mut retention =
        serving.retention_of(RetentionSettings { feed_days: 3, ..Default::default() });
    clock.advance(2 * DAY_MS);
    assert_eq!(retention.run_if_due().unwrap().unwrap().feed_segments, 0, "it is young");
    clock.advance(2 * DAY_MS);
    tell(&serving, 5);
    assert_eq!(retention.run_if_due().unwrap().unwrap().feed_segments, 0, "a start needs it");
    serving.snapshot();
    clock.advance(DAY_MS);
    assert!(retention.run_if_due().unwrap().unwrap().feed_segments > 0);
    let left = page(&serving);
    let events = left["events"].as_array().unwrap();
    assert!(events[0]["sequence"].as_str() > whole[0]["sequence"].as_str());
    assert_eq!(left["gap"]["first_missing"], whole[0]["sequence"]);
    assert_eq!(left["gap"]["first_available"], events[0]["sequence"]);
    let document = serving.get(&format!("{C}/orders/{order}"));
    assert!(document["history"].as_array().unwrap().len() < 300);
    let small = RetentionSettings { feed_bytes_max: 1, ..Default::default() };
    tell(&serving, 100);
    serving.snapshot();
    serving.snapshot();
    assert!(serving.retention_of(small).run_if_due().unwrap().unwrap().feed_segments > 0);
    let left = page(&serving);
    let token = serving.token.clone();
    serving.stop();
    let serving = Serving::start(&place, &disk.after_crash(0, 0), &clock);
    let again = serving.ask_as(Some(&token), "GET", "/v1/events?limit=1000", &Value::Null);
    assert_eq!(again.expect(200)["events"], left["events"]);
    serving.stop();
}
