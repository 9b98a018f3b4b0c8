//! What the engine tells: outputs in the order in which they came about, in the caller's buffer.

use crate::domain::eta::{EtaChange, OrderEta};
use crate::domain::event::OrderEvent;
use crate::domain::ids::{CourierId, EventId, RouteId};
use crate::domain::notification::Notification;
use crate::domain::time::Time;

/// One told fact.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Output {
    /// Its identity.
    pub id: EventId,
    /// The courier it is about.
    pub courier: CourierId,
    /// Receive time of the input that made it.
    pub recorded_at: Time,
    /// The deciding fix came more than 300 s after it was taken.
    pub backfilled: bool,
    /// What is told.
    pub body: OutputBody,
}

impl Output {
    /// It says only that a position was not evaluated.
    #[must_use]
    pub const fn is_dropped(&self) -> bool {
        matches!(self.body, OutputBody::Dropped { .. })
    }
}

/// The kinds of outputs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum OutputBody {
    /// An entry of an order's history.
    Event(OrderEvent),
    /// A message for a customer.
    Notification(Notification),
    /// The ETAs of a route changed.
    Eta {
        /// The evaluation.
        change: EtaChange,
        /// The changed orders: see [`Outputs::order_etas`].
        orders: EtaRange,
    },
    /// The courier violated the route's sequence; it stays violated.
    RouteViolated {
        /// The route.
        route: RouteId,
        /// Device time of the position that did it.
        t: Time,
    },
    /// A position was not evaluated, and why.
    Dropped {
        /// The route it would have moved; `None`: it came to none.
        route: Option<RouteId>,
        /// Device time of the position.
        t: Time,
        /// Why.
        reason: DropReason,
    },
}

/// Why a position was not evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DropReason {
    /// Taken more than 24 h before it came: refused.
    TooOld,
    /// Taken more than 60 s after it came: refused.
    Future,
    /// The courier is not known: refused.
    UnknownCourier,
    /// The named route is not this courier's: refused.
    Route,
    /// Its source is not allowed: stored only.
    Source,
    /// No active route: stored only.
    Inactive,
    /// Same device time as the last accepted one: stored only.
    Duplicate,
    /// Earlier than the last accepted one: stored only.
    Late,
    /// No courier moves that fast, and the next position disagreed: stored only.
    Jump,
    /// The courier is quarantined: stored only.
    Quarantined,
}

impl DropReason {
    /// Every reason.
    pub const ALL: [Self; 10] = [
        Self::TooOld,
        Self::Future,
        Self::UnknownCourier,
        Self::Route,
        Self::Source,
        Self::Inactive,
        Self::Duplicate,
        Self::Late,
        Self::Jump,
        Self::Quarantined,
    ];

    /// The name in reports and on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TooOld => "too_old",
            Self::Future => "future",
            Self::UnknownCourier => "unknown_courier",
            Self::Route => "route",
            Self::Source => "source",
            Self::Inactive => "inactive",
            Self::Duplicate => "duplicate",
            Self::Late => "late",
            Self::Jump => "jump",
            Self::Quarantined => "quarantined",
        }
    }
}

/// A run of [`OrderEta`] in an [`Outputs`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EtaRange {
    start: u32,
    end: u32,
}

/// The caller's buffer. Cleared by the caller, filled by the engine, never shrunk.
#[derive(Clone, Debug, Default)]
pub struct Outputs {
    list: Vec<Output>,
    order_etas: Vec<OrderEta>,
}

impl Outputs {
    /// Empties the buffer and keeps its memory.
    pub fn clear(&mut self) {
        self.list.clear();
        self.order_etas.clear();
    }

    /// An empty buffer with room for as much as this one holds.
    #[must_use]
    pub fn sibling(&self) -> Self {
        Self {
            list: Vec::with_capacity(self.list.len()),
            order_etas: Vec::with_capacity(self.order_etas.len()),
        }
    }

    /// Adds one told fact.
    pub(super) fn push(&mut self, output: Output) {
        self.list.push(output);
    }

    /// Begins a run of changed orders; see [`Self::end_etas`].
    pub(super) fn begin_etas(&self) -> u32 {
        self.order_etas.len() as u32
    }

    /// Adds one changed order to the run that was begun.
    pub(super) fn push_eta(&mut self, eta: OrderEta) {
        self.order_etas.push(eta);
    }

    /// Ends the run that began at `start`.
    pub(super) fn end_etas(&self, start: u32) -> EtaRange {
        EtaRange { start, end: self.order_etas.len() as u32 }
    }

    /// The told facts since the last clear, in order.
    #[must_use]
    pub fn list(&self) -> &[Output] {
        &self.list
    }

    /// The changed orders of an [`OutputBody::Eta`] in this buffer.
    #[must_use]
    pub fn order_etas(&self, range: EtaRange) -> &[OrderEta] {
        &self.order_etas[range.start as usize..range.end as usize]
    }
}
