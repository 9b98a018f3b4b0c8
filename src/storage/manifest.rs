//! The manifest of a snapshot: names its file, says what each partition's image stands at, and
//! where journal and feed go on. A snapshot without a whole manifest is none.
//!
//! A magic of 4 bytes, the last of which is the version of the layout; the CRC-32C of the rest from
//! byte 8 on; the length of the body; the body.

use std::sync::Arc;

use super::bytes::{Malformed, Read, Reader, Writer};
use super::disk::Disk;
use super::error::StorageError;
use super::segment::{aside, manifest_name};
use crate::domain::ids::CompanyId;
use crate::domain::time::Time;

/// What a snapshot is, and from where to go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The snapshot's number: the newest has the highest.
    pub number: u64,
    /// The engine that made it.
    pub engine: u16,
    /// The layout of the partitions' images.
    pub layout: u16,
    /// Bytes of the snapshot's file.
    pub bytes: u64,
    /// Where reading the journal begins: every image holds what lies before.
    pub journal: JournalPlace,
    /// Commands before that place.
    pub commands: u64,
    /// What earlier frames of the journal tell is in the feed.
    pub told_before: u64,
    /// Where the feed stood then.
    pub feed: FeedPlace,
    /// The last notification of every company then.
    pub notified: Vec<(CompanyId, Notified)>,
    /// The sequence of each partition's last input in its image.
    pub sequences: Vec<u64>,
}

/// A place in the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalPlace {
    /// The segment.
    pub segment: u64,
    /// Where in it.
    pub offset: u64,
    /// Sequence of the frame that follows there.
    pub next: u64,
}

impl JournalPlace {
    /// Where a journal begins.
    pub const START: Self = Self { segment: 1, offset: 0, next: 1 };
}

/// A place in the feed log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FeedPlace {
    /// Position of the last event; 0: there was none.
    pub position: u64,
    /// First position of the segment that was being written; 0: there was none.
    pub segment: u64,
    /// Its length.
    pub offset: u64,
}

/// A company's last notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notified {
    /// Its number.
    pub id: u64,
    /// Its time.
    pub time: Time,
}

impl Manifest {
    /// Makes it durable under its name, and reads it back. From then on the snapshot counts.
    ///
    /// # Errors
    /// The disk fails, or gives back something else.
    pub fn write(&self, disk: &Arc<dyn Disk>) -> Result<(), StorageError> {
        let name = manifest_name(self.number);
        let written = aside(&name);
        let bytes = self.encoded();
        let file = disk.open(&written).map_err(StorageError::disk("open", &written))?;
        file.cut(0).map_err(StorageError::disk("cut", &written))?;
        file.write_at(&bytes, 0).map_err(StorageError::disk("write", &written))?;
        file.sync().map_err(StorageError::disk("sync", &written))?;
        if Self::read(&**disk, &written)? != *self {
            let found = "it reads back as another manifest".to_owned();
            return Err(StorageError::Corrupt { name: written, offset: 0, found });
        }
        // The snapshot's name is durable before the manifest's is there at all.
        let sync = || disk.sync_entries().map_err(StorageError::disk("sync", "the data directory"));
        sync()?;
        disk.rename(&written, &name).map_err(StorageError::disk("rename", &written))?;
        sync()
    }

    /// Reads the manifest of a name.
    ///
    /// # Errors
    /// The disk fails, the bytes are not what was written, or are of a later version.
    pub fn read(disk: &dyn Disk, name: &str) -> Result<Self, StorageError> {
        let file = disk.open(name).map_err(StorageError::disk("open", name))?;
        let size = file.size().map_err(StorageError::disk("read", name))?;
        let corrupt = |found: &str| StorageError::Corrupt {
            name: name.to_owned(),
            offset: 0,
            found: found.to_owned(),
        };
        if size > BYTES_MAX {
            return Err(corrupt("longer than any manifest"));
        }
        let mut bytes = vec![0; size as usize];
        let read = file.read_at(&mut bytes, 0).map_err(StorageError::disk("read", name))?;
        bytes.truncate(read);
        let mut head = Reader::new(&bytes);
        let (Ok(magic), Ok(crc), Ok(length)) = (head.take(4), head.u32(), head.u32()) else {
            return Err(corrupt("the end of the bytes"));
        };
        let is_whole = head.rest().len() == length as usize
            && magic[..3] == MAGIC[..3]
            && crc32c::crc32c(&bytes[CRC_FROM..]) == crc;
        if !is_whole {
            return Err(corrupt("no whole manifest"));
        }
        if magic[3] != MAGIC[3] {
            let version = magic[3];
            return Err(StorageError::LaterVersion { name: name.to_owned(), offset: 0, version });
        }
        let manifest = Self::decoded(&mut head);
        manifest.map_err(|Malformed| corrupt("a whole manifest that cannot be understood"))
    }

    fn encoded(&self) -> Vec<u8> {
        let mut to = Writer::default();
        to.bytes.extend_from_slice(&MAGIC);
        to.u64(0);
        let Self { number, engine, layout, bytes, journal, commands, .. } = self;
        let JournalPlace { segment, offset, next } = journal;
        for value in [*number, (*engine).into(), (*layout).into(), *bytes] {
            to.varint(value);
        }
        for value in [*segment, *offset, *next, *commands, self.told_before] {
            to.varint(value);
        }
        let FeedPlace { position, segment, offset } = self.feed;
        for value in [position, segment, offset] {
            to.varint(value);
        }
        to.list(&self.notified, |to, (company, notified)| {
            to.varint(company.0.into());
            to.varint(notified.id);
            to.time(notified.time);
        });
        to.list(&self.sequences, |to, sequence| to.varint(*sequence));
        let length = (to.bytes.len() - HEAD) as u32;
        to.bytes[CRC_FROM..HEAD].copy_from_slice(&length.to_le_bytes());
        let crc = crc32c::crc32c(&to.bytes[CRC_FROM..]);
        to.bytes[4..CRC_FROM].copy_from_slice(&crc.to_le_bytes());
        to.bytes
    }

    fn decoded(from: &mut Reader) -> Read<Self> {
        let manifest = Self {
            number: from.varint()?,
            engine: from.narrow()?,
            layout: from.narrow()?,
            bytes: from.varint()?,
            journal: JournalPlace {
                segment: from.varint()?,
                offset: from.varint()?,
                next: from.varint()?,
            },
            commands: from.varint()?,
            told_before: from.varint()?,
            feed: FeedPlace {
                position: from.varint()?,
                segment: from.varint()?,
                offset: from.varint()?,
            },
            notified: from.list(|from| {
                let company = CompanyId(from.narrow()?);
                Ok((company, Notified { id: from.varint()?, time: from.time()? }))
            })?,
            sequences: from.list(Reader::varint)?,
        };
        from.end()?;
        Ok(manifest)
    }
}

/// Version 1.
const MAGIC: [u8; 4] = *b"DSM\x01";
const HEAD: usize = 12;
const CRC_FROM: usize = 8;
/// A manifest of a million companies is smaller.
const BYTES_MAX: u64 = 64 << 20;
