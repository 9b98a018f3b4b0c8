//! The feed log: every event of the feed, one record after another. Its bytes are a pure function
//! of the journal, so it is never synced on the path; recovery writes it again and compares.
//!
//! A record is the length of its body (4 bytes), the CRC-32C of the body (4 bytes), the body. A
//! segment is named by its first position, and full once it has reached the size that is set.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::bytes::{Malformed, Reader, Writer};
use super::codec::outputs::{feed_event, put_feed_event};
use super::disk::{Disk, DiskFile};
use super::error::StorageError;
use super::feed_event::FeedEvent;
use super::segment::{feed_first, feed_name};

/// The feed log: one writer, any number of readers.
///
/// Order of calls: [`Self::append`] everything that replay tells, [`Self::recovered`], then
/// [`Self::append`] what is new.
pub struct FeedLog {
    disk: Arc<dyn Disk>,
    segment_bytes: u64,
    index: RwLock<Index>,
}

/// Where the records are.
struct Index {
    segments: Vec<Segment>,
    /// Where every [`MARK_EVENTS`]th event begins, from the first on.
    marks: Vec<Mark>,
    head: u64,
    /// What is there may already be what is to be written.
    is_recovering: bool,
    rewritten_bytes: u64,
}

struct Segment {
    name: String,
    file: Arc<dyn DiskFile>,
    size: u64,
}

#[derive(Clone, Copy)]
struct Mark {
    segment: u32,
    offset: u64,
}

impl FeedLog {
    /// The feed log of a directory, about to be recovered.
    #[must_use]
    pub fn open(disk: Arc<dyn Disk>, segment_bytes: u64) -> Self {
        let index = Index {
            segments: Vec::new(),
            marks: Vec::new(),
            head: 0,
            is_recovering: true,
            rewritten_bytes: 0,
        };
        Self { disk, segment_bytes, index: RwLock::new(index) }
    }

    /// Appends events, whose positions follow the head.
    ///
    /// # Errors
    /// The disk fails.
    pub fn append(&self, events: &[FeedEvent]) -> Result<(), StorageError> {
        // One writer: nobody else changes the index between these locks, and readers are kept out
        // only while the places are entered, never while bytes are written.
        let (mut marks, mut run) = (Vec::new(), Writer::default());
        for event in events {
            if self.is_full(run.bytes.len()) {
                self.enter(&mut run, &mut marks, event.position - 1)?;
                self.begin_segment(event.position)?;
            }
            if (event.position - 1).is_multiple_of(MARK_EVENTS) {
                marks.push(run.bytes.len() as u64);
            }
            put_record(&mut run, event);
        }
        let head = events.last().map_or(self.head(), |event| event.position);
        self.enter(&mut run, &mut marks, head)
    }

    /// Recovery has appended everything: what the files hold beyond is cut off. Says how many
    /// bytes were not there or not the same.
    ///
    /// # Errors
    /// The disk fails.
    pub fn recovered(&self) -> Result<u64, StorageError> {
        let names = self.disk.names().map_err(StorageError::disk("list", "the data directory"))?;
        let mut index = self.write_index();
        for name in names.iter().filter(|name| feed_first(name).is_some()) {
            if !index.segments.iter().any(|segment| segment.name == *name) {
                self.disk.remove(name).map_err(StorageError::disk("remove", name))?;
            }
        }
        for segment in &index.segments {
            segment.file.cut(segment.size).map_err(StorageError::disk("cut", &segment.name))?;
        }
        index.is_recovering = false;
        Ok(index.rewritten_bytes)
    }

    /// Makes it durable: only so that a start after a clean end finds it as it was.
    ///
    /// # Errors
    /// The disk fails.
    pub fn sync(&self) -> Result<(), StorageError> {
        for segment in &self.read_index().segments {
            segment.file.sync().map_err(StorageError::disk("sync", &segment.name))?;
        }
        Ok(())
    }

    /// Position of the last event; 0: there is none.
    #[must_use]
    pub fn head(&self) -> u64 {
        self.read_index().head
    }

    /// At most `events_max` events after a position, fewer if they are large.
    ///
    /// # Errors
    /// The disk fails, or the bytes are not what was written.
    pub fn read(&self, after: u64, events_max: usize) -> Result<Vec<FeedEvent>, StorageError> {
        let mut events = Vec::new();
        let Some(mut cursor) = self.cursor(after) else { return Ok(events) };
        while events.len() < events_max && cursor.has_more() {
            let position = cursor.position;
            let bytes = cursor.next_record()?;
            if position > after {
                let event = feed_event(&mut Reader::new(bytes), position);
                events.push(event.map_err(|Malformed| cursor.corrupt("no event"))?);
            }
            cursor.position += 1;
        }
        Ok(events)
    }

    fn is_full(&self, run: usize) -> bool {
        let index = self.read_index();
        index.segments.last().is_none_or(|last| last.size + run as u64 >= self.segment_bytes)
    }

    fn begin_segment(&self, first: u64) -> Result<(), StorageError> {
        let name = feed_name(first);
        let file = self.disk.open(&name).map_err(StorageError::disk("open", &name))?;
        self.write_index().segments.push(Segment { name, file, size: 0 });
        Ok(())
    }

    /// Writes a run into the last segment and lets readers see it.
    fn enter(&self, run: &mut Writer, marks: &mut Vec<u64>, head: u64) -> Result<(), StorageError> {
        if run.bytes.is_empty() {
            return Ok(());
        }
        let (file, name, size, is_recovering) = {
            let index = self.read_index();
            let Some(last) = index.segments.last() else { return Ok(()) };
            (Arc::clone(&last.file), last.name.clone(), last.size, index.is_recovering)
        };
        let is_there = is_recovering && holds(&*file, size, &run.bytes);
        if !is_there {
            file.write_at(&run.bytes, size).map_err(StorageError::disk("write", &name))?;
        }
        let mut index = self.write_index();
        let segment = index.segments.len() as u32 - 1;
        index.marks.extend(marks.drain(..).map(|at| Mark { segment, offset: size + at }));
        if let Some(last) = index.segments.last_mut() {
            last.size += run.bytes.len() as u64;
        }
        index.head = head;
        index.rewritten_bytes += if is_there { 0 } else { run.bytes.len() as u64 };
        run.bytes.clear();
        Ok(())
    }

    fn cursor(&self, after: u64) -> Option<Cursor> {
        let index = self.read_index();
        if after >= index.head {
            return None;
        }
        let at = (after / MARK_EVENTS) as usize;
        let mark = *index.marks.get(at)?;
        let segments = index.segments[mark.segment as usize..].iter();
        let segments = segments
            .take(CURSOR_SEGMENTS_MAX)
            .map(|segment| (segment.name.clone(), Arc::clone(&segment.file), segment.size));
        Some(Cursor {
            segments: segments.collect(),
            segment: 0,
            buffer: Vec::new(),
            at: 0,
            offset: mark.offset,
            position: at as u64 * MARK_EVENTS + 1,
            head: index.head,
        })
    }

    fn read_index(&self) -> RwLockReadGuard<'_, Index> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_index(&self) -> RwLockWriteGuard<'_, Index> {
        self.index.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A reader's way through the records.
struct Cursor {
    segments: Vec<(String, Arc<dyn DiskFile>, u64)>,
    segment: usize,
    buffer: Vec<u8>,
    /// How much of the buffer is read.
    at: usize,
    /// Where the buffer ends in the segment.
    offset: u64,
    /// Position of the next record.
    position: u64,
    head: u64,
}

impl Cursor {
    fn next_record(&mut self) -> Result<&[u8], StorageError> {
        while self.is_at_end() && self.segment + 1 < self.segments.len() {
            self.segment += 1;
            (self.buffer, self.at, self.offset) = (Vec::new(), 0, 0);
        }
        let head = self.take(8)?;
        let mut head = Reader::new(&self.buffer[head..head + 8]);
        let (length, crc) = (head.u32(), head.u32());
        let (Ok(length), Ok(crc)) = (length, crc) else { return Err(self.corrupt("no record")) };
        let body = self.take(length as usize)?;
        let body = body..body + length as usize;
        if crc32c::crc32c(&self.buffer[body.clone()]) != crc {
            return Err(self.corrupt("a false checksum"));
        }
        Ok(&self.buffer[body])
    }

    fn has_more(&self) -> bool {
        self.position <= self.head && !(self.is_at_end() && self.segment + 1 == self.segments.len())
    }

    fn is_at_end(&self) -> bool {
        self.at == self.buffer.len() && self.offset >= self.segments[self.segment].2
    }

    /// Passes over so many bytes, and says where in the buffer they begin.
    fn take(&mut self, count: usize) -> Result<usize, StorageError> {
        if self.buffer.len() - self.at < count {
            self.fill(count)?;
        }
        if self.buffer.len() - self.at < count {
            return Err(self.corrupt("the end of the bytes"));
        }
        self.at += count;
        Ok(self.at - count)
    }

    fn fill(&mut self, count: usize) -> Result<(), StorageError> {
        let (name, file, size) = &self.segments[self.segment];
        self.buffer.drain(..self.at);
        self.at = 0;
        let have = self.buffer.len();
        let wanted = (count.max(READ_BYTES)) as u64;
        let more = wanted.min(size.saturating_sub(self.offset)) as usize;
        self.buffer.resize(have + more, 0);
        let read = file.read_at(&mut self.buffer[have..], self.offset);
        let read = read.map_err(StorageError::disk("read", name))?;
        self.buffer.truncate(have + read);
        self.offset += read as u64;
        Ok(())
    }

    fn corrupt(&self, found: &str) -> StorageError {
        StorageError::Corrupt {
            name: self.segments[self.segment].0.clone(),
            offset: self.offset - (self.buffer.len() - self.at) as u64,
            found: found.to_owned(),
        }
    }
}

fn put_record(to: &mut Writer, event: &FeedEvent) {
    let start = to.bytes.len();
    to.u64(0);
    put_feed_event(to, event);
    let body = &to.bytes[start + 8..];
    let (length, crc) = (body.len() as u32, crc32c::crc32c(body));
    to.bytes[start..start + 4].copy_from_slice(&length.to_le_bytes());
    to.bytes[start + 4..start + 8].copy_from_slice(&crc.to_le_bytes());
}

fn holds(file: &dyn DiskFile, offset: u64, bytes: &[u8]) -> bool {
    let mut found = vec![0; bytes.len()];
    file.read_at(&mut found, offset).is_ok_and(|read| read == bytes.len()) && found == bytes
}

/// So many events lie between two places that the index knows.
const MARK_EVENTS: u64 = 64;
/// A reader reads about so many bytes at a time.
const READ_BYTES: usize = 16 << 10;
/// A reader goes through at most so many segments in one call.
const CURSOR_SEGMENTS_MAX: usize = 2 * MARK_EVENTS as usize;
