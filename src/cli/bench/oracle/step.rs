//! Section 5.6: one accepted position at work on one route.

use super::distance::metres;
use super::route::{Order, Place, Route};
use super::scene::{Scene, stay_point};
use super::stand::Stand;
use super::stay::{Evidence, Fix, Moved, Stay, close_metres, evidence};
use super::told::ToldBody;
use crate::domain::eta::EtaCause;
use crate::domain::event::{EndReason, EventKind, StayPoint};
use crate::domain::geo::Point;
use crate::domain::order::{Initiator, OrderStatus};
use crate::domain::policy::{ArrivalScope, OverlapPolicy, Policy, Radius};
use crate::domain::time::Time;

impl Scene<'_> {
    pub fn step(&mut self, route: &mut Route, mut fix: Fix) {
        if route.has_ended {
            return;
        }
        self.t = fix.t;
        self.backfilled = !fix.is_fresh();
        self.arrivals_are_fresh = fix.is_fresh();
        self.chain_changed = false;
        let before = route.last_fix;
        if route.tracking_ends(self.policy).is_some_and(|end| fix.t > end) {
            route.last_t = route.last_t.max(Some(fix.t));
            self.end_tracking(route);
            return;
        }
        fix.is_frozen = is_frozen(route, &fix);
        route.first_moved.get_or_insert(fix.t);
        route.last_t = route.last_t.max(Some(fix.t));
        route.last_fix = Some(fix);
        route.stand = Stand::after(route.stand, before, &fix);
        self.step_start(route, before, &fix);
        self.step_orders(route, before, &fix);
        let regular = route.regular_at.is_none_or(|last| fix.t - last >= 10_000);
        if regular {
            route.regular_at = Some(fix.t);
        }
        if regular || self.chain_changed {
            let cause = if self.chain_changed { EtaCause::Visit } else { EtaCause::Fix };
            self.evaluate(route, cause);
        }
        if fix.is_fresh() {
            self.raise_shift_starts(route);
            self.raise_nearby(route, &fix, regular);
        }
    }

    fn step_orders(&mut self, route: &mut Route, before: Option<Fix>, fix: &Fix) {
        let mut present = Vec::new();
        for index in 0..route.nodes.len() {
            let Some(presence) = self.step_order(route, index, before, fix) else { continue };
            match self.policy.overlap_policy {
                OverlapPolicy::Parallel => self.test_visit(route, index, fix),
                OverlapPolicy::Nearest => present.push((index, presence)),
            }
        }
        self.share_dwell(route, &present, fix);
    }

    pub fn end_tracking(&mut self, route: &mut Route) {
        route.has_ended = true;
        for index in 0..route.nodes.len() {
            self.end_stay(route, index, EndReason::TrackingOver);
        }
        self.withdraw_etas(route);
    }

    fn step_start(&mut self, route: &mut Route, before: Option<Fix>, fix: &Fix) {
        if route.has_started {
            return;
        }
        let instant = route.start_instant();
        let is_time = instant.is_none_or(|instant| fix.t >= instant);
        let starts = match route.starting_depot() {
            Some((depot, radius)) => {
                self.step_depot(route, depot.point, radius, before, fix);
                is_time && route.loading.left
            }
            None => self.step_first_fix(route, fix, is_time),
        };
        if starts {
            self.start(route);
        }
    }

    /// Whether the courier is more than 100 m from its first position at or after the instant.
    fn step_first_fix(&mut self, route: &mut Route, fix: &Fix, is_time: bool) -> bool {
        let instant = route.start_instant();
        route.first_fix =
            route.first_fix.filter(|first| instant.is_none_or(|instant| first.t >= instant));
        match route.first_fix {
            None if is_time => route.first_fix = Some(*fix),
            None => {}
            Some(first) => return is_time && metres(first.point, fix.point) > 100.0,
        }
        false
    }

    fn step_depot(
        &mut self,
        route: &mut Route,
        point: Point,
        radius: Radius,
        before: Option<Fix>,
        fix: &Fix,
    ) {
        let required_ms = required_at_depot(route);
        let loading = &mut route.loading;
        let Some(stay) = loading.stay.as_mut() else {
            if evidence(point, radius, fix) == Evidence::Inside {
                let stay = Stay::begin(point, radius, required_ms, before, *fix);
                loading.visited |= stay.is_met(fix.t, None);
                loading.left = false;
                loading.stay = Some(stay);
            }
            return;
        };
        match stay.step(point, before, fix, self.policy.max_gap_ms) {
            Moved::No => {}
            Moved::Inside(_) => loading.visited |= stay.is_met(fix.t, None),
            Moved::Left { .. } => {
                loading.stay = None;
                loading.left = loading.visited;
            }
        }
    }

    /// Exit, entry or drive-through; the presence is told if the position is inside.
    fn step_order(
        &mut self,
        route: &mut Route,
        index: usize,
        before: Option<Fix>,
        fix: &Fix,
    ) -> Option<Presence> {
        let stand = route.stand;
        let order = route.order_mut(index)?;
        let point = order.plan.point?;
        let Some(stay) = order.stay.as_mut() else {
            if self.try_entry(route, index, point, before, fix) {
                return Some(Presence::Entered);
            }
            self.try_drive_through(route, index, before, fix);
            return None;
        };
        match stay.step_at_order(point, (before, stand), fix, self.policy.max_gap_ms) {
            Moved::No => {}
            Moved::Inside(last) => return Some(Presence::Since(last)),
            Moved::Left { at, estimate, unseen_until } => {
                let visit = self.visit_late(route, index).or_else(|| {
                    let out = unseen_until?;
                    self.infer_visit(route, index, &out)
                        .or_else(|| self.interpolate_visit(route, index, &out, estimate))
                });
                let estimate = visit.map_or(estimate, |visit| visit.max(estimate));
                let order = route.order_mut(index)?;
                let stay = order.stay.take()?;
                let (id, visited) = (order.plan.id, order.visited);
                self.note_chain(route, index);
                let ids = (route.id, id);
                self.tell_departure(&stay, ids, (at, estimate), visited, EndReason::Left);
            }
        }
        None
    }

    /// Whether a stay began.
    fn try_entry(
        &mut self,
        route: &mut Route,
        index: usize,
        point: Point,
        before: Option<Fix>,
        fix: &Fix,
    ) -> bool {
        let Some(order) = route.order(index) else { return false };
        let scope = self.policy.arrival_scope;
        let further = order.visited && scope == ArrivalScope::Any;
        let radius = route.radius(order, self.policy);
        let may_begin = order.is_open(self.policy) || further;
        if !may_begin || radius == Radius::OFF || evidence(point, radius, fix) != Evidence::Inside {
            return false;
        }
        let required_ms = order.required_ms(self.policy);
        let mut stay = Stay::begin_at_order(point, radius, required_ms, before, *fix);
        stay.is_further = order.visited;
        let id = order.plan.id;
        if let Some(order) = route.order_mut(index) {
            order.stay = Some(Box::new(stay));
        }
        self.note_chain(route, index);
        if self.is_told_at_once(id) {
            self.tell_arrival(route, index);
        }
        true
    }

    /// A stay began or ended: if it is one the ETA chain hangs on, the chain changes.
    fn note_chain(&mut self, route: &Route, index: usize) {
        let Some(order) = route.order(index) else { return };
        self.chain_changed |= order.visited || self.head_now.contains(&order.plan.id);
    }

    fn test_visit(&mut self, route: &mut Route, index: usize, fix: &Fix) {
        let Some(order) = route.order(index) else { return };
        let Some(stay) = order.stay.as_ref() else { return };
        let waits_until = order.waits_until(self.policy);
        let is_sure = stay.required_ms == 0 || is_sure_inside(route, order, stay, self.policy);
        if is_sure && !order.visited && stay.is_met(fix.t, waits_until) && stay.is_presence() {
            let at = stay_point(stay, fix, stay.visit_estimate(waits_until));
            self.visit(route, index, fix.t, at);
        }
    }

    /// ORDER_VISIT and all that comes with it, at `t`.
    pub fn visit(&mut self, route: &mut Route, index: usize, t: Time, mut at: StayPoint) {
        let t_of_fix = std::mem::replace(&mut self.t, t);
        self.chain_changed = true;
        self.start(route);
        let is_untold = |stay: &Stay| stay.number.is_none();
        if route.order(index).and_then(|o| o.stay.as_deref()).is_some_and(is_untold) {
            self.tell_arrival(route, index);
        }
        let passed_over = self.passed_over(route, index);
        let (id, policy) = (route.id, self.policy);
        let Some(order) = route.order_mut(index) else { return };
        let Some(stay) = order.stay.as_deref() else { return };
        at.stay = stay.number.unwrap_or(0);
        let may_finish =
            policy.mark_delivered_enabled && !order.status.is_terminal() && !stay.status_set;
        order.visited = true;
        let order_id = order.plan.id;
        if may_finish {
            order.status = OrderStatus::Finished;
        }
        route.last_visited = Some(order_id);
        self.tell_event(id, order_id, t, EventKind::OrderVisit(at));
        if may_finish {
            let (status, initiator) = (OrderStatus::Finished, Initiator::Engine);
            let kind = EventKind::StatusUpdate { status, initiator };
            self.tell_event(id, order_id, t, kind);
        }
        self.skip(route, &passed_over);
        self.refresh_head(route);
        self.t = t_of_fix;
    }

    /// The open orders of earlier stops, which a visit of this open order violates.
    fn passed_over(&self, route: &Route, index: usize) -> Vec<usize> {
        let was_open = route.order(index).is_some_and(|order| order.is_open(self.policy));
        if !was_open || self.policy.delivery_by_order_statuses {
            return Vec::new();
        }
        let stops = route.stops(|_, order| order.is_open(self.policy));
        stops.into_iter().take_while(|stop| !stop.contains(&index)).flatten().collect()
    }

    fn skip(&mut self, route: &mut Route, passed_over: &[usize]) {
        for &index in passed_over {
            if let Some(order) = route.order_mut(index) {
                order.skipped = true;
            }
        }
        if !passed_over.is_empty() && !route.is_violated {
            route.is_violated = true;
            self.tell(self.backfilled, ToldBody::RouteViolated { route: route.id, t: self.t });
        }
    }
}

/// How a position proves presence at a fence.
pub(super) enum Presence {
    Entered,
    /// As did the one before, in the same stay.
    Since(Fix),
}

/// Whether the courier is well inside the fence of a stay at its last inside position, or just
/// inside 5 minutes after the dwell was met.
fn is_sure_inside(route: &Route, order: &Order, stay: &Stay, policy: &Policy) -> bool {
    let Some(point) = order.plan.point else { return false };
    let r = stay.radius.metres();
    let d = route
        .stand
        .map_or_else(|| metres(point, stay.last_inside.point), |stand| stand.metres_from(point));
    let five_minutes_ago = stay.last_inside.t - 300_000;
    let is_long = stay.is_met(five_minutes_ago, order.waits_until(policy));
    d <= close_metres(r) - (0.2 * r).min(10.0) || (is_long && d <= r)
}

/// Section 3.6, for a position that is not the last one yet; keeps the run.
fn is_frozen(route: &mut Route, fix: &Fix) -> bool {
    let repeats = route.last_fix.is_some_and(|last| last.point == fix.point);
    let moves = fix.speed_mps.is_some_and(|speed| speed > 1.0);
    match route.run_from.filter(|_| repeats && moves) {
        Some(from) => fix.t - from > 60_000,
        None => {
            route.run_from = Some(fix.t);
            false
        }
    }
}

/// Loading time: fixed, and for each order of the route.
fn required_at_depot(route: &Route) -> i64 {
    let Some(Place::Depot(depot)) = route.nodes.first() else { return 0 };
    let orders = route.orders().count() as i64;
    let per_order = i64::from(depot.order_service_duration_s);
    (i64::from(depot.service_duration_s) + orders * per_order) * 1_000
}
