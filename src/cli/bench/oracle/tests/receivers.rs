//! Sections 3.6 and 3.7: frozen receivers, and several sources of one courier.

use super::*;
use crate::domain::position::{Source, SourceSet};

impl World {
    fn moving(&mut self, seconds: i64, metres_east: f64, speed: f32) {
        self.send(seconds, metres_east, |position| position.speed_mps = Some(speed));
    }

    fn heard(&mut self, seconds: i64, source: Source) {
        self.send(seconds, 2_000.0 + seconds as f64, |position| position.source = source);
    }

    fn outranked(&self) -> usize {
        self.count(|body| matches!(body, ToldBody::Dropped { reason: "source", .. }))
    }
}

#[test]
fn a_frozen_receiver_proves_nothing_after_a_minute() {
    let mut world = World::plain();
    for seconds in (0..=400).step_by(20) {
        world.moving(seconds, 10.0, 5.0);
    }
    assert_eq!(world.stays(), ["ARRIVAL 1@0"]);
    // The last inside position is that of 60, so that 460 restarts the dwell.
    world.grid(460, 760, 100, 10.0);
    assert_eq!(world.stays(), ["ARRIVAL 1@0", "ORDER_VISIT 1@760"]);
}

#[test]
fn a_minute_of_repetition_is_evidence() {
    for (last, visits) in [(60, 1), (61, 0)] {
        let plan = OrderPlan { service_duration_s: 120, ..order(1, 0.0) };
        let mut world = World::new(Policy::default(), vec![plan]);
        world.moving(0, 10.0, 5.0);
        world.moving(last, 10.0, 5.0);
        assert_eq!(world.count(is_event("ORDER_VISIT")), visits);
    }
}

#[test]
fn a_standing_device_and_another_point_begin_anew() {
    for (metres, speed) in [(10.0, 1.0), (10.1, 5.0)] {
        let mut world = World::plain();
        for seconds in (0..=300).step_by(20) {
            if seconds % 60 == 40 {
                world.moving(seconds, metres, speed);
            } else {
                world.moving(seconds, 10.0, 5.0);
            }
        }
        assert_eq!(world.stays(), ["ARRIVAL 1@0", "ORDER_VISIT 1@300"]);
    }
}

#[test]
fn a_receiver_frozen_outside_does_not_leave() {
    let mut world = World::plain();
    world.fix(0, 10.0);
    world.moving(20, 1_000.0, 5.0);
    world.fix(40, 10.0);
    world.moving(60, 1_000.0, 5.0);
    assert_eq!(world.stays(), ["ARRIVAL 1@0"]);
    world.moving(121, 1_000.0, 5.0);
    assert_eq!(world.stays(), ["ARRIVAL 1@0"]);
    world.moving(130, 1_001.0, 5.0);
    assert_eq!(world.stays(), ["ARRIVAL 1@0", "DEPARTURE 1@60 false"]);
}

#[test]
fn the_highest_source_of_two_minutes_wins() {
    use Source::{App, GpsTracker, S2sApi, Yanavi};
    for (pair, outranked) in [
        ([GpsTracker, S2sApi], 1),
        ([S2sApi, App], 1),
        ([App, Yanavi], 1),
        ([Yanavi, App], 0),
        ([App, S2sApi], 0),
        ([S2sApi, GpsTracker], 0),
        ([App, App], 0),
    ] {
        let mut world = World::plain();
        world.heard(0, pair[0]);
        world.heard(120, pair[1]);
        assert_eq!(world.outranked(), outranked, "{pair:?}");
        world.heard(241, pair[1]);
        assert_eq!(world.outranked(), outranked, "{pair:?}");
    }
}

#[test]
fn a_higher_source_heard_later_wins_too() {
    let mut world = World::plain();
    world.heard(100, Source::GpsTracker);
    world.heard(50, Source::App);
    assert_eq!(world.outranked(), 1);
}

#[test]
fn the_outranked_and_the_outdated_are_heard() {
    use Source::{App, GpsTracker, S2sApi};
    let mut world = World::plain();
    world.heard(0, GpsTracker);
    world.heard(100, S2sApi);
    world.heard(121, App);
    // S2S_API was outranked at 100 and outranks the app at 121.
    assert_eq!(world.outranked(), 2);
    world.heard(221, App);
    assert_eq!(world.outranked(), 2);
}

#[test]
fn neither_disallowed_nor_coarse_positions_are_heard() {
    let allowed = SourceSet::NONE.with(Source::App);
    let policy = Policy { allowed_courier_position_sources: allowed, ..Policy::default() };
    let mut world = World::new(policy, vec![order(1, 0.0)]);
    world.heard(0, Source::GpsTracker);
    world.heard(20, Source::App);
    assert_eq!(world.outranked(), 1);
    let mut world = World::plain();
    world.send(0, 2_000.0, |position| {
        position.source = Source::GpsTracker;
        position.accuracy_m = Accuracy::new(1_500.0);
    });
    world.heard(20, Source::App);
    assert_eq!(world.outranked(), 0);
}
