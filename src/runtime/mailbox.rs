//! What a shard is asked to do, and the bounded queue it comes through. Senders never wait: what
//! does not fit is refused, and all parts of one thing are taken or none.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use crossbeam_channel::{Receiver, Sender};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;

use super::acks::Ticket;
use super::commands::Committed;
use super::intake::{PartDone, SentFix};
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
    waiting: Arc<AtomicUsize>,
    mailbox_max: usize,
}

impl Mailbox {
    /// A mailbox for so many positions or command parts, and its other end.
    #[must_use]
    pub fn new(mailbox_max: usize) -> (Self, Inbox) {
        // Bounded by `waiting`, which counts what is in it by weight.
        let (sender, receiver) = crossbeam_channel::unbounded();
        let waiting = Arc::new(AtomicUsize::new(0));
        let inbox = Inbox { receiver, waiting: Arc::clone(&waiting) };
        (Self { sender, waiting, mailbox_max }, inbox)
    }

    /// Takes room for so much; `false`: there is none. One thing always fits into an empty box.
    #[must_use]
    pub fn reserve(&self, weight: usize) -> bool {
        let took = self.waiting.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |waiting| {
            let fits = waiting == 0 || waiting + weight <= self.mailbox_max;
            fits.then_some(waiting + weight)
        });
        took.is_ok()
    }

    /// Gives room back that was reserved and not used.
    pub fn release(&self, weight: usize) {
        self.waiting.fetch_sub(weight, Ordering::SeqCst);
    }

    /// Whether it is three quarters full: those who are here need the rest.
    #[must_use]
    pub fn is_crowded(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) >= self.mailbox_max.div_ceil(4) * 3
    }

    /// How much is in it.
    #[must_use]
    pub fn waiting(&self) -> &AtomicUsize {
        &self.waiting
    }

    /// Puts something in, for which there is room; `false`: the shard has stopped.
    #[must_use]
    pub fn put(&self, mail: Mail) -> bool {
        self.sender.send(mail).is_ok()
    }
}

/// The shard's end of its mailbox.
pub struct Inbox {
    /// What came.
    pub receiver: Receiver<Mail>,
    waiting: Arc<AtomicUsize>,
}

impl Inbox {
    /// Makes room: so much was worked on.
    pub fn done(&self, weight: usize) {
        self.waiting.fetch_sub(weight, Ordering::SeqCst);
    }
}

impl Mail {
    /// How much room it takes.
    #[must_use]
    pub fn weight(&self) -> usize {
        match self {
            Self::Positions(mail) => mail.fixes.len(),
            Self::Commands(mail) => mail.parts.len(),
            Self::Ask(_) => 1,
            Self::Stop => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Mailbox;

    #[test]
    fn it_is_crowded_before_it_is_full_and_not_once_it_was_worked_off() {
        let (mailbox, inbox) = Mailbox::new(100);
        assert!(mailbox.reserve(74) && !mailbox.is_crowded());
        assert!(mailbox.reserve(1) && mailbox.is_crowded());
        assert!(mailbox.reserve(25) && !mailbox.reserve(1));
        inbox.done(26);
        assert!(!mailbox.is_crowded());
    }
}
