//! What the engine knows of an order, a route and a courier at this moment, for readers.

use super::Engine;
use super::order::{Mark, Order};
use super::route::{Route, RouteSlot};
use super::route_line::RouteLine;
use crate::domain::geo::Point;
use crate::domain::ids::{CourierId, OrderId, RouteId};
use crate::domain::order::OrderStatus;
use crate::domain::policy::Policy;
use crate::domain::time::Time;

/// Where a courier was last known to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastPosition {
    /// Device time.
    pub t: Time,
    /// Place.
    pub point: Point,
}

/// An order on its route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderState {
    /// The order.
    pub order: OrderId,
    /// Its status.
    pub status: OrderStatus,
    /// The ETA told last; `None`: the sequence is broken or nothing is known.
    pub eta: Option<Time>,
    /// The last evaluation said that the courier has been silent for more than 300 s.
    pub is_stale: bool,
    /// The courier is inside its fence.
    pub has_open_stay: bool,
    /// Number of told stays.
    pub stays_told: u16,
    /// ORDER_VISIT has been told.
    pub is_visited: bool,
    /// START has been told for it.
    pub is_started: bool,
    /// In the head stop now.
    pub is_next: bool,
    /// Neither visited nor finished.
    pub is_open: bool,
    /// How many open orders come before it; `None`: it is not open, or has no point.
    pub queue_position: Option<u32>,
    /// `courier_violated_route`.
    pub is_route_violated: bool,
    /// Where the courier was last.
    pub courier_position: Option<LastPosition>,
}

/// A route with its orders in sequence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteState {
    /// The route.
    pub route: RouteId,
    /// START has been told.
    pub is_started: bool,
    /// Tracking has ended.
    pub is_over: bool,
    /// `courier_violated_route`.
    pub is_violated: bool,
    /// Where the courier was last.
    pub courier_position: Option<LastPosition>,
    /// The orders.
    pub orders: Vec<OrderState>,
}

impl Engine {
    /// An order on a courier's route.
    #[must_use]
    pub fn order_state(
        &self,
        courier: CourierId,
        route: RouteId,
        order: OrderId,
    ) -> Option<OrderState> {
        let on = self.on_route(courier, route)?;
        let at = on.route.orders.iter().position(|known| known.id == order)?;
        let ahead = on.route.orders[..at].iter().filter(|order| order.is_ahead(on.policy));
        let ahead = ahead.count() as u32;
        Some(on.order(&on.route.orders[at], ahead))
    }

    /// A courier's route.
    #[must_use]
    pub fn route_state(&self, courier: CourierId, route: RouteId) -> Option<RouteState> {
        let on = self.on_route(courier, route)?;
        let mut ahead = 0;
        let mut orders = Vec::with_capacity(on.route.orders.len());
        for order in &on.route.orders {
            orders.push(on.order(order, ahead));
            ahead += u32::from(order.is_ahead(on.policy));
        }
        Some(RouteState {
            route,
            is_started: on.line.is_started,
            is_over: on.line.is_over,
            is_violated: on.route.is_violated,
            courier_position: on.courier_position,
            orders,
        })
    }

    /// Where a courier was last known to be.
    #[must_use]
    pub fn last_position(&self, courier: CourierId) -> Option<LastPosition> {
        let seen = self.couriers.line(self.couriers.slot(courier)?).located?;
        Some(LastPosition { t: seen.t, point: seen.point })
    }

    fn on_route(&self, courier: CourierId, route: RouteId) -> Option<OnRoute<'_>> {
        let slot = self.couriers.slot(courier)?;
        let at: RouteSlot = self.route_of(slot, route)?;
        Some(OnRoute {
            line: self.routes.line(at),
            route: self.routes.route(at),
            policy: self.policies.policy(self.couriers.line(slot).policy),
            courier_position: self.last_position(courier),
        })
    }
}

/// A route with what is needed to read it.
struct OnRoute<'a> {
    line: &'a RouteLine,
    route: &'a Route,
    policy: &'a Policy,
    courier_position: Option<LastPosition>,
}

impl OnRoute<'_> {
    fn order(&self, order: &Order, ahead: u32) -> OrderState {
        OrderState {
            order: order.id,
            status: order.status,
            eta: (order.told_eta != Order::NO_ETA).then_some(order.told_eta),
            is_stale: self.line.eta.is_stale,
            has_open_stay: order.stay.is_some(),
            stays_told: order.stays_told,
            is_visited: order.is(Mark::Visited),
            is_started: order.is_started(),
            is_next: order.is(Mark::Next),
            is_open: order.is_open(self.policy),
            queue_position: order.is_ahead(self.policy).then_some(ahead),
            is_route_violated: self.route.is_violated,
            courier_position: self.courier_position,
        }
    }
}
