//! What the oracle tells, in domain types, so that it can be laid beside the engine's outputs.

use crate::domain::eta::{EtaChange, OrderEta};
use crate::domain::event::OrderEvent;
use crate::domain::ids::{CourierId, RouteId};
use crate::domain::notification::Notification;
use crate::domain::time::Time;

/// One told fact.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// The courier it is about.
    pub courier: CourierId,
    /// The deciding position came more than 300 s after it was taken.
    pub backfilled: bool,
    /// What is told.
    pub body: ToldBody,
}

/// The kinds of told facts.
#[derive(Clone, Debug, PartialEq)]
pub enum ToldBody {
    /// An entry of an order's history.
    Event(OrderEvent),
    /// A message for a customer.
    Notification(Notification),
    /// The ETAs of a route changed.
    Eta {
        /// The evaluation.
        change: EtaChange,
        /// The changed orders.
        orders: Vec<OrderEta>,
    },
    /// The courier violated the route's sequence.
    RouteViolated {
        /// The route.
        route: RouteId,
        /// Device time of the position that did it.
        t: Time,
    },
    /// A position was not evaluated.
    Dropped {
        /// The route it would have moved, or was named to; `None`: it came to none.
        route: Option<RouteId>,
        /// Its device time.
        t: Time,
        /// Why, as the wire says it.
        reason: &'static str,
    },
}
