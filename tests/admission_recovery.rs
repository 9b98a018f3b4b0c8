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
use support::http::Answer;
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

/// What a request finds: two couriers with two routes each, and an order on the first.
struct Prepared {
    place: Place,
    disk: SimDisk,
    clock: Clock,
    token: String,
    routes: Vec<u64>,
    order: u64,
}

impl Prepared {
    fn new() -> Self {
        let (place, clock, disk) = (Place::new(), Clock::manual(morning()), SimDisk::default());
        let serving = Serving::start(&place, &disk, &clock);
        let (_, first, order) = with_route(&serving);
        serving.post(&format!("{C}/couriers"), &json!({"number": "ben"}));
        let mut routes = vec![first];
        for (number, courier) in [("ben monday", "ben"), ("second", "ann"), ("third", "ben")] {
            let route = json!({"number": number, "courier_number": courier, "date": "2026-05-04"});
            let route = serving.post(&format!("{C}/routes"), &route);
            routes.push(route["id"].as_u64().unwrap());
        }
        let token = serving.token.clone();
        serving.stop();
        Self { place, disk: disk.after_crash(0, 100), clock, token, routes, order }
    }

    fn start(&self, place: &Place, disk: &SimDisk) -> Serving {
        let mut serving = Serving::start(place, disk, &self.clock);
        serving.token.clone_from(&self.token);
        serving
    }

    /// Lets the machine die after every step that a request takes on the disk in turn, until it
    /// is answered. What is left must be all of it, if it was answered, or else all or nothing, be
    /// the catalog as the crash left it or as it was before. `is_done` fails on anything between.
    fn die_at_every_step(
        &self,
        request: &dyn Fn(&Serving) -> Answer,
        is_done: &dyn Fn(&Serving) -> bool,
    ) {
        let mut outcomes = [0, 0];
        for step in 0..STEPS_MAX {
            let (place, disk) = (self.place.copy(), self.disk.after_crash(0, 100));
            let serving = self.start(&place, &disk);
            disk.die_after(step);
            let status = request(&serving).status;
            serving.abandon();
            for kept_pct in [0, 50, 100] {
                let image = disk.after_crash(step, kept_pct);
                for catalog in [&place, &self.place] {
                    let place = catalog.copy();
                    let serving = self.start(&place, &image.after_crash(0, 100));
                    let is_done = is_done(&serving);
                    assert!(is_done || status >= 500, "{status} at step {step}, and it is gone");
                    outcomes[usize::from(is_done)] += 1;
                    serving.stop();
                }
            }
            if status < 300 {
                assert!(step >= 2 && outcomes[0] > 0, "{step} steps, {outcomes:?}");
                return;
            }
            assert!(status >= 500, "{status}");
        }
        panic!("it takes more than {STEPS_MAX} steps");
    }
}

#[test]
fn a_batch_of_a_thousand_is_there_whole_or_not_at_all_after_a_crash_at_any_step() {
    let prepared = Prepared::new();
    let routes = &prepared.routes[1..];
    let item = |n: usize| json!({"number": format!("B-{n}"), "route_id": routes[n % 3]});
    let items: Vec<Value> = (0..1_000).map(item).collect();
    let request =
        |serving: &Serving| serving.ask("POST", &format!("{C}/orders-batch"), &json!(items));
    prepared.die_at_every_step(&request, &|serving| {
        let on_routes: usize = routes.iter().map(|&route| nodes(serving, route).len()).sum();
        let found =
            |n: usize| serving.get(&format!("{C}/orders?number=B-{n}")).as_array().unwrap().len();
        let found: usize = [0, 1, 499, 999].into_iter().map(found).sum();
        assert!(matches!((on_routes, found), (0, 0) | (1_000, 4)), "{on_routes}, {found}");
        on_routes > 0
    });
}

#[test]
fn an_order_that_moves_to_another_courier_is_with_one_of_them_after_a_crash_at_any_step() {
    let prepared = Prepared::new();
    let (order, from, to) = (prepared.order, prepared.routes[0], prepared.routes[1]);
    let path = format!("{C}/orders/{order}");
    let request = |serving: &Serving| serving.ask("PATCH", &path, &json!({"route_id": to}));
    prepared.die_at_every_step(&request, &|serving| {
        let is_on = |route| nodes(serving, route).contains(&json!({"order_id": order}));
        let view = serving.get(&path);
        let moved = view["route_id"] == to;
        assert_eq!((is_on(from), is_on(to)), (!moved, moved), "{view}");
        // The engine's side of it: each courier's partition has the order, or has it no more.
        let info = |route| serving.get(&format!("{C}/routes/{route}/route-info"))["nodes"].clone();
        let has = |route: u64| info(route).to_string().contains(&format!("\"order_id\":{order}"));
        assert_eq!((has(from), has(to)), (!moved, moved));
        moved
    });
}

fn nodes(serving: &Serving, route: u64) -> Vec<Value> {
    serving.get(&format!("{C}/routes/{route}"))["nodes"].as_array().unwrap().clone()
}

/// A request takes far fewer steps on the disk.
const STEPS_MAX: u64 = 60;
