//! A customer's job: where, how long, when and in which status.

use super::geo::Point;
use super::ids::OrderId;
use super::policy::Radius;
use super::time::TimeWindow;

/// An order as the engine needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderPlan {
    /// The order.
    pub id: OrderId,
    /// The delivery point (the refined one where the company says so). An order without one stays
    /// open and is passed over by head, violation and ETA.
    pub point: Option<Point>,
    /// The order's own radius; `None`: the depot's, else the company's.
    pub mark_delivered_radius: Option<Radius>,
    /// Expected handover time, seconds.
    pub service_duration_s: u32,
    /// Handover time shared with other orders of the same stop, seconds.
    pub shared_service_duration_s: u32,
    /// When the visit is allowed.
    pub window: Option<TimeWindow>,
    /// When the dwell starts to count; `None`: as the company says.
    pub eta_type: Option<EtaType>,
    /// The status with which an order comes onto the route; later ones come as commands.
    pub status: OrderStatus,
    /// Whether the order was stored just now, so that its history starts with ORDER_CREATED.
    pub created: bool,
}

/// Status of an order, as in the API documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OrderStatus {
    /// Created.
    New,
    /// The delivery time is agreed with the recipient.
    Confirmed,
    /// Delivered.
    Finished,
    /// Delivered in part.
    PartiallyFinished,
    /// Cancelled.
    Cancelled,
    /// Put off.
    Postponed,
}

impl OrderStatus {
    /// Every status.
    pub const ALL: [Self; 6] = [
        Self::New,
        Self::Confirmed,
        Self::Finished,
        Self::PartiallyFinished,
        Self::Cancelled,
        Self::Postponed,
    ];

    /// Whether the order is done with: finished, partially finished or cancelled.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Finished | Self::PartiallyFinished | Self::Cancelled)
    }

    /// The name used in the API documents.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Confirmed => "confirmed",
            Self::Finished => "finished",
            Self::PartiallyFinished => "partially_finished",
            Self::Cancelled => "cancelled",
            Self::Postponed => "postponed",
        }
    }

    /// The status of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }
}

/// Who set a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Initiator {
    /// The engine, after a visit. The Track & Trace view calls it `yandex`.
    Engine,
    /// The courier's app.
    App,
    /// A caller of the API.
    UserApi,
}

impl Initiator {
    /// The name used in the API documents.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Engine => "yandex",
            Self::App => "app",
            Self::UserApi => "user_api",
        }
    }
}

/// From when the dwell counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EtaType {
    /// From the arrival.
    ArrivalTime,
    /// Not before the window's start.
    DeliveryTime,
}

impl EtaType {
    /// The name used in the API documents.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ArrivalTime => "arrival_time",
            Self::DeliveryTime => "delivery_time",
        }
    }
}
