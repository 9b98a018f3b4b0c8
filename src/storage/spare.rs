//! A segment of zeros that is made ahead, so that the journal begins its next one without writing it
//! first: that takes tens of milliseconds, in which nobody would be acknowledged. Until it is taken
//! it has a name that counts for nothing; what a crash leaves of it is made anew.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::disk::Disk;
use super::error::StorageError;
use super::segment::SPARE;

/// The spare segment of a journal: one thread makes it, another takes it.
pub struct Spare {
    disk: Arc<dyn Disk>,
    segment_bytes: u64,
    standing: Mutex<Standing>,
    turned: Condvar,
}

/// | from | to | by |
/// |---|---|---|
/// | `Unwanted` | `Wanted` | [`Spare::want`] |
/// | `Wanted` | `Making` | [`Spare::make`] |
/// | `Making` | `Ready`, or `Failed` | the same, at its end |
/// | `Ready`, `Failed` | `Unwanted` | [`Spare::take`], that a segment be tried once |
/// | any | `Over` | [`Spare::end`] |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Unwanted,
    Wanted,
    Making,
    Ready,
    Failed,
    Over,
}

impl Spare {
    /// None yet, of segments of this size.
    #[must_use]
    pub const fn new(disk: Arc<dyn Disk>, segment_bytes: u64) -> Self {
        let standing = Mutex::new(Standing::Unwanted);
        Self { disk, segment_bytes, standing, turned: Condvar::new() }
    }

    /// It will be needed soon.
    pub fn want(&self) {
        self.turn(Standing::Unwanted, Standing::Wanted);
    }

    /// Nobody needs it any more.
    pub fn end(&self) {
        *self.standing() = Standing::Over;
        self.turned.notify_all();
    }

    /// Whether it is wanted, and nobody makes it yet.
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        *self.standing() == Standing::Wanted
    }

    /// Waits until it is wanted; `false`: it is over.
    #[must_use]
    pub fn wait_until_wanted(&self) -> bool {
        let is_idle =
            |standing: &mut Standing| !matches!(standing, Standing::Wanted | Standing::Over);
        let turned = self.turned.wait_while(self.standing(), is_idle);
        *turned.unwrap_or_else(PoisonError::into_inner) == Standing::Wanted
    }

    /// Makes it, if it is wanted. Syncs piece by piece, so that no sync of the journal waits for all
    /// of it.
    ///
    /// # Errors
    /// The disk fails, or is full. The journal then makes its segment itself.
    pub fn make(&self) -> Result<(), StorageError> {
        if !self.turn(Standing::Wanted, Standing::Making) {
            return Ok(());
        }
        let made = self.write();
        if made.is_err() {
            // What there is of it takes room from others.
            let _ = self.disk.remove(SPARE);
        }
        let end = if made.is_ok() { Standing::Ready } else { Standing::Failed };
        self.turn(Standing::Making, end);
        made
    }

    fn write(&self) -> Result<(), StorageError> {
        let file = self.disk.open(SPARE).map_err(StorageError::disk("open", SPARE))?;
        file.cut(0).map_err(StorageError::disk("cut", SPARE))?;
        let zeros = vec![0; PIECE_BYTES];
        let mut at = 0;
        while at < self.segment_bytes && *self.standing() != Standing::Over {
            let count = PIECE_BYTES.min((self.segment_bytes - at) as usize);
            file.write_at(&zeros[..count], at).map_err(StorageError::disk("write", SPARE))?;
            file.sync().map_err(StorageError::disk("sync", SPARE))?;
            at += count as u64;
        }
        Ok(())
    }

    /// Gives it this name, which no file has; `false`: there is none. Durable with the directory's
    /// entries.
    ///
    /// # Errors
    /// The disk fails.
    pub fn take(&self, name: &str) -> Result<bool, StorageError> {
        if !self.turn(Standing::Ready, Standing::Unwanted) {
            self.turn(Standing::Failed, Standing::Unwanted);
            return Ok(false);
        }
        self.disk.rename(SPARE, name).map_err(StorageError::disk("rename", SPARE))?;
        Ok(true)
    }

    /// `false`: it does not stand there.
    fn turn(&self, from: Standing, to: Standing) -> bool {
        let mut standing = self.standing();
        let is_there = *standing == from;
        if is_there {
            *standing = to;
            self.turned.notify_all();
        }
        is_there
    }

    fn standing(&self) -> MutexGuard<'_, Standing> {
        // One word: a panic leaves it whole.
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// It is written and synced in pieces of this size.
const PIECE_BYTES: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::Spare;
    use crate::storage::disk::Disk;
    use crate::storage::error::StorageError;
    use crate::storage::frame::FrameKind;
    use crate::storage::journal::Journal;
    use crate::storage::replay::replay;
    use crate::storage::segment::SPARE;
    use crate::storage::sim_disk::SimDisk;

    const SEGMENT_BYTES: u64 = 64 << 10;

    fn journal(disk: &SimDisk) -> (Journal, Arc<Spare>) {
        let disk: Arc<dyn Disk> = Arc::new(disk.clone());
        let end = replay(&*disk, &mut |_, _, _| Ok::<_, StorageError>(())).expect("it is empty");
        let spare = Arc::new(Spare::new(Arc::clone(&disk), SEGMENT_BYTES));
        let mut journal = Journal::resume(disk, SEGMENT_BYTES, &end).expect("it lives");
        journal.use_spare(Arc::clone(&spare));
        (journal, spare)
    }

    fn append(journal: &mut Journal, frames: usize) {
        for _ in 0..frames {
            journal.push(FrameKind::Positions, &[7; 1_000]).expect("it fits");
            journal.write().expect("it lives");
            journal.sync().expect("it lives");
        }
    }

    /// Every file's name and bytes.
    fn files(disk: &SimDisk) -> Vec<(String, Vec<u8>)> {
        let names = disk.names().expect("it lives");
        let bytes = |name: &String| {
            let file = disk.open(name).expect("it lives");
            let mut bytes = vec![0; file.size().expect("it lives") as usize];
            file.read_at(&mut bytes, 0).expect("it lives");
            bytes
        };
        names.iter().map(|name| (name.clone(), bytes(name))).collect()
    }

    fn frames(disk: &SimDisk) -> u64 {
        let mut frames = 0;
        let replayed = replay(disk, &mut |_, _, _| {
            frames += 1;
            Ok::<_, StorageError>(())
        });
        replayed.expect("it is whole");
        frames
    }

    #[test]
    fn the_journal_is_the_same_with_it_and_survives_a_crash() {
        let (with, without) = (SimDisk::new(), SimDisk::new());
        for (disk, is_made) in [(&with, true), (&without, false)] {
            let (mut journal, spare) = journal(disk);
            append(&mut journal, 40);
            assert!(spare.is_wanted(), "half of the segment is full");
            if is_made {
                spare.make().expect("there is room");
            }
            append(&mut journal, 40);
            assert_eq!(journal.place().segment, 2);
        }
        assert_eq!(files(&with), files(&without));
        for seed in 0..8 {
            assert_eq!(frames(&with.after_crash(seed, 0)), 80);
        }
    }

    #[test]
    fn what_a_crash_left_of_it_is_no_part_of_the_journal_and_is_made_anew() {
        let disk = SimDisk::new();
        let left = disk.open(SPARE).expect("it lives");
        left.write_at(&vec![9; 100_000], 0).expect("it lives");
        let (mut journal, spare) = journal(&disk);
        append(&mut journal, 40);
        assert_eq!(frames(&disk), 40);
        spare.make().expect("there is room");
        append(&mut journal, 30);
        let files = files(&disk);
        let (_, second) = &files[1];
        assert_eq!((files.len(), second.len() as u64), (2, SEGMENT_BYTES));
        assert_eq!(frames(&disk), 70);
    }

    #[test]
    fn where_there_is_no_room_for_it_the_journal_does_without() {
        let disk = SimDisk::new();
        let (mut journal, spare) = journal(&disk);
        append(&mut journal, 40);
        disk.fill_at(SEGMENT_BYTES as usize + 1_000);
        assert!(spare.make().is_err());
        assert_eq!(files(&disk).len(), 1, "what there was of it is gone");
        disk.make_room();
        append(&mut journal, 10);
        assert!(!spare.is_wanted(), "it is not tried again and again");
        append(&mut journal, 60);
        assert!(spare.is_wanted(), "but for the next segment it is");
        assert_eq!(frames(&disk), 110);
    }
}
