//! The snapshot writer: the thread that puts pictures of partitions into files, gives a whole
//! snapshot its manifest, and then lets go what no snapshot needs any more. Nobody waits for it but
//! who asked for a snapshot; a snapshot that fails is given up, and the next one tried.

use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::Receiver;

use super::error::SnapshotError;
use super::node::Shared;
use super::order_chain::{Pages, put_pages};
use super::retainers::{Boundary, Retainers};
use crate::domain::ids::{CompanyId, PARTITIONS, PartitionId};
use crate::engine;
use crate::storage::disk::Disk;
use crate::storage::error::StorageError;
use crate::storage::manifest::{FeedPlace, JournalPlace, Manifest, Notified};
use crate::storage::segment::{is_aside, journal_number, manifest_number, snapshot_number};
use crate::storage::snapshot::{PieceKind, SnapshotWriter};

/// What comes to the writer.
pub enum ToWriter {
    /// Some pictures.
    Part(Part),
    /// All pictures of a round have come.
    End(Box<Ending>),
}

/// Pictures that a shard took at once.
pub struct Part {
    /// Their round.
    pub round: u64,
    /// The pictures.
    pub pictures: Vec<Picture>,
}

/// The picture of a partition.
pub struct Picture {
    /// The partition.
    pub partition: PartitionId,
    /// The sequence of the last input in it.
    pub sequence: u64,
    /// The picture.
    pub bytes: Vec<u8>,
    /// Who is quarantined in it, and what waits; empty: nobody.
    pub quarantine: Vec<u8>,
}

/// What the committer knows at the end of a round.
pub struct Ending {
    /// The round.
    pub round: u64,
    /// Nothing older may be left.
    pub is_alone: bool,
    /// Where the journal stood when the round began.
    pub journal: JournalPlace,
    /// Commands before that.
    pub commands: u64,
    /// The journal's next frame now; it is synced up to here.
    pub told_before: u64,
    /// Where the feed stands now.
    pub feed: FeedPlace,
    /// The last notifications.
    pub notified: Vec<(CompanyId, Notified)>,
    /// The orders' chains.
    pub pages: Pages,
}

/// A snapshot that is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeptSnapshot {
    /// Its number.
    pub number: u64,
    /// Where it needs the journal from.
    pub journal: JournalPlace,
    /// Commands before that.
    pub commands: u64,
}

impl From<&Manifest> for KeptSnapshot {
    fn from(manifest: &Manifest) -> Self {
        let Manifest { number, journal, commands, .. } = *manifest;
        Self { number, journal, commands }
    }
}

/// The writer.
pub struct SnapshotWriterThread {
    shared: Arc<Shared>,
    disk: Arc<dyn Disk>,
    retainers: Retainers,
    /// The oldest first.
    kept: Vec<KeptSnapshot>,
    /// Segments of the journal are never dropped.
    keeps_journal: bool,
    writing: Option<Writing>,
    /// Who holds segments back from a snapshot that was forced, or is in the way of one, is asked
    /// again so often.
    pub holder_tries: usize,
}

/// Nobody waits for a round that nobody ends.
impl Drop for SnapshotWriterThread {
    fn drop(&mut self) {
        self.shared.rounds.end(u64::MAX, Err(SnapshotError::Stopped));
    }
}

/// A round whose pictures come in.
struct Writing {
    round: u64,
    file: Result<SnapshotWriter, StorageError>,
    sequences: Vec<u64>,
}

impl SnapshotWriterThread {
    /// A writer that goes on after the snapshots that are there.
    #[must_use]
    pub const fn new(
        shared: Arc<Shared>,
        disk: Arc<dyn Disk>,
        retainers: Retainers,
        kept: Vec<KeptSnapshot>,
        keeps_journal: bool,
    ) -> Self {
        Self {
            shared,
            disk,
            retainers,
            kept,
            keeps_journal,
            writing: None,
            holder_tries: HOLDER_TRIES,
        }
    }

    /// Works until nobody is left to send anything.
    pub fn run(&mut self, inbox: &Receiver<ToWriter>) {
        while let Ok(message) = inbox.recv() {
            self.turn(message);
        }
        self.give_up();
    }

    /// One turn of its work.
    pub fn turn(&mut self, message: ToWriter) {
        match message {
            ToWriter::Part(part) => self.part(&part),
            ToWriter::End(ending) => {
                let outcome = self.end(&ending);
                self.shared.counters.snapshot(outcome.is_ok());
                self.shared.rounds.end(ending.round, outcome);
            }
        }
    }

    /// Takes pictures into the file of their round.
    fn part(&mut self, part: &Part) {
        if self.writing.as_ref().is_none_or(|writing| writing.round != part.round) {
            self.give_up();
            let file = SnapshotWriter::begin(Arc::clone(&self.disk), part.round);
            let sequences = vec![0; usize::from(PARTITIONS)];
            self.writing = Some(Writing { round: part.round, file, sequences });
        }
        if self.shared.rounds.is_given_up() {
            return;
        }
        let Some(Writing { file, sequences, .. }) = &mut self.writing else { return };
        let Ok(writer) = file else { return };
        for Picture { partition, sequence, bytes, quarantine } in &part.pictures {
            sequences[partition.0 as usize] = *sequence;
            let key = partition.0.into();
            let mut put = writer.put(PieceKind::Partition, key, bytes);
            if put.is_ok() && !quarantine.is_empty() {
                put = writer.put(PieceKind::Quarantine, key, quarantine);
            }
            if let Err(error) = put {
                self.give_up_for(error);
                return;
            }
        }
    }

    /// Ends a round: the snapshot counts once its manifest is durable.
    fn end(&mut self, ending: &Ending) -> Result<(), SnapshotError> {
        let Some(Writing { file, sequences, .. }) = self.writing.take() else {
            return Err(SnapshotError::Stopped);
        };
        let mut file = file.map_err(failed)?;
        if self.shared.rounds.is_given_up() {
            // It is swept away at the next start if the disk fails now.
            let _ = file.give_up();
            return Err(SnapshotError::Late);
        }
        if let Err(error) = self.shared.feed.sync() {
            // Whether the feed is durable is not known any more, whatever later syncs say.
            self.shared.fault.fail(error.to_string());
            return Err(failed(error));
        }
        let put = put_pages(&ending.pages, |piece| file.put(PieceKind::Chains, 0, piece));
        if let Err(error) = put {
            let _ = file.give_up();
            return Err(failed(error));
        }
        if let Some(name) = self.patiently(|| self.unfounded(ending)) {
            let _ = file.give_up();
            return Err(SnapshotError::Unfounded(name));
        }
        let manifest = Manifest {
            number: ending.round,
            engine: engine::VERSION,
            layout: engine::state::LAYOUT,
            bytes: file.finish().map_err(failed)?,
            journal: ending.journal,
            commands: ending.commands,
            told_before: ending.told_before,
            feed: ending.feed,
            notified: ending.notified.clone(),
            sequences,
        };
        manifest.write(&self.disk).map_err(failed)?;
        self.kept.push((&manifest).into());
        self.sweep(if ending.is_alone { 1 } else { KEPT })?;
        if !ending.is_alone {
            // What is held back now goes with the next snapshot.
            return self.drop_segments(KEPT).or(Ok(()));
        }
        let mut dropped = Ok(());
        let is_held = || match self.drop_segments(1) {
            Err(SnapshotError::Held(name)) => Some(Err(SnapshotError::Held(name))),
            other => {
                dropped = other;
                None
            }
        };
        self.patiently(is_held).unwrap_or(dropped)
    }

    /// Who could not make anew what a start with this snapshot does not tell.
    fn unfounded(&self, ending: &Ending) -> Option<&'static str> {
        let JournalPlace { segment, next, .. } = ending.journal;
        let boundary = Boundary { segment, frame: next, command: ending.commands };
        self.retainers.founded_holder(boundary)
    }

    /// Asks again, for a while, as long as there is somebody in the way.
    fn patiently<T>(&self, mut in_the_way: impl FnMut() -> Option<T>) -> Option<T> {
        let mut found = in_the_way();
        for _ in 0..self.holder_tries {
            if found.is_none() {
                break;
            }
            // Whoever it is was asked to go on.
            std::thread::sleep(HOLDER_PAUSE);
            found = in_the_way();
        }
        found
    }

    /// Removes every snapshot but the newest few, and what was never finished.
    fn sweep(&mut self, kept: usize) -> Result<(), SnapshotError> {
        self.kept.drain(..self.kept.len().saturating_sub(kept));
        let is_kept = |number| self.kept.iter().any(|kept| kept.number == number);
        let names = self.disk.names().map_err(StorageError::disk("list", "the data directory"));
        let names = names.map_err(failed)?;
        // A manifest goes before what it names.
        let manifests = names.iter().filter(|name| manifest_number(name).is_some());
        let others = names.iter().filter(|name| manifest_number(name).is_none());
        for name in manifests.chain(others) {
            let number = manifest_number(name).or_else(|| snapshot_number(name));
            if is_aside(name) || number.is_some_and(|number| !is_kept(number)) {
                let removed = self.disk.remove(name);
                removed.map_err(StorageError::disk("remove", name)).map_err(failed)?;
            }
        }
        let synced = self.disk.sync_entries();
        synced.map_err(StorageError::disk("sync", "the data directory")).map_err(failed)
    }

    /// Drops the journal's segments before the oldest of so many snapshots.
    fn drop_segments(&self, kept: usize) -> Result<(), SnapshotError> {
        let Some(oldest) = self.kept.first().filter(|_| self.kept.len() >= kept) else {
            return Ok(());
        };
        let boundary = Boundary {
            segment: oldest.journal.segment,
            frame: oldest.journal.next,
            command: oldest.commands,
        };
        let names = self.disk.names().map_err(StorageError::disk("list", "the data directory"));
        let old = |name: &String| journal_number(name).is_some_and(|at| at < boundary.segment);
        let old: Vec<String> = names.map_err(failed)?.into_iter().filter(old).collect();
        if old.is_empty() || self.keeps_journal {
            return Ok(());
        }
        if let Some(name) = self.retainers.holder(boundary) {
            return Err(SnapshotError::Held(name));
        }
        for name in old {
            let removed = self.disk.remove(&name);
            removed.map_err(StorageError::disk("remove", &name)).map_err(failed)?;
        }
        let synced = self.disk.sync_entries();
        synced.map_err(StorageError::disk("sync", "the data directory")).map_err(failed)
    }

    /// Gives up what is being written.
    fn give_up(&mut self) {
        if let Some(Writing { file: Ok(file), .. }) = self.writing.take() {
            // What is left is swept away later.
            let _ = file.give_up();
        }
    }

    fn give_up_for(&mut self, error: StorageError) {
        if let Some(writing) = &mut self.writing
            && let Ok(file) = core::mem::replace(&mut writing.file, Err(error))
        {
            let _ = file.give_up();
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "an error is turned into another")]
fn failed(error: StorageError) -> SnapshotError {
    SnapshotError::Failed(error.to_string())
}

/// Whoever is in the way of a snapshot, or holds segments back from a forced one, gets ten seconds.
const HOLDER_TRIES: usize = 200;
const HOLDER_PAUSE: Duration = Duration::from_millis(50);
/// So many snapshots are kept.
const KEPT: usize = 2;
