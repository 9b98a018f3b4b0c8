//! What panics once is forgiven; what panics twice quarantines the courier: its positions are
//! stored and not evaluated, everybody else is served, and it goes on once it is released.

mod support {
    pub mod fleet;
    pub mod trap;
    pub mod world;
}

use std::sync::Arc;

use doorstep::domain::command::Command;
use doorstep::domain::ids::CourierId;
use doorstep::domain::policy::{OverlapPolicy, Policy};
use doorstep::runtime::clock::Clock;
use doorstep::runtime::error::RuntimeError;
use doorstep::runtime::feed_reader::FeedEvent;
use doorstep::runtime::intake::{Delivery, Sender, SenderId};
use doorstep::runtime::node::{Node, NodeSettings};
use doorstep::storage::disk::Disk;
use doorstep::storage::panic_notes::PanicNotes;
use doorstep::storage::segment::{PANICS, snapshot_name};
use doorstep::storage::sim_disk::SimDisk;
use doorstep::storage::snapshot::{PieceKind, read_pieces};
use support::fleet::{COMPANY, fix, home, planned, route};
use support::trap::Trap;
use support::world::{ZERO, moved, origin};
use tokio::sync::mpsc::unbounded_channel;

const SICK: CourierId = CourierId(1);
const WELL: CourierId = CourierId(2);

/// A disk, a clock, and what makes the way of [`SICK`] panic: its stops alone lie 10 m north.
struct Ward {
    disk: SimDisk,
    clock: Clock,
    trap: Trap,
    sent: u64,
}

impl Ward {
    fn new() -> Self {
        let (disk, clock) = (SimDisk::new(), Clock::manual(ZERO));
        let ward = Self { disk, clock, trap: Trap::default(), sent: 0 };
        let node = ward.start().expect("it starts");
        for courier in [SICK, WELL] {
            let mut parts = planned(courier, 3);
            if let Some((_, Command::PutRoute(route))) = parts.last_mut()
                && courier == SICK
            {
                for node in &mut route.nodes {
                    if let doorstep::domain::route::Node::Order(order) = node {
                        let at = order.point.expect("it has one");
                        order.point = Some(moved(at, 0.0, 10.0));
                    }
                }
            }
            node.commands().commit_blocking(parts, note()).expect("it is committed");
        }
        node.stop().expect("it stops");
        Self { disk: ward.disk.after_kill(), ..ward }
    }

    fn start(&self) -> Result<Node, RuntimeError> {
        let disk: Arc<dyn Disk> = Arc::new(self.disk.clone());
        let settings = NodeSettings { shards: 2, ..NodeSettings::default() };
        let trap = self.trap.clone();
        let travel = move || trap.travel();
        Node::start(&settings, &disk, self.clock.clone(), &travel, &mut |_| ())
    }

    fn set_trap(&self) {
        self.trap.set(moved(origin(), 0.0, 10.0));
    }

    /// Both couriers move on; says of each whether it is durable.
    fn send(&mut self, node: &Node) -> [bool; 2] {
        self.clock.advance(5_000);
        self.sent += 1;
        [WELL, SICK].map(|courier| {
            let (reply, mut receiver) = unbounded_channel();
            let sender = Some(Sender { id: SenderId(courier.0.into()), boot: 1 });
            let fixes = vec![fix(courier, self.sent, self.clock.now(), self.sent)];
            let delivery = Delivery { sender, frame: self.sent, fixes, reply };
            let taken = node.intake().submit(delivery).is_ok();
            taken && receiver.blocking_recv().is_some_and(|done| done.refused.is_empty())
        })
    }

    fn crash(&mut self, node: Node) {
        assert!(node.stop().is_err(), "it failed");
        self.disk = self.disk.after_crash(7, 50);
    }
}

/// A note without changes, as admission writes it.
fn note() -> Vec<u8> {
    doorstep::storage::catalog::change::encode(&[]).expect("it can be written")
}

fn events(node: &Node, courier: CourierId) -> Vec<FeedEvent> {
    let page = node.feed().read(0, 10_000).expect("it can be read");
    page.events.into_iter().filter(|event| event.courier == courier).collect()
}

#[test]
fn what_panics_twice_quarantines_the_courier_and_nobody_else() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let mut ward = Ward::new();
    for times in 1..=2 {
        let node = ward.start().expect("it recovers");
        assert!(node.views().quarantined().is_empty(), "after {} panics", times - 1);
        ward.set_trap();
        let [well, sick] = ward.send(&node);
        assert!(well && !sick, "the batch that panicked is not acknowledged");
        let mut failed = node.fault().watch();
        runtime.block_on(failed.wait_for(|&failed| failed)).expect("it fails");
        assert!(node.fault().cause().is_some_and(|cause| cause.contains("panicked")));
        ward.trap.lift();
        ward.crash(node);
    }
    assert_eq!(ward.trap.sprung(), 2);
    // What failed twice would fail again, and is not evaluated any more.
    let node = ward.start().expect("it recovers");
    ward.set_trap();
    assert_eq!(node.views().quarantined().into_iter().collect::<Vec<_>>(), [SICK]);
    let before = (events(&node, WELL).len(), events(&node, SICK).len());
    for _ in 0..40 {
        assert_eq!(ward.send(&node), [true, true], "both are stored");
    }
    assert!(events(&node, WELL).len() > before.0, "the other is evaluated");
    assert_eq!(events(&node, SICK).len(), before.1, "this one is not");
    assert!(node.counts().quarantined >= 40, "and it is counted");
    node.stop().expect("it stops");
    // It outlives restarts.
    ward.trap.lift();
    ward.disk = ward.disk.after_crash(1, 100);
    let node = ward.start().expect("it recovers");
    assert!(node.views().quarantined().contains(&SICK));
    let release = vec![(home(SICK), Command::Release(SICK))];
    node.commands().commit_blocking(release, note()).expect("it is committed");
    assert!(node.views().quarantined().is_empty());
    for _ in 0..40 {
        assert_eq!(ward.send(&node), [true, true]);
    }
    assert!(events(&node, SICK).len() > before.1, "it is evaluated again");
    node.stop().expect("it stops");
}

#[test]
fn an_input_that_panics_twice_in_replay_does_not_keep_the_node_down() {
    let mut ward = Ward::new();
    let node = ward.start().expect("it starts");
    for _ in 0..10 {
        assert_eq!(ward.send(&node), [true, true]);
    }
    let well = events(&node, WELL);
    node.stop().expect("it stops");
    ward.set_trap();
    for _ in 0..2 {
        ward.disk = ward.disk.after_kill();
        let refused = ward.start().map(drop);
        let error = refused.expect_err("it panics").to_string();
        assert!(error.contains("evaluating courier 1 panicked in replay"), "{error}");
    }
    ward.disk = ward.disk.after_kill();
    let node = ward.start().expect("it recovers");
    assert_eq!(node.views().quarantined().into_iter().collect::<Vec<_>>(), [SICK]);
    let events = events(&node, WELL);
    assert_eq!(events.len(), well.len(), "the other's events are all there");
    assert_eq!(ward.send(&node), [true, true]);
    node.stop().expect("it stops");
}

#[test]
fn what_a_replay_went_past_since_has_not_panicked_twice() {
    let mut ward = Ward::new();
    let node = ward.start().expect("it starts");
    for _ in 0..10 {
        assert_eq!(ward.send(&node), [true, true]);
    }
    let told = events(&node, SICK);
    node.stop().expect("it stops");
    for _ in 0..3 {
        ward.disk = ward.disk.after_kill();
        ward.set_trap();
        ward.start().map(drop).expect_err("it panics");
        ward.trap.lift();
        // Now it does not, and others act on what it tells.
        ward.disk = ward.disk.after_kill();
        let node = ward.start().expect("it recovers");
        assert!(node.views().quarantined().is_empty());
        assert_eq!(events(&node, SICK), told, "what was published is there");
        node.stop().expect("it stops");
    }
    let notes = PanicNotes::read(&ward.disk).expect("they can be read");
    assert!(notes.twice_replayed().is_empty());
    assert_eq!(ward.disk.open(PANICS).and_then(|file| file.size()).expect("it is there"), 20);
}

/// Commits a command for a courier.
fn command(node: &Node, courier: CourierId, command: Command) {
    let parts = vec![(home(courier), command)];
    node.commands().commit_blocking(parts, note()).expect("it is committed");
}

/// Who is quarantined, what waits, and settings that change meanwhile, with a restart in between,
/// from a snapshot or from the journal; gives the feed.
fn held_over_a_restart(takes_snapshot: bool) -> Vec<FeedEvent> {
    let mut ward = Ward::new();
    let node = ward.start().expect("it recovers");
    for _ in 0..10 {
        assert_eq!(ward.send(&node), [true, true]);
    }
    command(&node, SICK, Command::Quarantine(SICK));
    let overlap_policy = OverlapPolicy::Nearest;
    let policy = Policy { overlap_policy, ..Policy::default() };
    for courier in [SICK, WELL] {
        command(&node, courier, Command::PutPolicy { company: COMPANY, policy: policy.clone() });
    }
    command(&node, SICK, Command::PutRoute(route(SICK, 5)));
    for _ in 0..5 {
        assert_eq!(ward.send(&node), [true, true]);
    }
    if takes_snapshot {
        node.snapshots().force().expect("the disk lives");
    }
    node.stop().expect("it stops");
    ward.disk = ward.disk.after_crash(1, 100);
    let node = ward.start().expect("it recovers");
    assert_eq!(node.recovered().snapshot.is_some(), takes_snapshot);
    assert_eq!(node.recovered().frames == 0, takes_snapshot, "the snapshot holds everything");
    assert_eq!(node.views().quarantined().into_iter().collect::<Vec<_>>(), [SICK]);
    assert_eq!(ward.send(&node), [true, true]);
    command(&node, SICK, Command::Release(SICK));
    assert!(node.views().quarantined().is_empty());
    for _ in 0..40 {
        assert_eq!(ward.send(&node), [true, true]);
    }
    let feed = node.feed().read(0, 10_000).expect("it can be read").events;
    node.stop().expect("it stops");
    feed
}

#[test]
fn a_snapshot_holds_who_is_quarantined_and_what_waits() {
    let feed = held_over_a_restart(true);
    assert_eq!(feed, held_over_a_restart(false), "from a snapshot, and from the journal");
}

#[test]
fn of_an_erased_courier_nothing_waits_in_a_snapshot() {
    let ward = Ward::new();
    let node = ward.start().expect("it recovers");
    command(&node, SICK, Command::Quarantine(SICK));
    command(&node, SICK, Command::PutRoute(route(SICK, 5)));
    let waiting = |number| {
        let (name, mut found) = (snapshot_name(number), 0);
        let size = ward.disk.bytes(&name).len() as u64;
        read_pieces(&ward.disk, &name, size, &mut |piece| {
            found += usize::from(piece.kind == PieceKind::Quarantine);
            Ok(())
        })
        .expect("it is whole");
        found
    };
    node.snapshots().force().expect("the disk lives");
    assert_eq!(waiting(1), 1);
    command(&node, SICK, Command::EraseCourier { courier: SICK });
    node.snapshots().force().expect("the disk lives");
    assert_eq!(waiting(2), 0);
    assert!(node.views().quarantined().is_empty());
    node.stop().expect("it stops");
}
