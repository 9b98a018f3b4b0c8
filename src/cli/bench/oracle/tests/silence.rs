//! Section 4.2: what a silence proves.

use super::*;
use crate::domain::policy::InferredVisits;

fn with(inferred_visits: InferredVisits) -> World {
    World::new(Policy { inferred_visits, ..Policy::default() }, vec![order(1, 0.0)])
}

impl World {
    /// A position of a device that falls silent while it stands.
    fn silent(&mut self, seconds: i64, metres_east: f64) {
        self.send(seconds, metres_east, |position| position.silent_when_still = true);
    }
}

const INFERRED: [&str; 3] = ["ARRIVAL 1@0", "ORDER_VISIT 1@300 inferred", "DEPARTURE 1@700 true"];

#[test]
fn vector_13_a_silent_device_leaves() {
    let mut world = World::plain();
    world.silent(0, 10.0);
    world.silent(700, 710.0);
    world.silent(720, 710.0);
    assert_eq!(world.stays(), INFERRED);
    assert_eq!(world.visit_estimate(1), Some(300));
    let mut world = World::plain();
    world.fix(0, 10.0);
    world.fix(700, 710.0);
    world.fix(720, 710.0);
    assert_eq!(world.stays(), ["ARRIVAL 1@0", "DEPARTURE 1@700 false"]);
}

#[test]
fn the_position_before_the_silence_declares_it() {
    let mut world = World::plain();
    world.silent(0, 10.0);
    world.grid(700, 720, 20, 710.0);
    assert_eq!(world.stays(), INFERRED);
    let mut world = World::plain();
    world.fix(0, 10.0);
    world.silent(700, 710.0);
    world.silent(720, 710.0);
    assert_eq!(world.stays(), ["ARRIVAL 1@0", "DEPARTURE 1@700 false"]);
}

#[test]
fn a_silent_device_is_present_for_an_hour_whatever_is_inferred() {
    for inferred in [InferredVisits::Off, InferredVisits::SilentDevices, InferredVisits::AnyGap] {
        let mut world = with(inferred);
        world.silent(0, 10.0);
        world.fix(3_600, 10.0);
        assert_eq!(world.stays(), ["ARRIVAL 1@0", "ORDER_VISIT 1@3600"]);
        let mut world = with(inferred);
        world.silent(0, 10.0);
        world.fix(3_601, 10.0);
        assert_eq!(world.stays(), ["ARRIVAL 1@0"]);
    }
}

#[test]
fn any_gap_credits_twice_the_longest_gap() {
    for (out, visits) in [(600, 1), (601, 0)] {
        let mut world = with(InferredVisits::AnyGap);
        world.fix(0, 10.0);
        world.grid(out, out + 20, 20, 710.0);
        assert_eq!(world.count(is_event("ORDER_VISIT")), visits);
    }
    let mut world = with(InferredVisits::Off);
    world.silent(0, 10.0);
    world.grid(600, 620, 20, 710.0);
    assert_eq!(world.count(is_event("ORDER_VISIT")), 0);
}

#[test]
fn the_drive_away_is_no_dwell() {
    for (out, visits) in [(399, 0), (400, 1)] {
        let mut world = with(InferredVisits::AnyGap);
        world.fix(0, 10.0);
        world.grid(out, out + 20, 20, 709.99);
        assert_eq!(world.count(is_event("ORDER_VISIT")), visits, "{out}");
    }
}

#[test]
fn a_position_that_proves_nothing_breaks_the_silence() {
    let mut world = World::plain();
    world.silent(0, 10.0);
    world.fix_with(200, 510.0, Some(600.0));
    world.grid(700, 720, 20, 710.0);
    assert_eq!(world.stays(), ["ARRIVAL 1@0", "DEPARTURE 1@700 false"]);
}

#[test]
fn a_return_gives_no_credit_for_the_absence() {
    let mut world = World::plain();
    world.silent(0, 10.0);
    world.silent(250, 710.0);
    world.silent(265, 10.0);
    world.grid(285, 305, 20, 710.0);
    assert_eq!(world.stays(), ["ARRIVAL 1@0", "DEPARTURE 1@285 false"]);
}

#[test]
fn the_window_delays_the_credit() {
    for (start, stays) in [(299, 3), (301, 2)] {
        let mut plan = order(1, 0.0);
        plan.window = Some(TimeWindow { start: at(start), end: at(9_000) });
        plan.eta_type = Some(EtaType::DeliveryTime);
        let mut world = World::new(Policy::default(), vec![plan]);
        world.silent(0, 10.0);
        world.grid(700, 720, 20, 710.0);
        assert_eq!(world.stays().len(), stays);
        let visits = if stays == 3 { vec![start + 300] } else { vec![] };
        assert_eq!(world.times("ORDER_VISIT", 1), visits);
    }
}

#[test]
fn all_that_comes_with_the_visit_has_its_time() {
    let policy = Policy { mark_delivered_enabled: true, ..Policy::default() };
    let plans = vec![order(1, 0.0), order(2, 5_000.0)];
    let mut world = World::new(policy, plans);
    world.silent(0, 10.0);
    world.grid(700, 720, 20, 710.0);
    assert_eq!(world.times("STATUS_UPDATE", 1), [300]);
    assert_eq!(world.times("ORDER_BECAME_NEXT", 2), [300]);
    let told: Vec<_> = world.events().map(|event| event.kind.name()).collect();
    assert_eq!(told.last(), Some(&"DEPARTURE"));
}

#[test]
fn a_stay_that_was_not_told_is_told_by_its_inferred_visit() {
    let mut world = World::new(Policy::default(), vec![order(1, 9_000.0), order(2, 0.0)]);
    world.silent(0, 10.0);
    world.grid(700, 720, 20, 710.0);
    let expected = ["ARRIVAL 2@0", "ORDER_VISIT 2@300 inferred", "DEPARTURE 2@700 true"];
    assert_eq!(world.stays(), expected);
    assert_eq!(world.count(is_violated), 1);
}

#[test]
fn a_stay_that_ends_otherwise_gets_no_credit() {
    let mut world = World::plain();
    world.silent(0, 10.0);
    let (courier, route, order) = (COURIER, ROUTE, OrderId(1));
    let reason = EndReason::Removed;
    world.command(2_000, &Command::RemoveOrder { courier, route, order, reason });
    assert_eq!(world.stays(), ["ARRIVAL 1@0", "DEPARTURE 1@0 removed"]);
}
