//! Section 4.5: a fence between two positions.

use super::*;

fn at_once(orders: Vec<OrderPlan>) -> World {
    let policy = Policy {
        mark_delivered_service_time_coefficient: 0.0,
        mark_delivered_radius: Radius::from_metres(100.0).unwrap(),
        ..Policy::default()
    };
    World::new(policy, orders)
}

const CUT: [&str; 3] = ["ARRIVAL 1@10 cut", "ORDER_VISIT 1@15 cut", "DEPARTURE 1@20 true cut"];

#[test]
fn a_segment_through_the_fence_is_a_visit() {
    let mut world = at_once(vec![order(1, 0.0)]);
    world.fix(0, -300.0);
    world.fix(30, 300.0);
    assert_eq!(world.stays(), CUT);
    let visited_at = world.events().find_map(|event| match event.kind {
        EventKind::OrderVisit(at) => Some(at),
        _ => None,
    });
    let at = visited_at.unwrap();
    assert!(super::super::distance::metres(door(), at.point) < 0.1);
    assert_eq!((at.stay, at.device_time), (1, at.estimated_time));
}

#[test]
fn a_minute_is_the_longest_segment() {
    for (end, events) in [(60, 3), (61, 0)] {
        let mut world = at_once(vec![order(1, 0.0)]);
        world.fix(0, -300.0);
        world.fix(end, 300.0);
        assert_eq!(world.stays().len(), events);
    }
}

#[test]
fn a_segment_beside_the_fence_or_into_it_is_none() {
    let mut world = at_once(vec![order(1, 0.0)]);
    world.fix(0, -300.0);
    world.fix(10, -101.0);
    assert!(world.stays().is_empty());
    world.fix(20, -99.0);
    world.fix(30, 300.0);
    world.fix(40, 310.0);
    assert_eq!(world.stays(), ["ARRIVAL 1@20", "ORDER_VISIT 1@20", "DEPARTURE 1@30 true"]);
}

#[test]
fn a_dwell_a_later_stop_or_a_later_window_see_nothing() {
    let mut world = World::new(
        Policy { mark_delivered_radius: Radius::from_metres(100.0).unwrap(), ..Policy::default() },
        vec![order(1, 0.0)],
    );
    world.fix(0, -300.0);
    world.fix(30, 300.0);
    assert!(world.stays().is_empty());
    let mut world = at_once(vec![order(1, 9_000.0), order(2, 0.0)]);
    world.fix(0, -300.0);
    world.fix(30, 300.0);
    assert!(world.stays().is_empty());
    for (start, events) in [(14, 3), (16, 0)] {
        let mut plan = order(1, 0.0);
        plan.window = Some(TimeWindow { start: at(start), end: at(9_000) });
        plan.eta_type = Some(EtaType::DeliveryTime);
        let mut world = at_once(vec![plan]);
        world.fix(0, -300.0);
        world.fix(30, 300.0);
        assert_eq!(world.stays().len(), events);
    }
}

#[test]
fn one_segment_may_pass_several_heads_in_their_sequence() {
    let mut world = at_once(vec![order(1, 0.0), order(2, 400.0), order(3, 200.0)]);
    world.fix(0, -300.0);
    world.fix(50, 700.0);
    let orders: Vec<_> = world.stays().iter().map(|event| event.replace(" cut", "")).collect();
    assert_eq!(orders[1], "ORDER_VISIT 1@15");
    assert_eq!(orders[4], "ORDER_VISIT 2@35");
    assert_eq!(orders[7], "ORDER_VISIT 3@25");
    assert_eq!(orders.len(), 9);
    assert_eq!(world.times("START", 1), [50]);
    assert_eq!(world.times("ORDER_BECAME_NEXT", 2), [15]);
    let mut world = at_once(vec![order(1, 0.0), order(2, 400.0)]);
    world.fix(0, 700.0);
    world.fix(50, -300.0);
    assert_eq!(world.count(is_event("ORDER_VISIT")), 2);
}

#[test]
fn the_position_that_ends_a_stay_passes_nothing() {
    let radius = Radius::from_metres(100.0).unwrap();
    let policy = Policy { mark_delivered_radius: radius, ..Policy::default() };
    let no_dwell = Policy { mark_delivered_service_time_coefficient: 0.0, ..policy.clone() };
    let mut world = World::new(policy, vec![order(1, 0.0)]);
    world.fix(0, 0.0);
    world.command(10, &Command::PutPolicy { company: COMPANY, policy: no_dwell });
    world.fix(30, -300.0);
    world.fix(60, 300.0);
    assert_eq!(world.stays(), ["ARRIVAL 1@0", "DEPARTURE 1@30 false"]);
    world.fix(90, -300.0);
    assert_eq!(
        world.stays()[2..],
        ["ARRIVAL 1@70 cut", "ORDER_VISIT 1@75 cut", "DEPARTURE 1@80 true cut"]
    );
}
