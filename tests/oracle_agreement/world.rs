//! Random worlds: settings, depots, routes and orders, close enough together that much happens.

use doorstep::domain::command::Command;
use doorstep::domain::courier::CourierPlan;
use doorstep::domain::depot::DepotPlan;
use doorstep::domain::geo::Point;
use doorstep::domain::ids::{CourierId, DepotId, OrderId, RouteId};
use doorstep::domain::order::{EtaType, OrderPlan, OrderStatus};
use doorstep::domain::policy::{ArrivalScope, InferredVisits, OverlapPolicy, Policy, Radius};
use doorstep::domain::position::{Source, SourceSet};
use doorstep::domain::route::{Node, RoutePlan, RoutingMode};
use doorstep::domain::time::{HOUR_MS, Time, TimeWindow};

use crate::drive::{COMPANY, COURIERS, Fact, Item};
use crate::random::Random;
use crate::walk;

pub const EPOCH_MS: i64 = 1_700_000_000_000;

pub fn at(ms: i64) -> Time {
    Time::from_ms(EPOCH_MS + ms)
}

/// A world and what happens in it, by the server's clock.
pub fn script(seed: u64) -> Vec<Item> {
    let mut random = Random(seed);
    let mut city = City::new(&mut random);
    let mut items = vec![item(-3_000, put_policy(city.policy(&mut random)))];
    let couriers = 1 + random.below(3);
    for &courier in &COURIERS[..couriers] {
        let allowed = random.chance(0.1).then(|| sources(&mut random));
        let plan = CourierPlan {
            id: courier,
            company: COMPANY,
            allowed_courier_position_sources: allowed,
        };
        items.push(item(-2_500, Command::PutCourier(plan)));
        let mut plans = Vec::new();
        for _ in 0..random.pick(&[1, 1, 1, 2, 3]) {
            let plan = city.route(&mut random, courier);
            items.push(item(-2_000, Command::PutRoute(plan.clone())));
            plans.push(plan);
        }
        walk::walk(&mut random, &mut city, courier, plans, &mut items);
    }
    items.sort_by_key(|item| item.received_at);
    items
}

pub fn item(ms: i64, command: Command) -> Item {
    Item { received_at: at(ms), fact: Fact::Command(command) }
}

pub fn put_policy(policy: Policy) -> Command {
    Command::PutPolicy { company: COMPANY, policy }
}

/// The places of a world, and the counters of its ids.
pub struct City {
    pub centre: Point,
    pub sites: Vec<Point>,
    pub depots: Vec<DepotPlan>,
    /// No dwell, small fences, and couriers who hardly stop.
    pub is_drive_through: bool,
    /// The radius of the latest settings.
    pub radius_m: f64,
    orders: u64,
    routes: u64,
}

impl City {
    fn new(random: &mut Random) -> Self {
        let places = [
            (48.85, 2.35),
            (48.85, 2.35),
            (-33.9, 151.2),
            (10.0, 179.9999),
            (64.1, -21.9),
            (77.0, 15.0),
        ];
        let (lat, lon) = random.pick(&places);
        let centre = Point::from_degrees(lat, lon).expect("a place on land");
        let spread = random.pick(&[150.0, 400.0, 1_000.0, 2_500.0]);
        let sites: Vec<_> = (0..2 + random.below(6))
            .map(|_| {
                let (east, north) = (random.unit() * 2.0 - 1.0, random.unit() * 2.0 - 1.0);
                offset(centre, east * spread, north * spread)
            })
            .collect();
        let mut city = Self {
            centre,
            sites,
            depots: Vec::new(),
            is_drive_through: random.chance(0.2),
            radius_m: 0.0,
            orders: 0,
            routes: 0,
        };
        for id in 1..=2 {
            let depot = city.depot(random, DepotId(id));
            city.depots.push(depot);
        }
        city
    }

    pub fn depot(&self, random: &mut Random, id: DepotId) -> DepotPlan {
        DepotPlan {
            id,
            point: random.pick(&self.sites),
            mark_delivered_radius: random.chance(0.3).then(|| radius(random)),
            mark_route_started_radius: random.chance(0.8).then(|| radius(random)),
            service_duration_s: random.pick(&[0, 0, 60, 300]),
            order_service_duration_s: random.pick(&[0, 0, 10]),
        }
    }

    pub fn policy(&mut self, random: &mut Random) -> Policy {
        let lists = [vec![1_800], vec![300], vec![600, 120], vec![60, 300, 900, 1_800]];
        let thresholds = random.pick(&lists);
        let small = Radius::from_metres(40.0).expect("a radius");
        let coefficient = random.pick(&[0.0, 0.25, 0.5, 0.5, 1.0]);
        let drive_through = self.is_drive_through;
        let default_radius = if drive_through { small } else { radius(random) };
        self.radius_m = default_radius.metres();
        Policy {
            mark_delivered_enabled: random.chance(0.5),
            mark_delivered_radius: default_radius,
            mark_delivered_service_time_coefficient: if drive_through { 0.0 } else { coefficient },
            eta_type: eta_type(random),
            tracking_start_ms: random.pick(&[0, 1, 1, 3]) * HOUR_MS,
            delivery_by_order_statuses: random.chance(0.2),
            nearby_eta_ms: thresholds.iter().map(|s| s * 1_000).collect(),
            nearby_distance_m: random.pick(&[None, None, Some(150.0), Some(1_000.0)]),
            arrival_scope: random.pick(&[
                ArrivalScope::Head,
                ArrivalScope::Head,
                ArrivalScope::Any,
            ]),
            overlap_policy: random.pick(&[OverlapPolicy::Parallel, OverlapPolicy::Nearest]),
            inferred_visits: random.pick(&[
                InferredVisits::Off,
                InferredVisits::SilentDevices,
                InferredVisits::SilentDevices,
                InferredVisits::AnyGap,
                InferredVisits::AnyGap,
            ]),
            resequence: random.chance(0.3),
            max_gap_ms: random.pick(&[60_000, 300_000, 300_000, 4_000_000]),
            allowed_courier_position_sources: if random.chance(0.15) {
                sources(random)
            } else {
                SourceSet::ALL
            },
        }
    }

    pub fn order(&mut self, random: &mut Random) -> OrderPlan {
        self.orders += 1;
        let status = random.chance(0.1).then(|| random.pick(&OrderStatus::ALL));
        OrderPlan {
            id: OrderId(self.orders),
            point: (!random.chance(0.08)).then(|| self.door(random)),
            mark_delivered_radius: (!self.is_drive_through && random.chance(0.4))
                .then(|| radius(random)),
            service_duration_s: random.pick(&[0, 30, 60, 120, 300, 600]),
            shared_service_duration_s: random.pick(&[0, 0, 60]),
            window: random.chance(0.4).then(|| window(random)),
            eta_type: random.chance(0.4).then(|| eta_type(random)),
            status: status.unwrap_or(OrderStatus::New),
            created: random.chance(0.7),
        }
    }

    /// A site, or a little beside one: at the border of one stop, or of one fence.
    pub fn door(&self, random: &mut Random) -> Point {
        let site = random.pick(&self.sites);
        let units = random.pick(&[0, 0, 0, 4, 10, 11]);
        match random.below(4) {
            0 => offset(site, random.unit() * 120.0 - 60.0, random.unit() * 120.0 - 60.0),
            1 => Point::from_e7(site.lat_e7() + units, site.lon_e7()).expect("beside a site"),
            _ => site,
        }
    }

    pub fn route(&mut self, random: &mut Random, courier: CourierId) -> RoutePlan {
        self.routes += 1;
        let mut nodes: Vec<_> =
            (0..1 + random.below(12)).map(|_| Node::Order(self.order(random))).collect();
        if random.chance(0.25) {
            let place = 1 + random.below(nodes.len());
            nodes.insert(place, Node::Depot(self.depots[1]));
        }
        if random.chance(0.4) {
            nodes.insert(0, Node::Depot(self.depots[0]));
        }
        if random.chance(0.2) {
            nodes.push(Node::Depot(self.depots[0]));
        }
        if random.chance(0.1) {
            nodes.push(Node::Garage(self.centre));
        }
        let starts = [None, None, Some(-HOUR_MS / 2), Some(300_000), Some(HOUR_MS)];
        let finishes = [None, None, Some(HOUR_MS), Some(4 * HOUR_MS)];
        RoutePlan {
            id: RouteId(self.routes),
            courier,
            routing_mode: random.pick(&RoutingMode::ALL),
            route_start: random.pick(&starts).map(at),
            route_finish: random.pick(&finishes).map(at),
            depot: random.chance(0.5).then(|| self.depots[0]),
            nodes,
        }
    }
}

pub fn radius(random: &mut Random) -> Radius {
    let metres = random.pick(&[0.0, 40.0, 100.0, 100.0, 250.0, 500.0]);
    Radius::from_metres(metres).expect("within 10 km")
}

pub fn window(random: &mut Random) -> TimeWindow {
    let start = random.between(-60, 60) * 60_000;
    TimeWindow { start: at(start), end: at(start + random.between(5, 180) * 60_000) }
}

fn eta_type(random: &mut Random) -> EtaType {
    random.pick(&[EtaType::ArrivalTime, EtaType::DeliveryTime])
}

fn sources(random: &mut Random) -> SourceSet {
    Source::ALL.into_iter().filter(|_| random.chance(0.6)).collect()
}

/// The point so many metres east and north, near enough for a walk.
pub fn offset(from: Point, east: f64, north: f64) -> Point {
    let lat = from.lat() + north / 111_200.0;
    let lon = from.lon() + east / (111_300.0 * libm::cos(from.lat().to_radians()));
    let around = if lon > 180.0 { lon - 360.0 } else { lon };
    let around = if lon < -180.0 { lon + 360.0 } else { around };
    Point::from_degrees(lat, around).expect("a place on the globe")
}
