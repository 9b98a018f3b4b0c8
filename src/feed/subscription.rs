//! Follows the feed for one subscriber: pages of what passes its filter, from a cursor on, waiting
//! where the feed ends. Holds one page at most, however slow its reader is.

use std::sync::Arc;

use super::cursor::Cursor;
use super::error::FeedError;
use super::filter::Filter;
use super::press::{Press, Printed};

/// One subscriber's place in the feed.
#[derive(Clone)]
pub struct Subscription {
    press: Arc<Press>,
    filter: Filter,
    position: Cursor,
}

/// What comes next.
#[derive(Clone, Debug)]
pub enum News {
    /// Events in order; everything up to `cursor` has been told with them.
    Batch {
        /// The end of the batch.
        cursor: Cursor,
        /// The events that passed the filter, maybe none.
        events: Vec<Arc<Printed>>,
    },
    /// Events are gone: the next batch begins at `first_available`.
    Gap {
        /// The first place that is missing.
        first_missing: Cursor,
        /// The first that is there.
        first_available: Cursor,
    },
}

impl Subscription {
    /// Begins after a cursor; [`Cursor::default`]: before the first event there is.
    ///
    /// # Errors
    /// The filter names a type that no event has, or the cursor lies beyond the feed.
    pub fn new(press: Arc<Press>, filter: Filter, after: Cursor) -> Result<Self, FeedError> {
        filter.check()?;
        let position = after.within(press.feed().head())?;
        Ok(Self { press, filter, position })
    }

    /// The press that its events come from.
    #[must_use]
    pub fn press(&self) -> &Press {
        &self.press
    }

    /// The filter and the place, for readers that go through a press.
    #[must_use]
    pub fn into_parts(self) -> (Filter, Cursor) {
        (self.filter, self.position)
    }

    /// Waits for the next batch. May be dropped and called anew: nothing is lost.
    ///
    /// # Errors
    /// The feed cannot be read, or the node has stopped.
    pub async fn next(&mut self) -> Result<News, FeedError> {
        let mut passed_over = 0;
        loop {
            let mut page = self.press.page(self.position, PAGE_EVENTS_MAX)?;
            if let Some(gap) = page.gap {
                self.position = Cursor(gap.first_available - 1);
                let (first_missing, first_available) =
                    (Cursor(gap.first_missing), Cursor(gap.first_available));
                return Ok(News::Gap { first_missing, first_available });
            }
            let Some(last) = page.events.last().map(|last| Cursor(last.event.position)) else {
                let beyond = self.press.feed().wait_beyond(self.position.0).await;
                beyond.ok_or(FeedError::Stopped)?;
                continue;
            };
            passed_over += page.events.len();
            let names = self.press.names();
            page.events.retain(|printed| self.filter.passes(&printed.event, names));
            self.position = last;
            // Now and then the cursor moves on even if nothing passes, so that resuming is cheap.
            if !page.events.is_empty() || passed_over >= PASSED_OVER_MAX {
                return Ok(News::Batch { cursor: self.position, events: page.events });
            }
            tokio::task::yield_now().await;
        }
    }
}

/// Events read at once.
const PAGE_EVENTS_MAX: usize = 256;
/// Events that may be passed over before the cursor is told.
const PASSED_OVER_MAX: usize = 10_000;
