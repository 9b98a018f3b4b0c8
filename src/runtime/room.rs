//! Room on the disk: while there is none, whoever writes waits, and nothing new is let in. Once
//! there is some, everything goes on by itself, and nothing was lost.

use std::fmt;
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::Duration;

use super::fault::Fault;
use crate::storage::disk::{Disk, DiskFile};

/// Whether there is room.
pub struct Room {
    is_full: AtomicBool,
    /// Recovery is over: a start on a full disk says so and ends.
    is_patient: AtomicBool,
    /// Waits for a while; `false`: there is no use in waiting any longer.
    wait: Box<Wait>,
}

/// How to wait.
pub type Wait = dyn Fn() -> bool + Send + Sync;

impl Room {
    /// Room that is waited for in this way, once [`Self::be_patient`] was called.
    #[must_use]
    pub fn new(wait: Box<Wait>) -> Self {
        Self { is_full: AtomicBool::new(false), is_patient: AtomicBool::new(false), wait }
    }

    /// Waiting in real time, until the node ends.
    #[must_use]
    pub fn until_the_end(fault: Fault) -> Box<Wait> {
        Box::new(move || {
            if !fault.has_ended() {
                sleep(PAUSE);
            }
            !fault.has_ended()
        })
    }

    /// From now on a full disk is waited for.
    pub fn be_patient(&self) {
        self.is_patient.store(true, Ordering::Release);
    }

    /// Whether the last write found no room: nothing new must come in.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.is_full.load(Ordering::Acquire)
    }

    /// A write found no room: waits a while; `false`: it must not be tried again.
    pub fn has_come(&self) -> bool {
        if !self.is_patient.load(Ordering::Acquire) {
            return false;
        }
        self.is_full.store(true, Ordering::Release);
        (self.wait)()
    }

    /// A write found room.
    pub fn found(&self) {
        if self.is_full() {
            self.is_full.store(false, Ordering::Release);
        }
    }

    /// Does something again and again while there is no room for it.
    fn patiently<T>(&self, mut act: impl FnMut() -> io::Result<T>) -> io::Result<T> {
        loop {
            match act() {
                Err(error) if is_full(&error) && self.has_come() => {}
                Err(error) => return Err(error),
                Ok(done) => {
                    self.found();
                    return Ok(done);
                }
            }
        }
    }
}

impl fmt::Debug for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Room").field("is_full", &self.is_full()).finish_non_exhaustive()
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
}

/// A disk on which a write that finds no room is made again until there is some. A sync that fails
/// is not: what it left undone nobody knows.
pub struct PatientDisk {
    disk: Arc<dyn Disk>,
    room: Arc<Room>,
}

impl PatientDisk {
    /// Room on a disk that is waited for in this way, and the disk.
    #[must_use]
    pub fn on(disk: &Arc<dyn Disk>, wait: Box<Wait>) -> (Arc<Room>, Arc<dyn Disk>) {
        let room = Arc::new(Room::new(wait));
        let patient = Self { disk: Arc::clone(disk), room: Arc::clone(&room) };
        (room, Arc::new(patient))
    }
}

impl Disk for PatientDisk {
    fn lock(&self) -> io::Result<bool> {
        self.disk.lock()
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let file = self.room.patiently(|| self.disk.open(name))?;
        Ok(Arc::new(PatientFile { file, room: Arc::clone(&self.room) }))
    }

    fn open_to_read(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.disk.open_to_read(name)
    }

    fn names(&self) -> io::Result<Vec<String>> {
        self.disk.names()
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.disk.remove(name)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.room.patiently(|| self.disk.rename(from, to))
    }

    fn sync_entries(&self) -> io::Result<()> {
        self.disk.sync_entries()
    }
}

struct PatientFile {
    file: Arc<dyn DiskFile>,
    room: Arc<Room>,
}

impl DiskFile for PatientFile {
    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file.read_at(into, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.room.patiently(|| self.file.write_at(bytes, offset))
    }

    fn sync(&self) -> io::Result<()> {
        self.file.sync()
    }

    fn size(&self) -> io::Result<u64> {
        self.file.size()
    }

    fn cut(&self, size: u64) -> io::Result<()> {
        self.file.cut(size)
    }
}

/// How long before a write is made again.
const PAUSE: Duration = Duration::from_millis(250);
