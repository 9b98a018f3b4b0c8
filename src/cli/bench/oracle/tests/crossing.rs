//! Section 4.6: when the courier passed the circle.

use super::*;
use crate::domain::policy::{InferredVisits, OverlapPolicy};

impl World {
    fn at_speed(&mut self, seconds: i64, metres_east: f64, speed_mps: Option<f32>) {
        self.send(seconds, metres_east, |position| position.speed_mps = speed_mps);
    }

    /// The estimated seconds of the first event of that name.
    fn estimate(&self, name: &str) -> Option<i64> {
        let event = self.events().find(|event| event.kind.name() == name)?;
        let at = match event.kind {
            EventKind::Arrival(at) | EventKind::OrderVisit(at) => at,
            EventKind::Departure { at, .. } => at,
            _ => return None,
        };
        let ms = at.estimated_time.ms() - EPOCH_S * 1_000;
        Some((ms + 500).div_euclid(1_000))
    }
}

const STANDS: [Option<f32>; 2] = [None, Some(2.0)];
const MOVES: Option<f32> = Some(2.01);

/// 700 m outside (100 s at 7 m/s), then 350 m inside (50 s).
fn entry(gap: i64, before: Option<f32>, inside: Option<f32>) -> Option<i64> {
    let mut world = World::plain();
    world.at_speed(0, 1_200.0, before);
    world.at_speed(gap, 150.0, inside);
    world.estimate("ARRIVAL")
}

/// 350 m inside, then 700 m outside.
fn exit(gap: i64, inside: Option<f32>, away: Option<f32>) -> Option<i64> {
    let mut world = World::plain();
    world.at_speed(0, 150.0, inside);
    world.at_speed(gap, 1_200.0, away);
    world.at_speed(gap + 20, 1_200.0, away);
    world.estimate("DEPARTURE")
}

#[test]
fn who_moves_says_when_the_circle_was_passed() {
    for stands in STANDS {
        assert_eq!(entry(300, MOVES, MOVES), Some(200));
        assert_eq!(entry(300, MOVES, stands), Some(100));
        assert_eq!(entry(300, stands, MOVES), Some(250));
        assert_eq!(entry(300, stands, stands), Some(175));
        assert_eq!(exit(300, MOVES, MOVES), Some(100));
        assert_eq!(exit(300, MOVES, stands), Some(50));
        assert_eq!(exit(300, stands, MOVES), Some(200));
        assert_eq!(exit(300, stands, stands), Some(125));
    }
}

#[test]
fn a_bracket_of_a_minute_is_linear_whoever_moves() {
    for (before, after) in [(None, None), (None, MOVES), (MOVES, None), (MOVES, MOVES)] {
        assert_eq!(entry(60, before, after), Some(40));
        assert_eq!(exit(60, before, after), Some(20));
    }
    // 100 s and 61 - 50 s; 50 s and 61 - 100 s.
    assert_eq!(entry(61, None, None), Some(56));
    assert_eq!(exit(61, None, None), Some(6));
}

#[test]
fn a_way_too_long_for_its_gap_stays_within_it() {
    // 100 s, and 90 - 50 s.
    assert_eq!(entry(90, MOVES, None), Some(90));
    assert_eq!(entry(90, None, MOVES), Some(90));
    assert_eq!(entry(90, None, None), Some(70));
    // 50 s, and 90 - 100 s.
    assert_eq!(exit(90, MOVES, None), Some(50));
    assert_eq!(exit(90, None, MOVES), Some(50));
    assert_eq!(exit(90, None, None), Some(20));
}

#[test]
fn an_entry_from_nowhere_or_from_within_has_its_own_time() {
    let mut world = World::plain();
    world.at_speed(0, 150.0, MOVES);
    assert_eq!(world.estimate("ARRIVAL"), Some(0));
    let mut world = World::plain();
    world.fix_with(0, 490.0, Some(300.0));
    world.at_speed(300, 150.0, MOVES);
    assert_eq!(world.estimate("ARRIVAL"), Some(300));
}

/// Coming from 700 m, so that the circle is passed half way, and at 300 m from then on.
fn entered(world: &mut World, before: i64, entry: i64) {
    world.fix(before, 700.0);
    world.fix(entry, 300.0);
}

#[test]
fn the_dwell_counts_from_the_crossing() {
    for (last, visits) in [(319, 0), (320, 1)] {
        let mut world = World::plain();
        entered(&mut world, 0, 40);
        world.fix(100, 300.0);
        world.fix(last, 300.0);
        assert_eq!(world.count(is_event("ORDER_VISIT")), visits);
    }
    for (before, met) in [(-60, 270), (-61, 300)] {
        let mut world = World::plain();
        entered(&mut world, before, 0);
        world.fix(150, 300.0);
        world.fix(met - 1, 300.0);
        assert_eq!(world.count(is_event("ORDER_VISIT")), 0);
        world.fix(met, 300.0);
        assert_eq!(world.times("ORDER_VISIT", 1), [met]);
    }
    let mut world = World::plain();
    world.fix_with(0, 490.0, Some(300.0));
    world.fix(20, 300.0);
    world.grid(100, 319, 73, 300.0);
    assert_eq!(world.count(is_event("ORDER_VISIT")), 0);
    world.fix(320, 300.0);
    assert_eq!(world.times("ORDER_VISIT", 1), [320]);
}

#[test]
fn a_dwell_may_be_met_on_the_way_in() {
    for (service, visits) in [(40, 1), (42, 0)] {
        let plan = OrderPlan { service_duration_s: service, ..order(1, 0.0) };
        let mut world = World::new(Policy::default(), vec![plan]);
        entered(&mut world, 0, 40);
        assert_eq!(world.count(is_event("ORDER_VISIT")), visits);
    }
}

#[test]
fn a_restarted_dwell_counts_from_its_position() {
    let mut world = World::plain();
    entered(&mut world, 0, 40);
    world.fix(341, 300.0);
    world.fix(640, 300.0);
    assert_eq!(world.count(is_event("ORDER_VISIT")), 0);
    world.fix(641, 300.0);
    assert_eq!(world.times("ORDER_VISIT", 1), [641]);
}

/// Inside at 0 and at `last`, and then outside.
fn left(world: &mut World, last: i64, out: i64) {
    world.fix(0, 300.0);
    world.fix(last, 300.0);
    world.fix(out, 700.0);
    world.fix(out + 5, 700.0);
}

#[test]
fn a_dwell_may_be_met_on_the_way_out() {
    let mut world = World::plain();
    left(&mut world, 285, 317);
    let expected = ["ARRIVAL 1@0", "ORDER_VISIT 1@300 cut", "DEPARTURE 1@317 true"];
    assert_eq!(world.stays(), expected);
    assert_eq!(world.estimate("ORDER_VISIT"), Some(300));
    assert_eq!(world.estimate("DEPARTURE"), Some(301));
    let visit = world.events().find_map(|event| match event.kind {
        EventKind::OrderVisit(visit) => Some(visit),
        _ => None,
    });
    let visit = visit.unwrap();
    assert_eq!((visit.device_time, visit.point), (at(285), east_of(door(), 300.0)));
    assert!(!visit.inferred);
    let mut world = World::plain();
    left(&mut world, 285, 313);
    assert_eq!(world.stays(), ["ARRIVAL 1@0", "DEPARTURE 1@313 false"]);
}

#[test]
fn the_way_out_takes_a_minute_at_most() {
    for (out, visits) in [(341, 1), (342, 0)] {
        let mut world = World::plain();
        left(&mut world, 281, out);
        assert_eq!(world.count(is_event("ORDER_VISIT")), visits, "{out}");
    }
}

#[test]
fn a_position_on_the_way_out_takes_its_visit() {
    let mut world = World::plain();
    world.fix(0, 300.0);
    world.fix(285, 300.0);
    world.fix_with(300, 490.0, Some(300.0));
    world.fix(317, 700.0);
    world.fix(322, 700.0);
    assert_eq!(world.count(is_event("ORDER_VISIT")), 0);
}

#[test]
fn the_window_and_the_share_hold_on_the_way_out() {
    for (start, visits) in [(0, 1), (2, 0)] {
        let mut plan = order(1, 0.0);
        plan.window = Some(TimeWindow { start: at(start), end: at(9_000) });
        plan.eta_type = Some(EtaType::DeliveryTime);
        let mut world = World::new(Policy::default(), vec![plan]);
        left(&mut world, 285, 317);
        assert_eq!(world.count(is_event("ORDER_VISIT")), visits);
    }
    let mut world = World::plain();
    for second in (0..=280).step_by(20) {
        world.fix(second, 400.0);
        world.fix(second + 10, 530.0);
    }
    world.fix(291, 300.0);
    world.fix(317, 700.0);
    world.fix(322, 700.0);
    assert_eq!(world.stays().last().unwrap(), "DEPARTURE 1@317 false");
}

#[test]
fn only_leaving_and_only_parallel_look_at_the_way_out() {
    let nearest = Policy { overlap_policy: OverlapPolicy::Nearest, ..Policy::default() };
    let mut world = World::new(nearest, vec![order(1, 0.0)]);
    left(&mut world, 285, 317);
    assert_eq!(world.stays().last().unwrap(), "DEPARTURE 1@317 false");
    let mut world = World::plain();
    world.fix(0, 300.0);
    world.fix(285, 300.0);
    world.fix(317, 700.0);
    let (courier, route, order) = (COURIER, ROUTE, OrderId(1));
    let reason = EndReason::Removed;
    world.command(320, &Command::RemoveOrder { courier, route, order, reason });
    assert_eq!(world.stays().last().unwrap(), "DEPARTURE 1@285 removed");
}

#[test]
fn a_silence_is_tried_before_the_way_out() {
    // 210 m and 400 m at 7 m/s.
    for (inside, last, out, flag) in [(490.0, 290, 340, "inferred"), (300.0, 290, 317, "cut")] {
        let policy = Policy { inferred_visits: InferredVisits::AnyGap, ..Policy::default() };
        let mut world = World::new(policy, vec![order(1, 0.0)]);
        world.fix(0, inside);
        world.fix(last, inside);
        world.fix(out, 700.0);
        world.fix(out + 5, 700.0);
        assert_eq!(world.stays()[1], format!("ORDER_VISIT 1@300 {flag}"));
    }
}

#[test]
fn a_stay_that_was_not_told_is_told_by_the_way_out() {
    let mut world = World::new(Policy::default(), vec![order(1, 9_000.0), order(2, 0.0)]);
    left(&mut world, 285, 317);
    let expected = ["ARRIVAL 2@0", "ORDER_VISIT 2@300 cut", "DEPARTURE 2@317 true"];
    assert_eq!(world.stays(), expected);
    assert_eq!(world.count(is_violated), 1);
}
