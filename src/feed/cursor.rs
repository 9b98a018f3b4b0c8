//! The opaque text that stands for everything up to a place in the feed.

use core::fmt;

use super::error::FeedError;

/// A place in the feed: everything up to it has been seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor(pub u64);

impl Cursor {
    /// The cursor of a text that we gave.
    ///
    /// # Errors
    /// We gave no such text.
    pub fn parse(text: &str) -> Result<Self, FeedError> {
        let is_ours = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let position = if is_ours { text.parse().ok() } else { None };
        position.map(Self).ok_or_else(|| FeedError::Cursor(text.to_owned()))
    }

    /// The cursor, if the feed goes that far.
    ///
    /// # Errors
    /// It lies beyond `head`: it is of another feed, and waiting there would pass events over.
    pub const fn within(self, head: u64) -> Result<Self, FeedError> {
        if self.0 > head {
            return Err(FeedError::Ahead { cursor: self, head: Self(head) });
        }
        Ok(self)
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Of one width, so that texts sort as places do.
        write!(f, "{:020}", self.0)
    }
}
