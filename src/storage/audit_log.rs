//! The audit log: one JSON line per write, in a file that only grows until it is set aside. Lines
//! go to the system at once and are not synced: the journal, not this file, is what a crash keeps.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The log of a data directory.
#[derive(Debug)]
pub struct AuditLog {
    directory: PathBuf,
    bytes_max: u64,
    open: Mutex<Open>,
}

#[derive(Debug)]
struct Open {
    file: File,
    bytes: u64,
}

impl AuditLog {
    /// Opens the log, readable by its owner alone. A file of `bytes_max` bytes is set aside, and
    /// `FILES_KEPT` such files are kept.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn open(directory: &Path, bytes_max: u64) -> io::Result<Self> {
        let open = Mutex::new(opened(directory)?);
        Ok(Self { directory: directory.to_owned(), bytes_max, open })
    }

    /// Adds a line, which holds no line break.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn append(&self, line: &str) -> io::Result<()> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.bytes >= self.bytes_max {
            self.set_aside()?;
            *open = opened(&self.directory)?;
        }
        open.file.write_all(format!("{line}\n").as_bytes())?;
        open.bytes += line.len() as u64 + 1;
        Ok(())
    }

    /// Moves every file one number up; the oldest goes.
    fn set_aside(&self) -> io::Result<()> {
        for number in (0..FILES_KEPT).rev() {
            let (from, to) = (path(&self.directory, number), path(&self.directory, number + 1));
            match fs::rename(from, to) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}

fn opened(directory: &Path) -> io::Result<Open> {
    let mut options = OpenOptions::new();
    let file = options.create(true).append(true).mode(0o600).open(path(directory, 0))?;
    let bytes = file.metadata()?.len();
    Ok(Open { file, bytes })
}

fn path(directory: &Path, number: u32) -> PathBuf {
    match number {
        0 => directory.join(AUDIT_FILE),
        number => directory.join(format!("{AUDIT_FILE}.{number}")),
    }
}

/// The file that is written.
pub const AUDIT_FILE: &str = "audit.jsonl";
/// Files set aside, the youngest with number 1.
const FILES_KEPT: u32 = 8;

#[cfg(test)]
mod tests {
    use super::{AUDIT_FILE, AuditLog};

    #[test]
    fn full_files_are_set_aside_and_the_oldest_goes() {
        let directory = std::env::temp_dir().join(format!("doorstep-audit-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let read = |name: &str| std::fs::read_to_string(directory.join(name)).ok();
        let log = AuditLog::open(&directory, 4).unwrap();
        for line in ["one", "two", "three"] {
            log.append(line).unwrap();
        }
        assert_eq!(read(AUDIT_FILE).as_deref(), Some("three\n"));
        assert_eq!(read("audit.jsonl.1").as_deref(), Some("two\n"));
        assert_eq!(read("audit.jsonl.2").as_deref(), Some("one\n"));
        let log = AuditLog::open(&directory, 100).unwrap();
        log.append("four").unwrap();
        assert_eq!(read(AUDIT_FILE).as_deref(), Some("three\nfour\n"));
        std::fs::remove_dir_all(&directory).unwrap();
    }
}
