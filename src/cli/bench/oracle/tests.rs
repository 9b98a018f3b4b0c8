//! The reference vectors of section 10 that are in scope, on the oracle itself.

mod crossing;
mod drive_through;
mod leaving;
mod overlap;
mod presence;
mod receivers;
mod silence;

use super::distance::plane;
use super::*;
use crate::domain::event::{EndReason, EventKind, OrderEvent};
use crate::domain::geo::Point;
use crate::domain::ids::OrderId;
use crate::domain::order::{EtaType, Initiator, OrderPlan, OrderStatus};
use crate::domain::policy::Radius;
use crate::domain::position::Accuracy;
use crate::domain::route::{Node, RoutePlan, RoutingMode};
use crate::domain::time::TimeWindow;

const COMPANY: CompanyId = CompanyId(1);
const COURIER: CourierId = CourierId(1);
const ROUTE: RouteId = RouteId(1);
const EPOCH_S: i64 = 1_700_000_000;

fn at(seconds: i64) -> Time {
    Time::from_ms((EPOCH_S + seconds) * 1_000)
}

fn door() -> Point {
    Point::from_degrees(48.85, 2.35).unwrap()
}

/// The point so many metres east of another.
fn east_of(point: Point, metres: f64) -> Point {
    let unit = Point::from_e7(point.lat_e7(), point.lon_e7() + 10_000).unwrap();
    let units = (metres / plane(point, unit).0 * 10_000.0).round() as i32;
    Point::from_e7(point.lat_e7(), point.lon_e7() + units).unwrap()
}

fn order(id: u64, metres_east: f64) -> OrderPlan {
    OrderPlan {
        id: OrderId(id),
        point: Some(east_of(door(), metres_east)),
        mark_delivered_radius: None,
        service_duration_s: 600,
        shared_service_duration_s: 0,
        window: None,
        eta_type: None,
        status: OrderStatus::New,
        created: false,
    }
}

struct World {
    oracle: Oracle,
    told: Vec<Told>,
}

impl World {
    fn new(policy: Policy, orders: Vec<OrderPlan>) -> Self {
        let travel = StraightLineParameters {
            detour: 1.3,
            driving_mps: 7.0,
            walking_mps: 1.3,
            bicycle_mps: 4.0,
            transit_mps: 5.0,
        };
        let mut world = Self { oracle: Oracle::new(travel), told: Vec::new() };
        world.command(-60, &Command::PutPolicy { company: COMPANY, policy });
        world.command(
            -60,
            &Command::PutCourier(CourierPlan {
                id: COURIER,
                company: COMPANY,
                allowed_courier_position_sources: None,
            }),
        );
        world.command(
            -60,
            &Command::PutRoute(RoutePlan {
                id: ROUTE,
                courier: COURIER,
                routing_mode: RoutingMode::Driving,
                route_start: Some(at(-60)),
                route_finish: None,
                depot: None,
                nodes: orders.into_iter().map(Node::Order).collect(),
            }),
        );
        world
    }

    fn plain() -> Self {
        Self::new(Policy::default(), vec![order(1, 0.0)])
    }

    fn command(&mut self, seconds: i64, command: &Command) {
        self.oracle.command(command, at(seconds), &mut self.told);
    }

    fn status(&mut self, seconds: i64, order: u64, status: OrderStatus, initiator: Initiator) {
        let (courier, route, order) = (COURIER, ROUTE, OrderId(order));
        let set = Command::SetStatus { courier, route, order, status, initiator };
        self.command(seconds, &set);
    }

    fn fix(&mut self, seconds: i64, metres_east: f64) {
        self.fix_with(seconds, metres_east, None);
    }

    fn fix_with(&mut self, seconds: i64, metres_east: f64, accuracy_m: Option<f32>) {
        self.send(seconds, metres_east, |position| {
            position.accuracy_m = accuracy_m.and_then(Accuracy::new);
        });
    }

    fn send(&mut self, seconds: i64, metres_east: f64, describe: impl FnOnce(&mut Position)) {
        let mut position = Position::bare(at(seconds), east_of(door(), metres_east));
        describe(&mut position);
        self.oracle.position(COURIER, None, &position, at(seconds), &mut self.told);
    }

    fn grid(&mut self, from: i64, to: i64, step: i64, metres_east: f64) {
        for seconds in (from..=to).step_by(step as usize) {
            self.fix(seconds, metres_east);
        }
    }

    fn events(&self) -> impl Iterator<Item = &OrderEvent> {
        self.told.iter().filter_map(|told| match &told.body {
            ToldBody::Event(event) => Some(event),
            _ => None,
        })
    }

    /// The seconds of an order's events of that name.
    fn times(&self, name: &str, order: u64) -> Vec<i64> {
        let named = |event: &&OrderEvent| event.kind.name() == name;
        let of_order = |event: &&OrderEvent| event.order == OrderId(order);
        let seconds = |event: &OrderEvent| event.t.ms() / 1_000 - EPOCH_S;
        self.events().filter(named).filter(of_order).map(seconds).collect()
    }

    /// The estimated seconds of an order's visit.
    fn visit_estimate(&self, order: u64) -> Option<i64> {
        self.events().find_map(|event| match event.kind {
            EventKind::OrderVisit(at) if event.order == OrderId(order) => {
                Some(at.estimated_time.ms() / 1_000 - EPOCH_S)
            }
            _ => None,
        })
    }

    /// The stays' events as "NAME order@seconds".
    fn stays(&self) -> Vec<String> {
        self.events()
            .filter_map(|event| {
                let tail = match event.kind {
                    EventKind::Arrival(at) if at.interpolated => " cut".into(),
                    EventKind::OrderVisit(at) if at.interpolated => " cut".into(),
                    EventKind::OrderVisit(at) if at.inferred => " inferred".into(),
                    EventKind::Arrival(_) | EventKind::OrderVisit(_) => String::new(),
                    EventKind::Departure { at, visited, reason: EndReason::Left } => {
                        format!(" {visited}{}", if at.interpolated { " cut" } else { "" })
                    }
                    EventKind::Departure { reason, .. } => format!(" {}", reason.name()),
                    _ => return None,
                };
                let seconds = event.t.ms() / 1_000 - EPOCH_S;
                Some(format!("{} {}@{seconds}{tail}", event.kind.name(), event.order))
            })
            .collect()
    }

    fn count(&self, test: impl Fn(&ToldBody) -> bool) -> usize {
        self.told.iter().filter(|told| test(&told.body)).count()
    }

    fn last_eta(&self, order: u64) -> Option<i64> {
        let etas = self.told.iter().rev().filter_map(|told| match &told.body {
            ToldBody::Eta { orders, .. } => Some(orders),
            _ => None,
        });
        let found = etas.flatten().find(|eta| eta.order == OrderId(order))?;
        found.eta.map(|eta| (eta.eta.ms() / 1_000) - EPOCH_S)
    }
}

fn is_event(name: &'static str) -> impl Fn(&ToldBody) -> bool {
    move |body| matches!(body, ToldBody::Event(event) if event.kind.name() == name)
}

fn is_violated(body: &ToldBody) -> bool {
    matches!(body, ToldBody::RouteViolated { .. })
}

#[test]
fn vector_1_visits_when_the_dwell_is_met() {
    let mut world = World::plain();
    world.grid(0, 300, 20, 10.0);
    assert_eq!(world.stays(), ["ARRIVAL 1@0", "ORDER_VISIT 1@300"]);
    let mut world = World::plain();
    world.grid(0, 360, 120, 10.0);
    assert_eq!(world.stays(), ["ARRIVAL 1@0", "ORDER_VISIT 1@360"]);
}

#[test]
fn vector_2_leaves_before_the_dwell_is_met() {
    let mut world = World::plain();
    world.grid(0, 280, 20, 10.0);
    world.grid(300, 320, 20, 600.0);
    assert_eq!(world.stays(), ["ARRIVAL 1@0", "DEPARTURE 1@300 false"]);
}

#[test]
fn vector_3_one_spike_interrupts_nothing() {
    let mut world = World::plain();
    world.grid(0, 200, 20, 10.0);
    world.fix(220, 900.0);
    world.grid(240, 300, 20, 10.0);
    assert_eq!(world.stays(), ["ARRIVAL 1@0", "ORDER_VISIT 1@300"]);
}

#[test]
fn vector_4_jitter_at_the_border() {
    let mut world = World::plain();
    for (step, metres) in [490.0, 505.0, 495.0, 530.0, 510.0].iter().cycle().take(30).enumerate() {
        world.fix(step as i64 * 20, *metres);
    }
    let stays = world.stays();
    assert_eq!(stays[0], "ARRIVAL 1@0");
    assert!(stays[1].starts_with("ORDER_VISIT 1@3"), "{stays:?}");
    assert_eq!(stays.len(), 2, "{stays:?}");
}

#[test]
fn vector_5_the_border() {
    let mut world = World::plain();
    world.fix(0, 500.01);
    assert!(world.stays().is_empty());
    let mut world = World::plain();
    world.fix(0, 499.99);
    assert_eq!(world.stays(), ["ARRIVAL 1@0"]);
}

#[test]
fn vector_6_a_silence_restarts_the_dwell() {
    let mut world = World::plain();
    world.fix(0, 10.0);
    world.fix(301, 10.0);
    world.fix(601, 10.0);
    assert_eq!(world.stays(), ["ARRIVAL 1@0", "ORDER_VISIT 1@601"]);
    let mut world = World::plain();
    world.fix(0, 10.0);
    world.fix(300, 10.0);
    assert_eq!(world.stays(), ["ARRIVAL 1@0", "ORDER_VISIT 1@300"]);
}

#[test]
fn vector_7_the_window_delays_the_dwell() {
    for (eta_type, visit) in [(EtaType::DeliveryTime, 1_300), (EtaType::ArrivalTime, 300)] {
        let mut plan = order(1, 0.0);
        plan.window = Some(TimeWindow { start: at(1_000), end: at(9_000) });
        plan.eta_type = Some(eta_type);
        let mut world = World::new(Policy::default(), vec![plan]);
        world.grid(0, 1_300, 20, 10.0);
        assert_eq!(world.stays(), ["ARRIVAL 1@0".into(), format!("ORDER_VISIT 1@{visit}")]);
    }
}

#[test]
fn vector_8_two_orders_at_one_door() {
    let mut plans = vec![order(1, 0.0), order(2, 0.0), order(3, 7_000.0)];
    plans[1].service_duration_s = 1_200;
    let mut world = World::new(Policy::default(), plans);
    world.grid(0, 700, 20, 0.0);
    let stays = world.stays();
    let expected = ["ARRIVAL 1@0", "ARRIVAL 2@0", "ORDER_VISIT 1@300", "ORDER_VISIT 2@600"];
    assert_eq!(stays, expected);
    assert_eq!(world.last_eta(3), Some(1_800 + 1_300));
    world.grid(720, 740, 20, 600.0);
    assert_eq!(world.stays()[4..], ["DEPARTURE 1@720 true", "DEPARTURE 2@720 true"]);
    assert_eq!(world.last_eta(3).map(|eta| eta / 10), Some((740 + 6_400 * 13 / 70) / 10));
}

#[test]
fn vector_9_shared_service() {
    for (step, visit) in [(10, 450), (20, 460)] {
        let mut plans = vec![order(1, 0.0), order(2, 0.0), order(3, 0.0), order(4, 7_000.0)];
        for plan in &mut plans {
            plan.shared_service_duration_s = 300;
        }
        let mut world = World::new(Policy::default(), plans);
        world.grid(0, 460, step, 0.0);
        let visits: Vec<_> =
            world.stays().into_iter().filter(|event| event.starts_with("ORDER_VISIT")).collect();
        assert_eq!(visits, [1, 2, 3].map(|id| format!("ORDER_VISIT {id}@{visit}")));
        assert_eq!(world.last_eta(4), Some(2_100 + 1_300));
    }
}

#[test]
fn vector_10_a_violation() {
    let far = [3_000.0, 6_000.0, 0.0, 9_000.0];
    let plans = far.iter().zip(1..).map(|(metres, id)| order(id, *metres)).collect();
    let mut world = World::new(Policy::default(), plans);
    world.grid(0, 280, 20, 10.0);
    assert!(world.stays().is_empty());
    world.fix(300, 10.0);
    assert_eq!(world.stays(), ["ARRIVAL 3@0", "ORDER_VISIT 3@300"]);
    assert_eq!(world.count(is_violated), 1);
    assert_eq!([1, 2, 4].map(|id| world.last_eta(id)), [None; 3]);
    world.grid(400, 700, 20, 3_000.0);
    assert_eq!(world.last_eta(4), None);
    world.grid(800, 1_100, 20, 6_000.0);
    assert_eq!(world.last_eta(4), Some(800 + 600 + 557));
    assert_eq!(world.count(is_violated), 1);
}

#[test]
fn vector_11_no_dwell_required() {
    let policy = Policy { mark_delivered_service_time_coefficient: 0.0, ..Policy::default() };
    let mut world = World::new(policy, vec![order(1, 0.0)]);
    world.fix(0, 10.0);
    assert_eq!(world.stays(), ["ARRIVAL 1@0", "ORDER_VISIT 1@0"]);
}

#[test]
fn vector_12_batches_do_not_matter() {
    // The oracle takes one position at a time; a frame is sorted before it comes here.
    let mut positions: Vec<_> =
        (0..20).map(|step| Position::bare(at(step * 20), east_of(door(), 10.0))).collect();
    let sorted = positions.clone();
    positions.reverse();
    positions.sort_by(Position::frame_order);
    assert_eq!(positions, sorted);
}

#[test]
fn vector_14_evidence() {
    let small = || {
        let mut plan = order(1, 0.0);
        plan.mark_delivered_radius = Radius::from_metres(50.0);
        World::new(Policy::default(), vec![plan])
    };
    let mut world = small();
    world.fix_with(0, 10.0, Some(120.0));
    assert!(world.stays().is_empty());
    world.fix_with(10, 10.0, Some(40.0));
    assert_eq!(world.stays(), ["ARRIVAL 1@10"]);
    world.fix_with(20, 260.0, Some(200.0));
    world.fix_with(30, 260.0, Some(200.0));
    assert_eq!(world.stays(), ["ARRIVAL 1@10", "DEPARTURE 1@20 false"]);
    let mut world = World::plain();
    world.fix(0, 10.0);
    world.fix_with(20, 720.0, Some(800.0));
    world.fix_with(70, 720.0, Some(800.0));
    world.fix_with(120, 720.0, Some(800.0));
    assert_eq!(world.stays(), ["ARRIVAL 1@0"]);
}

#[test]
fn vector_15_just_beyond_the_border() {
    let near = || {
        let mut plan = order(1, 0.0);
        plan.mark_delivered_radius = Radius::from_metres(100.0);
        plan.service_duration_s = 120;
        World::new(Policy::default(), vec![plan])
    };
    let mut world = near();
    world.grid(0, 40, 5, 10.0);
    world.grid(45, 85, 5, 110.0);
    assert_eq!(world.stays(), ["ARRIVAL 1@0"]);
    world.fix(90, 110.0);
    assert_eq!(world.stays(), ["ARRIVAL 1@0", "DEPARTURE 1@45 false"]);
    let mut world = near();
    world.grid(0, 40, 5, 10.0);
    world.grid(45, 80, 5, 110.0);
    world.fix(85, 10.0);
    assert_eq!(world.stays(), ["ARRIVAL 1@0", "ORDER_VISIT 1@85"]);
}

#[test]
fn vector_17_a_status_set_by_hand() {
    let policy = || Policy { mark_delivered_enabled: true, ..Policy::default() };
    let mut world = World::new(policy(), vec![order(1, 0.0)]);
    world.grid(0, 100, 20, 10.0);
    world.status(100, 1, OrderStatus::Finished, Initiator::UserApi);
    world.grid(120, 300, 20, 10.0);
    assert_eq!(world.stays(), ["ARRIVAL 1@0", "ORDER_VISIT 1@300"]);
    assert_eq!(world.count(is_event("STATUS_UPDATE")), 1);
    assert_eq!(world.count(is_violated), 0);
    let mut world = World::new(policy(), vec![order(1, 0.0)]);
    world.grid(0, 200, 20, 10.0);
    world.status(200, 1, OrderStatus::Postponed, Initiator::App);
    world.grid(220, 300, 20, 10.0);
    assert_eq!(world.stays(), ["ARRIVAL 1@0", "ORDER_VISIT 1@300"]);
    assert_eq!(world.count(is_event("STATUS_UPDATE")), 1);
}

#[test]
fn vector_18_jumps() {
    let is_jump = |body: &ToldBody| matches!(body, ToldBody::Dropped { reason: "jump", .. });
    let mut world = World::plain();
    world.fix(0, 0.0);
    world.fix(5, 1_000.0);
    world.fix(20, 0.0);
    assert_eq!(world.count(is_jump), 1);
    assert_eq!(world.stays(), ["ARRIVAL 1@0"]);
    let mut world = World::plain();
    world.fix(0, 0.0);
    world.fix(5, 1_000.0);
    world.fix(10, 1_050.0);
    assert_eq!(world.count(is_jump), 0);
    assert_eq!(world.stays(), ["ARRIVAL 1@0", "DEPARTURE 1@5 false"]);
}
