//! One position, or one command, on its way through one route: the order of work (behaviour 5.6).

use super::clearance::Bounds;
use super::deadlines::{Deadline, Deadlines, Entry};
use super::emit::Emit;
use super::fix::Fix;
use super::order::Mark;
use super::output::DropReason;
use super::progress::WINDOW_LEAD_MS;
use super::route::{Route, RouteSlot};
use super::route_line::RouteLine;
use super::stay::{Stay, Stays};
use super::track::{self, Verdict};
use super::travel_time::TravelTime;
use crate::domain::eta::{Eta, EtaCause};
use crate::domain::event::EndReason;
use crate::domain::ids::PartitionId;
use crate::domain::policy::{ArrivalScope, Policy};
use crate::domain::time::{DAY_MS, Time};

/// A route at work: everything one step may touch.
pub struct RouteStep<'a, 'out> {
    /// The company's settings.
    pub policy: &'a Policy,
    /// Travel times.
    pub travel: &'a dyn TravelTime,
    /// The hot line.
    pub line: &'a mut RouteLine,
    /// The rest of the route.
    pub route: &'a mut Route,
    /// Where it lives.
    pub slot: RouteSlot,
    /// The stays of the shard.
    pub stays: &'a mut Stays,
    /// The deadlines of the shard.
    pub deadlines: &'a mut Deadlines,
    /// The courier's partition.
    pub partition: PartitionId,
    /// The ETA of each order in the evaluation at hand.
    pub etas: &'a mut Vec<Option<Eta>>,
    /// Where outputs go.
    pub emit: &'a mut Emit<'out>,
    /// Device time of the position, or receive time of the command, at hand.
    pub now: Time,
    /// The position at hand, or the last one when a command came, is fresh.
    pub is_fresh: bool,
    /// The position at hand comes from a frozen receiver and proves nothing.
    pub is_frozen: bool,
    /// Every order was looked at, since the courier was not clear of all.
    pub has_looked: bool,
    /// The orders before this place were looked at when the head was found anew in this step.
    pub refreshed_to: usize,
    /// The documents have changed.
    pub is_edited: bool,
    /// The ETA chain has changed in this step, and why.
    pub changed: Option<EtaCause>,
    /// More has changed than where the chain begins.
    pub must_evaluate: bool,
    /// Regular evaluations of the ETA wait for a position that comes when there is time.
    pub sheds_eta: bool,
}

impl RouteStep<'_, '_> {
    /// Judges a position and steps over what it makes acceptable. Tells whether it was itself.
    pub fn position(&mut self, fix: &Fix) -> bool {
        self.emit.backfilled = !fix.is_fresh();
        let held = if self.line.has_held { self.route.rare().held } else { None };
        let t = fix.seen.t;
        let verdict =
            track::judge(self.line.last_t(), self.line.last(), held.map(|held| held.seen), fix);
        match verdict {
            Verdict::Duplicate => self.drop(t, DropReason::Duplicate),
            Verdict::Late => self.drop(t, DropReason::Late),
            Verdict::Coarse => {
                self.line.accept_time(t);
                self.end_if_over(t);
            }
            Verdict::Hold => {
                self.route.rare_mut().held = Some(*fix);
                self.line.has_held = true;
                self.drop_held(held);
            }
            Verdict::Step => {
                self.line.has_held = false;
                self.drop_held(held);
                self.accept(fix);
            }
            Verdict::StepHeldFirst => {
                self.line.has_held = false;
                if let Some(held) = held {
                    self.accept(&held);
                }
                self.accept(fix);
            }
        }
        matches!(verdict, Verdict::Step | Verdict::StepHeldFirst)
    }

    fn drop_held(&mut self, held: Option<Fix>) {
        if let Some(held) = held {
            let backfilled = core::mem::replace(&mut self.emit.backfilled, !held.is_fresh());
            self.drop(held.seen.t, DropReason::Jump);
            self.emit.backfilled = backfilled;
        }
    }

    fn drop(&mut self, t: Time, reason: DropReason) {
        self.emit.dropped(Some(self.route.id), t, reason);
    }

    /// Steps over an accepted position: depot and START, orders in sequence, ETA, notifications.
    fn accept(&mut self, fix: &Fix) {
        self.now = fix.seen.t;
        self.is_fresh = fix.is_fresh();
        self.emit.backfilled = !self.is_fresh;
        self.must_evaluate = self.line.last().is_none();
        self.changed = self.must_evaluate.then_some(EtaCause::Fix);
        self.line.accept_time(fix.seen.t);
        if self.line.is_over || self.end_if_over(fix.seen.t) {
            // Held and confirmed beyond the end, or the end itself: it moves nothing.
            return;
        }
        self.is_frozen = self.line.follow_run(fix);
        if self.line.last().is_none() {
            self.moved_first(fix.seen.t);
        }
        if !self.line.is_started {
            self.begin_by_movement(fix);
        }
        self.step_orders(fix);
        if self.is_nearest_first() {
            self.settle_claims(fix);
        }
        self.line.accept_place(fix.seen);
        self.follow(fix);
    }

    /// Each order in sequence: exit or entry, then visit test unless that waits for the claims
    /// ([`Self::settle_claims`]). Only those with a stay, while the
    /// courier is clear of all others.
    fn step_orders(&mut self, fix: &Fix) {
        if self.is_frozen {
            // Nothing is known of what is near, so the distance of `nearby` is looked at.
            self.has_looked = true;
            return;
        }
        self.has_looked = !self.line.clearance.covers(fix.seen.point);
        if !self.has_looked {
            let mut slot = self.line.first_stay;
            while slot.is_some() {
                let next = self.stays.stay(slot).next;
                self.step_stay(slot, fix);
                slot = next;
            }
            return;
        }
        let mut bounds = Bounds::around(fix.seen.point);
        let reach_m = self.reach_max_m();
        for at in self.first_near()..self.route.orders.len() {
            let order = &self.route.orders[at];
            let stay = order.stay;
            if stay.is_some() {
                self.step_stay(stay, fix);
                if !self.route.orders[at].stay.is_some() {
                    self.stand_off(at, &mut bounds);
                }
            } else if order.is(Mark::Next) || !bounds.is_beyond(order.place, reach_m) {
                self.approach(at, fix, &mut bounds);
            }
        }
        self.line.clearance = bounds.clearance();
    }

    /// The first place in the sequence whose order a position may concern: before the head only
    /// those with a stay, unless visited ones may see another.
    fn first_near(&self) -> usize {
        if self.policy.arrival_scope == ArrivalScope::Any {
            return 0;
        }
        let staying = self.stays.of(self.line.first_stay).map(Stay::at);
        staying.map_or(self.route.head_at, |at| at.min(self.route.head_at))
    }

    /// Ends tracking if `t` is beyond its end.
    fn end_if_over(&mut self, t: Time) -> bool {
        if t <= self.line.active_until || t <= self.end_of_tracking() {
            return false;
        }
        self.end_tracking();
        true
    }

    /// When tracking ends as things stand.
    pub fn end_of_tracking(&self) -> Time {
        self.route.end_of_tracking(self.line, self.policy)
    }

    /// Ends tracking: every stay ends, and the ETA is gone.
    pub fn end_tracking(&mut self) {
        self.line.is_over = true;
        self.end_stays(EndReason::TrackingOver);
        self.lose_eta(EtaCause::Timer);
    }

    /// Ends every stay of the route, in sequence.
    pub fn end_stays(&mut self, reason: EndReason) {
        while self.line.first_stay.is_some() {
            self.end_stay(self.line.first_stay, reason);
        }
    }

    /// The first position that moved the route, which may bound the time of tracking.
    fn moved_first(&mut self, t: Time) {
        self.route.first_moved = Some(t);
        self.set_active_span();
    }

    /// Works out the span of tracking from what the route says now (behaviour 3.8).
    pub fn set_active_span(&mut self) {
        let lead_ms = self.policy.tracking_start_ms;
        let by_window = || self.route.first_window_start().map(|start| start - WINDOW_LEAD_MS);
        self.line.active_from = match self.route.route_start {
            Some(start) => start - lead_ms,
            None => by_window().unwrap_or(self.route.created_at),
        };
        let planned_end = self.route.route_finish.or_else(|| self.route.last_window_end());
        self.route.has_planned_end = planned_end.is_some();
        let by_first = || self.route.first_moved.map(|first| first + DAY_MS);
        self.line.active_until = planned_end.or_else(by_first).unwrap_or(Time::DISTANT_FUTURE);
    }

    /// Whether the deadline in the queue is not too late.
    pub fn is_armed(&self) -> bool {
        self.line.armed <= Deadline::of(self.line, self.route, self.policy)
    }

    /// Puts the route's deadline into the queue, if it is earlier than the one that is there.
    pub fn arm(&mut self) {
        let due = Deadline::of(self.line, self.route, self.policy);
        if due < self.line.armed {
            self.line.armed = due;
            let (courier, route, slot) = (self.route.courier, self.route.id, self.slot);
            let entry = Entry { due: due.time(), courier, route, slot };
            self.deadlines.push(self.partition, entry);
        }
    }
}
