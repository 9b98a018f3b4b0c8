//! What a journal holds: the one that is there, and the one that there would be if nothing of it had
//! ever been dropped.

use std::collections::BTreeMap;

use doorstep::engine::input::InputBody;
use doorstep::storage::bytes::Reader;
use doorstep::storage::codec::input::ChunkReader;
use doorstep::storage::disk::Disk;
use doorstep::storage::error::StorageError;
use doorstep::storage::frame::{CommandHead, FrameKind};
use doorstep::storage::manifest::{JournalPlace, Manifest};
use doorstep::storage::replay::{replay, replay_from};
use doorstep::storage::segment::{
    ENGINE, PANICS, journal_name, journal_number, journal_numbers, manifest_name, manifest_number,
};
use doorstep::storage::sim_disk::SimDisk;

use super::senders::Numbered;

/// What is in it.
#[derive(Debug, Default)]
pub struct Held {
    /// How often each position is in it.
    pub positions: BTreeMap<Numbered, u32>,
    /// Every position.
    pub tracked: Vec<Tracked>,
    /// The first frame that is there.
    pub first_living: u64,
    /// The first frame behind all.
    pub next: u64,
}

/// A position as the journal has it.
#[derive(Clone, Copy, Debug)]
pub struct Tracked {
    /// Its frame.
    pub frame: u64,
    /// When the earliest position of that frame came.
    pub came_ms: i64,
    /// Its courier.
    pub courier: u32,
    /// When it came.
    pub received_ms: i64,
    /// When it was measured.
    pub device_ms: i64,
}

/// Where the newest manifest says that a replay begins.
pub fn living_from(disk: &SimDisk) -> JournalPlace {
    let names = disk.names().expect("the disk lives");
    let manifests = names.iter().rev().filter(|name| manifest_number(name).is_some());
    let place = manifests.filter_map(|name| Manifest::read(disk, name).ok()).next();
    place.map_or(JournalPlace::START, |manifest| manifest.journal)
}

/// Where the replay of a start begins that takes this snapshot, or none.
pub fn begins_with(disk: &SimDisk, snapshot: Option<u64>) -> JournalPlace {
    let manifest = snapshot.map(|number| Manifest::read(disk, &manifest_name(number)));
    manifest.map_or(JournalPlace::START, |manifest| manifest.expect("it was taken").journal)
}

/// By sequence, the payload of every frame from a place on.
pub fn living(disk: &SimDisk, from: JournalPlace) -> Result<BTreeMap<u64, Vec<u8>>, StorageError> {
    let mut frames = BTreeMap::new();
    replay_from(disk, from, &mut |frame, _, _| {
        frames.insert(frame.stamp.sequence, frame.payload.to_vec());
        Ok::<_, StorageError>(())
    })?;
    Ok(frames)
}

/// A disk with all of the journal there ever was and the notes of panics and of the first engine,
/// which every replay needs, and nothing else.
pub fn whole(disk: &SimDisk) -> SimDisk {
    let names = disk.names().expect("the disk lives");
    let numbers = journal_numbers(&names);
    let first = numbers.first().copied().unwrap_or(1);
    let last = numbers.last().copied().unwrap_or(0);
    let copy = SimDisk::new();
    let put = |name: &str, bytes: &[u8]| {
        let file = copy.open(name).expect("it lives");
        file.write_at(bytes, 0).and_then(|()| file.sync()).expect("it lives");
    };
    for number in 1..=last {
        let name = journal_name(number);
        let dropped = (number < first).then(|| disk.gone(&name)).flatten();
        put(&name, &dropped.unwrap_or_else(|| disk.bytes(&name)));
    }
    for name in names.iter().filter(|name| [PANICS, ENGINE].contains(&name.as_str())) {
        put(name, &disk.bytes(name));
    }
    copy.sync_entries().expect("it lives");
    copy
}

/// Reads all of the journal there ever was.
pub fn held(disk: &SimDisk) -> Result<Held, StorageError> {
    let mut held = Held::default();
    let first_living = journal_numbers(&disk.names().expect("the disk lives")).first().copied();
    replay(&whole(disk), &mut |frame, name, _| {
        let sequence = frame.stamp.sequence;
        held.next = sequence + 1;
        if journal_number(name) < first_living {
            held.first_living = held.next;
        }
        let before = held.tracked.len();
        let mut chunks = frame.payload;
        if frame.kind == FrameKind::Command {
            let mut reader = Reader::new(frame.payload);
            CommandHead::read(&mut reader).expect("a head");
            chunks = reader.rest();
        }
        for record in ChunkReader::new(chunks) {
            let record = record.expect("a record");
            let InputBody::Position { courier, position, .. } = &record.input.body else {
                continue;
            };
            let received_ms = record.input.received_at.ms();
            held.tracked.push(Tracked {
                frame: sequence,
                came_ms: received_ms,
                courier: courier.0,
                received_ms,
                device_ms: position.device_time.ms(),
            });
            if let Some(by) = record.by {
                *held.positions.entry((by.sender, by.boot, by.seq)).or_default() += 1;
            }
        }
        let frame = &mut held.tracked[before..];
        let first_ms = frame.iter().map(|point| point.received_ms).min().unwrap_or(0);
        frame.iter_mut().for_each(|point| point.came_ms = first_ms);
        Ok::<_, StorageError>(())
    })?;
    Ok(held)
}
