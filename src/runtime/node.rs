//! A running node: recovered from its disk, shards and committer at work, handles for the rest of
//! the daemon.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender};
use tokio::sync::watch;

use super::acks::Acks;
use super::clock::Clock;
use super::commands::{Commands, Note};
use super::committer::{Committer, SnapshotSide};
use super::counters::{Counters, Counts};
use super::directory::Directory;
use super::error::RuntimeError;
use super::fault::{Fault, Guard};
use super::feed_reader::Feed;
use super::intake::{Intake, partitions_of};
use super::mailbox::{Inbox, Mail, Mailbox};
use super::message::Message;
use super::order_chain::OrderChain;
use super::partition::Partitions;
use super::picture::Camera;
use super::progress::Progress;
use super::recovery::Recovery;
pub use super::recovery::RecoveryReport;
use super::retainers::Retainers;
use super::rounds::{Rounds, Snapshots};
use super::seen::Seen;
use super::shard::Shard;
use super::snapshot_writer::{SnapshotThread, ToWriter};
use super::views::Views;
use crate::engine::Engine;
use crate::engine::travel_time::TravelTime;
use crate::storage::disk::Disk;
use crate::storage::error::StorageError;
use crate::storage::feed_log::FeedLog;
use crate::storage::frame::{ALIGN, HEAD};

/// How a node runs. None of it changes a byte of what is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeSettings {
    /// Threads that own partitions, 1 or more.
    pub shards: usize,
    /// What an acknowledgement means.
    pub durability: Durability,
    /// Most positions that wait in front of one shard; a quarter as many command parts and questions.
    pub mailbox_max: usize,
    /// Size of a journal segment.
    pub segment_bytes: u64,
    /// Size at which a segment of the feed log is full.
    pub feed_segment_bytes: u64,
    /// How long an answer of a shard is waited for, milliseconds.
    pub answer_ms_max: u64,
    /// A snapshot is taken after so many bytes of journal; 0: only when one is asked for.
    pub snapshot_journal_bytes: u64,
    /// Segments of the journal are kept, even where snapshots need them no more.
    pub keep_journal: bool,
}

impl Default for NodeSettings {
    fn default() -> Self {
        Self {
            shards: 1,
            durability: Durability::Sync,
            mailbox_max: 65_536,
            segment_bytes: 32 << 20,
            feed_segment_bytes: 64 << 20,
            answer_ms_max: 100,
            snapshot_journal_bytes: 256 << 20,
            keep_journal: false,
        }
    }
}

/// What surrounds a node from its start on.
#[derive(Default)]
pub struct Around {
    /// Who is asked before segments of the journal are dropped.
    pub retainers: Retainers,
    /// Where the start says how far it is.
    pub progress: Arc<Progress>,
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
    pub(super) counters: Arc<Counters>,
    pub(super) rounds: Rounds,
    pub(super) command_bytes_max: usize,
    pub(super) frame_bytes_max: usize,
    pub(super) delivery_fixes_max: usize,
    pub(super) answer_ms_max: u64,
}

/// A running node. Dropping it stops it; [`Self::stop`] also says how that went.
pub struct Node {
    shared: Arc<Shared>,
    report: RecoveryReport,
    threads: Vec<JoinHandle<()>>,
}

impl Node {
    /// Recovers what the disk holds, hands every note that the journal still holds to `on_note` in
    /// order, and starts.
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
        Self::start_with(settings, disk, clock, travel, Around::default(), on_note)
    }

    /// As [`Self::start`], with what surrounds the node.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn start_with(
        settings: &NodeSettings,
        disk: &Arc<dyn Disk>,
        clock: Clock,
        travel: &TravelFactory,
        around: Around,
        on_note: &mut dyn FnMut(Note),
    ) -> Result<Self, RuntimeError> {
        let segment_bytes = settings.segment_bytes.max(SEGMENT_BYTES_MIN);
        if !disk.lock().map_err(StorageError::disk("lock", "the data directory"))? {
            return Err(StorageError::Locked.into());
        }
        let shards = settings.shards.clamp(1, SHARDS_MAX);
        let Around { retainers, progress } = around;
        let mut recovery = Recovery::begin(disk, settings, shards, travel, progress)?;
        let journal = recovery.run(disk, segment_bytes, on_note)?;
        let (mailboxes, inboxes): (Vec<_>, Vec<_>) =
            (0..shards).map(|_| Mailbox::new(settings.mailbox_max)).unzip();
        let shared = Arc::new(Shared {
            clock,
            mailboxes,
            directory: recovery.directory,
            acks: recovery.acks,
            fault: Fault::default(),
            feed: recovery.feed,
            chain: recovery.chain,
            head: watch::Sender::new(recovery.report.feed_head),
            last_place: Mutex::new(recovery.report.commands),
            counters: Arc::default(),
            rounds: Rounds::after(recovery.last_snapshot, recovery.journal_bytes),
            command_bytes_max: (segment_bytes as usize).saturating_sub(HEAD + ALIGN),
            delivery_fixes_max: DELIVERY_FIXES_MAX.min(segment_bytes as usize / FIX_BYTES_MAX),
            frame_bytes_max: (segment_bytes / 4).min(FRAME_BYTES_MAX) as usize,
            answer_ms_max: settings.answer_ms_max,
        });
        let mut node = Self { shared, report: recovery.report, threads: Vec::new() };
        let (writer, parts) = crossbeam_channel::unbounded();
        let (partitions, seen) = (recovery.partitions, recovery.seen);
        let lines = node.start_shards(recovery.engines, inboxes, &partitions, seen, &writer)?;
        let side = SnapshotSide::new(writer, settings.snapshot_journal_bytes);
        let shared = Arc::clone(&node.shared);
        let (durability, feed) = (settings.durability, recovery.writer);
        let mut committer = Committer::new(shared, journal, feed, durability, lines, side);
        node.spawn("committer".to_owned(), move |guard| {
            if let Err(error) = committer.run() {
                guard.fault.fail(error.to_string());
            }
        })?;
        let (shared, disk) = (Arc::clone(&node.shared), Arc::clone(disk));
        let (kept, keeps_journal) = (recovery.kept, settings.keep_journal);
        let mut snapshots = SnapshotThread::new(shared, disk, retainers, kept, keeps_journal);
        node.spawn("snapshots".to_owned(), move |guard| {
            let _guard = guard;
            snapshots.run(&parts);
        })?;
        Ok(node)
    }

    /// Starts a thread for each engine, and gives the ways from them.
    fn start_shards(
        &mut self,
        engines: Vec<Engine>,
        inboxes: Vec<Inbox>,
        partitions: &Partitions,
        mut seen: Seen,
        writer: &Sender<ToWriter>,
    ) -> Result<Vec<Receiver<Message>>, RuntimeError> {
        let shards = engines.len();
        let mut lines = Vec::new();
        for (number, (engine, inbox)) in engines.into_iter().zip(inboxes).enumerate() {
            let own = partitions_of(number, shards);
            let shard = Shard {
                engine,
                partitions: partitions.clone(),
                seen: seen.part(partitions_of(number, shards)),
                place: (number, shards),
                clock: self.shared.clock.clone(),
                chunk_bytes_max: self.shared.frame_bytes_max / 2,
                woke_at: Instant::now(),
                camera: Camera::new(own.collect(), writer.clone(), self.shared.rounds.begun()),
                shared: Arc::clone(&self.shared),
            };
            let (outbox, messages) = crossbeam_channel::bounded(MESSAGES_MAX);
            lines.push(messages);
            self.spawn(format!("shard-{number}"), move |guard| {
                // Dropped before the ways to and from the shard: the cause comes first.
                let _guard = guard;
                shard.run(&inbox, &outbox);
            })?;
        }
        Ok(lines)
    }

    fn spawn(
        &mut self,
        name: String,
        run: impl FnOnce(Guard) + Send + 'static,
    ) -> Result<(), RuntimeError> {
        let guard = Guard {
            fault: self.shared.fault.clone(),
            thread: name.clone(),
            mailboxes: self.shared.mailboxes.clone(),
        };
        self.threads.push(thread::Builder::new().name(name).spawn(move || run(guard))?);
        Ok(())
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
    pub fn stop(mut self) -> Result<(), RuntimeError> {
        self.shared.fault.end();
        if !self.shared.fault.has_failed()
            && self.shared.rounds.journalled(0) >= LAST_SNAPSHOT_BYTES_MIN
        {
            self.snapshots().last(LAST_SNAPSHOT_MS_MAX);
        }
        self.end();
        match self.shared.fault.cause() {
            Some(cause) => Err(RuntimeError::Failed(cause.to_owned())),
            None => Ok(()),
        }
    }

    /// The way to ask for a snapshot.
    #[must_use]
    pub fn snapshots(&self) -> Snapshots {
        Snapshots::new(Arc::clone(&self.shared))
    }

    /// What recovery found when the node started.
    #[must_use]
    pub const fn recovered(&self) -> &RecoveryReport {
        &self.report
    }

    /// What the node has done since.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.shared.counters.counts()
    }

    /// The counters themselves, for whoever outlives the node.
    #[must_use]
    pub fn counters(&self) -> Arc<Counters> {
        Arc::clone(&self.shared.counters)
    }

    fn end(&mut self) {
        self.shared.fault.end();
        // Not between two parts of one command: either all shards get theirs before the end.
        let place = self.shared.last_place.lock().unwrap_or_else(PoisonError::into_inner);
        for mailbox in &self.shared.mailboxes {
            // A shard that is gone needs not be told.
            let _ = mailbox.put(Mail::Stop);
        }
        drop(place);
        for thread in self.threads.drain(..) {
            // A panic has been noted as the fault.
            let _ = thread.join();
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.end();
    }
}

/// A segment holds at least so much: the largest delivery fits several times.
const SEGMENT_BYTES_MIN: u64 = 64 << 10;
/// Positions gather in frames of at most so many bytes, but for a single delivery.
const FRAME_BYTES_MAX: u64 = 1 << 20;
/// Most positions of one delivery, which gets into one frame whole.
const DELIVERY_FIXES_MAX: usize = 10_000;
/// A journalled position takes no more.
const FIX_BYTES_MAX: usize = 128;
/// Most shards.
const SHARDS_MAX: usize = 64;
/// A node that stops takes a snapshot if so many bytes were journalled since the last one: less is
/// replayed faster...
const LAST_SNAPSHOT_BYTES_MIN: u64 = 8 << 20;
/// ...and gives it up after so long, since whoever stops a node does not wait for ever.
const LAST_SNAPSHOT_MS_MAX: u64 = 2_000;
/// So many messages of a shard may wait for the committer.
const MESSAGES_MAX: usize = 64;
