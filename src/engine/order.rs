//! One order of a route: forty bytes, since a large fleet has twenty for each courier.

use super::stay::StaySlot;
use super::terms::{Terms, TermsSlot, TermsTable};
use crate::domain::geo::Point;
use crate::domain::ids::OrderId;
use crate::domain::order::{OrderPlan, OrderStatus};
use crate::domain::policy::Policy;
use crate::domain::time::Time;

/// One order of a route.
#[derive(Clone, Debug)]
pub struct Order {
    /// The order.
    pub id: OrderId,
    /// Its point, or [`Point::NOWHERE`].
    pub(super) place: Point,
    /// The ETA told last, or [`Self::NO_ETA`].
    pub told_eta: Time,
    /// Travel time from the order just before, milliseconds, or [`Self::NO_LEG`].
    pub leg_ms: u32,
    /// The open stay.
    pub stay: StaySlot,
    /// Number of told stays.
    pub stays_told: u16,
    /// Its terms in the route's table.
    pub(super) terms: TermsSlot,
    /// `nearby` thresholds that are latched: one bit each.
    pub nearby_latched: u8,
    /// `nearby` thresholds by time that held in the last regular evaluation: one bit each.
    pub nearby_primed: u8,
    /// Status.
    pub status: OrderStatus,
    /// Its [`Mark`]s, and above them its [`ShiftStart`].
    pub(super) marks: u8,
}

/// A flag of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// ORDER_VISIT has been told.
    Visited = 1,
    /// In the head stop now.
    Next = 2,
    /// In the head stop before this input, or since told to be.
    WasNext = 4,
    /// The clock has passed the told ETA and moved it since the last evaluation.
    Overdue = 8,
    /// It and the order after it have points, no third one is at both, and the travel time from
    /// the order before it is known.
    Single = 16,
    /// Passed over by a violation since the sequence was set.
    Skipped = 32,
}

/// Where an order's `shift_start` stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShiftStart {
    /// START has not been told for the order.
    Waiting,
    /// To be raised at the first fresh position while the order is open.
    Due,
    /// The order was not open when the route started.
    Never,
    /// Raised.
    Told,
}

impl Order {
    /// No ETA has been told.
    pub const NO_ETA: Time = Time::DISTANT_PAST;
    /// The travel time is not known.
    pub const NO_LEG: u32 = u32::MAX;

    /// An order that comes onto a route.
    pub fn new(plan: &OrderPlan, table: &mut TermsTable) -> Self {
        Self {
            id: plan.id,
            place: plan.point.unwrap_or(Point::NOWHERE),
            told_eta: Self::NO_ETA,
            leg_ms: Self::NO_LEG,
            stay: StaySlot::NONE,
            stays_told: 0,
            terms: table.intern(Terms::of(plan)),
            nearby_latched: 0,
            nearby_primed: 0,
            status: plan.status,
            marks: 0,
        }
    }

    /// Takes over what a document says; state stays.
    pub fn edit(&mut self, plan: &OrderPlan, table: &mut TermsTable) {
        self.place = plan.point.unwrap_or(Point::NOWHERE);
        self.terms = table.intern(Terms::of(plan));
    }

    /// Whether a flag is set.
    pub const fn is(&self, mark: Mark) -> bool {
        self.marks & mark as u8 != 0
    }

    /// Sets or clears a flag.
    pub const fn mark(&mut self, mark: Mark, is_set: bool) {
        self.marks = if is_set { self.marks | mark as u8 } else { self.marks & !(mark as u8) };
    }

    /// Where `shift_start` stands.
    pub const fn shift_start(&self) -> ShiftStart {
        match self.marks >> SHIFT_START_AT {
            0 => ShiftStart::Waiting,
            1 => ShiftStart::Due,
            2 => ShiftStart::Never,
            _ => ShiftStart::Told,
        }
    }

    /// Notes where `shift_start` stands.
    pub const fn set_shift_start(&mut self, state: ShiftStart) {
        let rest = self.marks & ((1 << SHIFT_START_AT) - 1);
        self.marks = rest | (state as u8) << SHIFT_START_AT;
    }

    /// The delivery point.
    pub fn point(&self) -> Option<Point> {
        self.has_point().then_some(self.place)
    }

    /// Whether it has a delivery point.
    pub fn has_point(&self) -> bool {
        self.place != Point::NOWHERE
    }

    /// Whether START has been told for this order.
    pub fn is_started(&self) -> bool {
        self.shift_start() != ShiftStart::Waiting
    }

    /// Open: still to be visited.
    pub fn is_open(&self, policy: &Policy) -> bool {
        !self.status.is_terminal() && (!self.is(Mark::Visited) || policy.delivery_by_order_statuses)
    }

    /// Not ahead, without an ETA told, not primed for `nearby`: nothing is to be told of it.
    pub fn is_behind(&self, policy: &Policy) -> bool {
        !self.is_ahead(policy) && self.told_eta == Self::NO_ETA && self.nearby_primed == 0
    }

    /// Open and with a point: counts for head, violation and ETA.
    pub fn is_ahead(&self, policy: &Policy) -> bool {
        self.has_point() && self.is_open(policy)
    }
}

/// The two uppermost bits of the marks say where `shift_start` stands.
const SHIFT_START_AT: u8 = 6;

const _: () = assert!(size_of::<Order>() == 40, "most of an engine's memory");
