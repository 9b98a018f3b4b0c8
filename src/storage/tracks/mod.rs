//! The tracks: where every courier was, for as long as is wished. Blocks of many couriers' chunks in
//! one file per hour of receive time (UTC), so that a million couriers are not a million files.
//!
//! A block is whole or not there: it says up to which frame of the journal the tracks reach, and is
//! synced before the next is written. So only the last block of the last file can be torn; it is
//! cut off, and the journal still has what was in it. What is in a block is never read from the
//! journal again.

pub mod block;
pub mod chunk;
pub mod look;
pub mod open;
mod rewrite;

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use self::block::{Block, Contents, FileOf};
use self::chunk::{ChunkPoints, TrackPoint};
use self::open::OpenTracks;
use super::disk::Disk;
use super::error::StorageError;
use super::segment::{TracksPlace, tracks_name, tracks_place};
use crate::domain::ids::CourierId;
use crate::domain::time::Time;

/// The tracks on disk: one writer, any number of readers.
pub struct TrackLog {
    disk: Arc<dyn Disk>,
    files: RwLock<Vec<TrackFile>>,
}

/// The blocks of one hour.
#[derive(Clone, Debug)]
struct TrackFile {
    place: TracksPlace,
    name: String,
    size: u64,
    blocks: Vec<Block>,
}

/// Which positions of a courier are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrackSpan {
    /// Whose.
    pub courier: CourierId,
    /// First device time.
    pub from: Time,
    /// First device time no more wanted.
    pub to: Time,
}

impl TrackSpan {
    /// Whether something with these earliest and latest device times may be in it.
    const fn meets(&self, first: Time, last: Time) -> bool {
        first.ms() < self.to.ms() && last.ms() >= self.from.ms()
    }

    /// Tells the positions of a chunk that are in it; `false`: the bytes are none.
    pub fn each_in(&self, points: &[u8], tell: &mut dyn FnMut(TrackPoint)) -> bool {
        for point in ChunkPoints::new(points) {
            let Ok(point) = point else { return false };
            let t = point.position.device_time;
            if t >= self.from && t < self.to {
                tell(point);
            }
        }
        true
    }
}

impl TrackLog {
    /// The tracks of a directory whose journal's next frame will be `journal_next`. A torn block at
    /// the end is cut off, and so is one that knows more than the journal.
    ///
    /// # Errors
    /// The disk fails, or a file is not what was written.
    pub fn open(disk: Arc<dyn Disk>, journal_next: u64) -> Result<Self, StorageError> {
        let names = disk.names().map_err(StorageError::disk("list", "the data directory"))?;
        let mut found: Vec<_> = names.iter().filter_map(|name| tracks_place(name)).collect();
        found.sort_unstable();
        rewrite::drop_unfinished(&*disk, &mut found)?;
        let mut files = Vec::new();
        for (at, &place) in found.iter().enumerate() {
            let is_last = at + 1 == found.len();
            files.push(open_file(&*disk, place, is_last, journal_next)?);
        }
        let log = Self { disk, files: RwLock::new(files) };
        log.sync_last()?;
        Ok(log)
    }

    /// Makes durable what is there before anybody relies on it: after a process has died, the system
    /// may still keep a block, or the removal of a file, that no disk has. Files before the last were
    /// synced when it was begun.
    fn sync_last(&self) -> Result<(), StorageError> {
        if let Some(last) = self.read_files().last() {
            let file = self.disk.open(&last.name);
            let file = file.map_err(StorageError::disk("open", &last.name))?;
            file.sync().map_err(StorageError::disk("sync", &last.name))?;
            let synced = self.disk.sync_entries();
            synced.map_err(StorageError::disk("sync", "the data directory"))?;
        }
        Ok(())
    }

    /// The sequence of the first journal frame that is not in the tracks; 1: there are none.
    #[must_use]
    pub fn next(&self) -> u64 {
        let files = self.read_files();
        let mut blocks = files.iter().rev().filter_map(|file| file.blocks.last());
        blocks.next().map_or(1, |block| block.next)
    }

    /// Writes what is open as one block that reaches to the frame before `next`, and syncs it.
    ///
    /// # Errors
    /// The disk fails: nothing of it counts.
    pub fn append(&self, open: &OpenTracks, next: u64) -> Result<(), StorageError> {
        let Some(hour) = open.hour() else { return Ok(()) };
        let fresh = TracksPlace { hour, rewritten: 0 };
        let (place, offset) = match self.read_files().last() {
            Some(last) if last.place.hour >= hour => (last.place, last.size),
            _ => (fresh, 0),
        };
        let name = tracks_name(place);
        let file = self.disk.open(&name).map_err(StorageError::disk("open", &name))?;
        let mut at = offset;
        let block = Contents::open(open, next).write(&mut |piece| {
            file.write_at(piece, at).map_err(StorageError::disk("write", &name))?;
            at += piece.len() as u64;
            Ok::<_, StorageError>(())
        })?;
        // A full disk may have taken some of a longer block before.
        if file.size().map_err(StorageError::disk("read", &name))? > at {
            file.cut(at).map_err(StorageError::disk("cut", &name))?;
        }
        file.sync().map_err(StorageError::disk("sync", &name))?;
        if offset == 0 {
            let synced = self.disk.sync_entries();
            synced.map_err(StorageError::disk("sync", "the data directory"))?;
        }
        let mut files = self.write_files();
        if files.last().is_none_or(|last| last.place != place) {
            files.push(TrackFile { place, name, size: 0, blocks: Vec::new() });
        }
        if let Some(last) = files.last_mut() {
            last.blocks.push(Block { offset, ..block });
            last.size = at;
        }
        Ok(())
    }

    /// Tells the positions of a span that are in blocks which reach to the frame before `next`, as
    /// they came.
    ///
    /// # Errors
    /// The disk fails, or the bytes are not what was written.
    pub fn read(
        &self,
        span: &TrackSpan,
        next: u64,
        tell: &mut dyn FnMut(TrackPoint),
    ) -> Result<(), StorageError> {
        let files = self.read_files();
        for track_file in files.iter() {
            let blocks = track_file.blocks.iter().filter(|block| block.next <= next);
            let mut blocks = blocks.filter(|block| span.meets(block.first, block.last)).peekable();
            if blocks.peek().is_none() {
                continue;
            }
            let name = &track_file.name;
            let file = self.disk.open(name).map_err(StorageError::disk("open", name))?;
            let file = FileOf { file: &*file, name };
            for block in blocks {
                let entry = block.find(&file, span.courier)?;
                let Some(entry) = entry.filter(|entry| span.meets(entry.first, entry.last)) else {
                    continue;
                };
                let points = block.points(&file, &entry)?;
                if !span.each_in(&points, tell) {
                    return Err(file.corrupt(block.offset + u64::from(entry.at), "a chunk"));
                }
            }
        }
        Ok(())
    }

    fn read_files(&self) -> RwLockReadGuard<'_, Vec<TrackFile>> {
        self.files.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_files(&self) -> RwLockWriteGuard<'_, Vec<TrackFile>> {
        self.files.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Finds the blocks of a file.
fn open_file(
    disk: &dyn Disk,
    place: TracksPlace,
    is_last: bool,
    journal_next: u64,
) -> Result<TrackFile, StorageError> {
    let name = tracks_name(place);
    let opened = disk.open(&name).map_err(StorageError::disk("open", &name))?;
    let file = FileOf { file: &*opened, name: &name };
    let size = opened.size().map_err(StorageError::disk("read", &name))?;
    let (mut blocks, mut at) = blocks_of(&file, size)?;
    if is_last {
        // Torn, or of frames that the journal has lost.
        while let Some(&last) = blocks.last()
            && (last.next > journal_next || !last.is_whole(&file)?)
        {
            blocks.pop();
            at = last.offset;
        }
        if at < size {
            opened.cut(at).map_err(StorageError::disk("cut", &name))?;
        }
    } else if at < size {
        return Err(file.corrupt(at, "a block"));
    }
    Ok(TrackFile { place, name, size: at, blocks })
}

/// The blocks that a file of so many bytes begins with, and where the last of them ends.
fn blocks_of(file: &FileOf<'_>, size: u64) -> Result<(Vec<Block>, u64), StorageError> {
    let (mut blocks, mut at) = (Vec::new(), 0);
    while at < size
        && let Some(block) = Block::read(file, at)?
    {
        at += block.bytes;
        blocks.push(block);
    }
    Ok((blocks, at))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::TrackLog;
    use super::chunk::TrackPoint;
    use super::open::OpenTracks;
    use crate::domain::ids::{CompanyId, CourierId};
    use crate::domain::position::Position;
    use crate::domain::time::{HOUR_MS, Time};
    use crate::storage::disk::Disk;
    use crate::storage::sim_disk::SimDisk;

    const ZERO: Time = Time::from_ms(1_772_438_400_000);

    /// Some positions that came in an hour.
    fn open(couriers: u32, hour: i64) -> OpenTracks {
        let mut open = OpenTracks::default();
        for courier in 0..couriers {
            let received_at = ZERO + hour * HOUR_MS;
            let position = Position { device_time: received_at, ..TrackPoint::ORIGIN.position };
            let point = TrackPoint { route: None, received_at, position };
            open.put(CourierId(courier), CompanyId(1), &point);
        }
        open
    }

    fn log(disk: &SimDisk) -> TrackLog {
        TrackLog::open(Arc::new(disk.clone()) as Arc<dyn Disk>, 100).expect("it is whole")
    }

    /// A block that is there because only the process died, not the machine, is durable before
    /// anybody relies on it.
    #[test]
    fn what_a_killed_process_left_is_synced_first() {
        let disk = SimDisk::new();
        let dying = log(&disk);
        disk.fail_sync(0);
        dying.append(&open(2, 0), 7).expect_err("the sync fails");
        let killed = disk.after_kill();
        let next = log(&killed);
        assert_eq!(next.next(), 7, "the system has kept it");
        next.append(&open(2, 1), 9).expect("it lives");
        for seed in 0..8 {
            let reader = log(&killed.after_crash(seed, 0));
            assert_eq!((reader.next(), reader.hours().len()), (9, 2));
        }
    }

    /// What a full disk took of a block that then got shorter is in nobody's way.
    #[test]
    fn what_a_full_disk_took_of_a_longer_block_goes() {
        let disk = SimDisk::new();
        let log_of_it = log(&disk);
        disk.fill_at(200);
        log_of_it.append(&open(9, 0), 5).expect_err("it is full");
        disk.make_room();
        log_of_it.append(&open(1, 0), 5).expect("there is room");
        log_of_it.append(&open(1, 1), 6).expect("there is room");
        assert_eq!(log(&disk.after_kill()).next(), 6);
    }

    /// What a full disk took of a file that was written anew goes with the hour, and does not come
    /// to count once that is gone.
    #[test]
    fn what_a_full_disk_took_of_a_file_anew_goes_with_its_hour() {
        let disk = SimDisk::new();
        let log_of_it = log(&disk);
        log_of_it.append(&open(9, 0), 5).expect("there is room");
        log_of_it.append(&open(1, 1), 6).expect("there is room");
        let hours = log_of_it.hours();
        disk.fill_at(disk.used() + 2);
        log_of_it.keep_only(hours[0], &|entry| entry.courier.0 == 1).expect_err("it is full");
        disk.make_room();
        assert!(log_of_it.keep_only(hours[0], &|_| false).expect("there is room"));
        assert_eq!(log(&disk.after_kill()).hours(), hours[1..]);
    }
}
