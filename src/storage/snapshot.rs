//! A snapshot's file: the images of all partitions and the orders' chains, each in a frame under
//! its own checksum. Which file counts, a [`super::manifest::Manifest`] says.
//!
//! | bytes | what |
//! |---|---|
//! | 0..4 | magic; its last byte is the version of the layout |
//! | 4..8 | CRC-32C of everything from byte 8 to the end of the payload |
//! | 8..12 | length of the payload |
//! | 12 | kind: 0 a partition, 1 chains, 2 who is quarantined in the partition before |
//! | 13..16 | zero |
//! | 16..24 | the partition, or 0 |
//! | 24.. | payload |

use std::sync::Arc;

use super::bytes::Reader;
use super::disk::{Disk, DiskFile};
use super::error::StorageError;
use super::segment::{aside, snapshot_name};

/// What a frame holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PieceKind {
    /// The image of a partition.
    Partition,
    /// The last feed positions of some orders.
    Chains,
    /// The quarantined couriers of a partition, and the commands that wait for each; after the
    /// partition's image, and only where there are some.
    Quarantine,
}

impl PieceKind {
    const fn number(self) -> u8 {
        match self {
            Self::Partition => 0,
            Self::Chains => 1,
            Self::Quarantine => 2,
        }
    }
}

/// A frame as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// What it holds.
    pub kind: PieceKind,
    /// The partition, or 0.
    pub key: u64,
    /// The bytes.
    pub payload: Vec<u8>,
}

/// A snapshot being written, under a name that nobody reads.
///
/// Order of calls: [`Self::put`] any number of times, [`Self::finish`]. One that is not finished is
/// swept away at the next start, or by [`Self::give_up`].
pub struct SnapshotWriter {
    disk: Arc<dyn Disk>,
    name: String,
    file: Arc<dyn DiskFile>,
    /// What is not written yet, and where it goes.
    buffer: Vec<u8>,
    at: u64,
    synced: u64,
}

impl SnapshotWriter {
    /// Begins the snapshot of a number.
    ///
    /// # Errors
    /// The disk fails.
    pub fn begin(disk: Arc<dyn Disk>, number: u64) -> Result<Self, StorageError> {
        let name = snapshot_name(number);
        let written = aside(&name);
        let file = disk.open(&written).map_err(StorageError::disk("open", &written))?;
        file.cut(0).map_err(StorageError::disk("cut", &written))?;
        Ok(Self { disk, name, file, buffer: Vec::new(), at: 0, synced: 0 })
    }

    /// Adds a frame. Now and then it waits for the disk, so that the end need not.
    ///
    /// # Errors
    /// The disk fails.
    pub fn put(&mut self, kind: PieceKind, key: u64, payload: &[u8]) -> Result<(), StorageError> {
        let start = self.buffer.len();
        self.buffer.extend_from_slice(&MAGIC);
        self.buffer.extend_from_slice(&[0; 4]);
        self.buffer.extend_from_slice(&(payload.len() as u32).to_le_bytes());
        self.buffer.extend_from_slice(&[kind.number(), 0, 0, 0]);
        self.buffer.extend_from_slice(&key.to_le_bytes());
        self.buffer.extend_from_slice(payload);
        let crc = crc32c::crc32c(&self.buffer[start + CRC_FROM..]);
        self.buffer[start + 4..start + CRC_FROM].copy_from_slice(&crc.to_le_bytes());
        if self.buffer.len() < BUFFER_BYTES {
            return Ok(());
        }
        self.write()?;
        if self.at - self.synced >= SYNC_BYTES {
            self.sync()?;
        }
        Ok(())
    }

    /// Makes it durable, reads it back, and gives it its name. Says how many bytes it has.
    ///
    /// # Errors
    /// The disk fails, or gives back something else.
    pub fn finish(mut self) -> Result<u64, StorageError> {
        self.write()?;
        self.sync()?;
        let written = aside(&self.name);
        read_pieces(&*self.disk, &written, self.at, &mut |_| Ok(()))?;
        self.disk.rename(&written, &self.name).map_err(StorageError::disk("rename", &written))?;
        Ok(self.at)
    }

    fn write(&mut self) -> Result<(), StorageError> {
        let written = self.file.write_at(&self.buffer, self.at);
        written.map_err(StorageError::disk("write", &self.name))?;
        self.at += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    fn sync(&mut self) -> Result<(), StorageError> {
        self.file.sync().map_err(StorageError::disk("sync", &self.name))?;
        self.synced = self.at;
        Ok(())
    }

    /// Takes away what was written.
    ///
    /// # Errors
    /// The disk fails.
    pub fn give_up(self) -> Result<(), StorageError> {
        let written = aside(&self.name);
        self.disk.remove(&written).map_err(StorageError::disk("remove", &written))
    }
}

/// Hands every frame of a file of so many bytes to `on_piece`, in order.
///
/// # Errors
/// The disk fails, the bytes are not what was written, or `on_piece` fails.
pub fn read_pieces(
    disk: &dyn Disk,
    name: &str,
    size: u64,
    on_piece: &mut dyn FnMut(Piece) -> Result<(), StorageError>,
) -> Result<(), StorageError> {
    let file = disk.open(name).map_err(StorageError::disk("open", name))?;
    let found = file.size().map_err(StorageError::disk("read", name))?;
    if found != size {
        let problem = format!("{size} bytes were written");
        return Err(StorageError::Corrupt { name: name.to_owned(), offset: found, found: problem });
    }
    let mut at = 0;
    while at < size {
        let piece = read_piece(&*file, name, at, size)?;
        at += (HEAD + piece.payload.len()) as u64;
        on_piece(piece)?;
    }
    Ok(())
}

fn read_piece(file: &dyn DiskFile, name: &str, at: u64, size: u64) -> Result<Piece, StorageError> {
    let corrupt = |found: &str| StorageError::Corrupt {
        name: name.to_owned(),
        offset: at,
        found: found.to_owned(),
    };
    let mut head = [0; HEAD];
    let read = file.read_at(&mut head, at).map_err(StorageError::disk("read", name))?;
    if read < HEAD {
        return Err(corrupt("the end of the bytes"));
    }
    let mut fields = Reader::new(&head[4..]);
    let (Ok(crc), Ok(length)) = (fields.u32(), fields.u32()) else {
        return Err(corrupt("no frame"));
    };
    if at + HEAD as u64 + u64::from(length) > size {
        return Err(corrupt("a frame longer than the file"));
    }
    let mut payload = vec![0; length as usize];
    let read = file.read_at(&mut payload, at + HEAD as u64);
    if read.map_err(StorageError::disk("read", name))? < payload.len() {
        return Err(corrupt("the end of the bytes"));
    }
    let covered = crc32c::crc32c_append(crc32c::crc32c(&head[CRC_FROM..]), &payload);
    if head[..3] != MAGIC[..3] || covered != crc {
        return Err(corrupt("a frame whose checksum is false"));
    }
    if head[3] != MAGIC[3] {
        let version = head[3];
        return Err(StorageError::LaterVersion { name: name.to_owned(), offset: at, version });
    }
    let kind = match head[12..16] {
        [0, 0, 0, 0] => PieceKind::Partition,
        [1, 0, 0, 0] => PieceKind::Chains,
        [2, 0, 0, 0] => PieceKind::Quarantine,
        _ => return Err(corrupt("a frame of no kind")),
    };
    let key = head[16..HEAD].iter().rev().fold(0, |key, &byte| key << 8 | u64::from(byte));
    Ok(Piece { kind, key, payload })
}

/// Version 1.
const MAGIC: [u8; 4] = *b"DSS\x01";
const HEAD: usize = 24;
const CRC_FROM: usize = 8;
/// Frames are written together once they have so many bytes.
const BUFFER_BYTES: usize = 4 << 20;
/// What is written is synced in runs of so many bytes.
const SYNC_BYTES: u64 = 32 << 20;
