//! A machine's clock that is set back between two runs: receive times never step back, nothing is
//! lost or refused that is within the limits, and a replay tells the same.

mod support {
    pub mod fleet;
    pub mod simulated;
    pub mod world;
}

use std::collections::BTreeMap;

use doorstep::domain::ids::{CourierId, PartitionId};
use doorstep::domain::time::Time;
use doorstep::runtime::clock::Clock;
use doorstep::runtime::feed_reader::FeedEvent;
use doorstep::runtime::intake::{Delivery, Sender, SenderId};
use doorstep::runtime::node::Node;
use doorstep::storage::disk::Disk;
use doorstep::storage::feed_event::FeedBody;
use doorstep::storage::segment::journal_number;
use doorstep::storage::sim_disk::SimDisk;
use support::fleet::{fix, planned};
use support::simulated::{held, settings, start, whole_feed};
use support::world::ZERO;
use tokio::sync::mpsc::unbounded_channel;

/// Devices, whose clocks are right, report while the node's clock is so much ahead.
fn live(node: &Node, clock: &Clock, ticks: core::ops::Range<u64>) {
    for tick in ticks {
        clock.advance(TICK_MS);
        for courier in 0..COURIERS {
            let (reply, mut receiver) = unbounded_channel();
            let sender = Some(Sender { id: SenderId(courier.into()), boot: 1 });
            let true_time = ZERO + tick as i64 * TICK_MS;
            let fixes = vec![fix(CourierId(courier), tick, true_time, tick)];
            let delivery = Delivery { sender, frame: tick, fixes, reply };
            for _ in 0..node.intake().submit(delivery).expect("it has room") {
                assert!(receiver.blocking_recv().is_some(), "it lives");
            }
            let sender = Sender { id: SenderId(courier.into()), boot: 1 };
            assert_eq!(node.intake().acked(sender), tick);
        }
    }
}

/// Receive times of each partition never step back.
fn never_back(feed: &[FeedEvent]) {
    let mut last = BTreeMap::<PartitionId, Time>::new();
    for event in feed {
        let before = last.insert(event.partition(), event.recorded_at);
        assert!(before.is_none_or(|before| before <= event.recorded_at), "{event:?}");
    }
}

#[test]
fn nothing_is_lost_when_the_clock_is_set_back() {
    for (ahead_ms, is_fresh) in [(60_000, true), (3_600_000, false)] {
        let disk = SimDisk::new();
        let clock = Clock::manual(ZERO);
        let (node, _) = start(&disk, &settings(2), &clock).expect("it starts");
        let parts = (0..COURIERS).map(CourierId).flat_map(|courier| planned(courier, 4)).collect();
        node.commands().commit_blocking(parts, vec![7; 8]).expect("it has room");
        // The clock goes wrong.
        clock.advance(ahead_ms);
        live(&node, &clock, 1..10);
        let before = whole_feed(&node);
        node.stop().expect("it stops");
        // Now it is right.
        let disk = disk.after_crash(0, 100);
        let clock = Clock::manual(ZERO + 9 * TICK_MS);
        let (node, _) = start(&disk, &settings(1), &clock).expect("it starts");
        assert_eq!(whole_feed(&node), before);
        live(&node, &clock, 10..40);
        let feed = whole_feed(&node);
        node.stop().expect("it stops");
        never_back(&feed);
        let told = &feed[before.len()..];
        assert!(told.iter().any(|event| matches!(event.body, FeedBody::Event(_))), "all goes on");
        // What seems older than 300 s is told as an event, and no customer is written to.
        let messages = told.iter().any(|event| matches!(event.body, FeedBody::Notification { .. }));
        assert!(is_fresh || !messages, "{ahead_ms} ms");
        let held = held(&disk).expect("it is whole");
        assert_eq!(held.positions.len(), 39 * COURIERS as usize, "every position is kept");
        replayed(&disk, &clock, &feed);
    }
}

/// The journal alone tells the same.
fn replayed(disk: &SimDisk, clock: &Clock, feed: &[FeedEvent]) {
    let copy = disk.after_crash(0, 100);
    for name in copy.names().expect("it lives") {
        if journal_number(&name).is_none() {
            copy.remove(&name).expect("it lives");
        }
    }
    let (node, _) = start(&copy, &settings(3), clock).expect("it starts");
    assert_eq!(whole_feed(&node), feed);
    node.stop().expect("it stops");
}

const COURIERS: u32 = 5;
const TICK_MS: i64 = 8_000;
