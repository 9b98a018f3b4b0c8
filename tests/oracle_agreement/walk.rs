//! A courier's random day: it drives its nodes more or less in sequence, stands at doors, and its
//! device reports with every fault that devices have; commands come in between.

use doorstep::domain::command::Command;
use doorstep::domain::event::EndReason;
use doorstep::domain::geo::Point;
use doorstep::domain::ids::{CourierId, DepotId, OrderId, RouteId};
use doorstep::domain::order::{Initiator, OrderStatus};
use doorstep::domain::policy::Radius;
use doorstep::domain::position::{Accuracy, Position};
use doorstep::domain::route::{Node, RoutePlan};
use doorstep::domain::time::DAY_MS;

use crate::device::Device;
use crate::drive::{COMPANY, Fact, Item};
use crate::random::Random;
use crate::world::{self, City, at, item, offset};

struct Courier {
    id: CourierId,
    plans: Vec<RoutePlan>,
    /// Metres east and north of the city's centre.
    here: (f64, f64),
    target: (f64, f64),
    next_node: usize,
    /// It stands until then.
    stands_until: i64,
    mps: f64,
    now: i64,
    /// Reports wait until then.
    silent_until: i64,
    device: Device,
    /// How often it drives past a door.
    passes: f64,
    /// How often it stands at the border of a fence.
    misses: f64,
    /// How far it will sway across that border, and how far it does, in metres.
    sway: f64,
    sways: f64,
}

/// How long it stands, in seconds.
const STANDS_S: [i64; 6] = [0, 30, 70, 200, 330, 700];

/// How far east of a door a courier may stop: in, at and behind the fences, and as far as proves
/// an exit at once, or after a while.
const AWAY_M: [f64; 12] =
    [0.0, 90.0, 110.0, 130.0, 119.0, 121.0, 178.0, 182.0, 330.0, 590.0, 605.0, 620.0];

pub fn walk(
    random: &mut Random,
    city: &mut City,
    id: CourierId,
    plans: Vec<RoutePlan>,
    items: &mut Vec<Item>,
) {
    let start = random.pick(&city.sites);
    let mut courier = Courier {
        id,
        plans,
        here: metres(city.centre, start),
        target: metres(city.centre, start),
        next_node: 0,
        stands_until: random.between(0, 400) * 1_000,
        mps: 4.0 + random.unit() * 12.0,
        now: random.between(-1_500, 0) * 1_000,
        silent_until: i64::MIN,
        device: Device::new(random),
        passes: if city.is_drive_through { 0.9 } else { random.pick(&[0.1, 0.3]) },
        misses: random.pick(&[0.0, 0.1, 0.4]),
        sway: 0.0,
        sways: 0.0,
    };
    let commands = random.pick(&[0.0, 0.01, 0.03, 0.06]);
    let faults = random.pick(&[0.0, 0.05, 0.15]);
    for _ in 0..random.between(40, 220) {
        courier.advance(random, city);
        courier.report(random, city, faults, items);
        if random.chance(commands) {
            let command = courier.command(random, city);
            items.push(item(courier.now + random.between(0, 9_000), command));
        }
        if random.chance(0.02) {
            items.push(clock(courier.now + random.between(0, 500_000)));
        }
    }
    for later in [1, 20, 60, 600, 1_500, 3_000, 6_000] {
        items.push(clock(courier.now + later * 60_000));
    }
}

fn clock(ms: i64) -> Item {
    Item { received_at: at(ms), fact: Fact::Clock }
}

impl Courier {
    /// Time passes; the courier drives or stands.
    fn advance(&mut self, random: &mut Random, city: &City) {
        let dt = match random.below(300) {
            0 => random.pick(&[7_200_000, 40_000_000, DAY_MS, 2 * DAY_MS]),
            1..=3 => random.pick(&[301_000, 400_000, 1_900_000]),
            4..=20 => random.between(61, 200) * 1_000,
            21..=40 => random.between(500, 3_000),
            _ => self.device.interval_ms(random),
        };
        let silence = (self.now < self.stands_until).then(|| self.device.silence_ms(random));
        if let Some(silence) = silence.flatten() {
            let driven = random.pick(&[0, 5_000, 40_000, 90_000]).min(silence);
            self.now += silence;
            self.stands_until = self.stands_until.min(self.now - driven);
            return self.drive(random, city, driven);
        }
        self.now += dt;
        if self.now >= self.stands_until {
            self.drive(random, city, dt);
        }
    }

    fn drive(&mut self, random: &mut Random, city: &City, dt: i64) {
        let (east, north) = (self.target.0 - self.here.0, self.target.1 - self.here.1);
        let (left, step) = (libm::hypot(east, north), self.mps * dt as f64 / 1e3);
        if step < left {
            self.here.0 += east / left * step;
            self.here.1 += north / left * step;
            return;
        }
        self.here = self.target;
        let at_border = self.sway > 0.0;
        let stands_s = if at_border { &[330, 700, 1_200] } else { STANDS_S.as_slice() };
        self.stands_until = self.now + random.pick(stands_s) * 1_000;
        self.sways = std::mem::take(&mut self.sway);
        self.target = self.choose_target(random, city);
    }

    fn choose_target(&mut self, random: &mut Random, city: &City) -> (f64, f64) {
        if random.chance(0.2) || self.plans.is_empty() {
            let site = metres(city.centre, random.pick(&city.sites));
            let away = random.pick(&AWAY_M);
            return (site.0 + away, site.1);
        }
        let nodes = &self.plans[0].nodes;
        if random.chance(0.15) {
            self.next_node = random.below(nodes.len().max(1));
        }
        let node = nodes.get(self.next_node);
        self.next_node = (self.next_node + 1) % nodes.len().max(1);
        let point = match node {
            Some(Node::Order(order)) => order.point,
            Some(Node::Depot(depot)) => Some(depot.point),
            Some(Node::Garage(point)) => Some(*point),
            None => None,
        };
        let door = point.map_or(self.here, |point| metres(city.centre, point));
        if random.chance(self.misses) {
            self.sway = random.pick(&[0.0, 9.0, 14.0]);
            let own = match node {
                Some(Node::Order(order)) => order.mark_delivered_radius.map(Radius::metres),
                Some(Node::Depot(_) | Node::Garage(_)) | None => None,
            };
            let r = own.unwrap_or(city.radius_m);
            return (door.0 + r + random.unit() * 10.0 - 5.0, door.1);
        }
        if random.chance(self.passes) { self.beyond(random, door) } else { door }
    }

    /// A place behind a door, so that the way there leads past it.
    fn beyond(&self, random: &mut Random, door: (f64, f64)) -> (f64, f64) {
        let (east, north) = (door.0 - self.here.0, door.1 - self.here.1);
        let way = libm::hypot(east, north).max(1.0);
        let ahead = random.between(60, 700) as f64 / way;
        let aside = random.pick(&[0.0, 10.0, 39.9, 60.0, 99.9]) / way;
        (door.0 + east * ahead - north * aside, door.1 + north * ahead + east * aside)
    }

    fn report(&mut self, random: &mut Random, city: &City, faults: f64, items: &mut Vec<Item>) {
        let noise = random.pick(&[0.0, 3.0, 15.0]);
        let (mut east, mut north) = self.here;
        east += (random.unit() * 2.0 - 1.0) * noise;
        north += (random.unit() * 2.0 - 1.0) * noise;
        if self.now < self.stands_until {
            east += if random.chance(0.45) { -self.sways } else { self.sways };
        }
        let fault = if random.chance(faults) { random.below(9) } else { usize::MAX };
        let mut t = self.now;
        let mut received = self.now + random.between(0, 2_000);
        match fault {
            0 => east += random.pick(&[250.0, 900.0, 3_000.0, 30_000.0]),
            1 => t -= random.between(0, 60) * 1_000,
            2 => t += random.pick(&[59_000, 63_000, 120_000]),
            3 => t -= random.pick(&[DAY_MS - 1_000, DAY_MS + 5_000]),
            4 => received += random.pick(&[10_000, 100_000, 302_000, 400_000]),
            5 => self.silent_until = self.now + random.pick(&[60_000, 400_000, 2_000_000]),
            6 => self.now += random.pick(&[200_000, 310_000]),
            _ => {}
        }
        received = received.max(self.silent_until);
        let mut position = Position::bare(at(t), offset(city.centre, east, north));
        position.accuracy_m = accuracy(random);
        self.device.describe(random, self.now, &mut position);
        let fact = Fact::Position { courier: self.id, route: self.name_route(random), position };
        let item = Item { received_at: at(received), fact };
        if fault == 7 {
            items.push(item.clone());
        }
        items.push(item);
    }

    fn name_route(&self, random: &mut Random) -> Option<RouteId> {
        match random.below(40) {
            0 => Some(RouteId(99)),
            1..=4 if !self.plans.is_empty() => Some(random.pick(&self.plans).id),
            _ => None,
        }
    }

    fn command(&mut self, random: &mut Random, city: &mut City) -> Command {
        let courier = self.id;
        if self.plans.is_empty() || random.chance(0.03) {
            let plan = city.route(random, courier);
            self.plans.push(plan.clone());
            return Command::PutRoute(plan);
        }
        let place = random.below(self.plans.len());
        match random.below(12) {
            0 => world::put_policy(city.policy(random)),
            1 => {
                let id = DepotId(1 + random.below(2) as u32);
                Command::PutDepot { company: COMPANY, depot: city.depot(random, id) }
            }
            2 if random.chance(0.4) => {
                let route = self.plans.remove(place).id;
                Command::RemoveRoute { courier, route, reason: reason(random) }
            }
            2..=4 => Command::PutRoute(shuffled(random, city, &mut self.plans[place])),
            5 => {
                let plan = &mut self.plans[place];
                let order = city.order(random);
                plan.nodes.push(Node::Order(order.clone()));
                Command::PutOrder { courier, route: plan.id, order }
            }
            6 | 7 => edit_order(random, city, &mut self.plans[place]),
            8 => self.remove_order(random, place),
            _ => {
                let route = self.plans[place].id;
                let order = any_order(random, &self.plans[place]);
                let status = random.pick(&OrderStatus::ALL);
                let initiator = random.pick(&[Initiator::App, Initiator::UserApi]);
                Command::SetStatus { courier, route, order, status, initiator }
            }
        }
    }

    fn remove_order(&mut self, random: &mut Random, place: usize) -> Command {
        let plan = &mut self.plans[place];
        let order = any_order(random, plan);
        plan.nodes.retain(|node| !matches!(node, Node::Order(known) if known.id == order));
        let (courier, route) = (self.id, plan.id);
        Command::RemoveOrder { courier, route, order, reason: reason(random) }
    }
}

fn any_order(random: &mut Random, plan: &RoutePlan) -> OrderId {
    let ids: Vec<_> = plan.orders().map(|order| order.id).collect();
    if ids.is_empty() { OrderId(9_999) } else { random.pick(&ids) }
}

fn reason(random: &mut Random) -> EndReason {
    use EndReason::{Cancelled, CourierChanged, MovedRoute, Removed};
    random.pick(&[Removed, MovedRoute, CourierChanged, Cancelled])
}

/// The route stored anew: another sequence, an order more or less, other times.
fn shuffled(random: &mut Random, city: &mut City, plan: &mut RoutePlan) -> RoutePlan {
    let len = plan.nodes.len();
    if len > 1 {
        for _ in 0..random.below(4) {
            plan.nodes.swap(random.below(len), random.below(len));
        }
    }
    if len > 1 && random.chance(0.3) {
        plan.nodes.remove(random.below(len));
    }
    if random.chance(0.3) {
        plan.nodes.insert(random.below(plan.nodes.len() + 1), Node::Order(city.order(random)));
    }
    if random.chance(0.2) {
        plan.route_finish = Some(at(random.between(0, 300) * 60_000));
    }
    for node in &mut plan.nodes {
        if let Node::Order(order) = node
            && random.chance(0.1)
        {
            order.window = Some(world::window(random));
            order.point = Some(city.door(random));
        }
    }
    plan.clone()
}

fn edit_order(random: &mut Random, city: &City, plan: &mut RoutePlan) -> Command {
    let (courier, route, id) = (plan.courier, plan.id, any_order(random, plan));
    let edited = plan.nodes.iter_mut().find_map(|node| match node {
        Node::Order(order) if order.id == id => Some(order),
        Node::Order(_) | Node::Depot(_) | Node::Garage(_) => None,
    });
    let Some(order) = edited else {
        return Command::RemoveRoute { courier, route: RouteId(98), reason: EndReason::Removed };
    };
    match random.below(5) {
        0 => order.window = random.chance(0.7).then(|| world::window(random)),
        1 => order.point = random.chance(0.8).then(|| city.door(random)),
        2 => order.mark_delivered_radius = Some(world::radius(random)),
        3 => order.service_duration_s = random.pick(&[0, 60, 900]),
        _ => order.created = true,
    }
    Command::PutOrder { courier, route, order: order.clone() }
}

fn accuracy(random: &mut Random) -> Option<Accuracy> {
    let metres = match random.below(40) {
        0..=14 => return None,
        15..=29 => 8.0,
        30..=33 => 60.0,
        34 | 35 => 130.0,
        36 | 37 => 240.0,
        38 => 600.0,
        _ => 1_500.0,
    };
    Accuracy::new(metres)
}

fn metres(centre: Point, point: Point) -> (f64, f64) {
    let (north, east) = centre.offset_e7(point);
    let lon_m = 111_300.0 * libm::cos(centre.lat().to_radians());
    (east as f64 / 1e7 * lon_m, north as f64 / 1e7 * 111_200.0)
}
