//! What a shard is asked to do, and the bounded queue it comes through. What does not fit is
//! refused; positions may wait, in line, without holding a thread. Positions do not take the room
//! of commands and questions.

use core::time::Duration;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TryRecvError};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::{Semaphore, SemaphorePermit, oneshot};
use tokio::time::timeout;

use super::acks::Ticket;
use super::bell::Bell;
use super::commands::Committed;
use super::intake::{PartDone, SentFix};
use super::overload::{Stage, line_max};
use super::rounds::Wanted;
use crate::domain::command::Command;
use crate::domain::ids::PartitionId;
use crate::domain::time::Time;
use crate::engine::Engine;

/// One thing for a shard.
pub enum Mail {
    /// A sender's positions of this shard's couriers.
    Positions(PositionsMail),
    /// This shard's parts of a command frame.
    Commands(CommandsMail),
    /// A question, asked between two inputs.
    Ask(Box<dyn FnOnce(&Engine) + Send>),
    /// Somebody wants a snapshot.
    Snapshot(Wanted),
    /// There is nothing more.
    Stop,
}

/// A sender's positions of one shard's couriers, sorted.
pub struct PositionsMail {
    /// Who sent them; `None`: nobody who counts.
    pub ticket: Option<Ticket>,
    /// The session's number of the frame.
    pub frame: u64,
    /// The positions with their partitions.
    pub fixes: Vec<(PartitionId, SentFix)>,
    /// Where to say that they are durable.
    pub reply: UnboundedSender<PartDone>,
}

/// One shard's parts of a command frame.
pub struct CommandsMail {
    /// What all shards' parts have in common.
    pub frame: Arc<CommandFrame>,
    /// The parts, each with its place in the frame.
    pub parts: Vec<(usize, PartitionId, Command)>,
}

/// What is common to all parts of a command frame.
pub struct CommandFrame {
    /// The frame's number among the command frames, dense, from 1.
    pub place: u64,
    /// Receive time, but for partitions whose clock is ahead.
    pub at: Time,
    /// How many shards have parts of it.
    pub shards: usize,
    /// Admission's own bytes.
    pub note: Vec<u8>,
    /// Where to say that it is durable.
    pub reply: Mutex<Option<oneshot::Sender<Committed>>>,
}

/// The way into one shard.
#[derive(Clone)]
pub struct Mailbox {
    sender: Sender<Mail>,
    bell: Bell,
    rooms: Arc<Rooms>,
}

/// How much room a thing takes, and which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// So many positions.
    Positions(usize),
    /// So many command parts or questions.
    Others(usize),
}

/// Why there is no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoRoom {
    /// The shard works off nothing.
    Stalled,
    /// As much as may wait in line does.
    LineIsFull,
    /// The shard has stopped.
    Stopped,
}

/// The room of one mailbox.
struct Rooms {
    positions: Room,
    others: Room,
    /// Positions that wait in line for room.
    in_line: AtomicUsize,
    /// How many things the shard has worked off.
    worked_off: AtomicU64,
}

/// Room for so much. Whoever waits for some gets it before anybody who comes later, however little
/// that one needs.
struct Room {
    free: Semaphore,
    most: u32,
}

impl Mailbox {
    /// A mailbox for so many positions, a quarter as many command parts and questions, and its
    /// other end.
    #[must_use]
    pub fn new(mailbox_max: usize) -> (Self, Inbox) {
        // Bounded by `rooms`, which count what is in it by weight.
        let (sender, receiver) = crossbeam_channel::unbounded();
        let rooms = Arc::new(Rooms {
            positions: Room::new(mailbox_max),
            others: Room::new(mailbox_max / 4),
            in_line: AtomicUsize::new(0),
            worked_off: AtomicU64::new(0),
        });
        let bell = Bell::default();
        let inbox = Inbox { receiver, bell: bell.clone(), rooms: Arc::clone(&rooms) };
        (Self { sender, bell, rooms }, inbox)
    }

    /// Takes room for so much; `false`: there is none, or others wait for it. One thing always fits
    /// into an empty room.
    #[must_use]
    pub fn reserve(&self, weight: Weight) -> bool {
        self.rooms.of(weight).reserve(weight.amount())
    }

    /// Waits in line for room for so many positions, for as long as the shard goes on working.
    ///
    /// # Errors
    /// As much as may be waits in line already, for `stalled_after` the shard has worked off
    /// nothing, or it has stopped.
    pub async fn turn(
        &self,
        positions: usize,
        stalled_after: Duration,
    ) -> Result<SemaphorePermit<'_>, NoRoom> {
        let room = &self.rooms.positions;
        let _place = InLine::at_the_end(&self.rooms, positions).ok_or(NoRoom::LineIsFull)?;
        let mut turn = pin!(room.free.acquire_many(room.capped(positions)));
        loop {
            let worked_off = self.rooms.worked_off.load(Ordering::Relaxed);
            match timeout(stalled_after, turn.as_mut()).await {
                Ok(Ok(permit)) => return Ok(permit),
                Ok(Err(_)) => return Err(NoRoom::Stopped),
                Err(_) if self.rooms.worked_off.load(Ordering::Relaxed) == worked_off => {
                    return Err(NoRoom::Stalled);
                }
                Err(_) => {}
            }
        }
    }

    /// Gives room back that was reserved and not used.
    pub fn release(&self, weight: Weight) {
        self.rooms.of(weight).release(weight.amount());
    }

    /// How far behind its shard is.
    #[must_use]
    pub fn stage(&self) -> Stage {
        self.rooms.stage(0)
    }

    /// How much is in it.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.rooms.positions.taken() + self.rooms.others.taken()
    }

    /// Puts something in, for which there is room; `false`: the shard has stopped.
    #[must_use]
    pub fn put(&self, mail: Mail) -> bool {
        let is_put = self.sender.send(mail).is_ok();
        self.bell.ring();
        is_put
    }
}

/// The shard's end of its mailbox. Once it is dropped nobody waits for room any more.
pub struct Inbox {
    receiver: Receiver<Mail>,
    bell: Bell,
    rooms: Arc<Rooms>,
}

impl Inbox {
    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.receiver.is_empty()
    }

    /// The next thing, if there is one.
    #[must_use]
    pub fn next(&self) -> Option<Mail> {
        self.receiver.try_recv().ok()
    }

    /// Waits for the next thing, for so long at most.
    ///
    /// # Errors
    /// Nothing came, or nothing will come any more.
    pub fn wait(&self, patience: Duration) -> Result<Mail, RecvTimeoutError> {
        let until = Instant::now() + patience;
        loop {
            match self.receiver.try_recv() {
                Ok(mail) => return Ok(mail),
                Err(TryRecvError::Disconnected) => return Err(RecvTimeoutError::Disconnected),
                Err(TryRecvError::Empty) => {}
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(RecvTimeoutError::Timeout);
            }
            self.bell.wait(Some(left), || !self.receiver.is_empty());
        }
    }

    /// Whether the shard is behind, counting what waits beside the thing at hand.
    #[must_use]
    pub fn is_behind(&self, at_hand: Weight) -> bool {
        let but_for = match at_hand {
            Weight::Positions(at_hand) => at_hand,
            Weight::Others(_) => 0,
        };
        self.rooms.stage(but_for) >= Stage::Behind
    }

    /// Makes room: so much was worked on.
    pub fn done(&self, weight: Weight) {
        self.rooms.worked_off.fetch_add(1, Ordering::Relaxed);
        self.rooms.of(weight).release(weight.amount());
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        self.rooms.positions.free.close();
        self.rooms.others.free.close();
    }
}

impl Rooms {
    /// How far behind the shard is, but for so many positions.
    fn stage(&self, but_for: usize) -> Stage {
        let room = &self.positions;
        let taken = room.taken().saturating_sub(but_for);
        Stage::of(room.most as usize, taken, self.in_line.load(Ordering::Relaxed))
    }

    const fn of(&self, weight: Weight) -> &Room {
        match weight {
            Weight::Positions(_) => &self.positions,
            Weight::Others(_) => &self.others,
        }
    }
}

/// A place in the line for room, given up when it is dropped.
struct InLine<'a> {
    rooms: &'a Rooms,
    positions: usize,
}

impl<'a> InLine<'a> {
    /// Takes a place, unless the line is full; one thing always fits into an empty line.
    fn at_the_end(rooms: &'a Rooms, positions: usize) -> Option<Self> {
        let most = line_max(rooms.positions.most as usize);
        let positions = positions.min(most);
        let take = |in_line: usize| in_line.checked_add(positions).filter(|&sum| sum <= most);
        let taken = rooms.in_line.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
        taken.is_ok().then(|| Self { rooms, positions })
    }
}

impl Drop for InLine<'_> {
    fn drop(&mut self) {
        self.rooms.in_line.fetch_sub(self.positions, Ordering::Relaxed);
    }
}

impl Room {
    fn new(most: usize) -> Self {
        let most = u32::try_from(most).unwrap_or(u32::MAX).clamp(1, ROOM_MAX);
        Self { free: Semaphore::new(most as usize), most }
    }

    /// Whether there was some. There is where nobody works: what is put there is refused then.
    fn reserve(&self, amount: usize) -> bool {
        match self.free.try_acquire_many(self.capped(amount)) {
            Ok(permit) => {
                permit.forget();
                true
            }
            Err(_) => self.free.is_closed(),
        }
    }

    fn release(&self, amount: usize) {
        self.free.add_permits(self.capped(amount) as usize);
    }

    /// What is larger than the room takes all of it.
    fn capped(&self, amount: usize) -> u32 {
        u32::try_from(amount).unwrap_or(u32::MAX).min(self.most)
    }

    fn taken(&self) -> usize {
        (self.most as usize).saturating_sub(self.free.available_permits())
    }
}

impl Mail {
    /// How much room it takes.
    #[must_use]
    pub fn weight(&self) -> Weight {
        match self {
            Self::Positions(mail) => Weight::Positions(mail.fixes.len()),
            Self::Commands(mail) => Weight::Others(mail.parts.len()),
            Self::Ask(_) | Self::Snapshot(_) => Weight::Others(1),
            Self::Stop => Weight::Others(0),
        }
    }
}

impl Weight {
    const fn amount(self) -> usize {
        match self {
            Self::Positions(amount) | Self::Others(amount) => amount,
        }
    }
}

/// Far below what a semaphore may hold, on any machine.
const ROOM_MAX: u32 = 1 << 28;

#[cfg(test)]
mod tests {
    use core::future::Future;
    use core::pin::pin;
    use core::task::{Context, Poll, Waker};
    use core::time::Duration;

    use super::Weight::{Others, Positions};
    use super::{Mailbox, NoRoom};
    use crate::runtime::overload::Stage;

    /// Nothing is this late.
    const NEVER: Duration = Duration::from_secs(86_400);

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap()
    }

    #[test]
    fn it_is_behind_and_crowded_before_it_is_full_and_not_once_it_was_worked_off() {
        let (mailbox, inbox) = Mailbox::new(100);
        assert!(mailbox.reserve(Positions(50)) && mailbox.stage() == Stage::Behind);
        assert!(inbox.is_behind(Others(1)) && !inbox.is_behind(Positions(1)));
        assert!(mailbox.reserve(Positions(25)) && mailbox.stage() == Stage::Crowded);
        assert!(mailbox.reserve(Positions(25)) && !mailbox.reserve(Positions(1)));
        inbox.done(Positions(26));
        assert_eq!((mailbox.waiting(), mailbox.stage()), (74, Stage::Behind));
        inbox.done(Positions(74));
        assert_eq!(mailbox.stage(), Stage::Even);
    }

    #[test]
    fn positions_leave_room_for_questions_and_one_thing_always_fits() {
        let (mailbox, inbox) = Mailbox::new(8);
        assert!(mailbox.reserve(Positions(1_000)) && !mailbox.reserve(Positions(1)));
        assert!(mailbox.reserve(Others(1)) && mailbox.reserve(Others(1)));
        assert!(!mailbox.reserve(Others(1)));
        inbox.done(Positions(1_000));
        inbox.done(Others(1));
        assert_eq!(mailbox.waiting(), 1);
        assert!(mailbox.reserve(Positions(8)));
    }

    #[test]
    fn who_waits_gets_room_before_who_comes_later() {
        let runtime = runtime();
        let _guard = runtime.enter();
        let mut task = Context::from_waker(Waker::noop());
        let (mailbox, inbox) = Mailbox::new(100);
        assert!(mailbox.reserve(Positions(100)));
        let mut large = pin!(mailbox.turn(60, NEVER));
        let mut small = pin!(mailbox.turn(1, NEVER));
        assert!(large.as_mut().poll(&mut task).is_pending());
        assert!(small.as_mut().poll(&mut task).is_pending());
        inbox.done(Positions(59));
        assert!(!mailbox.reserve(Positions(1)), "there is room, but not for who comes later");
        assert!(small.as_mut().poll(&mut task).is_pending());
        inbox.done(Positions(1));
        let Poll::Ready(Ok(permit)) = large.as_mut().poll(&mut task) else {
            panic!("it is its turn");
        };
        permit.forget();
        assert!(small.as_mut().poll(&mut task).is_pending());
        inbox.done(Positions(1));
        assert!(matches!(small.as_mut().poll(&mut task), Poll::Ready(Ok(_))));
    }

    #[test]
    fn who_finds_the_line_full_is_refused_and_who_leaves_it_makes_room() {
        let runtime = runtime();
        let _guard = runtime.enter();
        let mut task = Context::from_waker(Waker::noop());
        let (mailbox, _inbox) = Mailbox::new(10);
        assert!(mailbox.reserve(Positions(10)));
        let mut first = Box::pin(mailbox.turn(1_000, NEVER));
        assert!(first.as_mut().poll(&mut task).is_pending());
        assert_eq!(mailbox.stage(), Stage::Full);
        let refused = pin!(mailbox.turn(1, NEVER)).poll(&mut task);
        assert!(matches!(refused, Poll::Ready(Err(NoRoom::LineIsFull))));
        drop(first);
        assert_eq!(mailbox.stage(), Stage::Crowded);
        assert!(pin!(mailbox.turn(20, NEVER)).poll(&mut task).is_pending());
    }

    #[test]
    fn only_a_shard_that_works_off_nothing_is_given_up() {
        let (mailbox, inbox) = Mailbox::new(10);
        assert!(mailbox.reserve(Positions(10)));
        let waited = runtime().block_on(mailbox.turn(1, Duration::from_millis(1)));
        assert!(matches!(waited, Err(NoRoom::Stalled)));
        drop(inbox);
        let waited = runtime().block_on(mailbox.turn(1, NEVER));
        assert!(matches!(waited, Err(NoRoom::Stopped)));
    }
}
