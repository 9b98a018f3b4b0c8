//! A frame of the journal: the unit that is there as a whole or not at all.
//!
//! | bytes | what |
//! |---|---|
//! | 0..4 | magic; its last byte is the version of the layout |
//! | 4..8 | CRC-32C of everything from byte 8 to the end of the payload |
//! | 8..12 | length of the payload |
//! | 12 | kind: 0 positions and ticks, 1 a command |
//! | 13..16 | zero |
//! | 16..24 | number of the segment: tells what is left over in a recycled one |
//! | 24..32 | sequence of the frame: dense, from 1 |
//! | 32..40 | synced_before: frames below this sequence were synced when it was written |
//! | 40.. | payload, then zeros up to a multiple of 8 |
//!
//! Magic, checksum, length and what the checksum covers stay as they are in every version, so that
//! a frame of a later one is known as such, and never taken for a torn one.

use super::bytes::{Read, Reader, Writer};
use crate::domain::time::Time;

/// What a frame holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameKind {
    /// Chunks of positions and ticks.
    Positions,
    /// A [`CommandHead`], then chunks.
    Command,
}

/// Where a frame stands and what was durable when it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameStamp {
    /// The segment.
    pub segment: u64,
    /// The frame's sequence.
    pub sequence: u64,
    /// Frames below this sequence were synced.
    pub synced_before: u64,
}

/// A frame as it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Its stamp.
    pub stamp: FrameStamp,
    /// What it holds.
    pub kind: FrameKind,
    /// The bytes.
    pub payload: &'a [u8],
}

impl<'a> Frame<'a> {
    /// Bytes of a frame with such a payload.
    #[must_use]
    pub const fn size(payload: usize) -> usize {
        (HEAD + payload).next_multiple_of(ALIGN)
    }

    /// Appends the frame to a buffer.
    pub fn write(&self, to: &mut Vec<u8>) {
        let start = to.len();
        to.extend_from_slice(&MAGIC);
        to.extend_from_slice(&[0; 4]);
        to.extend_from_slice(&(self.payload.len() as u32).to_le_bytes());
        to.extend_from_slice(&[u8::from(self.kind == FrameKind::Command), 0, 0, 0]);
        to.extend_from_slice(&self.stamp.segment.to_le_bytes());
        to.extend_from_slice(&self.stamp.sequence.to_le_bytes());
        to.extend_from_slice(&self.stamp.synced_before.to_le_bytes());
        to.extend_from_slice(self.payload);
        let crc = crc32c::crc32c(&to[start + CRC_FROM..]);
        to[start + 4..start + CRC_FROM].copy_from_slice(&crc.to_le_bytes());
        to.resize(start + Self::size(self.payload.len()), 0);
    }

    /// The version of the frame that begins the bytes, if it is whole and this version cannot read
    /// it.
    #[must_use]
    pub fn other_version(bytes: &[u8]) -> Option<u8> {
        let [magic @ .., version] = *bytes.first_chunk::<4>()?;
        if magic != MAGIC[..3] || version == MAGIC[3] {
            return None;
        }
        let mut head = Reader::new(&bytes[4..]);
        let crc = head.u32().ok()?;
        let length = head.u32().ok()? as usize;
        let covered = bytes.get(CRC_FROM..HEAD.checked_add(length)?)?;
        (crc32c::crc32c(covered) == crc).then_some(version)
    }

    /// The frame of a segment that begins the bytes; `None`: there is no whole one.
    #[must_use]
    pub fn read(bytes: &'a [u8], segment: u64) -> Option<Self> {
        let mut head = Reader::new(bytes);
        if head.take(4).ok()? != MAGIC {
            return None;
        }
        let crc = head.u32().ok()?;
        let length = head.u32().ok()? as usize;
        let kind = match head.take(4).ok()? {
            [0, 0, 0, 0] => FrameKind::Positions,
            [1, 0, 0, 0] => FrameKind::Command,
            _ => return None,
        };
        let stamp = FrameStamp {
            segment: head.u64().ok()?,
            sequence: head.u64().ok()?,
            synced_before: head.u64().ok()?,
        };
        let payload = head.take(length).ok()?;
        let is_whole =
            stamp.segment == segment && crc32c::crc32c(&bytes[CRC_FROM..HEAD + length]) == crc;
        is_whole.then_some(Self { stamp, kind, payload })
    }
}

/// What stands in front of a command frame's chunks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandHead<'a> {
    /// The frame's number among the command frames: dense, from 1.
    pub place: u64,
    /// Receive time.
    pub at: Time,
    /// Admission's own bytes.
    pub note: &'a [u8],
}

impl<'a> CommandHead<'a> {
    /// Writes it.
    pub fn write(&self, to: &mut Writer) {
        to.varint(self.place);
        to.time(self.at);
        to.blob(self.note);
    }

    /// Reads it.
    ///
    /// # Errors
    /// The bytes are none.
    pub fn read(from: &mut Reader<'a>) -> Read<Self> {
        Ok(Self { place: from.varint()?, at: from.time()?, note: from.blob()? })
    }
}

/// Version 1.
const MAGIC: [u8; 4] = *b"DSJ\x01";
/// Bytes before the payload.
pub const HEAD: usize = 40;
const CRC_FROM: usize = 8;
/// Frames begin at multiples of this.
pub const ALIGN: usize = 8;
