//! Takes out of the feed what is to be forgotten: a courier's id and places, or whole segments that
//! are too old. Every event keeps its position, and every record its place: a blanked one is as long
//! as it was.
//!
//! A segment is written anew aside and synced; then the old one goes and the new one gets its name.
//! [`FeedLog::mend`] ends what a crash broke off.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError};

use super::super::bytes::{Malformed, Reader, Writer};
use super::super::codec::outputs::{feed_event, put_feed_event};
use super::super::disk::{Disk, DiskFile};
use super::super::error::StorageError;
use super::super::feed_event::{FeedBody, FeedEvent};
use super::super::manifest::Manifest;
use super::super::segment::{aside, feed_first, manifest_number, without_aside};
use super::FeedLog;
use crate::domain::event::EventKind;
use crate::domain::geo::Point;
use crate::domain::ids::{CourierId, OrderId};
use crate::domain::time::Time;

/// How much of the feed is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedKeeping {
    /// Events that were recorded since.
    pub since: Time,
    /// And no more than so many bytes, as far as whole segments go.
    pub bytes_max: u64,
    /// Position from which on everything is needed.
    pub needed_from: u64,
}

/// A segment as it is found.
struct Found {
    first: u64,
    name: String,
    size: u64,
}

impl FeedLog {
    /// Ends what a crash broke off, before a feed log is opened.
    ///
    /// # Errors
    /// The disk fails.
    pub fn mend(disk: &dyn Disk) -> Result<(), StorageError> {
        let names = disk.names().map_err(StorageError::disk("list", "the data directory"))?;
        let begun = names.iter().filter_map(|name| Some((name, without_aside(name)?)));
        let begun: Vec<_> = begun.filter(|(_, name)| feed_first(name).is_some()).collect();
        for (written, name) in &begun {
            // The old one goes only once the new one is whole.
            if names.iter().any(|known| known == name) {
                disk.remove(written).map_err(StorageError::disk("remove", written))?;
            } else {
                disk.rename(written, name).map_err(StorageError::disk("rename", written))?;
            }
        }
        if begun.is_empty() { Ok(()) } else { sync_entries(disk) }
    }

    /// Whatever is appended from now on goes into another segment.
    ///
    /// # Errors
    /// The disk fails.
    pub fn begin_anew(&self) -> Result<(), StorageError> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let is_begun = self.read_index().segments.last().is_none_or(|last| last.size == 0);
        if is_begun { Ok(()) } else { self.begin_segment(self.head() + 1) }
    }

    /// The orders of which the feed tells something with a courier.
    ///
    /// # Errors
    /// The disk fails, or the bytes are not what was written.
    pub fn orders_of(&self, courier: CourierId) -> Result<BTreeSet<OrderId>, StorageError> {
        let mut orders = BTreeSet::new();
        for found in self.found() {
            self.each_record(&found, &mut |_, event| {
                if event.courier == courier
                    && let FeedBody::Event(event) = event.body
                {
                    orders.insert(event.order);
                }
            })?;
        }
        Ok(orders)
    }

    /// Blanks the id and the places of a courier in every segment but the last, and says in how
    /// many events: see [`Self::begin_anew`].
    ///
    /// # Errors
    /// The disk fails, or the bytes are not what was written.
    pub fn erase_courier(&self, courier: CourierId) -> Result<u64, StorageError> {
        let mut found = self.found();
        found.pop();
        let mut erased = 0;
        for segment in found {
            let mut blanked = Vec::new();
            let mut bytes = self.each_record(&segment, &mut |at, event| {
                if event.courier == courier {
                    blanked.push((at, blank(event)));
                }
            })?;
            for (at, event) in &blanked {
                put_in_place(&mut bytes, *at, event)
                    .map_err(|Malformed| corrupt(&segment, *at, "an event that grows"))?;
            }
            if !blanked.is_empty() {
                self.replace(&segment, &bytes)?;
            }
            erased += blanked.len() as u64;
        }
        Ok(erased)
    }

    /// Removes the oldest segments that are not kept, never the last; says how many.
    ///
    /// # Errors
    /// The disk fails, or the bytes are not what was written.
    pub fn let_go(&self, keeping: &FeedKeeping) -> Result<u64, StorageError> {
        let found = self.found();
        let mut bytes: u64 = found.iter().map(|segment| segment.size).sum();
        let mut gone = 0;
        for (segment, next) in found.iter().zip(found.iter().skip(1)) {
            let last = self.read(next.first - 2, 1)?.pop();
            let is_old = last.is_none_or(|last| last.recorded_at < keeping.since);
            let may_go = is_old || bytes > keeping.bytes_max;
            if !may_go || next.first > keeping.needed_from {
                break;
            }
            self.write_index().segments.retain(|known| known.first != segment.first);
            let removed = self.disk.remove(&segment.name);
            removed.map_err(StorageError::disk("remove", &segment.name))?;
            // One after the other: a crash must not bring back an older one than it takes.
            sync_entries(&*self.disk)?;
            bytes -= segment.size;
            gone += 1;
        }
        Ok(gone)
    }

    /// The first position of the segment in which the oldest snapshot goes on; `None`: there is no
    /// snapshot.
    ///
    /// # Errors
    /// The disk fails, or a manifest is not what was written.
    pub fn needed_by_snapshots(&self) -> Result<Option<u64>, StorageError> {
        let names = self.disk.names().map_err(StorageError::disk("list", "the data directory"))?;
        let mut needed: Option<u64> = None;
        for name in names.iter().filter(|name| manifest_number(name).is_some()) {
            let segment = Manifest::read(&*self.disk, name)?.feed.segment;
            needed = Some(needed.map_or(segment, |known| known.min(segment)));
        }
        Ok(needed)
    }

    fn found(&self) -> Vec<Found> {
        let index = self.read_index();
        let found = index.segments.iter().map(|segment| Found {
            first: segment.first,
            name: segment.name.clone(),
            size: segment.size,
        });
        found.collect()
    }

    /// Puts other bytes of the same length into a segment's place.
    fn replace(&self, old: &Found, bytes: &[u8]) -> Result<(), StorageError> {
        let (name, written) = (&old.name, aside(&old.name));
        let file = self.disk.open(&written).map_err(StorageError::disk("open", &written))?;
        file.cut(0).map_err(StorageError::disk("cut", &written))?;
        file.write_at(bytes, 0).map_err(StorageError::disk("write", &written))?;
        file.sync().map_err(StorageError::disk("sync", &written))?;
        sync_entries(&*self.disk)?;
        // Who reads while there is no such name reads the old one on.
        let held = self.file_of(old)?;
        if let Some(held) = &held {
            held.sync().map_err(StorageError::disk("sync", name))?;
        }
        self.hold(old, held);
        self.disk.remove(name).map_err(StorageError::disk("remove", name))?;
        self.disk.rename(&written, name).map_err(StorageError::disk("rename", &written))?;
        sync_entries(&*self.disk)?;
        self.hold(old, None);
        Ok(())
    }

    /// The file of a segment; `None`: it has gone since it was found.
    fn file_of(&self, found: &Found) -> Result<Option<Arc<dyn DiskFile>>, StorageError> {
        let index = self.read_index();
        let known = index.segments.iter().find(|known| known.first == found.first);
        known.map(|known| self.disk_file(known)).transpose()
    }

    /// Says what a segment that is durable is read from; `None`: from the file that has its name.
    fn hold(&self, found: &Found, file: Option<Arc<dyn DiskFile>>) {
        let mut index = self.write_index();
        if let Some(known) = index.segments.iter_mut().find(|known| known.first == found.first) {
            (known.file, known.synced) = (file, known.size);
        }
    }

    /// Shows every event of a segment with the place of its record, and gives the segment's bytes.
    fn each_record(
        &self,
        segment: &Found,
        show: &mut dyn FnMut(usize, FeedEvent),
    ) -> Result<Vec<u8>, StorageError> {
        let Some(file) = self.file_of(segment)? else { return Ok(Vec::new()) };
        let mut bytes = vec![0; segment.size as usize];
        let read = file.read_at(&mut bytes, 0);
        let read = read.map_err(StorageError::disk("read", &segment.name))?;
        let (mut at, mut position) = (0, segment.first);
        while at < bytes.len() {
            let event = record(&bytes[..read], at, position)
                .map_err(|Malformed| corrupt(segment, at, "no whole event"))?;
            let next = at + RECORD_HEAD + event.0;
            show(at, event.1);
            (at, position) = (next, position + 1);
        }
        Ok(bytes)
    }
}

/// The length of a record's body, and the event in it.
fn record(bytes: &[u8], at: usize, position: u64) -> Result<(usize, FeedEvent), Malformed> {
    let mut from = Reader::new(bytes.get(at..).ok_or(Malformed)?);
    let (length, crc) = (from.u32()? as usize, from.u32()?);
    let body = from.take(length)?;
    if crc32c::crc32c(body) != crc {
        return Err(Malformed);
    }
    Ok((length, feed_event(&mut Reader::new(body), position)?))
}

/// Writes an event over the record at a place; what it is shorter is filled with zeros.
fn put_in_place(bytes: &mut [u8], at: usize, event: &FeedEvent) -> Result<(), Malformed> {
    let length = Reader::new(bytes.get(at..).ok_or(Malformed)?).u32()? as usize;
    let mut body = Writer::default();
    put_feed_event(&mut body, event);
    if body.bytes.len() > length {
        return Err(Malformed);
    }
    body.bytes.resize(length, 0);
    let start = at + RECORD_HEAD;
    bytes[start..start + length].copy_from_slice(&body.bytes);
    bytes[at + 4..start].copy_from_slice(&crc32c::crc32c(&body.bytes).to_le_bytes());
    Ok(())
}

/// The event without who it was and where.
fn blank(event: FeedEvent) -> FeedEvent {
    let mut event = FeedEvent { courier: NOBODY, ..event };
    if let FeedBody::Event(of_order) = &mut event.body {
        match &mut of_order.kind {
            EventKind::Arrival(at)
            | EventKind::OrderVisit(at)
            | EventKind::Departure { at, .. } => at.point = Point::ANYWHERE,
            EventKind::OrderCreated
            | EventKind::Start
            | EventKind::OrderBecameNext
            | EventKind::StatusUpdate { .. }
            | EventKind::IntervalUpdate { .. } => {}
        }
    }
    event
}

fn corrupt(segment: &Found, at: usize, found: &str) -> StorageError {
    let (name, found) = (segment.name.clone(), found.to_owned());
    StorageError::Corrupt { name, offset: at as u64, found }
}

fn sync_entries(disk: &dyn Disk) -> Result<(), StorageError> {
    disk.sync_entries().map_err(StorageError::disk("sync", "the data directory"))
}

/// No courier has this id.
const NOBODY: CourierId = CourierId(0);
/// A record's length and checksum.
const RECORD_HEAD: usize = 8;
