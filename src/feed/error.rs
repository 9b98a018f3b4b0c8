//! What keeps a reader from its events.

use thiserror::Error;

use crate::storage::error::StorageError;

/// Why a subscription cannot begin or go on.
#[derive(Debug, Error)]
pub enum FeedError {
    /// The text is no cursor that we gave.
    #[error("\"{0}\" is not a cursor")]
    Cursor(String),
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
