//! What the sessions work with: the ways into the node, and who may come in.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use crate::domain::ids::OrderId;
use crate::domain::order::OrderStatus;
use crate::feed::press::Press;
use crate::runtime::access::{Access, Grant};
use crate::runtime::clock::Clock;
use crate::runtime::intake::Intake;
use crate::runtime::views::Views;

/// The handles that every session shares.
#[derive(Clone)]
pub struct QuicServices {
    /// Who may come in.
    pub access: Arc<Access>,
    /// The way in for positions.
    pub intake: Intake,
    /// What subscribers read.
    pub press: Arc<Press>,
    /// Where devices' routes are looked up.
    pub views: Views,
    /// The daemon's clock.
    pub clock: Clock,
    /// The way to admission for statuses; `None`: there is none, and they are answered so.
    pub statuses: Option<mpsc::Sender<StatusRequest>>,
}

/// A courier's app sets an order's status. Whoever drops `reply` has not taken it.
#[derive(Debug)]
pub struct StatusRequest {
    /// The device: the order must be on a route of its courier.
    pub grant: Grant,
    /// The order.
    pub order: OrderId,
    /// The new status.
    pub status: OrderStatus,
    /// What the courier says of it.
    pub comment: Option<String>,
    /// The answer: nothing, or why not.
    pub reply: oneshot::Sender<Result<(), String>>,
}
