//! A node from the outside: what its handles promise to sessions and to the API.

mod support {
    pub mod fleet;
    pub mod simulated;
    pub mod world;
}

use std::path::PathBuf;
use std::sync::Arc;

use doorstep::domain::event::EventKind;
use doorstep::domain::ids::{CompanyId, CourierId, OrderId, RouteId};
use doorstep::domain::notification::NotificationKind;
use doorstep::domain::order::OrderStatus;
use doorstep::domain::time::Time;
use doorstep::engine::output::DropReason;
use doorstep::runtime::clock::Clock;
use doorstep::runtime::error::{CommandError, RuntimeError, SubmitError};
use doorstep::runtime::feed_reader::FeedBody;
use doorstep::runtime::intake::{Delivery, PartDone, Refused, Sender, SenderId, SentFix};
use doorstep::runtime::node::{Node, NodeSettings};
use doorstep::storage::disk::{Disk, RealDisk};
use doorstep::storage::error::StorageError;
use doorstep::storage::sim_disk::SimDisk;
use doorstep::travel::straight_line::StraightLine;
use support::fleet::{COMPANY, fix, planned};
use support::simulated::{held, settings, start, whole_feed};
use support::world::{ZERO, origin};
use tokio::sync::mpsc::unbounded_channel;

const DEVICE: Sender = Sender { id: SenderId(3), boot: 1 };
const COURIER: CourierId = CourierId(1);

/// Sends and waits; what was refused.
fn deliver(node: &Node, sender: Option<Sender>, fixes: Vec<SentFix>) -> Vec<Refused> {
    let (reply, mut receiver) = unbounded_channel();
    let parts = node.intake().submit(Delivery { sender, frame: 5, fixes, reply });
    let mut refused = Vec::new();
    for _ in 0..parts.expect("there is room") {
        let PartDone { frame, refused: more } = receiver.blocking_recv().expect("an answer");
        assert_eq!(frame, 5);
        refused.extend(more);
    }
    assert!(receiver.try_recv().is_err(), "no more than was said");
    refused
}

fn planned_node(disk: &SimDisk, clock: &Clock, couriers: u32) -> Node {
    let (node, _) = start(disk, &settings(2), clock).expect("it starts");
    let parts = (1..=couriers).flat_map(|courier| planned(CourierId(courier), 3)).collect();
    node.commands().commit_blocking(parts, Vec::new()).expect("it is committed");
    node
}

/// A courier walks along all three orders.
fn walk(node: &Node, clock: &Clock, courier: CourierId) {
    for tick in 0..30 {
        clock.advance(5_000);
        deliver(node, None, vec![fix(courier, tick, clock.now(), 1)]);
    }
}

#[test]
fn what_is_sent_again_is_stored_once() {
    let (disk, clock) = (SimDisk::new(), Clock::manual(ZERO));
    let node = planned_node(&disk, &clock, 1);
    let fixes = |range: core::ops::Range<u64>| {
        range.map(|seq| fix(COURIER, seq, ZERO, seq)).collect::<Vec<_>>()
    };
    deliver(&node, Some(DEVICE), fixes(1..6));
    deliver(&node, Some(DEVICE), fixes(1..6));
    deliver(&node, Some(DEVICE), fixes(3..9));
    assert_eq!(node.intake().acked(DEVICE), 8);
    // Another boot begins anew; a latecomer of the old one is stored, and not followed.
    let later = Sender { boot: 2, ..DEVICE };
    deliver(&node, Some(later), fixes(1..3));
    assert_eq!((node.intake().acked(later), node.intake().acked(DEVICE)), (2, 0));
    node.stop().expect("it stops");
    let disk = disk.after_crash(0, 100);
    let counts = held(&disk).expect("it is whole").positions;
    assert_eq!(counts[&(3, 1)], 2, "once a boot");
    assert_eq!(counts[&(3, 8)], 1);
    let (node, _) = start(&disk, &settings(1), &clock).expect("it starts");
    assert_eq!(node.intake().acked(later), 2, "a device's number survives");
    deliver(&node, Some(later), fixes(1..3));
    node.stop().expect("it stops");
    let held = held(&disk).expect("it is whole");
    assert_eq!(held.positions.values().sum::<u32>(), 10);
}

#[test]
fn refusals_are_named() {
    let (disk, clock) = (SimDisk::new(), Clock::manual(ZERO));
    let node = planned_node(&disk, &clock, 1);
    let good = fix(COURIER, 0, ZERO, 1);
    let day_old = SentFix { seq: 2, ..fix(COURIER, 0, Time::from_ms(ZERO.ms() - 86_400_001), 2) };
    let unknown = SentFix { seq: 3, courier: CourierId(77), ..good.clone() };
    let stranger = SentFix { seq: 4, company: CompanyId(8), ..good.clone() };
    let wrong_route = SentFix { seq: 5, route: Some(RouteId(99)), ..good.clone() };
    let mut refused =
        deliver(&node, Some(DEVICE), vec![good, day_old, unknown, stranger, wrong_route]);
    refused.sort_by_key(|refused| refused.seq);
    let reasons: Vec<_> = refused.iter().map(|refused| (refused.seq, refused.reason)).collect();
    let expected = [
        (2, DropReason::TooOld),
        (3, DropReason::UnknownCourier),
        (4, DropReason::UnknownCourier),
        (5, DropReason::Route),
    ];
    assert_eq!(reasons, expected);
    assert_eq!(node.intake().acked(DEVICE), 5, "refused counts as done");
    let fixes = (1..20_000).map(|seq| fix(COURIER, 0, ZERO, seq)).collect();
    let (reply, _receiver) = unbounded_channel();
    let delivery = Delivery { sender: None, frame: 1, fixes, reply };
    assert!(matches!(node.intake().submit(delivery), Err(SubmitError::TooLarge { .. })));
}

#[test]
fn a_history_follows_the_orders_chain() {
    let (disk, clock) = (SimDisk::new(), Clock::manual(ZERO));
    let node = planned_node(&disk, &clock, 3);
    for courier in 1..=3 {
        walk(&node, &clock, CourierId(courier));
    }
    let feed = whole_feed(&node);
    for courier in 1..=3_u64 {
        let order = OrderId(courier * 1_000);
        let history = node.feed().history(order).expect("it can be read");
        let expected: Vec<_> = feed
            .iter()
            .filter(|event| matches!(event.body, FeedBody::Event(event) if event.order == order))
            .cloned()
            .collect();
        assert_eq!(history, expected);
        let FeedBody::Event(first) = &history[0].body else { panic!("an entry") };
        assert_eq!(first.kind, EventKind::OrderCreated);
        assert!(history.len() > 4, "created, start, next, arrival, visit: {}", history.len());
    }
    assert_eq!(node.feed().history(OrderId(999_999)).expect("it can be read"), Vec::new());
    let page = node.feed().read(3, 2).expect("it can be read");
    assert_eq!((page.events.as_slice(), page.next, page.gap), (&feed[3..5], 5, None));
    assert_eq!(node.feed().head(), feed.len() as u64);
}

#[test]
fn notifications_are_numbered_by_company_in_feed_order() {
    let (disk, clock) = (SimDisk::new(), Clock::manual(ZERO));
    let node = planned_node(&disk, &clock, 2);
    walk(&node, &clock, CourierId(1));
    walk(&node, &clock, CourierId(2));
    let told: Vec<_> = whole_feed(&node)
        .into_iter()
        .filter_map(|event| match event.body {
            FeedBody::Notification { notification, id, time } => {
                Some((notification.kind, id, time))
            }
            FeedBody::Event(_) | FeedBody::Eta { .. } | FeedBody::RouteViolated { .. } => None,
        })
        .collect();
    assert!(told.iter().any(|(kind, ..)| *kind == NotificationKind::ShiftStart));
    assert!(told.iter().map(|(_, id, _)| *id).eq(1..=told.len() as u64));
    assert!(told.windows(2).all(|pair| pair[0].2 <= pair[1].2), "times never step back");
}

#[test]
fn questions_see_what_was_committed() {
    let (disk, clock) = (SimDisk::new(), Clock::manual(ZERO));
    let node = planned_node(&disk, &clock, 4);
    for courier in 1..=4 {
        walk(&node, &clock, CourierId(courier));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    runtime.expect("a runtime").block_on(async {
        let views = node.views();
        let order = views.order(COURIER, RouteId(2), OrderId(1_000)).await;
        let order = order.expect("an answer").expect("it is there");
        assert!(order.is_started && order.is_visited && !order.has_open_stay);
        assert_eq!((order.status, order.queue_position), (OrderStatus::Finished, None));
        let route =
            views.route(COURIER, RouteId(2)).await.expect("an answer").expect("it is there");
        assert_eq!(route.orders.len(), 3);
        assert_eq!(route.orders[0], order);
        assert_eq!(views.route(COURIER, RouteId(3)).await, Ok(None));
        let near = views.couriers_near(COMPANY, origin(), 1_000.0, 3).await.expect("an answer");
        let nearest = views.couriers_nearest(COMPANY, origin(), 3).await.expect("an answer");
        assert_eq!(near, nearest, "all of them are that near");
        assert_eq!(near.len(), 3);
        assert!(near.is_sorted_by_key(|(near, _)| *near));
    });
}

#[test]
fn readers_are_woken_and_let_go() {
    let (disk, clock) = (SimDisk::new(), Clock::manual(ZERO));
    let node = planned_node(&disk, &clock, 1);
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let (feed, commands) = (node.feed(), node.commands());
    let head = feed.head();
    let (beyond, committed) = runtime.block_on(async {
        tokio::join!(
            feed.wait_beyond(head),
            commands.commit(planned(CourierId(2), 1), b"note".to_vec())
        )
    });
    assert_eq!(committed.map(|committed| committed.journal_place), Ok(2));
    assert!(beyond.is_some_and(|beyond| beyond > head));
    node.stop().expect("it stops");
    assert_eq!(runtime.block_on(feed.wait_beyond(feed.head())), None);
    let refused = commands.commit_blocking(Vec::new(), Vec::new());
    assert_eq!(refused, Err(CommandError::Stopped));
}

#[test]
fn notes_come_back_in_order() {
    let (disk, clock) = (SimDisk::new(), Clock::manual(ZERO));
    let (node, notes) = start(&disk, &settings(3), &clock).expect("it starts");
    assert!(notes.is_empty());
    for number in 0..20_u8 {
        let parts = if number % 3 == 0 { Vec::new() } else { planned(CourierId(1), 2) };
        let committed = node.commands().commit_blocking(parts, vec![number]).expect("it is");
        assert_eq!(committed.journal_place, u64::from(number) + 1);
    }
    let too_large = node.commands().commit_blocking(Vec::new(), vec![0; 64 << 10]);
    assert_eq!(too_large, Err(CommandError::TooLarge));
    node.stop().expect("it stops");
    let (node, notes) = start(&disk.after_crash(0, 100), &settings(1), &clock).expect("it starts");
    assert!(notes.iter().map(|note| note.journal_place).eq(1..=20));
    assert!(notes.iter().map(|note| note.bytes.clone()).eq((0..20).map(|number| vec![number])));
    let next = node.commands().commit_blocking(Vec::new(), Vec::new()).expect("it is committed");
    assert_eq!(next.journal_place, 21);
}

/// Real files: what one node leaves, the next finds; two at once are refused.
#[test]
fn a_directory_is_kept_and_locked() {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("node-directory");
    let clock = Clock::manual(ZERO);
    let started = |shards| {
        let disk: Arc<dyn Disk> = Arc::new(RealDisk::open(&directory).expect("it can be made"));
        for name in disk.names().expect("it can be read") {
            if shards == 2 && name != "lock" {
                disk.remove(&name).expect("it was there");
            }
        }
        let settings = NodeSettings { shards, ..settings(1) };
        let travel = || Box::new(StraightLine::default()) as _;
        Node::start(&settings, &disk, clock.clone(), &travel, &mut |_| ())
    };
    let node = started(2).expect("it starts");
    let parts = planned(COURIER, 3);
    node.commands().commit_blocking(parts, Vec::new()).expect("it is committed");
    let second = started(1).map(|_| ());
    assert!(matches!(second, Err(RuntimeError::Storage(StorageError::Locked))));
    walk(&node, &clock, COURIER);
    let feed = whole_feed(&node);
    node.stop().expect("it stops");
    let node = started(1).expect("it starts");
    assert_eq!(node.recovered().feed_rewritten_bytes, 0);
    assert_eq!(whole_feed(&node), feed);
}

#[test]
fn a_scaled_clock_runs_faster_and_never_back() {
    let clock = Clock::scaled(1e6, Some(ZERO));
    let mut before = clock.now();
    assert!(before >= ZERO);
    for _ in 0..1_000 {
        let now = clock.now();
        assert!(now >= before);
        before = now;
    }
    assert!(before > ZERO, "a microsecond is a second");
    assert_eq!(clock.scale(), Some(1e6));
}
