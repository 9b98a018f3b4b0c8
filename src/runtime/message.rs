//! What walks forward from a shard to the committer: what was stepped, what it told, and who waits
//! for it to be durable.

use std::sync::Arc;

use tokio::sync::mpsc::UnboundedSender;

use super::acks::Ticket;
use super::intake::PartDone;
use super::mailbox::CommandFrame;
use super::rounds::Wanted;
use crate::domain::command::Command;
use crate::engine::output::Outputs;
use crate::storage::codec::input::Chunk;

/// One step of a shard, in the order of its stepping.
pub enum Message {
    /// Positions and ticks.
    Batch(Batch),
    /// This shard's parts of a command frame.
    Command {
        /// The frame.
        frame: Arc<CommandFrame>,
        /// The parts, by their place in the frame.
        parts: Vec<Part>,
    },
    /// Somebody wants a snapshot.
    Snapshot(Wanted),
    /// The shard has pictured all its partitions for a round.
    Pictured(u64),
    /// The shard has ended.
    End,
}

/// Stepped positions and ticks.
#[derive(Default)]
pub struct Batch {
    /// The inputs.
    pub chunk: Chunk,
    /// What they told, without what was dropped.
    pub told: Outputs,
    /// Who waits.
    pub done: Vec<Waiting>,
}

/// One stepped part of a command frame.
pub struct Part {
    /// Its place in the frame.
    pub at: usize,
    /// The command.
    pub command: Command,
    /// Its inputs: ticks, then the command.
    pub chunk: Chunk,
    /// What they told.
    pub told: Outputs,
}

/// A part of a delivery that waits to be durable.
pub struct Waiting {
    /// Who sent it.
    pub ticket: Option<Ticket>,
    /// What to say.
    pub done: PartDone,
    /// To whom.
    pub reply: UnboundedSender<PartDone>,
}
