//! One input at work on one route: what it tells, and under which time and freshness.

use super::chain::StraightLineParameters;
use super::route::Route;
use super::stay::{Fix, Stay};
use super::told::{Told, ToldBody};
use crate::domain::event::{EndReason, EventKind, OrderEvent, StayPoint};
use crate::domain::ids::{CourierId, OrderId, RouteId};
use crate::domain::policy::{ArrivalScope, Policy};
use crate::domain::time::Time;

pub(super) struct Scene<'a> {
    pub courier: CourierId,
    pub policy: &'a Policy,
    pub travel: &'a StraightLineParameters,
    pub received_at: Time,
    /// Device time of the position at work, receive time of a command.
    pub t: Time,
    /// The position at work is not fresh.
    pub backfilled: bool,
    /// An ARRIVAL told now counts as fresh.
    pub arrivals_are_fresh: bool,
    /// The head before the input.
    pub head_before: Vec<OrderId>,
    /// The head as last looked at.
    pub head_now: Vec<OrderId>,
    /// The ETA chain begins elsewhere than before.
    pub chain_changed: bool,
    pub out: &'a mut Vec<Told>,
}

impl<'a> Scene<'a> {
    pub fn new(
        courier: CourierId,
        policy: &'a Policy,
        travel: &'a StraightLineParameters,
        received_at: Time,
        out: &'a mut Vec<Told>,
    ) -> Self {
        Self {
            courier,
            policy,
            travel,
            received_at,
            t: received_at,
            backfilled: false,
            arrivals_are_fresh: false,
            head_before: Vec::new(),
            head_now: Vec::new(),
            chain_changed: false,
            out,
        }
    }

    /// Call before anything of the route changes.
    pub fn enter(&mut self, route: &Route) {
        self.head_before = route.head_ids(self.policy);
        self.head_now.clone_from(&self.head_before);
    }

    pub fn tell(&mut self, backfilled: bool, body: ToldBody) {
        self.out.push(Told { courier: self.courier, backfilled, body });
    }

    pub fn tell_event(&mut self, route: RouteId, order: OrderId, t: Time, kind: EventKind) {
        let event = OrderEvent { order, route, t, kind };
        self.tell(self.backfilled, ToldBody::Event(event));
    }

    pub fn drop_fix(&mut self, route: Option<RouteId>, fix: &Fix, reason: &'static str) {
        self.tell(!fix.is_fresh(), ToldBody::Dropped { route, t: fix.t, reason });
    }

    /// START for all orders, then the head becomes next.
    pub fn start(&mut self, route: &mut Route) {
        if route.has_started {
            return;
        }
        route.has_started = true;
        route.loading.stay = None;
        self.chain_changed = true;
        self.tell_starts(route);
        for order in route.head_ids(self.policy) {
            self.tell_event(route.id, order, self.t, EventKind::OrderBecameNext);
        }
    }

    /// START of the orders that have not been told theirs.
    pub fn tell_starts(&mut self, route: &mut Route) {
        let (id, t, policy) = (route.id, self.t, self.policy);
        for order in route.orders_mut().filter(|order| !order.start_told) {
            order.start_told = true;
            order.shift_start_due = order.is_open(policy);
            let (backfilled, order) = (self.backfilled, order.plan.id);
            let event = OrderEvent { order, route: id, t, kind: EventKind::Start };
            let body = ToldBody::Event(event);
            self.out.push(Told { courier: self.courier, backfilled, body });
        }
    }

    /// After orders closed, opened or moved: the new head's ORDER_BECAME_NEXT and ARRIVALs.
    pub fn refresh_head(&mut self, route: &mut Route) {
        let head = route.head_ids(self.policy);
        for &order in &head {
            let was_head = self.head_now.contains(&order) || self.head_before.contains(&order);
            if route.has_started && !was_head {
                self.tell_event(route.id, order, self.t, EventKind::OrderBecameNext);
                self.head_before.push(order);
            }
        }
        self.head_now = head;
        for index in 0..route.nodes.len() {
            let Some(order) = route.order(index) else { continue };
            let untold = order.stay.as_ref().is_some_and(|stay| stay.number.is_none());
            if untold && self.is_told_at_once(order.plan.id) {
                self.tell_arrival(route, index);
            }
        }
    }

    /// Whether a stay of that order is told without waiting for its dwell.
    pub fn is_told_at_once(&self, order: OrderId) -> bool {
        match self.policy.arrival_scope {
            ArrivalScope::Any => true,
            ArrivalScope::Head => self.head_now.contains(&order),
        }
    }

    pub fn tell_arrival(&mut self, route: &mut Route, index: usize) {
        self.force_nearby(route, index);
        let Some(order) = route.order_mut(index) else { return };
        let Some(stay) = order.stay.as_mut() else { return };
        order.told_stays += 1;
        stay.number = Some(order.told_stays);
        let at = stay_point(stay, &stay.entered, stay.entry_estimate);
        let (id, t) = (order.plan.id, stay.entered.t);
        let event = OrderEvent { order: id, route: route.id, t, kind: EventKind::Arrival(at) };
        self.tell(self.backfilled, ToldBody::Event(event));
    }

    /// Ends a stay otherwise than by leaving.
    pub fn end_stay(&mut self, route: &mut Route, index: usize, reason: EndReason) {
        let id = route.id;
        let Some(order) = route.order_mut(index) else { return };
        let Some(stay) = order.stay.take() else { return };
        let (last, visited, order) = (stay.last_inside, order.visited, order.plan.id);
        self.tell_departure(&stay, (id, order), (last, last.t), visited, reason);
    }

    pub fn tell_departure(
        &mut self,
        stay: &Stay,
        (route, order): (RouteId, OrderId),
        (at, estimate): (Fix, Time),
        visited: bool,
        reason: EndReason,
    ) {
        if stay.number.is_some() {
            let point = stay_point(stay, &at, estimate);
            let kind = EventKind::Departure { at: point, visited, reason };
            self.tell_event(route, order, at.t, kind);
        }
    }
}

pub(super) fn stay_point(stay: &Stay, at: &Fix, estimated_time: Time) -> StayPoint {
    StayPoint {
        stay: stay.number.unwrap_or(0),
        point: at.point,
        device_time: at.t,
        estimated_time,
        used_mark_delivered_radius: stay.radius,
        inferred: false,
        interpolated: stay.is_interpolated,
    }
}
