//! The chain of a route: arrival, service and leaving, stop by stop along what remains
//! (behaviour 6).

use super::eta::Lead;
use super::fix::Seen;
use super::order::{Mark, Order};
use super::route::{Route, StopRange};
use super::stay::Stay;
use super::step::RouteStep;
use crate::domain::eta::Eta;
use crate::domain::geo::Point;
use crate::domain::time::{SECOND_MS, Time};

/// Where the chain has come to.
#[derive(Clone, Copy)]
struct Cursor {
    t: Time,
    place: Point,
    /// The single order that was served here last, so that its cached leg applies.
    order: Option<usize>,
}

/// How far a chain was computed.
#[derive(Clone, Copy, Debug)]
pub struct Computed {
    /// The ETAs of the orders before this place in the sequence are known.
    pub to: usize,
    /// Those of the others are not before this.
    pub then: Time,
}

impl Computed {
    /// All of a route's orders.
    pub fn all(route: &Route) -> Self {
        Self { to: route.orders.len(), then: Time::DISTANT_FUTURE }
    }
}

impl RouteStep<'_, '_> {
    /// Fills `etas` for every order ahead of a courier seen there, and the lead of the ETA line.
    /// ETAs never decrease from stop to stop, and those after `until` may be left out.
    pub fn compute_chain(&mut self, from: Seen, until: Time) -> Computed {
        let mut cursor = Cursor { t: from.t, place: from.point, order: None };
        let present = self.present_stop();
        if let Some(stop) = present {
            cursor = self.serve_present(stop, from.t);
        }
        // Depots before here are behind the courier.
        let here = if self.route.rare().nodes_between.is_empty() {
            None
        } else {
            let visited = self.route.orders.iter().rposition(|order| order.is(Mark::Visited));
            visited.max(present.map(|stop| stop.first))
        };
        let mut node = 0;
        let mut at = self.route.head_at;
        while let Some(stop) = self.route.stop_from(at, |at| self.is_ahead(at)) {
            at = stop.last + 1;
            let Some(stop) = self.beyond(stop, present) else { continue };
            while let Some(between) = self
                .route
                .rare()
                .nodes_between
                .get(node)
                .filter(|between| between.before <= stop.first)
            {
                node += 1;
                if let Some(plan) = between.depot
                    && here.is_none_or(|here| between.before > here)
                {
                    self.drive(&mut cursor, plan.point);
                    cursor.t = cursor.t + i64::from(plan.service_duration_s) * SECOND_MS;
                    cursor.order = None;
                }
            }
            self.serve(&mut cursor, stop, present);
            if node == self.route.rare().nodes_between.len()
                && cursor.order == Some(at - 1)
                && present.is_none_or(|present| present.last < at)
            {
                at = self.serve_singles(&mut cursor, at, until);
            }
            if cursor.t > until {
                let here = present.map_or(0, |present| present.last + 1);
                return Computed { to: at.max(here), then: cursor.t };
            }
        }
        Computed::all(self.route)
    }

    /// Serves stops of one order each that directly follow one another, from the place `at` on,
    /// where the order before was one: the long run of nearly every route. Where to go on.
    fn serve_singles(&mut self, cursor: &mut Cursor, mut at: usize, until: Time) -> usize {
        let orders = &self.route.orders[at..];
        let mut is_open = orders.first().is_some_and(|order| order.is_open(self.policy));
        for ((order, next), eta) in
            orders.iter().zip(orders.iter().skip(1)).zip(&mut self.etas[at..])
        {
            let is_next_open = next.is_open(self.policy);
            if !(is_open && is_next_open && order.is(Mark::Single)) || cursor.t > until {
                break;
            }
            let arrival = cursor.t + i64::from(order.leg_ms);
            let terms = self.route.terms.of(order);
            let begin = terms.service_start(self.policy, arrival);
            let completion = begin + terms.service_ms();
            *eta = Some(Eta { eta: begin, arrival, completion });
            *cursor = Cursor { t: completion, place: order.place, order: Some(at) };
            at += 1;
            is_open = is_next_open;
        }
        at
    }

    fn is_ahead(&self, at: usize) -> bool {
        self.route.orders[at].is_ahead(self.policy)
    }

    /// What remains of a stop without the orders of the one where the courier is.
    fn beyond(&self, stop: StopRange, present: Option<StopRange>) -> Option<StopRange> {
        let Some(present) = present.filter(|present| present.first <= stop.last) else {
            return Some(stop);
        };
        let mut rest =
            (stop.first..=stop.last).filter(|&at| self.is_ahead(at) && !present.holds(at));
        let first = rest.next()?;
        Some(StopRange { first, last: stop.last, count: 1 + rest.count() })
    }

    /// The stop where the courier is: that of the order visited last, else the head, if a stay
    /// runs there.
    pub fn present_stop(&self) -> Option<StopRange> {
        let is_here = |&at: &usize| {
            let order = &self.route.orders[at];
            order.stay.is_some() && self.is_served(order)
        };
        let visited = self.route.last_visited.map(|at| at as usize).filter(|&at| {
            self.stays.of(self.route.orders[at].stay).is_some_and(|stay| stay.may_visit)
        });
        let anchor = visited.or_else(|| {
            let head = self.head()?;
            (head.first..=head.last).find(|at| self.route.orders[*at].is(Mark::Next) && is_here(at))
        })?;
        // Before these none is ahead, and none has a stay.
        let first_stay = self.stays.of(self.line.first_stay).map_or(anchor, Stay::at);
        let from = self.route.swept_at.min(first_stay);
        self.route.stop_of(from, anchor, |at| self.is_served(&self.route.orders[at]))
    }

    /// Whether an order counts at the stop where the courier is: still open, or its open stay
    /// began before it was visited.
    fn is_served(&self, order: &Order) -> bool {
        order.is_ahead(self.policy) || self.stays.of(order.stay).is_some_and(|stay| stay.may_visit)
    }

    fn serve_present(&mut self, stop: StopRange, now: Time) -> Cursor {
        let entries = (stop.first..=stop.last)
            .filter(|&at| self.is_served(&self.route.orders[at]))
            .filter_map(|at| self.stays.of(self.route.orders[at].stay))
            .map(|stay| stay.presence.entered().t);
        let arrival = entries.min().unwrap_or(now);
        let leave = self.leaving(stop, arrival, |at| self.is_served(&self.route.orders[at]));
        self.line.eta.lead = Lead::Staying(leave);
        self.line.eta.lead_at = stop.only_order();
        let leave = leave.max(now);
        self.line.eta.reference = leave;
        self.note(stop, None, arrival, leave);
        self.cursor_at(stop, leave)
    }

    /// Drives to a stop and serves it.
    fn serve(&mut self, cursor: &mut Cursor, stop: StopRange, present: Option<StopRange>) {
        let first = &self.route.orders[stop.first];
        let (leg_ms, Some(place)) = (first.leg_ms, first.point()) else { return };
        let is_next = cursor.order.is_some_and(|order| order + 1 == stop.first);
        if is_next && leg_ms != Order::NO_LEG {
            cursor.t = cursor.t + i64::from(leg_ms);
        } else {
            if self.line.eta.lead == Lead::Unknown {
                self.line.eta.lead_at = stop.only_order();
            }
            self.drive(cursor, place);
        }
        let arrival = cursor.t;
        if stop.count == 1 {
            // Nearly every stop is one order.
            let terms = self.route.terms.of(&self.route.orders[stop.first]);
            let eta = terms.service_start(self.policy, arrival);
            let completion = eta + terms.service_ms();
            self.etas[stop.first] = Some(Eta { eta, arrival, completion });
            *cursor = Cursor { t: completion, place, order: Some(stop.first) };
            return;
        }
        let is_beyond = |at: usize| present.is_none_or(|present| !present.holds(at));
        let leave = self.leaving(stop, arrival, |at| self.is_ahead(at) && is_beyond(at));
        self.note(stop, present, arrival, leave);
        *cursor = self.cursor_at(stop, leave);
    }

    fn drive(&mut self, cursor: &mut Cursor, place: Point) {
        cursor.t = cursor.t + self.travel.travel_ms(cursor.place, place, self.line.mode);
        cursor.place = place;
        if self.line.eta.lead == Lead::Unknown {
            self.line.eta.lead = Lead::Driving(place);
            self.line.eta.reference = cursor.t;
        }
    }

    /// When a stop is left that is reached at `arrival`: service begins when every window is open,
    /// and takes all handovers and the longest shared part.
    fn leaving(&self, stop: StopRange, arrival: Time, counts: impl Fn(usize) -> bool) -> Time {
        let (mut begin, mut service_s, mut shared_s) = (arrival, 0, 0);
        for at in (stop.first..=stop.last).filter(|&at| counts(at)) {
            let terms = self.route.terms.of(&self.route.orders[at]);
            begin = begin.max(terms.service_start(self.policy, arrival));
            service_s += i64::from(terms.service_s);
            shared_s = shared_s.max(i64::from(terms.shared_service_s));
        }
        begin + (service_s + shared_s) * SECOND_MS
    }

    /// Notes the ETA of a stop's orders, but for those of the stop where the courier is.
    fn note(
        &mut self,
        stop: StopRange,
        present: Option<StopRange>,
        arrival: Time,
        completion: Time,
    ) {
        for at in stop.first..=stop.last {
            let order = &self.route.orders[at];
            if order.is_ahead(self.policy) && present.is_none_or(|present| !present.holds(at)) {
                let eta = self.route.terms.of(order).service_start(self.policy, arrival);
                self.etas[at] = Some(Eta { eta, arrival, completion });
            }
        }
    }

    fn cursor_at(&self, stop: StopRange, t: Time) -> Cursor {
        let place = self.route.orders[stop.first].point().unwrap_or_else(|| {
            unreachable!("an order that counts for a stop has a point");
        });
        Cursor { t, place, order: (stop.count == 1).then_some(stop.first) }
    }
}
