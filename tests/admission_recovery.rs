//! What a crash leaves of accepted and of unanswered requests: all or nothing, and the catalog redone
//! from the journal.

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
fn what_the_journal_holds_and_the_catalog_lost_is_redone() {
    let (place, clock) = (Place::new(), Clock::manual(morning()));
    let disk = SimDisk::default();
    let serving = Serving::start(&place, &disk, &clock);
    let (courier, route, order) = with_route(&serving);
    drive(&serving, courier, route, &VISIT);
    let before = serving.get(&format!("{C}/orders/{order}"));
    let list = format!("{C}/order-notifications?from=2026-05-04T08:00:00Z&to=2026-05-04T08:30:00Z");
    let notifications = serving.get(&list);
    let token = serving.token.clone();
    serving.stop();
    // As after a crash between journal and catalog, at its worst: the catalog is a new one.
    let lost = Place::new();
    let mut serving = Serving::start(&lost, &disk.after_crash(0, 100), &clock);
    assert_eq!(serving.redone, 5, "company, its settings, courier, route, order");
    serving.token = token;
    assert_eq!(serving.get(&format!("{C}/orders/{order}")), before);
    assert_eq!(serving.get(&list), notifications);
    let next = serving.post(&format!("{C}/orders"), &json!({"number": "A-2"}));
    assert_eq!(next["id"], order + 1, "ids go on");
    serving.stop();
}

#[test]
fn a_crash_during_a_batch_or_a_move_leaves_all_or_nothing() {
    let (place, clock, disk) = (Place::new(), Clock::manual(morning()), SimDisk::default());
    let serving = Serving::start(&place, &disk, &clock);
    let (_, route, order) = with_route(&serving);
    serving.post(&format!("{C}/couriers"), &json!({"number": "ben"}));
    let other = json!({"number": "ben monday", "courier_number": "ben", "date": "2026-05-04"});
    let other = serving.post(&format!("{C}/routes"), &other)["id"].as_u64().unwrap();
    let items: Vec<Value> =
        (0..400).map(|n| json!({"number": format!("B-{n}"), "route_id": other})).collect();
    let images: Vec<SimDisk> = std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            serving.ask("POST", &format!("{C}/orders-batch"), &json!(items)).expect(200);
            let path = format!("{C}/orders/{order}");
            serving.ask("PATCH", &path, &json!({"route_id": other})).expect(200);
        });
        let (mut images, mut looked, mut syncs) = (Vec::new(), 0u64, u64::MAX);
        while !writer.is_finished() {
            looked += 1;
            // Around each sync, and now and then between.
            if disk.syncs() != syncs || looked.is_multiple_of(SELDOM) {
                syncs = disk.syncs();
                images.push(disk.after_crash(looked, 50));
            }
            images.truncate(IMAGES_MAX);
            std::thread::yield_now();
        }
        writer.join().unwrap();
        images
    });
    let token = serving.token.clone();
    serving.stop();
    let last = disk.after_crash(0, 0);
    let few = images.iter().rev().take(5).chain([&last]);
    for image in few {
        let lost = Place::new();
        let mut serving = Serving::start(&lost, image, &clock);
        serving.token.clone_from(&token);
        let orders = serving.get(&format!("{C}/orders?page=1")).as_array().unwrap().len();
        assert!(orders == 1 || orders == 401, "{orders}");
        let on = |route: u64| serving.get(&format!("{C}/routes/{route}"))["nodes"].to_string();
        let listed = [on(route), on(other)].concat().matches(&format!(":{order}}}")).count();
        assert_eq!(listed, 1, "on one route, not on two and not on none");
        serving.stop();
    }
}

/// Most images of one disk that are kept.
const IMAGES_MAX: usize = 32;
/// Looks between two images that no sync brought about.
const SELDOM: u64 = 100_000;
