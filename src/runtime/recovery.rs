//! Brings a node back to where its journal ends: every input is stepped again, in order, and
//! everything it tells is compared with the feed log, or written where that is missing.

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
use super::node::TravelFactory;
use super::order_chain::OrderChain;
use super::partition::{Fact, Partitions, partition_of};
use super::seen::Seen;
use crate::domain::command::Command;
use crate::domain::ids::{CourierId, PartitionId};
use crate::domain::time::Time;
use crate::engine::Engine;
use crate::engine::input::InputBody;
use crate::engine::output::Outputs;
use crate::storage::bytes::{Reader, Writer};
use crate::storage::catalog::change::encode;
use crate::storage::codec::input::{ChunkReader, ChunkWriter, Record};
use crate::storage::disk::Disk;
use crate::storage::error::StorageError;
use crate::storage::feed_log::FeedLog;
use crate::storage::frame::{CommandHead, Frame, FrameKind};
use crate::storage::journal::Journal;
use crate::storage::panic_notes::{PanicNote, PanicNotes};
use crate::storage::replay::{CutTail, drop_after, replay};
use crate::storage::segment::journal_number;

/// What recovery found, for the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecoveryReport {
    /// Whole frames in the journal.
    pub frames: u64,
    /// Inputs in them.
    pub inputs: u64,
    /// Command frames among them.
    pub commands: u64,
    /// Position of the last event of the feed.
    pub feed_head: u64,
    /// Bytes of the feed log that were missing, or not what the journal gives.
    pub feed_rewritten_bytes: u64,
    /// What a crash left beyond the journal's end, cut off now.
    pub cut: Option<CutTail>,
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
    told: Outputs,
    /// The input that is being replayed.
    at: (PartitionId, u64),
    /// Inputs on which replay has panicked twice: their couriers are quarantined before them.
    poisoned: BTreeMap<(PartitionId, u64), CourierId>,
}

impl Recovery {
    /// Nothing recovered yet.
    #[must_use]
    pub fn new(shards: usize, travel: &TravelFactory, feed: FeedLog) -> Self {
        Self {
            engines: (0..shards).map(|_| Engine::new(travel())).collect(),
            partitions: Partitions::default(),
            seen: Seen::default(),
            writer: FeedWriter::default(),
            directory: Directory::default(),
            acks: Acks::default(),
            chain: OrderChain::default(),
            feed,
            report: RecoveryReport::default(),
            told: Outputs::default(),
            at: (PartitionId(0), 0),
            poisoned: BTreeMap::new(),
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
        let replayed = catch_unwind(AssertUnwindSafe(|| {
            replay(&**disk, &mut |frame, name, offset| {
                self.frame(frame, on_note).map_err(|error| error.at(name, offset))
            })
        }));
        let end = replayed.unwrap_or_else(|panic| Err(self.panicked(&**disk, panic)))?;
        self.report.cut = end.cut;
        self.flush()?;
        // What was counted then is not counted now.
        self.writer.take_quarantined();
        self.report.feed_rewritten_bytes = self.feed.recovered()?;
        drop_after(&**disk, &end)?;
        let mut journal = Journal::resume(Arc::clone(disk), segment_bytes, &end)?;
        let twice = notes.twice();
        if !twice.is_empty() {
            self.quarantine(&mut journal, &twice, on_note)?;
            notes.forget(&**disk, &twice)?;
        }
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
            let fact = Fact { now: Time::DISTANT_PAST, body };
            let (mut chunk, mut at) = (ChunkWriter::default(), Time::DISTANT_PAST);
            self.partitions.step_each(engine, partition, fact, &mut self.told, |input| {
                at = input.received_at;
                chunk.put(input, None);
            });
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
        for record in ChunkReader::new(chunks) {
            self.record(&record.map_err(|_| RuntimeError::Unreadable)?)?;
        }
        if self.writer.waiting() > FEED_EVENTS_MAX { self.flush() } else { Ok(()) }
    }

    fn record(&mut self, record: &Record) -> Result<(), RuntimeError> {
        let input = &record.input;
        let (partition, sequence) = (input.partition, input.sequence);
        if partition.0 >= crate::domain::ids::PARTITIONS || !self.partitions.follow(input) {
            let found = "it does not follow the one before it".to_owned();
            return Err(RuntimeError::Replay { partition, sequence, found });
        }
        if let InputBody::Command(command) = &input.body {
            self.directory.follow(command);
        }
        if let Some(by) = record.by {
            let sender = Sender { id: SenderId(by.sender), boot: by.boot };
            self.seen.follow(partition, sender, by.seq);
            self.acks.recovered(sender, by.settles);
        }
        self.at = (partition, sequence);
        let shards = self.engines.len();
        let engine = &mut self.engines[shard_of(partition, shards)];
        if !self.poisoned.is_empty()
            && let Some(courier) = self.poisoned.get(&self.at)
        {
            engine.quarantine(*courier);
            self.directory.quarantine(*courier);
        }
        // As when it was stepped first: what the queue of deadlines puts off, it puts off again.
        engine.next_deadline(partition, input.received_at);
        engine.handle(input, &mut self.told);
        self.writer.tell(&self.told, &self.directory, &self.chain);
        self.told.clear();
        self.report.inputs += 1;
        Ok(())
    }

    fn flush(&mut self) -> Result<(), RuntimeError> {
        self.report.feed_head = self.writer.flush(&self.feed)?;
        Ok(())
    }
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
