//! How a route advances: START, the head stop, and what a visit out of sequence skips
//! (behaviour 5).

use super::fix::Fix;
use super::order::{Mark, ShiftStart};
use super::output::OutputBody;
use super::route::StopRange;
use super::step::RouteStep;
use crate::domain::eta::EtaCause;
use crate::domain::event::EventKind;
use crate::domain::geo::distance_m;
use crate::domain::policy::ArrivalScope;
use crate::domain::time::{HOUR_MS, Time};

impl RouteStep<'_, '_> {
    /// Starts the route if the courier left the depot, or moved.
    pub fn begin_by_movement(&mut self, fix: &Fix) {
        let t = fix.seen.t;
        let is_time = t >= self.start_at();
        let orders = self.route.orders.len();
        let has_begun = if let Some(depot) = self.route.fenced_depot_mut() {
            let was_left = depot.is_left();
            if !self.is_frozen {
                depot.step(fix, orders, self.policy);
            }
            let is_left = depot.is_left();
            if is_left != was_left {
                self.line.eta.slack_ms = 0;
            }
            is_time && is_left
        } else if is_time {
            let first = *self.route.first_position.get_or_insert(fix.seen.point);
            distance_m(first, fix.seen.point) > MOVED_M
        } else {
            false
        };
        if has_begun {
            self.start(t);
        }
    }

    /// From when on the route may start.
    fn start_at(&self) -> Time {
        let by_window = || self.route.first_window_start().map(|start| start - WINDOW_LEAD_MS);
        self.route.route_start.or_else(by_window).unwrap_or(Time::DISTANT_PAST)
    }

    /// START of all orders, and ORDER_BECAME_NEXT of the head.
    pub fn start(&mut self, t: Time) {
        self.line.is_started = true;
        self.changed = Some(EtaCause::Visit);
        self.must_evaluate = true;
        for at in 0..self.route.orders.len() {
            self.start_order(at, t);
        }
        for order in self.route.orders.iter().filter(|order| order.is(Mark::Next)) {
            self.emit.event(self.route.id, order.id, t, EventKind::OrderBecameNext);
        }
    }

    /// START of one order, once.
    pub fn start_order(&mut self, at: usize, t: Time) {
        let order = &mut self.route.orders[at];
        if !order.is_started() {
            let is_open = order.is_open(self.policy);
            order.set_shift_start(if is_open { ShiftStart::Due } else { ShiftStart::Never });
            self.emit.event(self.route.id, order.id, t, EventKind::Start);
        }
    }

    /// The head stop: the first one with an open order that has a point.
    pub fn head(&self) -> Option<StopRange> {
        debug_assert!(self.is_swept(), "what is behind the courier needs no look");
        self.route.stop_from(self.route.swept_at, |at| self.route.orders[at].is_ahead(self.policy))
    }

    fn is_swept(&self) -> bool {
        self.route.orders.iter().take(self.route.swept_at).all(|order| order.is_behind(self.policy))
    }

    /// Finds the head stop anew: ORDER_BECAME_NEXT of the orders that entered it, then ARRIVAL of
    /// those where the courier already is.
    pub fn refresh_head(&mut self, t: Time) {
        let head = self.head();
        self.route.head_at = head.map_or(self.route.orders.len(), |head| head.first);
        let next_end = head.map_or(0, |head| head.last + 1);
        let end = next_end.max(self.route.next_end).min(self.route.orders.len());
        let refreshed_to = self.refreshed_to;
        self.refreshed_to = end.max(refreshed_to);
        self.route.next_end = next_end;
        let mut entered = 0;
        for at in self.route.swept_at..end {
            let order = &mut self.route.orders[at];
            if at >= refreshed_to {
                order.mark(Mark::WasNext, order.is(Mark::Next));
            }
            let is_next = order.is_ahead(self.policy) && head.is_some_and(|head| head.holds(at));
            let has_entered = is_next && !order.is(Mark::Next);
            order.mark(Mark::Next, is_next);
            entered += usize::from(has_entered);
            if has_entered && !order.is(Mark::WasNext) && self.line.is_started {
                order.mark(Mark::WasNext, true);
                self.emit.event(self.route.id, order.id, t, EventKind::OrderBecameNext);
            }
        }
        match self.policy.arrival_scope {
            ArrivalScope::Any => self.tell_silent_stays(),
            ArrivalScope::Head => {
                if let Some(head) = head.filter(|_| entered > 0) {
                    self.tell_head_arrivals(head);
                }
            }
        }
    }

    /// Stays that ran silently until settings came that tell every stay.
    fn tell_silent_stays(&mut self) {
        let mut slot = self.line.first_stay;
        while slot.is_some() {
            let stay = self.stays.stay(slot);
            let next = stay.next;
            if stay.told.is_none() {
                self.tell_arrival(slot);
            }
            slot = next;
        }
    }

    fn tell_head_arrivals(&mut self, head: StopRange) {
        for at in head.first..=head.last {
            let order = &self.route.orders[at];
            let is_silent = self.stays.of(order.stay).is_some_and(|stay| stay.told.is_none());
            if order.is(Mark::Next) && is_silent {
                self.tell_arrival(order.stay);
            }
        }
    }

    /// Marks the open orders of earlier stops than that of the order just visited as skipped.
    pub fn mark_skipped(&mut self, visited: usize) {
        let orders = &self.route.orders;
        let from = self.route.swept_at.min(visited);
        let stop = self
            .route
            .stop_of(from, visited, |at| at == visited || orders[at].is_ahead(self.policy))
            .map_or(visited, |stop| stop.first);
        let mut is_violated = false;
        for order in &mut self.route.orders[from..stop] {
            if order.is_ahead(self.policy) {
                order.mark(Mark::Skipped, true);
                is_violated = true;
            }
        }
        if is_violated && !self.route.is_violated {
            self.route.is_violated = true;
            self.emit.tell(OutputBody::RouteViolated { route: self.route.id, t: self.now });
        }
    }
}

/// A route without `route_start` may start so long before its earliest window.
pub const WINDOW_LEAD_MS: i64 = 5 * HOUR_MS;
/// A courier who is farther than this from where they were has set out.
const MOVED_M: f64 = 100.0;
