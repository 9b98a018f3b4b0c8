//! The canonical workload: couriers in cities who drive from stop to stop, park, report at every
//! tick and get the next stops when they have finished. A pure function of couriers and seed. Holds
//! only what a courier's place needs; stops are computed when they are planned.

use core::f64::consts::TAU;

use crate::cli::random::Random;
use crate::domain::command::Command;
use crate::domain::courier::CourierPlan;
use crate::domain::geo::{Point, Scale};
use crate::domain::ids::{CompanyId, CourierId, OrderId, RouteId};
use crate::domain::order::{OrderPlan, OrderStatus};
use crate::domain::policy::{Policy, Radius};
use crate::domain::position::Position;
use crate::domain::route::{Node, RoutePlan, RoutingMode};
use crate::domain::time::Time;

/// The fleet and where each courier is.
pub struct Workload {
    seed: u64,
    walkers: Vec<Walker>,
    /// Couriers in the order in which the next tick reports them.
    order: Vec<u32>,
    random: Random,
    ticks: i64,
    orders: u64,
}

/// What one courier sends in one tick.
#[derive(Clone, Debug)]
pub struct Report {
    /// The courier.
    pub courier: CourierId,
    /// The next stops, for one who has finished; they come before the position.
    pub plan: Option<Box<Command>>,
    /// Where the courier is.
    pub position: Position,
}

/// A courier on the leg to a stop, or parked there.
#[derive(Clone, Copy)]
struct Walker {
    from: Point,
    to: Point,
    /// Number of the tour, and of the stop in it.
    tour: u32,
    stop: u8,
    /// Ticks since the leg began, and those of them that are driven.
    ticks: u8,
    riding: u8,
}

impl Workload {
    /// So many couriers, each at a random phase of a tour.
    #[must_use]
    pub fn new(couriers: u32, seed: u64) -> Self {
        let walkers = (0..couriers).map(|courier| Walker::new(seed, courier, couriers)).collect();
        Self {
            seed,
            walkers,
            order: (0..couriers).collect(),
            random: Random(seed ^ SHUFFLE),
            ticks: 0,
            orders: u64::from(couriers) * u64::from(TOUR_STOPS),
        }
    }

    /// The settings of the fleet's company.
    #[must_use]
    pub fn policy() -> Policy {
        Policy {
            mark_delivered_enabled: true,
            mark_delivered_radius: Radius::from_mm(100_000).expect("within 10 km"),
            ..Policy::default()
        }
    }

    /// A courier and the route it starts with: the stops from its phase onward.
    ///
    /// # Panics
    /// After the first tick.
    #[must_use]
    pub fn first_plan(&self, slot: u32) -> [Command; 2] {
        assert_eq!(self.ticks, 0, "couriers have left their first stops");
        let walker = &self.walkers[slot as usize];
        let first_order = u64::from(slot) * u64::from(TOUR_STOPS);
        let courier = CourierPlan {
            id: courier_id(slot),
            company: COMPANY,
            allowed_courier_position_sources: None,
        };
        [Command::PutCourier(courier), walker.plan(self.seed, slot, first_order)]
    }

    /// Where a courier stops from its phase onward, as far as it gets in so many ticks at least:
    /// the rest of its tour, and whole tours after that.
    #[must_use]
    pub fn stops_ahead(&self, slot: u32, ticks: u32) -> Vec<Point> {
        let mut walker = self.walkers[slot as usize];
        let mut stops = walker.stops_ahead(self.seed, slot);
        for _ in 0..ticks {
            if walker.advance(self.seed, slot) {
                stops.append(&mut walker.stops_ahead(self.seed, slot));
            }
        }
        stops
    }

    /// The server's clock, and every device's, at the next tick.
    #[must_use]
    pub fn now(&self) -> Time {
        Time::from_ms(EPOCH_MS + self.ticks * TICK_MS)
    }

    /// Writes what all couriers send at [`Self::now`], in shuffled order, and moves on by a tick.
    pub fn tick(&mut self, reports: &mut Vec<Report>) {
        reports.clear();
        self.random.shuffle(&mut self.order);
        let now = self.now();
        for &slot in &self.order {
            let walker = &mut self.walkers[slot as usize];
            let plan = (walker.advance(self.seed, slot)).then(|| {
                let plan = walker.plan(self.seed, slot, self.orders);
                self.orders += u64::from(TOUR_STOPS);
                Box::new(plan)
            });
            let jitter_m = (self.random.about(JITTER_M), self.random.about(JITTER_M));
            let point = offset(walker.place(), jitter_m);
            let position = Position::bare(now, point);
            reports.push(Report { courier: courier_id(slot), plan, position });
        }
        self.ticks += 1;
    }
}

impl Walker {
    /// At a random tick of its first tour.
    fn new(seed: u64, slot: u32, couriers: u32) -> Self {
        let mut random = Random::of(seed, slot, PHASE);
        let centre = city_centre(slot / CITY_COURIERS, couriers.div_ceil(CITY_COURIERS));
        let half_m = CITY_M / 2.0;
        let start = offset(centre, (random.about(half_m), random.about(half_m)));
        let first = Self { from: start, to: start, tour: 0, stop: 0, ticks: 0, riding: 0 };
        let mut walker = first.on_leg_to(0, seed, slot);
        let mut tour_ticks = 0;
        while walker.tour == 0 {
            walker.advance(seed, slot);
            tour_ticks += 1;
        }
        let mut walker = first.on_leg_to(0, seed, slot);
        for _ in 0..random.below(tour_ticks) {
            walker.advance(seed, slot);
        }
        walker
    }

    /// The same courier at the beginning of the leg from its place to a stop of the tour.
    fn on_leg_to(self, stop: u8, seed: u64, slot: u32) -> Self {
        let (to, length_m) = next_stop(self.from, seed, slot, (self.tour, stop));
        let riding = libm::ceil(length_m / STEP_M) as u8 - 1;
        Self { to, stop, ticks: 0, riding, ..self }
    }

    /// Moves on by a tick; true if a new tour began.
    fn advance(&mut self, seed: u64, slot: u32) -> bool {
        self.ticks += 1;
        if self.ticks < self.riding + PARKED_TICKS {
            return false;
        }
        let begins_tour = self.stop + 1 == TOUR_STOPS;
        self.from = self.to;
        self.tour += u32::from(begins_tour);
        let stop = if begins_tour { 0 } else { self.stop + 1 };
        *self = self.on_leg_to(stop, seed, slot);
        begins_tour
    }

    fn place(&self) -> Point {
        if self.ticks >= self.riding {
            return self.to;
        }
        let scale = Scale::at(self.from);
        let (lat, lon) = self.from.offset_e7(self.to);
        let (north_m, east_m) = (lat as f64 * scale.lat_m, lon as f64 * scale.lon_m);
        let share = (f64::from(self.ticks) + 1.0) * STEP_M
            / libm::sqrt(north_m * north_m + east_m * east_m);
        offset(self.from, (east_m * share, north_m * share))
    }

    /// The tour's stops from the present leg on.
    fn stops_ahead(&self, seed: u64, slot: u32) -> Vec<Point> {
        let mut stops = vec![self.to];
        for stop in self.stop + 1..TOUR_STOPS {
            let from = stops[stops.len() - 1];
            stops.push(next_stop(from, seed, slot, (self.tour, stop)).0);
        }
        stops
    }

    /// The route over the tour's stops from the present leg on.
    fn plan(&self, seed: u64, slot: u32, orders_before: u64) -> Command {
        let ids = orders_before + u64::from(self.stop) + 1..;
        let orders = ids.zip(self.stops_ahead(seed, slot));
        let nodes = orders.map(|(id, point)| Node::Order(order(id, point))).collect();
        Command::PutRoute(RoutePlan {
            id: RouteId(u64::from(slot) + 1),
            courier: courier_id(slot),
            routing_mode: RoutingMode::Driving,
            route_start: None,
            route_finish: None,
            depot: None,
            nodes,
        })
    }
}

fn order(id: u64, point: Point) -> OrderPlan {
    OrderPlan {
        id: OrderId(id),
        point: Some(point),
        mark_delivered_radius: None,
        service_duration_s: SERVICE_S,
        shared_service_duration_s: 0,
        window: None,
        eta_type: None,
        status: OrderStatus::New,
        created: true,
    }
}

fn courier_id(slot: u32) -> CourierId {
    CourierId(slot + 1)
}

/// The stop of that number, and how far it is from the one before.
fn next_stop(from: Point, seed: u64, slot: u32, (tour, stop): (u32, u8)) -> (Point, f64) {
    let mut random = Random::of(seed, slot, u64::from(tour) << 8 | u64::from(stop));
    let heading = random.unit() * TAU;
    let length_m = LEG_MIN_M + LEG_SPAN_M * random.unit();
    let (east_m, north_m) = (length_m * libm::sin(heading), length_m * libm::cos(heading));
    (offset(from, (east_m, north_m)), length_m)
}

/// A square of cities on a grid of one degree, far from poles and from +-180 degrees.
fn city_centre(city: u32, cities: u32) -> Point {
    let side = (1..).find(|side| side * side >= cities).expect("some square is large enough");
    let (row, column) = (f64::from(city / side), f64::from(city % side));
    Point::from_degrees(SOUTH_DEG + row, WEST_DEG + column).expect("at most 40 by 40 cities")
}

fn offset(from: Point, (east_m, north_m): (f64, f64)) -> Point {
    let scale = Scale::at(from);
    let lat_e7 = from.lat_e7() + libm::round(north_m / scale.lat_m) as i32;
    let lon_e7 = from.lon_e7() + libm::round(east_m / scale.lon_m) as i32;
    Point::from_e7(lat_e7, lon_e7).expect("couriers stay within some degrees of their city")
}

/// The fleet's company.
pub const COMPANY: CompanyId = CompanyId(1);
/// Couriers of one city.
pub const CITY_COURIERS: u32 = 10_000;
/// Most couriers: 40 by 40 cities.
pub const COURIERS_MAX: u32 = 1_600 * CITY_COURIERS;
/// The model's speed, and the couriers'.
pub const SPEED_MPS: f64 = 8.0;

const CITY_M: f64 = 40_000.0;
const SOUTH_DEG: f64 = 20.0;
const WEST_DEG: f64 = 5.0;
const TOUR_STOPS: u8 = 20;
const LEG_MIN_M: f64 = 300.0;
const LEG_SPAN_M: f64 = 900.0;
const STEP_M: f64 = 40.0;
const PARKED_TICKS: u8 = 12;
const JITTER_M: f64 = 5.0;
/// Handover time of every order.
pub const SERVICE_S: u32 = 60;
/// Between two positions of a courier.
pub const TICK_MS: i64 = 5_000;
/// Device time of the first tick.
pub const EPOCH_MS: i64 = 1_700_000_000_000;
/// Purposes of chance beside the stops.
const PHASE: u64 = u64::MAX;
const SHUFFLE: u64 = 0x5eed;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::geo::distance_m;

    #[test]
    fn couriers_move_forty_metres_a_tick_and_park_for_twelve() {
        let mut workload = Workload::new(50, 42);
        let mut reports = Vec::new();
        let mut last: Vec<Option<Point>> = vec![None; 50];
        let (mut parked, mut plans) = (0, 0);
        for _ in 0..1_000 {
            workload.tick(&mut reports);
            assert_eq!(reports.len(), 50);
            for report in &reports {
                plans += usize::from(report.plan.is_some());
                let seat = &mut last[report.courier.0 as usize - 1];
                let moved = seat.map_or(0.0, |last| distance_m(last, report.position.point));
                assert!(moved < 55.0, "{moved}");
                parked += usize::from(moved < 15.0);
                *seat = Some(report.position.point);
            }
        }
        assert!((15_000..25_000).contains(&parked), "{parked}");
        assert!((70..100).contains(&plans), "{plans}");
    }

    #[test]
    fn the_same_seed_makes_the_same_fleet() {
        let mut reports = [Vec::new(), Vec::new()];
        for list in &mut reports {
            let mut workload = Workload::new(20, 7);
            for _ in 0..5 {
                workload.tick(list);
            }
        }
        let [left, right] = reports.map(|list| format!("{list:?}"));
        assert_eq!(left, right);
    }
}
