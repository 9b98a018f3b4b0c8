//! A disk in memory that forgets: after a crash any subset of the sectors that were not synced is
//! as it was, as it was to be, or torn in the middle; files whose entries were not synced may be
//! gone, and files that were removed since may be back. The same seed forgets the same.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::disk::{Disk, DiskFile};

/// The disk. Clones are the same disk.
#[derive(Clone, Debug, Default)]
pub struct SimDisk {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    files: BTreeMap<String, Content>,
    /// What was removed since the entries were synced last: a crash may bring it back.
    removed: BTreeMap<String, Content>,
    /// What every file that was ever removed held last.
    gone: BTreeMap<String, Arc<Vec<u8>>>,
    is_locked: bool,
    /// Calls that change something.
    steps: u64,
    syncs: u64,
    dies_after: Option<u64>,
    sync_that_fails: Option<u64>,
    /// Bytes of all files together, at most.
    room: Option<usize>,
}

#[derive(Clone, Debug, Default)]
struct Content {
    /// What reads see.
    bytes: Vec<u8>,
    /// What was there at the last sync.
    synced: Vec<u8>,
    /// Sectors that differ since.
    dirty: BTreeSet<usize>,
    has_synced_entry: bool,
    /// Its name when the entries were synced last, if that was another.
    renamed_from: Option<String>,
}

impl SimDisk {
    /// An empty disk.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets the machine die after so many more calls that change something: every call after that
    /// fails.
    pub fn die_after(&self, steps: u64) {
        let mut state = self.lock_state();
        state.dies_after = Some(state.steps + steps);
    }

    /// Lets one sync fail, so many from now (0: the next).
    pub fn fail_sync(&self, from_now: u64) {
        let mut state = self.lock_state();
        state.sync_that_fails = Some(state.syncs + from_now);
    }

    /// Lets the disk be full once its files have so many bytes together.
    pub fn fill_at(&self, bytes: usize) {
        self.lock_state().room = Some(bytes);
    }

    /// The disk has room again for anything.
    pub fn make_room(&self) {
        self.lock_state().room = None;
    }

    /// Whether the machine has died.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.lock_state().is_dead()
    }

    /// Bytes of all files together.
    #[must_use]
    pub fn used(&self) -> usize {
        self.lock_state().used()
    }

    /// How many calls changed something.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.lock_state().steps
    }

    /// How often a file was synced.
    #[must_use]
    pub fn syncs(&self) -> u64 {
        self.lock_state().syncs
    }

    /// The disk as the machine finds it after a crash at this moment. `kept_pct` of the unsynced
    /// sectors, about, made it.
    #[must_use]
    pub fn after_crash(&self, seed: u64, kept_pct: u64) -> Self {
        let mut dice = Dice { state: seed, kept_pct };
        let state = self.lock_state();
        let mut files = BTreeMap::new();
        for (name, content) in &state.files {
            let is_there = content.has_synced_entry || dice.keeps();
            let name = if is_there { Some(name) } else { content.renamed_from.as_ref() };
            if let Some(name) = name {
                files.insert(name.clone(), content.after_crash(&mut dice));
            }
        }
        for (name, content) in &state.removed {
            if !files.contains_key(name) && !dice.keeps() {
                files.insert(name.clone(), content.after_crash(&mut dice));
            }
        }
        Self::of(State { files, gone: state.gone.clone(), ..State::default() })
    }

    /// The disk as the next process finds it if this one is killed now: the system keeps what was
    /// written, synced or not.
    #[must_use]
    pub fn after_kill(&self) -> Self {
        let state = self.lock_state();
        Self::of(State {
            files: state.files.clone(),
            removed: state.removed.clone(),
            gone: state.gone.clone(),
            ..State::default()
        })
    }

    fn of(state: State) -> Self {
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// Changes one byte of a file for good.
    ///
    /// # Panics
    /// If there is no such byte.
    pub fn flip(&self, name: &str, offset: usize) {
        let mut state = self.lock_state();
        let content = state.files.get_mut(name).expect("the file is there");
        content.bytes[offset] ^= 0x55;
        content.synced = content.bytes.clone();
    }

    /// Zeroes a file from an offset on.
    ///
    /// # Panics
    /// If there is no such file.
    pub fn blank(&self, name: &str, from: usize) {
        let mut state = self.lock_state();
        let content = state.files.get_mut(name).expect("the file is there");
        content.bytes[from..].fill(0);
        content.synced = content.bytes.clone();
    }

    /// The bytes of a file; none, if it is not there.
    #[must_use]
    pub fn bytes(&self, name: &str) -> Vec<u8> {
        self.lock_state().files.get(name).map(|content| content.bytes.clone()).unwrap_or_default()
    }

    /// What a file held when it was removed last; `None`: no file of that name was removed.
    #[must_use]
    pub fn gone(&self, name: &str) -> Option<Vec<u8>> {
        self.lock_state().gone.get(name).map(|bytes| bytes.to_vec())
    }

    fn lock_state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a call that changes something.
    fn step(&self) -> io::Result<MutexGuard<'_, State>> {
        let mut state = self.lock_state();
        state.steps += 1;
        if state.is_dead() { Err(dead()) } else { Ok(state) }
    }
}

impl State {
    fn is_dead(&self) -> bool {
        self.dies_after.is_some_and(|dies_after| self.steps > dies_after)
    }

    /// Bytes by which the files may still grow.
    fn growth_max(&self) -> usize {
        self.room.map_or(usize::MAX, |room| room.saturating_sub(self.used()))
    }

    fn used(&self) -> usize {
        self.files.values().map(|content| content.bytes.len()).sum()
    }
}

impl Disk for SimDisk {
    fn lock(&self) -> io::Result<bool> {
        let mut state = self.lock_state();
        Ok(!core::mem::replace(&mut state.is_locked, true))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let is_there = self.lock_state().files.contains_key(name);
        if !is_there {
            let mut state = self.step()?;
            state.removed.remove(name);
            state.files.insert(name.to_owned(), Content::default());
        }
        Ok(Arc::new(SimFile { disk: self.clone(), name: name.to_owned() }))
    }

    fn open_to_read(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let is_there = self.lock_state().files.contains_key(name);
        if is_there { self.open(name) } else { Err(io::ErrorKind::NotFound.into()) }
    }

    fn names(&self) -> io::Result<Vec<String>> {
        Ok(self.lock_state().files.keys().cloned().collect())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.step()?;
        if let Some(content) = state.files.remove(name) {
            state.gone.insert(name.to_owned(), Arc::new(content.bytes.clone()));
            if content.has_synced_entry {
                state.removed.insert(name.to_owned(), content);
            }
        }
        Ok(())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.step()?;
        let mut content = state.files.remove(from).ok_or_else(dead)?;
        if content.has_synced_entry {
            content.renamed_from = Some(from.to_owned());
        }
        content.has_synced_entry = false;
        state.removed.remove(to);
        state.files.insert(to.to_owned(), content);
        Ok(())
    }

    fn sync_entries(&self) -> io::Result<()> {
        let mut state = self.step()?;
        state.removed.clear();
        for content in state.files.values_mut() {
            content.has_synced_entry = true;
            content.renamed_from = None;
        }
        Ok(())
    }
}

struct SimFile {
    disk: SimDisk,
    name: String,
}

impl SimFile {
    fn change(&self, change: impl FnOnce(&mut Content)) -> io::Result<()> {
        let mut state = self.disk.step()?;
        change(state.files.get_mut(&self.name).ok_or_else(dead)?);
        Ok(())
    }
}

impl DiskFile for SimFile {
    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        let state = self.disk.lock_state();
        let there = state.files.get(&self.name).map(|content| &content.bytes[..]);
        // A file that is open is read also after it was removed.
        let bytes = there.or_else(|| state.gone.get(&self.name).map(|bytes| &bytes[..]));
        let from = bytes.unwrap_or_default().get(offset as usize..).unwrap_or_default();
        let count = from.len().min(into.len());
        into[..count].copy_from_slice(&from[..count]);
        Ok(count)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let offset = offset as usize;
        let mut state = self.disk.step()?;
        let growth_max = state.growth_max();
        let content = state.files.get_mut(&self.name).ok_or_else(dead)?;
        // A full disk takes what there is room for.
        let taken = (content.bytes.len().saturating_add(growth_max)).saturating_sub(offset);
        let taken = taken.min(bytes.len());
        content.write(&bytes[..taken], offset);
        if taken < bytes.len() { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.disk.step()?;
        let number = state.syncs;
        state.syncs += 1;
        if state.sync_that_fails == Some(number) {
            return Err(io::Error::other("the simulated disk failed to sync"));
        }
        state.files.get_mut(&self.name).ok_or_else(dead)?.sync();
        Ok(())
    }

    fn size(&self) -> io::Result<u64> {
        let state = self.disk.lock_state();
        Ok(state.files.get(&self.name).map_or(0, |content| content.bytes.len() as u64))
    }

    fn cut(&self, size: u64) -> io::Result<()> {
        self.change(|content| content.cut(size as usize))
    }
}

impl Content {
    fn write(&mut self, bytes: &[u8], offset: usize) {
        let end = offset + bytes.len();
        if self.bytes.len() < end {
            self.bytes.resize(end, 0);
        }
        self.bytes[offset..end].copy_from_slice(bytes);
        self.dirty.extend(offset / SECTOR..end.div_ceil(SECTOR));
    }

    fn cut(&mut self, size: usize) {
        self.dirty.extend(size / SECTOR..self.bytes.len().div_ceil(SECTOR));
        self.bytes.resize(size, 0);
    }

    /// Only what changed is copied: segments are large and syncs many.
    fn sync(&mut self) {
        self.synced.resize(self.bytes.len(), 0);
        for sector in core::mem::take(&mut self.dirty) {
            let from = (sector * SECTOR).min(self.bytes.len());
            let to = (from + SECTOR).min(self.bytes.len());
            self.synced[from..to].copy_from_slice(&self.bytes[from..to]);
        }
    }

    fn after_crash(&self, dice: &mut Dice) -> Self {
        let mut bytes = self.synced.clone();
        for &sector in &self.dirty {
            let from = sector * SECTOR;
            let to = (from + SECTOR).min(self.bytes.len());
            if from >= to || !dice.keeps() {
                continue;
            }
            // Now and then a sector is torn.
            let to = if dice.roll(8) == 0 {
                from + dice.roll(to as u64 - from as u64) as usize
            } else {
                to
            };
            if bytes.len() < to {
                bytes.resize(to, 0);
            }
            bytes[from..to].copy_from_slice(&self.bytes[from..to]);
        }
        Self { synced: bytes.clone(), bytes, has_synced_entry: true, ..Self::default() }
    }
}

/// SplitMix64.
struct Dice {
    state: u64,
    kept_pct: u64,
}

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }

    fn keeps(&mut self) -> bool {
        self.roll(100) < self.kept_pct
    }
}

fn dead() -> io::Error {
    io::Error::other("the simulated machine is dead")
}

/// What a disk writes as one, or tears.
const SECTOR: usize = 512;
