//! What a courier has ahead, for its own device: which stops are next, and when.

use super::Engine;
use super::order::Order;
use crate::domain::geo::Point;
use crate::domain::ids::{CourierId, OrderId, RouteId};
use crate::domain::time::Time;

/// A route of a courier, and what comes next on it.
#[derive(Clone, Debug, PartialEq)]
pub struct UpcomingRoute {
    /// The route.
    pub route: RouteId,
    /// Its first open orders that have a point, in sequence.
    pub next: Vec<UpcomingOrder>,
}

/// An order that a courier has ahead.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UpcomingOrder {
    /// The order.
    pub order: OrderId,
    /// Where.
    pub point: Point,
    /// The radius in force, metres; 0: no fence.
    pub radius_m: f64,
    /// The ETA told last; `None`: the sequence is broken or nothing is known.
    pub eta: Option<Time>,
}

impl Engine {
    /// The routes of a courier of which tracking is not over and that have something ahead, by id,
    /// each with at most `orders_max` orders.
    #[must_use]
    pub fn upcoming(&self, courier: CourierId, orders_max: usize) -> Vec<UpcomingRoute> {
        let Some(slot) = self.couriers.slot(courier) else { return Vec::new() };
        let courier = self.couriers.line(slot);
        let policy = self.policies.policy(courier.policy);
        let mut ahead = Vec::new();
        let mut at = courier.first_route;
        while at.is_some() {
            let (line, route) = (self.routes.line(at), self.routes.route(at));
            at = line.next;
            if line.is_over {
                continue;
            }
            let upcoming = |order: &Order| {
                Some(UpcomingOrder {
                    order: order.id,
                    point: order.point()?,
                    radius_m: route.radius(order, policy).metres(),
                    eta: (order.told_eta != Order::NO_ETA).then_some(order.told_eta),
                })
            };
            let open = route.orders.iter().filter(|order| order.is_ahead(policy));
            let next: Vec<_> = open.filter_map(upcoming).take(orders_max).collect();
            if !next.is_empty() {
                ahead.push(UpcomingRoute { route: route.id, next });
            }
        }
        ahead
    }
}
