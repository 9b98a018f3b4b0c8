//! A disk that is full: new input is refused with a word that says so, what was under way waits,
//! nothing is lost, and everything goes on by itself once there is room.

#![expect(clippy::disallowed_methods, reason = "another thread sends while the disk is full")]

mod support {
    pub mod fleet;
    pub mod simulated;
    pub mod world;
}

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use doorstep::domain::ids::CourierId;
use doorstep::runtime::clock::Clock;
use doorstep::runtime::error::{CommandError, RuntimeError, SubmitError};
use doorstep::runtime::intake::{Delivery, Sender, SenderId};
use doorstep::runtime::node::Node;
use doorstep::storage::error::StorageError;
use doorstep::storage::sim_disk::SimDisk;
use support::fleet::{fix, planned};
use support::simulated::{held, settings, start, whole_feed};
use support::world::ZERO;
use tokio::sync::mpsc::unbounded_channel;

const COURIER: CourierId = CourierId(3);

/// Sends one position and waits until it is durable.
fn send(node: &Node, seq: u64) -> Result<(), SubmitError> {
    let (reply, mut receiver) = unbounded_channel();
    let sender = Some(Sender { id: SenderId(5), boot: 1 });
    let fixes = vec![fix(COURIER, seq, ZERO + 5_000 * seq as i64, seq)];
    node.intake().submit(Delivery { sender, frame: seq, fixes, reply })?;
    receiver.blocking_recv().map(drop).ok_or(SubmitError::Stopped)
}

fn begun(disk: &SimDisk, clock: &Clock) -> Node {
    let (node, _) = start(disk, &settings(1), clock).expect("it starts");
    node.commands().commit_blocking(planned(COURIER, 4), Vec::new()).expect("it is committed");
    node
}

/// Lets the disk be full from now on, and waits until somebody finds out; positions that were
/// acknowledged before are `acked`.
fn fill(disk: &SimDisk, node: &Node, acked: &mut u64, while_full: impl FnOnce()) {
    disk.fill_at(disk.used());
    let (is_over, before) = (AtomicBool::new(false), *acked);
    thread::scope(|scope| {
        let sender = scope.spawn(|| {
            let mut seq = before;
            // The last of these waits until there is room.
            while !node.intake().is_disk_full() && !is_over.load(Ordering::Relaxed) {
                node.clock().advance(5_000);
                match send(node, seq + 1) {
                    Ok(()) => seq += 1,
                    Err(SubmitError::DiskFull | SubmitError::Stopped) => break,
                    Err(error) => panic!("{error}"),
                }
            }
            seq
        });
        while !node.intake().is_disk_full() {
            thread::yield_now();
        }
        while_full();
        is_over.store(true, Ordering::Relaxed);
        *acked = sender.join().expect("it ends");
    });
}

#[test]
fn what_is_new_is_refused_while_the_disk_is_full_and_all_goes_on_when_there_is_room() {
    let (disk, clock) = (SimDisk::new(), Clock::manual(ZERO));
    let node = begun(&disk, &clock);
    let mut acked = 0;
    for _ in 0..3 {
        fill(&disk, &node, &mut acked, || {
            assert!(matches!(send(&node, 900), Err(SubmitError::DiskFull)));
            let refused = node.commands().commit_blocking(planned(COURIER, 5), Vec::new());
            assert_eq!(refused, Err(CommandError::DiskFull));
            assert!(refused.is_err_and(|error| error.to_string().contains("the disk is full")));
            assert!(!node.fault().has_failed());
            disk.make_room();
        });
        // What was under way has gone on; the flag falls with the next write that finds room.
        while node.intake().is_disk_full() {
            thread::yield_now();
        }
        acked += 1;
        node.clock().advance(5_000);
        send(&node, acked).expect("there is room");
    }
    let feed = whole_feed(&node);
    node.stop().expect("it stops");
    judge(&disk.after_crash(3, 0), acked, feed.len());
}

/// A node that is told to stop while the disk is full says why it could not do all.
#[test]
fn a_node_that_is_stopped_while_the_disk_is_full_loses_nothing_that_was_acknowledged() {
    let (disk, clock) = (SimDisk::new(), Clock::manual(ZERO));
    let node = begun(&disk, &clock);
    let (fault, mut acked) = (node.fault(), 0);
    fill(&disk, &node, &mut acked, || fault.end());
    let Err(RuntimeError::Failed(cause)) = node.stop() else { panic!("something was left") };
    assert!(cause.contains("make room"), "{cause}");
    let disk = disk.after_crash(3, 0);
    disk.fill_at(disk.used());
    if let Err(error) = start(&disk, &settings(1), &clock).map(drop) {
        // What it would have to write does not fit either.
        assert!(matches!(error, RuntimeError::Storage(StorageError::Full { .. })), "{error}");
    }
    judge(&disk.after_crash(0, 100), acked, 0);
}

/// Everything acknowledged is there after a crash, and the feed is whole.
fn judge(disk: &SimDisk, acked: u64, events_min: usize) {
    let held = held(disk).expect("the journal is whole");
    for seq in 1..=acked {
        assert_eq!(held.positions.get(&(5, seq)), Some(&1), "{seq} of {acked}");
    }
    let (node, _) = start(disk, &settings(2), &Clock::manual(ZERO)).expect("it recovers");
    assert!(whole_feed(&node).len() >= events_min);
    node.stop().expect("it stops");
}
