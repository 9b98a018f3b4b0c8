//! Random days: a route of orders around a place, a courier who drives between them, stands, jitters
//! and falls silent, and callers who change things meanwhile. Everything is a pure function of what
//! proptest draws, so that a failure shrinks.

use std::collections::BTreeSet;

use doorstep::domain::command::Command;
use doorstep::domain::courier::CourierPlan;
use doorstep::domain::event::EndReason;
use doorstep::domain::geo::Point;
use doorstep::domain::ids::{CompanyId, CourierId, OrderId, RouteId};
use doorstep::domain::order::{EtaType, Initiator, OrderPlan, OrderStatus};
use doorstep::domain::policy::{ArrivalScope, InferredVisits, OverlapPolicy, Policy, Radius};
use doorstep::domain::position::{Accuracy, Position, Source};
use doorstep::domain::route::{Node, RoutePlan, RoutingMode};
use doorstep::domain::time::{HOUR_MS, SECOND_MS, Time, TimeWindow};
use doorstep::engine::input::InputBody;
use doorstep::runtime::partition::partition_of;
use proptest::prelude::*;

use super::play::Step;
use super::world::{ZERO, moved, origin};

/// A drawn day of one courier.
#[derive(Clone, Debug)]
pub struct Day {
    /// The company's settings.
    pub policy: Policy,
    /// The orders of the route, ids from 1.
    pub orders: Vec<OrderPlan>,
    /// The courier's positions, rising in time.
    pub positions: Vec<Position>,
    /// What callers do: after so many positions.
    pub changes: Vec<(usize, Change)>,
}

/// Something a caller does.
#[derive(Clone, Copy, Debug)]
pub enum Change {
    /// To the order of this index.
    Order(usize, OrderChange),
    /// Stores the route anew, its orders rotated.
    Rotate(usize),
    /// Stores the company's settings with others for overlaps and silences.
    Settings(OverlapPolicy, InferredVisits),
}

/// Something a caller does to an order.
#[derive(Clone, Copy, Debug)]
pub enum OrderChange {
    /// Sets its status.
    Status(OrderStatus),
    /// Gives it another radius.
    Radius(f64),
    /// Deletes it.
    Remove,
}

/// Days in which only the courier does something.
pub fn days() -> impl Strategy<Value = Day> {
    (policies(), prop::collection::vec(orders(), 1..6), prop::collection::vec(legs(), 1..8))
        .prop_map(|(policy, orders, legs)| day(policy, &orders, &legs))
}

/// Days with callers.
pub fn busy_days() -> impl Strategy<Value = Day> {
    let changes = prop::collection::vec((any::<prop::sample::Index>(), changes()), 0..6);
    (days(), changes).prop_map(|(day, changes)| {
        let places = day.positions.len();
        let mut changes: Vec<_> =
            changes.into_iter().map(|(place, change)| (place.index(places), change)).collect();
        changes.sort_by_key(|(place, _)| *place);
        Day { changes, ..day }
    })
}

impl Day {
    /// The day as steps of this courier, received as they happen; at its end the route is removed,
    /// so that every stay has ended.
    pub fn steps(&self, courier: CourierId) -> Vec<Step> {
        let mut steps = self.documents(courier);
        let mut removed = BTreeSet::new();
        for (place, position) in self.positions.iter().enumerate() {
            let now = position.device_time;
            let changes = self.changes.iter().filter(|(after, _)| *after == place);
            let commands = changes.filter_map(|(_, c)| self.command(courier, *c, &mut removed));
            steps.extend(commands.map(|command| command_step(courier, now, command)));
            steps.push(step(courier, now, position_body(courier, *position)));
        }
        let (route, reason) = (route_of(courier), EndReason::Removed);
        let remove = Command::RemoveRoute { courier, route, reason };
        let end = self.positions.last().map_or(ZERO, |last| last.device_time);
        steps.push(command_step(courier, end, remove));
        steps
    }

    /// Policy, courier and route, an hour before anything happens.
    fn documents(&self, courier: CourierId) -> Vec<Step> {
        let company = COMPANY;
        let allowed_courier_position_sources = None;
        let commands = [
            Command::PutPolicy { company, policy: self.policy.clone() },
            Command::PutCourier(CourierPlan {
                id: courier,
                company,
                allowed_courier_position_sources,
            }),
            Command::PutRoute(self.route(courier, 0, &BTreeSet::new())),
        ];
        let stored_at = ZERO - HOUR_MS;
        commands.into_iter().map(|command| command_step(courier, stored_at, command)).collect()
    }

    fn route(&self, courier: CourierId, rotated: usize, removed: &BTreeSet<usize>) -> RoutePlan {
        let count = self.orders.len();
        let indices = (rotated..rotated + count).map(|index| index % count);
        let orders = indices.filter(|index| !removed.contains(index));
        RoutePlan {
            id: route_of(courier),
            courier,
            routing_mode: RoutingMode::Driving,
            route_start: Some(ZERO),
            route_finish: Some(ZERO + 20 * HOUR_MS),
            depot: None,
            nodes: orders
                .map(|index| Node::Order(of_courier(&self.orders[index], courier)))
                .collect(),
        }
    }

    /// What the API would make of a change; nothing for an order that was deleted.
    fn command(
        &self,
        courier: CourierId,
        change: Change,
        removed: &mut BTreeSet<usize>,
    ) -> Option<Command> {
        let route = route_of(courier);
        let (index, change) = match change {
            Change::Settings(overlap_policy, inferred_visits) => {
                let policy = Policy { overlap_policy, inferred_visits, ..self.policy.clone() };
                return Some(Command::PutPolicy { company: COMPANY, policy });
            }
            Change::Rotate(by) => {
                return Some(Command::PutRoute(self.route(courier, by, removed)));
            }
            Change::Order(index, change) => (index % self.orders.len(), change),
        };
        if removed.contains(&index) {
            return None;
        }
        let plan = of_courier(&self.orders[index], courier);
        let order = plan.id;
        Some(match change {
            OrderChange::Status(status) => {
                let initiator = Initiator::App;
                Command::SetStatus { courier, route, order, status, initiator }
            }
            OrderChange::Radius(metres) => {
                let mark_delivered_radius = Radius::from_metres(metres);
                let order = OrderPlan { mark_delivered_radius, ..plan };
                Command::PutOrder { courier, route, order }
            }
            OrderChange::Remove => {
                removed.insert(index);
                let reason = EndReason::Removed;
                Command::RemoveOrder { courier, route, order, reason }
            }
        })
    }

    /// Where an order is; orders do not move in these days.
    pub fn point(&self, order: OrderId) -> Option<Point> {
        let index = (order.0 % ORDERS_PER_COURIER) as usize;
        self.orders.get(index.checked_sub(1)?)?.point
    }
}

/// A day told by the plainest rules: each order by itself, every stay told, one honest device.
pub fn plain(day: Day) -> Day {
    let policy = Policy {
        arrival_scope: ArrivalScope::Any,
        delivery_by_order_statuses: false,
        mark_delivered_enabled: false,
        overlap_policy: OverlapPolicy::Parallel,
        inferred_visits: InferredVisits::Off,
        ..day.policy
    };
    let bare = |p: &Position| Position {
        accuracy_m: p.accuracy_m,
        ..Position::bare(p.device_time, p.point)
    };
    let positions = day.positions.iter().map(bare).collect();
    Day { policy, positions, ..day }
}

/// A step with a position or a command.
pub fn step(courier: CourierId, now: Time, body: InputBody) -> Step {
    Step { partition: partition_of(COMPANY, courier), now, body: Some(body) }
}

fn command_step(courier: CourierId, now: Time, command: Command) -> Step {
    step(courier, now, InputBody::Command(Box::new(command)))
}

/// A position without a route.
pub fn position_body(courier: CourierId, position: Position) -> InputBody {
    InputBody::Position { courier, route: None, position, sheds_eta: false }
}

fn route_of(courier: CourierId) -> RouteId {
    RouteId(u64::from(courier.0))
}

fn of_courier(plan: &OrderPlan, courier: CourierId) -> OrderPlan {
    let id = OrderId(plan.id.0 + u64::from(courier.0) * ORDERS_PER_COURIER);
    OrderPlan { id, ..plan.clone() }
}

fn policies() -> impl Strategy<Value = Policy> {
    let scopes = prop_oneof![Just(ArrivalScope::Head), Just(ArrivalScope::Any)];
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    let distance = prop::option::of(200.0..2000.0);
    let coefficient = prop_oneof![Just(0.0), Just(0.5), Just(1.0)];
    (scopes, flags, coefficient, distance, overlaps(), silences()).prop_map(
        |(arrival_scope, flags, coefficient, nearby, overlap_policy, inferred_visits)| {
            let (enabled, by_statuses, resequence) = flags;
            Policy {
                arrival_scope,
                overlap_policy,
                inferred_visits,
                mark_delivered_enabled: enabled,
                delivery_by_order_statuses: by_statuses,
                resequence,
                mark_delivered_service_time_coefficient: coefficient,
                nearby_eta_ms: vec![600 * SECOND_MS, 120 * SECOND_MS],
                nearby_distance_m: nearby,
                ..Policy::default()
            }
        },
    )
}

fn overlaps() -> impl Strategy<Value = OverlapPolicy> {
    prop_oneof![Just(OverlapPolicy::Parallel), Just(OverlapPolicy::Nearest)]
}

fn silences() -> impl Strategy<Value = InferredVisits> {
    let all = [InferredVisits::Off, InferredVisits::SilentDevices, InferredVisits::AnyGap];
    prop::sample::select(all.to_vec())
}

#[derive(Clone, Debug)]
struct DrawnOrder {
    east_m: f64,
    north_m: f64,
    beside_last: bool,
    radius_m: f64,
    service_s: u32,
    window_start_s: Option<i64>,
}

fn orders() -> impl Strategy<Value = DrawnOrder> {
    let place = (-2000.0..2000.0, -2000.0..2000.0, prop::bool::weighted(0.2));
    let radius = prop_oneof![Just(0.0), Just(50.0), Just(100.0), Just(500.0), 10.0..1000.0];
    let service = prop_oneof![Just(0_u32), Just(60), Just(120), Just(600)];
    let window = prop::option::weighted(0.3, 0_i64..4000);
    (place, radius, service, window).prop_map(|(place, radius_m, service_s, window_start_s)| {
        let (east_m, north_m, beside_last) = place;
        DrawnOrder { east_m, north_m, beside_last, radius_m, service_s, window_start_s }
    })
}

#[derive(Clone, Debug)]
struct Leg {
    to: usize,
    aside_m: f64,
    speed_mps: f64,
    every_s: i64,
    stand_s: i64,
    silence_s: i64,
    noise_m: Vec<(f64, f64)>,
    accuracy_m: Vec<f32>,
    stated_speed_mps: Option<f32>,
    is_silent_when_still: bool,
    sources: Vec<Source>,
}

fn legs() -> impl Strategy<Value = Leg> {
    let drive = (0_usize..6, -700.0..700.0, 4.0..25.0);
    let rest = (0_i64..700, prop_oneof![3 => Just(0_i64), 1 => 30_i64..700]);
    let noise = prop_oneof![
        6 => (-15.0..15.0, -15.0..15.0),
        1 => (-200.0..200.0, -200.0..200.0),
        1 => (-5000.0..5000.0, -5000.0..5000.0),
    ];
    let accuracy = prop_oneof![3 => Just(0.0_f32), 3 => 3.0_f32..60.0, 2 => 60.0_f32..400.0, 1 => 400.0_f32..1500.0];
    let quality = (prop::collection::vec(noise, 1..12), prop::collection::vec(accuracy, 1..8));
    let sources = prop_oneof![
        4 => Just(vec![Source::App]),
        1 => prop::collection::vec(prop::sample::select(Source::ALL.to_vec()), 1..12),
    ];
    let device = (prop::option::of(0.0_f32..5.0), any::<bool>(), sources);
    (drive, 3_i64..70, rest, quality, device).prop_map(|(drive, every_s, rest, quality, device)| {
        Leg {
            to: drive.0,
            aside_m: drive.1,
            speed_mps: drive.2,
            every_s,
            stand_s: rest.0,
            silence_s: rest.1,
            noise_m: quality.0,
            accuracy_m: quality.1,
            stated_speed_mps: device.0,
            is_silent_when_still: device.1,
            sources: device.2,
        }
    })
}

fn changes() -> impl Strategy<Value = Change> {
    let statuses = prop::sample::select(OrderStatus::ALL.to_vec());
    let change = prop_oneof![
        3 => statuses.prop_map(OrderChange::Status),
        1 => (0.0..800.0).prop_map(OrderChange::Radius),
        1 => Just(OrderChange::Remove),
    ];
    prop_oneof![
        5 => (0_usize..6, change).prop_map(|(order, change)| Change::Order(order, change)),
        1 => (0_usize..6).prop_map(Change::Rotate),
        1 => (overlaps(), silences()).prop_map(|(o, i)| Change::Settings(o, i)),
    ]
}

fn day(policy: Policy, drawn: &[DrawnOrder], legs: &[Leg]) -> Day {
    let mut orders: Vec<OrderPlan> = Vec::new();
    for drawn in drawn {
        let beside = orders.last().and_then(|last| last.point).filter(|_| drawn.beside_last);
        let point = beside.unwrap_or(moved(origin(), drawn.east_m, drawn.north_m));
        orders.push(order(orders.len() as u64 + 1, point, drawn));
    }
    let mut positions = Vec::new();
    let (mut t, mut east_m, mut north_m) = (ZERO, 0.0, 0.0);
    for leg in legs {
        let to = &drawn[leg.to % drawn.len()];
        let (to_east_m, to_north_m) = (to.east_m + leg.aside_m, to.north_m);
        let way_m = libm::hypot(to_east_m - east_m, to_north_m - north_m);
        let drive_s = (way_m / leg.speed_mps).ceil() as i64;
        for (number, s) in (0..drive_s + leg.stand_s).step_by(leg.every_s as usize).enumerate() {
            let part = (s as f64 / drive_s.max(1) as f64).min(1.0);
            let noise = leg.noise_m[number % leg.noise_m.len()];
            let east_m = east_m + part * (to_east_m - east_m) + noise.0;
            let north_m = north_m + part * (to_north_m - north_m) + noise.1;
            let accuracy_m = Accuracy::new(leg.accuracy_m[number % leg.accuracy_m.len()]);
            let point = moved(origin(), east_m, north_m);
            let device_time = t + s * SECOND_MS;
            positions.push(Position {
                accuracy_m,
                speed_mps: leg.stated_speed_mps,
                silent_when_still: leg.is_silent_when_still,
                source: leg.sources[number % leg.sources.len()],
                ..Position::bare(device_time, point)
            });
        }
        t = t + (drive_s + leg.stand_s + leg.silence_s + 1) * SECOND_MS;
        (east_m, north_m) = (to_east_m, to_north_m);
    }
    Day { policy, orders, positions, changes: Vec::new() }
}

fn order(id: u64, point: Point, drawn: &DrawnOrder) -> OrderPlan {
    let window = drawn.window_start_s.map(|s| {
        let start = ZERO + s * SECOND_MS;
        TimeWindow { start, end: start + HOUR_MS }
    });
    OrderPlan {
        id: OrderId(id),
        point: Some(point),
        mark_delivered_radius: Radius::from_metres(drawn.radius_m),
        service_duration_s: drawn.service_s,
        shared_service_duration_s: 0,
        window,
        eta_type: window.map(|_| EtaType::DeliveryTime),
        status: OrderStatus::New,
        created: false,
    }
}

const COMPANY: CompanyId = CompanyId(1);
const ORDERS_PER_COURIER: u64 = 100;
