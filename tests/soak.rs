//! Couriers under every noise at once: late batches, swaps, duplicates, jumps, bursts, gaps, drift
//! and wrong clocks, at many cadences and with fences that overlap. Whatever comes in, no arrival
//! is told of an order that was only passed, no departure without its arrival, no visit twice, and
//! neither the shards nor the cut into batches show.
//!
//! `SOAK_COURIER_HOURS=10000 cargo test --test soak -- --nocapture` runs the whole count; a failure
//! names the seed, and `SOAK_SEED=N` begins there.

#![expect(clippy::disallowed_methods, reason = "it asks the environment how long to run")]

mod support {
    pub mod invariants;
    pub mod play;
    pub mod world;
}

use std::collections::BTreeMap;
use std::env;

use doorstep::cli::noise::{Link, Noise, NoiseKind, Receiver, Sent};
use doorstep::domain::command::Command;
use doorstep::domain::courier::CourierPlan;
use doorstep::domain::event::{EventKind, OrderEvent};
use doorstep::domain::geo::Point;
use doorstep::domain::ids::{CompanyId, CourierId, OrderId, RouteId};
use doorstep::domain::order::{OrderPlan, OrderStatus};
use doorstep::domain::policy::{ArrivalScope, OverlapPolicy, Policy, Radius};
use doorstep::domain::position::Position;
use doorstep::domain::route::{Node, RoutePlan, RoutingMode};
use doorstep::domain::time::{HOUR_MS, SECOND_MS, Time};
use doorstep::engine::input::InputBody;
use doorstep::engine::output::OutputBody;
use doorstep::runtime::partition::partition_of;
use support::invariants::broken;
use support::play::{Engines, Step, Told, play};
use support::world::{ZERO, moved, origin};

#[test]
fn no_noise_breaks_an_invariant() {
    let hours = number("SOAK_COURIER_HOURS").unwrap_or(HOURS);
    let first = number("SOAK_SEED").unwrap_or(1);
    let mut events = BTreeMap::new();
    let mut positions = 0;
    for seed in first..first + hours.div_ceil(SHIFT_HOURS * FLEET) {
        let fleet: Vec<Shift> = COURIERS.map(|courier| Shift::new(courier, seed)).into();
        let lanes: Vec<Vec<Step>> = fleet.iter().map(Shift::steps).collect();
        positions += lanes.iter().map(Vec::len).sum::<usize>();
        let alone: Vec<Vec<Told>> = lanes.iter().map(|lane| play(lane, 1).concat()).collect();
        for ((shift, lane), told) in fleet.iter().zip(&lanes).zip(&alone) {
            let faults = [broken(told), shift.passed_arrivals(told)].concat();
            assert_eq!(faults, Vec::<String>::new(), "SOAK_SEED={seed} {shift:?}");
            for steps in [1, 7] {
                let drained = drained(lane, steps);
                assert!(are_equal(&drained, told), "SOAK_SEED={seed}: draining {steps} shows");
            }
            count(told, &mut events);
        }
        for shards in [1, 3] {
            let together = together(&lanes, shards);
            let is_equal = together.iter().zip(&alone).all(|(a, b)| are_equal(a, b));
            assert!(is_equal, "SOAK_SEED={seed}: {shards} shards show");
        }
    }
    println!("{hours} courier-hours from seed {first}: {positions} inputs, {events:?}");
    for name in ["ARRIVAL", "ORDER_VISIT", "DEPARTURE"] {
        assert!(events.get(name).is_some_and(|told| *told > 0), "no {name} at all");
    }
}

fn number(variable: &str) -> Option<u64> {
    env::var(variable).ok()?.parse().ok()
}

/// One courier's shift.
#[derive(Debug)]
struct Shift {
    courier: CourierId,
    seed: u64,
    cadence_ms: i64,
    radius_m: f64,
    overlap_policy: OverlapPolicy,
    noise: Noise,
    stops: Vec<Stop>,
}

/// A stop of the route; the courier drives through it where it stands for no time.
#[derive(Clone, Copy, Debug)]
struct Stop {
    east_m: f64,
    north_m: f64,
    stands_s: f64,
    service_s: u32,
}

impl Shift {
    fn new(courier: CourierId, seed: u64) -> Self {
        let mut chance = Chance(seed << 8 ^ u64::from(courier.0));
        let noise = Noise::of(*chance.one_of(&[NoiseKind::Urban, NoiseKind::Canyon]));
        let clock_offset_ms = chance.below(61) as i64 * SECOND_MS - 30 * SECOND_MS;
        let (mut east_m, mut north_m) = (0.0, 0.0);
        let stops = (0..STOPS).map(|_| {
            let leg_m = *chance.one_of(&[0.0, 60.0, 150.0, 400.0, 1_500.0]);
            let heading = chance.unit() * core::f64::consts::TAU;
            east_m += leg_m * libm::cos(heading);
            north_m += leg_m * libm::sin(heading);
            let stands_s = *chance.one_of(&[0.0, 0.0, 30.0, 90.0, 300.0, 900.0]);
            let service_s = *chance.one_of(&[120, 120, 600, 0]);
            Stop { east_m, north_m, stands_s, service_s }
        });
        Self {
            courier,
            seed,
            stops: stops.collect(),
            cadence_ms: *chance.one_of(&[1, 5, 5, 20, 20, 60, 120]) * SECOND_MS,
            radius_m: *chance.one_of(&[30.0, 50.0, 100.0, 500.0]),
            overlap_policy: *chance.one_of(&[OverlapPolicy::Parallel, OverlapPolicy::Nearest]),
            noise: Noise { clock_offset_ms, ..noise.with_late_batches() },
        }
    }

    /// Documents, then positions as they come.
    fn steps(&self) -> Vec<Step> {
        let mut steps: Vec<Step> = self
            .documents()
            .into_iter()
            .map(|command| self.step(ZERO - HOUR_MS, InputBody::Command(Box::new(command))))
            .collect();
        let mut receiver = Receiver::new(self.noise, self.seed, self.courier.0);
        let mut link = Link::new(self.noise, self.seed, self.courier.0);
        let mut came: Vec<Sent<Position>> = Vec::new();
        let end_ms = SHIFT_HOURS as i64 * HOUR_MS;
        for ms in (0..end_ms).step_by(self.cadence_ms as usize) {
            let now = ZERO + ms;
            if let Some(point) = receiver.measure(now, self.place(ms as f64 / 1e3)) {
                link.send(now, Position::bare(now + self.noise.clock_offset_ms, point), &mut came);
            }
            steps.extend(came.drain(..).map(|sent| self.position(now, sent.report)));
        }
        link.finish(&mut came);
        let end = ZERO + end_ms;
        steps.extend(came.drain(..).map(|sent| self.position(end, sent.report)));
        steps.push(Step {
            body: None,
            ..self.position(end + 48 * HOUR_MS, Position::bare(end, origin()))
        });
        steps
    }

    fn position(&self, now: Time, position: Position) -> Step {
        let (courier, sheds_eta) = (self.courier, false);
        self.step(now, InputBody::Position { courier, route: None, position, sheds_eta })
    }

    fn step(&self, now: Time, body: InputBody) -> Step {
        Step { partition: partition_of(COMPANY, self.courier), now, body: Some(body) }
    }

    fn documents(&self) -> [Command; 3] {
        let policy = Policy {
            mark_delivered_radius: Radius::from_metres(self.radius_m).expect("a radius"),
            arrival_scope: ArrivalScope::Head,
            overlap_policy: self.overlap_policy,
            ..Policy::default()
        };
        let company = COMPANY;
        let id = self.courier;
        let orders = (0..STOPS).map(|at| Node::Order(self.order(at)));
        [
            Command::PutPolicy { company, policy },
            Command::PutCourier(CourierPlan {
                id,
                company,
                allowed_courier_position_sources: None,
            }),
            Command::PutRoute(RoutePlan {
                id: RouteId(u64::from(id.0)),
                courier: id,
                routing_mode: RoutingMode::Driving,
                route_start: Some(ZERO),
                route_finish: Some(ZERO + SHIFT_HOURS as i64 * HOUR_MS),
                depot: None,
                nodes: orders.collect(),
            }),
        ]
    }

    fn order(&self, at: usize) -> OrderPlan {
        OrderPlan {
            id: OrderId(u64::from(self.courier.0) * 1_000 + at as u64),
            point: Some(self.point(at)),
            mark_delivered_radius: None,
            service_duration_s: self.stops[at].service_s,
            shared_service_duration_s: 0,
            window: None,
            eta_type: None,
            status: OrderStatus::New,
            created: false,
        }
    }

    fn point(&self, at: usize) -> Point {
        moved(origin(), self.stops[at].east_m, self.stops[at].north_m)
    }

    /// Where the courier is: to and fro between the ends of the tour.
    fn place(&self, elapsed_s: f64) -> Point {
        let mut left_s = elapsed_s;
        let mut at = Stop { east_m: -300.0, north_m: 0.0, stands_s: 0.0, service_s: 0 };
        for stop in self.stops.iter().chain(self.stops.iter().rev()).cycle() {
            let (east_m, north_m) = (stop.east_m - at.east_m, stop.north_m - at.north_m);
            let drive_s = libm::hypot(east_m, north_m) / SPEED_MPS;
            if left_s < drive_s {
                let share = left_s / drive_s;
                return moved(origin(), at.east_m + share * east_m, at.north_m + share * north_m);
            }
            left_s -= drive_s;
            at = *stop;
            // The first stop stands first, so that a tour without a way has an end.
            if left_s < stop.stands_s.max(1.0) {
                break;
            }
            left_s -= stop.stands_s.max(1.0);
        }
        moved(origin(), at.east_m, at.north_m)
    }

    /// Arrivals of orders that were neither in the head stop nor visited by the same input.
    fn passed_arrivals(&self, told: &[Told]) -> Vec<String> {
        let mut is_visited = [false; STOPS];
        let mut faults = Vec::new();
        for input in told.chunk_by(|a, b| a.output.id.sequence == b.output.id.sequence) {
            let events = || input.iter().filter_map(event);
            let visits = events().filter(|event| event.kind.name() == "ORDER_VISIT");
            let visited: Vec<usize> = visits.map(|event| self.place_of(&event)).collect();
            visited.iter().for_each(|at| is_visited[*at] = true);
            for event in events().filter(|event| event.kind.name() == "ARRIVAL") {
                let at = self.place_of(&event);
                let is_in_head = (0..at)
                    .all(|before| is_visited[before] || self.point(before) == self.point(at));
                if !is_in_head && !visited.contains(&at) {
                    faults.push(format!("{event:?} was only passed"));
                }
            }
        }
        faults
    }

    fn place_of(&self, event: &OrderEvent) -> usize {
        (event.order.0 % 1_000) as usize
    }
}

fn event(told: &Told) -> Option<OrderEvent> {
    match told.output.body {
        OutputBody::Event(event) => Some(event),
        OutputBody::Notification(_)
        | OutputBody::Eta { .. }
        | OutputBody::RouteViolated { .. }
        | OutputBody::Dropped { .. } => None,
    }
}

/// Plays a lane by itself, the clock looked at after every so many steps.
fn drained(lane: &[Step], steps: usize) -> Vec<Told> {
    let mut engines = Engines::new(1);
    let mut told = Vec::new();
    for drain in lane.chunks(steps) {
        told.extend(drain.iter().flat_map(|step| engines.play(step)));
        let clock = drain.last().map(|last| Step { body: None, ..last.clone() });
        told.extend(clock.iter().flat_map(|clock| engines.play(clock)));
    }
    told
}

/// Plays all lanes beside each other in the order of their time; what each was told.
fn together(lanes: &[Vec<Step>], shards: usize) -> Vec<Vec<Told>> {
    let mut engines = Engines::new(shards);
    let mut told = vec![Vec::new(); lanes.len()];
    let mut steps: Vec<(Time, usize, &Step)> = Vec::new();
    for (lane, of_lane) in lanes.iter().enumerate() {
        steps.extend(of_lane.iter().map(|step| (step.now, lane, step)));
    }
    steps.sort_by_key(|(now, lane, _)| (*now, *lane));
    for (_, lane, step) in steps {
        told[lane].extend(engines.play(step));
    }
    told
}

/// Equal but for the places of ETAs in the caller's buffer, which is emptied after each call.
fn are_equal(a: &[Told], b: &[Told]) -> bool {
    let is_equal = |(a, b): (&Told, &Told)| match (a.output.body, b.output.body) {
        (OutputBody::Eta { change, .. }, OutputBody::Eta { change: other, .. }) => {
            change == other && a.etas == b.etas && a.output.id == b.output.id
        }
        _ => a == b,
    };
    a.len() == b.len() && a.iter().zip(b).all(is_equal)
}

fn count(told: &[Told], events: &mut BTreeMap<&'static str, usize>) {
    for event in told.iter().filter_map(event) {
        let is_counted = matches!(
            event.kind,
            EventKind::Arrival(_) | EventKind::OrderVisit(_) | EventKind::Departure { .. }
        );
        if is_counted {
            *events.entry(event.kind.name()).or_default() += 1;
        }
    }
}

/// SplitMix64.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn one_of<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len() as u64) as usize]
    }
}

const COMPANY: CompanyId = CompanyId(1);
/// Couriers of different partitions.
const COURIERS: [CourierId; 4] = [CourierId(1), CourierId(2), CourierId(3), CourierId(4)];
const FLEET: u64 = COURIERS.len() as u64;
const SHIFT_HOURS: u64 = 8;
const HOURS: u64 = 128;
const STOPS: usize = 20;
const SPEED_MPS: f64 = 9.0;
