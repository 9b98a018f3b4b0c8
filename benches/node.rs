//! A node in process on real files: the canonical walk, one gateway, frames of 256 positions, 64
//! frames in flight. Says the CPU per million positions, syncs and the mean group.
//!
//! `cargo bench --bench node -- COURIERS TICKS SHARDS`

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a bench measures with the machine's clocks, reads its arguments and prints"
)]

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use doorstep::domain::command::Command;
use doorstep::domain::courier::CourierPlan;
use doorstep::domain::geo::{Point, Scale};
use doorstep::domain::ids::{CompanyId, CourierId, OrderId, RouteId};
use doorstep::domain::order::{OrderPlan, OrderStatus};
use doorstep::domain::position::Position;
use doorstep::domain::route::{Node as RouteNode, RoutePlan, RoutingMode};
use doorstep::domain::time::Time;
use doorstep::runtime::clock::Clock;
use doorstep::runtime::intake::{Delivery, PartDone, Sender, SenderId, SentFix};
use doorstep::runtime::node::{Durability, Node, NodeSettings};
use doorstep::runtime::partition::partition_of;
use doorstep::storage::disk::{Disk, RealDisk};
use doorstep::travel::straight_line::StraightLine;
use rustix::time::{ClockId, clock_gettime};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

fn main() {
    let mut numbers = std::env::args().filter_map(|argument| argument.parse::<u32>().ok());
    let couriers = numbers.next().unwrap_or(10_000);
    let ticks = numbers.next().unwrap_or(100);
    let shards = numbers.next().unwrap_or(1) as usize;
    for durability in [Durability::Sync, Durability::Relaxed, Durability::None] {
        let clock = Clock::manual(Time::from_ms(1_772_431_200_000));
        let node = started(&NodeSettings { shards, durability, ..NodeSettings::default() }, &clock);
        for courier in 0..couriers {
            let parts = planned(courier);
            node.commands().begin(parts, Vec::new()).expect("there is room").wait_blocking().ok();
        }
        let (before, wall, cpu) = (node.counts(), Instant::now(), cpu_s());
        drive(&node, &clock, couriers, ticks);
        let (wall, cpu, counts) = (wall.elapsed().as_secs_f64(), cpu_s() - cpu, node.counts());
        let millions = f64::from(couriers) * f64::from(ticks) / 1e6;
        let groups = counts.groups - before.groups;
        println!(
            "{durability:?}: {couriers} couriers, {shards} shards: {:.2} CPU s and {:.2} s per million \
             positions, {} syncs, mean group {:.0}, {:.1} bytes a position, feed head {}",
            cpu / millions,
            wall / millions,
            counts.syncs.saturating_sub(before.syncs),
            millions * 1e6 / groups as f64,
            (counts.journal_bytes - before.journal_bytes) as f64 / millions / 1e6,
            node.feed().head()
        );
        node.stop().expect("it stops");
    }
}

fn started(settings: &NodeSettings, clock: &Clock) -> Node {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("bench-node");
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::open(&directory).expect("it can be made"));
    for name in disk.names().expect("it can be read") {
        disk.remove(&name).expect("it was there");
    }
    let travel = || Box::new(StraightLine::default()) as _;
    Node::start(settings, &disk, clock.clone(), &travel, &mut |_| ()).expect("it starts")
}

/// Every courier moves 40 m a tick.
fn drive(node: &Node, clock: &Clock, couriers: u32, ticks: u32) {
    let mut under_way: VecDeque<(usize, UnboundedReceiver<PartDone>)> = VecDeque::new();
    let mut seq = 0;
    for tick in 1..=ticks {
        clock.advance(5_000);
        let now = clock.now();
        for first in (0..couriers).step_by(256) {
            let fixes = (first..couriers.min(first + 256)).map(|courier| {
                seq += 1;
                let position = Position::bare(now, place(courier, 40.0 * f64::from(tick)));
                SentFix {
                    seq,
                    courier: CourierId(courier),
                    company: COMPANY,
                    route: None,
                    position,
                }
            });
            let fixes = fixes.collect();
            let (reply, receiver) = unbounded_channel();
            let sender = Some(Sender { id: SenderId(1), boot: 1 });
            let parts = node.intake().submit(Delivery { sender, frame: seq, fixes, reply });
            under_way.push_back((parts.expect("there is room"), receiver));
            if under_way.len() >= UNDER_WAY_MAX {
                settle(under_way.pop_front());
            }
        }
    }
    while !under_way.is_empty() {
        settle(under_way.pop_front());
    }
}

fn settle(delivery: Option<(usize, UnboundedReceiver<PartDone>)>) {
    let Some((parts, mut receiver)) = delivery else { return };
    for _ in 0..parts {
        receiver.blocking_recv().expect("it is done");
    }
}

fn planned(courier: u32) -> Vec<(doorstep::domain::ids::PartitionId, Command)> {
    let id = CourierId(courier);
    let order = |at: u64| OrderPlan {
        id: OrderId(u64::from(courier) * 20 + at),
        point: Some(place(courier, 700.0 * (at + 1) as f64)),
        mark_delivered_radius: doorstep::domain::policy::Radius::from_metres(100.0),
        service_duration_s: 60,
        shared_service_duration_s: 0,
        window: None,
        eta_type: None,
        status: OrderStatus::New,
        created: true,
    };
    let route = RoutePlan {
        id: RouteId(u64::from(courier)),
        courier: id,
        routing_mode: RoutingMode::Driving,
        route_start: None,
        route_finish: None,
        depot: None,
        nodes: (0..20).map(|at| RouteNode::Order(order(at))).collect(),
    };
    let plan = CourierPlan { id, company: COMPANY, allowed_courier_position_sources: None };
    let partition = partition_of(COMPANY, id);
    vec![(partition, Command::PutCourier(plan)), (partition, Command::PutRoute(route))]
}

/// Couriers walk east, each on its own parallel.
fn place(courier: u32, east_m: f64) -> Point {
    let start = Point::from_e7(500_000_000 + courier as i32 * 300, 80_000_000).expect("a point");
    let lon_e7 = start.lon_e7() + (east_m / Scale::at(start).lon_m) as i32;
    Point::from_e7(start.lat_e7(), lon_e7).expect("a point")
}

fn cpu_s() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

const COMPANY: CompanyId = CompanyId(1);
const UNDER_WAY_MAX: usize = 64;
