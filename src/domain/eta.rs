//! Expected times along a route.

use super::ids::{OrderId, RouteId};
use super::time::Time;

/// The times expected at one order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Eta {
    /// When the service is expected to begin; what is reported as the ETA.
    pub eta: Time,
    /// When the courier is expected to arrive.
    pub arrival: Time,
    /// When the courier is expected to leave.
    pub completion: Time,
}

/// A change of the ETA of one order; `eta` absent: the sequence is broken or nothing is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderEta {
    /// The order.
    pub order: OrderId,
    /// The new times.
    pub eta: Option<Eta>,
}

/// One evaluation of a route's ETA; the changed orders stand beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EtaChange {
    /// The route.
    pub route: RouteId,
    /// The instant for which it was evaluated.
    pub now: Time,
    /// What made it change.
    pub cause: EtaCause,
    /// The last accepted fix is older than 300 s.
    pub stale: bool,
}

/// Why an ETA changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EtaCause {
    /// The courier moved.
    Fix,
    /// A stay was met or ended, or the route began.
    Visit,
    /// An order's status was set.
    Status,
    /// The route, its orders or its sequence changed.
    Sequence,
    /// Travel times changed.
    Traffic,
    /// The clock passed it or the courier fell silent.
    Timer,
}

impl EtaCause {
    /// The name in outputs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fix => "fix",
            Self::Visit => "visit",
            Self::Status => "status",
            Self::Sequence => "sequence",
            Self::Traffic => "traffic",
            Self::Timer => "timer",
        }
    }
}
