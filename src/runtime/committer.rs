//! The committer: the one thread that writes. It takes what the shards have stepped, appends it to
//! the journal as one group, syncs, appends what was told to the feed, and then tells those who
//! wait. The next group is what came meanwhile: no timer.
//!
//! A command frame is written once every shard's parts of it are here. Until then nothing more is
//! taken from the shards that have delivered theirs, so that the order of every partition is kept;
//! they have room in their queues, and all shards see the frames in one order, so nobody waits in
//! a circle.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use crossbeam_channel::{Sender, TryRecvError};

use super::bell::Bell;
use super::commands::Committed;
use super::error::RuntimeError;
use super::feed_writer::FeedWriter;
use super::mailbox::CommandFrame;
use super::message::{Batch, Message, Part, Waiting};
use super::node::{Durability, Shared};
use super::outbox::Messages;
use super::rounds::Wanted;
use super::snapshot_writer::{Ending, ToWriter};
use crate::engine::output::Outputs;
use crate::storage::bytes::Writer;
use crate::storage::frame::{CommandHead, FrameKind};
use crate::storage::journal::Journal;
use crate::storage::manifest::JournalPlace;

/// The committer as recovery left it.
pub struct Committer {
    shared: Arc<Shared>,
    journal: Journal,
    feed: FeedWriter,
    durability: Durability,
    lines: Vec<Line>,
    /// Rung when there is something in one of the lines.
    bell: Bell,
    commands: BTreeMap<u64, Gathering>,
    /// The next command frame to be written.
    next_place: u64,
    group: Group,
    has_unsynced: bool,
    /// Real time of the last sync.
    synced_at: Duration,
    /// Real time of the end of the last turn.
    ended_at: Duration,
    snapshots: SnapshotSide,
}

/// The committer's part in snapshots.
pub struct SnapshotSide {
    /// The way to the snapshot writer.
    writer: Sender<ToWriter>,
    /// A round begins once so many bytes were journalled since the last one; 0: only when asked.
    journal_bytes: u64,
    /// The round under way.
    round: Option<Round>,
    /// Who wants a round.
    wanted: Vec<Wanted>,
}

impl SnapshotSide {
    /// No round is under way.
    #[must_use]
    pub const fn new(writer: Sender<ToWriter>, journal_bytes: u64) -> Self {
        Self { writer, journal_bytes, round: None, wanted: Vec::new() }
    }
}

/// A round whose pictures are being taken.
struct Round {
    number: u64,
    is_alone: bool,
    journal: JournalPlace,
    commands: u64,
    shards_left: usize,
}

/// The way from one shard.
struct Line {
    messages: Messages,
    /// Its parts of a command are here, others' are not.
    is_held: bool,
    has_ended: bool,
}

/// A command frame of which not all parts are here, or which is not the next.
struct Gathering {
    frame: Arc<CommandFrame>,
    parts: Vec<Part>,
    shards: Vec<usize>,
}

/// What is to be durable next, in journal order.
#[derive(Default)]
struct Group {
    payload: Vec<u8>,
    inputs: u64,
    bytes: u64,
    told: Vec<Outputs>,
    waiting: Vec<Waiting>,
    commands: Vec<Arc<CommandFrame>>,
}

impl Committer {
    /// A committer that takes messages from these shards, who ring the bell, before anybody can
    /// commit anything.
    #[must_use]
    pub fn new(
        shared: Arc<Shared>,
        journal: Journal,
        feed: FeedWriter,
        durability: Durability,
        (shards, bell): (Vec<Messages>, Bell),
        snapshots: SnapshotSide,
    ) -> Self {
        let line = |messages| Line { messages, is_held: false, has_ended: false };
        let synced_at = shared.clock.real_time();
        let next_place = *shared.last_place.lock().unwrap_or_else(PoisonError::into_inner) + 1;
        Self {
            shared,
            journal,
            feed,
            durability,
            lines: shards.into_iter().map(line).collect(),
            bell,
            commands: BTreeMap::new(),
            next_place,
            group: Group::default(),
            has_unsynced: false,
            synced_at,
            ended_at: Duration::ZERO,
            snapshots,
        }
    }

    /// Works until every shard has ended.
    ///
    /// # Errors
    /// The disk fails, or a shard ended without saying so.
    pub fn run(&mut self) -> Result<(), RuntimeError> {
        while !self.has_ended() {
            self.wait()?;
            self.linger();
            self.turn()?;
            self.ended_at = self.shared.clock.real_time();
        }
        self.end()
    }

    /// One turn of its work: takes what is there, makes it durable, and tells.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub fn turn(&mut self) -> Result<(), RuntimeError> {
        self.gather()?;
        self.commit()
    }

    /// Whether every shard has ended.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.lines.iter().all(|line| line.has_ended)
    }

    /// Whether there is anything for a turn.
    #[must_use]
    pub fn has_work(&self) -> bool {
        let mut lines = self.lines.iter();
        lines.any(|line| line.is_open() && line.messages.has_message())
            || self.has_unsynced && self.must_sync()
    }

    /// Every shard has ended: makes durable what is left.
    ///
    /// # Errors
    /// The disk fails.
    pub fn end(&mut self) -> Result<(), RuntimeError> {
        self.journal.sync()?;
        Ok(self.shared.feed.sync()?)
    }

    /// Waits for a message, or until it is time to sync.
    fn wait(&self) -> Result<(), RuntimeError> {
        if !self.lines.iter().any(Line::is_open) {
            let cause = "a shard ended without its part of a command";
            return Err(RuntimeError::Failed(cause.to_owned()));
        }
        let has_news = || self.lines.iter().any(|line| line.is_open() && line.messages.has_news());
        self.bell
            .wait(self.has_unsynced.then_some(Duration::from_millis(RELAXED_MS_MAX)), has_news);
        Ok(())
    }

    /// Under load a group gathers for a moment: a sync and the wake-ups after it cost more than a
    /// group of one is worth.
    fn linger(&self) {
        let since = self.shared.clock.real_time().saturating_sub(self.ended_at);
        if self.durability != Durability::None && since < GROUP_EVERY {
            std::thread::sleep(GROUP_EVERY.saturating_sub(since));
        }
    }

    /// Takes what is there, in turn from each shard, up to [`GROUP_BYTES_MAX`].
    fn gather(&mut self) -> Result<(), RuntimeError> {
        let mut has_more = true;
        while has_more && self.group.bytes < GROUP_BYTES_MAX {
            has_more = false;
            for shard in 0..self.lines.len() {
                if !self.lines[shard].is_open() {
                    continue;
                }
                match self.lines[shard].messages.try_recv() {
                    Ok(message) => {
                        self.take(shard, message)?;
                        has_more = true;
                    }
                    Err(TryRecvError::Empty) => {}
                    Err(TryRecvError::Disconnected) => {
                        return Err(RuntimeError::Failed(format!("shard {shard} is gone")));
                    }
                }
            }
        }
        Ok(())
    }

    fn take(&mut self, shard: usize, message: Message) -> Result<(), RuntimeError> {
        match message {
            Message::Batch(batch) => self.batch(batch),
            Message::Command { frame, parts } => {
                self.lines[shard].is_held = true;
                let gathering = self.commands.entry(frame.place).or_insert_with(|| Gathering {
                    frame,
                    parts: Vec::new(),
                    shards: Vec::new(),
                });
                gathering.parts.extend(parts);
                gathering.shards.push(shard);
                self.write_commands()
            }
            Message::Snapshot(wanted) => {
                self.snapshots.wanted.push(wanted);
                Ok(())
            }
            Message::Pictured(number) => {
                let round = self.snapshots.round.as_mut().filter(|round| round.number == number);
                if let Some(round) = round {
                    round.shards_left -= 1;
                }
                Ok(())
            }
            Message::End => {
                self.lines[shard].has_ended = true;
                Ok(())
            }
        }
    }

    fn batch(&mut self, batch: Batch) -> Result<(), RuntimeError> {
        let Batch { chunk, told, done } = batch;
        if !self.group.payload.is_empty()
            && self.group.payload.len() + chunk.bytes.len() > self.shared.frame_bytes_max
        {
            self.end_frame()?;
        }
        self.group.payload.extend_from_slice(&chunk.bytes);
        self.group.inputs += u64::from(chunk.count);
        self.group.told.push(told);
        self.group.waiting.extend(done);
        Ok(())
    }

    /// Puts the positions so far into a frame.
    fn end_frame(&mut self) -> Result<(), RuntimeError> {
        if !self.group.payload.is_empty() {
            self.journal.push(FrameKind::Positions, &self.group.payload)?;
            self.group.bytes += self.group.payload.len() as u64;
            self.group.payload.clear();
        }
        Ok(())
    }

    /// Puts every command that is whole into its frame, in their order.
    fn write_commands(&mut self) -> Result<(), RuntimeError> {
        while let Some(first) = self.commands.first_entry()
            && *first.key() == self.next_place
            && first.get().shards.len() == first.get().frame.shards
        {
            let Gathering { frame, mut parts, shards } = first.remove();
            parts.sort_by_key(|part| part.at);
            self.end_frame()?;
            let mut payload = Writer::default();
            let head = CommandHead { place: frame.place, at: frame.at, note: &frame.note };
            head.write(&mut payload);
            for part in parts {
                payload.bytes.extend_from_slice(&part.chunk.bytes);
                self.group.inputs += u64::from(part.chunk.count);
                self.group.told.push(part.told);
                self.shared.directory.follow(&part.command);
            }
            self.journal.push(FrameKind::Command, &payload.bytes)?;
            self.group.bytes += payload.bytes.len() as u64;
            self.group.commands.push(frame);
            self.next_place += 1;
            for shard in shards {
                self.lines[shard].is_held = false;
            }
        }
        Ok(())
    }

    /// Makes the group durable, and tells.
    fn commit(&mut self) -> Result<(), RuntimeError> {
        self.end_frame()?;
        if self.group.bytes > 0 {
            self.journal.write()?;
            self.shared.counters.group(self.group.inputs, self.group.bytes);
            self.shared.rounds.journalled(self.group.bytes);
            self.has_unsynced = true;
        }
        if self.has_unsynced && self.must_sync() {
            self.journal.sync()?;
            self.shared.counters.synced(self.journal.syncs());
            (self.has_unsynced, self.synced_at) = (false, self.shared.clock.real_time());
        }
        self.shared.journalled.store(self.journal.next(), Ordering::Release);
        for told in self.group.told.drain(..) {
            self.feed.tell(&told, &self.shared.directory, &self.shared.chain);
        }
        self.shared.counters.quarantined(self.feed.take_quarantined());
        if self.feed.waiting() > 0 {
            let head = self.feed.flush(&self.shared.feed)?;
            self.shared.head.send_replace(head);
        }
        self.release();
        self.end_round()?;
        self.begin_round()
    }

    /// Begins a round of snapshots if it is time or somebody wants it, unless one is under way.
    fn begin_round(&mut self) -> Result<(), RuntimeError> {
        let limit = self.snapshots.journal_bytes;
        let is_time = limit > 0 && self.shared.rounds.journalled(0) >= limit;
        if !is_time && self.snapshots.wanted.is_empty() {
            return Ok(());
        }
        let wanted = core::mem::take(&mut self.snapshots.wanted);
        let is_alone = wanted.iter().any(|wanted| wanted.is_alone);
        if is_alone && !self.shared.rounds.is_under_way() {
            // What the snapshot needs of the journal begins with a segment of its own.
            self.journal.begin_segment()?;
        }
        let journal = self.journal.place();
        let number = self.shared.rounds.begin();
        for Wanted { reply, .. } in wanted {
            // Who has gone away wants no answer.
            let _ = reply.send(number);
        }
        if let Some(number) = number {
            let commands = self.next_place - 1;
            let shards_left = self.lines.len();
            self.snapshots.round = Some(Round { number, is_alone, journal, commands, shards_left });
        }
        Ok(())
    }

    /// Once all pictures of a round are taken, hands on what is to be known beside them.
    fn end_round(&mut self) -> Result<(), RuntimeError> {
        if self.snapshots.round.as_ref().is_none_or(|round| round.shards_left > 0) {
            return Ok(());
        }
        if self.has_unsynced {
            // The pictures hold nothing that is not durable.
            self.journal.sync()?;
            (self.has_unsynced, self.synced_at) = (false, self.shared.clock.real_time());
        }
        let Some(round) = self.snapshots.round.take() else { return Ok(()) };
        let ending = Ending {
            round: round.number,
            is_alone: round.is_alone,
            journal: round.journal,
            commands: round.commands,
            told_before: self.journal.place().next,
            feed: self.shared.feed.place(),
            notified: self.feed.notified(),
            pages: self.shared.chain.pages(),
        };
        // A writer that is gone has failed the node, or it stops.
        let _ = self.snapshots.writer.send(ToWriter::End(Box::new(ending)));
        Ok(())
    }

    fn must_sync(&self) -> bool {
        match self.durability {
            Durability::Sync => true,
            Durability::Relaxed => {
                let since = self.shared.clock.real_time().saturating_sub(self.synced_at);
                since >= Duration::from_millis(RELAXED_MS_MAX)
            }
            Durability::None => false,
        }
    }

    /// Tells those who wait. Whoever has gone away wants no answer.
    fn release(&mut self) {
        for frame in self.group.commands.drain(..) {
            let reply = frame.reply.lock().unwrap_or_else(PoisonError::into_inner).take();
            let committed = Committed { journal_place: frame.place, at: frame.at };
            let _ = reply.map(|reply| reply.send(committed));
        }
        for Waiting { ticket, done, reply } in self.group.waiting.drain(..) {
            if let Some(ticket) = ticket {
                self.shared.acks.part_done(&ticket);
            }
            let _ = reply.send(done);
        }
        (self.group.inputs, self.group.bytes) = (0, 0);
    }
}

impl Line {
    const fn is_open(&self) -> bool {
        !self.is_held && !self.has_ended
    }
}

/// A group is written once it has so many bytes.
const GROUP_BYTES_MAX: u64 = 4 << 20;
/// The next group begins so long after the end of the last one, where acks mean a sync.
const GROUP_EVERY: Duration = Duration::from_micros(300);
/// With relaxed durability a sync comes after at most so many milliseconds.
const RELAXED_MS_MAX: u64 = 100;
