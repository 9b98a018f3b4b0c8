//! What happened to an order: an entry of its history.

use super::geo::Point;
use super::ids::{OrderId, RouteId};
use super::order::{Initiator, OrderStatus};
use super::policy::Radius;
use super::time::{Time, TimeWindow};

/// An entry of an order's history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderEvent {
    /// The order.
    pub order: OrderId,
    /// The route on which it happened.
    pub route: RouteId,
    /// Device time of the fix that decided it; the receive time where no fix did.
    pub t: Time,
    /// What happened.
    pub kind: EventKind,
}

/// The events of the API documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// The order was stored.
    OrderCreated,
    /// The courier began the route.
    Start,
    /// The order entered the head stop.
    OrderBecameNext,
    /// The status was set.
    StatusUpdate {
        /// The new status.
        status: OrderStatus,
        /// Who set it.
        initiator: Initiator,
    },
    /// The allowed window changed.
    IntervalUpdate {
        /// The new window.
        window: Option<TimeWindow>,
    },
    /// The courier came inside the fence.
    Arrival(StayPoint),
    /// The courier stayed long enough.
    OrderVisit(StayPoint),
    /// The stay ended.
    Departure {
        /// Where and when.
        at: StayPoint,
        /// Whether the order has been visited, in this stay or an earlier one.
        visited: bool,
        /// Why the stay ended.
        reason: EndReason,
    },
}

impl EventKind {
    /// The name used in the API documents.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::OrderCreated => "ORDER_CREATED",
            Self::Start => "START",
            Self::OrderBecameNext => "ORDER_BECAME_NEXT",
            Self::StatusUpdate { .. } => "STATUS_UPDATE",
            Self::IntervalUpdate { .. } => "INTERVAL_UPDATE",
            Self::Arrival(_) => "ARRIVAL",
            Self::OrderVisit(_) => "ORDER_VISIT",
            Self::Departure { .. } => "DEPARTURE",
        }
    }
}

/// The evidence of an event of a stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StayPoint {
    /// Number of the told stay of that order on that route, from 1.
    pub stay: u16,
    /// Where the deciding fix was; [`Point::ANYWHERE`] once that is erased.
    pub point: Point,
    /// Device time of the deciding fix.
    pub device_time: Time,
    /// Best estimate of the true instant.
    pub estimated_time: Time,
    /// The radius in force when the stay began.
    pub used_mark_delivered_radius: Radius,
    /// The dwell was credited across a silence.
    pub inferred: bool,
    /// No fix shows it: the segment between two fixes crossed the fence.
    pub interpolated: bool,
}

impl StayPoint {
    /// The point, unless it was erased.
    #[must_use]
    pub fn place(&self) -> Option<Point> {
        Some(self.point).filter(|&point| point != Point::ANYWHERE)
    }
}

/// Why a stay ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EndReason {
    /// The courier left the fence.
    Left,
    /// The order was cancelled together with its route.
    Cancelled,
    /// The order or its route was deleted.
    Removed,
    /// The order went to another route.
    MovedRoute,
    /// The delivery point changed.
    MovedPoint,
    /// The route went to another courier.
    CourierChanged,
    /// The time of tracking is over.
    TrackingOver,
}

impl EndReason {
    /// The name in the order's history.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Cancelled => "cancelled",
            Self::Removed => "removed",
            Self::MovedRoute => "moved_route",
            Self::MovedPoint => "moved_point",
            Self::CourierChanged => "courier_changed",
            Self::TrackingOver => "tracking_over",
        }
    }
}
