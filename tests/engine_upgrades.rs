//! A start with another engine than the one that told the feed: what was told stays byte for byte,
//! whatever the rules at hand would tell, and what comes is told after it.

#[expect(dead_code, reason = "other tests use the rest")]
mod support {
    pub mod fleet;
    pub mod simulated;
    pub mod world;
}

use std::collections::BTreeSet;
use std::sync::Arc;

use doorstep::domain::ids::{CourierId, OrderId};
use doorstep::engine;
use doorstep::runtime::clock::Clock;
use doorstep::runtime::feed_reader::FeedEvent;
use doorstep::runtime::intake::{Delivery, Sender, SenderId};
use doorstep::runtime::node::{Node, NodeSettings, ToldBefore};
use doorstep::storage::disk::Disk;
use doorstep::storage::feed_event::FeedBody;
use doorstep::storage::feed_log::FeedLog;
use doorstep::storage::manifest::Manifest;
use doorstep::storage::segment::{
    ENGINE, feed_first, is_snapshot_file, manifest_name, manifest_number,
};
use doorstep::storage::sim_disk::SimDisk;
use support::fleet::{fix, planned};
use support::simulated::{settings, start, whole_feed};
use support::world::ZERO;
use tokio::sync::mpsc::unbounded_channel;

/// A life with one snapshot, and the journal kept whole.
struct Lived {
    disk: SimDisk,
    clock: Clock,
    feed: Vec<FeedEvent>,
    /// Where the feed stood when the snapshot was taken.
    pictured: u64,
}

fn keeping(shards: usize) -> NodeSettings {
    NodeSettings { keep_journal: true, ..settings(shards) }
}

fn live(node: &Node, clock: &Clock, ticks: core::ops::Range<u64>) {
    for tick in ticks {
        clock.advance(8_000);
        for courier in 0..COURIERS {
            let (reply, mut receiver) = unbounded_channel();
            let sender = Some(Sender { id: SenderId(courier.into()), boot: 1 });
            let fixes = vec![fix(CourierId(courier), tick, clock.now(), tick)];
            let delivery = Delivery { sender, frame: tick, fixes, reply };
            for _ in 0..node.intake().submit(delivery).expect("it has room") {
                assert!(receiver.blocking_recv().is_some(), "it lives");
            }
        }
    }
}

fn lived() -> Lived {
    let (disk, clock) = (SimDisk::new(), Clock::manual(ZERO));
    let (node, _) = start(&disk, &keeping(2), &clock).expect("it starts");
    let parts = (0..COURIERS).map(CourierId).flat_map(|courier| planned(courier, 3)).collect();
    node.commands().commit_blocking(parts, vec![7; 8]).expect("it has room");
    live(&node, &clock, 1..10);
    node.snapshots().take().expect("the disk lives");
    live(&node, &clock, 10..LAST);
    let feed = whole_feed(&node);
    node.stop().expect("it stops");
    let pictured = Manifest::read(&disk, &manifest_name(1)).expect("it is whole").feed.position;
    assert!(pictured > 0 && pictured + 20 < feed.len() as u64, "{pictured} of {}", feed.len());
    Lived { disk: disk.after_crash(0, 100), clock, feed, pictured }
}

impl Lived {
    /// The same directory, as another engine left it that told `feed`.
    fn of_another(&self, feed: &[FeedEvent]) -> SimDisk {
        let disk = self.disk.after_crash(0, 100);
        let arc: Arc<dyn Disk> = Arc::new(disk.clone());
        for name in disk.names().expect("it lives") {
            if feed_first(&name).is_some() {
                disk.remove(&name).expect("it lives");
            }
        }
        let log = FeedLog::open(Arc::clone(&arc), keeping(1).feed_segment_bytes);
        log.append(feed).and_then(|()| log.sync()).expect("it lives");
        let name = manifest_name(1);
        let manifest = Manifest::read(&disk, &name).expect("it is whole");
        disk.remove(&name).expect("it lives");
        Manifest { engine: OTHER, ..manifest }.write(&arc).expect("it lives");
        disk
    }

    /// Starts, finds `feed` told as it is, and goes on.
    fn judge(&self, disk: &SimDisk, feed: &[FeedEvent], shards: usize, what: &str) -> ToldBefore {
        let clock = Clock::manual(self.clock.now());
        let (node, _) = start(disk, &keeping(shards), &clock).expect(what);
        let found = node.recovered().clone();
        assert!(found.damaged.is_empty(), "{what}: {:?}", found.damaged);
        assert_eq!(whole_feed(&node), feed, "{what}");
        live(&node, &clock, LAST..LAST + 12);
        let after = whole_feed(&node);
        assert!(after.len() > feed.len(), "{what}: it goes on");
        assert_eq!(after[..feed.len()], *feed, "{what}");
        let ids: BTreeSet<_> = after.iter().map(|event| event.id).collect();
        assert_eq!(ids.len(), after.len(), "{what}: no id comes twice");
        assert!(after.iter().zip(1..).all(|(event, position)| event.position == position));
        follow_chains(&node, &after, what);
        node.stop().expect(what);
        // The next start has nothing to do with the other engine, or keeps it all the same.
        let (node, _) = start(&disk.after_crash(0, 100), &keeping(1), &clock).expect(what);
        assert_eq!(whole_feed(&node), after, "{what}");
        node.stop().expect(what);
        found.told_before.expect(what)
    }
}

/// Takes the snapshots away, so that the whole journal is stepped again.
fn without_snapshots(disk: &SimDisk, note: &[u8]) {
    for name in disk.names().expect("it lives") {
        if is_snapshot_file(&name) {
            disk.remove(&name).expect("it lives");
        }
    }
    let file = disk.open(ENGINE).expect("it lives");
    file.cut(0).and_then(|()| file.write_at(note, 0)).and_then(|()| file.sync()).expect("it lives");
}

/// Every order's history is what the feed tells of it.
fn follow_chains(node: &Node, feed: &[FeedEvent], what: &str) {
    let of = |event: &FeedEvent| match &event.body {
        FeedBody::Event(told) => Some(told.order),
        _ => None,
    };
    let orders: BTreeSet<OrderId> = feed.iter().filter_map(of).collect();
    for order in orders {
        let told = feed.iter().filter(|event| of(event) == Some(order)).count();
        assert_eq!(node.feed().history(order).expect(what).len(), told, "{what}");
    }
}

/// Numbers the events anew, and chains them anew.
fn renumbered(events: impl Iterator<Item = FeedEvent>) -> Vec<FeedEvent> {
    let mut last = std::collections::BTreeMap::new();
    let mut all = Vec::new();
    for (mut event, position) in events.zip(1..) {
        event.position = position;
        if let FeedBody::Event(told) = &event.body {
            event.previous = last.insert(told.order, position);
        }
        all.push(event);
    }
    all
}

#[test]
fn a_directory_notes_with_which_engine_it_began() {
    let lived = lived();
    assert_eq!(lived.disk.bytes(ENGINE), format!("{}\n", engine::VERSION).into_bytes());
    assert!(lived.disk.names().expect("it lives").iter().any(|n| manifest_number(n).is_some()));
}

/// Another engine with the same rules: the same bytes, and nothing is told otherwise.
#[test]
fn equal_rules_tell_the_same() {
    let lived = lived();
    for shards in [1, 3] {
        let disk = lived.of_another(&lived.feed);
        let found = lived.judge(&disk, &lived.feed, shards, "equal rules");
        let events = lived.feed.len() as u64 - lived.pictured;
        let expected = ToldBefore { engine: OTHER, events, otherwise: 0, otherwise_from: 0 };
        assert_eq!(found, expected);
    }
}

/// Another engine that told less, and other things: all of it stays.
#[test]
fn what_another_engine_told_stays() {
    let lived = lived();
    let begin = lived.pictured as usize + 3;
    let end = lived.feed.len() - 3;
    for gone in [begin..begin + 1, begin + 2..begin + 9, begin..end] {
        let kept = lived.feed.iter().cloned().enumerate().filter(|(at, _)| !gone.contains(at));
        let told = renumbered(kept.map(|(at, mut event)| {
            event.backfilled |= at == begin + 10;
            event
        }));
        let found = lived.judge(&lived.of_another(&told), &told, 2, &format!("without {gone:?}"));
        assert!(found.otherwise > 0 && found.otherwise_from > lived.pictured, "{found:?}");
        assert_eq!(found.events, told.len() as u64 - lived.pictured);
    }
}

/// A machine died under the other engine: what the feed has not is told, as far as the journal goes.
#[test]
fn a_feed_that_was_cut_is_told_to_its_end() {
    let lived = lived();
    let whole = lived.of_another(&lived.feed);
    let names = whole.names().expect("it lives");
    let last = names.iter().rfind(|name| feed_first(name).is_some()).expect("there is a feed");
    let size = whole.bytes(last).len();
    for cut in (0..size).rev().step_by(11).take(16).chain([0]) {
        let disk = whole.after_crash(0, 100);
        disk.open(last).and_then(|file| file.cut(cut as u64)).expect("it lives");
        let found = lived.judge(&disk, &lived.feed, 1, &format!("cut at {cut}"));
        assert_eq!(found.otherwise, 0, "cut at {cut}");
    }
}

/// Without a snapshot the note says which engine told the feed's beginning.
#[test]
fn without_a_snapshot_the_note_counts() {
    let lived = lived();
    let told = renumbered(lived.feed.iter().skip(2).cloned());
    for (note, engine) in [(&b"9\n"[..], 9), (b"what?", 0), (b"", 0)] {
        let disk = lived.of_another(&told);
        without_snapshots(&disk, note);
        let found = lived.judge(&disk, &told, 1, &format!("note {note:?}"));
        assert_eq!((found.engine, found.events), (engine, told.len() as u64));
        assert!(found.otherwise > 0 && found.otherwise_from == 1, "{found:?}");
    }
}

/// The journal lost its end, as it may without syncs: events of inputs that are gone go too.
#[test]
fn events_of_inputs_that_are_gone_go() {
    let lived = lived();
    let mut told = lived.feed.clone();
    let mut beyond = told[told.len() - 1].clone();
    beyond.position += 1;
    beyond.id.sequence += 1_000;
    beyond.previous = None;
    told.push(beyond);
    let found = lived.judge(&lived.of_another(&told), &lived.feed, 1, "beyond the journal");
    assert_eq!(found.events, lived.feed.len() as u64 - lived.pictured);
}

const COURIERS: u32 = 5;
/// The tick at which a life ends.
const LAST: u64 = 24;
/// An engine that is not this one.
const OTHER: u16 = engine::VERSION + 1;
