//! A message for the customer: the route began, the courier is near.

use super::ids::{OrderId, RouteId};
use super::time::Time;

/// A message about one order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notification {
    /// The order.
    pub order: OrderId,
    /// Its route.
    pub route: RouteId,
    /// Device time of the fix that raised it.
    pub t: Time,
    /// What it says.
    pub kind: NotificationKind,
    /// Expected arrival, where there is one.
    pub eta: Option<Time>,
}

/// What a notification says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotificationKind {
    /// The courier began the route.
    ShiftStart,
    /// The courier is near.
    Nearby(NearbyTrigger),
}

impl NotificationKind {
    /// The name used in the API documents.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ShiftStart => "shift_start",
            Self::Nearby(_) => "nearby",
        }
    }
}

/// What made a courier near.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NearbyTrigger {
    /// The ETA came within the company's threshold of this index.
    Eta(u8),
    /// The courier came within the company's distance.
    Distance,
    /// The courier arrived before any threshold was met.
    Arrival,
}
