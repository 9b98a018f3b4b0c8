//! Those who send positions: a device for each courier, and a gateway for all of them. Each knows
//! what it sent and what it was told is durable, over any number of sessions and processes.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use doorstep::domain::geo::Point;
use doorstep::domain::ids::CourierId;
use doorstep::domain::position::Position;
use doorstep::domain::time::Time;
use doorstep::runtime::error::SubmitError;
use doorstep::runtime::intake::{Delivery, Intake, PartDone, Sender, SenderId, SentFix};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::chance::Chance;
use super::documents::{COMPANY, stop};
use crate::support::world::moved;

/// A position as its sender numbered it.
pub type Numbered = (u64, u64, u64);

/// One sender, and its session with the process that lives.
pub struct Device {
    id: u64,
    boot: u64,
    /// Of this boot; the number of each is its place from 1.
    sent: Vec<SentFix>,
    /// What was told to be durable, of this boot.
    acked: u64,
    /// What was told to be durable in earlier boots.
    acked_before: BTreeSet<(Numbered, CourierId)>,
    session: Option<Session>,
}

struct Session {
    /// Number of the next position to be submitted.
    next: u64,
    submitted: Vec<(u64, u64)>,
    waiting: Option<Waiting>,
    promised: usize,
    answered: usize,
    reply: UnboundedSender<PartDone>,
    replies: UnboundedReceiver<PartDone>,
}

struct Waiting {
    first: u64,
    turn: Pin<Box<dyn Future<Output = Result<usize, SubmitError>>>>,
}

impl Device {
    /// A sender that has sent nothing yet.
    pub fn new(id: u64) -> Self {
        let (sent, acked_before) = (Vec::new(), BTreeSet::new());
        Self { id, boot: 1, sent, acked: 0, acked_before, session: None }
    }

    /// The courier is somewhere, and the device notes it.
    pub fn note(&mut self, courier: CourierId, tick: u64, t: Time) {
        let north_m = f64::from(courier.0 % 3);
        let point: Point = moved(stop(courier, 0), 20.0 * (tick % 40) as f64, north_m);
        self.sent.push(SentFix {
            seq: self.sent.len() as u64 + 1,
            courier,
            company: COMPANY,
            route: None,
            position: Position::bare(t, point),
        });
    }

    /// Submits some of what it has; in line, if there is no room. Says whether anything was done.
    pub fn send(&mut self, intake: &Intake, chance: &mut Chance, in_turn: bool) -> bool {
        let from = self.acked + 1;
        let session = self.session.get_or_insert_with(|| Session::new(from));
        if session.waiting.is_some() || session.next > self.sent.len() as u64 {
            return false;
        }
        let most = 1 + chance.below(FIXES_MAX) as u64;
        let last = (session.next + most - 1).min(self.sent.len() as u64);
        let first = session.next;
        let delivery = delivery(self.id, self.boot, &self.sent, (first, last), session);
        if in_turn {
            let intake = intake.clone();
            let turn = async move { intake.submit_in_turn(delivery, NEVER).await };
            session.waiting = Some(Waiting { first, turn: Box::pin(turn) });
            session.next = last + 1;
            session.submitted.push((first, last));
            return true;
        }
        match intake.submit(delivery) {
            Ok(parts) => {
                session.promised += parts;
                session.next = last + 1;
                session.submitted.push((first, last));
                true
            }
            Err(SubmitError::Overloaded(delivery)) => {
                assert_eq!(delivery.fixes.len() as u64, last - first + 1, "it comes back whole");
                false
            }
            Err(SubmitError::DiskFull | SubmitError::Stopped) => false,
            Err(error @ SubmitError::TooLarge { .. }) => panic!("{error}"),
        }
    }

    /// Submits once more what this process was given before, as an old session does whose frames
    /// come late.
    pub fn resend(&mut self, intake: &Intake, chance: &mut Chance) {
        let Some(session) = &mut self.session else { return };
        if session.submitted.is_empty() || session.waiting.is_some() {
            return;
        }
        let span = *chance.pick(&session.submitted);
        let delivery = delivery(self.id, self.boot, &self.sent, span, session);
        if let Ok(parts) = intake.submit(delivery) {
            session.promised += parts;
        }
    }

    /// Follows what waits in line and what was answered.
    pub fn listen(&mut self, intake: &Intake) -> bool {
        let Some(session) = &mut self.session else { return false };
        let mut is_news = false;
        if let Some(Waiting { first, mut turn }) = session.waiting.take() {
            match turn.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Pending => session.waiting = Some(Waiting { first, turn }),
                Poll::Ready(Ok(parts)) => {
                    session.promised += parts;
                    is_news = true;
                }
                // A line that is full takes it later, before anything that comes after it.
                Poll::Ready(Err(
                    SubmitError::Overloaded(_) | SubmitError::DiskFull | SubmitError::Stopped,
                )) => session.next = first,
                Poll::Ready(Err(error)) => panic!("from {first} on: {error}"),
            }
        }
        while session.replies.try_recv().is_ok() {
            session.answered += 1;
            is_news = true;
        }
        if is_news {
            let sender = Sender { id: SenderId(self.id), boot: self.boot };
            self.acked = self.acked.max(intake.acked(sender));
        }
        is_news
    }

    /// Begins a new session; what the old one was waiting for is let go.
    pub fn reconnect(&mut self, intake: &Intake) {
        let sender = Sender { id: SenderId(self.id), boot: self.boot };
        self.acked = self.acked.max(intake.acked(sender));
        self.session = None;
    }

    /// The process is gone.
    pub fn hang_up(&mut self) {
        self.session = None;
    }

    /// Counts anew; what was not acknowledged is sent again with other numbers.
    pub fn reboot(&mut self) {
        let Self { id, boot, .. } = *self;
        let acked = self.sent.drain(..self.acked as usize);
        self.acked_before.extend(acked.map(|fix| ((id, boot, fix.seq), fix.courier)));
        for (at, fix) in self.sent.iter_mut().enumerate() {
            fix.seq = at as u64 + 1;
        }
        (self.boot, self.acked, self.session) = (boot + 1, 0, None);
    }

    /// Everything it was told is durable, each with its courier.
    pub fn acked(&self) -> impl Iterator<Item = (Numbered, CourierId)> {
        let now = self.sent[..self.acked as usize].iter();
        let now = now.map(|fix| ((self.id, self.boot, fix.seq), fix.courier));
        self.acked_before.iter().copied().chain(now)
    }

    /// Whether it waits for room or for an answer, or has something to send.
    pub fn is_waiting(&self) -> bool {
        self.session
            .as_ref()
            .is_some_and(|session| session.waiting.is_some() || session.answered < session.promised)
    }

    /// Whether everything it noted is acknowledged.
    pub const fn is_done(&self) -> bool {
        self.acked == self.sent.len() as u64
    }

    /// Positions noted and not acknowledged.
    pub const fn behind(&self) -> u64 {
        self.sent.len() as u64 - self.acked
    }
}

impl Session {
    fn new(next: u64) -> Self {
        let (reply, replies) = unbounded_channel();
        let (submitted, waiting) = (Vec::new(), None);
        Self { next, submitted, waiting, promised: 0, answered: 0, reply, replies }
    }
}

fn delivery(
    id: u64,
    boot: u64,
    sent: &[SentFix],
    (first, last): (u64, u64),
    session: &Session,
) -> Delivery {
    Delivery {
        sender: Some(Sender { id: SenderId(id), boot }),
        frame: first,
        fixes: sent[first as usize - 1..last as usize].to_vec(),
        reply: session.reply.clone(),
    }
}

/// Most positions of one delivery.
const FIXES_MAX: usize = 9;
/// Nothing is this late.
const NEVER: Duration = Duration::from_secs(86_400 * 365);
