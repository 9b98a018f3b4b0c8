//! Why bytes are not a frame, and the code that the peer is told.

use thiserror::Error;

use super::{BATCH_MAX, FILTER_VALUES_MAX, FRAME_BODY_MAX, TEXT_BYTES_MAX};

/// What is wrong with a frame. The stream cannot be read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum WireError {
    /// The body is longer than allowed.
    #[error("a frame of {0} bytes: at most {FRAME_BODY_MAX} are allowed")]
    TooLarge(u64),
    /// The body ends inside a value.
    #[error("the frame ends inside a value")]
    Truncated,
    /// Another type stands where this one is due.
    #[error("expected {0}")]
    Expected(&'static str),
    /// A list, map or text is longer than allowed.
    #[error("too many {0}")]
    TooMany(&'static str),
    /// Not a kind that a client sends.
    #[error("unknown kind {0}")]
    UnknownKind(u64),
    /// A value that its type allows but its meaning does not.
    #[error("{0}")]
    Meaning(&'static str),
}

impl WireError {
    /// The code of the error frame: 413 for size, 422 for all else.
    #[must_use]
    pub const fn code(self) -> u16 {
        match self {
            Self::TooLarge(_) => 413,
            Self::Truncated
            | Self::Expected(_)
            | Self::TooMany(_)
            | Self::UnknownKind(_)
            | Self::Meaning(_) => 422,
        }
    }
}

/// What [`WireError::TooMany`] names.
pub(super) mod many {
    /// More than [`super::BATCH_MAX`].
    pub const FIXES: &str = "fixes: at most 1000 in a frame";
    /// More than [`super::FILTER_VALUES_MAX`].
    pub const VALUES: &str = "values in a filter: at most 1000";
    /// More than [`super::TEXT_BYTES_MAX`].
    pub const BYTES: &str = "bytes in a text: at most 4096";
}

const _: () = assert!(BATCH_MAX == 1_000 && FILTER_VALUES_MAX == 1_000 && TEXT_BYTES_MAX == 4_096);
