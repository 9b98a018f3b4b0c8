//! A journal that lost its end or has a bit that turned: cut at every byte of the last segment, and
//! every byte of its frames flipped. What recovery makes of it is the state after exactly the whole
//! frames that are left, or a refusal that names the file and the place; never another state.

mod support {
    pub mod fleet;
    pub mod simulated;
    pub mod world;
}

use std::collections::BTreeMap;

use doorstep::domain::ids::CourierId;
use doorstep::runtime::clock::Clock;
use doorstep::runtime::error::RuntimeError;
use doorstep::runtime::feed_reader::FeedEvent;
use doorstep::runtime::intake::{Delivery, Sender, SenderId};
use doorstep::runtime::node::Node;
use doorstep::storage::disk::Disk;
use doorstep::storage::error::StorageError;
use doorstep::storage::frame::Frame;
use doorstep::storage::segment::journal_name;
use doorstep::storage::sim_disk::SimDisk;
use support::fleet::{fix, planned};
use support::simulated::{held, settings, start, whole_feed};
use support::world::ZERO;
use tokio::sync::mpsc::unbounded_channel;

/// What the world outside saw after each step, by the number of frames that the journal had then.
struct Lived {
    disk: SimDisk,
    clock: Clock,
    feed: Vec<FeedEvent>,
    states: BTreeMap<usize, State>,
    /// Segment, place there, bytes with padding.
    frames: Vec<(String, usize, usize)>,
    segment_bytes: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct State {
    feed_head: usize,
    acked: Vec<u64>,
    notes: usize,
}

fn state(node: &Node, notes: usize) -> State {
    let acked = |sender| node.intake().acked(Sender { id: SenderId(sender), boot: 1 });
    let acked = (0..u64::from(COURIERS)).map(acked).collect();
    State { feed_head: whole_feed(node).len(), acked, notes }
}

/// One courier after the other says where it is; first one command so large that little else has
/// room in its segment.
fn lived() -> Lived {
    let (disk, clock) = (SimDisk::new(), Clock::manual(ZERO));
    let (node, _) = start(&disk, &settings(1), &clock).expect("it starts");
    let mut states = BTreeMap::from([(0, state(&node, 0))]);
    let parts = (0..COURIERS).map(CourierId).flat_map(|courier| planned(courier, 2)).collect();
    node.commands().commit_blocking(parts, vec![7; NOTE_BYTES]).expect("it has room");
    let mut note = |disk: &SimDisk, node: &Node| {
        let frames = held(disk).expect("it is whole").frames.len();
        states.insert(frames, state(node, 1));
    };
    note(&disk, &node);
    for tick in 1..=TICKS {
        clock.advance(8_000);
        for courier in 0..COURIERS {
            deliver(&node, &clock, courier, tick);
            note(&disk, &node);
        }
    }
    let feed = whole_feed(&node);
    node.stop().expect("it stops");
    let disk = disk.after_crash(0, 100);
    let frames = held(&disk).expect("it is whole").frames;
    let size = |payload| Frame::size(payload);
    let frames: Vec<_> =
        frames.into_iter().map(|(name, at, payload)| (name, at as usize, size(payload))).collect();
    let segment_bytes = disk.bytes(&frames[0].0).len();
    Lived { disk, clock, feed, states, frames, segment_bytes }
}

fn deliver(node: &Node, clock: &Clock, courier: u32, tick: u64) {
    let (reply, mut receiver) = unbounded_channel();
    let sender = Some(Sender { id: SenderId(courier.into()), boot: 1 });
    let fixes = vec![fix(CourierId(courier), tick, clock.now(), tick)];
    let parts = node.intake().submit(Delivery { sender, frame: tick, fixes, reply });
    for _ in 0..parts.expect("it has room") {
        assert!(receiver.blocking_recv().is_some(), "it lives");
    }
}

impl Lived {
    /// The same disk with other bytes in a file.
    fn with(&self, name: &str, change: impl FnOnce(&mut Vec<u8>)) -> SimDisk {
        let disk = self.disk.after_crash(0, 100);
        let mut bytes = disk.bytes(name);
        change(&mut bytes);
        let file = disk.open(name).expect("it lives");
        file.write_at(&bytes, 0).expect("it lives");
        file.cut(bytes.len() as u64).and_then(|()| file.sync()).expect("it lives");
        disk
    }

    /// The frames that begin and end before a byte of the last segment.
    fn whole_before(&self, end: usize) -> usize {
        let last = self.last_segment();
        let is_whole = |(name, at, size): &&(_, usize, usize)| *name != last || at + size <= end;
        self.frames.iter().take_while(is_whole).count()
    }

    fn last_segment(&self) -> String {
        self.frames.last().expect("there are some").0.clone()
    }

    /// What recovery finds is the state after so many frames; and it goes on from there.
    fn judge(&self, disk: &SimDisk, frames: usize, what: &str) {
        let (node, notes) = start(disk, &settings(1), &self.clock)
            .unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(node.recovered().frames, frames as u64, "{what}");
        let found = state(&node, notes.len());
        let feed = whole_feed(&node);
        assert_eq!(feed, self.feed[..feed.len()], "{what}");
        if let Some(lived) = self.states.get(&frames) {
            assert_eq!(found, *lived, "{what}");
        }
        node.stop().unwrap_or_else(|error| panic!("{what}: {error}"));
    }

    fn refused(&self, disk: &SimDisk, what: &str) -> (String, u64) {
        match start(disk, &settings(1), &self.clock).map(|_| ()) {
            Err(RuntimeError::Storage(
                StorageError::Corrupt { name, offset, .. }
                | StorageError::LaterVersion { name, offset, .. },
            )) => (name, offset),
            other => panic!("{what}: {other:?}"),
        }
    }
}

#[test]
fn a_journal_that_is_cut_anywhere_in_its_last_segment_ends_with_its_last_whole_frame() {
    let lived = lived();
    let name = lived.last_segment();
    assert!(name != journal_name(1), "the last of several");
    assert!(lived.states.len() > lived.frames.len() / 2, "most states are known");
    let end = lived.frames.last().map(|(_, at, size)| at + size).expect("there are some");
    for at in (0..end + 9).chain([lived.segment_bytes - 1]) {
        let cut = lived.with(&name, |bytes| bytes.truncate(at));
        let blank = lived.with(&name, |bytes| bytes[at..].fill(0));
        if at % 5 == 0 {
            lived.judge(&blank, held_frames(&blank), &format!("blank from {at}"));
        }
        lived.judge(&cut, held_frames(&cut), &format!("cut at {at}"));
        // The padding is zeros that may be missing, and so may zeros at the end of a payload.
        let (before, found) = (lived.whole_before(at), held_frames(&cut));
        assert!((before..=lived.whole_before(at + 8)).contains(&found), "cut at {at}");
        assert!(held_frames(&blank) >= found, "blank from {at}");
    }
}

#[test]
fn a_byte_of_the_last_frame_that_is_flipped_ends_the_journal_before_it() {
    let lived = lived();
    let (name, at, size) = lived.frames.last().expect("there are some").clone();
    for byte in at..at + size {
        for bit in 0..8 {
            let what = format!("bit {bit} of byte {byte}");
            let disk = lived.with(&name, |bytes| bytes[byte] ^= 1 << bit);
            if byte == at + VERSION_BYTE {
                assert_eq!(lived.refused(&disk, &what), (name.clone(), at as u64));
                continue;
            }
            let found = held_frames(&disk);
            let is_padding = byte >= at + size - 7 && found == lived.frames.len();
            assert!(is_padding || found == lived.frames.len() - 1, "{what}");
            if bit == byte % 8 {
                lived.judge(&disk, found, &what);
            }
        }
    }
}

#[test]
fn a_byte_of_an_earlier_frame_that_is_flipped_is_refused_with_its_place() {
    let lived = lived();
    let earlier = &lived.frames[..lived.frames.len() - 1];
    for (name, at, size) in &earlier[earlier.len().saturating_sub(4)..] {
        for byte in *at..at + size {
            let what = format!("byte {byte}");
            let disk = lived.with(name, |bytes| bytes[byte] ^= 1 << (byte % 8));
            if byte >= at + size - 7 && held(&disk).is_ok() {
                lived.judge(&disk, lived.frames.len(), &what);
            } else {
                assert_eq!(lived.refused(&disk, &what), (name.clone(), *at as u64), "{what}");
            }
        }
    }
}

/// Everything of a closed segment was synced before the next began.
#[test]
fn a_closed_segment_that_is_cut_or_gone_is_refused_with_its_place() {
    let lived = lived();
    let first = journal_name(1);
    let last_of_first = lived.frames.iter().rfind(|(name, ..)| *name == first);
    let (_, at, size) = last_of_first.expect("it has some");
    for cut in [0, 39, at / 2, at + 1, at + size / 2] {
        let what = format!("cut at {cut}");
        let disk = lived.with(&first, |bytes| bytes.truncate(cut));
        let whole = if cut > *at { *at as u64 } else { 0 };
        let (name, offset) = lived.refused(&disk, &what);
        assert!(offset == whole || cut == 0, "{what}: {name} {offset}");
    }
    let disk = lived.disk.after_crash(0, 100);
    disk.remove(&first).expect("it lives");
    assert_eq!(lived.refused(&disk, "gone"), (lived.last_segment(), 0));
}

fn held_frames(disk: &SimDisk) -> usize {
    held(disk).expect("it ends").frames.len()
}

const COURIERS: u32 = 3;
const TICKS: u64 = 9;
/// Little else has room in a segment of 64 KiB.
const NOTE_BYTES: usize = 64_000;
/// The place of the version in a frame.
const VERSION_BYTE: usize = 3;
