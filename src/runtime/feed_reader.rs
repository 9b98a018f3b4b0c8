//! The feed for its readers: pages by position, the history of an order, and the news that there is
//! more. Readers hold a position and nothing else; their lag costs nobody anything.

use std::sync::Arc;

use tokio::sync::watch;

use super::node::Shared;
use crate::domain::ids::OrderId;
use crate::domain::time::Time;
use crate::storage::error::StorageError;
pub use crate::storage::feed_event::{FeedBody, FeedEvent};
use crate::storage::feed_log::FeedLog;
use crate::storage::feed_log::erase::FeedKeeping;

/// A run of events.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FeedPage {
    /// The events, in order.
    pub events: Vec<FeedEvent>,
    /// Read on after this position.
    pub next: u64,
    /// What could not be given any more.
    pub gap: Option<FeedGap>,
}

/// Events that are past retention.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedGap {
    /// The first position that is missing.
    pub first_missing: u64,
    /// The first that is there.
    pub first_available: u64,
}

/// The feed. Cheap to clone. Everything in it is durable.
#[derive(Clone)]
pub struct Feed {
    shared: Arc<Shared>,
}

impl Feed {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// At most `events_max` events after a position; 0 is before the first.
    ///
    /// # Errors
    /// The feed log cannot be read.
    pub fn read(&self, after: u64, events_max: usize) -> Result<FeedPage, StorageError> {
        let events = self.shared.feed.read(after, events_max.min(PAGE_EVENTS_MAX))?;
        let next = events.last().map_or(after, |event| event.position);
        let first_missing = after + 1;
        let gap = events.first().filter(|event| event.position > first_missing);
        let gap = gap.map(|event| FeedGap { first_missing, first_available: event.position });
        Ok(FeedPage { events, next, gap })
    }

    /// Removes whole segments of the feed that hold only events from before an instant, or that are
    /// too much, the oldest first; what a start would need of the feed stays. Says how many.
    ///
    /// # Errors
    /// The disk fails.
    pub fn let_go(&self, since: Time, bytes_max: u64) -> Result<u64, StorageError> {
        let feed = &self.shared.feed;
        // Without a snapshot a start makes the feed from its first event on.
        let Some(needed_from) = feed.needed_by_snapshots()? else { return Ok(0) };
        feed.let_go(&FeedKeeping { since, bytes_max, needed_from })
    }

    /// The log itself, for whoever takes something out of it.
    pub(super) fn log(&self) -> &FeedLog {
        &self.shared.feed
    }

    /// Position of the first event that is still there; 1, if there is none yet.
    #[must_use]
    pub fn first(&self) -> u64 {
        self.shared.feed.first()
    }

    /// Position of the last event; 0: there is none.
    #[must_use]
    pub fn head(&self) -> u64 {
        *self.shared.head.borrow()
    }

    /// Follows the head. It closes when the node is gone.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.shared.head.subscribe()
    }

    /// Waits until there are events after a position, and gives the head; `None`: the node failed.
    pub async fn wait_beyond(&self, position: u64) -> Option<u64> {
        let (mut head, mut fault) = (self.watch(), self.shared.fault.watch());
        tokio::select! {
            biased;
            beyond = head.wait_for(|&head| head > position) => beyond.ok().map(|head| *head),
            _ = fault.wait_for(|&failed| failed) => None,
        }
    }

    /// The history of an order, oldest first: at most its last [`HISTORY_EVENTS_MAX`] entries.
    ///
    /// # Errors
    /// The feed log cannot be read.
    pub fn history(&self, order: OrderId) -> Result<Vec<FeedEvent>, StorageError> {
        let mut events = Vec::new();
        let mut position = self.shared.chain.last(order);
        while let Some(at) = position
            && events.len() < HISTORY_EVENTS_MAX
        {
            let event = self.shared.feed.read(at - 1, 1)?.pop();
            // What is past retention is gone.
            let Some(event) = event.filter(|event| event.position == at) else { break };
            position = event.previous;
            events.push(event);
        }
        events.reverse();
        Ok(events)
    }
}

/// Most events of one page.
pub const PAGE_EVENTS_MAX: usize = 10_000;
/// Most entries of one history.
pub const HISTORY_EVENTS_MAX: usize = 10_000;
