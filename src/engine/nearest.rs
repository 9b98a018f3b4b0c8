//! The right door where fences overlap: an interval between two positions inside counts only for
//! the order that is nearest when it ends (behaviour 4.4).

use super::crossing::GAP_MAX_MS;
use super::fix::Fix;
use super::route::StopRange;
use super::state::{Kept, StateReader, StateWriter, Taken};
use super::stay::StaySlot;
use super::step::RouteStep;
use super::visit::{Means, Visit};
use crate::domain::geo::Point;
use crate::domain::policy::OverlapPolicy;

/// What a stay was credited with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credit {
    /// The sum of the intervals that were its own.
    pub sum_ms: i64,
    /// The interval that ends with the position at hand, until it is known whose it is; else
    /// [`Self::SETTLED`].
    interval_ms: i64,
    /// The stay held the claim at its last position inside.
    pub is_claimed: bool,
}

impl Kept for Credit {
    fn put(&self, to: &mut StateWriter) {
        let Self { sum_ms, interval_ms, is_claimed } = self;
        sum_ms.put(to);
        Some(*interval_ms).filter(|&interval_ms| interval_ms != Self::SETTLED).put(to);
        is_claimed.put(to);
    }

    fn take(from: &mut StateReader) -> Taken<Self> {
        let sum_ms = Kept::take(from)?;
        let interval_ms: Option<i64> = Kept::take(from)?;
        let interval_ms = interval_ms.unwrap_or(Self::SETTLED);
        Ok(Self { sum_ms, interval_ms, is_claimed: Kept::take(from)? })
    }
}

/// The time between two positions inside.
#[derive(Clone, Copy, Debug)]
pub struct Interval {
    /// All of it.
    pub gap_ms: i64,
    /// What of it lies behind the window's start, if that matters; may be negative.
    pub counted_ms: i64,
    /// It was too long a silence.
    pub restarts: bool,
    /// The device stated at both ends that it drives.
    pub has_driven: bool,
}

impl Credit {
    /// Nothing yet.
    pub const NONE: Self = Self { sum_ms: 0, interval_ms: Self::SETTLED, is_claimed: false };
    /// Nothing yet, and the position at hand entered.
    pub const ENTERED: Self = Self { interval_ms: 0, ..Self::NONE };
    /// No interval waits: none is negative.
    const SETTLED: i64 = -1;

    /// An interval inside ends; if it was too long, it takes what was credited.
    pub fn stayed(&mut self, interval: &Interval) {
        if interval.restarts {
            self.sum_ms = 0;
        }
        let is_seen = interval.gap_ms <= GAP_MAX_MS;
        self.interval_ms = if interval.restarts || (is_seen && interval.has_driven) {
            0
        } else if is_seen || self.is_claimed {
            interval.counted_ms.max(0)
        } else {
            // Nobody saw when the courier came from the other door.
            interval.counted_ms.max(0) / 2
        };
    }

    /// Settles whose the interval is. Tells whether this stay has it.
    fn settle(&mut self, is_claimed: bool) -> bool {
        let interval_ms = core::mem::replace(&mut self.interval_ms, Self::SETTLED);
        if interval_ms == Self::SETTLED {
            return false;
        }
        self.is_claimed = is_claimed;
        if is_claimed {
            self.sum_ms += interval_ms;
        }
        is_claimed
    }
}

impl RouteStep<'_, '_> {
    /// Whether an interval counts for the nearest order only.
    pub fn is_nearest_first(&self) -> bool {
        self.policy.overlap_policy == OverlapPolicy::Nearest
    }

    /// After the exits and entries of a position: gives the intervals that end with it to the
    /// nearest order and those at its stop, and tests their visits.
    pub fn settle_claims(&mut self, fix: &Fix) {
        let Some(nearest) = self.nearest_stay(fix.seen.point) else { return };
        let Some(stop) = self.claimed_stop(nearest) else { return };
        let mut slot = self.line.first_stay;
        while slot.is_some() {
            let stay = self.stays.stay(slot);
            let (at, next) = (stay.at(), stay.next);
            if self.stays.stay_mut(slot).credit.settle(stop.holds(at)) {
                self.test_credit(slot, fix);
            }
            slot = next;
        }
    }

    /// The place in the sequence of the order with an open stay that is nearest to a point.
    fn nearest_stay(&self, point: Point) -> Option<usize> {
        let mut nearest: Option<(f64, usize)> = None;
        let mut slot = self.line.first_stay;
        while slot.is_some() {
            let stay = self.stays.stay(slot);
            let distance_m = stay.centre.distance_m(point);
            if nearest.is_none_or(|(nearest_m, _)| distance_m < nearest_m) {
                nearest = Some((distance_m, stay.at()));
            }
            slot = stay.next;
        }
        nearest.map(|(_, at)| at)
    }

    /// The stop of an order with an open stay: others count that are open, or have one too.
    fn claimed_stop(&self, at: usize) -> Option<StopRange> {
        self.route.stop_of(0, at, |at| {
            let order = &self.route.orders[at];
            order.is_ahead(self.policy) || order.stay.is_some()
        })
    }

    fn test_credit(&mut self, slot: StaySlot, fix: &Fix) {
        let stay = self.stays.stay(slot);
        let not_before = self.dwell_not_before(stay);
        let (t, seen) = (fix.seen.t, fix.seen);
        let over_ms = stay.credit.sum_ms - stay.required_ms;
        let is_met = over_ms >= 0 && not_before.is_none_or(|start| t >= start);
        if is_met && self.may_visit(stay) {
            let estimated = t - over_ms;
            self.visit(slot, &Visit { t, seen, estimated, means: Means::Seen });
        }
    }

    /// The overlap policy has changed: what was credited under the other one counts no more.
    pub fn forget_credits(&mut self) {
        let mut slot = self.line.first_stay;
        while slot.is_some() {
            let stay = self.stays.stay_mut(slot);
            stay.credit = Credit::NONE;
            slot = stay.next;
        }
    }
}
