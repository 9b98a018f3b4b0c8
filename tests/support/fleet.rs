//! A small company on the road: couriers who walk from order to order, as commands and deliveries.

use doorstep::domain::command::Command;
use doorstep::domain::courier::CourierPlan;
use doorstep::domain::ids::{CompanyId, CourierId, OrderId, PartitionId, RouteId};
use doorstep::domain::order::{OrderPlan, OrderStatus};
use doorstep::domain::policy::{Policy, Radius};
use doorstep::domain::position::Position;
use doorstep::domain::route::{Node, RoutePlan, RoutingMode};
use doorstep::domain::time::Time;
use doorstep::runtime::intake::SentFix;
use doorstep::runtime::partition::partition_of;

use super::world::{moved, origin};

/// The company.
pub const COMPANY: CompanyId = CompanyId(7);

/// The partition of a courier of the company.
pub fn home(courier: CourierId) -> PartitionId {
    partition_of(COMPANY, courier)
}

/// A courier with a route of some orders, 120 m apart: as parts of a command.
pub fn planned(courier: CourierId, orders: u64) -> Vec<(PartitionId, Command)> {
    let partition = home(courier);
    let policy = Policy {
        mark_delivered_enabled: true,
        mark_delivered_radius: Radius::from_mm(40_000).expect("within the limits"),
        ..Policy::default()
    };
    let plan =
        CourierPlan { id: courier, company: COMPANY, allowed_courier_position_sources: None };
    vec![
        (partition, Command::PutPolicy { company: COMPANY, policy }),
        (partition, Command::PutCourier(plan)),
        (partition, Command::PutRoute(route(courier, orders))),
    ]
}

/// The courier's route.
pub fn route(courier: CourierId, orders: u64) -> RoutePlan {
    let first = u64::from(courier.0) * 1_000;
    RoutePlan {
        id: RouteId(u64::from(courier.0) + 1),
        courier,
        routing_mode: RoutingMode::Driving,
        route_start: None,
        route_finish: None,
        depot: None,
        nodes: (0..orders).map(|at| Node::Order(order(OrderId(first + at), at))).collect(),
    }
}

fn order(id: OrderId, at: u64) -> OrderPlan {
    OrderPlan {
        id,
        point: Some(moved(origin(), 120.0 * (at + 1) as f64, 0.0)),
        mark_delivered_radius: None,
        service_duration_s: 10,
        shared_service_duration_s: 0,
        window: None,
        eta_type: None,
        status: OrderStatus::New,
        created: true,
    }
}

/// Where a courier is after so many ticks of 5 s: 20 m each, to and fro.
pub fn fix(courier: CourierId, tick: u64, t: Time, seq: u64) -> SentFix {
    let north_m = f64::from(courier.0 % 5);
    let point = moved(origin(), 20.0 * tick as f64, north_m);
    SentFix { seq, courier, company: COMPANY, route: None, position: Position::bare(t, point) }
}
