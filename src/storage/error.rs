//! What goes wrong with stored bytes.

use std::io;

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
        move |source| Self::Disk { act, name: name.to_owned(), source }
    }
}
