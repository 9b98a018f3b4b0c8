//! The feed log.

use super::error::StorageError;
use super::feed_event::FeedEvent;

/// The feed log.
#[derive(Debug, Default)]
pub struct FeedLog {}

impl FeedLog {
    /// Reads on.
    ///
    /// # Errors
    /// The disk fails.
    pub fn read(&self, after: u64, events_max: usize) -> Result<Vec<FeedEvent>, StorageError> {
        let _ = (after, events_max);
        Ok(Vec::new())
    }
}
