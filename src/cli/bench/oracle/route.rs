//! What the oracle remembers of a route and its orders, and what can be read off that alone:
//! which orders are open, which form a stop, which stop is the head, how long tracking lasts.

use std::collections::BTreeMap;

use super::stand::Stand;
use super::stay::{Fix, Stay};
use crate::domain::depot::DepotPlan;
use crate::domain::eta::Eta;
use crate::domain::ids::{OrderId, RouteId};
use crate::domain::order::{EtaType, OrderPlan, OrderStatus};
use crate::domain::policy::{Policy, Radius};
use crate::domain::route::RoutingMode;
use crate::domain::time::{DAY_MS, HOUR_MS, Time};

#[derive(Clone, Debug)]
pub(super) struct Route {
    pub id: RouteId,
    pub mode: RoutingMode,
    pub start: Option<Time>,
    pub finish: Option<Time>,
    pub depot: Option<DepotPlan>,
    pub nodes: Vec<Place>,
    /// Receive time of the input that stored it first.
    pub stored_at: Time,
    /// Device time of the last accepted position, coarse ones included.
    pub last_t: Option<Time>,
    /// The last accepted position that was not coarse.
    pub last_fix: Option<Fix>,
    /// Since when the receiver may have been frozen at the last position.
    pub run_from: Option<Time>,
    pub stand: Option<Stand>,
    pub held: Option<Fix>,
    pub first_moved: Option<Time>,
    pub has_ended: bool,
    pub has_started: bool,
    /// From where a movement of 100 m is the start.
    pub first_fix: Option<Fix>,
    pub loading: Loading,
    pub is_violated: bool,
    pub last_visited: Option<OrderId>,
    /// Orders that left the route, as they were.
    pub gone: BTreeMap<OrderId, Order>,
    /// The last regular evaluation of the ETA.
    pub regular_at: Option<Time>,
    /// Whether the last told ETA was marked stale.
    pub told_stale: bool,
}

#[derive(Clone, Debug)]
pub(super) enum Place {
    Order(Box<Order>),
    Depot(DepotPlan),
    Garage,
}

/// The stay at the starting depot, until START.
#[derive(Clone, Debug, Default)]
pub(super) struct Loading {
    pub stay: Option<Stay>,
    pub visited: bool,
    pub left: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Order {
    pub plan: OrderPlan,
    pub status: OrderStatus,
    pub visited: bool,
    pub skipped: bool,
    pub start_told: bool,
    pub told_stays: u16,
    pub stay: Option<Box<Stay>>,
    /// As of the last evaluation.
    pub eta: Option<Eta>,
    /// As subscribers know it.
    pub told_eta: Option<Eta>,
    pub near: Near,
    /// A `shift_start` is owed.
    pub shift_start_due: bool,
}

/// The latches of `nearby`.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Near {
    pub primed: [bool; 4],
    pub latched: [bool; 4],
    pub distance: bool,
    pub raised: bool,
}

impl Order {
    pub fn new(plan: OrderPlan) -> Self {
        Self {
            status: plan.status,
            plan,
            visited: false,
            skipped: false,
            start_told: false,
            told_stays: 0,
            stay: None,
            eta: None,
            told_eta: None,
            near: Near::default(),
            shift_start_due: false,
        }
    }

    /// As the route remembers it when it leaves.
    pub fn leaving(mut self) -> Self {
        self.skipped = false;
        self.eta = None;
        self.told_eta = None;
        self.near.primed = [false; 4];
        self
    }

    pub fn is_open(&self, policy: &Policy) -> bool {
        let by_status = matches!(
            self.status,
            OrderStatus::New | OrderStatus::Confirmed | OrderStatus::Postponed
        );
        by_status && (policy.delivery_by_order_statuses || !self.visited)
    }

    /// In a stay that began before the order was visited.
    pub fn is_in_first_stay(&self) -> bool {
        self.stay.as_ref().is_some_and(|stay| !stay.is_further)
    }

    /// The window's start, if the dwell and the service wait for it.
    pub fn waits_until(&self, policy: &Policy) -> Option<Time> {
        let eta_type = self.plan.eta_type.unwrap_or(policy.eta_type);
        match eta_type {
            EtaType::DeliveryTime => self.plan.window.map(|window| window.start),
            EtaType::ArrivalTime => None,
        }
    }

    pub fn required_ms(&self, policy: &Policy) -> i64 {
        let seconds = f64::from(self.plan.service_duration_s)
            + f64::from(self.plan.shared_service_duration_s);
        libm::round(policy.mark_delivered_service_time_coefficient * (seconds * 1e3)) as i64
    }
}

impl Route {
    pub fn orders(&self) -> impl Iterator<Item = &Order> {
        self.nodes.iter().filter_map(|place| match place {
            Place::Order(order) => Some(&**order),
            Place::Depot(_) | Place::Garage => None,
        })
    }

    pub fn orders_mut(&mut self) -> impl Iterator<Item = &mut Order> {
        self.nodes.iter_mut().filter_map(|place| match place {
            Place::Order(order) => Some(&mut **order),
            Place::Depot(_) | Place::Garage => None,
        })
    }

    /// The order at a place of the sequence.
    pub fn order(&self, index: usize) -> Option<&Order> {
        match &self.nodes[index] {
            Place::Order(order) => Some(order),
            Place::Depot(_) | Place::Garage => None,
        }
    }

    pub fn order_mut(&mut self, index: usize) -> Option<&mut Order> {
        match &mut self.nodes[index] {
            Place::Order(order) => Some(order),
            Place::Depot(_) | Place::Garage => None,
        }
    }

    pub fn find(&self, id: OrderId) -> Option<usize> {
        (0..self.nodes.len()).find(|&index| self.order(index).is_some_and(|o| o.plan.id == id))
    }

    /// The orders for which `counts` holds, as stops: runs within 10 units of their first.
    /// Depots and garages hold no head, so a run reaches across them.
    pub fn stops(&self, counts: impl Fn(usize, &Order) -> bool) -> Vec<Vec<usize>> {
        let mut stops: Vec<Vec<usize>> = Vec::new();
        let mut first = None;
        for index in 0..self.nodes.len() {
            let Some(order) = self.order(index) else { continue };
            let Some(point) = order.plan.point.filter(|_| counts(index, order)) else { continue };
            match (first, stops.last_mut()) {
                (Some(place), Some(stop)) if point.is_same_place(place) => stop.push(index),
                _ => {
                    first = Some(point);
                    stops.push(vec![index]);
                }
            }
        }
        stops
    }

    /// The head stop: the first stop with an open order that has a point.
    pub fn head(&self, policy: &Policy) -> Vec<usize> {
        self.stops(|_, order| order.is_open(policy)).into_iter().next().unwrap_or_default()
    }

    pub fn head_ids(&self, policy: &Policy) -> Vec<OrderId> {
        self.head(policy).into_iter().filter_map(|i| self.order(i)).map(|o| o.plan.id).collect()
    }

    /// The radius that a stay which begins now takes.
    pub fn radius(&self, order: &Order, policy: &Policy) -> Radius {
        let of_depot = self.depot.and_then(|depot| depot.mark_delivered_radius);
        order.plan.mark_delivered_radius.or(of_depot).unwrap_or(policy.mark_delivered_radius)
    }

    /// The depot in whose fence the route starts.
    pub fn starting_depot(&self) -> Option<(DepotPlan, Radius)> {
        let Some(Place::Depot(depot)) = self.nodes.first() else { return None };
        let radius = depot.mark_route_started_radius.filter(|radius| *radius != Radius::OFF)?;
        Some((*depot, radius))
    }

    fn earliest_window(&self) -> Option<Time> {
        self.orders().filter_map(|order| order.plan.window).map(|window| window.start).min()
    }

    /// The instant before which the route does not start.
    pub fn start_instant(&self) -> Option<Time> {
        self.start.or_else(|| self.earliest_window().map(|start| start - 5 * HOUR_MS))
    }

    pub fn tracking_begins(&self, policy: &Policy) -> Time {
        match (self.start, self.earliest_window()) {
            (Some(start), _) => start - policy.tracking_start_ms,
            (None, Some(window)) => window - 5 * HOUR_MS,
            (None, None) => self.stored_at,
        }
    }

    /// The end of tracking as things stand; `None`: not known before the first position.
    pub fn tracking_ends(&self, policy: &Policy) -> Option<Time> {
        let last = self.orders().filter_map(|order| order.plan.window).map(|w| w.end).max();
        let Some(planned) = self.finish.or(last) else {
            return self.first_moved.map(|t| t + DAY_MS);
        };
        let busy = self.orders().any(|order| order.is_open(policy) || order.stay.is_some());
        Some(if busy { planned + DAY_MS } else { planned })
    }

    /// While an order passed over by a visit is open, nothing can be said about the rest.
    pub fn is_broken(&self, policy: &Policy) -> bool {
        !policy.resequence && self.orders().any(|order| order.skipped && order.is_open(policy))
    }
}
