//! Admission's way in: a whole command becomes one journal frame, all of it or nothing.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

use super::error::CommandError;
use super::intake::shard_of;
use super::mailbox::{CommandFrame, CommandsMail, Mail, Weight};
use super::node::Shared;
use super::partition::partition_of;
use super::room::Room;
use crate::domain::command::Command;
use crate::domain::ids::{CompanyId, CourierId, PartitionId};
use crate::domain::time::Time;
use crate::storage::bytes::Writer;
use crate::storage::codec::commands::put_command;

/// A command frame that is stepped and durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The frame's number among the command frames: dense, from 1, the same in every recovery.
    pub journal_place: u64,
    /// Receive time of the frame.
    pub at: Time,
}

/// A committed frame's note, as recovery hands it back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The frame's number among the command frames.
    pub journal_place: u64,
    /// Receive time of the frame.
    pub at: Time,
    /// What was given to [`Commands::commit`].
    pub bytes: Vec<u8>,
}

/// A frame under way.
#[derive(Debug)]
pub struct Pending {
    receiver: oneshot::Receiver<Committed>,
}

impl Pending {
    /// Waits until the frame is durable.
    ///
    /// # Errors
    /// The node failed meanwhile: whether the frame is durable is known after recovery.
    pub async fn wait(self) -> Result<Committed, CommandError> {
        self.receiver.await.map_err(|_| CommandError::Stopped)
    }

    /// Waits until the frame is durable, on a plain thread.
    ///
    /// # Errors
    /// As [`Self::wait`].
    pub fn wait_blocking(self) -> Result<Committed, CommandError> {
        self.receiver.blocking_recv().map_err(|_| CommandError::Stopped)
    }
}

/// The way in for commands. Cheap to clone.
///
/// A part goes to the partition of its courier ([`super::partition::partition_of`]); a policy goes
/// to every partition of which the company has couriers, or to all. Once a frame is committed,
/// every question to [`super::views::Views`] sees it.
#[derive(Clone)]
pub struct Commands {
    shared: Arc<Shared>,
}

impl Commands {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Says whether a courier's document has its device fall silent while it stands: what comes in
    /// of it is marked so.
    pub fn declare_silent_when_still(&self, courier: CourierId, is_silent: bool) {
        self.shared.directory.declare(courier, is_silent);
    }

    /// The partitions in which each company has couriers.
    #[must_use]
    pub fn partitions_of_companies(&self) -> BTreeSet<(CompanyId, PartitionId)> {
        let directory = self.shared.directory.open();
        let listed = directory.companies();
        listed.map(|(courier, company)| (company, partition_of(company, courier))).collect()
    }

    /// How many commands about a courier wait for the end of its quarantine; 0 if it is in none.
    pub(super) fn waiting(&self, courier: CourierId) -> usize {
        self.shared.directory.waiting(courier)
    }

    /// Whether there is room on the disk.
    pub(super) fn room(&self) -> &Arc<Room> {
        &self.shared.room
    }

    /// The number of the last command frame: what recovery found, and what was begun since.
    #[must_use]
    pub fn last_place(&self) -> u64 {
        *self.shared.last_place.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins to commit the parts, in order, and the note, as one frame. Frames are stepped in the
    /// order of these calls. A frame may have no part at all.
    ///
    /// # Errors
    /// Too large for one frame, no room in a mailbox, or the node has stopped. Nothing was taken.
    pub fn begin(
        &self,
        parts: Vec<(PartitionId, Command)>,
        note: Vec<u8>,
    ) -> Result<Pending, CommandError> {
        self.check_size(&parts, &note)?;
        let split = self.split(parts);
        let (reply, receiver) = oneshot::channel();
        // Frames are numbered and put into all mailboxes in one order.
        let mut place = self.shared.last_place.lock().unwrap_or_else(PoisonError::into_inner);
        if self.shared.fault.has_ended() {
            return Err(CommandError::Stopped);
        }
        if self.shared.room.is_full() {
            return Err(CommandError::DiskFull);
        }
        self.reserve(&split)?;
        *place += 1;
        let frame = Arc::new(CommandFrame {
            place: *place,
            at: self.shared.clock.now(),
            shards: split.len(),
            note,
            reply: Mutex::new(Some(reply)),
        });
        for (shard, parts) in split {
            let mail = Mail::Commands(CommandsMail { frame: Arc::clone(&frame), parts });
            if !self.shared.mailboxes[shard].put(mail) {
                return Err(CommandError::Stopped);
            }
        }
        Ok(Pending { receiver })
    }

    /// Commits the parts and the note as one frame.
    ///
    /// # Errors
    /// As [`Self::begin`] and [`Pending::wait`].
    pub async fn commit(
        &self,
        parts: Vec<(PartitionId, Command)>,
        note: Vec<u8>,
    ) -> Result<Committed, CommandError> {
        self.begin(parts, note)?.wait().await
    }

    /// Commits on a plain thread. Panics inside an asynchronous task.
    ///
    /// # Errors
    /// As [`Self::commit`].
    pub fn commit_blocking(
        &self,
        parts: Vec<(PartitionId, Command)>,
        note: Vec<u8>,
    ) -> Result<Committed, CommandError> {
        self.begin(parts, note)?.wait_blocking()
    }

    /// The parts by shard; a frame without any goes to the first.
    fn split(&self, parts: Vec<(PartitionId, Command)>) -> Vec<(usize, ShardParts)> {
        let shards = self.shared.mailboxes.len();
        let mut split: Vec<ShardParts> = (0..shards).map(|_| Vec::new()).collect();
        for (at, (partition, command)) in parts.into_iter().enumerate() {
            split[shard_of(partition, shards)].push((at, partition, command));
        }
        let is_empty = split.iter().all(Vec::is_empty);
        let split = split.into_iter().enumerate();
        split.filter(|(shard, parts)| !parts.is_empty() || is_empty && *shard == 0).collect()
    }

    /// Whether it fits into one frame, so that nothing is stepped that cannot be journalled.
    fn check_size(
        &self,
        parts: &[(PartitionId, Command)],
        note: &[u8],
    ) -> Result<(), CommandError> {
        let mut encoded = Writer::default();
        for (_, command) in parts {
            put_command(&mut encoded, command);
        }
        let bytes = encoded.bytes.len() + parts.len() * PART_OVERHEAD + note.len();
        let fits = parts.len() <= COMMAND_PARTS_MAX && note.len() <= NOTE_BYTES_MAX;
        if fits && bytes <= self.shared.command_bytes_max {
            Ok(())
        } else {
            Err(CommandError::TooLarge)
        }
    }

    fn reserve(&self, split: &[(usize, ShardParts)]) -> Result<(), CommandError> {
        for (at, (shard, parts)) in split.iter().enumerate() {
            if !self.shared.mailboxes[*shard].reserve(Weight::Others(parts.len())) {
                for (shard, parts) in &split[..at] {
                    self.shared.mailboxes[*shard].release(Weight::Others(parts.len()));
                }
                return Err(CommandError::Overloaded);
            }
        }
        Ok(())
    }
}

type ShardParts = Vec<(usize, PartitionId, Command)>;

/// Most parts of one frame.
pub const COMMAND_PARTS_MAX: usize = 16_384;
/// Longest note.
pub const NOTE_BYTES_MAX: usize = 8 << 20;
/// A part's stamp takes at most so many bytes, a tick or two before it included.
const PART_OVERHEAD: usize = 96;
