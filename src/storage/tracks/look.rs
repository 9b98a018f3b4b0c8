//! The tracks of a directory in which a daemon may be at work: read, and nothing else. What is on
//! disk comes block by block; what is not there yet is in the journal.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::block::{Block, Entry, FileOf};
use super::chunk::{ChunkPoints, TrackPoint};
use super::{TrackFile, TrackLog, blocks_of};
use crate::domain::ids::CourierId;
use crate::domain::position::{AGE_MAX_MS, LEAD_MAX_MS};
use crate::storage::codec::input::{ChunkReader, Reported};
use crate::storage::disk::Disk;
use crate::storage::error::StorageError;
use crate::storage::frame::FrameKind;
use crate::storage::replay::replay;
use crate::storage::segment::{TracksPlace, tracks_name, tracks_place};

/// A position of a courier.
pub type Tracked = (CourierId, TrackPoint);

impl TrackLog {
    /// The tracks of a directory, as far as they are whole. Nothing is cut off or removed.
    ///
    /// # Errors
    /// The disk fails, or a file is not what was written.
    pub fn look(disk: Arc<dyn Disk>) -> Result<Self, StorageError> {
        let names = disk.names().map_err(StorageError::disk("list", "the data directory"))?;
        // What is written anew counts once what it was made from is gone.
        let mut places = BTreeMap::new();
        for place in names.iter().filter_map(|name| tracks_place(name)) {
            let first: &mut TracksPlace = places.entry(place.hour).or_insert(place);
            *first = (*first).min(place);
        }
        let last = places.keys().next_back().copied();
        let files: Result<Vec<_>, _> = places
            .into_values()
            .map(|place| look_at(&*disk, place, Some(place.hour) == last))
            .collect();
        Ok(Self { disk, files: files?.into() })
    }

    /// Tells the positions of those couriers that are wanted, a block at a time, sorted by receive
    /// time; each block as it came. Memory is needed for what is wanted of one block.
    ///
    /// # Errors
    /// The disk fails, the bytes are not what was written, or `tell` fails.
    pub fn each_block<E: From<StorageError>>(
        &self,
        is_wanted: &dyn Fn(CourierId) -> bool,
        tell: &mut dyn FnMut(Vec<Tracked>) -> Result<(), E>,
    ) -> Result<(), E> {
        for track_file in self.read_files().iter() {
            let name = &track_file.name;
            let file = self.disk.open(name).map_err(StorageError::disk("open", name))?;
            let file = FileOf { file: &*file, name };
            for block in &track_file.blocks {
                let mut points = Vec::new();
                for place in 0..block.chunks {
                    let entry = block.entry(&file, place)?;
                    if is_wanted(entry.courier) {
                        take(block, &file, &entry, &mut points)?;
                    }
                }
                points.sort_by_key(|(_, point): &Tracked| point.received_at);
                tell(points)?;
            }
        }
        Ok(())
    }
}

fn take(
    block: &Block,
    file: &FileOf<'_>,
    entry: &Entry,
    points: &mut Vec<Tracked>,
) -> Result<(), StorageError> {
    let bytes = block.points(file, entry)?;
    for point in ChunkPoints::new(&bytes) {
        let bad = |_| file.corrupt(block.offset + u64::from(entry.at), "a chunk");
        points.push((entry.courier, point.map_err(bad)?));
    }
    Ok(())
}

fn look_at(disk: &dyn Disk, place: TracksPlace, is_last: bool) -> Result<TrackFile, StorageError> {
    let name = tracks_name(place);
    let opened = disk.open(&name).map_err(StorageError::disk("open", &name))?;
    let file = FileOf { file: &*opened, name: &name };
    let size = opened.size().map_err(StorageError::disk("read", &name))?;
    let (mut blocks, at) = blocks_of(&file, size)?;
    if is_last {
        // It is being written, or the journal has it.
        while let Some(last) = blocks.last()
            && !last.is_whole(&file)?
        {
            blocks.pop();
        }
    } else if at < size {
        return Err(file.corrupt(at, "a block"));
    }
    Ok(TrackFile { place, name, size: at, blocks })
}

/// Tells the positions of a frame that are part of a track, in order: all but those that the engine
/// refused for their age. Ends at bytes that are no positions.
pub fn each_tracked(payload: &[u8], mut tell: impl FnMut(CourierId, TrackPoint)) {
    let mut reader = ChunkReader::new(payload);
    while let Some(Reported { received_at, courier, route, position }) = reader.next_position() {
        if (-LEAD_MAX_MS..=AGE_MAX_MS).contains(&(received_at - position.device_time)) {
            tell(courier, TrackPoint { route, received_at, position });
        }
    }
}

/// Tells the positions that only the journal has: those of its frames from `next` on, a frame at a
/// time.
///
/// # Errors
/// The disk fails, the journal is not what was written, or `tell` fails.
pub fn each_untracked<E: From<StorageError>>(
    disk: &dyn Disk,
    next: u64,
    tell: &mut dyn FnMut(Vec<Tracked>) -> Result<(), E>,
) -> Result<(), E> {
    replay(disk, &mut |frame, _, _| {
        if frame.kind != FrameKind::Positions || frame.stamp.sequence < next {
            return Ok(());
        }
        let mut points = Vec::new();
        each_tracked(frame.payload, |courier, point| points.push((courier, point)));
        tell(points)
    })
    .map(drop)
}
