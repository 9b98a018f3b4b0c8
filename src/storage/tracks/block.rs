//! A block: what was open of all couriers at one time, as one run of bytes in a file of tracks.
//!
//! | bytes | what |
//! |---|---|
//! | 0..4 | magic; its last byte is the version of the layout |
//! | 4..8 | CRC-32C of the head from byte 8 on |
//! | 8..16 | length of the block |
//! | 16..24 | `next`: sequence of the first journal frame that is not in it or an earlier block |
//! | 24..40 | the earliest and the latest device time, Unix milliseconds |
//! | 40..44 | how many chunks there are |
//! | 44..48 | zero |
//! | 48.. | the index: an entry per chunk, sorted by courier |
//! | then | the chunks |
//!
//! An entry: courier (4), company (4), place of the chunk in the block (4), its length (4), the
//! earliest and the latest device time (16), CRC-32C of these (4). A chunk: CRC-32C of the courier's
//! id and the positions (4), the positions. All numbers are little-endian.

use super::super::bytes::{Malformed, Read, Reader, Writer};
use super::super::disk::DiskFile;
use super::super::error::StorageError;
use super::open::OpenTracks;
use crate::domain::ids::{CompanyId, CourierId};
use crate::domain::time::Time;

/// What the head of a block says, and where the block is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// Where in the file it begins.
    pub offset: u64,
    /// Its length.
    pub bytes: u64,
    /// The first journal frame that is not in it or an earlier one.
    pub next: u64,
    /// The earliest device time.
    pub first: Time,
    /// The latest device time.
    pub last: Time,
    /// How many chunks there are.
    pub chunks: u32,
}

/// What the index says of a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Whose positions they are.
    pub courier: CourierId,
    /// The courier's company.
    pub company: CompanyId,
    /// Where in the block the chunk begins.
    pub at: u32,
    /// Its length with its checksum.
    pub bytes: u32,
    /// The earliest device time.
    pub first: Time,
    /// The latest device time.
    pub last: Time,
}

/// The chunks that a block is made of, sorted by courier, each with the positions' bytes.
pub struct Contents<'a> {
    /// The first journal frame that is not in it or an earlier block.
    pub next: u64,
    /// Courier, company, earliest and latest device time; the positions.
    pub chunks: Vec<(Entry, &'a [u8])>,
}

impl<'a> Contents<'a> {
    /// What is open.
    #[must_use]
    pub fn open(tracks: &'a OpenTracks, next: u64) -> Self {
        let chunks = tracks.sorted().into_iter().map(|chunk| {
            let (courier, company) = (chunk.courier, chunk.company);
            let (first, last) = (chunk.first, chunk.last);
            (Entry { courier, company, at: 0, bytes: 0, first, last }, &chunk.bytes.bytes[..])
        });
        Self { next, chunks: chunks.collect() }
    }

    /// Bytes of the block.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let chunks = self.chunks.iter().map(|(_, points)| (ENTRY + CRC + points.len()) as u64);
        HEAD as u64 + chunks.sum::<u64>()
    }

    /// Hands the block to `write` in pieces.
    ///
    /// # Errors
    /// `write` fails.
    pub fn write<E>(&self, write: &mut dyn FnMut(&[u8]) -> Result<(), E>) -> Result<Block, E> {
        let firsts = self.chunks.iter().map(|(entry, _)| entry.first);
        let lasts = self.chunks.iter().map(|(entry, _)| entry.last);
        let block = Block {
            offset: 0,
            bytes: self.bytes(),
            next: self.next,
            first: firsts.min().unwrap_or(Time::DISTANT_FUTURE),
            last: lasts.max().unwrap_or(Time::DISTANT_PAST),
            chunks: self.chunks.len() as u32,
        };
        let mut piece = Writer::default();
        put_head(&mut piece, &block);
        let mut at = (HEAD + ENTRY * self.chunks.len()) as u32;
        for (entry, points) in &self.chunks {
            let bytes = (CRC + points.len()) as u32;
            put_entry(&mut piece, &Entry { at, bytes, ..*entry });
            at += bytes;
            hand_on(&mut piece, write)?;
        }
        for (entry, points) in &self.chunks {
            piece.u32(chunk_crc(entry.courier, points));
            piece.bytes.extend_from_slice(points);
            hand_on(&mut piece, write)?;
        }
        write(&piece.bytes)?;
        Ok(block)
    }
}

impl Block {
    /// The block whose head is at an offset; `None`: there is no whole head, or less of a block
    /// than it says.
    ///
    /// # Errors
    /// The disk fails, or it is of a version that is not known here.
    pub fn read(file: &FileOf<'_>, offset: u64) -> Result<Option<Self>, StorageError> {
        let mut head = [0; HEAD];
        if file.read(&mut head, offset)? < HEAD {
            return Ok(None);
        }
        if crc32c::crc32c(&head[8..]).to_le_bytes() != head[4..8] || head[..3] != MAGIC[..3] {
            return Ok(None);
        }
        if head[3] != MAGIC[3] {
            let name = file.name.to_owned();
            return Err(StorageError::LaterVersion { name, offset, version: head[3] });
        }
        let block = read_head(&mut Reader::new(&head[8..]), offset);
        let block = block.map_err(|Malformed| file.corrupt(offset, "the head of a block"))?;
        let size = file.file.size().map_err(StorageError::disk("read", file.name))?;
        Ok((offset + block.bytes <= size).then_some(block))
    }

    /// The entry at a place of the index.
    ///
    /// # Errors
    /// The disk fails, or the bytes are not what was written.
    pub fn entry(&self, file: &FileOf<'_>, place: u32) -> Result<Entry, StorageError> {
        let mut bytes = [0; ENTRY];
        let offset = self.offset + (HEAD + ENTRY * place as usize) as u64;
        file.read(&mut bytes, offset)?;
        let entry = read_entry(&bytes);
        entry.map_err(|Malformed| file.corrupt(offset, "an entry of the index"))
    }

    /// The entry of a courier.
    ///
    /// # Errors
    /// As [`Self::entry`].
    pub fn find(
        &self,
        file: &FileOf<'_>,
        courier: CourierId,
    ) -> Result<Option<Entry>, StorageError> {
        let (mut from, mut to) = (0, self.chunks);
        while from < to {
            let middle = from + (to - from) / 2;
            let entry = self.entry(file, middle)?;
            match entry.courier.cmp(&courier) {
                core::cmp::Ordering::Equal => return Ok(Some(entry)),
                core::cmp::Ordering::Less => from = middle + 1,
                core::cmp::Ordering::Greater => to = middle,
            }
        }
        Ok(None)
    }

    /// The positions' bytes of a chunk.
    ///
    /// # Errors
    /// As [`Self::entry`].
    pub fn points(&self, file: &FileOf<'_>, entry: &Entry) -> Result<Vec<u8>, StorageError> {
        let offset = self.offset + u64::from(entry.at);
        let mut bytes = vec![0; entry.bytes as usize];
        let read = file.read(&mut bytes, offset)?;
        let is_whole = read == bytes.len()
            && read >= CRC
            && bytes[..CRC] == chunk_crc(entry.courier, &bytes[CRC..]).to_le_bytes();
        if !is_whole {
            return Err(file.corrupt(offset, "a chunk"));
        }
        bytes.drain(..CRC);
        Ok(bytes)
    }

    /// Whether every byte of it is what was written.
    ///
    /// # Errors
    /// The disk fails.
    pub fn is_whole(&self, file: &FileOf<'_>) -> Result<bool, StorageError> {
        let verdict = (0..self.chunks).try_for_each(|place| {
            let entry = self.entry(file, place)?;
            self.points(file, &entry).map(drop)
        });
        match verdict {
            Ok(()) => Ok(true),
            Err(StorageError::Corrupt { .. }) => Ok(false),
            Err(other) => Err(other),
        }
    }
}

/// An open file and what it is called.
pub struct FileOf<'a> {
    /// The file.
    pub file: &'a dyn DiskFile,
    /// Its name.
    pub name: &'a str,
}

impl FileOf<'_> {
    fn read(&self, into: &mut [u8], offset: u64) -> Result<usize, StorageError> {
        self.file.read_at(into, offset).map_err(StorageError::disk("read", self.name))
    }

    /// What is there is not what was written.
    #[must_use]
    pub fn corrupt(&self, offset: u64, what: &str) -> StorageError {
        let found = format!(
            "{what} is not what was written: put back a copy of the file, or move it away; only \
             the tracks of that hour are in it"
        );
        StorageError::Corrupt { name: self.name.to_owned(), offset, found }
    }
}

fn hand_on<E>(piece: &mut Writer, write: &mut dyn FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
    if piece.bytes.len() >= PIECE_BYTES {
        write(&piece.bytes)?;
        piece.bytes.clear();
    }
    Ok(())
}

fn put_head(to: &mut Writer, block: &Block) {
    let mut head = Writer::default();
    head.u64(block.bytes);
    head.u64(block.next);
    head.u64(block.first.ms() as u64);
    head.u64(block.last.ms() as u64);
    head.u32(block.chunks);
    head.u32(0);
    to.bytes.extend_from_slice(&MAGIC);
    to.u32(crc32c::crc32c(&head.bytes));
    to.bytes.extend_from_slice(&head.bytes);
}

fn read_head(from: &mut Reader, offset: u64) -> Read<Block> {
    let (bytes, next) = (from.u64()?, from.u64()?);
    let (first, last) = (Time::from_ms(from.u64()? as i64), Time::from_ms(from.u64()? as i64));
    let chunks = from.u32()?;
    let least = HEAD as u64 + (ENTRY + CRC) as u64 * u64::from(chunks);
    if bytes < least || bytes > u64::from(u32::MAX) {
        return Err(Malformed);
    }
    Ok(Block { offset, bytes, next, first, last, chunks })
}

fn put_entry(to: &mut Writer, entry: &Entry) {
    let start = to.bytes.len();
    to.u32(entry.courier.0);
    to.u32(entry.company.0);
    to.u32(entry.at);
    to.u32(entry.bytes);
    to.u64(entry.first.ms() as u64);
    to.u64(entry.last.ms() as u64);
    to.u32(crc32c::crc32c(&to.bytes[start..]));
}

fn read_entry(bytes: &[u8; ENTRY]) -> Read<Entry> {
    let mut from = Reader::new(bytes);
    let entry = Entry {
        courier: CourierId(from.u32()?),
        company: CompanyId(from.u32()?),
        at: from.u32()?,
        bytes: from.u32()?,
        first: Time::from_ms(from.u64()? as i64),
        last: Time::from_ms(from.u64()? as i64),
    };
    let is_whole = from.u32()? == crc32c::crc32c(&bytes[..ENTRY - CRC]);
    if is_whole { Ok(entry) } else { Err(Malformed) }
}

fn chunk_crc(courier: CourierId, points: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&courier.0.to_le_bytes()), points)
}

/// Version 1.
const MAGIC: [u8; 4] = *b"DST\x01";
const HEAD: usize = 48;
const ENTRY: usize = 36;
const CRC: usize = 4;
/// Blocks are written in pieces of about so many bytes.
const PIECE_BYTES: usize = 1 << 20;
