//! What keeps a reader from its events.

use thiserror::Error;

use super::cursor::Cursor;
use crate::storage::error::StorageError;

/// Why a subscription cannot begin or go on.
#[derive(Debug, Error)]
pub enum FeedError {
    /// The text is no cursor that we gave.
    #[error("\"{0}\" is not a cursor")]
    Cursor(String),
    /// We never gave such a cursor: nothing has been told up to there.
    #[error("\"{cursor}\" lies beyond the feed's end, which is \"{head}\"")]
    Ahead {
        /// The cursor.
        cursor: Cursor,
        /// The last one that was given.
        head: Cursor,
    },
    /// No event has such a type.
    #[error("\"{0}\" is not a type of event")]
    Type(String),
    /// The feed cannot be read.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The node has stopped.
    #[error("the daemon is stopping")]
    Stopped,
}
