//! What another engine told stays told. After an upgrade the journal is stepped again by rules that
//! may tell something else; as far as the feed reaches, its own events are kept as they are, and
//! what this engine would have told instead is counted. From there on this engine tells.

use super::directory::Directory;
use super::feed_writer::FeedWriter;
use super::order_chain::OrderChain;
use crate::domain::ids::PartitionId;
use crate::engine::output::{Output, OutputBody, Outputs};
use crate::storage::error::StorageError;
use crate::storage::feed_event::{FeedBody, FeedEvent};
use crate::storage::feed_log::kept::KeptFeed;

/// What recovery found in a feed that another engine told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ToldBefore {
    /// The engine; 0: it is not known any more.
    pub engine: u16,
    /// Events of it that were kept.
    pub events: u64,
    /// Inputs of which this engine tells something else.
    pub otherwise: u64,
    /// The feed's position at the first of them; 0: there is none.
    pub otherwise_from: u64,
}

/// The feed of another engine, walked along with the journal.
pub struct OldFeed {
    feed: KeptFeed,
    found: ToldBefore,
    /// The events of the input at hand.
    events: Vec<FeedEvent>,
}

impl OldFeed {
    /// A walk along a feed.
    pub const fn along(feed: KeptFeed, engine: u16) -> Self {
        let found = ToldBefore { engine, events: 0, otherwise: 0, otherwise_from: 0 };
        Self { feed, found, events: Vec::new() }
    }

    /// What was found.
    pub const fn found(&self) -> ToldBefore {
        self.found
    }

    /// Puts into the feed what it holds of an input; or what this engine tells of it, if the feed
    /// ended before. An input whose events the feed's end has cut apart is told to its end, if this
    /// engine tells its beginning as it is there.
    ///
    /// # Errors
    /// The disk fails.
    pub fn tell(
        &mut self,
        at: (PartitionId, u64),
        told: &Outputs,
        writer: &mut FeedWriter,
        directory: &Directory,
        chain: &OrderChain,
    ) -> Result<(), StorageError> {
        let is_of = |event: &FeedEvent| (event.id.partition, event.id.sequence) == at;
        while self.feed.peek().is_some_and(is_of) {
            self.events.extend(self.feed.take()?);
        }
        let is_last = self.feed.peek().is_none();
        let kept = self.events.len();
        let outputs = told.list().iter().filter(|output| !output.is_dropped());
        let is_begun = self.events.iter().zip(outputs.clone()).all(|(e, o)| is_same(e, o, told));
        let told_now = outputs.count();
        let is_otherwise = !is_begun || told_now < kept || told_now > kept && !is_last;
        if is_otherwise {
            self.found.otherwise += 1;
            if self.found.otherwise_from == 0 {
                self.found.otherwise_from = writer.position() + 1;
            }
        }
        self.found.events += kept as u64;
        for event in self.events.drain(..) {
            writer.keep(event, chain);
        }
        if is_last && !is_otherwise {
            writer.tell_after(kept, told, directory, chain);
        }
        Ok(())
    }
}

/// Whether an event says what an output says. Where both stand in the feed does not count.
fn is_same(event: &FeedEvent, output: &Output, told: &Outputs) -> bool {
    let (FeedEvent { id, courier, recorded_at, backfilled, .. }, of) = (event, output);
    let is_same_body = match (&event.body, &output.body) {
        (FeedBody::Event(kept), OutputBody::Event(new)) => kept == new,
        (FeedBody::Notification { notification, .. }, OutputBody::Notification(new)) => {
            notification == new
        }
        (FeedBody::Eta { change, orders }, OutputBody::Eta { change: new, orders: range }) => {
            change == new && orders[..] == *told.order_etas(*range)
        }
        (FeedBody::RouteViolated { route, t }, OutputBody::RouteViolated { route: of, t: at }) => {
            (route, t) == (of, at)
        }
        _ => false,
    };
    is_same_body
        && (*id, *courier, *recorded_at, *backfilled)
            == (of.id, of.courier, of.recorded_at, of.backfilled)
}
