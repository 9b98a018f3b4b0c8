//! Section 4.4, `parallel`: how much of a dwell has to be at the fence.

use super::*;
use crate::domain::policy::{InferredVisits, OverlapPolicy};

/// So many positions inside, the last one at `last`, and so many at `metres` between them.
fn share(world: &mut World, (within, away): (i64, i64), metres: f64, last: i64) {
    let mut left = away;
    let mut second = 0;
    for _ in 1..within {
        world.fix(second, metres - 150.0);
        second += 10;
        if left > 0 {
            world.fix(second, metres);
            second += 10;
            left -= 1;
        }
    }
    assert_eq!(left, 0);
    assert!(second <= last);
    world.fix(last, metres - 150.0);
}

const ENOUGH: [(i64, i64); 3] = [(11, 9), (6, 4), (5, 4)];
const TOO_FEW: [(i64, i64); 2] = [(7, 6), (12, 10)];

#[test]
fn eleven_of_twenty_are_presence() {
    for (parts, visits) in ENOUGH.iter().map(|p| (p, 1)).chain(TOO_FEW.iter().map(|p| (p, 0))) {
        for metres in [530.0, 560.0] {
            let mut world = World::plain();
            share(&mut world, *parts, metres, 300);
            assert_eq!(world.count(is_event("ORDER_VISIT")), visits, "{parts:?}");
        }
    }
}

#[test]
fn more_positions_inside_make_up_for_those_away() {
    let mut world = World::plain();
    // 12 of 22, then 13 of 23.
    share(&mut world, (12, 10), 530.0, 300);
    assert_eq!(world.stays(), ["ARRIVAL 1@0"]);
    world.fix(310, 10.0);
    assert_eq!(world.stays(), ["ARRIVAL 1@0", "ORDER_VISIT 1@310"]);
    assert_eq!(world.visit_estimate(1), Some(300));
}

#[test]
fn a_large_fence_has_a_border_of_four_parts_in_a_hundred() {
    let borders = [(500.0, 509.9, 510.1), (300.0, 301.9, 302.1), (1_000.0, 1_029.9, 1_030.1)];
    for (radius, near, far) in borders {
        for (metres, visits) in [(near, 1), (far, 0)] {
            let mut plan = order(1, 0.0);
            plan.mark_delivered_radius = Radius::from_metres(radius);
            let mut world = World::new(Policy::default(), vec![plan]);
            share(&mut world, (12, 10), metres, 300);
            assert_eq!(world.count(is_event("ORDER_VISIT")), visits, "{radius} {metres}");
        }
    }
    for radius in [100.0, 250.0] {
        let mut plan = order(1, 0.0);
        plan.mark_delivered_radius = Radius::from_metres(radius);
        let mut world = World::new(Policy::default(), vec![plan]);
        share(&mut world, (12, 10), radius + 0.1, 300);
        assert_eq!(world.count(is_event("ORDER_VISIT")), 0);
    }
}

#[test]
fn a_position_that_proves_nothing_counts_nowhere() {
    let mut world = World::plain();
    for second in (0..=290).step_by(10) {
        world.fix(second, 400.0);
        world.fix_with(second + 5, 530.0, Some(260.0));
        world.fix_with(second + 6, 520.0, Some(240.0));
    }
    world.fix(300, 400.0);
    assert_eq!(world.times("ORDER_VISIT", 1), [300]);
}

#[test]
fn a_restart_of_the_dwell_counts_anew() {
    for (restart, visits) in [(700, 0), (701, 1)] {
        let mut world = World::plain();
        share(&mut world, (20, 19), 530.0, 400);
        world.fix(restart, 10.0);
        world.fix(restart + 300, 10.0);
        assert_eq!(world.count(is_event("ORDER_VISIT")), visits);
    }
}

#[test]
fn an_inferred_visit_is_judged_at_the_last_position_inside() {
    for (parts, visits) in ENOUGH.iter().map(|p| (p, 1)).chain(TOO_FEW.iter().map(|p| (p, 0))) {
        let policy = Policy { inferred_visits: InferredVisits::AnyGap, ..Policy::default() };
        let mut world = World::new(policy, vec![order(1, 0.0)]);
        share(&mut world, *parts, 530.0, 220);
        world.grid(550, 570, 20, 710.0);
        let expected = if visits == 1 { vec![300] } else { vec![] };
        assert_eq!(world.times("ORDER_VISIT", 1), expected, "{parts:?}");
    }
}

#[test]
fn no_dwell_is_one_of_one_and_waits_for_its_window_like_others() {
    let policy = Policy { mark_delivered_service_time_coefficient: 0.0, ..Policy::default() };
    let mut world = World::new(policy.clone(), vec![order(1, 0.0)]);
    world.fix(0, 10.0);
    assert_eq!(world.stays(), ["ARRIVAL 1@0", "ORDER_VISIT 1@0"]);
    for (parts, visits) in [((11, 9), 1), ((12, 10), 0)] {
        let mut plan = order(1, 0.0);
        plan.window = Some(TimeWindow { start: at(300), end: at(9_000) });
        plan.eta_type = Some(EtaType::DeliveryTime);
        let mut world = World::new(policy.clone(), vec![plan]);
        share(&mut world, parts, 530.0, 300);
        assert_eq!(world.count(is_event("ORDER_VISIT")), visits);
    }
}

#[test]
fn nearest_asks_for_no_such_share() {
    let policy = Policy { overlap_policy: OverlapPolicy::Nearest, ..Policy::default() };
    let mut world = World::new(policy, vec![order(1, 0.0)]);
    share(&mut world, (12, 10), 530.0, 300);
    assert_eq!(world.times("ORDER_VISIT", 1), [300]);
}
