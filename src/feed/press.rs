//! The press: reads the feed and writes its events for all readers, as JSON for those over HTTP and
//! packed for those over QUIC, each event once in each form while it is recent. Readers over HTTP that catch up are served off the threads that do the I/O, one
//! small batch of one reader at a time, so that hundreds of them delay each other and nobody else.

use core::ops::Range;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tokio::sync::Semaphore;

use super::cloud_event::{CloudEvent, event_type};
use super::cursor::Cursor;
use super::error::FeedError;
use super::filter::Filter;
use super::names::Names;
use super::packed::Packer;
use crate::runtime::feed_reader::{Feed, FeedEvent, FeedGap};

/// Writes events for everybody who reads them.
pub struct Press {
    feed: Feed,
    names: Arc<Names>,
    /// A run of the latest events, without a hole.
    recent: Mutex<VecDeque<Arc<Printed>>>,
    reading: Semaphore,
    printed: AtomicU64,
    packed: AtomicU64,
}

/// An event as every reader gets it.
#[derive(Debug)]
pub struct Printed {
    /// The event.
    pub event: FeedEvent,
    json: OnceLock<Arc<str>>,
    packed: OnceLock<Packed>,
}

/// Where an event is packed: with others that were read at the same time, since a piece of memory
/// for each costs more than packing does.
#[derive(Debug)]
struct Packed {
    run: Arc<[u8]>,
    place: Range<usize>,
}

/// Events as they stand in the feed, whosever they are.
#[derive(Debug, Default)]
pub struct Page {
    /// The events, in order; none: there are no more.
    pub events: Vec<Arc<Printed>>,
    /// What could not be given any more before them.
    pub gap: Option<FeedGap>,
}

/// One event that passed a reader's filter.
#[derive(Clone, Debug)]
pub struct Line {
    /// Its place.
    pub cursor: Cursor,
    /// Its type.
    pub kind: &'static str,
    /// The event, in JSON without a line break.
    pub json: Arc<str>,
}

/// What a reader gets at once.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// The events that passed.
    pub lines: Vec<Line>,
    /// Everything up to here has been looked at.
    pub cursor: Cursor,
    /// How many events were looked at; 0: there are no more.
    pub looked_at: usize,
    /// What could not be given any more.
    pub gap: Option<FeedGap>,
}

impl Printed {
    /// The event as subscribers over QUIC get it; nothing, as long as nobody has packed it.
    #[must_use]
    pub fn packed(&self) -> &[u8] {
        self.packed.get().map_or(&[], |packed| &packed.run[packed.place.clone()])
    }
}

impl Press {
    /// A press that has printed nothing.
    #[must_use]
    pub fn new(feed: Feed, names: Arc<Names>) -> Self {
        Self {
            feed,
            names,
            recent: Mutex::default(),
            reading: Semaphore::new(READERS_AT_ONCE_MAX),
            printed: AtomicU64::new(0),
            packed: AtomicU64::new(0),
        }
    }

    /// What comes after a cursor, at most [`BATCH_EVENTS_MAX`] events looked at. Does not wait for
    /// more.
    ///
    /// # Errors
    /// The feed cannot be read, or the node has stopped.
    pub async fn batch(
        self: &Arc<Self>,
        filter: &Arc<Filter>,
        after: Cursor,
    ) -> Result<Batch, FeedError> {
        if after.0 >= self.feed.head() {
            return Ok(Batch { cursor: after, ..Batch::default() });
        }
        if let Some(recent) = self.recent_after(after, BATCH_EVENTS_MAX) {
            return Ok(self.told(filter, &recent, after));
        }
        let turn = self.reading.acquire().await.map_err(|_| FeedError::Stopped)?;
        // Whoever had the turn before may have read the very same.
        if let Some(recent) = self.recent_after(after, BATCH_EVENTS_MAX) {
            return Ok(self.told(filter, &recent, after));
        }
        let (press, filter) = (Arc::clone(self), Arc::clone(filter));
        let read = tokio::task::spawn_blocking(move || press.read(&filter, after));
        let batch = read.await.map_err(|_| FeedError::Stopped)?;
        drop(turn);
        batch
    }

    /// What comes after a cursor, at most `events_max` events. Does not wait for more.
    ///
    /// # Errors
    /// The feed cannot be read.
    pub fn page(&self, after: Cursor, events_max: usize) -> Result<Page, FeedError> {
        if after.0 >= self.feed.head() {
            return Ok(Page::default());
        }
        if let Some(events) = self.recent_after(after, events_max) {
            return Ok(Page { events, gap: None });
        }
        let page = self.feed.read(after.0, events_max)?;
        let events = printed(page.events);
        self.keep(&events);
        Ok(Page { events, gap: page.gap })
    }

    /// Packs those of the events that nobody has packed yet, for [`Printed::packed`].
    pub fn pack(&self, events: &[Arc<Printed>], packer: &mut Packer) {
        packer.clear();
        let mut places = Vec::new();
        for printed in events.iter().filter(|printed| printed.packed.get().is_none()) {
            let start = packer.bytes().len();
            packer.event(&printed.event, &self.names);
            places.push((printed, start..packer.bytes().len()));
        }
        if places.is_empty() {
            return;
        }
        let run: Arc<[u8]> = packer.bytes().into();
        let set = places.into_iter().filter(|(printed, place)| {
            // Another reader may have been faster.
            let packed = Packed { run: Arc::clone(&run), place: place.clone() };
            printed.packed.set(packed).is_ok()
        });
        self.packed.fetch_add(set.count() as u64, Ordering::Relaxed);
    }

    /// The feed.
    #[must_use]
    pub const fn feed(&self) -> &Feed {
        &self.feed
    }

    /// What the documents know of its events.
    #[must_use]
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// How many events were packed: each recent one once, however many read it.
    #[must_use]
    pub fn packed_count(&self) -> u64 {
        self.packed.load(Ordering::Relaxed)
    }

    /// Forgets the recent events: what the feed holds of them has changed.
    pub fn forget(&self) {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// How many events were written: each recent one once, however many read it.
    #[must_use]
    pub fn printed(&self) -> u64 {
        self.printed.load(Ordering::Relaxed)
    }

    fn read(&self, filter: &Filter, after: Cursor) -> Result<Batch, FeedError> {
        let page = self.feed.read(after.0, BATCH_EVENTS_MAX)?;
        let events = printed(page.events);
        self.keep(&events);
        let mut batch = self.told(filter, &events, after);
        if let Some(gap) = page.gap {
            batch.cursor = batch.cursor.max(Cursor(gap.first_available - 1));
            batch.gap = Some(gap);
        }
        Ok(batch)
    }

    fn told(&self, filter: &Filter, events: &[Arc<Printed>], after: Cursor) -> Batch {
        let passed = events.iter().filter(|printed| filter.passes(&printed.event, &self.names));
        let lines = passed.map(|printed| Line {
            cursor: Cursor(printed.event.position),
            kind: event_type(&printed.event.body),
            json: self.json(printed),
        });
        Batch {
            lines: lines.collect(),
            cursor: events.last().map_or(after, |last| Cursor(last.event.position)),
            looked_at: events.len(),
            gap: None,
        }
    }

    fn json(&self, printed: &Printed) -> Arc<str> {
        let json = printed.json.get_or_init(|| {
            self.printed.fetch_add(1, Ordering::Relaxed);
            let event = CloudEvent::new(&printed.event, &self.names);
            serde_json::to_string(&event).unwrap_or_default().into()
        });
        Arc::clone(json)
    }

    fn recent_after(&self, after: Cursor, events_max: usize) -> Option<Vec<Arc<Printed>>> {
        // What is past retention is told of as a gap, though it may be kept here.
        if after.0 + 1 < self.feed.first() {
            return None;
        }
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let skipped = after.0.checked_sub(recent.front()?.event.position - 1)?;
        let found: Vec<_> =
            recent.iter().skip(skipped as usize).take(events_max).cloned().collect();
        (!found.is_empty()).then_some(found)
    }

    /// Keeps events that go on where the recent ones end, or that lie beyond them.
    fn keep(&self, events: &[Arc<Printed>]) {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let last = recent.back().map_or(0, |last| last.event.position);
        let mut newer = events.iter().filter(|printed| printed.event.position > last).peekable();
        if newer.peek().is_some_and(|first| first.event.position > last + 1) {
            recent.clear();
        }
        recent.extend(newer.cloned());
        let surplus = recent.len().saturating_sub(RECENT_MAX);
        recent.drain(..surplus);
    }
}

/// Events that nobody has written yet.
fn printed(events: Vec<FeedEvent>) -> Vec<Arc<Printed>> {
    let blank = |event| Printed { event, json: OnceLock::new(), packed: OnceLock::new() };
    events.into_iter().map(blank).map(Arc::new).collect()
}

/// Most events of one batch: few enough that a turn is short.
pub const BATCH_EVENTS_MAX: usize = 64;
/// Events kept as they were written.
const RECENT_MAX: usize = 4_096;
/// Readers that read the log and write events at the same time.
const READERS_AT_ONCE_MAX: usize = 1;
