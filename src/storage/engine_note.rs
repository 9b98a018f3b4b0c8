//! Which engine a data directory began with: noted before the first frame of its journal, and never
//! changed. A snapshot names its own engine; without one this is what told the feed's beginning.

use super::disk::Disk;
use super::error::StorageError;
use super::segment::{ENGINE, feed_first, journal_number};

/// The engine that the directory began with; 0: the note cannot be read. A directory that has
/// nothing yet gets the note of `present`; one that is older than such notes began with engine 1.
///
/// # Errors
/// The disk fails.
pub fn first_engine(disk: &dyn Disk, present: u16) -> Result<u16, StorageError> {
    let names = disk.names().map_err(StorageError::disk("list", "the data directory"))?;
    let is_noted = names.iter().any(|name| name == ENGINE);
    let has_begun = names.iter().any(|name| journal_number(name).or(feed_first(name)).is_some());
    if has_begun && !is_noted {
        return Ok(UNNOTED);
    }
    let file = disk.open(ENGINE).map_err(StorageError::disk("open", ENGINE))?;
    if !has_begun {
        let text = format!("{present}\n");
        file.cut(0).map_err(StorageError::disk("cut", ENGINE))?;
        file.write_at(text.as_bytes(), 0).map_err(StorageError::disk("write", ENGINE))?;
        file.sync().map_err(StorageError::disk("sync", ENGINE))?;
        disk.sync_entries().map_err(StorageError::disk("sync", "the data directory"))?;
        return Ok(present);
    }
    let mut bytes = [0; NOTE_BYTES_MAX];
    let read = file.read_at(&mut bytes, 0).map_err(StorageError::disk("read", ENGINE))?;
    let text = core::str::from_utf8(&bytes[..read]).ok();
    Ok(text.and_then(|text| text.strip_suffix('\n')?.parse().ok()).unwrap_or(0))
}

/// Notes are made by every engine but some of version 1.
const UNNOTED: u16 = 1;
/// A number of 16 bits and the end of its line.
const NOTE_BYTES_MAX: usize = 8;
