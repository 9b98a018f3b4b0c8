//! Brings a node back to where its journal ends. The newest whole snapshot is taken back, or else
//! the one before; then every input that is not in it is stepped again, in order. What is told
//! after the snapshot's end is compared with the feed log, or written where that is missing.
//!
//! The pictures of a snapshot were taken one after the other, so the journal is read from before
//! the first of them; inputs that a partition's picture holds are passed over, and what others tell
//! before the snapshot's end is in the feed already.

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use super::acks::Acks;
use super::commands::Note;
use super::directory::Directory;
use super::error::RuntimeError;
use super::feed_writer::FeedWriter;
use super::intake::{Sender, SenderId, shard_of};
use super::loading::{Loaded, load};
use super::node::{NodeSettings, TravelFactory};
use super::old_feed::{OldFeed, ToldBefore};
use super::order_chain::OrderChain;
use super::partition::{Partitions, partition_of};
use super::progress::{Progress, Stage};
use super::seen::Seen;
use super::snapshot_writer::KeptSnapshot;
use crate::domain::command::Command;
use crate::domain::ids::{CourierId, PartitionId};
use crate::domain::time::Time;
use crate::engine::input::InputBody;
use crate::engine::output::Outputs;
use crate::engine::{self, Engine};
use crate::storage::bytes::{Reader, Writer};
use crate::storage::catalog::change::encode;
use crate::storage::codec::input::{ChunkReader, ChunkWriter, Record};
use crate::storage::disk::Disk;
use crate::storage::engine_note::first_engine;
use crate::storage::error::StorageError;
use crate::storage::feed_log::FeedLog;
use crate::storage::frame::{CommandHead, Frame, FrameKind};
use crate::storage::journal::Journal;
use crate::storage::manifest::{JournalPlace, Manifest};
use crate::storage::panic_notes::{PanicNote, PanicNotes};
use crate::storage::replay::{CutTail, JournalEnd, drop_after, replay_from};
use crate::storage::segment::{
    journal_name, journal_number, journal_numbers, manifest_name, manifest_number, snapshot_number,
};

/// What recovery found, for the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecoveryReport {
    /// The snapshot it began with.
    pub snapshot: Option<u64>,
    /// Why newer snapshots were passed over.
    pub damaged: Vec<String>,
    /// Whole frames of the journal that were read.
    pub frames: u64,
    /// Inputs of them that were stepped.
    pub inputs: u64,
    /// Command frames that there ever were.
    pub commands: u64,
    /// Position of the last event of the feed.
    pub feed_head: u64,
    /// Bytes of the feed log that were missing, or not what the journal gives.
    pub feed_rewritten_bytes: u64,
    /// What a crash left beyond the journal's end, cut off now.
    pub cut: Option<CutTail>,
    /// Another engine told what followed in the feed: that stays as it is.
    pub told_before: Option<ToldBefore>,
}

/// The state that every input so far has led to.
pub struct Recovery {
    /// One engine per shard.
    pub engines: Vec<Engine>,
    /// The stamps of all partitions.
    pub partitions: Partitions,
    /// What the partitions have seen of senders.
    pub seen: Seen,
    /// Where the feed stands.
    pub writer: FeedWriter,
    /// The couriers' companies.
    pub directory: Directory,
    /// The senders' settled numbers.
    pub acks: Acks,
    /// The orders' chains.
    pub chain: OrderChain,
    /// The feed log.
    pub feed: FeedLog,
    /// What was found.
    pub report: RecoveryReport,
    /// The snapshots that are there, the oldest first.
    pub kept: Vec<KeptSnapshot>,
    /// The highest number that a snapshot has, whole or not.
    pub last_snapshot: u64,
    /// Bytes of the journal that were read.
    pub journal_bytes: u64,
    /// Where the journal is read from.
    from: JournalPlace,
    /// What earlier frames tell is in the feed.
    told_before: u64,
    told: Outputs,
    /// The feed that another engine told.
    old_feed: Option<OldFeed>,
    /// The input that is being replayed.
    at: (PartitionId, u64),
    /// Inputs on which replay has panicked twice: their couriers are quarantined before them.
    poisoned: BTreeMap<(PartitionId, u64), CourierId>,
    progress: Arc<Progress>,
}

impl Recovery {
    /// Takes back the newest snapshot that is whole; nothing, if there never was one.
    ///
    /// # Errors
    /// The disk fails, a later version wrote a snapshot, or none is whole and the journal's
    /// beginning is gone.
    pub fn begin(
        disk: &Arc<dyn Disk>,
        settings: &NodeSettings,
        shards: usize,
        travel: &TravelFactory,
        progress: Arc<Progress>,
    ) -> Result<Self, RuntimeError> {
        FeedLog::mend(&**disk)?;
        let names = disk.names().map_err(StorageError::disk("list", "the data directory"))?;
        let numbers: Vec<u64> = names.iter().filter_map(|name| manifest_number(name)).collect();
        let any = names.iter().filter_map(|name| snapshot_number(name)).chain(numbers.clone());
        let last_snapshot = any.max().unwrap_or(0);
        let mut damaged = Vec::new();
        for (at, &number) in numbers.iter().enumerate().rev() {
            match Self::of(disk, settings, shards, travel, &progress, number) {
                Ok(mut recovery) => {
                    let older = numbers[..at].iter().map(|&number| manifest_name(number));
                    let older = older.filter_map(|name| Manifest::read(&**disk, &name).ok());
                    let mut kept: Vec<_> = older.map(|older| KeptSnapshot::from(&older)).collect();
                    kept.append(&mut recovery.kept);
                    recovery.report.damaged = damaged;
                    (recovery.kept, recovery.last_snapshot) = (kept, last_snapshot);
                    return Ok(recovery);
                }
                Err(error @ StorageError::LaterVersion { .. }) => return Err(error.into()),
                Err(error) => damaged.push(error.to_string()),
            }
        }
        let first = journal_numbers(&names).first().copied();
        let first = first.filter(|&first| first != JournalPlace::START.segment);
        if let (Some(first), false) = (first, damaged.is_empty()) {
            return Err(RuntimeError::NoSnapshot {
                first: journal_name(first),
                causes: damaged.join("; "),
            });
        }
        let loaded = Loaded::nothing(shards, travel);
        let feed = FeedLog::open(Arc::clone(disk), settings.feed_segment_bytes.max(1));
        let mut recovery = Self::with(loaded, feed, progress);
        recovery.keep_what_was_told_by(first_engine(&**disk, engine::VERSION)?)?;
        (recovery.report.damaged, recovery.last_snapshot) = (damaged, last_snapshot);
        Ok(recovery)
    }

    /// Takes back the snapshot of a number.
    fn of(
        disk: &Arc<dyn Disk>,
        settings: &NodeSettings,
        shards: usize,
        travel: &TravelFactory,
        progress: &Arc<Progress>,
        number: u64,
    ) -> Result<Self, StorageError> {
        let manifest = Manifest::read(&**disk, &manifest_name(number))?;
        let bytes = settings.feed_segment_bytes.max(1);
        let feed = FeedLog::resume(Arc::clone(disk), bytes, manifest.feed)?;
        let loaded = load(disk, &manifest, shards, travel, progress)?;
        let mut recovery = Self::with(loaded, feed, Arc::clone(progress));
        recovery.writer = FeedWriter::after(manifest.feed.position, &manifest.notified);
        recovery.report.snapshot = Some(number);
        recovery.report.commands = manifest.commands;
        recovery.kept = vec![(&manifest).into()];
        (recovery.from, recovery.told_before) = (manifest.journal, manifest.told_before);
        recovery.keep_what_was_told_by(manifest.engine)?;
        Ok(recovery)
    }

    /// What follows in the feed stays as it is if another engine may have told it.
    fn keep_what_was_told_by(&mut self, engine: u16) -> Result<(), StorageError> {
        if engine != engine::VERSION {
            self.old_feed = Some(OldFeed::along(self.feed.kept()?, engine));
        }
        Ok(())
    }

    fn with(loaded: Loaded, feed: FeedLog, progress: Arc<Progress>) -> Self {
        let Loaded { engines, partitions, seen, directory, acks, chain } = loaded;
        Self {
            engines,
            partitions,
            seen,
            writer: FeedWriter::default(),
            directory,
            acks,
            chain,
            feed,
            report: RecoveryReport::default(),
            kept: Vec::new(),
            last_snapshot: 0,
            journal_bytes: 0,
            from: JournalPlace::START,
            told_before: 0,
            told: Outputs::default(),
            old_feed: None,
            at: (PartitionId(0), 0),
            poisoned: BTreeMap::new(),
            progress,
        }
    }

    /// Replays the journal and gives it back ready to be written to.
    ///
    /// # Errors
    /// The disk fails, or what it holds contradicts itself.
    pub fn run(
        &mut self,
        disk: &Arc<dyn Disk>,
        segment_bytes: u64,
        on_note: &mut dyn FnMut(Note),
    ) -> Result<Journal, RuntimeError> {
        sync_last(&**disk)?;
        let notes = PanicNotes::read(&**disk)?;
        self.poisoned = notes.twice_replayed();
        self.progress.begin(Stage::Journal, journal_bytes(&**disk, self.from)?);
        let replayed = catch_unwind(AssertUnwindSafe(|| {
            replay_from(&**disk, self.from, &mut |frame, name, offset| {
                self.frame(frame, on_note).map_err(|error| error.at(name, offset))
            })
        }));
        let end = replayed.unwrap_or_else(|panic| Err(self.panicked(&**disk, panic)))?;
        if end.next < self.told_before {
            return Err(ends_early(&end, self.told_before).into());
        }
        self.report.cut = end.cut;
        self.report.told_before = self.old_feed.as_ref().map(OldFeed::found);
        self.flush()?;
        // What was counted then is not counted now.
        self.writer.take_quarantined();
        self.report.feed_rewritten_bytes = self.feed.recovered()?;
        drop_after(&**disk, &end)?;
        let mut journal = Journal::resume(Arc::clone(disk), segment_bytes, &end)?;
        let twice = notes.twice();
        self.quarantine(&mut journal, &twice, on_note)?;
        notes.replayed(&**disk, &twice)?;
        self.progress.begin(Stage::Recovered, 0);
        Ok(journal)
    }

    /// Notes in whose step replay panicked. What panics in nobody's step goes on.
    fn panicked(&self, disk: &dyn Disk, panic: Box<dyn Any + Send>) -> RuntimeError {
        let Some(courier) = self.engines.iter().find_map(Engine::at_work) else {
            resume_unwind(panic);
        };
        let (partition, sequence) = self.at;
        let note = PanicNote { courier, replayed: Some(self.at) };
        match PanicNotes::add(disk, note) {
            Ok(()) => RuntimeError::Panicked { courier, partition, sequence },
            Err(error) => error.into(),
        }
    }

    /// Quarantines couriers, each by a command frame of its own.
    fn quarantine(
        &mut self,
        journal: &mut Journal,
        couriers: &[CourierId],
        on_note: &mut dyn FnMut(Note),
    ) -> Result<(), RuntimeError> {
        for &courier in couriers {
            // A courier that was never put panicked when it was to be: there is nothing to hold.
            let Some(company) = self.directory.open().company(courier) else { continue };
            let partition = partition_of(company, courier);
            let command = Command::Quarantine(courier);
            self.directory.follow(&command);
            let shards = self.engines.len();
            let engine = &mut self.engines[shard_of(partition, shards)];
            let body = InputBody::Command(Box::new(command));
            let (mut chunk, mut at) = (ChunkWriter::default(), Time::DISTANT_PAST);
            // Its deadlines may be what it panics at.
            self.partitions.step_first(engine, partition, body, &mut self.told, |input| {
                at = input.received_at;
                chunk.put(input, None);
            });
            self.writer.tell(&self.told, &self.directory, &self.chain);
            self.told.clear();
            let note = encode(&[]).map_err(|_| RuntimeError::Unreadable)?;
            self.report.commands += 1;
            let place = self.report.commands;
            let mut payload = Writer::default();
            CommandHead { place, at, note: &note }.write(&mut payload);
            payload.bytes.extend_from_slice(&chunk.finish().bytes);
            journal.push(FrameKind::Command, &payload.bytes)?;
            journal.write()?;
            journal.sync()?;
            self.flush()?;
            on_note(Note { journal_place: place, at, bytes: note });
        }
        Ok(())
    }

    fn frame(&mut self, frame: &Frame, on_note: &mut dyn FnMut(Note)) -> Result<(), RuntimeError> {
        let mut chunks = frame.payload;
        if frame.kind == FrameKind::Command {
            let mut reader = Reader::new(frame.payload);
            let head = CommandHead::read(&mut reader).map_err(|_| RuntimeError::Unreadable)?;
            if head.place != self.report.commands + 1 {
                return Err(RuntimeError::Unreadable);
            }
            on_note(Note { journal_place: head.place, at: head.at, bytes: head.note.to_vec() });
            chunks = reader.rest();
            self.report.commands += 1;
        }
        self.report.frames += 1;
        self.journal_bytes += Frame::size(frame.payload.len()) as u64;
        self.progress.reach(self.journal_bytes);
        let is_told = frame.stamp.sequence < self.told_before;
        for record in ChunkReader::new(chunks) {
            self.record(&record.map_err(|_| RuntimeError::Unreadable)?, is_told)?;
        }
        if self.writer.waiting() > FEED_EVENTS_MAX { self.flush() } else { Ok(()) }
    }

    /// Steps one input, unless a picture holds it. What it tells may be told already.
    fn record(&mut self, record: &Record, is_told: bool) -> Result<(), RuntimeError> {
        let input = &record.input;
        let (partition, sequence) = (input.partition, input.sequence);
        let is_known = partition.0 < crate::domain::ids::PARTITIONS;
        if is_known && is_told && sequence <= self.partitions.last(partition).0 {
            return Ok(());
        }
        if !is_known || !self.partitions.follow(input) {
            let found = "it does not follow the one before it".to_owned();
            return Err(RuntimeError::Replay { partition, sequence, found });
        }
        if let InputBody::Command(command) = &input.body {
            self.directory.follow(command);
        }
        if let Some(by) = record.by {
            let sender = Sender { id: SenderId(by.sender), boot: by.boot };
            self.seen.follow(partition, sender, by.seq, by.settles);
            self.acks.recovered(sender, by.settles);
        }
        self.at = (partition, sequence);
        let shards = self.engines.len();
        let engine = &mut self.engines[shard_of(partition, shards)];
        if !self.poisoned.is_empty()
            && let Some(courier) = self.poisoned.get(&self.at)
        {
            engine.quarantine(*courier);
            self.directory.quarantine(*courier, 0);
        }
        // As when it was stepped first: what the queue of deadlines puts off, it puts off again.
        engine.next_deadline(partition, input.received_at);
        engine.handle(input, &mut self.told);
        let Self { old_feed, told, writer, directory, chain, .. } = self;
        match old_feed {
            _ if is_told => {}
            Some(old) => old.tell(self.at, told, writer, directory, chain)?,
            None => writer.tell(told, directory, chain),
        }
        self.told.clear();
        self.report.inputs += 1;
        Ok(())
    }

    fn flush(&mut self) -> Result<(), RuntimeError> {
        self.report.feed_head = self.writer.flush(&self.feed)?;
        Ok(())
    }
}

/// About how many bytes of the journal lie after a place.
fn journal_bytes(disk: &dyn Disk, from: JournalPlace) -> Result<u64, StorageError> {
    let names = disk.names().map_err(StorageError::disk("list", "the data directory"))?;
    let mut bytes = 0;
    for name in names {
        if journal_number(&name).is_some_and(|number| number >= from.segment) {
            let file = disk.open(&name).map_err(StorageError::disk("open", &name))?;
            bytes += file.size().map_err(StorageError::disk("read", &name))?;
        }
    }
    Ok(bytes.saturating_sub(from.offset))
}

/// The journal ends before a frame that was synced when a snapshot was taken.
fn ends_early(end: &JournalEnd, told_before: u64) -> StorageError {
    let found = format!(
        "the journal ends before frame {}, but a snapshot says that all before frame {told_before} \
         was synced: nothing is cut off; put back a copy of the data directory",
        end.next
    );
    StorageError::Corrupt { name: journal_name(end.segment), offset: end.offset, found }
}

/// Makes what the last segment holds durable before anybody acts on it: after a process has died,
/// the system may still keep bytes that no disk has. The segments before it were synced when it
/// began.
fn sync_last(disk: &dyn Disk) -> Result<(), StorageError> {
    let names = disk.names().map_err(StorageError::disk("list", "the data directory"))?;
    let Some(last) = names.iter().rfind(|name| journal_number(name).is_some()) else {
        return Ok(());
    };
    let file = disk.open(last).map_err(StorageError::disk("open", last))?;
    file.sync().map_err(StorageError::disk("sync", last))
}

/// So many events are kept before they go to the feed log.
const FEED_EVENTS_MAX: usize = 4_096;
