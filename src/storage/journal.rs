//! The journal's writing end: frames gather in a group, which is written at once and synced at
//! once. Segments are zeroed ahead, so that a sync need not touch the file's length.

use std::sync::Arc;

use super::disk::{Disk, DiskFile};
use super::error::StorageError;
use super::frame::{Frame, FrameKind, FrameStamp};
use super::manifest::JournalPlace;
use super::replay::JournalEnd;
use super::segment::journal_name;
use super::spare::Spare;

/// The journal, ready to be written to.
///
/// Order of calls: [`Self::push`] any number of times, [`Self::write`], [`Self::sync`]. After an
/// error nothing more may be written.
pub struct Journal {
    disk: Arc<dyn Disk>,
    segment_bytes: u64,
    segment: u64,
    name: String,
    file: Arc<dyn DiskFile>,
    /// Where the group begins.
    at: u64,
    group: Vec<u8>,
    next: u64,
    synced_before: u64,
    syncs: u64,
    /// The next segment, where somebody makes it ahead.
    spare: Option<Arc<Spare>>,
}

impl Journal {
    /// Goes on where replay found the end, and makes durable what it found.
    ///
    /// # Errors
    /// The disk fails.
    pub fn resume(
        disk: Arc<dyn Disk>,
        segment_bytes: u64,
        end: &JournalEnd,
    ) -> Result<Self, StorageError> {
        let name = journal_name(end.segment);
        let file = disk.open(&name).map_err(StorageError::disk("open", &name))?;
        let mut journal = Self {
            disk,
            segment_bytes,
            segment: end.segment,
            name,
            file,
            at: end.offset,
            group: Vec::new(),
            next: end.next,
            synced_before: 0,
            syncs: 0,
            spare: None,
        };
        journal.clear_tail()?;
        journal.sync()?;
        Ok(journal)
    }

    /// Adds a frame to the group, and gives its sequence.
    ///
    /// # Errors
    /// It does not fit into a segment, or the disk fails.
    pub fn push(&mut self, kind: FrameKind, payload: &[u8]) -> Result<u64, StorageError> {
        let size = Frame::size(payload.len());
        if size as u64 > self.segment_bytes {
            let frame_bytes_max = self.segment_bytes as usize;
            return Err(StorageError::TooLarge { bytes: size, frame_bytes_max });
        }
        if self.at + (self.group.len() + size) as u64 > self.segment_bytes {
            self.roll()?;
        }
        let sequence = self.next;
        let stamp =
            FrameStamp { segment: self.segment, sequence, synced_before: self.synced_before };
        Frame { stamp, kind, payload }.write(&mut self.group);
        self.next += 1;
        Ok(sequence)
    }

    /// Bytes of the group so far.
    #[must_use]
    pub const fn group_bytes(&self) -> usize {
        self.group.len()
    }

    /// Writes the group out. Not durable before [`Self::sync`].
    ///
    /// # Errors
    /// The disk fails.
    pub fn write(&mut self) -> Result<(), StorageError> {
        if !self.group.is_empty() {
            let written = self.file.write_at(&self.group, self.at);
            written.map_err(StorageError::disk("write", &self.name))?;
            self.at += self.group.len() as u64;
            self.group.clear();
            if let Some(spare) = &self.spare
                && self.at >= self.segment_bytes / 2
            {
                spare.want();
            }
        }
        Ok(())
    }

    /// Makes everything written durable.
    ///
    /// # Errors
    /// The disk fails: what is durable is unknown, and nothing may be acknowledged any more.
    pub fn sync(&mut self) -> Result<(), StorageError> {
        self.file.sync().map_err(StorageError::disk("sync", &self.name))?;
        self.synced_before = self.next;
        self.syncs += 1;
        Ok(())
    }

    /// Where the next frame goes, unless it is too large for the rest of the segment. Nothing may
    /// be pushed and not written.
    #[must_use]
    pub const fn place(&self) -> JournalPlace {
        JournalPlace { segment: self.segment, offset: self.at, next: self.next }
    }

    /// Begins a segment, unless the present one is empty.
    ///
    /// # Errors
    /// The disk fails.
    pub fn begin_segment(&mut self) -> Result<(), StorageError> {
        if self.at == 0 && self.group.is_empty() { Ok(()) } else { self.roll() }
    }

    /// Sequence of the next frame.
    #[must_use]
    pub const fn next(&self) -> u64 {
        self.next
    }

    /// How many times it was synced.
    #[must_use]
    pub const fn syncs(&self) -> u64 {
        self.syncs
    }

    /// From now on the next segment is wanted when half of the present one is full. If it is not
    /// there when it is needed, the journal makes it.
    pub fn use_spare(&mut self, spare: Arc<Spare>) {
        self.spare = Some(spare);
    }

    /// Closes the segment, whatever is in it durable, and begins the next. So only the last
    /// segment ever holds frames that are not synced.
    fn roll(&mut self) -> Result<(), StorageError> {
        self.write()?;
        self.sync()?;
        self.segment += 1;
        self.name = journal_name(self.segment);
        let is_clear = self.spare.as_ref().map_or(Ok(false), |spare| spare.take(&self.name))?;
        self.file = self.disk.open(&self.name).map_err(StorageError::disk("open", &self.name))?;
        self.at = 0;
        if is_clear {
            self.sync_entries()?;
        } else {
            self.clear_tail()?;
        }
        self.sync()
    }

    /// Zeroes the segment from here on: what a crash left of unsynced frames must never follow new
    /// ones.
    fn clear_tail(&mut self) -> Result<(), StorageError> {
        let zeros = vec![0; ZEROS];
        let mut found = vec![0; ZEROS];
        let mut at = self.at;
        while at < self.segment_bytes {
            let count = ZEROS.min((self.segment_bytes - at) as usize);
            let read = self.file.read_at(&mut found[..count], at);
            let read = read.map_err(StorageError::disk("read", &self.name))?;
            if read < count || found[..count].iter().any(|&byte| byte != 0) {
                let written = self.file.write_at(&zeros[..count], at);
                written.map_err(StorageError::disk("write", &self.name))?;
            }
            at += count as u64;
        }
        self.sync_entries()
    }

    fn sync_entries(&self) -> Result<(), StorageError> {
        self.disk.sync_entries().map_err(StorageError::disk("sync", "the data directory"))
    }
}

/// Zeros are written in pieces of this size.
const ZEROS: usize = 1 << 20;
