//! A running node: recovered from its disk, shards and committer at work, handles for the rest of
//! the daemon.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use crossbeam_channel::{Receiver, Sender};
use tokio::sync::watch;

use super::acks::Acks;
use super::bell::Bell;
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
pub use super::old_feed::ToldBefore;
use super::order_chain::OrderChain;
use super::outbox::{Messages, Outbox};
use super::partition::Partitions;
use super::picture::Camera;
use super::progress::Progress;
use super::recovery::Recovery;
pub use super::recovery::RecoveryReport;
use super::retainers::{Boundary, Retainers};
use super::room::{PatientDisk, Room, Wait};
use super::rounds::{Rounds, Snapshots};
use super::seen::Seen;
use super::shard::{BATCH_MAIL_MAX, Shard};
use super::snapshot_writer::{SnapshotWriterThread, ToWriter};
use super::tracks::{TrackLimits, TrackMail, TrackWriter, Tracks, post, track_mailbox};
use super::views::Views;
use crate::engine::Engine;
use crate::engine::travel_time::TravelTime;
use crate::storage::disk::Disk;
use crate::storage::error::StorageError;
use crate::storage::feed_log::FeedLog;
use crate::storage::frame::{ALIGN, HEAD};
use crate::storage::journal::Journal;
use crate::storage::spare::Spare;
use crate::storage::tracks::TrackLog;

/// How a node runs. None of it changes a byte of what is told, but for ETAs that give way to
/// overload.
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
    /// How much of the tracks is only in memory.
    pub tracks: TrackLimits,
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
            tracks: TrackLimits::default(),
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
    pub(super) room: Arc<Room>,
    pub(super) feed: FeedLog,
    pub(super) chain: OrderChain,
    pub(super) head: watch::Sender<u64>,
    /// Sequence of the journal's next frame: all before it are written, and durable if
    /// acknowledgements mean that.
    pub(super) journalled: AtomicU64,
    pub(super) track_log: Arc<TrackLog>,
    pub(super) tracks: crossbeam_channel::Sender<TrackMail>,
    /// All frames before this one are in the tracks on disk, as far as they hold positions.
    pub(super) tracked: AtomicU64,
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
    /// Ends after the others: it reads what they have written.
    track_writer: Option<JoinHandle<()>>,
    spare: Arc<Spare>,
}

/// What recovery leaves, ready to work: by threads of its own ([`Node`]), or step by step
/// ([`super::stepped::SteppedNode`]).
pub(super) struct Parts {
    pub(super) shared: Arc<Shared>,
    pub(super) report: RecoveryReport,
    pub(super) shards: Vec<ShardLine>,
    pub(super) committer: Committer,
    pub(super) track_writer: TrackWriter,
    /// What the writer of the tracks is told.
    pub(super) track_mail: Receiver<TrackMail>,
    pub(super) snapshot_writer: SnapshotWriterThread,
    /// What the writer of the snapshots is told.
    pub(super) pictures: Receiver<ToWriter>,
    /// The journal's next segment.
    pub(super) spare: Arc<Spare>,
}

/// A shard with its ways in and out.
pub(super) struct ShardLine {
    pub(super) shard: Shard,
    pub(super) inbox: Inbox,
    pub(super) outbox: Outbox,
}

impl Parts {
    /// Recovers what the disk holds, and hands every note that the journal still holds to `on_note`
    /// in order. A disk that is full later is waited for as `wait` says.
    pub(super) fn recover(
        settings: &NodeSettings,
        disk: &Arc<dyn Disk>,
        clock: Clock,
        travel: &TravelFactory,
        Around { retainers, progress }: Around,
        on_note: &mut dyn FnMut(Note),
        wait: &dyn Fn(&Fault) -> Box<Wait>,
    ) -> Result<Self, RuntimeError> {
        let segment_bytes = settings.segment_bytes.max(SEGMENT_BYTES_MIN);
        if !disk.lock().map_err(StorageError::disk("lock", "the data directory"))? {
            return Err(StorageError::Locked.into());
        }
        let fault = Fault::default();
        let (room, patient) = PatientDisk::on(disk, wait(&fault));
        let count = settings.shards.clamp(1, SHARDS_MAX);
        let mut recovery = Recovery::begin(&patient, settings, count, travel, progress)?;
        let mut journal = recovery.run(&patient, segment_bytes, on_note)?;
        let spare = spare_of(&mut journal, disk, segment_bytes);
        let track_log = Arc::new(TrackLog::open(Arc::clone(disk), journal.next())?);
        let (tracks, track_mail) = track_mailbox();
        let Recovery { engines, partitions, seen, writer, report, kept, .. } = recovery;
        let (mailboxes, inboxes): (Vec<_>, Vec<_>) =
            (0..count).map(|_| Mailbox::new(settings.mailbox_max)).unzip();
        let shared = Arc::new(Shared {
            clock,
            mailboxes,
            directory: recovery.directory,
            acks: recovery.acks,
            fault,
            room,
            feed: recovery.feed,
            chain: recovery.chain,
            head: watch::Sender::new(report.feed_head),
            journalled: AtomicU64::new(journal.next()),
            tracked: AtomicU64::new(track_log.next()),
            track_log,
            tracks,
            last_place: Mutex::new(report.commands),
            counters: Arc::default(),
            rounds: Rounds::after(recovery.last_snapshot, recovery.journal_bytes),
            command_bytes_max: (segment_bytes as usize).saturating_sub(HEAD + ALIGN),
            delivery_fixes_max: DELIVERY_FIXES_MAX.min(segment_bytes as usize / FIX_BYTES_MAX),
            frame_bytes_max: (segment_bytes / 4).min(FRAME_BYTES_MAX) as usize,
            answer_ms_max: settings.answer_ms_max,
        });
        retainers.add("the tracks", tracks_retainer(&shared));
        let (to_writer, pictures) = crossbeam_channel::unbounded();
        let workers = engines.into_iter().zip(inboxes);
        let (shards, lines) = shard_lines(&shared, disk, workers, &partitions, seen, &to_writer);
        let (to, durability) = (Arc::clone(&shared), settings.durability);
        let side = SnapshotSide::new(to_writer, settings.snapshot_journal_bytes);
        let committer = Committer::new(to, journal, writer, durability, lines, side);
        let (to, from) = (Arc::clone(&shared), Arc::clone(disk));
        let track_writer = TrackWriter::new(to, from, settings.tracks)?;
        shared.room.be_patient();
        let (to, on, keeps) = (Arc::clone(&shared), Arc::clone(disk), settings.keep_journal);
        let snapshot_writer = SnapshotWriterThread::new(to, on, retainers, kept, keeps);
        Ok(Self {
            shared,
            report,
            shards,
            committer,
            track_writer,
            track_mail,
            snapshot_writer,
            pictures,
            spare,
        })
    }
}

/// The journal's next segment, not made yet. It has the disk itself: where there is no room for it
/// nobody waits, but the journal, once it needs it.
fn spare_of(journal: &mut Journal, disk: &Arc<dyn Disk>, segment_bytes: u64) -> Arc<Spare> {
    let spare = Arc::new(Spare::new(Arc::clone(disk), segment_bytes));
    journal.use_spare(Arc::clone(&spare));
    spare
}

/// A shard for each engine, and the ways from them.
fn shard_lines(
    shared: &Arc<Shared>,
    disk: &Arc<dyn Disk>,
    workers: impl ExactSizeIterator<Item = (Engine, Inbox)>,
    partitions: &Partitions,
    mut seen: Seen,
    to_writer: &Sender<ToWriter>,
) -> (Vec<ShardLine>, (Vec<Messages>, Bell)) {
    let count = workers.len();
    let bell = Bell::default();
    let mut shards = Vec::new();
    let mut lines = Vec::new();
    for (number, (engine, inbox)) in workers.enumerate() {
        let own = partitions_of(number, count);
        let shard = Shard {
            engine,
            partitions: partitions.clone(),
            seen: seen.part(partitions_of(number, count)),
            place: (number, count),
            clock: shared.clock.clone(),
            chunk_bytes_max: shared.frame_bytes_max / 2,
            disk: Arc::clone(disk),
            batch_mail_max: BATCH_MAIL_MAX,
            woke_at: shared.clock.real_time(),
            sheds_eta: false,
            camera: Camera::new(own.collect(), to_writer.clone(), shared.rounds.begun()),
            shared: Arc::clone(shared),
        };
        let (outbox, messages) = Outbox::new(MESSAGES_MAX, bell.clone());
        lines.push(messages);
        shards.push(ShardLine { shard, inbox, outbox });
    }
    (shards, (lines, bell))
}

/// Segments of the journal go once the tracks hold their positions; they are asked to.
fn tracks_retainer(shared: &Arc<Shared>) -> impl FnMut(Boundary) -> bool + Send + 'static {
    let shared = Arc::downgrade(shared);
    move |boundary| {
        let Some(shared) = shared.upgrade() else { return false };
        let is_tracked = || shared.tracked.load(Ordering::Acquire) >= boundary.frame;
        if !is_tracked() {
            // Busy ones are asked again.
            let _ = post(&shared.tracks, TrackMail::Write);
        }
        is_tracked()
    }
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
        let wait = |fault: &Fault| Room::until_the_end(fault.clone());
        let parts = Parts::recover(settings, disk, clock, travel, around, on_note, &wait)?;
        let Parts { shared, report, shards, mut committer, mut track_writer, track_mail, .. } =
            parts;
        let (mut snapshot_writer, pictures) = (parts.snapshot_writer, parts.pictures);
        let spare = parts.spare;
        let mut node = Self { shared, report, threads: Vec::new(), track_writer: None, spare };
        for (number, ShardLine { shard, inbox, outbox }) in shards.into_iter().enumerate() {
            let thread = node.spawn(format!("shard-{number}"), move |guard| {
                // Dropped before the ways to and from the shard: the cause comes first.
                let _guard = guard;
                shard.run(&inbox, &outbox);
            })?;
            node.threads.push(thread);
        }
        node.threads.push(node.spawn("committer".to_owned(), move |guard| {
            if let Err(error) = committer.run() {
                guard.fault.fail(error.to_string());
            }
        })?);
        let spare = Arc::clone(&node.spare);
        node.threads.push(node.spawn("segments".to_owned(), move |guard| {
            let _guard = guard;
            while spare.wait_until_wanted() {
                // The journal makes its segment itself, and fails the node if that fails too.
                let _ = spare.make();
            }
        })?);
        node.threads.push(node.spawn("snapshots".to_owned(), move |guard| {
            let _guard = guard;
            snapshot_writer.run(&pictures);
        })?);
        node.track_writer = Some(node.spawn("tracks".to_owned(), move |guard| {
            if let Err(error) = track_writer.run(&track_mail) {
                guard.fault.fail(error.to_string());
            }
        })?);
        if node.report.told_before.is_some() {
            // The next start begins behind what another engine told.
            node.snapshots().begin();
        }
        Ok(node)
    }

    fn spawn(
        &self,
        name: String,
        run: impl FnOnce(Guard) + Send + 'static,
    ) -> Result<JoinHandle<()>, RuntimeError> {
        let guard = Guard {
            fault: self.shared.fault.clone(),
            thread: name.clone(),
            mailboxes: self.shared.mailboxes.clone(),
        };
        Ok(thread::Builder::new().name(name).spawn(move || run(guard))?)
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

    /// Where couriers were.
    #[must_use]
    pub fn tracks(&self) -> Tracks {
        Tracks::new(Arc::clone(&self.shared))
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
        self.spare.end();
        for thread in self.threads.drain(..) {
            // A panic has been noted as the fault.
            let _ = thread.join();
        }
        if let Some(thread) = self.track_writer.take() {
            // It has ended if nobody listens.
            let _ = self.shared.tracks.send(TrackMail::End);
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
const LAST_SNAPSHOT_MS_MAX: u64 = 1_500;
/// So many messages of a shard may wait for the committer.
const MESSAGES_MAX: usize = 64;
