//! What this layer refuses, in words that say what was expected.

use std::path::Path;

use thiserror::Error;

use super::admission::Refusal;
use super::intake::Delivery;
use crate::domain::ids::{CourierId, PartitionId};
use crate::storage::catalog::Catalog;
use crate::storage::catalog::error::CatalogError;
use crate::storage::error::StorageError;

/// Why a written time is not one.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LocalTimeError {
    /// Not an IANA time zone.
    #[error("\"{0}\" is not a time zone: expected an IANA name such as Europe/Berlin or UTC")]
    Zone(String),
    /// Not a date.
    #[error("\"{0}\" is not a date: expected YYYY-MM-DD")]
    Date(String),
    /// Not an instant.
    #[error(
        "\"{0}\" is not a time: expected ISO 8601 with an offset or Z, \
         such as 2018-09-06T10:15:00+03:00"
    )]
    Instant(String),
    /// Neither of the two forms of `time_interval`.
    #[error(
        "\"{0}\" is not a time interval: expected \"T - T\" with T = [d.]HH, HH:MM or HH:MM:SS, \
         or two ISO 8601 times with offsets, such as \
         2018-09-06T10:15:00+03:00/2018-09-06T12:45:00+03:00"
    )]
    Interval(String),
    /// Not a time of day as routes have them.
    #[error("\"{0}\" is not a time of day: expected [d.]HH:MM or [d.]HH:MM:SS")]
    RouteTime(String),
    /// 24 as a start.
    #[error(
        "\"{0}\" starts at 24: 24 is allowed as an end only; write 0, or 1.00 for the next day"
    )]
    StartsAt24(String),
    /// The end lies before the start even when it means the next day.
    #[error("\"{0}\" ends before it starts, even when its end means the next day")]
    EndsBeforeStart(String),
    /// Outside the years that can be written.
    #[error("\"{0}\" is outside the years 1 to 9999")]
    Range(String),
}

/// Why a delivery was not taken.
#[derive(Debug, Error)]
pub enum SubmitError {
    /// A shard has no room now; here is the delivery.
    #[error("no room: submit again before any later delivery of the same sender")]
    Overloaded(Box<Delivery>),
    /// More positions than one delivery may have.
    #[error("more than {delivery_fixes_max} positions in one delivery")]
    TooLarge {
        /// The limit.
        delivery_fixes_max: usize,
    },
    /// The disk is full.
    #[error("{DISK_FULL}")]
    DiskFull,
    /// The node takes nothing more.
    #[error("the node has stopped")]
    Stopped,
}

/// Why a command was not committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CommandError {
    /// A shard has no room now. Nothing was taken.
    #[error("no room: try again")]
    Overloaded,
    /// It would not fit into one journal frame. Nothing was taken.
    #[error("the command is too large for one journal frame")]
    TooLarge,
    /// The disk is full. Nothing was taken.
    #[error("{DISK_FULL}")]
    DiskFull,
    /// The node takes nothing more; a command under way may turn out to be durable.
    #[error("the node has stopped")]
    Stopped,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ViewError {
    /// The shard is too busy.
    #[error("no answer in time: try again")]
    Busy,
    /// The node takes no questions any more.
    #[error("the node has stopped")]
    Stopped,
}

/// Why there is no snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SnapshotError {
    /// The first shard is too busy to be asked.
    #[error("no room: try again")]
    Busy,
    /// The disk failed; the older snapshots are as they were.
    #[error("failed to take a snapshot: {0}")]
    Failed(String),
    /// The snapshot is durable, but older segments of the journal are still needed.
    #[error(
        "the snapshot is durable, but {0} still needs older segments of the journal: try again"
    )]
    Held(&'static str),
    /// What a start with the snapshot would not tell somebody is not durable elsewhere.
    #[error("{0} is not durable up to where the snapshot begins: try again")]
    Unfounded(&'static str),
    /// It took too long.
    #[error("the snapshot was not done in time")]
    Late,
    /// The node takes nothing more.
    #[error("the node has stopped")]
    Stopped,
}

/// Why a node does not run.
#[derive(Debug, Error)]
pub enum RuntimeError {
    /// The data directory cannot be used.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// What is in the journal contradicts itself.
    #[error("failed to replay the journal at input {sequence} of partition {partition}: {found}")]
    Replay {
        /// The partition.
        partition: PartitionId,
        /// The input's sequence there.
        sequence: u64,
        /// What is wrong.
        found: String,
    },
    /// A whole frame holds what no writer writes.
    #[error("a whole frame cannot be understood: it may be of a later version")]
    Unreadable,
    /// An input panicked in replay, which is noted.
    #[error(
        "evaluating courier {courier} panicked in replay, at input {sequence} of partition \
         {partition}: start again; if that happens twice the courier is quarantined"
    )]
    Panicked {
        /// The courier.
        courier: CourierId,
        /// The partition.
        partition: PartitionId,
        /// The input's sequence there.
        sequence: u64,
    },
    /// Snapshots are there, but not one is whole, and the journal's beginning is gone.
    #[error(
        "no snapshot is whole, and the journal begins only with {first}: put back a copy of the \
         data directory ({causes})"
    )]
    NoSnapshot {
        /// The first segment that is there.
        first: String,
        /// What is wrong with the snapshots.
        causes: String,
    },
    /// A frame cannot be replayed.
    #[error("{name}, byte {offset}: {source}")]
    Frame {
        /// The segment.
        name: String,
        /// Where the frame begins.
        offset: u64,
        /// Why.
        source: Box<Self>,
    },
    /// A thread could not be started.
    #[error("failed to start a thread: {0}")]
    Thread(#[from] std::io::Error),
    /// The node had failed before it was stopped.
    #[error("the node failed: {0}")]
    Failed(String),
}

impl RuntimeError {
    /// The same, with the frame in which it was found.
    #[must_use]
    pub fn at(self, name: &str, offset: u64) -> Self {
        Self::Frame { name: name.to_owned(), offset, source: Box::new(self) }
    }
}

/// Why a token cannot be drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AccessError {
    /// The operating system has no randomness to give.
    #[error("failed to draw a token: the operating system gives no random bytes")]
    Randomness,
}

/// Why admission does not start.
#[derive(Debug, Error)]
pub enum AdmissionError {
    /// The catalog cannot be used.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The journal lost commands that the catalog holds, or they are not of one daemon.
    #[error(
        "the catalog holds command {applied}, the journal ends at {journal}: \
         they do not belong together, or the journal lost what was not synced"
    )]
    Ahead {
        /// The catalog's last command.
        applied: u64,
        /// The journal's.
        journal: u64,
    },
    /// The catalog misses commands that the journal no longer holds.
    #[error(
        "the catalog holds the commands up to {applied}, and the journal only those from {journal} \
         on: put back a copy of the data directory, with journal and catalog of one moment"
    )]
    Behind {
        /// The catalog's last command.
        applied: u64,
        /// The first that the journal could give.
        journal: u64,
    },
    /// A thread could not be started.
    #[error("failed to start a thread: {0}")]
    Thread(#[from] std::io::Error),
}

impl AdmissionError {
    /// The same, with the file and what to do if the catalog of a data directory is damaged.
    #[must_use]
    pub fn in_directory(self, directory: &Path) -> Self {
        match self {
            Self::Catalog(error) => Self::Catalog(Catalog::damaged(error, directory)),
            other => other,
        }
    }
}

/// Why notifications cannot be listed.
#[derive(Debug, Error)]
pub enum NotificationsError {
    /// The catalog cannot be used.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The feed cannot be read.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Why a track cannot be read.
#[derive(Debug, Error)]
pub enum TracksError {
    /// There is no answer.
    #[error(transparent)]
    View(#[from] ViewError),
    /// The tracks on disk cannot be read.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Why what is too old does not go.
#[derive(Debug, Error)]
pub enum RetentionError {
    /// The feed cannot be read or written.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The catalog cannot be read.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The node has stopped.
    #[error(transparent)]
    View(#[from] ViewError),
}

/// Why an erasure is not finished.
#[derive(Debug, Error)]
pub enum ErasureError {
    /// The documents are not changed.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The catalog or the ledger cannot be used.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The feed cannot be read or written.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// There is no snapshot without the courier.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// The tracks are not written anew.
    #[error(transparent)]
    View(#[from] ViewError),
}

/// What is said while there is no room.
pub const DISK_FULL: &str = "the disk is full: nothing new is stored until there is room; nothing that was acknowledged is lost";
