//! What gives way when a shard does not work: first ETAs that are only to be refreshed, then new
//! sessions, then frames; and no position that was taken in. What gave way is in the journal, so
//! that a replay tells the same.

mod support {
    pub mod fleet;
    pub mod world;
}

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use doorstep::domain::ids::CourierId;
use doorstep::domain::time::SECOND_MS;
use doorstep::runtime::clock::Clock;
use doorstep::runtime::error::SubmitError;
use doorstep::runtime::intake::{Delivery, PartDone, Sender, SenderId};
use doorstep::runtime::node::NodeSettings;
use doorstep::runtime::overload::Stage;
use doorstep::runtime::retainers::Retainers;
use doorstep::runtime::stepped::SteppedNode;
use doorstep::storage::disk::Disk;
use doorstep::storage::feed_event::{FeedBody, FeedEvent};
use doorstep::storage::sim_disk::SimDisk;
use doorstep::travel::straight_line::StraightLine;
use support::fleet::{fix, planned};
use support::world::ZERO;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

const COURIER: CourierId = CourierId(1);
const MAILBOX_MAX: usize = 64;
/// So long the courier stands at first.
const STANDING_TICKS: u64 = 36;
/// Positions of one delivery.
const FIXES: u64 = 8;
/// Nothing is this late.
const NEVER: Duration = Duration::from_secs(86_400);

/// A node that works only when it is told to.
fn start(disk: &SimDisk, shards: usize, clock: &Clock) -> SteppedNode {
    let disk: Arc<dyn Disk> = Arc::new(disk.clone());
    let settings = NodeSettings {
        shards,
        mailbox_max: MAILBOX_MAX,
        segment_bytes: 1 << 20,
        feed_segment_bytes: 1 << 20,
        ..NodeSettings::default()
    };
    let travel = || Box::new(StraightLine::default()) as _;
    let on_full = || -> Box<dyn Fn() -> bool + Send + Sync> { Box::new(|| false) };
    let clock = clock.clone();
    let retainers = Retainers::default();
    SteppedNode::start(&settings, &disk, clock, &travel, retainers, &mut |_| (), &on_full)
        .expect("it starts")
}

/// A node of one shard with a courier who has three orders, and a clock beyond all positions.
fn planned_node(disk: &SimDisk) -> SteppedNode {
    let clock = Clock::manual(ZERO);
    let mut node = start(disk, 1, &clock);
    let pending = node.commands().begin(planned(COURIER, 3), Vec::new());
    work_off(&mut node);
    drop(pending.expect("it is taken"));
    clock.advance(1_000 * SECOND_MS);
    node
}

fn work_off(node: &mut SteppedNode) {
    while (0..node.shards()).any(|shard| node.shard_has_work(shard)) || node.committer_has_work() {
        (0..node.shards()).for_each(|shard| node.step_shard(shard));
        node.step_committer();
    }
}

/// The nth delivery: positions 5 s apart, of a courier who stands and then drives 20 m in each 5 s.
fn delivery(nth: u64, reply: &UnboundedSender<PartDone>) -> Delivery {
    let ticks = nth * FIXES..(nth + 1) * FIXES;
    let at = |tick: u64| ZERO + (tick as i64) * 5 * SECOND_MS;
    Delivery {
        sender: Some(Sender { id: SenderId(1), boot: 1 }),
        frame: nth,
        fixes: ticks
            .map(|tick| fix(COURIER, tick.saturating_sub(STANDING_TICKS), at(tick), tick + 1))
            .collect(),
        reply: reply.clone(),
    }
}

fn feed(node: &SteppedNode) -> Vec<FeedEvent> {
    node.feed().read(0, 10_000).expect("it can be read").events
}

fn count(feed: &[FeedEvent], is: impl Fn(&FeedBody) -> bool) -> usize {
    feed.iter().filter(|event| is(&event.body)).count()
}

#[test]
fn etas_give_way_first_then_sessions_then_frames_and_no_position() {
    let disk = SimDisk::new();
    let mut node = planned_node(&disk);
    let intake = node.intake();
    let (reply, mut done) = unbounded_channel();
    let mut task = Context::from_waker(Waker::noop());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let runtime = runtime.expect("a runtime");
    let _guard = runtime.enter();

    // In the order of coming: what a mailbox holds, the stage it is at then.
    let mut stages = Vec::new();
    for nth in 0..MAILBOX_MAX as u64 / FIXES {
        assert_eq!(intake.submit(delivery(nth, &reply)).expect("there is room"), 1);
        stages.push((intake.stage(), intake.refuses_session()));
    }
    let expected = [(Stage::Even, false); 3].into_iter();
    let expected = expected.chain([(Stage::Behind, false); 2]).chain([(Stage::Crowded, true); 3]);
    assert!(stages.iter().copied().eq(expected), "{stages:?}");
    // Those who are in wait in line; once that is full, their frames are refused.
    let mut waiting: Vec<_> =
        (8..24).map(|nth| Box::pin(intake.submit_in_turn(delivery(nth, &reply), NEVER))).collect();
    for waiting in &mut waiting {
        assert!(waiting.as_mut().poll(&mut task).is_pending());
    }
    assert_eq!(intake.stage(), Stage::Full);
    let refused = pin!(intake.submit_in_turn(delivery(24, &reply), NEVER)).poll(&mut task);
    assert!(matches!(refused, Poll::Ready(Err(SubmitError::Overloaded(_)))));
    intake.offer(delivery(25, &reply));

    while !waiting.is_empty() {
        node.step_shard(0);
        node.step_committer();
        waiting.retain_mut(|waiting| match waiting.as_mut().poll(&mut task) {
            Poll::Pending => true,
            Poll::Ready(taken) => {
                assert_eq!(taken.expect("it has its turn"), 1);
                false
            }
        });
    }
    work_off(&mut node);
    assert_eq!(intake.stage(), Stage::Even);
    let frames: Vec<u64> = core::iter::from_fn(|| done.try_recv().ok())
        .map(|PartDone { frame, refused }| {
            assert_eq!(refused, []);
            frame
        })
        .collect();
    assert!(frames.into_iter().eq(0..24), "all that was taken is durable, in order");
    assert_eq!(intake.acked(Sender { id: SenderId(1), boot: 1 }), 24 * FIXES);

    let counts = node.counts();
    assert_eq!((counts.sessions_refused, counts.frames_refused), (3, 1));
    assert_eq!(counts.datagrams_dropped, 1);
    // The last ones come when less than half the room is taken.
    assert_eq!(counts.eta_shed_positions, (24 - 4) * FIXES);
    let told = feed(&node);
    assert_eq!(count(&told, |body| is_event(body, "ARRIVAL")), 3, "no fence was passed over");
    assert_eq!(count(&told, |body| is_event(body, "DEPARTURE")), 3);
    end(node);

    for shards in [1, 3] {
        let again = start(&disk.after_kill(), shards, &Clock::manual(ZERO));
        assert_eq!(feed(&again), told, "replayed on {shards} shards");
        end(again);
    }
}

#[test]
fn the_same_positions_without_overload_tell_the_same_events() {
    let told = [true, false].map(|is_stalled| {
        let mut node = planned_node(&SimDisk::new());
        let (reply, _done) = unbounded_channel();
        for nth in 0..MAILBOX_MAX as u64 / FIXES {
            node.intake().submit(delivery(nth, &reply)).expect("there is room");
            if !is_stalled {
                work_off(&mut node);
            }
        }
        work_off(&mut node);
        assert_eq!(node.counts().eta_shed_positions > 0, is_stalled);
        let told = feed(&node);
        end(node);
        told
    });
    let others = told.map(|told| {
        let events = told.into_iter().filter_map(|event| match event.body {
            FeedBody::Event(event) => Some(event),
            _ => None,
        });
        events.collect::<Vec<_>>()
    });
    assert!(!others[0].is_empty());
    assert_eq!(others[0], others[1]);
}

fn is_event(body: &FeedBody, name: &str) -> bool {
    matches!(body, FeedBody::Event(event) if event.kind.name() == name)
}

fn end(mut node: SteppedNode) {
    node.end();
    while !node.has_ended() {
        (0..node.shards()).for_each(|shard| node.step_shard(shard));
        node.step_committer();
    }
    node.step_tracks();
}
