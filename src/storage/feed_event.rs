//! One event of the feed: an output of the engine at its place in the order of all outputs.

use crate::domain::eta::{EtaChange, OrderEta};
use crate::domain::event::OrderEvent;
use crate::domain::ids::{CompanyId, CourierId, EventId, PartitionId, RouteId};
use crate::domain::notification::Notification;
use crate::domain::time::Time;

/// One told fact, at its place in the feed.
#[derive(Clone, Debug, PartialEq)]
pub struct FeedEvent {
    /// Dense, from 1, in journal order.
    pub position: u64,
    /// Its identity, the same in every replay.
    pub id: EventId,
    /// The courier it is about.
    pub courier: CourierId,
    /// The courier's company.
    pub company: CompanyId,
    /// Receive time of the input that made it.
    pub recorded_at: Time,
    /// The deciding fix came more than 300 s after it was taken.
    pub backfilled: bool,
    /// Feed position of the same order's previous history entry; only [`FeedBody::Event`] has one.
    pub previous: Option<u64>,
    /// What is told.
    pub body: FeedBody,
}

impl FeedEvent {
    /// The partition that made it.
    #[must_use]
    pub const fn partition(&self) -> PartitionId {
        self.id.partition
    }
}

/// The kinds of events in the feed.
#[derive(Clone, Debug, PartialEq)]
pub enum FeedBody {
    /// An entry of an order's history.
    Event(OrderEvent),
    /// A message for a customer.
    Notification {
        /// The message.
        notification: Notification,
        /// Counts the company's notifications in feed order, from 1.
        id: u64,
        /// Receive time, or the company's last notification time if that is later.
        time: Time,
    },
    /// The ETAs of a route changed.
    Eta {
        /// The evaluation.
        change: EtaChange,
        /// The changed orders.
        orders: Vec<OrderEta>,
    },
    /// The courier violated the route's sequence; it stays violated.
    RouteViolated {
        /// The route.
        route: RouteId,
        /// Device time of the position that did it.
        t: Time,
    },
}
