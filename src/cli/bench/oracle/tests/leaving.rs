//! Section 4.1: the row of outside positions that confirms an exit (`r_exit` 550).

use super::*;
use crate::domain::depot::DepotPlan;
use crate::domain::ids::DepotId;

impl World {
    /// The route starts at a depot at the door.
    fn start_at_depot(&mut self) {
        let depot = DepotPlan {
            id: DepotId(1),
            point: door(),
            mark_delivered_radius: None,
            mark_route_started_radius: Radius::from_metres(500.0),
            service_duration_s: 0,
            order_service_duration_s: 0,
        };
        let route = RoutePlan {
            id: ROUTE,
            courier: COURIER,
            routing_mode: RoutingMode::Driving,
            route_start: Some(at(-60)),
            route_finish: None,
            depot: None,
            nodes: vec![Node::Depot(depot), Node::Order(order(1, 7_000.0))],
        };
        self.command(-50, &Command::PutRoute(route));
    }
}

/// Inside at 0, then at these seconds and metres.
fn after(fixes: &[(i64, f64)]) -> Vec<String> {
    let mut world = World::plain();
    world.fix(0, 10.0);
    for &(seconds, metres) in fixes {
        world.fix(seconds, metres);
    }
    world.stays().split_off(1)
}

const LEFT: [&str; 1] = ["DEPARTURE 1@10 false"];

#[test]
fn two_outside_positions_close_by_take_twenty_seconds() {
    assert!(after(&[(10, 600.0), (29, 600.0)]).is_empty());
    assert_eq!(after(&[(10, 600.0), (30, 600.0)]), LEFT);
    assert!(after(&[(10, 600.0), (15, 600.0), (20, 600.0), (29, 600.0)]).is_empty());
    assert_eq!(after(&[(10, 600.0), (15, 600.0), (20, 600.0), (30, 551.0)]), LEFT);
}

#[test]
fn the_second_one_far_away_confirms_at_once() {
    assert!(after(&[(10, 600.0), (11, 609.9)]).is_empty());
    assert_eq!(after(&[(10, 600.0), (11, 610.1)]), LEFT);
    assert_eq!(after(&[(10, 551.0), (11, 610.1)]), LEFT);
    assert!(after(&[(10, 620.0), (11, 600.0)]).is_empty());
    assert_eq!(after(&[(10, 620.0), (11, 600.0), (12, 620.0)]), LEFT);
    assert!(after(&[(10, 620.0)]).is_empty());
}

#[test]
fn beyond_or_inside_begins_the_row_anew() {
    for between in [530.0, 10.0] {
        assert!(after(&[(10, 600.0), (20, between), (30, 600.0)]).is_empty());
        assert!(after(&[(10, 600.0), (20, between), (30, 620.0)]).is_empty());
        let row = [(10, 600.0), (20, between), (30, 600.0), (49, 600.0)];
        assert!(after(&row).is_empty());
        let row = [(10, 600.0), (20, between), (30, 600.0), (50, 600.0)];
        assert_eq!(after(&row), ["DEPARTURE 1@30 false"]);
    }
}

#[test]
fn no_evidence_breaks_no_row() {
    let mut world = World::plain();
    world.fix(0, 10.0);
    world.fix(10, 600.0);
    world.fix_with(20, 620.0, Some(300.0));
    world.fix(30, 600.0);
    assert_eq!(world.stays(), ["ARRIVAL 1@0", "DEPARTURE 1@10 false"]);
}

#[test]
fn three_positions_of_any_kind_still_take_45_seconds() {
    let mixed = [(10, 600.0), (30, 530.0), (54, 600.0)];
    assert!(after(&mixed).is_empty());
    assert_eq!(after(&[(10, 600.0), (30, 530.0), (55, 600.0)]), LEFT);
    let beyond_first = [(10, 530.0), (45, 600.0), (55, 600.0)];
    assert_eq!(after(&beyond_first), LEFT);
    let both = [(10, 530.0), (35, 600.0), (55, 600.0)];
    assert_eq!(after(&both), ["DEPARTURE 1@35 false"]);
}

#[test]
fn the_distance_decides_whatever_the_accuracy() {
    for (metres, events) in [(609.9, 1), (610.1, 2)] {
        let mut world = World::plain();
        world.fix(0, 10.0);
        world.fix_with(10, 600.0, Some(20.0));
        world.fix_with(11, metres, Some(20.0));
        assert_eq!(world.stays().len(), events);
    }
}

#[test]
fn a_depot_is_left_in_the_same_way() {
    for (second, metres, starts) in [(29, 600.0, 0), (30, 600.0, 1), (11, 609.9, 0), (11, 610.1, 1)]
    {
        let mut world = World::plain();
        world.start_at_depot();
        world.fix(0, 10.0);
        world.fix(10, 600.0);
        world.fix(second, metres);
        assert_eq!(world.count(is_event("START")), starts, "{second} {metres}");
    }
}
