//! The feed log: every event of the feed, one record after another. Its bytes are a pure function
//! of the journal, so it is never synced on the path; recovery writes it again and compares.
//!
//! A record is the length of its body (4 bytes), the CRC-32C of the body (4 bytes), the body. A
//! segment is named by its first position, and full once it has reached the size that is set.

pub mod erase;
pub mod kept;

use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::bytes::{Malformed, Reader, Writer};
use super::codec::outputs::{feed_event, put_feed_event};
use super::disk::{Disk, DiskFile};
use super::error::StorageError;
use super::feed_event::FeedEvent;
use super::manifest::FeedPlace;
use super::segment::{feed_first, feed_name};

/// The feed log: one writer, any number of readers.
///
/// Order of calls: [`Self::append`] everything that replay tells, [`Self::recovered`], then
/// [`Self::append`] what is new.
pub struct FeedLog {
    disk: Arc<dyn Disk>,
    segment_bytes: u64,
    index: RwLock<Index>,
    /// Held by who appends, or begins a segment.
    writing: Mutex<()>,
}

/// Where the records are.
struct Index {
    segments: Vec<Segment>,
    head: u64,
    /// What is there may already be what is to be written.
    is_recovering: bool,
    rewritten_bytes: u64,
}

struct Segment {
    /// Position of its first event.
    first: u64,
    name: String,
    /// Open while it is the last, or not all of it is durable; who reads another opens it.
    file: Option<Arc<dyn DiskFile>>,
    size: u64,
    /// How much of it is durable.
    synced: u64,
    /// Where every [`MARK_EVENTS`]th event begins, from the first on; `None`: nobody has looked.
    marks: Option<Arc<Vec<u64>>>,
}

impl FeedLog {
    /// The feed log of a directory, about to be recovered from its first event on.
    #[must_use]
    pub fn open(disk: Arc<dyn Disk>, segment_bytes: u64) -> Self {
        let index =
            Index { segments: Vec::new(), head: 0, is_recovering: true, rewritten_bytes: 0 };
        Self { disk, segment_bytes, index: RwLock::new(index), writing: Mutex::default() }
    }

    /// The feed log of a directory, about to be recovered from a place on: what lies before stays
    /// as it is. Earlier segments are not read.
    ///
    /// # Errors
    /// The disk fails, or the feed does not reach that place.
    pub fn resume(
        disk: Arc<dyn Disk>,
        segment_bytes: u64,
        place: FeedPlace,
    ) -> Result<Self, StorageError> {
        let log = Self::open(disk, segment_bytes);
        if place.position == 0 {
            return Ok(log);
        }
        let names = log.disk.names().map_err(StorageError::disk("list", "the data directory"))?;
        let mut segments = Vec::new();
        for name in names {
            let Some(first) = feed_first(&name).filter(|&first| first <= place.segment) else {
                continue;
            };
            let file = log.disk.open(&name).map_err(StorageError::disk("open", &name))?;
            let size = file.size().map_err(StorageError::disk("read", &name))?;
            let file = (first == place.segment).then_some(file);
            segments.push(Segment { first, name, file, size, synced: size, marks: None });
        }
        let short = |name: String, offset, found: &str| {
            let found = format!("{found}, but a snapshot says that the feed goes on from there");
            Err(StorageError::Corrupt { name, offset, found })
        };
        match segments.last_mut() {
            Some(last) if last.first == place.segment => {
                if last.size < place.offset {
                    return short(last.name.clone(), last.size, "it ends there");
                }
                (last.size, last.synced) = (place.offset, 0);
                let file = log.disk_file(last)?;
                let cursor = Cursor::new(last.name.clone(), file, last.size, last.first);
                let (marks, next) = scan(cursor)?;
                if next != place.position + 1 {
                    return short(last.name.clone(), place.offset, "it holds other events");
                }
                last.marks = Some(Arc::new(marks));
            }
            _ => return short(feed_name(place.segment), 0, "the segment is gone"),
        }
        {
            let mut index = log.write_index();
            (index.segments, index.head) = (segments, place.position);
        }
        Ok(log)
    }

    /// Appends events, whose positions follow the head.
    ///
    /// # Errors
    /// The disk fails.
    pub fn append(&self, events: &[FeedEvent]) -> Result<(), StorageError> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        // One writer: nobody else changes the index between these locks, and readers are kept out
        // only while the places are entered, never while bytes are written.
        let (mut marks, mut run) = (Vec::new(), Writer::default());
        let mut first = self.read_index().segments.last().map_or(0, |last| last.first);
        for event in events {
            if self.is_full(run.bytes.len()) {
                self.enter(&mut run, &mut marks, event.position - 1)?;
                self.begin_segment(event.position)?;
                first = event.position;
            }
            if (event.position - first).is_multiple_of(MARK_EVENTS) {
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
            // What is not open was not touched.
            if let Some(file) = &segment.file {
                file.cut(segment.size).map_err(StorageError::disk("cut", &segment.name))?;
            }
        }
        index.is_recovering = false;
        Ok(index.rewritten_bytes)
    }

    /// Makes what is in it durable: for a snapshot, and so that a start after a clean end finds it
    /// as it was.
    ///
    /// # Errors
    /// The disk fails.
    pub fn sync(&self) -> Result<(), StorageError> {
        let open: Vec<_> = {
            let index = self.read_index();
            let unsynced = index.segments.iter().filter(|segment| segment.synced < segment.size);
            let open = unsynced.filter_map(|s| Some((s, s.file.as_ref()?)));
            open.map(|(s, file)| (s.first, s.name.clone(), Arc::clone(file), s.size)).collect()
        };
        for (first, name, file, size) in open {
            file.sync().map_err(StorageError::disk("sync", &name))?;
            let mut index = self.write_index();
            let last = index.segments.last().map_or(0, |last| last.first);
            if let Some(segment) = index.segments.iter_mut().find(|known| known.first == first) {
                segment.synced = segment.synced.max(size);
                if first != last && segment.synced == segment.size {
                    segment.file = None;
                }
            }
        }
        Ok(())
    }

    /// Position of the last event; 0: there is none.
    #[must_use]
    pub fn head(&self) -> u64 {
        self.read_index().head
    }

    /// Position of the first event that is still there; 1, if there is none yet.
    #[must_use]
    pub fn first(&self) -> u64 {
        self.read_index().segments.first().map_or(1, |segment| segment.first)
    }

    /// Where it stands.
    #[must_use]
    pub fn place(&self) -> FeedPlace {
        let index = self.read_index();
        let (segment, offset) =
            index.segments.last().map_or((0, 0), |last| (last.first, last.size));
        FeedPlace { position: index.head, segment, offset }
    }

    /// At most `events_max` events after a position, without a gap; after a position before
    /// [`Self::first`], those from there on.
    ///
    /// # Errors
    /// The disk fails, or the bytes are not what was written.
    pub fn read(&self, after: u64, events_max: usize) -> Result<Vec<FeedEvent>, StorageError> {
        let mut events = Vec::new();
        let mut next = after + 1;
        while events.len() < events_max
            && let Some(mut cursor) = self.cursor(next)?
        {
            if cursor.position > next && !events.is_empty() {
                // The segments between went this very moment.
                break;
            }
            while events.len() < events_max && cursor.has_more() {
                let position = cursor.position;
                let bytes = cursor.next_record()?;
                if position >= next {
                    let event = feed_event(&mut Reader::new(bytes), position);
                    events.push(event.map_err(|Malformed| cursor.corrupt("no event"))?);
                }
                cursor.position += 1;
            }
            if cursor.position <= next {
                return Err(cursor.corrupt("the end of the bytes"));
            }
            next = cursor.position;
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
        let marks = Some(Arc::default());
        let segment = Segment { first, name, file: Some(file), size: 0, synced: 0, marks };
        let mut index = self.write_index();
        if let Some(last) = index.segments.last_mut().filter(|last| last.synced == last.size) {
            last.file = None;
        }
        index.segments.push(segment);
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
            (self.disk_file(last)?, last.name.clone(), last.size, index.is_recovering)
        };
        let is_there = is_recovering && holds(&*file, size, &run.bytes);
        if !is_there {
            file.write_at(&run.bytes, size).map_err(StorageError::disk("write", &name))?;
        }
        let mut index = self.write_index();
        if let Some(last) = index.segments.last_mut() {
            last.size += run.bytes.len() as u64;
            if let Some(known) = &mut last.marks {
                Arc::make_mut(known).extend(marks.drain(..).map(|at| size + at));
            }
        }
        index.head = head;
        index.rewritten_bytes += if is_there { 0 } else { run.bytes.len() as u64 };
        run.bytes.clear();
        Ok(())
    }

    /// A way to the event at a position, or to the first that is left; `None`: it is not there yet.
    fn cursor(&self, position: u64) -> Result<Option<Cursor>, StorageError> {
        let index = self.read_index();
        if position > index.head {
            return Ok(None);
        }
        let at = index.segments.partition_point(|segment| segment.first <= position).max(1) - 1;
        let Some(segment) = index.segments.get(at) else { return Ok(None) };
        // While the index is held nobody removes a file that is in it.
        let file = self.disk_file(segment)?;
        let mark = (position.saturating_sub(segment.first) / MARK_EVENTS) as usize;
        let (offset, first) = match &segment.marks {
            _ if mark == 0 => (0, segment.first),
            Some(marks) => {
                let offset = marks.get(mark).copied().unwrap_or(segment.size);
                (offset, segment.first + mark as u64 * MARK_EVENTS)
            }
            None => {
                let first = segment.first;
                let cursor = Cursor::new(segment.name.clone(), file, segment.size, first);
                drop(index);
                let (marks, _) = scan(cursor)?;
                self.know(first, marks);
                return self.cursor(position);
            }
        };
        let cursor = Cursor::new(segment.name.clone(), file, segment.size, first);
        Ok(Some(Cursor { offset, ..cursor }))
    }

    /// The file of a segment that is in the index, which is held meanwhile: what is not open may be
    /// gone later.
    fn disk_file(&self, segment: &Segment) -> Result<Arc<dyn DiskFile>, StorageError> {
        match &segment.file {
            Some(file) => Ok(Arc::clone(file)),
            None => {
                let name = &segment.name;
                self.disk.open_to_read(name).map_err(StorageError::disk("open", name))
            }
        }
    }

    /// Somebody has looked where the events of a segment are.
    fn know(&self, first: u64, marks: Vec<u64>) {
        let mut index = self.write_index();
        if let Some(segment) = index.segments.iter_mut().find(|known| known.first == first) {
            segment.marks.get_or_insert_with(|| Arc::new(marks));
        }
    }

    fn read_index(&self) -> RwLockReadGuard<'_, Index> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_index(&self) -> RwLockWriteGuard<'_, Index> {
        self.index.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A reader's way through the records of a segment.
struct Cursor {
    name: String,
    file: Arc<dyn DiskFile>,
    size: u64,
    buffer: Vec<u8>,
    /// How much of the buffer is read.
    at: usize,
    /// Where the buffer ends in the segment.
    offset: u64,
    /// Position of the next record.
    position: u64,
}

impl Cursor {
    /// At the beginning of a segment, whose first record read has that position.
    const fn new(name: String, file: Arc<dyn DiskFile>, size: u64, position: u64) -> Self {
        Self { name, file, size, buffer: Vec::new(), at: 0, offset: 0, position }
    }

    fn next_record(&mut self) -> Result<&[u8], StorageError> {
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
        self.at < self.buffer.len() || self.offset < self.size
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
        self.buffer.drain(..self.at);
        self.at = 0;
        let have = self.buffer.len();
        let wanted = (count.max(READ_BYTES)) as u64;
        let more = wanted.min(self.size.saturating_sub(self.offset)) as usize;
        self.buffer.resize(have + more, 0);
        let read = self.file.read_at(&mut self.buffer[have..], self.offset);
        let read = read.map_err(StorageError::disk("read", &self.name))?;
        self.buffer.truncate(have + read);
        self.offset += read as u64;
        Ok(())
    }

    fn corrupt(&self, found: &str) -> StorageError {
        StorageError::Corrupt {
            name: self.name.clone(),
            offset: self.offset - (self.buffer.len() - self.at) as u64,
            found: found.to_owned(),
        }
    }
}

/// Goes through a segment that is there, from its beginning: where its marks are, and the position
/// after its last event.
fn scan(mut cursor: Cursor) -> Result<(Vec<u64>, u64), StorageError> {
    let (mut marks, first) = (Vec::new(), cursor.position);
    while cursor.has_more() {
        if (cursor.position - first).is_multiple_of(MARK_EVENTS) {
            marks.push(cursor.offset - (cursor.buffer.len() - cursor.at) as u64);
        }
        cursor.next_record()?;
        cursor.position += 1;
    }
    Ok((marks, cursor.position))
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
