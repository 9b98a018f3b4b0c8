//! One run: a world, a machine that fails in every way its ratios say, and processes on it one
//! after the other, until the last works everything off and is judged against a fresh fold.

use std::collections::BTreeMap;

use doorstep::domain::ids::CourierId;
use doorstep::domain::time::{DAY_MS, Time};
use doorstep::runtime::clock::Clock;
use doorstep::runtime::feed_reader::FeedEvent;
use doorstep::runtime::node::NodeSettings;
use doorstep::runtime::tracks::{Keeping, TrackLimits};
use doorstep::storage::segment::PANICS;
use doorstep::storage::sim_disk::SimDisk;
use tokio::runtime::Runtime;

use super::chance::Chance;
use super::checks;
use super::documents::{COURIERS_MAX, Clients, stop};
use super::faults::{End, Ratios};
use super::held::held;
use super::life::{Images, Life, Machine, Part, Stalls};
use super::senders::{Device, Numbered};
use crate::support::trap::Trap;
use crate::support::world::ZERO;

/// What a run did, so that a test can tell that it tests something.
#[derive(Clone, Copy, Debug, Default)]
pub struct Did {
    /// Processes that recovered.
    pub lives: u64,
    /// Processes that failed at their start.
    pub failed_starts: u64,
    /// Processes that failed while they worked.
    pub failures: u64,
    /// Panics.
    pub panics: u64,
    /// Couriers that were quarantined, and released.
    pub quarantined: u64,
    /// Processes that began with a snapshot.
    pub from_snapshots: u64,
    /// Snapshots taken.
    pub snapshots: u64,
    /// Snapshots that were given up.
    pub failed_snapshots: u64,
    /// Files with a turned bit: refused or cut, and mended.
    pub flips: u64,
    /// Positions acknowledged.
    pub acked: u64,
    /// Requests accepted.
    pub accepted: u64,
    /// Events of the feed.
    pub events: u64,
    /// Segments of the feed that were let go.
    pub let_go: u64,
    /// Readers who were told of events that are gone.
    pub gaps: u64,
}

/// The world and the machine.
pub struct Run {
    pub chance: Chance,
    pub ratios: Ratios,
    pub did: Did,
    pub(super) clock: Clock,
    pub(super) disk: SimDisk,
    pub(super) images: Images,
    pub(super) trap: Trap,
    pub(super) runtime: Runtime,
    pub(super) devices: Vec<Device>,
    pub(super) clients: Clients,
    pub(super) readers: Vec<u64>,
    /// All events from the first on, as anybody has read them.
    pub(super) published: Vec<FeedEvent>,
    /// When the feed's oldest segments go: drawn apart, so that the rest of a seed stays as it is.
    pub(super) letting_go: Chance,
    pub(super) stalls: Stalls,
    pub(super) settings: NodeSettings,
    pub(super) step: u64,
    pub(super) ticks: u64,
    /// A courier whose evaluation fails in every process.
    pub(super) poisoned: Option<CourierId>,
    pub(super) has_panicked_in_replay: bool,
    pub(super) room_after: Option<usize>,
    /// Of the tracks, what came before that may be gone.
    pub(super) kept_from: Option<Time>,
}

impl Run {
    /// Everything of the run follows from its seed.
    pub fn new(seed: u64, ratios: Option<Ratios>) -> Self {
        let mut chance = Chance::new(seed);
        let drawn = Ratios::draw(&mut chance);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        Self {
            ratios: ratios.unwrap_or(drawn),
            letting_go: Chance::new(!seed),
            chance,
            did: Did::default(),
            clock: Clock::simulated(ZERO),
            disk: SimDisk::new(),
            images: Images::default(),
            trap: Trap::default(),
            runtime: runtime.expect("a runtime"),
            devices: vec![Device::new(1)],
            clients: Clients::default(),
            readers: vec![0; READERS],
            published: Vec::new(),
            stalls: Stalls::default(),
            settings: NodeSettings::default(),
            step: 0,
            ticks: 0,
            poisoned: None,
            has_panicked_in_replay: false,
            room_after: None,
            kept_from: None,
        }
    }

    /// The whole of it.
    pub fn play(mut self) -> Did {
        for _ in 0..LIVES {
            if let Some(life) = self.begin(true) {
                self.live(life);
            } else {
                self.crash(End::PowerCut);
            }
        }
        self.finish();
        self.did
    }

    /// A process works for so many steps and is gone; the next works everything off.
    pub fn die_at(&mut self, steps: usize) {
        let mut life = self.begin(false).expect("it starts");
        self.set_up(&mut life);
        for _ in 0..steps {
            self.one_step(&mut life);
        }
        drop(life);
        let end = self.ratios.ends[0];
        self.crash(end);
        self.finish();
    }

    /// Each part in turn stands still while the others work.
    pub fn stall_each(&mut self) {
        let mut life = self.begin(false).expect("it starts");
        self.set_up(&mut life);
        for stalled in self.parts(&life) {
            self.stalls.stall(stalled, u64::MAX);
            for _ in 0..STALL_STEPS {
                self.one_step(&mut life);
            }
            self.judge_stall(&mut life, stalled);
            assert!(self.drain(&mut life), "{:?}", life.node.fault().cause());
        }
        self.judge_end(life);
    }

    /// What must go on while a part stands still: everything before the others' blocking edges.
    fn judge_stall(&mut self, life: &mut Life, stalled: Part) {
        let parts: Vec<_> = self.parts(life).into_iter().filter(|&part| part != stalled).collect();
        let mut idle_rounds = 0;
        while idle_rounds < 4 {
            let mut is_progress = false;
            for &part in &parts {
                is_progress |= self.work(life, part);
            }
            idle_rounds = if is_progress { 0 } else { idle_rounds + 1 };
        }
        let done = |at: usize| self.devices[at].is_done() || stalled == Part::Sender(at);
        let feed_is_read =
            |at: usize| self.readers[at] == life.node.feed().head() || stalled == Part::Reader(at);
        assert!((0..self.readers.len()).all(feed_is_read), "readers wait for {stalled:?}");
        match stalled {
            // Forward: nothing passes a shard or the committer that stands.
            Part::Shard(_) | Part::Committer => {}
            Part::Admission
            | Part::Tracks
            | Part::Snapshots
            | Part::Segments
            | Part::Clients
            | Part::Reader(_)
            | Part::Sender(_) => {
                let all_are = (0..self.devices.len()).all(done);
                assert!(all_are, "senders wait for {stalled:?}: {}", self.left());
            }
        }
    }

    /// A process starts, and is judged; `None`: it failed, as it may.
    pub fn begin(&mut self, may_fail: bool) -> Option<Life> {
        if may_fail && self.chance.permille(self.ratios.bit_flip) {
            self.flip();
        }
        let chance = &mut self.chance;
        if may_fail && chance.permille(self.ratios.dies_in_step) {
            // Early, in recovery and set-up, as often as in the middle of the work.
            let steps = *chance.pick(&[5, 30, 120]);
            self.disk.die_after(chance.below(steps) as u64);
        }
        if may_fail && chance.permille(self.ratios.failed_sync) {
            self.disk.fail_sync(chance.below(30) as u64);
        }
        if may_fail && chance.permille(self.ratios.full_disk) {
            let room = *chance.pick(&[100, 5_000, 100_000]);
            self.disk.fill_at(self.disk.used() + chance.below(room));
            self.room_after = *chance.pick(&[None, Some(0), Some(3)]);
        }
        self.settings = NodeSettings {
            shards: 1 + chance.below(3),
            segment_bytes: 64 << 10,
            feed_segment_bytes: 1 << 10,
            tracks: TrackLimits {
                open_bytes_max: *chance.pick(&[200, 128 << 20]),
                open_ms_max: *chance.pick(&[10_000, 300_000]),
            },
            mailbox_max: *chance.pick(&[8, 64, 4_096]),
            snapshot_journal_bytes: *chance.pick(&[0, 3_000, 20_000, 256 << 20]),
            answer_ms_max: u64::from(u32::MAX),
            ..NodeSettings::default()
        };
        if may_fail
            && !self.has_panicked_in_replay
            && self.chance.permille(self.ratios.panic_in_replay)
        {
            self.set_trap();
        }
        let started = self.start();
        self.trap.lift();
        match started {
            Ok(mut life) => {
                // Whatever panicked once did not now, and may again.
                self.has_panicked_in_replay = false;
                self.did.lives += 1;
                self.did.from_snapshots += u64::from(life.node.recovered().snapshot.is_some());
                self.judge(&mut life);
                if let Some(courier) = self.poisoned {
                    self.trap.set(stop(courier, 1));
                }
                Some(life)
            }
            Err(error) if error.contains("panicked in replay") => {
                assert!(may_fail, "{error}");
                self.has_panicked_in_replay = true;
                self.did.panics += 1;
                None
            }
            Err(error) => {
                assert!(may_fail, "it does not start: {error}");
                // The note of a panic may be there although its sync failed.
                self.has_panicked_in_replay |= error.contains(PANICS);
                self.did.failed_starts += 1;
                None
            }
        }
    }

    pub(super) fn start(&mut self) -> Result<Life, String> {
        let (disk, settings) = (self.disk.clone(), self.settings.clone());
        self.start_on(&disk, &settings, None)
    }

    /// Starts a process on a disk; with the run's catalog, unless another is given.
    pub(super) fn start_on(
        &mut self,
        disk: &SimDisk,
        settings: &NodeSettings,
        images: Option<&mut Images>,
    ) -> Result<Life, String> {
        let (clock, trap, runtime) = (&self.clock, &self.trap, &self.runtime);
        let images = images.unwrap_or(&mut self.images);
        let room_after = self.room_after;
        let mut machine = Machine { disk, images, clock, trap, room_after, runtime };
        Life::start(&mut machine, settings)
    }

    /// What holds of every process that has recovered.
    fn judge(&mut self, life: &mut Life) {
        let catalog = life.catalog().expect("nothing was asked yet");
        self.clients.recovered(catalog);
        let held = held(&self.disk).expect("the journal is whole");
        checks::judge_acknowledged(&held, self.acked().into_iter());
        checks::judge_tracks(
            &self.disk,
            &held,
            (&self.clients.now.couriers, self.kept_from),
            false,
        );
        self.judge_feed(&life.node.feed());
    }

    /// What was acknowledged and is to be there; positions of an erased courier are refused.
    pub(super) fn acked(&self) -> Vec<Numbered> {
        let acked = self.devices.iter().flat_map(Device::acked);
        let is_there = |courier| self.clients.now.has(courier);
        acked.filter(|(_, courier)| is_there(*courier)).map(|(numbered, _)| numbered).collect()
    }

    /// Works until the process fails or its time is over.
    fn live(&mut self, mut life: Life) {
        if self.clients.accepted == 0 && self.chance.below(4) > 0 {
            self.set_up(&mut life);
        }
        let steps = 20 + self.chance.below(STEPS_MAX);
        if self.poisoned.is_none() && self.chance.permille(self.ratios.poison) {
            self.poisoned = self.set_trap();
        }
        let trap_at = self.chance.permille(self.ratios.panic).then(|| self.chance.below(steps));
        for step in 0..steps {
            if trap_at == Some(step) && self.poisoned.is_none() {
                self.set_trap();
            }
            self.one_step(&mut life);
            if life.node.fault().has_failed() {
                self.did.failures += 1;
                self.judge_failure(&life);
                // That thread may be in the middle of its work when another fails.
                for _ in 0..self.chance.below(4) {
                    self.work(&mut life, Part::Snapshots);
                }
                break;
            }
        }
        let end = *self.chance.pick(&self.ratios.ends.clone());
        if end == End::Stop && !life.node.fault().has_failed() {
            life.node.end();
            self.stalls.end();
            self.until_ended(&mut life);
        }
        self.count(&life);
        drop(life);
        self.crash(end);
    }

    /// Some courier's way to its stops cannot be computed any more.
    fn set_trap(&mut self) -> Option<CourierId> {
        let couriers = self.clients.now.couriers.clone();
        let courier = CourierId(*couriers.get(self.chance.below(couriers.len().max(1)))? as u32);
        self.trap.set(stop(courier, 1));
        Some(courier)
    }

    /// A process fails of nothing but what the machine or a trap did.
    fn judge_failure(&mut self, life: &Life) {
        let fault = life.node.fault();
        let cause = fault.cause().expect("it failed");
        if cause.contains("panicked") {
            self.did.panics += 1;
        } else {
            let causes = ["dead", "failed to sync", "make room"];
            assert!(causes.iter().any(|known| cause.contains(known)), "{cause}");
        }
    }

    /// Counts what a process did that goes.
    pub(super) fn count(&mut self, life: &Life) {
        let counts = life.node.counts();
        self.did.snapshots += counts.snapshots;
        self.did.failed_snapshots += counts.snapshots_failed;
    }

    /// The process is gone, and perhaps the machine was.
    pub(super) fn crash(&mut self, end: End) {
        let draw = self.chance.any();
        let is_power_cut = end == End::PowerCut || self.disk.is_dead();
        self.disk = if is_power_cut {
            self.images.crash(draw as usize % 64);
            self.disk.after_crash(draw, self.ratios.kept_pct)
        } else {
            self.disk.after_kill()
        };
        self.devices.iter_mut().for_each(Device::hang_up);
        self.stalls.end();
        self.trap.lift();
    }

    /// Something happens.
    fn one_step(&mut self, life: &mut Life) {
        self.step += 1;
        self.go_wrong(life);
        match self.chance.below(100) {
            0..12 => self.tick(),
            12..18 => self.clients.ask(&life.admission, &mut self.chance),
            18..22 => {
                let shard = self.chance.below(life.node.shards());
                if !self.stalls.is_stalled(Part::Shard(shard), self.step) {
                    life.wake(shard);
                }
            }
            _ => {
                let part = self.any_part(life);
                if !self.stalls.is_stalled(part, self.step) {
                    self.work(life, part);
                }
            }
        }
    }

    /// What goes wrong in the middle of the work.
    fn go_wrong(&mut self, life: &Life) {
        let ratios = self.ratios.clone();
        let chance = &mut self.chance;
        if chance.permille(ratios.long_wait) {
            let hours = *chance.pick(&[1, 1, 5, 30]);
            self.clock.advance(hours * 3_600_000);
        }
        let device = chance.below(self.devices.len());
        if chance.permille(ratios.reconnect) {
            self.devices[device].reconnect(&life.node.intake());
        }
        if chance.permille(ratios.resend) {
            self.devices[device].resend(&life.node.intake(), &mut self.chance);
        }
        if self.chance.permille(ratios.snapshot) {
            let is_alone = self.chance.permille(ratios.alone);
            // Where there is no room for the question there is no snapshot.
            let _ = life.node.ask_for_snapshot(is_alone);
        }
        if self.chance.permille(ratios.erase) {
            self.clients.erase_any(&life.admission, &mut self.chance);
        }
        if self.chance.permille(ratios.sweep) {
            let keeping = Keeping { now: self.clock.now(), days: BTreeMap::new(), days_default: 1 };
            self.kept_from = Some(keeping.now + -DAY_MS);
            // Too much waits for the writer of tracks.
            let _ = life.node.ask_for_sweep(keeping);
        }
        self.let_go(life);
        if self.chance.permille(ratios.reboot) {
            self.devices[device].reboot();
        }
        if self.chance.permille(ratios.stall) {
            let part = self.any_part(life);
            let steps = 5 + self.chance.below(120) as u64;
            self.stalls.stall(part, self.step + steps);
        }
    }

    /// Every courier moves on by some seconds, and somebody notes it.
    pub(super) fn tick(&mut self) {
        let ms = 1_000 * (1 + self.chance.below(12) as i64);
        self.clock.advance(ms);
        self.ticks += 1;
        let couriers = self.clients.now.couriers.clone();
        for (at, &courier) in couriers.iter().enumerate() {
            if self.devices.len() <= at + 1 {
                self.devices.push(Device::new(100 + courier));
            }
            let by = if self.chance.below(2) == 0 { 0 } else { at + 1 };
            if self.devices[by].behind() < BEHIND_MAX {
                let courier = CourierId(courier as u32);
                self.devices[by].note(courier, self.ticks, self.clock.now());
            }
        }
    }

    fn any_part(&mut self, life: &Life) -> Part {
        let parts = self.parts(life);
        *self.chance.pick(&parts)
    }

    /// Everything that can be scheduled.
    pub fn parts(&self, life: &Life) -> Vec<Part> {
        let mut parts: Vec<_> = (0..life.node.shards()).map(Part::Shard).collect();
        parts.extend([Part::Committer, Part::Admission, Part::Clients]);
        parts.extend([Part::Tracks, Part::Snapshots, Part::Segments]);
        parts.extend((0..self.devices.len()).map(Part::Sender));
        parts.extend((0..self.readers.len()).map(Part::Reader));
        parts
    }

    /// One part does something, if it can.
    pub fn work(&mut self, life: &mut Life, part: Part) -> bool {
        let _timers = self.runtime.enter();
        match part {
            Part::Shard(_)
            | Part::Committer
            | Part::Admission
            | Part::Tracks
            | Part::Snapshots
            | Part::Segments => {
                let is_synced = self.chance.below(4) == 0;
                life.step(part, &mut self.images, is_synced)
            }
            Part::Clients => self.clients.listen(),
            Part::Sender(at) => {
                let in_turn = self.chance.permille(self.ratios.in_turn);
                let intake = life.node.intake();
                let device = &mut self.devices[at];
                let is_news = device.listen(&intake);
                device.send(&intake, &mut self.chance, in_turn) || is_news
            }
            Part::Reader(at) => self.read(life, at),
        }
    }

    /// Everybody works until everything that came is worked off, acknowledged and read; `false`:
    /// the node fails. If nobody can go on and something is left, they wait in a circle.
    pub fn drain(&mut self, life: &mut Life) -> bool {
        self.stalls.end();
        let mut idle_rounds = 0;
        while !self.is_done(life) {
            let mut is_progress = false;
            for part in self.parts(life) {
                is_progress |= self.work(life, part);
            }
            if life.node.fault().has_failed() {
                return false;
            }
            // What admission began shows in the round after.
            idle_rounds = if is_progress { 0 } else { idle_rounds + 1 };
            assert!(idle_rounds < 4, "nobody goes on, and not everything is done: {}", self.left());
        }
        true
    }

    /// The company gets couriers, routes and orders, one request after the other.
    pub fn set_up(&mut self, life: &mut Life) {
        for _ in 0..12 {
            self.clients.ask(&life.admission, &mut self.chance);
            if !self.drain(life) {
                return;
            }
        }
    }

    fn is_done(&self, life: &Life) -> bool {
        let readers_are = self.readers.iter().all(|&at| at == life.node.feed().head());
        let devices_are =
            self.devices.iter().all(|device| device.is_done() && !device.is_waiting());
        life.is_quiet() && !self.clients.is_waiting() && devices_are && readers_are
    }

    fn left(&self) -> String {
        let behind: Vec<_> = self.devices.iter().map(Device::behind).collect();
        format!("senders behind {behind:?}, clients waiting {}", self.clients.is_waiting())
    }

    pub(super) fn until_ended(&mut self, life: &mut Life) {
        let _timers = self.runtime.enter();
        let mut rounds = 0;
        while !life.node.has_ended() && !life.node.fault().has_failed() {
            for shard in 0..life.node.shards() {
                life.step(Part::Shard(shard), &mut self.images, false);
            }
            life.step(Part::Committer, &mut self.images, false);
            life.step(Part::Admission, &mut self.images, false);
            rounds += 1;
            assert!(rounds < 10_000, "it does not end");
        }
        life.node.step_tracks();
    }

    /// The last process: nothing fails any more, everything is worked off, and what is left equals
    /// a fresh fold of the journal.
    pub(super) fn finish(&mut self) {
        let mut panics = 0;
        let mut life = loop {
            let mut life = self.begin(false).expect("it starts");
            for _ in 0..30 {
                self.tick();
                let part = self.any_part(&life);
                self.work(&mut life, part);
            }
            if self.drain(&mut life) {
                break life;
            }
            // What panics twice is quarantined; an order of the poisoned courier may have gone to
            // another, who is then poisoned too.
            self.judge_failure(&life);
            panics += 1;
            assert!(panics <= 2 * COURIERS_MAX, "it panics for ever");
            drop(life);
            self.crash(End::Kill);
        };
        self.trap.lift();
        self.release(&mut life);
        self.judge_end(life);
    }
}

/// Processes of a run before the last.
const LIVES: usize = 4;
/// Most steps of one process, about.
const STEPS_MAX: usize = 500;
/// Steps for which a part stands still.
const STALL_STEPS: usize = 300;
/// Readers of the feed.
const READERS: usize = 2;
/// Positions that a sender keeps while they are not acknowledged.
const BEHIND_MAX: u64 = 40;
