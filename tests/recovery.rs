//! Nothing acknowledged is lost: nodes on a simulated disk die at every step, and what recovery
//! finds is judged. `DOORSTEP_SEEDS=2000 cargo test --test recovery` looks for more; a failure
//! prints its seed.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "the number of seeds comes from the environment; the seed of a failure is printed"
)]

mod support {
    pub mod fleet;
    pub mod simulated;
    pub mod world;
}

use std::collections::{BTreeMap, BTreeSet};

use doorstep::domain::ids::CourierId;
use doorstep::domain::time::Time;
use doorstep::runtime::clock::Clock;
use doorstep::runtime::error::{CommandError, RuntimeError, SubmitError};
use doorstep::runtime::feed_reader::FeedEvent;
use doorstep::runtime::intake::{Delivery, PartDone, Sender, SenderId, SentFix};
use doorstep::runtime::node::{Node, NodeSettings};
use doorstep::storage::disk::Disk;
use doorstep::storage::error::StorageError;
use doorstep::storage::segment::{feed_first, journal_number};
use doorstep::storage::sim_disk::SimDisk;
use support::fleet::{fix, home, planned, route};
use support::simulated::{held, settings, start, whole_feed};
use support::world::ZERO;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// What the world outside knows: what it sent, and what was acknowledged.
struct Outside {
    clock: Clock,
    /// By sender: its fixes, the number of which is their place from 1.
    sent: BTreeMap<u64, Vec<SentFix>>,
    /// By sender: how many of them are acknowledged.
    acked: BTreeMap<u64, u64>,
    /// Notes of frames that were begun, and how many commands belong to them.
    begun: BTreeMap<Vec<u8>, usize>,
    committed: Vec<Vec<u8>>,
    /// The feed as it was read last.
    feed: Vec<FeedEvent>,
    ticks: u64,
    /// A snapshot is asked for every few rounds.
    takes_snapshots: bool,
}

impl Outside {
    fn new() -> Self {
        Self {
            clock: Clock::manual(ZERO),
            sent: BTreeMap::new(),
            acked: BTreeMap::new(),
            begun: BTreeMap::new(),
            committed: Vec::new(),
            feed: Vec::new(),
            ticks: 0,
            takes_snapshots: false,
        }
    }

    /// Everybody moves on by a tick: a gateway (sender 0) with all couriers, and each second
    /// courier by its own device.
    fn tick(&mut self) {
        self.clock.advance(5_000);
        self.ticks += 1;
        for courier in 0..COURIERS {
            let sender = u64::from(courier % 2 * (courier + 1));
            let now = self.clock.now();
            let sent = self.sent.entry(sender).or_default();
            sent.push(fix(CourierId(courier), self.ticks, now, sent.len() as u64 + 1));
        }
    }

    /// Sends everything that is not acknowledged, in deliveries of a few; `false`: the node died.
    fn deliver(&mut self, node: &Node) -> bool {
        let mut waiting = Vec::new();
        for (&sender, sent) in &self.sent {
            let acked = self.acked.get(&sender).copied().unwrap_or(0);
            for fixes in sent[acked as usize..].chunks(5) {
                let Some(receiver) = submit(node, sender, fixes) else { return false };
                waiting.push((sender, fixes[fixes.len() - 1].seq, receiver));
            }
        }
        for (sender, last, (parts, mut receiver)) in waiting {
            for _ in 0..parts {
                if receiver.blocking_recv().is_none() {
                    return false;
                }
            }
            self.acked.insert(sender, last);
            let known = node.intake().acked(Sender { id: SenderId(sender), boot: 1 });
            assert!(known >= last, "everything up to {last} is durable, not {known}");
        }
        true
    }

    /// Commits a frame over several couriers; `false`: the node died.
    fn command(&mut self, node: &Node) -> bool {
        let number = self.begun.len() as u64;
        let couriers = (0..COURIERS).map(CourierId);
        let parts: Vec<_> = if self.committed.is_empty() {
            couriers.flat_map(|courier| planned(courier, 3)).collect()
        } else {
            let orders = 3 + number % 4;
            let put = |id| doorstep::domain::command::Command::PutRoute(route(id, orders));
            couriers.map(|courier| (home(courier), put(courier))).collect()
        };
        let note = number.to_le_bytes().to_vec();
        self.begun.insert(note.clone(), parts.len());
        match node.commands().commit_blocking(parts, note.clone()) {
            Ok(committed) => {
                self.committed.push(note);
                assert!(committed.journal_place >= self.committed.len() as u64);
                true
            }
            Err(CommandError::Stopped) => false,
            Err(error) => panic!("{error}"),
        }
    }

    /// A while of work; ends when the node dies.
    fn work(&mut self, node: &Node, rounds: u64) {
        for round in 0..rounds {
            let is_planning = self.committed.is_empty() || round % 5 == 4;
            if is_planning && !self.command(node) {
                break;
            }
            if self.takes_snapshots && round % 4 == 2 && node.snapshots().take().is_err() {
                break;
            }
            self.tick();
            if !self.deliver(node) {
                break;
            }
        }
        self.feed = whole_feed(node);
    }

    /// What recovery must hold.
    fn judge(&self, disk: &SimDisk, node: &Node, notes: &[Vec<u8>]) {
        let held = held(disk).expect("the journal is whole");
        for (&sender, &acked) in &self.acked {
            for seq in 1..=acked {
                let count = held.positions.get(&(sender, seq)).copied().unwrap_or(0);
                assert_eq!(count, 1, "acknowledged: sender {sender}, {seq}");
            }
            let known = node.intake().acked(Sender { id: SenderId(sender), boot: 1 });
            assert!(known <= self.sent[&sender].len() as u64);
            for seq in 1..=known {
                assert!(held.positions.contains_key(&(sender, seq)), "told durable: {seq}");
            }
        }
        assert!(held.positions.values().all(|&count| count == 1), "nothing is stored twice");
        for (note, commands) in &held.commands {
            assert_eq!(self.begun.get(note), Some(commands), "all of a frame or nothing");
        }
        // A snapshot stands for the notes before it: those after it are told again.
        let known: Vec<_> = held.commands.iter().map(|(note, _)| note).collect();
        assert!(known.iter().rev().zip(notes.iter().rev()).all(|(&known, told)| known == told));
        assert!(notes.len() == known.len() || node.recovered().snapshot.is_some());
        assert!(self.committed.iter().all(|note| known.contains(&note)), "a commit is lost");
        let feed = whole_feed(node);
        assert!(feed.iter().map(|event| event.position).eq(1..=feed.len() as u64), "not dense");
        let ids: BTreeSet<_> = feed.iter().map(|event| event.id).collect();
        assert_eq!(ids.len(), feed.len(), "ids are unique");
        assert!(feed.len() >= self.feed.len(), "what was published is still there");
        for (now, before) in feed.iter().zip(&self.feed) {
            assert_eq!(now, before, "the feed that was published, and that of the replay");
        }
    }
}

fn submit(
    node: &Node,
    sender: u64,
    fixes: &[SentFix],
) -> Option<(usize, UnboundedReceiver<PartDone>)> {
    let (reply, receiver) = unbounded_channel();
    let sender = Some(Sender { id: SenderId(sender), boot: 1 });
    let delivery = Delivery { sender, frame: fixes[0].seq, fixes: fixes.to_vec(), reply };
    match node.intake().submit(delivery) {
        Ok(parts) => Some((parts, receiver)),
        Err(SubmitError::Stopped) => None,
        Err(error) => panic!("the mailbox has room for all: {error}"),
    }
}

/// All bytes of the feed log, file by file.
fn feed_bytes(disk: &SimDisk) -> BTreeMap<String, Vec<u8>> {
    let names = disk.names().expect("the disk lives");
    let names = names.into_iter().filter(|name| feed_first(name).is_some());
    names.map(|name| (name.clone(), disk.bytes(&name))).collect()
}

/// The same disk with nothing but its journal.
fn without_feed(disk: &SimDisk) -> SimDisk {
    let copy = disk.after_crash(0, 100);
    for name in copy.names().expect("the disk lives") {
        if journal_number(&name).is_none() {
            copy.remove(&name).expect("it is there");
        }
    }
    copy
}

/// The feed of the journal alone, replayed by one shard, is the feed that is there.
fn judge_feed_bytes(disk: &SimDisk) {
    let clean = without_feed(disk);
    let (node, _) = start(&clean, &settings(1), &Clock::manual(ZERO)).expect("it starts");
    node.stop().expect("it stops");
    let (kept, replayed) = (feed_bytes(disk), feed_bytes(&clean));
    // Stepping deadlines of the present is for the journal's owner.
    for (name, bytes) in &replayed {
        assert_eq!(kept.get(name), Some(bytes), "{name}");
    }
    assert_eq!(kept.len(), replayed.len());
}

/// A snapshot every few deliveries; the journal is kept whole, so that it can be judged.
fn snapshotting(shards: usize) -> NodeSettings {
    NodeSettings { snapshot_journal_bytes: 2 << 10, keep_journal: true, ..settings(shards) }
}

fn crash_again_and_again(seed: u64, settings: fn(usize) -> NodeSettings) -> bool {
    println!("seed {seed}");
    let mut began_with_snapshot = false;
    let takes_snapshots = settings(1).keep_journal;
    let mut outside = Outside { takes_snapshots, ..Outside::new() };
    let mut disk = SimDisk::new();
    for life in 0..4 {
        let dice = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(life as u32 * 13);
        // The first lives end early, in the set-up; later ones in the middle of the work.
        disk.die_after(dice % (10 + 60 * life));
        let shards = 1 + (dice >> 32) as usize % 3;
        if let Ok((node, notes)) = start(&disk, &settings(shards), &outside.clock) {
            let notes: Vec<_> = notes.into_iter().map(|note| note.bytes).collect();
            outside.judge(&disk, &node, &notes);
            began_with_snapshot |= node.recovered().snapshot.is_some();
            outside.work(&node, 12);
            // The dead do not stop in order.
            let _ = node.stop();
        }
        disk = disk.after_crash(dice, [0, 30, 70, 100][(dice >> 40) as usize % 4]);
    }
    let (node, notes) = start(&disk, &settings(2), &outside.clock).expect("it recovers");
    let notes: Vec<_> = notes.into_iter().map(|note| note.bytes).collect();
    outside.judge(&disk, &node, &notes);
    outside.work(&node, 6);
    node.stop().expect("it stops");
    let disk = disk.after_crash(0, 100);
    let (node, notes) = start(&disk, &settings(3), &outside.clock).expect("it recovers");
    let notes: Vec<_> = notes.into_iter().map(|note| note.bytes).collect();
    assert_eq!(node.recovered().feed_rewritten_bytes, 0, "the feed was as the journal gives it");
    outside.judge(&disk, &node, &notes);
    node.stop().expect("it stops");
    judge_feed_bytes(&disk);
    began_with_snapshot
}

#[test]
fn nothing_acknowledged_is_lost_whenever_the_machine_dies() {
    for seed in 0..seeds(60) {
        crash_again_and_again(seed, settings);
    }
}

/// Snapshots are taken all the time, by nodes that die at any step of it.
#[test]
fn nothing_acknowledged_is_lost_where_snapshots_are_taken() {
    let with_snapshot = (0..seeds(60)).filter(|&seed| crash_again_and_again(seed, snapshotting));
    assert!(with_snapshot.count() > 20, "most begin with a snapshot");
}

fn seeds(usual: u64) -> u64 {
    let seeds = std::env::var("DOORSTEP_SEEDS").ok().and_then(|seeds| seeds.parse().ok());
    seeds.unwrap_or(usual)
}

/// Every step of one run in turn, from the first write on.
#[test]
fn every_step_can_be_the_last() {
    for step in 0..80 {
        println!("step {step}");
        let mut outside = Outside::new();
        let disk = SimDisk::new();
        disk.die_after(step);
        if let Ok((node, _)) = start(&disk, &settings(2), &outside.clock) {
            outside.work(&node, 8);
            let _ = node.stop();
        }
        for kept_pct in [0, 50, 100] {
            let disk = disk.after_crash(step, kept_pct);
            let (node, notes) = start(&disk, &settings(1), &outside.clock).expect("it recovers");
            let notes: Vec<_> = notes.into_iter().map(|note| note.bytes).collect();
            outside.judge(&disk, &node, &notes);
            node.stop().expect("it stops");
            judge_feed_bytes(&disk.after_crash(0, 100));
        }
    }
}

fn worked(rounds: u64) -> (Outside, SimDisk) {
    let mut outside = Outside::new();
    let disk = SimDisk::new();
    let (node, _) = start(&disk, &settings(2), &outside.clock).expect("it starts");
    outside.work(&node, rounds);
    node.stop().expect("it stops");
    let disk = disk.after_crash(0, 100);
    (outside, disk)
}

/// A byte of the last frame that is flipped, or all from there on gone: the journal ends before it.
#[test]
fn a_bad_last_frame_is_the_end() {
    let (_, disk) = worked(6);
    let frames = held(&disk).expect("it is whole").frames;
    let (name, offset, payload) = frames.last().expect("there are some").clone();
    for at in (0..40 + payload).step_by(7) {
        for is_cut in [false, true] {
            let disk = disk.after_crash(0, 100);
            let from = offset as usize + at;
            if is_cut {
                disk.blank(&name, from);
            } else {
                disk.flip(&name, from);
            }
            let is_whole =
                is_cut && held(&disk).is_ok_and(|held| held.frames.len() == frames.len());
            let held = held(&disk).expect("it ends");
            assert!(is_whole || held.frames.len() == frames.len() - 1, "byte {at}");
        }
    }
}

#[test]
fn corruption_in_the_middle_is_reported_with_its_place() {
    let (outside, disk) = worked(12);
    let frames = held(&disk).expect("it is whole").frames;
    for (name, offset, payload) in [&frames[0], &frames[frames.len() / 2]] {
        let disk = disk.after_crash(0, 100);
        disk.flip(name, *offset as usize + 40 + payload / 2);
        let found = start(&disk, &settings(1), &outside.clock).map(|_| ());
        let Err(RuntimeError::Storage(StorageError::Corrupt { name: file, offset: at, .. })) =
            found
        else {
            panic!("{found:?}");
        };
        assert_eq!((&file, at), (name, *offset));
    }
}

/// Deadlines that the clock passes are journalled, and come again in a replay.
#[test]
fn ticks_are_replayed() {
    let (mut outside, disk) = worked(8);
    let (node, _) = start(&disk, &settings(2), &outside.clock).expect("it starts");
    outside.clock.advance(3_600_000);
    outside.tick();
    assert!(outside.deliver(&node));
    outside.feed = whole_feed(&node);
    node.stop().expect("it stops");
    let disk = disk.after_crash(0, 100);
    assert!(held(&disk).expect("it is whole").ticks > 0);
    let (node, notes) = start(&disk, &settings(1), &outside.clock).expect("it starts");
    let notes: Vec<_> = notes.into_iter().map(|note| note.bytes).collect();
    outside.judge(&disk, &node, &notes);
    assert_eq!(node.recovered().feed_rewritten_bytes, 0);
}

#[test]
fn a_failed_sync_ends_the_node() {
    let mut outside = Outside::new();
    let disk = SimDisk::new();
    let (node, _) = start(&disk, &settings(1), &outside.clock).expect("it starts");
    outside.work(&node, 2);
    disk.fail_sync(0);
    outside.tick();
    assert!(!outside.deliver(&node), "what was not synced is not acknowledged");
    assert!(node.fault().has_failed());
    assert!(node.fault().cause().is_some_and(|cause| cause.contains("sync")));
    let fixes = [fix(CourierId(0), 1, Time::from_ms(0), 1_000)];
    assert!(submit(&node, 0, &fixes).is_none(), "nothing more is taken");
    assert!(matches!(node.stop(), Err(RuntimeError::Failed(_))));
}

/// Wherever the disk is full at the start: it is refused, or it starts, nothing is worse than before,
/// and a start with more room has everything and goes on. What a node does whose disk gets full
/// while it works, full_disk.rs says.
#[test]
fn a_start_on_a_full_disk_loses_nothing() {
    let is_full =
        |error: &RuntimeError| matches!(error, RuntimeError::Storage(StorageError::Full { .. }));
    let (outside, disk) = worked(12);
    let used = disk.used();
    for room in (0..used + 100_000).step_by(7_919) {
        println!("room {room}");
        let disk = disk.after_crash(0, 100);
        disk.fill_at(room);
        match start(&disk, &settings(2), &outside.clock) {
            Err(error) => assert!(is_full(&error), "{error}"),
            Ok((node, _)) => drop(node),
        }
        let disk = disk.after_crash(room as u64, 50);
        let (node, notes) = start(&disk, &settings(1), &outside.clock).expect("there is room");
        let notes: Vec<_> = notes.into_iter().map(|note| note.bytes).collect();
        outside.judge(&disk, &node, &notes);
        node.stop().expect("it stops");
        judge_feed_bytes(&disk.after_crash(0, 100));
    }
}

#[test]
fn a_second_node_on_the_directory_is_refused() {
    let disk = SimDisk::new();
    let clock = Clock::manual(ZERO);
    let (_node, _) = start(&disk, &settings(1), &clock).expect("it starts");
    let second = start(&disk, &settings(1), &clock).map(|_| ());
    assert!(matches!(second, Err(RuntimeError::Storage(StorageError::Locked))));
}

/// A mailbox without room refuses, all of a delivery, and gives it back.
#[test]
fn an_overloaded_mailbox_refuses() {
    let mut outside = Outside::new();
    let disk = SimDisk::new();
    let settings = NodeSettings { mailbox_max: 50, ..settings(1) };
    let (node, _) = start(&disk, &settings, &outside.clock).expect("it starts");
    assert!(outside.command(&node));
    let mut refused = 0;
    let mut receivers = Vec::new();
    for first in (1..200_u64).map(|at| at * 40) {
        let at = outside.clock.now();
        let fixes = (first..first + 40).map(|seq| fix(CourierId(0), seq, at, seq)).collect();
        let (reply, receiver) = unbounded_channel();
        let sender = Some(Sender { id: SenderId(9), boot: 1 });
        match node.intake().submit(Delivery { sender, frame: first, fixes, reply }) {
            Ok(parts) => receivers.push((parts, receiver)),
            Err(SubmitError::Overloaded(delivery)) => {
                assert_eq!(delivery.fixes.len(), 40, "it comes back whole");
                refused += 1;
            }
            Err(error) => panic!("it runs: {error}"),
        }
    }
    assert!(refused > 0, "50 have room, 8000 came at once");
    for (parts, mut receiver) in receivers {
        for _ in 0..parts {
            assert!(receiver.blocking_recv().is_some(), "what was taken is done");
        }
    }
    node.stop().expect("it stops");
}

const COURIERS: u32 = 9;
