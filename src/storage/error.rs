//! What goes wrong with stored bytes.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Why something could not be stored or read back.
#[derive(Debug, Error)]
pub enum StorageError {
    /// The disk said no.
    #[error("failed to {act} {name}: {source}")]
    Disk {
        /// What was tried.
        act: &'static str,
        /// On which file.
        name: String,
        /// What the system said.
        source: io::Error,
    },
    /// The disk is full, or the user's part of it.
    #[error(
        "failed to {act} {name}: {source}: make room and start again; \
         nothing that was acknowledged is lost"
    )]
    Full {
        /// What was tried.
        act: &'static str,
        /// On which file.
        name: String,
        /// What the system said.
        source: io::Error,
    },
    /// Another process has the directory.
    #[error("failed to lock the data directory: another daemon is running on it")]
    Locked,
    /// Bytes that were once synced are not what was written.
    #[error("{name} is corrupt at byte {offset}: {found}")]
    Corrupt {
        /// The file.
        name: String,
        /// Where.
        offset: u64,
        /// What is wrong there.
        found: String,
    },
    /// A frame whose checksum holds is of another version of the layout: a later daemon wrote it.
    #[error(
        "{name}, byte {offset}: a frame of version {version}, which this doorstep does not know: \
         start the version that wrote it, or a later one"
    )]
    LaterVersion {
        /// The file.
        name: String,
        /// Where the frame begins.
        offset: u64,
        /// Its version.
        version: u8,
    },
    /// There is a feed log and no journal, from which it was made.
    #[error(
        "the journal is gone: {feed} is there, but not one segment of the journal it was made from"
    )]
    JournalGone {
        /// A file of the feed log.
        feed: String,
    },
    /// A frame does not fit into a segment.
    #[error("a frame of {bytes} bytes is over the limit of {frame_bytes_max}")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        frame_bytes_max: usize,
    },
}

impl StorageError {
    /// A failure of the disk, with what was tried.
    pub fn disk(act: &'static str, name: &str) -> impl FnOnce(io::Error) -> Self {
        move |source| {
            let name = name.to_owned();
            if matches!(source.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded) {
                Self::Full { act, name, source }
            } else {
                Self::Disk { act, name, source }
            }
        }
    }
}

/// Why a data directory is not copied.
#[derive(Debug, Error)]
pub enum BackupError {
    /// A file cannot be used.
    #[error("failed to {act} {}: {source}", path.display())]
    File {
        /// What was tried.
        act: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is something where the copy is to be.
    #[error("{}: not empty: name a directory that is not there", path.display())]
    NotEmpty {
        /// The directory.
        path: PathBuf,
    },
    /// The copy's journal ends before it should.
    #[error("{name} changed while it was copied")]
    Torn {
        /// The segment.
        name: String,
    },
    /// Files went away whenever they were to be copied.
    #[error("{}: the daemon drops files faster than they are copied: try again", path.display())]
    Restless {
        /// The directory.
        path: PathBuf,
    },
    /// The journal cannot be read.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A database cannot be copied.
    #[error("failed to copy a database: {0}")]
    Database(#[from] rusqlite::Error),
}

impl BackupError {
    /// A failure of a file.
    #[must_use]
    pub fn file(act: &'static str, path: &Path, source: io::Error) -> Self {
        Self::File { act, path: path.to_owned(), source }
    }

    /// Whether it may go well at another try: what was to be read went away or changed.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Self::File { act, source, .. } => {
                *act == "read" && source.kind() == ErrorKind::NotFound
            }
            Self::Torn { .. } | Self::Storage(StorageError::Corrupt { .. }) => true,
            Self::NotEmpty { .. }
            | Self::Restless { .. }
            | Self::Storage(_)
            | Self::Database(_) => false,
        }
    }
}
