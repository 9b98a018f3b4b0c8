//! When the ETA of a route is evaluated, told and lost (behaviour 6); `chain` computes it.

use super::deadlines::{LOST_MS, STALE_MS, TRACKING_GRACE_MS};
use super::fix::{Fix, PackedSeen, Seen};
use super::order::{Mark, Order};
use super::output::OutputBody;
use super::state::kept;
use super::step::RouteStep;
use super::travel_time::TravelTime;
use crate::domain::eta::{EtaCause, EtaChange, OrderEta};
use crate::domain::geo::Point;
use crate::domain::route::RoutingMode;
use crate::domain::time::{SECOND_MS, Time};

/// What a position needs to know of the ETA to see that nothing has to be told.
///
/// Every ETA along the chain is `max(x + a, b)` of one instant `x`: the arrival at the next place,
/// or the leaving of the present one. So no ETA has moved by more than `x` has.
#[derive(Clone, Copy, Debug)]
pub struct EtaLine {
    /// How `x` follows from a position.
    pub lead: Lead,
    /// The position of the last evaluation, told or not.
    pub evaluated: PackedSeen,
    /// `x` at the last full evaluation.
    pub reference: Time,
    /// By less than this `x` may move before an ETA must be told; not positive: evaluate.
    pub slack_ms: i32,
    /// No `nearby` can be raised before, as long as `x` stays where it is.
    pub nearby_due: Time,
    /// The next regular evaluation.
    pub regular_due: Time,
    /// The place in the sequence of the only order of the stop that the chain begins with: where
    /// the courier drives to, or stays. [`NO_ORDER`]: there are several, or none.
    pub lead_at: u16,
    /// The last evaluation said so.
    pub is_stale: bool,
    /// A `shift_start` waits for a fresh position.
    pub has_shift_start_due: bool,
}

kept!(EtaLine {
    lead,
    evaluated,
    reference,
    slack_ms,
    nearby_due,
    regular_due,
    lead_at,
    is_stale,
    has_shift_start_due,
});

impl EtaLine {
    /// What a regular evaluation for a position may tell.
    pub fn due(&self, travel: &dyn TravelTime, mode: RoutingMode, fix: &Fix) -> Due {
        let t = fix.seen.t;
        let x = match self.lead {
            Lead::Unknown if self.slack_ms > 0 && t < self.nearby_due => return Due::Nothing,
            Lead::Unknown => return Due::Etas,
            Lead::Driving(place) => t + travel.travel_ms(fix.seen.point, place, mode),
            Lead::Staying(leave) => t.max(leave),
        };
        let moved_ms = (x - self.reference).abs();
        if !self.tells_no_eta(moved_ms, fix) {
            Due::Etas
        } else if t + moved_ms < self.nearby_due {
            Due::Nothing
        } else {
            Due::Nearby { moved_ms }
        }
    }

    /// A regular evaluation was due for a position, and told nothing.
    pub fn follow_regularly(&mut self, seen: Seen) {
        self.regular_due = seen.t + REGULAR_MS;
        self.evaluated = seen.into();
    }

    /// Whether no ETA has to be told for a position once none has moved by more than this.
    pub fn tells_no_eta(&self, moved_ms: i64, fix: &Fix) -> bool {
        moved_ms < i64::from(self.slack_ms) && self.is_stale != fix.is_fresh()
    }
}

/// What an evaluation may tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Nothing.
    Nothing,
    /// A `nearby`; no ETA, since none has moved by more than this.
    Nearby {
        /// How far `x` has moved.
        moved_ms: i64,
    },
    /// Everything.
    Etas,
}

/// What the chain begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lead {
    /// There is no ETA.
    Unknown,
    /// The courier drives to a place: `x` is the arrival there.
    Driving(Point),
    /// The courier stays at a stop until then, or until now if that is later.
    Staying(Time),
}

impl EtaLine {
    /// No ETA yet.
    pub const NEW: Self = Self {
        lead: Lead::Unknown,
        evaluated: PackedSeen::NONE,
        reference: Time::DISTANT_PAST,
        slack_ms: 0,
        nearby_due: Time::DISTANT_PAST,
        regular_due: Time::DISTANT_PAST,
        lead_at: NO_ORDER,
        is_stale: false,
        has_shift_start_due: false,
    };
}

impl RouteStep<'_, '_> {
    /// ETA and notifications after a position.
    pub fn follow(&mut self, fix: &Fix) {
        let t = fix.seen.t;
        let is_regular = !self.sheds_eta && t >= self.line.eta.regular_due;
        if is_regular {
            self.line.eta.regular_due = t + REGULAR_MS;
        }
        if is_regular || self.changed.is_some() {
            self.line.eta.evaluated = fix.seen.into();
        }
        let due = if self.changed.is_some() && (self.must_evaluate || !self.shift(fix)) {
            Due::Etas
        } else if is_regular {
            self.line.eta.due(self.travel, self.line.mode, fix)
        } else {
            Due::Nothing
        };
        let is_unsettled = match due {
            Due::Nothing => false,
            Due::Nearby { moved_ms } => !self.look_at_nearby(fix, moved_ms),
            Due::Etas => true,
        };
        if is_unsettled {
            self.evaluate(self.changed.unwrap_or(EtaCause::Fix));
            self.notify(Some(fix), is_regular);
            self.arm();
        } else if self.has_shift_start_due() || self.is_near_by_distance(fix) {
            // A message is due, an evaluation is not: it carries the ETA of the last one.
            self.compute(None);
            self.notify(Some(fix), is_regular);
            // What was told is no longer measured from this reference.
            self.line.eta.slack_ms = 0;
        }
        self.line.set_quiet();
    }

    fn has_shift_start_due(&self) -> bool {
        self.is_fresh && self.line.eta.has_shift_start_due
    }

    /// A regular evaluation that tells no ETA, for a `nearby` that may be due: only as much of the
    /// chain as it reaches. Tells whether that was enough.
    fn look_at_nearby(&mut self, fix: &Fix, moved_ms: i64) -> bool {
        if !self.is_fresh
            || !self.line.is_started
            || self.line.eta.is_stale
            || self.line.eta.has_shift_start_due
            || self.route.is_violated
            || self.route.has_overdue
            || self.policy.nearby_distance_m.is_some()
        {
            return false;
        }
        self.begin_etas();
        let computed = self.compute_chain(fix.seen, fix.seen.t + self.nearby_longest_ms());
        self.raise_nearby(fix, true, computed.to);
        self.line.eta.slack_ms -= moved_ms as i32;
        self.line.eta.nearby_due = self.nearby_due(computed);
        true
    }

    fn begin_etas(&mut self) {
        self.line.eta.lead = Lead::Unknown;
        self.line.eta.lead_at = NO_ORDER;
        self.etas.clear();
        self.etas.resize(self.route.orders.len(), None);
    }

    /// The ETA of every order ahead, for the position that was evaluated last.
    fn compute(&mut self, clock: Option<Time>) {
        self.begin_etas();
        let age_ms = self.age_ms();
        if let Some(seen) = self.line.eta.evaluated.seen().filter(|_| age_ms <= LOST_MS)
            // The clock takes away no ETA that a position has not: the depot may be back in sight.
            && (clock.is_some() || self.has_sequence())
        {
            self.compute_chain(seen, Time::DISTANT_FUTURE);
            self.clamp(clock);
        }
        if self.etas.iter().skip(self.route.swept_at).all(Option::is_none) {
            self.line.eta.lead = Lead::Unknown;
        }
    }

    /// Evaluates the whole chain for a new position, or the documents anew, and tells what changed.
    pub fn evaluate(&mut self, cause: EtaCause) {
        if core::mem::take(&mut self.route.has_overdue) {
            for order in &mut self.route.orders {
                order.mark(Mark::Overdue, false);
            }
        }
        self.evaluate_by(cause, None);
    }

    fn evaluate_by(&mut self, cause: EtaCause, clock: Option<Time>) {
        let now = self.line.last().map_or(self.now, |seen| seen.t);
        let age_ms = self.age_ms();
        self.compute(clock);
        let has_eta = self.line.eta.lead != Lead::Unknown;
        let is_stale = has_eta && age_ms > STALE_MS;
        let was_stale = core::mem::replace(&mut self.line.eta.is_stale, is_stale);
        self.tell_etas(now, cause, has_eta && was_stale != is_stale);
        if age_ms > LOST_MS {
            self.line.eta.slack_ms = 0;
        }
    }

    /// How old the last accepted position is by the server's clock, coarse ones included.
    fn age_ms(&self) -> i64 {
        self.emit.received_at() - self.line.last_t()
    }

    /// Whether the order in which the courier will come is known.
    fn has_sequence(&self) -> bool {
        let is_at_depot = !self.line.is_started
            && self.route.fenced_depot().is_some_and(|depot| !depot.is_left());
        !is_at_depot && !self.route.is_broken(self.policy)
    }

    /// Moves an ETA that was told and that the clock has passed up to the clock, unless the courier
    /// is there; one that was moved before stays so until it is evaluated for a new position.
    fn clamp(&mut self, clock: Option<Time>) {
        if clock.is_none() && !self.route.has_overdue {
            return;
        }
        for (eta, order) in self.etas.iter_mut().zip(&mut self.route.orders) {
            let Some(eta) = eta else { continue };
            let told = order.told_eta;
            let is_away = told != Order::NO_ETA && !order.stay.is_some();
            let passed = clock.filter(|&clock| is_away && clock - told >= TOLD_MS);
            let Some(bound) = passed.or(order.is(Mark::Overdue).then_some(told)) else {
                continue;
            };
            order.mark(Mark::Overdue, true);
            self.route.has_overdue = true;
            eta.eta = eta.eta.max(bound);
            eta.arrival = eta.arrival.max(bound);
            eta.completion = eta.completion.max(bound);
        }
    }

    /// Tells each ETA that moved by [`TOLD_MS`] or more, appeared or vanished, and notes how far
    /// the others are from that.
    fn tell_etas(&mut self, now: Time, cause: EtaCause, must_tell: bool) {
        let start = self.emit.buffer().begin_etas();
        let mut slack_ms = TOLD_MS;
        let mut has_changed = false;
        let from = self.route.swept_at;
        for (order, eta) in self.route.orders[from..].iter_mut().zip(&self.etas[from..]) {
            let was =
                core::mem::replace(&mut order.told_eta, eta.map_or(Order::NO_ETA, |eta| eta.eta));
            if !order.is_open(self.policy) {
                continue;
            }
            let had = was != Order::NO_ETA;
            if let Some(eta) = eta.as_ref().filter(|_| had) {
                let moved_ms = (eta.eta - was).abs();
                if moved_ms < TOLD_MS {
                    order.told_eta = was;
                    slack_ms = slack_ms.min(TOLD_MS - moved_ms);
                    continue;
                }
            } else if had == eta.is_some() {
                continue;
            }
            has_changed = true;
            self.emit.buffer().push_eta(OrderEta { order: order.id, eta: *eta });
        }
        self.line.eta.slack_ms = slack_ms as i32;
        if has_changed || must_tell {
            let orders = self.emit.buffer().end_etas(start);
            let stale = self.age_ms() > STALE_MS;
            let change = EtaChange { route: self.route.id, now, cause, stale };
            self.emit.tell(OutputBody::Eta { change, orders });
        }
    }

    /// The ETA is gone, and stays so until something evaluates it again.
    pub fn lose_eta(&mut self, cause: EtaCause) {
        self.line.eta.lead = Lead::Unknown;
        self.line.eta.is_stale = false;
        self.etas.clear();
        self.etas.resize(self.route.orders.len(), None);
        let now = self.line.last().map_or(self.now, |seen| seen.t);
        self.tell_etas(now, cause, false);
    }

    /// What the clock does to a route whose deadline is due.
    pub fn clock(&mut self, clock: Time) {
        if clock >= self.end_of_tracking() + TRACKING_GRACE_MS {
            self.end_tracking();
            return;
        }
        if self.line.eta.lead != Lead::Unknown {
            self.evaluate_by(EtaCause::Timer, Some(clock));
            self.line.eta.slack_ms = 0;
        }
    }
}

/// Stands where no order does.
pub const NO_ORDER: u16 = u16::MAX;
/// Least device time between regular evaluations.
const REGULAR_MS: i64 = 10 * SECOND_MS;
/// A change of an ETA that is told.
pub const TOLD_MS: i64 = 60 * SECOND_MS;
