//! In whose step the process panicked: kept beside the journal, so that what panics twice can be
//! told from what happened once. A note is written by a process that is about to end, and is whole
//! or not there. It never moves: what is forgotten leaves its place empty, so that no crash in the
//! middle of a write harms another.

use std::collections::BTreeMap;

use super::bytes::{Read, Reader, Writer};
use super::disk::Disk;
use super::error::StorageError;
use super::segment::PANICS;
use crate::domain::ids::{CourierId, PartitionId};

/// One panic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PanicNote {
    /// The courier whose step it was.
    pub courier: CourierId,
    /// The input in the journal that was being replayed; `None`: what panicked is in no journal.
    pub replayed: Option<(PartitionId, u64)>,
}

/// The notes of a data directory.
#[derive(Clone, Debug, Default)]
pub struct PanicNotes {
    /// As they lie in the file; `None`: nothing, or nothing whole.
    places: Vec<Option<PanicNote>>,
}

impl PanicNotes {
    /// What is noted. A note that is not whole was never made.
    ///
    /// # Errors
    /// The disk fails.
    pub fn read(disk: &dyn Disk) -> Result<Self, StorageError> {
        let names = disk.names().map_err(StorageError::disk("list", "the data directory"))?;
        if !names.iter().any(|name| name == PANICS) {
            return Ok(Self::default());
        }
        let file = disk.open(PANICS).map_err(StorageError::disk("open", PANICS))?;
        let size = file.size().map_err(StorageError::disk("read", PANICS))?;
        let mut bytes = vec![0; size as usize];
        let read = file.read_at(&mut bytes, 0).map_err(StorageError::disk("read", PANICS))?;
        let places = bytes[..read].chunks_exact(NOTE_BYTES).map(|bytes| note(bytes).ok());
        Ok(Self { places: places.collect() })
    }

    /// Adds a note, and makes it durable.
    ///
    /// # Errors
    /// The disk fails.
    pub fn add(disk: &dyn Disk, note: PanicNote) -> Result<(), StorageError> {
        let mut notes = Self::read(disk)?;
        match notes.places.iter_mut().find(|place| place.is_none()) {
            Some(place) => *place = Some(note),
            None => notes.places.push(Some(note)),
        }
        notes.write(disk)
    }

    /// The couriers in whose steps it panicked twice before anything was journalled.
    #[must_use]
    pub fn twice(&self) -> Vec<CourierId> {
        let mut counts = BTreeMap::<CourierId, usize>::new();
        for note in self.notes().filter(|note| note.replayed.is_none()) {
            *counts.entry(note.courier).or_default() += 1;
        }
        counts
            .into_iter()
            .filter(|(_, count)| *count >= TWICE)
            .map(|(courier, _)| courier)
            .collect()
    }

    /// The inputs on which replay panicked twice, each with its courier.
    #[must_use]
    pub fn twice_replayed(&self) -> BTreeMap<(PartitionId, u64), CourierId> {
        let mut counts = BTreeMap::<_, (CourierId, usize)>::new();
        for note in self.notes() {
            if let Some(at) = note.replayed {
                counts.entry(at).or_insert((note.courier, 0)).1 += 1;
            }
        }
        let twice = counts.into_iter().filter(|(_, (_, count))| *count >= TWICE);
        twice.map(|(at, (courier, _))| (at, courier)).collect()
    }

    /// A replay has come to its end, and these couriers are quarantined, which the journal knows:
    /// forgets what led to that, and the inputs on which replay panicked once and did not panic now,
    /// on whose outputs others will act. What panicked twice stays, since every replay needs it.
    ///
    /// # Errors
    /// The disk fails.
    pub fn replayed(mut self, disk: &dyn Disk, couriers: &[CourierId]) -> Result<(), StorageError> {
        let poisoned = self.twice_replayed();
        let is_done_with = |note: &PanicNote| match note.replayed {
            Some(at) => !poisoned.contains_key(&at),
            None => couriers.contains(&note.courier),
        };
        let mut is_changed = false;
        for place in self.places.iter_mut().filter(|place| place.is_some_and(|n| is_done_with(&n)))
        {
            (*place, is_changed) = (None, true);
        }
        if is_changed { self.write(disk) } else { Ok(()) }
    }

    fn notes(&self) -> impl Iterator<Item = &PanicNote> {
        self.places.iter().flatten()
    }

    fn write(&self, disk: &dyn Disk) -> Result<(), StorageError> {
        let mut to = Writer::default();
        for place in &self.places {
            match place {
                Some(note) => put_note(&mut to, note),
                None => to.bytes.extend_from_slice(&NOTHING),
            }
        }
        let file = disk.open(PANICS).map_err(StorageError::disk("open", PANICS))?;
        file.write_at(&to.bytes, 0).map_err(StorageError::disk("write", PANICS))?;
        file.cut(to.bytes.len() as u64).map_err(StorageError::disk("cut", PANICS))?;
        file.sync().map_err(StorageError::disk("sync", PANICS))?;
        disk.sync_entries().map_err(StorageError::disk("sync", "the data directory"))
    }
}

fn put_note(to: &mut Writer, note: &PanicNote) {
    let from = to.bytes.len();
    let (partition, sequence) = note.replayed.unwrap_or((PartitionId(u16::MAX), 0));
    to.u32(note.courier.0);
    to.u32(partition.0.into());
    to.u64(sequence);
    let crc = crc32c::crc32c(&to.bytes[from..]);
    to.u32(crc);
}

fn note(bytes: &[u8]) -> Read<PanicNote> {
    let mut from = Reader::new(bytes);
    let (courier, partition, sequence) = (from.u32()?, from.u32()?, from.u64()?);
    if from.u32()? != crc32c::crc32c(&bytes[..NOTE_BYTES - 4]) {
        return Err(super::bytes::Malformed);
    }
    let partition = u16::try_from(partition).map_err(|_| super::bytes::Malformed)?;
    let replayed = (partition != u16::MAX).then_some((PartitionId(partition), sequence));
    Ok(PanicNote { courier: CourierId(courier), replayed })
}

/// So often is too often.
const TWICE: usize = 2;
/// Courier, partition, sequence, checksum.
const NOTE_BYTES: usize = 20;
/// No note: its checksum is false.
const NOTHING: [u8; NOTE_BYTES] = [0; NOTE_BYTES];
