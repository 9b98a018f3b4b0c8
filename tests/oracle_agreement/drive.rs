//! Steps both programs over a script, finds the first disagreement and cuts the script down.

use std::fmt::Write as _;

use doorstep::cli::bench::compare;
use doorstep::cli::bench::oracle::{Oracle, StraightLineParameters, Told, ToldBody};
use doorstep::domain::command::Command;
use doorstep::domain::ids::{CompanyId, CourierId, RouteId};
use doorstep::domain::position::Position;
use doorstep::domain::time::Time;
use doorstep::engine::Engine;
use doorstep::engine::input::InputBody;
use doorstep::engine::output::Outputs;
use doorstep::runtime::partition::{Partitions, partition_of};
use doorstep::travel::straight_line::StraightLine;

pub const COMPANY: CompanyId = CompanyId(1);
/// Couriers of different partitions.
pub const COURIERS: [CourierId; 3] = [CourierId(1), CourierId(2), CourierId(3)];

/// What comes at an instant of the server's clock.
#[derive(Clone, Debug)]
pub struct Item {
    pub received_at: Time,
    pub fact: Fact,
}

#[derive(Clone, Debug)]
pub enum Fact {
    Position { courier: CourierId, route: Option<RouteId>, position: Position },
    Command(Command),
    Clock,
}

pub struct Difference {
    pub index: usize,
    pub courier: CourierId,
    pub engine: Vec<Told>,
    pub oracle: Vec<Told>,
}

pub fn first_difference(script: &[Item]) -> Option<Difference> {
    let mut engine = EngineSide::new();
    let mut oracle = OracleSide::new();
    for (index, item) in script.iter().enumerate() {
        let (ours, theirs) = (engine.step(item), oracle.step(item));
        if let Some((courier, engine, oracle)) = compare::first_difference(ours, theirs) {
            return Some(Difference { index, courier, engine, oracle });
        }
    }
    None
}

/// The couriers that an item concerns.
fn concerned(fact: &Fact) -> Vec<CourierId> {
    match fact {
        Fact::Position { courier, .. } => vec![*courier],
        Fact::Clock => COURIERS.to_vec(),
        Fact::Command(command) => match command {
            Command::PutPolicy { .. } | Command::PutDepot { .. } => COURIERS.to_vec(),
            Command::PutCourier(plan) => vec![plan.id],
            Command::PutRoute(plan) => vec![plan.courier],
            Command::RemoveRoute { courier, .. }
            | Command::PutOrder { courier, .. }
            | Command::RemoveOrder { courier, .. }
            | Command::SetStatus { courier, .. }
            | Command::Quarantine(courier)
            | Command::Release(courier)
            | Command::EraseCourier { courier } => vec![*courier],
        },
    }
}

struct EngineSide {
    engine: Engine,
    partitions: Partitions,
    out: Outputs,
}

impl EngineSide {
    fn new() -> Self {
        let engine = Engine::new(Box::new(StraightLine::default()));
        Self { engine, partitions: Partitions::default(), out: Outputs::default() }
    }

    fn step(&mut self, item: &Item) -> Vec<Told> {
        self.out.clear();
        for courier in concerned(&item.fact) {
            let body = match &item.fact {
                Fact::Position { courier, route, position } => {
                    let (courier, route, position) = (*courier, *route, *position);
                    InputBody::Position { courier, route, position, sheds_eta: false }
                }
                Fact::Command(command) => InputBody::Command(Box::new(command.clone())),
                Fact::Clock => {
                    let partition = partition_of(COMPANY, courier);
                    let (engine, out) = (&mut self.engine, &mut self.out);
                    self.partitions.tick(engine, partition, item.received_at, out);
                    continue;
                }
            };
            let partition = partition_of(COMPANY, courier);
            let (engine, out) = (&mut self.engine, &mut self.out);
            self.partitions.step(engine, partition, item.received_at, body, out);
        }
        compare::told_by(&self.out)
    }
}

pub struct OracleSide {
    oracle: Oracle,
    stamps: [Time; 3],
}

impl OracleSide {
    pub fn new() -> Self {
        let model = StraightLine::default();
        let travel = StraightLineParameters {
            detour: model.detour,
            driving_mps: model.driving_mps,
            walking_mps: model.walking_mps,
            bicycle_mps: model.bicycle_mps,
            transit_mps: model.transit_mps,
        };
        Self { oracle: Oracle::new(travel), stamps: [Time::DISTANT_PAST; 3] }
    }

    pub fn step(&mut self, item: &Item) -> Vec<Told> {
        let mut out = Vec::new();
        for courier in concerned(&item.fact) {
            self.tick(courier, item.received_at, &mut out);
        }
        match &item.fact {
            Fact::Position { courier, route, position } => {
                self.oracle.position(*courier, *route, position, item.received_at, &mut out);
            }
            Fact::Command(command) => self.oracle.command(command, item.received_at, &mut out),
            Fact::Clock => {}
        }
        out
    }

    fn tick(&mut self, courier: CourierId, now: Time, out: &mut Vec<Told>) {
        let Some(place) = COURIERS.iter().position(|known| *known == courier) else { return };
        let stamp = &mut self.stamps[place];
        for _ in 0..TICKS_MAX {
            let Some(due) = self.oracle.next_deadline(courier).filter(|due| *due <= now) else {
                *stamp = now.max(*stamp);
                return;
            };
            *stamp = due.max(*stamp);
            self.oracle.tick(courier, *stamp, out);
        }
        panic!("the oracle's deadlines stand still");
    }
}

/// More ticks than any silence can need.
const TICKS_MAX: usize = 100_000;

/// Leaves out whatever the disagreement does not need.
pub fn cut_down(mut script: Vec<Item>, difference: &Difference) -> Vec<Item> {
    script.truncate(difference.index + 1);
    let mut size = script.len() / 2;
    while size > 0 {
        let mut from = 0;
        while from < script.len() {
            let mut shorter = script.clone();
            shorter.drain(from..(from + size).min(script.len()));
            match first_difference(&shorter) {
                Some(found) => {
                    shorter.truncate(found.index + 1);
                    script = shorter;
                }
                None => from += size,
            }
        }
        size /= 2;
    }
    prune_routes(script)
}

/// Leaves out the nodes of stored routes that the disagreement does not need.
fn prune_routes(mut script: Vec<Item>) -> Vec<Item> {
    for place in (0..script.len()).rev() {
        let mut node = 0;
        while let Fact::Command(Command::PutRoute(plan)) = &script[place].fact {
            if node >= plan.nodes.len() {
                break;
            }
            let mut shorter = script.clone();
            if let Fact::Command(Command::PutRoute(plan)) = &mut shorter[place].fact {
                plan.nodes.remove(node);
            }
            match first_difference(&shorter) {
                Some(found) => {
                    shorter.truncate(found.index + 1);
                    script = shorter;
                    if place >= script.len() {
                        break;
                    }
                }
                None => node += 1,
            }
        }
    }
    script
}

pub fn report(script: &[Item], difference: &Difference) -> String {
    let mut text = String::new();
    let mut oracle = OracleSide::new();
    for item in script {
        let _ = writeln!(text, "{} {:?}", seconds(item.received_at), item.fact);
        for told in oracle.step(item) {
            let _ = writeln!(text, "        {}", line(&told));
        }
    }
    let _ = writeln!(text, "--- input {} differs, {}", difference.index, difference.courier);
    for (name, side) in [("engine", &difference.engine), ("oracle", &difference.oracle)] {
        let _ = writeln!(text, "{name}:");
        for told in side {
            let _ = writeln!(text, "    {}", line(told));
        }
    }
    text
}

fn line(told: &Told) -> String {
    let mark = if told.backfilled { " backfilled" } else { "" };
    match &told.body {
        ToldBody::Event(event) => {
            let (name, order) = (event.kind.name(), event.order);
            format!("{} {name} order {order}{mark} {:?}", seconds(event.t), event.kind)
        }
        ToldBody::Notification(n) => {
            let (t, eta) = (seconds(n.t), n.eta.map(seconds));
            format!("{t} {:?} order {} eta {eta:?}{mark}", n.kind, n.order)
        }
        ToldBody::Eta { change, orders } => {
            let orders: Vec<_> = orders
                .iter()
                .map(|o| {
                    let times = |eta: doorstep::domain::eta::Eta| {
                        [eta.eta, eta.arrival, eta.completion].map(seconds)
                    };
                    (o.order.0, o.eta.map(times))
                })
                .collect();
            let (now, cause, stale) = (seconds(change.now), change.cause, change.stale);
            format!("{now} ETA route {} {cause:?} stale {stale}{mark} {orders:?}", change.route)
        }
        ToldBody::RouteViolated { .. } | ToldBody::Dropped { .. } => {
            format!("{:?}{mark}", told.body)
        }
    }
}

fn seconds(time: Time) -> f64 {
    (time.ms() - crate::world::EPOCH_MS) as f64 / 1e3
}
