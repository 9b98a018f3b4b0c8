//! A shard that is behind: who waits for room is taken in the order of coming, whoever sends most
//! holds up nobody, and nobody is refused while the shard works.

#![expect(clippy::disallowed_methods, reason = "a thread stops the node while others wait")]
#![expect(clippy::await_holding_lock, reason = "the shard stands at the gate while others wait")]

mod support {
    pub mod fleet;
    pub mod gated;
    pub mod world;
}

use std::sync::{Arc, Mutex};
use std::time::Duration;

use doorstep::domain::ids::CourierId;
use doorstep::runtime::clock::Clock;
use doorstep::runtime::error::SubmitError;
use doorstep::runtime::intake::{Delivery, Intake, PartDone, Sender, SenderId};
use doorstep::runtime::node::{Node, NodeSettings};
use doorstep::storage::disk::Disk;
use doorstep::storage::sim_disk::SimDisk;
use support::fleet::{fix, planned};
use support::gated::{Gated, hold};
use support::world::ZERO;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

const COURIER: CourierId = CourierId(1);
const MAILBOX_MAX: usize = 64;
/// Nothing is this late.
const NEVER: Duration = Duration::from_secs(86_400);

fn start(gate: &Arc<Mutex<()>>) -> Node {
    let disk: Arc<dyn Disk> = Arc::new(SimDisk::new());
    let settings = NodeSettings { mailbox_max: MAILBOX_MAX, ..NodeSettings::default() };
    let gate = Arc::clone(gate);
    let travel = move || Box::new(Gated(Arc::clone(&gate))) as _;
    let node = Node::start(&settings, &disk, Clock::manual(ZERO), &travel, &mut |_| ());
    let node = node.expect("it starts");
    node.commands().commit_blocking(planned(COURIER, 3), Vec::new()).expect("it is committed");
    node
}

/// So many positions of one sender.
fn delivery(sender: u64, frame: u64, fixes: u64, reply: &UnboundedSender<PartDone>) -> Delivery {
    let first = frame * 1_000;
    Delivery {
        sender: Some(Sender { id: SenderId(sender), boot: 1 }),
        frame,
        fixes: (1..=fixes).map(|n| fix(COURIER, 0, ZERO, first + n)).collect(),
        reply: reply.clone(),
    }
}

/// One delivery that takes all the room.
fn fill(intake: &Intake, reply: &UnboundedSender<PartDone>) {
    let full = delivery(1, 0, MAILBOX_MAX as u64, reply);
    assert_eq!(intake.submit(full).expect("it is empty"), 1);
}

#[test]
fn who_sends_most_holds_up_nobody_and_nobody_is_refused() {
    let gate = Arc::new(Mutex::new(()));
    let node = start(&gate);
    let intake = node.intake();
    let (reply, mut done) = unbounded_channel();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    runtime.expect("a runtime").block_on(async {
        let held = hold(&gate);
        fill(&intake, &reply);
        // The greedy one, who always has more, and then those with one position each.
        let (greedy, to) = (intake.clone(), reply.clone());
        let greedy = tokio::spawn(async move {
            for frame in 100..110 {
                let delivery = delivery(2, frame, MAILBOX_MAX as u64, &to);
                greedy.submit_in_turn(delivery, NEVER).await.expect("it has its turn");
            }
        });
        let modest = (1..=20).map(|frame| {
            let (modest, delivery) = (intake.clone(), delivery(frame + 2, frame, 1, &reply));
            tokio::spawn(async move {
                modest.submit_in_turn(delivery, NEVER).await.expect("it has its turn");
            })
        });
        let modest: Vec<_> = modest.collect();
        tokio::task::yield_now().await;
        let late = intake.submit(delivery(1, 1, 1, &reply));
        assert!(matches!(late, Err(SubmitError::Overloaded(_))));
        drop(held);
        let mut order = Vec::new();
        while order.len() < 31 {
            let PartDone { frame, refused } = done.recv().await.expect("the node runs");
            assert_eq!(refused, []);
            order.push(frame);
        }
        let expected: Vec<_> = [0, 100].into_iter().chain(1..=20).chain(101..110).collect();
        assert_eq!(order, expected);
        greedy.await.expect("it has sent all");
        for modest in modest {
            modest.await.expect("it has sent all");
        }
    });
    assert_eq!(intake.acked(Sender { id: SenderId(2), boot: 1 }), 109_064);
    assert_eq!(intake.waiting(), 0);
    node.stop().expect("it stops");
}

#[test]
fn a_shard_that_stands_is_given_up_and_answers_questions_no_later_for_it() {
    let gate = Arc::new(Mutex::new(()));
    let node = start(&gate);
    let intake = node.intake();
    let (reply, mut done) = unbounded_channel();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    runtime.expect("a runtime").block_on(async {
        let held = hold(&gate);
        fill(&intake, &reply);
        let waited = intake.submit_in_turn(delivery(1, 1, 1, &reply), Duration::ZERO).await;
        let Err(SubmitError::Overloaded(back)) = waited else { panic!("the shard stands") };
        // Who gave up is not in line any more, and positions leave room for questions.
        let asked = node.views().upcoming(COURIER, 5).expect("there is room for a question");
        drop(held);
        assert_eq!(done.recv().await.map(|done| done.frame), Some(0));
        assert!(!asked.await.expect("an answer").is_empty());
        assert_eq!(intake.submit_in_turn(*back, NEVER).await.expect("there is room"), 1);
        assert_eq!(done.recv().await.map(|done| done.frame), Some(1));
    });
    node.stop().expect("it stops");
}

#[test]
fn who_waits_is_let_go_when_the_node_stops() {
    let gate = Arc::new(Mutex::new(()));
    let node = start(&gate);
    let intake = node.intake();
    let (reply, mut done) = unbounded_channel();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    runtime.expect("a runtime").block_on(async {
        let held = hold(&gate);
        fill(&intake, &reply);
        let (waiting, last) = (intake.clone(), delivery(1, 1, MAILBOX_MAX as u64, &reply));
        let waiting = tokio::spawn(async move { waiting.submit_in_turn(last, NEVER).await });
        tokio::task::yield_now().await;
        let stopping = std::thread::spawn(move || node.stop());
        drop((held, reply));
        // It may have had its turn just before the end: then nobody takes it any more.
        let taken = waiting.await.expect("no panic");
        assert!(matches!(taken, Ok(1) | Err(SubmitError::Stopped)), "{taken:?}");
        assert_eq!(done.recv().await.map(|done| done.frame), Some(0));
        stopping.join().expect("no panic").expect("it stops");
    });
}
