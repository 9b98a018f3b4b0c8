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
use doorstep::storage::segment::{PANICS, journal_name, journal_number, manifest_number};
use doorstep::storage::sim_disk::SimDisk;

use super::senders::Numbered;

/// What is in it.
#[derive(Debug, Default)]
pub struct Held {
    /// How often each position is in it.
    pub positions: BTreeMap<Numbered, u32>,
    /// Of every position: courier, receive time, device time.
    pub tracked: Vec<(u32, i64, i64)>,
    /// The first frame behind all.
    pub next: u64,
}

/// By sequence, the payload of every frame from where the newest manifest says.
pub fn living(disk: &SimDisk) -> Result<BTreeMap<u64, Vec<u8>>, StorageError> {
    let names = disk.names().expect("the disk lives");
    let manifests = names.iter().rev().filter(|name| manifest_number(name).is_some());
    let place = manifests.filter_map(|name| Manifest::read(disk, name).ok()).next();
    let place = place.map_or(JournalPlace::START, |manifest| manifest.journal);
    let mut frames = BTreeMap::new();
    replay_from(disk, place, &mut |frame, _, _| {
        frames.insert(frame.stamp.sequence, frame.payload.to_vec());
        Ok::<_, StorageError>(())
    })?;
    Ok(frames)
}

/// A disk with all of the journal there ever was and the notes of panics, which every replay
/// needs, and nothing else.
pub fn whole(disk: &SimDisk) -> SimDisk {
    let names = disk.names().expect("the disk lives");
    let numbers: Vec<_> = names.iter().filter_map(|name| journal_number(name)).collect();
    let last = numbers.last().copied().unwrap_or(0);
    // What a crash brought back of dropped segments is not meant.
    let mut first = last;
    while first > 1 && numbers.contains(&(first - 1)) {
        first -= 1;
    }
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
    if names.iter().any(|name| name == PANICS) {
        put(PANICS, &disk.bytes(PANICS));
    }
    copy.sync_entries().expect("it lives");
    copy
}

/// Reads all of the journal there ever was.
pub fn held(disk: &SimDisk) -> Result<Held, StorageError> {
    let mut held = Held::default();
    replay(&whole(disk), &mut |frame, _, _| {
        held.next = frame.stamp.sequence + 1;
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
            let at = (record.input.received_at.ms(), position.device_time.ms());
            held.tracked.push((courier.0, at.0, at.1));
            if let Some(by) = record.by {
                *held.positions.entry((by.sender, by.boot, by.seq)).or_default() += 1;
            }
        }
        Ok::<_, StorageError>(())
    })?;
    Ok(held)
}
