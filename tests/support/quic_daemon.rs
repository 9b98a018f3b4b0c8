//! A node with a QUIC endpoint on a free port of loopback, on a disk in memory: what the tests of
//! the protocol talk to. Its documents and tokens are fixed.

use std::env::temp_dir;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use doorstep::domain::command::Command;
use doorstep::domain::courier::CourierPlan;
use doorstep::domain::geo::Point;
use doorstep::domain::ids::{CompanyId, CourierId, OrderId, PartitionId, RouteId};
use doorstep::domain::order::{OrderPlan, OrderStatus};
use doorstep::domain::policy::Radius;
use doorstep::domain::route::{Node as RouteNode, RoutePlan, RoutingMode};
use doorstep::domain::time::HOUR_MS;
use doorstep::feed::names::Names;
use doorstep::feed::press::Press;
use doorstep::ingest::quic::certificate::Certificate;
use doorstep::ingest::quic::endpoint::QuicEndpoint;
use doorstep::ingest::quic::reset_key::ResetKey;
use doorstep::ingest::quic::services::{QuicServices, StatusRequest};
use doorstep::ingest::quic::settings::QuicSettings;
use doorstep::runtime::access::{Access, Grant, Role, TokenHash, TokenId};
use doorstep::runtime::clock::Clock;
use doorstep::runtime::node::{Node, NodeSettings, TravelFactory};
use doorstep::runtime::partition::partition_of;
use doorstep::storage::disk::Disk;
use doorstep::storage::sim_disk::SimDisk;
use doorstep::travel::straight_line::StraightLine;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Couriers 1 to this many are company 1's; each has the route of its number with two orders.
pub const COURIERS: u32 = 8;
/// A courier of company 2.
pub const FOREIGN_COURIER: u32 = 20;
/// Where the first order of courier 1 is; that of courier n is n thousandths of a degree north.
pub const PLACE: (i32, i32) = (525_000_000, 134_000_000);

/// Tells the directories of one process apart.
static NEXT: AtomicU32 = AtomicU32::new(0);

/// Where a daemon listens and keeps its certificate.
pub struct Place {
    /// The address; port 0: any that is free.
    pub address: SocketAddr,
    /// The directory.
    pub directory: PathBuf,
}

/// A running node with its endpoint.
pub struct Daemon {
    /// The node.
    pub node: Node,
    /// The endpoint.
    pub endpoint: QuicEndpoint,
    /// Where it listens.
    pub address: SocketAddr,
    /// Statuses that devices set: a test that sets none may leave them.
    pub statuses: mpsc::Receiver<StatusRequest>,
    /// What writes events for subscribers.
    pub press: Arc<Press>,
    /// Where certificate and fingerprint are kept.
    pub directory: PathBuf,
    serving: JoinHandle<()>,
}

impl Place {
    /// A free port and a directory of its own.
    pub fn free() -> Self {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("doorstep-quic-{}-{number}", std::process::id());
        Self { address: ([127, 0, 0, 1], 0).into(), directory: temp_dir().join(name) }
    }
}

impl Daemon {
    /// A daemon on an empty disk.
    pub async fn start(shards: usize, settings: QuicSettings) -> Self {
        Self::start_on(Arc::new(SimDisk::new()), shards, settings).await
    }

    /// A daemon on a disk that may hold what an earlier one left.
    pub async fn start_on(disk: Arc<dyn Disk>, shards: usize, settings: QuicSettings) -> Self {
        Self::start_at(disk, shards, settings, Place::free()).await
    }

    /// A daemon at the place of an earlier one.
    pub async fn start_at(
        disk: Arc<dyn Disk>,
        shards: usize,
        settings: QuicSettings,
        place: Place,
    ) -> Self {
        let node_settings =
            NodeSettings { shards, segment_bytes: 4 << 20, ..NodeSettings::default() };
        let travel = || Box::new(StraightLine::default()) as _;
        Self::start_node(&disk, (&node_settings, &travel), settings, place).await
    }

    /// A daemon whose node runs like this.
    pub async fn start_node(
        disk: &Arc<dyn Disk>,
        (node_settings, travel): (&NodeSettings, &TravelFactory),
        settings: QuicSettings,
        place: Place,
    ) -> Self {
        let mut commands = 0;
        let node = Node::start(node_settings, disk, Clock::real(), travel, &mut |_| {
            commands += 1;
        });
        let node = node.unwrap();
        if commands == 0 {
            let committed = node.commands().commit(documents(), vec![1]).await;
            assert!(committed.is_ok(), "{committed:?}: {:?}", node.fault().cause());
        }
        let (to_admission, statuses) = mpsc::channel(16);
        let names = Names {
            order_number: Box::new(|order| Some(format!("number {order}"))),
            depot: Box::new(|_| None),
        };
        let press = Arc::new(Press::new(node.feed(), Arc::new(names)));
        let services = QuicServices {
            access: Arc::new(access()),
            intake: node.intake(),
            press: Arc::clone(&press),
            views: node.views(),
            clock: node.clock(),
            statuses: Some(to_admission),
        };
        let Place { address, directory } = place;
        // The socket of an earlier daemon may take a moment to go.
        let endpoint = loop {
            let certificate = Certificate::keep(&directory, &[]).unwrap();
            let reset_key = ResetKey::keep(&directory).unwrap();
            match QuicEndpoint::bind(address, certificate, reset_key, settings.clone()) {
                Ok(endpoint) => break endpoint,
                Err(error) if address.port() == 0 => panic!("{error}"),
                Err(_) => tokio::task::yield_now().await,
            }
        };
        let address = endpoint.local_address().unwrap();
        let served = endpoint.clone();
        let serving = tokio::spawn(async move { served.serve(services).await });
        Self { node, endpoint, address, statuses, press, directory, serving }
    }

    /// Ends connections, then the node.
    pub async fn stop(self) {
        let place = self.leave().await;
        std::fs::remove_dir_all(&place.directory).unwrap();
    }

    /// The same, but the place is kept for the next one.
    pub async fn leave(self) -> Place {
        self.endpoint.close().await;
        self.serving.await.unwrap();
        drop((self.statuses, self.press, self.endpoint));
        self.node.stop().unwrap();
        Place { address: self.address, directory: self.directory }
    }
}

/// Tokens: `device-1` and so on, `gateway`, `subscriber`, `read`, and `gateway-2` of company 2.
fn access() -> Access {
    let access = Access::default();
    let mut next = 0;
    let mut allow = |token: &str, company, role, courier: Option<u32>| {
        next += 1;
        let (company, courier) = (CompanyId(company), courier.map(CourierId));
        access.allow(
            TokenHash::of(token),
            Grant { company, role, courier, depot: None, token: TokenId(next) },
        );
    };
    for courier in 1..=COURIERS {
        allow(&format!("device-{courier}"), 1, Role::Device, Some(courier));
    }
    allow("gateway", 1, Role::Gateway, None);
    allow("subscriber", 1, Role::Subscriber, None);
    allow("read", 1, Role::Read, None);
    allow("gateway-2", 2, Role::Gateway, None);
    allow("subscriber-2", 2, Role::Subscriber, None);
    access
}

fn documents() -> Vec<(PartitionId, Command)> {
    let mut parts = Vec::new();
    let mut put = |company: u32, courier: u32| {
        let (company, courier) = (CompanyId(company), CourierId(courier));
        let plan = CourierPlan { id: courier, company, allowed_courier_position_sources: None };
        let partition = partition_of(company, courier);
        parts.push((partition, Command::PutCourier(plan)));
        parts.push((partition, Command::PutRoute(route(courier))));
    };
    (1..=COURIERS).for_each(|courier| put(1, courier));
    put(2, FOREIGN_COURIER);
    parts
}

fn route(courier: CourierId) -> RoutePlan {
    let order = |nth: u32| {
        RouteNode::Order(OrderPlan {
            id: OrderId(u64::from(courier.0) * 10 + u64::from(nth)),
            point: Some(place(courier.0, nth)),
            mark_delivered_radius: Radius::from_metres(100.0),
            service_duration_s: 60,
            shared_service_duration_s: 0,
            window: None,
            eta_type: None,
            status: OrderStatus::New,
            created: true,
        })
    };
    RoutePlan {
        id: RouteId(u64::from(courier.0)),
        courier,
        routing_mode: RoutingMode::Driving,
        route_start: Some(Clock::real().now() - 4 * HOUR_MS),
        route_finish: None,
        depot: None,
        nodes: vec![order(1), order(2)],
    }
}

/// Where the nth order of a courier is: a kilometre or so from its other.
pub fn place(courier: u32, nth: u32) -> Point {
    let (lat, lon) = PLACE;
    let north = courier as i32 * 10_000 + nth as i32 * 100_000;
    Point::from_e7(lat + north, lon).unwrap()
}
