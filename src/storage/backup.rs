//! Copies a data directory while a daemon works in it, so that the copy starts as the daemon would
//! after a crash at that moment. Knows the order in which that holds; changes nothing at the source.
//!
//! Snapshots come first: what they were made from is in everything that is copied later. Databases
//! come next, each as one transaction saw it, then feed, tracks and whatever else there is, and the
//! journal last, up to a frame that was whole: it goes on from the snapshots, and holds every command
//! that the databases hold. What the copy's feed has beyond the journal, or lacks, recovery mends.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::disk::RealDisk;
use super::error::BackupError;
use super::replay::{JournalEnd, replay};
use super::segment::{is_snapshot_file, journal_name, journal_number};

/// What was copied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BackupReport {
    /// Files.
    pub files: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// Sequence of the last frame of the copied journal; 0: none.
    pub last_frame: u64,
}

/// Copies a data directory into another one, which must not be there or be empty.
///
/// # Errors
/// A file cannot be read or written, or the daemon drops files faster than they are copied.
pub fn backup(from: &Path, to: &Path) -> Result<BackupReport, BackupError> {
    let is_free = match fs::read_dir(to) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) if error.kind() == ErrorKind::NotFound => true,
        Err(error) => return Err(BackupError::file("read", to, error)),
    };
    if !is_free {
        return Err(BackupError::NotEmpty { path: to.to_owned() });
    }
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(to);
    made.map_err(|error| BackupError::file("make", to, error))?;
    for _ in 0..TRIES_MAX {
        match copy(from, to) {
            Err(error) if error.is_passing() => clear(to)?,
            done => return done,
        }
    }
    Err(BackupError::Restless { path: from.to_owned() })
}

fn copy(from: &Path, to: &Path) -> Result<BackupReport, BackupError> {
    let mut report = BackupReport::default();
    let names = names(from)?;
    let of = |is_wanted: fn(&str) -> bool| names.iter().filter(move |name| is_wanted(name));
    for name in of(is_snapshot_file) {
        report.add(copy_file(&from.join(name), &to.join(name), u64::MAX)?);
    }
    for name in of(is_database) {
        report.add(copy_database(&from.join(name), &to.join(name))?);
    }
    for name in of(is_plain) {
        report.add(copy_file(&from.join(name), &to.join(name), u64::MAX)?);
    }
    let end = end(from)?;
    for name in self::names(from)? {
        let Some(number) = journal_number(&name).filter(|number| *number <= end.segment) else {
            continue;
        };
        let bytes_max = if number == end.segment { end.offset } else { u64::MAX };
        report.add(copy_file(&from.join(&name), &to.join(&name), bytes_max)?);
    }
    report.last_frame = end.next - 1;
    let opened = File::open(to).and_then(|directory| directory.sync_all());
    opened.map_err(|error| BackupError::file("sync", to, error))?;
    // What was dropped meanwhile is missed here.
    let copied = self::end(to)?;
    if copied.next < end.next {
        return Err(BackupError::Torn { name: journal_name(copied.segment) });
    }
    Ok(report)
}

fn end(directory: &Path) -> Result<JournalEnd, BackupError> {
    let disk = RealDisk::existing(directory);
    let disk = disk.map_err(|error| BackupError::file("read", directory, error))?;
    replay(&disk, &mut |_, _, _| Ok::<_, BackupError>(()))
}

fn names(directory: &Path) -> Result<Vec<String>, BackupError> {
    let read = |error| BackupError::file("read", directory, error);
    let mut names = Vec::new();
    for entry in fs::read_dir(directory).map_err(read)? {
        let entry = entry.map_err(read)?;
        if entry.file_type().map_err(read)?.is_file() {
            names.extend(entry.file_name().into_string());
        }
    }
    names.sort();
    Ok(names)
}

fn is_database(name: &str) -> bool {
    Path::new(name).extension() == Some(OsStr::new(DATABASE))
}

/// What is copied as it is: not the journal, not a database or what belongs to one, not what is
/// unfinished, not the lock.
fn is_plain(name: &str) -> bool {
    let of_database = name.contains(&format!(".{DATABASE}"));
    let is_unfinished = name.ends_with(".part");
    !(of_database
        || is_unfinished
        || is_snapshot_file(name)
        || journal_number(name).is_some()
        || name == "lock")
}

/// A database as one transaction saw it, whoever writes it meanwhile.
fn copy_database(from: &Path, to: &Path) -> Result<u64, BackupError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let source = Connection::open_with_flags(from, flags)?;
    source.busy_timeout(std::time::Duration::from_secs(BUSY_S_MAX))?;
    source.execute("VACUUM INTO ?1", [to.to_string_lossy()])?;
    let written = |error| BackupError::file("write", to, error);
    let mode = fs::metadata(from).map_err(written)?.mode();
    fs::set_permissions(to, std::os::unix::fs::PermissionsExt::from_mode(mode)).map_err(written)?;
    let file = File::open(to).map_err(written)?;
    file.sync_all().map_err(written)?;
    Ok(file.metadata().map_err(written)?.len())
}

/// Copies at most so many bytes of a file, with its mode.
fn copy_file(from: &Path, to: &Path, bytes_max: u64) -> Result<u64, BackupError> {
    let mut source = File::open(from).map_err(|error| BackupError::file("read", from, error))?;
    let copied = (|| -> io::Result<u64> {
        let mode = source.metadata()?.mode();
        let mut options = OpenOptions::new();
        let mut file = options.write(true).create_new(true).mode(mode).open(to)?;
        let copied = io::copy(&mut (&mut source).take(bytes_max), &mut file)?;
        file.flush()?;
        file.sync_all()?;
        Ok(copied)
    })();
    copied.map_err(|error| BackupError::file("write", to, error))
}

/// Makes room for another try.
fn clear(directory: &Path) -> Result<(), BackupError> {
    for name in names(directory)? {
        let path = directory.join(name);
        fs::remove_file(&path).map_err(|error| BackupError::file("remove", &path, error))?;
    }
    Ok(())
}

impl BackupReport {
    const fn add(&mut self, bytes: u64) {
        self.files += 1;
        self.bytes += bytes;
    }
}

const DATABASE: &str = "sqlite";
/// A daemon drops files rarely; who misses one begins anew.
const TRIES_MAX: usize = 5;
/// Seconds for which a writer of a database is waited for.
const BUSY_S_MAX: u64 = 30;
