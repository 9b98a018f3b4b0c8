//! Section 4.4: the nearest order is credited.

use super::*;
use crate::domain::policy::{ArrivalScope, InferredVisits, OverlapPolicy};

fn nearest() -> Policy {
    Policy {
        overlap_policy: OverlapPolicy::Nearest,
        arrival_scope: ArrivalScope::Any,
        mark_delivered_radius: Radius::from_metres(100.0).unwrap(),
        ..Policy::default()
    }
}

fn minute(id: u64, metres_east: f64) -> OrderPlan {
    OrderPlan { service_duration_s: 120, ..order(id, metres_east) }
}

/// A at 0 m, B 60 m east of it.
fn two_doors(policy: Policy) -> World {
    World::new(policy, vec![minute(1, 0.0), minute(2, 60.0)])
}

#[test]
fn vector_16_the_right_door() {
    let mut world = two_doors(nearest());
    world.grid(0, 120, 5, 3.0);
    world.grid(140, 260, 5, 62.0);
    let arrivals = ["ARRIVAL 1@0", "ARRIVAL 2@0"];
    assert_eq!(world.stays()[..2], arrivals);
    assert_eq!(world.stays()[2..], ["ORDER_VISIT 1@60", "ORDER_VISIT 2@180"]);
    let mut world = two_doors(Policy { overlap_policy: OverlapPolicy::Parallel, ..nearest() });
    world.grid(0, 120, 5, 3.0);
    world.grid(140, 260, 5, 62.0);
    assert_eq!(world.stays()[..2], arrivals);
    assert_eq!(world.stays()[2..], ["ORDER_VISIT 1@60", "ORDER_VISIT 2@60"]);
    assert_eq!(world.count(is_violated), 0);
}

#[test]
fn a_tie_goes_to_the_earlier_one() {
    let plans = vec![minute(1, -50.0), minute(2, 50.0)];
    let mut world = World::new(nearest(), plans);
    world.grid(0, 120, 5, 0.0);
    assert_eq!(world.times("ORDER_VISIT", 1), [60]);
    assert!(world.times("ORDER_VISIT", 2).is_empty());
}

#[test]
fn the_orders_of_one_stop_share_even_when_one_is_visited() {
    let plans = vec![minute(1, 0.0), order(2, 0.0), minute(3, 60.0)];
    let mut world = World::new(nearest(), plans);
    world.grid(0, 400, 10, 3.0);
    assert_eq!(world.times("ORDER_VISIT", 1), [60]);
    assert_eq!(world.times("ORDER_VISIT", 2), [300]);
    assert!(world.times("ORDER_VISIT", 3).is_empty());
}

#[test]
fn the_credit_is_the_sum_of_intervals_and_the_estimate_counts_back() {
    let mut world = two_doors(nearest());
    world.grid(0, 25, 25, 3.0);
    world.grid(50, 75, 25, 62.0);
    world.grid(100, 125, 25, 3.0);
    // 25 at 25, then 50 and 75.
    assert_eq!(world.times("ORDER_VISIT", 1), [125]);
    assert_eq!(world.visit_estimate(1), Some(110));
    assert!(world.times("ORDER_VISIT", 2).is_empty());
}

#[test]
fn a_long_gap_takes_the_credit_of_all() {
    let mut world = two_doors(nearest());
    world.grid(0, 50, 10, 3.0);
    world.fix(351, 62.0);
    world.grid(361, 401, 10, 3.0);
    assert_eq!(world.count(is_event("ORDER_VISIT")), 0);
    world.fix(411, 3.0);
    assert_eq!(world.times("ORDER_VISIT", 1), [411]);
}

#[test]
fn no_dwell_is_met_by_the_nearest_only() {
    let policy = Policy { mark_delivered_service_time_coefficient: 0.0, ..nearest() };
    let mut world = two_doors(policy);
    world.fix(0, 3.0);
    world.fix(10, 62.0);
    let visits = ["ORDER_VISIT 1@0", "ORDER_VISIT 2@10"];
    let expected: Vec<_> = ["ARRIVAL 1@0", "ARRIVAL 2@0"].into_iter().chain(visits).collect();
    assert_eq!(world.stays(), expected);
}

#[test]
fn the_window_clips_the_credit() {
    let mut plan = minute(1, 0.0);
    plan.window = Some(TimeWindow { start: at(95), end: at(9_000) });
    plan.eta_type = Some(EtaType::DeliveryTime);
    let mut world = World::new(nearest(), vec![plan]);
    world.grid(0, 200, 10, 3.0);
    assert_eq!(world.times("ORDER_VISIT", 1), [160]);
    assert_eq!(world.visit_estimate(1), Some(155));
}

#[test]
fn a_silence_is_credited_to_the_nearest() {
    let policy = Policy { inferred_visits: InferredVisits::AnyGap, ..nearest() };
    let mut world = two_doors(policy);
    world.grid(0, 40, 10, 3.0);
    world.grid(160, 170, 10, 353.0);
    let expected = [
        "ARRIVAL 1@0",
        "ARRIVAL 2@0",
        "ORDER_VISIT 1@60 inferred",
        "DEPARTURE 1@160 true",
        "DEPARTURE 2@160 false",
    ];
    assert_eq!(world.stays(), expected);
}

#[test]
fn a_switch_of_the_policy_starts_the_credit_anew() {
    let switch = |world: &mut World, seconds, overlap_policy| {
        let policy = Policy { overlap_policy, ..nearest() };
        world.command(seconds, &Command::PutPolicy { company: COMPANY, policy });
    };
    let mut world = two_doors(Policy { overlap_policy: OverlapPolicy::Parallel, ..nearest() });
    world.grid(0, 50, 10, 3.0);
    switch(&mut world, 50, OverlapPolicy::Nearest);
    world.grid(60, 100, 10, 3.0);
    assert_eq!(world.count(is_event("ORDER_VISIT")), 0);
    world.fix(110, 3.0);
    assert_eq!(world.times("ORDER_VISIT", 1), [110]);
    switch(&mut world, 110, OverlapPolicy::Parallel);
    world.fix(120, 3.0);
    assert_eq!(world.times("ORDER_VISIT", 2), [120]);
}
