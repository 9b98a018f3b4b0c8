//! The hot line of a route: three cache lines, of which most positions touch one, and those with a
//! regular evaluation two. What would change with every position is told by what is in the first.

use super::clearance::Clearance;
use super::deadlines::Deadline;
use super::eta::EtaLine;
use super::fix::{Fix, PackedSeen, Seen};
use super::route::RouteSlot;
use super::standing::Standing;
use super::state::{Kept, StateReader, StateWriter, Taken};
use super::stay::StaySlot;
use super::track;
use crate::domain::route::RoutingMode;
use crate::domain::time::Time;

/// What a position needs to know of a route before it knows that it changes nothing.
#[derive(Clone, Debug)]
#[repr(C, align(64))]
pub struct RouteLine {
    last: PackedSeen,
    /// How far the courier may go before an order can be near.
    pub clearance: Clearance,
    /// Before this no evaluation is due, no `shift_start` waits, and tracking has not ended: what
    /// comes behind need not be looked at. Holds as long as the clearance covers anything.
    pub quiet_until: Time,
    /// Tracking ends, if nothing prolongs it.
    pub active_until: Time,
    /// The courier's next route, by id.
    pub next: RouteSlot,
    /// The open stays, in the sequence of their orders.
    pub first_stay: StaySlot,
    /// START has been told.
    pub is_started: bool,
    /// Tracking has ended.
    pub is_over: bool,
    /// A position is held as a possible jump.
    pub has_held: bool,
    /// How the courier travels.
    pub mode: RoutingMode,
    /// `later_t` is later than the last position that had a place.
    has_later_t: bool,
    /// The run of positions at one place began with the last one; `run_start` is out of date.
    is_run_new: bool,
    /// Where the courier stands may be known.
    may_stand: bool,
    /// The state of the ETA.
    pub eta: EtaLine,
    later_t: Time,
    run_start: Time,
    standing: Standing,
    /// Tracking begins.
    pub active_from: Time,
    /// The earliest deadline that is armed.
    pub armed: Deadline,
}

impl RouteLine {
    /// A route that no position has moved.
    pub fn new(created_at: Time, mode: RoutingMode) -> Self {
        Self {
            last: PackedSeen::NONE,
            clearance: Clearance::unknown(),
            quiet_until: Time::DISTANT_PAST,
            next: RouteSlot::NONE,
            first_stay: StaySlot::NONE,
            is_started: false,
            is_over: false,
            has_held: false,
            mode,
            has_later_t: false,
            is_run_new: false,
            may_stand: false,
            eta: EtaLine::NEW,
            later_t: Time::DISTANT_PAST,
            run_start: Time::DISTANT_PAST,
            standing: Standing::NONE,
            active_from: created_at,
            active_until: Time::DISTANT_FUTURE,
            armed: Deadline::NONE,
        }
    }

    /// A position was accepted at `t`, whatever becomes of its place.
    pub fn accept_time(&mut self, t: Time) {
        self.later_t = t.max(self.last_t());
        self.has_later_t = true;
    }

    /// Follows the run of positions at one place, and where the courier stands, with an accepted
    /// position that is not the last one yet. Tells whether it comes from a frozen receiver.
    pub fn follow_run(&mut self, fix: &Fix) -> bool {
        self.run_start = self.run_start();
        self.is_run_new = false;
        self.stand(fix);
        track::is_frozen(self.last(), &mut self.run_start, fix)
    }

    /// The place of an accepted position is that of the route's courier.
    pub fn accept_place(&mut self, seen: Seen) {
        self.last = seen.into();
        self.has_later_t = self.later_t > seen.t;
    }

    /// All of that for a position later than all before it that is at another place than the last
    /// one, or does not say that it moves: without a look behind the first cache line.
    pub fn follow_calmly(&mut self, fix: &Fix) {
        if self.may_stand || fix.is_standing {
            self.stand(fix);
        }
        self.is_run_new = true;
        self.has_later_t = false;
        self.last = fix.seen.into();
    }

    fn stand(&mut self, fix: &Fix) {
        self.standing.follow(fix, self.last());
        self.may_stand = self.standing.place().is_some();
    }

    /// Works out until when the route is quiet.
    pub fn set_quiet(&mut self) {
        self.quiet_until = if self.eta.has_shift_start_due {
            Time::DISTANT_PAST
        } else {
            self.eta.regular_due.min(self.active_until)
        };
    }

    /// The last accepted position that had a place.
    pub fn last(&self) -> Option<Seen> {
        self.last.seen()
    }

    /// Device time of the last accepted position.
    pub fn last_t(&self) -> Time {
        if self.has_later_t {
            return self.later_t;
        }
        self.last().map_or(Time::DISTANT_PAST, |last| last.t)
    }

    /// Whether a position came that was too inaccurate to have a place, after the last that had one.
    pub fn has_later_t(&self) -> bool {
        self.has_later_t
    }

    /// Where the courier stands.
    pub fn standing(&self) -> Standing {
        self.standing
    }

    /// When the run of positions at the place of the last one began.
    fn run_start(&self) -> Time {
        match self.last() {
            Some(last) if self.is_run_new => last.t,
            Some(_) | None => self.run_start,
        }
    }
}

/// As it was before some of it was put off: the layout knows nothing of that.
impl Kept for RouteLine {
    fn put(&self, to: &mut StateWriter) {
        let Self {
            last,
            clearance,
            quiet_until: _,
            next: _,
            first_stay: _,
            is_started,
            is_over,
            has_held,
            mode,
            has_later_t: _,
            is_run_new: _,
            may_stand: _,
            eta,
            later_t: _,
            run_start: _,
            standing,
            active_from,
            active_until,
            armed,
        } = self;
        self.last_t().put(to);
        last.put(to);
        self.run_start().put(to);
        standing.put(to);
        clearance.put(to);
        active_from.put(to);
        active_until.put(to);
        eta.put(to);
        armed.put(to);
        is_started.put(to);
        is_over.put(to);
        has_held.put(to);
        mode.put(to);
    }

    fn take(from: &mut StateReader) -> Taken<Self> {
        let later_t = Time::take(from)?;
        let last: Option<Seen> = Kept::take(from)?;
        Ok(Self {
            last: last.into(),
            has_later_t: last.is_none_or(|last| later_t > last.t),
            later_t,
            is_run_new: false,
            may_stand: true,
            quiet_until: Time::DISTANT_PAST,
            run_start: Kept::take(from)?,
            standing: Kept::take(from)?,
            clearance: Kept::take(from)?,
            active_from: Kept::take(from)?,
            active_until: Kept::take(from)?,
            eta: Kept::take(from)?,
            armed: Kept::take(from)?,
            is_started: Kept::take(from)?,
            is_over: Kept::take(from)?,
            has_held: Kept::take(from)?,
            mode: Kept::take(from)?,
            next: RouteSlot::NONE,
            first_stay: StaySlot::NONE,
        })
    }
}

const _: () = assert!(core::mem::offset_of!(RouteLine, eta) == 64, "most positions read no more");
const _: () = assert!(core::mem::offset_of!(RouteLine, later_t) == 128, "nor regular ones more");
const _: () = assert!(size_of::<RouteLine>() == 192, "what is left has a cache line");
