//! ARRIVAL, ORDER_VISIT and DEPARTURE of the orders of a route (behaviour 4).

use core::num::NonZeroU16;

use super::clearance::Bounds;
use super::crossing::{GAP_MAX_MS, entry_time, exit_time};
use super::deadlines::TRACKING_GRACE_MS;
use super::eta::TOLD_MS;
use super::fence::{Evidence, Fence};
use super::fix::{Fix, Seen};
use super::nearest::{Credit, Interval};
use super::order::{Mark, Order};
use super::presence::{Change, Exit, Presence};
use super::stay::{Stay, StaySlot};
use super::step::RouteStep;
use crate::domain::eta::EtaCause;
use crate::domain::event::{EndReason, EventKind, StayPoint};
use crate::domain::geo::Centre;
use crate::domain::order::{Initiator, OrderStatus};
use crate::domain::policy::{ArrivalScope, OverlapPolicy, Radius};
use crate::domain::time::{SECOND_MS, Time};

/// An ORDER_VISIT that is due.
pub struct Visit {
    /// Its time, and that of all it brings with it.
    pub t: Time,
    /// The position that proves it.
    pub seen: Seen,
    /// Best estimate of the true instant.
    pub estimated: Time,
    /// How it is known.
    pub means: Means,
}

/// How far around an order positions concern it.
struct Reach {
    /// The radius in force.
    radius: Radius,
    /// A stay may begin.
    is_tracked: bool,
    /// How far its threshold of `nearby` by distance reaches.
    nearby_m: Option<f64>,
    /// The larger one.
    reach_m: f64,
}

/// How an ORDER_VISIT is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Means {
    /// By a position inside at which the dwell was met.
    Seen,
    /// By the credit for a silence before the exit.
    Inferred,
    /// By where the segment between two positions crossed the fence.
    Interpolated,
}

impl RouteStep<'_, '_> {
    /// A position at an order without a stay: is it near, is it inside?
    pub fn approach(&mut self, at: usize, fix: &Fix, bounds: &mut Bounds) {
        let order = &self.route.orders[at];
        let Some(point) = order.point() else { return };
        let Some(Reach { radius, is_tracked, nearby_m, reach_m }) = self.reach(order) else {
            return;
        };
        let bound_m = bounds.to(point);
        if is_tracked && bound_m <= radius.metres() {
            let centre = Centre::new(point);
            let evidence =
                Fence::new(radius).evidence(centre.distance_m(fix.seen.point), fix.accuracy);
            if evidence == Evidence::Inside {
                self.enter(at, centre, radius, fix);
                if nearby_m.is_some() {
                    bounds.count(bound_m, reach_m);
                }
                return;
            }
        }
        bounds.count(bound_m, reach_m);
        if self.route.orders[at].is(Mark::Next) && is_tracked {
            self.drive_through(at, Centre::new(point), radius, fix);
        }
    }

    /// The stay at an order has ended with the position at hand: how far its fence is.
    pub fn stand_off(&self, at: usize, bounds: &mut Bounds) {
        let order = &self.route.orders[at];
        if let Some((point, reach)) = order.point().zip(self.reach(order)) {
            bounds.count(bounds.to(point), reach.reach_m);
        }
    }

    /// How far around an order of the route a position may concern it at most.
    pub fn reach_max_m(&self) -> f64 {
        let radius = self.route.radius_max(self.policy);
        self.policy.nearby_distance_m.map_or(radius.metres(), |m| m.max(radius.metres()))
    }

    /// How far around an order a position may concern it; `None`: nowhere.
    fn reach(&self, order: &Order) -> Option<Reach> {
        let radius = self.route.radius(order, self.policy);
        let is_tracked = self.is_tracked(order) && radius != Radius::OFF;
        let nearby_m = self.nearby_reach_m(order);
        let reach_m = match (is_tracked, nearby_m) {
            (false, None) => return None,
            (true, None) => radius.metres(),
            (false, Some(nearby_m)) => nearby_m,
            (true, Some(nearby_m)) => nearby_m.max(radius.metres()),
        };
        Some(Reach { radius, is_tracked, nearby_m, reach_m })
    }

    /// Whether a stay may begin at an order.
    fn is_tracked(&self, order: &Order) -> bool {
        order.is_open(self.policy)
            || (order.is(Mark::Visited) && self.policy.arrival_scope == ArrivalScope::Any)
    }

    fn enter(&mut self, at: usize, centre: Centre, radius: Radius, fix: &Fix) {
        let entered = entry_time(&centre, radius.metres(), self.line.last(), fix.seen);
        let mut presence = Presence::enter(fix);
        if self.line.last().is_some_and(|before| fix.seen.t - before.t <= GAP_MAX_MS) {
            presence.dwell_from = entered;
        }
        let slot = self.begin_stay(at, centre, radius, presence, entered);
        let is_told =
            self.route.orders[at].is(Mark::Next) || self.policy.arrival_scope == ArrivalScope::Any;
        if is_told {
            self.tell_arrival(slot);
        }
        if !self.is_nearest_first() {
            self.test_visit(slot, fix);
        }
    }

    /// A stay begins, silently.
    pub fn begin_stay(
        &mut self,
        at: usize,
        centre: Centre,
        radius: Radius,
        presence: Presence,
        entered: Time,
    ) -> StaySlot {
        let order = &self.route.orders[at];
        let required_ms = self.route.terms.of(order).dwell_required_ms(self.policy);
        let slot = self.stays.insert(Stay {
            place: Stay::place(at),
            next: StaySlot::NONE,
            centre,
            radius,
            fence: Fence::new(radius),
            required_ms,
            presence,
            credit: Credit::ENTERED,
            entered_estimated: entered,
            dwell_estimated: entered,
            told: None,
            may_visit: !order.is(Mark::Visited),
            has_visited: false,
            is_interpolated: false,
            has_status_set: false,
        });
        self.route.orders[at].stay = slot;
        self.stays.chain(&mut self.line.first_stay, slot);
        self.touch_chain(slot);
        slot
    }

    /// A position at an order with a stay.
    pub fn step_stay(&mut self, slot: StaySlot, fix: &Fix) {
        let max_gap_ms = self.policy.max_gap_ms;
        let stay = self.stays.stay_mut(slot);
        let distance_m = stay.centre.distance_m(fix.seen.point);
        let reading = stay.fence.read(distance_m, fix.accuracy);
        let is_inside = |place| stay.centre.distance_m(place) <= stay.fence.radius_m;
        if reading.evidence.is_away() && self.line.standing().place().is_some_and(is_inside) {
            // Who stands inside has not left; the receiver errs.
            return;
        }
        match stay.presence.step(reading, fix, self.line.last(), max_gap_ms) {
            Change::None => {}
            Change::Stayed { since, restarts, has_driven } => {
                if restarts {
                    stay.dwell_estimated = fix.seen.t;
                }
                if self.policy.overlap_policy == OverlapPolicy::Nearest {
                    let terms = self.route.terms.of(&self.route.orders[stay.at()]);
                    let not_before = terms.dwell_not_before(self.policy);
                    let from = not_before.map_or(since, |start| start.max(since));
                    stay.credit.stayed(&Interval {
                        gap_ms: fix.seen.t - since,
                        counted_ms: fix.seen.t - from,
                        restarts,
                        has_driven,
                    });
                } else {
                    self.test_visit(slot, fix);
                }
            }
            Change::Left(exit) => self.leave(slot, exit),
        }
    }

    /// A position inside: visits if the dwell is met, unless the courier is where the exit can better
    /// tell ([`Self::visit_by_dwell`]).
    fn test_visit(&mut self, slot: StaySlot, fix: &Fix) {
        let stay = self.stays.stay(slot);
        let Some(estimated) = self.dwell_met(stay, fix.seen.t) else { return };
        if self.is_surely_inside(stay, fix) {
            let (t, seen) = (fix.seen.t, fix.seen);
            self.visit(slot, &Visit { t, seen, estimated, means: Means::Seen });
        }
    }

    /// Whether a courier whose dwell is met is well inside; a long dwell needs the border only, and
    /// none at all not even that.
    fn is_surely_inside(&self, stay: &Stay, fix: &Fix) -> bool {
        let place = self.line.standing().place().unwrap_or(fix.seen.point);
        let distance_m = stay.centre.distance_m(place);
        let not_before = self.dwell_not_before(stay);
        let over_ms = stay.presence.dwelt_ms(fix.seen.t, not_before) - stay.required_ms;
        stay.required_ms == 0
            || stay.fence.is_sure(distance_m)
            || (over_ms >= DOUBT_MAX_MS && distance_m <= stay.fence.radius_m)
    }

    /// Best estimate of when the dwell was met, if it was at `t` and may visit.
    pub fn dwell_met(&self, stay: &Stay, t: Time) -> Option<Time> {
        // The order is asked only if the stay alone would visit: its line is far away.
        if !self.may_visit(stay) || stay.presence.dwelt_ms(t, None) < stay.required_ms {
            return None;
        }
        let not_before = self.dwell_not_before(stay);
        let is_met = stay.presence.dwelt_ms(t, not_before) >= stay.required_ms;
        let begun = stay.dwell_estimated.max(not_before.unwrap_or(stay.dwell_estimated));
        (is_met && stay.presence.is_mostly_near()).then(|| begun + stay.required_ms)
    }

    /// From when the dwell of a stay may count, if not from the entry on.
    pub fn dwell_not_before(&self, stay: &Stay) -> Option<Time> {
        let order = &self.route.orders[stay.at()];
        self.route.terms.of(order).dwell_not_before(self.policy)
    }

    /// Whether a stay may still visit its order.
    pub fn may_visit(&self, stay: &Stay) -> bool {
        stay.may_visit && !stay.has_visited
    }

    /// Everything one ORDER_VISIT brings with it, in its order (behaviour 5.6).
    pub fn visit(&mut self, slot: StaySlot, visit: &Visit) {
        let t = visit.t;
        let now = core::mem::replace(&mut self.now, t);
        if !self.line.is_started {
            self.start(t);
        }
        if self.stays.stay(slot).told.is_none() {
            self.tell_arrival(slot);
        }
        let stay = self.stays.stay(slot);
        let at = stay.at();
        let point = stay_point(stay, visit.seen, visit.estimated);
        let point = StayPoint {
            inferred: visit.means == Means::Inferred,
            interpolated: visit.means == Means::Interpolated,
            ..point
        };
        let may_finish = self.policy.mark_delivered_enabled && !stay.has_status_set;
        self.stays.stay_mut(slot).has_visited = true;
        let order = &mut self.route.orders[at];
        let was_open = order.is_open(self.policy);
        order.mark(Mark::Visited, true);
        self.route.last_visited = Some(at as u32);
        self.changed = Some(EtaCause::Visit);
        let (route, id) = (self.route.id, self.route.orders[at].id);
        self.emit.event(route, id, t, EventKind::OrderVisit(point));
        let order = &mut self.route.orders[at];
        if may_finish && !order.status.is_terminal() {
            order.status = OrderStatus::Finished;
            let kind = EventKind::StatusUpdate {
                status: OrderStatus::Finished,
                initiator: Initiator::Engine,
            };
            self.emit.event(route, id, t, kind);
        }
        if was_open && !self.policy.delivery_by_order_statuses {
            self.route.orders[at].told_eta = Order::NO_ETA;
            self.mark_skipped(at);
        }
        self.refresh_head(t);
        self.now = now;
    }

    /// Tells the ARRIVAL of a stay that was silent so far, with its `nearby` before it.
    pub fn tell_arrival(&mut self, slot: StaySlot) {
        let stay = self.stays.stay(slot);
        let (at, entered) = (stay.at(), stay.presence.entered());
        self.nearby_by_arrival(at, entered.t);
        let order = &mut self.route.orders[at];
        order.stays_told = order.stays_told.saturating_add(1);
        let stay = self.stays.stay_mut(slot);
        stay.told = NonZeroU16::new(order.stays_told);
        let point = stay_point(stay, entered, stay.entered_estimated);
        self.emit.event(self.route.id, order.id, entered.t, EventKind::Arrival(point));
    }

    fn leave(&mut self, slot: StaySlot, exit: Exit) {
        let stay = self.stays.stay(slot);
        let inside = stay.presence.last_inside();
        let crossed = exit_time(&stay.centre, stay.fence.radius_m, inside, exit.first_away);
        let visited = self
            .visit_by_dwell(slot)
            .or_else(|| self.infer_visit(slot, &exit))
            .or_else(|| self.visit_by_exit(slot, &exit, crossed));
        // Nobody leaves before the visit.
        let estimated = visited.map_or(crossed, |visited| visited.max(crossed));
        self.depart(slot, exit.left, estimated, EndReason::Left);
    }

    /// Ends a stay otherwise than by leaving: at its last position inside.
    pub fn end_stay(&mut self, slot: StaySlot, reason: EndReason) {
        let inside = self.stays.stay(slot).presence.last_inside();
        self.depart(slot, inside, inside.t, reason);
    }

    /// Ends a stay, with its DEPARTURE if it was told.
    pub fn depart(&mut self, slot: StaySlot, seen: Seen, estimated: Time, reason: EndReason) {
        let stay = self.stays.stay(slot);
        let at = stay.at();
        let order = &mut self.route.orders[at];
        order.stay = StaySlot::NONE;
        if stay.told.is_some() {
            let point = stay_point(stay, seen, estimated);
            let kind = EventKind::Departure { at: point, visited: order.is(Mark::Visited), reason };
            self.emit.event(self.route.id, order.id, seen.t, kind);
        }
        self.touch_chain(slot);
        self.stays.unchain(&mut self.line.first_stay, slot);
        self.stays.remove(slot);
        if self.reach(&self.route.orders[at]).is_some() {
            // How far its fence is, the next position finds out.
            self.line.clearance.forget();
        }
        // An order that the courier has left may be overtaken by the clock again, and nothing but
        // open orders prolongs tracking any more. All else is armed for.
        let told = self.route.orders[at].told_eta;
        let overdue = if told == Order::NO_ETA { Time::DISTANT_FUTURE } else { told + TOLD_MS };
        let ended = self.line.active_until + TRACKING_GRACE_MS;
        if self.line.armed.time() > overdue.min(ended) {
            self.arm();
        }
        debug_assert!(self.is_armed(), "no deadline comes up too late");
    }

    /// A stay begins or ends. At the head, or at an order that was visited, the chain begins
    /// elsewhere at once; at others the next regular evaluation sees to it.
    fn touch_chain(&mut self, slot: StaySlot) {
        let order = &self.route.orders[self.stays.stay(slot).at()];
        if order.is(Mark::Visited) || order.is(Mark::Next) {
            self.changed = Some(EtaCause::Visit);
        } else {
            self.line.eta.slack_ms = 0;
        }
    }
}

fn stay_point(stay: &Stay, seen: Seen, estimated_time: Time) -> StayPoint {
    StayPoint {
        stay: stay.told.map_or(0, NonZeroU16::get),
        point: seen.point,
        device_time: seen.t,
        estimated_time,
        used_mark_delivered_radius: stay.radius,
        inferred: false,
        interpolated: stay.is_interpolated,
    }
}

/// So long a dwell waits near the border for the exit.
const DOUBT_MAX_MS: i64 = 300 * SECOND_MS;
