//! Why a command failed, as the lines it leaves on stderr.

use std::io;

use thiserror::Error;

use super::client::error::ClientError;
use crate::daemon::error::DaemonError;
use crate::ingest::error::FileError;
use crate::storage::error::{BackupError, StorageError};

/// What ends a command before its work is done.
#[derive(Debug, Error)]
pub enum CliError {
    /// The plan is not valid: one line per error, each with its place.
    #[error("{0}")]
    Plan(String),
    /// A file of positions cannot be read, or a row of it cannot be parsed.
    #[error(transparent)]
    Positions(#[from] FileError),
    /// A row that cannot be parsed, where another flag would have passed over it.
    #[error("{0} (--skip-bad passes over such rows)")]
    BadRow(FileError),
    /// A file of truth or stops cannot be used: the line says where and why.
    #[error("{0}")]
    Truth(String),
    /// A batch in the positions file has no end.
    #[error("{file}:{line}: batch: more than {max} rows in one batch")]
    BatchTooLarge {
        /// The file.
        file: String,
        /// The row that is one too many.
        line: u64,
        /// How many are allowed.
        max: usize,
    },
    /// An argument is not what it should be.
    #[error("{0}")]
    Argument(String),
    /// The daemon does not start, or had to give up.
    #[error(transparent)]
    Daemon(#[from] DaemonError),
    /// Engine and oracle told different things.
    #[error("engine and oracle disagree")]
    Disagreement,
    /// The daemon cannot be talked to.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// Positions were sent that the daemon did not acknowledge.
    #[error("not every position was acknowledged")]
    NotAcked,
    /// A benchmark found positions or events missing, or told twice.
    #[error("not every position was acknowledged and every event told once")]
    NotWhole,
    /// A data directory cannot be read, or holds what was not written so.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A data directory cannot be copied.
    #[error(transparent)]
    Backup(#[from] BackupError),
    /// The results cannot be written.
    #[error("failed to write the results: {0}")]
    Output(#[from] io::Error),
}

impl CliError {
    /// Whether whoever read the results has gone away, which is no failure.
    #[must_use]
    pub fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}
