//! What comes into the engine: one journalled fact with its stamp.

use crate::domain::command::Command;
use crate::domain::ids::{CourierId, PartitionId, RouteId};
use crate::domain::position::Position;
use crate::domain::time::Time;

/// One stamped fact. In one partition sequences rise by one and receive times never step back.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// The partition that owns the fact.
    pub partition: PartitionId,
    /// Its number in that partition, from 1.
    pub sequence: u64,
    /// The server's clock when it came.
    pub received_at: Time,
    /// The fact.
    pub body: InputBody,
}

/// The kinds of facts.
#[derive(Clone, Debug, PartialEq)]
pub enum InputBody {
    /// A courier's device was somewhere.
    Position {
        /// The courier.
        courier: CourierId,
        /// The route it moves; `None`: every active route of the courier.
        route: Option<RouteId>,
        /// Where and when.
        position: Position,
        /// Its shard was behind: no ETA is evaluated because it is time to, all else is done.
        sheds_eta: bool,
    },
    /// The documents changed.
    Command(Box<Command>),
    /// A deadline of the partition was due; `received_at` is the deadline's own time, or the
    /// partition's last receive time if that is later.
    Tick,
}
