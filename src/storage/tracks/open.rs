//! Positions that are not on disk as tracks yet: of each courier one chunk, in memory, until all of
//! them are written as one block. The journal still has them.

use super::super::bytes::Writer;
use super::chunk::{TrackPoint, put_point};
use crate::domain::ids::{CompanyId, CourierId};
use crate::domain::time::{HOUR_MS, Time};
use crate::engine::prefetch::{CACHE_LINE_BYTES, prefetch_head, prefetch_part};

/// The open chunks of all couriers.
#[derive(Debug, Default)]
pub struct OpenTracks {
    /// By courier id: the place among the chunks, from 1; 0: none.
    places: Vec<u32>,
    chunks: Vec<OpenChunk>,
    bytes: usize,
    /// When the first of them came.
    since: Option<Time>,
}

/// The chunk of one courier.
#[derive(Debug)]
pub(super) struct OpenChunk {
    pub(super) courier: CourierId,
    pub(super) company: CompanyId,
    /// The earliest device time.
    pub(super) first: Time,
    /// The latest device time.
    pub(super) last: Time,
    pub(super) bytes: Writer,
    before: TrackPoint,
}

impl OpenTracks {
    /// Adds a position.
    pub fn put(&mut self, courier: CourierId, company: CompanyId, point: &TrackPoint) {
        let chunk = self.chunk(courier, company, point.position.device_time);
        let had = chunk.bytes.bytes.capacity();
        put_point(&mut chunk.bytes, &chunk.before, point);
        chunk.before = *point;
        chunk.first = chunk.first.min(point.position.device_time);
        chunk.last = chunk.last.max(point.position.device_time);
        self.bytes += chunk.bytes.bytes.capacity() - had;
        self.since.get_or_insert(point.received_at);
    }

    /// Adds positions, in order. The chunks of those to come are asked for ahead: they lie anywhere
    /// in memory.
    pub fn put_each(&mut self, points: &[(CourierId, CompanyId, TrackPoint)]) {
        for (at, (courier, company, point)) in points.iter().enumerate() {
            if let Some((courier, ..)) = points.get(at + CHUNK_AHEAD)
                && let Some(place) = self.place(*courier)
            {
                for line in (0..size_of::<OpenChunk>()).step_by(CACHE_LINE_BYTES) {
                    prefetch_part(&self.chunks, place, line);
                }
            }
            if let Some((courier, ..)) = points.get(at + BYTES_AHEAD)
                && let Some(end) = self.of(*courier).and_then(<[u8]>::last)
            {
                prefetch_head(end);
            }
            self.put(*courier, *company, point);
        }
    }

    /// A courier's positions, as a chunk's bytes.
    #[must_use]
    pub fn of(&self, courier: CourierId) -> Option<&[u8]> {
        Some(&self.chunks.get(self.place(courier)?)?.bytes.bytes)
    }

    /// Where a courier's chunk is.
    fn place(&self, courier: CourierId) -> Option<usize> {
        (*self.places.get(courier.0 as usize)? as usize).checked_sub(1)
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// Memory of the chunks, bytes.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// When the first of them came.
    #[must_use]
    pub const fn since(&self) -> Option<Time> {
        self.since
    }

    /// The hour of UTC in which the first of them came, counted from 1970.
    #[must_use]
    pub fn hour(&self) -> Option<u64> {
        self.since.map(hour_of)
    }

    /// Forgets them: they are on disk.
    pub fn clear(&mut self) {
        for chunk in self.chunks.drain(..) {
            self.places[chunk.courier.0 as usize] = 0;
        }
        self.chunks.shrink_to(CHUNKS_KEPT);
        (self.bytes, self.since) = (0, None);
    }

    /// Forgets one courier's.
    pub fn forget(&mut self, courier: CourierId) {
        let Some(place) = self.places.get_mut(courier.0 as usize) else { return };
        let Some(at) = (core::mem::take(place) as usize).checked_sub(1) else { return };
        let gone = self.chunks.swap_remove(at);
        self.bytes -= CHUNK_BYTES + gone.bytes.bytes.capacity();
        if let Some(moved) = self.chunks.get(at) {
            self.places[moved.courier.0 as usize] = at as u32 + 1;
        }
    }

    /// The chunks by courier.
    pub(super) fn sorted(&self) -> Vec<&OpenChunk> {
        let mut chunks: Vec<_> = self.chunks.iter().collect();
        chunks.sort_unstable_by_key(|chunk| chunk.courier);
        chunks
    }

    fn chunk(&mut self, courier: CourierId, company: CompanyId, at: Time) -> &mut OpenChunk {
        let id = courier.0 as usize;
        if self.places.len() <= id {
            self.places.resize(id + 1, 0);
        }
        if self.places[id] == 0 {
            self.chunks.push(OpenChunk {
                courier,
                company,
                first: at,
                last: at,
                bytes: Writer { bytes: Vec::with_capacity(ROOM_BYTES) },
                before: TrackPoint::ORIGIN,
            });
            self.bytes += CHUNK_BYTES + ROOM_BYTES;
            self.places[id] = self.chunks.len() as u32;
        }
        let place = self.places[id] as usize - 1;
        &mut self.chunks[place]
    }
}

/// The hour of UTC of an instant, counted from 1970.
#[must_use]
pub const fn hour_of(time: Time) -> u64 {
    let hour = time.ms().div_euclid(HOUR_MS);
    if hour < 0 { 0 } else { hour as u64 }
}

/// Memory of an open chunk beside its bytes.
const CHUNK_BYTES: usize = size_of::<OpenChunk>() + size_of::<u32>();
/// Room of a new chunk: the first positions of a courier.
const ROOM_BYTES: usize = 32;
/// How many positions ahead a chunk is asked for, and then the end of its bytes.
const CHUNK_AHEAD: usize = 12;
const BYTES_AHEAD: usize = 5;
/// So many chunks keep their room when they are written out.
const CHUNKS_KEPT: usize = 65_536;
