//! One process: a node and its admission, stepped part by part, on a disk and a catalog that
//! outlive it.

use std::collections::BTreeMap;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use doorstep::runtime::access::Access;
use doorstep::runtime::admission::{Admission, Recovery, Surroundings, Worker};
use doorstep::runtime::clock::Clock;
use doorstep::runtime::commands::Note;
use doorstep::runtime::node::NodeSettings;
use doorstep::runtime::retainers::{Boundary, Retainers};
use doorstep::runtime::stepped::SteppedNode;
use doorstep::storage::catalog::Catalog;
use doorstep::storage::disk::Disk;
use doorstep::storage::sim_disk::SimDisk;
use tokio::runtime::Runtime;

use crate::support::trap::Trap;

/// What can be scheduled, and stalled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// A shard, by its number.
    Shard(usize),
    /// The committer.
    Committer,
    /// The admission thread.
    Admission,
    /// The writer of tracks.
    Tracks,
    /// The writer of snapshots.
    Snapshots,
    /// Who makes the journal's next segment.
    Segments,
    /// A sender of positions.
    Sender(usize),
    /// A reader of the feed.
    Reader(usize),
    /// The clients of admission.
    Clients,
}

/// The catalog as SQLite leaves it: images of its commits since the last one that is surely on
/// disk. A crash of the machine goes back to any of them.
#[derive(Clone, Debug, Default)]
pub struct Images {
    /// Oldest first, each with its last command; never empty once there was a process.
    commits: Vec<(u64, Vec<u8>)>,
    places: Arc<Places>,
}

/// How far the catalog is, by its commands.
#[derive(Debug, Default)]
struct Places {
    /// The last commit.
    applied: AtomicU64,
    /// What is surely on disk.
    synced: AtomicU64,
    /// How often it was asked to sync.
    asked: AtomicU64,
}

impl Images {
    /// A commit; everything up to it is on disk, or not.
    fn push(&mut self, catalog: &mut Catalog, is_synced: bool) {
        let place = catalog.applied().expect("it can be read");
        self.commits.push((place, catalog.image().expect("it lives in memory")));
        self.places.applied.store(place, Ordering::Relaxed);
        if is_synced {
            self.places.synced.store(place, Ordering::Relaxed);
        }
        self.forget_older();
    }

    /// What nobody can go back to.
    fn forget_older(&mut self) {
        let synced = self.places.synced.load(Ordering::Relaxed);
        let oldest = self.commits.iter().rposition(|(place, _)| *place <= synced).unwrap_or(0);
        self.commits.drain(..oldest);
    }

    /// What is asked before a snapshot counts, and before segments of the journal go: it syncs,
    /// unless readers are in the way.
    fn retainer(&self) -> impl FnMut(Boundary) -> bool + Send + 'static {
        let places = Arc::clone(&self.places);
        move |boundary| {
            let applied = places.applied.load(Ordering::Relaxed);
            let may_sync = places.asked.fetch_add(1, Ordering::Relaxed) % 5 < 4;
            if applied >= boundary.command && may_sync {
                places.synced.store(applied, Ordering::Relaxed);
            }
            places.synced.load(Ordering::Relaxed) >= boundary.command
        }
    }

    /// What a crash of the process leaves.
    pub fn last(&self) -> &[u8] {
        self.commits.last().map_or(&[], |(_, image)| image)
    }

    /// What a crash of the machine leaves; `draw` says which.
    pub fn crash(&mut self, draw: usize) {
        self.forget_older();
        if !self.commits.is_empty() {
            self.commits.truncate(draw % self.commits.len() + 1);
        }
    }

    /// The same catalog, for another disk.
    pub fn copy(&self) -> Self {
        Self { commits: self.commits.clone(), places: Arc::default() }
    }
}

/// The process.
pub struct Life {
    /// The node.
    pub node: SteppedNode,
    /// The way in for requests.
    pub admission: Admission,
    /// Every note of the journal, as recovery found them.
    pub notes: Vec<Note>,
    desk: Desk,
}

/// The admission thread: idle, or in the middle of a request.
enum Desk {
    Idle(Worker),
    Busy(Pin<Box<dyn Future<Output = (Worker, bool)>>>),
    Gone,
}

/// What a process is started with.
pub struct Machine<'a> {
    /// The disk.
    pub disk: &'a SimDisk,
    /// The catalog's images.
    pub images: &'a mut Images,
    /// The clock.
    pub clock: &'a Clock,
    /// What makes travel times panic.
    pub trap: &'a Trap,
    /// Who makes room on a full disk after so many tries; `None`: nobody.
    pub room_after: Option<usize>,
    /// Where timers live; nobody drives them.
    pub runtime: &'a Runtime,
}

impl Life {
    /// Starts on what is there.
    pub fn start(machine: &mut Machine<'_>, settings: &NodeSettings) -> Result<Self, String> {
        let catalog = Catalog::in_memory(machine.images.last()).map_err(|e| e.to_string())?;
        let mut recovery =
            Recovery::on(catalog, Path::new("/nowhere")).map_err(|e| e.to_string())?;
        let disk: Arc<dyn Disk> = Arc::new(machine.disk.clone());
        let mut notes = Vec::new();
        let trap = machine.trap.clone();
        let travel = move || trap.travel();
        let clock = machine.clock.clone();
        let mut on_note = |note: Note| {
            notes.push(note.clone());
            recovery.redo(note);
        };
        let (full, room_after) = (machine.disk.clone(), machine.room_after);
        let on_full = || on_full(full.clone(), room_after);
        let retainers = Retainers::default();
        retainers.add_founded("the catalog", machine.images.retainer());
        let (time, on_note) = (clock.clone(), &mut on_note);
        let node = SteppedNode::start(settings, &disk, time, &travel, retainers, on_note, &on_full)
            .map_err(|error| error.to_string())?;
        let around = Surroundings {
            commands: node.commands(),
            views: node.views(),
            fault: node.fault(),
            clock,
            access: Arc::new(Access::default()),
            runtime: machine.runtime.handle().clone(),
        };
        let (admission, mut worker) =
            Admission::assemble(recovery, around).map_err(|error| error.to_string())?;
        machine.images.push(worker.catalog(), false);
        Ok(Self { node, admission, notes, desk: Desk::Idle(worker) })
    }

    /// One turn of a shard, the committer or admission; `false`: it had nothing to do, or would
    /// block.
    pub fn step(&mut self, part: Part, images: &mut Images, is_synced: bool) -> bool {
        match part {
            Part::Shard(shard) => {
                let may = self.node.shard_has_work(shard) && self.node.shard_has_room(shard);
                if may {
                    self.node.step_shard(shard);
                }
                may
            }
            Part::Committer => {
                let may = self.node.committer_has_work();
                if may {
                    self.node.step_committer();
                }
                may
            }
            Part::Admission => self.step_admission(images, is_synced),
            Part::Tracks => {
                self.node.step_tracks();
                false
            }
            Part::Snapshots => {
                let may = self.node.snapshots_have_work();
                self.node.step_snapshots();
                may
            }
            Part::Segments => {
                let may = self.node.spare_has_work();
                self.node.step_spare();
                may
            }
            Part::Sender(_) | Part::Reader(_) | Part::Clients => false,
        }
    }

    /// Deadlines of a shard that nothing came for.
    pub fn wake(&mut self, shard: usize) {
        if self.node.shard_has_room(shard) {
            self.node.step_shard(shard);
        }
    }

    fn step_admission(&mut self, images: &mut Images, is_synced: bool) -> bool {
        let mut work = match core::mem::replace(&mut self.desk, Desk::Gone) {
            Desk::Idle(mut worker) => Box::pin(async move {
                let has_answered = worker.next().await;
                (worker, has_answered)
            }),
            Desk::Busy(work) => work,
            Desk::Gone => return false,
        };
        match work.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Pending => {
                self.desk = Desk::Busy(work);
                false
            }
            Poll::Ready((mut worker, has_answered)) => {
                if has_answered {
                    images.push(worker.catalog(), is_synced);
                }
                self.desk = Desk::Idle(worker);
                has_answered
            }
        }
    }

    /// The documents, while no request is being answered.
    pub fn catalog(&mut self) -> Option<&mut Catalog> {
        match &mut self.desk {
            Desk::Idle(worker) => Some(worker.catalog()),
            Desk::Busy(_) | Desk::Gone => None,
        }
    }

    /// Whether admission is in the middle of a request.
    pub const fn is_admitting(&self) -> bool {
        matches!(self.desk, Desk::Busy(_))
    }

    /// Whether everything that came was worked off.
    pub fn is_quiet(&self) -> bool {
        let has_work = (0..self.node.shards()).any(|shard| self.node.shard_has_work(shard));
        let is_pictured = !has_work && !self.node.snapshots_have_work();
        is_pictured && !self.node.committer_has_work() && !self.is_admitting()
    }
}

/// What a full disk is waited for: somebody who makes room, or nobody.
fn on_full(disk: SimDisk, room_after: Option<usize>) -> Box<dyn Fn() -> bool + Send + Sync> {
    let tries = AtomicUsize::new(0);
    Box::new(move || {
        let Some(room_after) = room_after else { return false };
        if tries.fetch_add(1, Ordering::Relaxed) >= room_after {
            disk.make_room();
        }
        true
    })
}

/// Who does nothing until which step.
#[derive(Debug, Default)]
pub struct Stalls {
    until: BTreeMap<Part, u64>,
}

impl Stalls {
    /// It does nothing until then.
    pub fn stall(&mut self, part: Part, until: u64) {
        self.until.insert(part, until);
    }

    /// Everybody works again.
    pub fn end(&mut self) {
        self.until.clear();
    }

    /// Whether it does nothing at this step.
    pub fn is_stalled(&self, part: Part, step: u64) -> bool {
        self.until.get(&part).is_some_and(|&until| step < until)
    }
}
