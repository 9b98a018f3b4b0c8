//! Reads the journal behind its writer, frame by frame, from a frame on that the reader remembers.
//! Never beyond what it is told to be written. Replay is another matter: it judges where the journal
//! ends; here that is known.

use std::sync::Arc;

use super::bytes::Reader;
use super::disk::{Disk, DiskFile};
use super::error::StorageError;
use super::frame::{Frame, FrameKind, HEAD};
use super::segment::{journal_name, journal_numbers};

/// A reader of the journal with its place.
pub struct JournalReader {
    disk: Arc<dyn Disk>,
    segment: u64,
    name: String,
    file: Arc<dyn DiskFile>,
    /// Bytes of the file from `offset` on; none between two calls, since they may grow stale.
    buffer: Vec<u8>,
    offset: u64,
    /// How much of the buffer is read.
    at: usize,
    next: u64,
}

/// A frame on its way through the reader: what is done with its payload; `false`: it is not taken,
/// and comes again.
pub type OnFrame<'a> = &'a mut dyn FnMut(FrameKind, &[u8]) -> bool;

impl JournalReader {
    /// A reader whose next frame is `next`, or the first that there is; `end`: the journal's next
    /// frame, where all before it were dropped.
    ///
    /// # Errors
    /// The disk fails.
    pub fn open(disk: Arc<dyn Disk>, next: u64, end: u64) -> Result<Self, StorageError> {
        let names = disk.names().map_err(StorageError::disk("list", "the data directory"))?;
        let numbers = journal_numbers(&names);
        let first = numbers.first().copied().unwrap_or(1);
        let name = journal_name(first);
        let file = disk.open(&name).map_err(StorageError::disk("open", &name))?;
        let mut reader =
            Self { disk, segment: first, name, file, buffer: Vec::new(), offset: 0, at: 0, next };
        for &number in numbers.iter().rev() {
            reader.turn_to(number)?;
            if reader.frame()?.is_some_and(|frame| frame.sequence <= next) {
                break;
            }
        }
        let first = reader.frame()?.map_or(end, |frame| frame.sequence);
        reader.next = next.max(first);
        reader.forget();
        Ok(reader)
    }

    /// Sequence of the next frame.
    #[must_use]
    pub const fn next(&self) -> u64 {
        self.next
    }

    /// Reads the next frame, if it is before `until`, up to which everything is written; `false`:
    /// there is none, or it is not taken.
    ///
    /// # Errors
    /// The disk fails, or a frame is not what was written.
    pub fn step(&mut self, until: u64, on_frame: OnFrame<'_>) -> Result<bool, StorageError> {
        // What the buffer holds beyond the frames may have been written over since it was read.
        let mut is_fresh = self.buffer.is_empty();
        while self.next < until {
            let Some(frame) = self.frame()? else {
                if !is_fresh {
                    self.forget();
                    is_fresh = true;
                    continue;
                }
                let (segment, offset) = (self.segment + 1, self.offset + self.at as u64);
                if offset == 0 {
                    return Err(self.missing(offset));
                }
                self.turn_to(segment)?;
                continue;
            };
            let is_next = frame.sequence == self.next;
            if frame.sequence > self.next {
                return Err(self.missing(self.offset + self.at as u64));
            }
            if is_next {
                let payload = self.at + HEAD..self.at + HEAD + frame.payload;
                if !on_frame(frame.kind, &self.buffer[payload]) {
                    break;
                }
                self.next += 1;
            }
            self.at += Frame::size(frame.payload);
            if is_next {
                return Ok(true);
            }
        }
        self.forget();
        Ok(false)
    }

    /// Makes durable what was read.
    ///
    /// # Errors
    /// The disk fails.
    pub fn sync(&self) -> Result<(), StorageError> {
        // Segments before this one were synced when it was begun.
        self.file.sync().map_err(StorageError::disk("sync", &self.name))
    }

    /// Forgets what is in the buffer: what lies behind the place will be written over.
    fn forget(&mut self) {
        self.offset += self.at as u64;
        (self.at, self.buffer) = (0, Vec::new());
    }

    fn turn_to(&mut self, segment: u64) -> Result<(), StorageError> {
        self.segment = segment;
        self.name = journal_name(segment);
        self.file = self.disk.open(&self.name).map_err(StorageError::disk("open", &self.name))?;
        (self.offset, self.at, self.buffer) = (0, 0, Vec::new());
        Ok(())
    }

    /// The frame at the place, whole in the buffer.
    fn frame(&mut self) -> Result<Option<Found>, StorageError> {
        if !self.fill(HEAD)? {
            return Ok(None);
        }
        let length = Reader::new(&self.buffer[self.at + LENGTH_AT..]).u32().unwrap_or(0);
        if !self.fill(HEAD + length as usize)? {
            return Ok(None);
        }
        let frame = Frame::read(&self.buffer[self.at..], self.segment);
        Ok(frame.map(|frame| Found {
            sequence: frame.stamp.sequence,
            kind: frame.kind,
            payload: frame.payload.len(),
        }))
    }

    /// Reads until so many bytes are there; `false`: the file ends before.
    fn fill(&mut self, count: usize) -> Result<bool, StorageError> {
        if self.buffer.len().saturating_sub(self.at) < count {
            let at = self.at.min(self.buffer.len());
            self.buffer.drain(..at);
            self.offset += self.at as u64;
            self.at = 0;
            let have = self.buffer.len();
            self.buffer.resize(have.max(count).max(READ_BYTES), 0);
            let read = self.file.read_at(&mut self.buffer[have..], self.offset + have as u64);
            let read = read.map_err(StorageError::disk("read", &self.name))?;
            self.buffer.truncate(have + read);
        }
        Ok(self.buffer.len() - self.at >= count)
    }

    fn missing(&self, offset: u64) -> StorageError {
        let found = format!("frame {} is not there any more, though it was written", self.next);
        StorageError::Corrupt { name: self.name.clone(), offset, found }
    }
}

/// What is known of a frame in the buffer.
struct Found {
    sequence: u64,
    kind: FrameKind,
    payload: usize,
}

/// Where a frame says how long its payload is.
const LENGTH_AT: usize = 8;
/// The journal is read in pieces of at least so many bytes.
const READ_BYTES: usize = 256 << 10;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::JournalReader;
    use crate::storage::disk::Disk;
    use crate::storage::error::StorageError;
    use crate::storage::frame::FrameKind;
    use crate::storage::journal::Journal;
    use crate::storage::replay::replay;
    use crate::storage::sim_disk::SimDisk;

    /// A reader that stops in the middle of what it has in memory, as that of the tracks does while
    /// the disk is full, reads on what was written meanwhile.
    #[test]
    fn what_is_written_while_the_reader_pauses_is_read() {
        let disk: Arc<dyn Disk> = Arc::new(SimDisk::new());
        let end = replay(&*disk, &mut |_, _, _| Ok::<_, StorageError>(())).expect("it is empty");
        let mut journal = Journal::resume(Arc::clone(&disk), 64 << 10, &end).expect("it lives");
        let mut write = |payloads: &[&[u8]]| {
            for payload in payloads {
                journal.push(FrameKind::Positions, payload).expect("it fits");
            }
            journal.write().expect("it lives");
        };
        write(&[b"one", b"two"]);
        let mut reader = JournalReader::open(disk, 1, 1).expect("it lives");
        let mut seen = Vec::new();
        let mut step = |until| {
            reader.step(until, &mut |_, payload| {
                seen.push(payload.to_vec());
                true
            })
        };
        assert!(step(3).expect("it is there"));
        write(&[b"three"]);
        while step(4).expect("it is there") {}
        assert_eq!(seen, [&b"one"[..], b"two", b"three"]);
    }
}
