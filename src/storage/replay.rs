//! The journal's reading end: every whole frame in order, the place where it ends, and whether that
//! end can be trusted.
//!
//! A frame that cannot be read is the end of the journal: a crash cut it off, and nothing that
//! followed was acknowledged. Unless a later frame says that the sequence missing there had been
//! synced: then bytes rotted, and everything after them is worth nothing. Or it is whole, but of a
//! version that is not known here: that is no end either.

use super::disk::Disk;
use super::error::StorageError;
use super::frame::{ALIGN, Frame};
use super::manifest::{JournalPlace, Manifest};
use super::segment::{feed_first, journal_name, journal_number, journal_numbers, manifest_number};

/// Where the journal ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalEnd {
    /// The segment to go on in.
    pub segment: u64,
    /// Where in it.
    pub offset: u64,
    /// Sequence of the next frame.
    pub next: u64,
    /// Segments that were read.
    pub segments: u64,
    /// What is there beyond the end.
    pub cut: Option<CutTail>,
}

/// Bytes beyond the end of the journal that are no whole frame in its place: what a crash leaves of
/// a write that was under way. Nothing says that they were synced, and who acknowledges waits for
/// the sync; so whoever goes on writing the journal cuts them off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CutTail {
    /// The segment.
    pub segment: u64,
    /// Where in it they begin.
    pub offset: u64,
    /// How many there are, up to the last that is not zero, in this and later segments.
    pub bytes: u64,
}

impl CutTail {
    /// The file in which they begin.
    #[must_use]
    pub fn file(&self) -> String {
        journal_name(self.segment)
    }
}

/// Hands every frame that is there to `on_frame`, in order, with its segment's name and its place
/// there: from the first one on, or from where the oldest snapshot begins.
///
/// # Errors
/// As [`replay_from`].
pub fn replay<E: From<StorageError>>(
    disk: &dyn Disk,
    on_frame: &mut dyn FnMut(&Frame, &str, u64) -> Result<(), E>,
) -> Result<JournalEnd, E> {
    let names = disk.names().map_err(StorageError::disk("list", "the data directory"))?;
    let is_whole = journal_numbers(&names).first() == Some(&JournalPlace::START.segment);
    let manifests = names.iter().filter(|name| manifest_number(name).is_some() && !is_whole);
    let places = manifests.filter_map(|name| Manifest::read(disk, name).ok());
    let first = places.map(|manifest| manifest.journal).min_by_key(|place| place.next);
    replay_from(disk, first.unwrap_or(JournalPlace::START), on_frame)
}

/// Hands every frame from a place on to `on_frame`, in order, with its segment's name and its place
/// there.
///
/// # Errors
/// The disk fails, the segment of that place is gone, synced bytes are not what was written, or
/// `on_frame` fails.
pub fn replay_from<E: From<StorageError>>(
    disk: &dyn Disk,
    place: JournalPlace,
    on_frame: &mut dyn FnMut(&Frame, &str, u64) -> Result<(), E>,
) -> Result<JournalEnd, E> {
    let names = disk.names().map_err(StorageError::disk("list", "the data directory"))?;
    let mut numbers = journal_numbers(&names);
    if place != JournalPlace::START {
        numbers.retain(|&number| number >= place.segment);
        if numbers.first() != Some(&place.segment) {
            return Err(gone(&place).into());
        }
    }
    // The journal is made first and outlives everything that is made from it.
    if let Some(feed) = names.iter().find(|name| feed_first(name).is_some() && numbers.is_empty()) {
        return Err(StorageError::JournalGone { feed: feed.clone() }.into());
    }
    let (segment, segments) = (numbers.first().copied().unwrap_or(1), numbers.len() as u64);
    let JournalPlace { offset, next, .. } = place;
    let mut end = JournalEnd { segment, offset, next, segments, cut: None };
    for &number in &numbers {
        let name = journal_name(number);
        let bytes = read_whole(disk, &name)?;
        let mut at = if number == segment { (offset as usize).min(bytes.len()) } else { 0 };
        while let Some(frame) =
            Frame::read(&bytes[at..], number).filter(|frame| frame.stamp.sequence == end.next)
        {
            on_frame(&frame, &name, at as u64)?;
            at += Frame::size(frame.payload.len());
            at = at.min(bytes.len());
            end = JournalEnd { segment: number, offset: at as u64, next: end.next + 1, ..end };
        }
        if let Some(version) = Frame::other_version(&bytes[at..]) {
            return Err(StorageError::LaterVersion { name, offset: at as u64, version }.into());
        }
        if let Some(later) = later_synced(&bytes, at, number, end.next) {
            return Err(corrupt(&end, &name, at as u64, number, later).into());
        }
        if let Some(last) = bytes[at..].iter().rposition(|&byte| byte != 0) {
            let first = CutTail { segment: number, offset: at as u64, bytes: 0 };
            end.cut.get_or_insert(first).bytes += last as u64 + 1;
        }
    }
    Ok(end)
}

/// Removes the segments after the end: nothing in them was ever acknowledged.
///
/// # Errors
/// The disk fails.
pub fn drop_after(disk: &dyn Disk, end: &JournalEnd) -> Result<(), StorageError> {
    let names = disk.names().map_err(StorageError::disk("list", "the data directory"))?;
    for name in names {
        if journal_number(&name).is_some_and(|number| number > end.segment) {
            disk.remove(&name).map_err(StorageError::disk("remove", &name))?;
        }
    }
    disk.sync_entries().map_err(StorageError::disk("sync", "the data directory"))
}

fn read_whole(disk: &dyn Disk, name: &str) -> Result<Vec<u8>, StorageError> {
    let file = disk.open(name).map_err(StorageError::disk("open", name))?;
    let size = file.size().map_err(StorageError::disk("read", name))?;
    let mut bytes = vec![0; size as usize];
    let read = file.read_at(&mut bytes, 0).map_err(StorageError::disk("read", name))?;
    bytes.truncate(read);
    Ok(bytes)
}

fn gone(place: &JournalPlace) -> StorageError {
    let found = "the segment is gone, and the snapshots go on from there: put back a copy of the \
                 data directory";
    let name = journal_name(place.segment);
    StorageError::Corrupt { name, offset: place.offset, found: found.to_owned() }
}

/// A whole frame from `at` on which says that the frame `missing` had been synced.
fn later_synced(bytes: &[u8], at: usize, segment: u64, missing: u64) -> Option<u64> {
    (at..bytes.len())
        .step_by(ALIGN)
        .filter_map(|at| Frame::read(&bytes[at..], segment))
        .find(|frame| frame.stamp.synced_before > missing)
        .map(|frame| frame.stamp.sequence)
}

fn corrupt(end: &JournalEnd, name: &str, at: u64, segment: u64, later: u64) -> StorageError {
    // The bad frame is where the whole ones ended, be that in an earlier segment.
    let (name, offset) = if end.segment == segment || end.next == 1 {
        (name.to_owned(), at)
    } else {
        (journal_name(end.segment), end.offset)
    };
    let found = format!(
        "frame {} is not whole, but frame {later} says it was synced: nothing is cut off; put back \
         a copy of the data directory",
        end.next
    );
    StorageError::Corrupt { name, offset, found }
}
