//! Up to which sequence number everything a sender sent is durable. A number is told only when
//! every delivery up to it is: parts of one delivery go to several shards and end in any order.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::intake::{Sender, SenderId};

/// The senders and what of theirs is under way.
#[derive(Debug)]
pub struct Acks {
    stripes: Vec<Mutex<Stripe>>,
}

/// The senders that share a lock: the [`SENDERS_MAX`] used last, and those that have something under
/// way.
#[derive(Debug, Default)]
pub struct Stripe {
    lines: BTreeMap<SenderId, Line>,
    uses: u64,
}

/// What is known of one sender.
#[derive(Debug, Default)]
pub struct Line {
    boot: u64,
    acked: u64,
    number: u64,
    under_way: VecDeque<UnderWay>,
    /// Counts the uses of its stripe.
    used: u64,
}

#[derive(Debug)]
struct UnderWay {
    number: u64,
    last: u64,
    parts: usize,
    /// The one shard that has it all; `None`: several have.
    shard: Option<usize>,
}

/// Names a delivery of a sender on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// The sender.
    pub sender: Sender,
    /// The delivery's number among the sender's; 0: of an earlier boot, and not followed.
    pub number: u64,
    /// Everything up to this number is durable once the part that bears the ticket is.
    pub settles: u64,
}

impl Default for Acks {
    fn default() -> Self {
        Self { stripes: (0..STRIPES).map(|_| Mutex::default()).collect() }
    }
}

impl Acks {
    /// The lock under which a sender's deliveries are numbered and put into the mailboxes, so that
    /// both have the same order.
    pub fn lock(&self, sender: SenderId) -> MutexGuard<'_, Stripe> {
        // A panic poisons the whole node; until it ends the numbers stay right.
        self.stripes[(sender.0 % STRIPES) as usize].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A part of a delivery is durable.
    pub fn part_done(&self, ticket: &Ticket) {
        let mut stripe = self.lock(ticket.sender.id);
        let Some(line) = stripe.lines.get_mut(&ticket.sender.id) else { return };
        if line.boot != ticket.sender.boot {
            return;
        }
        if let Some(delivery) = line.under_way.iter_mut().find(|d| d.number == ticket.number) {
            delivery.parts -= 1;
        }
        line.settle();
    }

    /// What recovery found to be settled.
    pub fn recovered(&self, sender: Sender, settled: u64) {
        let mut stripe = self.lock(sender.id);
        let line = stripe.line(sender.id);
        if line.turn_to(sender.boot) {
            line.acked = line.acked.max(settled);
        }
    }

    /// Up to which number everything is durable.
    #[must_use]
    pub fn acked(&self, sender: Sender) -> u64 {
        let stripe = self.lock(sender.id);
        let line = stripe.lines.get(&sender.id).filter(|line| line.boot == sender.boot);
        line.map_or(0, |line| line.acked)
    }
}

impl Stripe {
    /// What is known of a sender; nothing, if it is new or was forgotten.
    pub fn line(&mut self, sender: SenderId) -> &mut Line {
        if self.lines.len() >= SENDERS_MAX && !self.lines.contains_key(&sender) {
            self.forget();
        }
        self.uses += 1;
        let line = self.lines.entry(sender).or_default();
        line.used = self.uses;
        line
    }

    /// Forgets those that were not used for longest, some at a time: looking at all of them for
    /// each that comes would cost too much. A sender that was forgotten is told 0 and sends again
    /// what it has, which partitions recognise.
    fn forget(&mut self) {
        let idle = self.lines.iter().filter(|(_, line)| line.under_way.is_empty());
        let mut idle: Vec<_> = idle.map(|(&sender, line)| (line.used, sender)).collect();
        idle.sort_unstable();
        for (_, sender) in idle.iter().take(SENDERS_MAX / 16) {
            self.lines.remove(sender);
        }
    }
}

impl Line {
    /// Whether the boot is the latest known; a later one begins anew.
    pub fn turn_to(&mut self, boot: u64) -> bool {
        if boot > self.boot {
            *self = Self { boot, number: self.number, used: self.used, ..Self::default() };
        }
        boot == self.boot
    }

    /// A delivery up to the number `last` goes to `parts` shards, of which `shard` is the only
    /// one, if it is. Gives its number, and what is durable once a part of it is.
    pub fn begin(&mut self, last: u64, parts: usize, shard: Option<usize>) -> (u64, u64) {
        self.number += 1;
        let is_in_line =
            shard.is_some() && self.under_way.iter().all(|delivery| delivery.shard == shard);
        self.under_way.push_back(UnderWay { number: self.number, last, parts, shard });
        (self.number, if is_in_line { last.max(self.acked) } else { self.acked })
    }

    /// Moves on over every delivery of which nothing is under way any more.
    pub fn settle(&mut self) {
        while let Some(done) = self.under_way.front().filter(|delivery| delivery.parts == 0) {
            self.acked = self.acked.max(done.last);
            self.under_way.pop_front();
        }
    }
}

const STRIPES: u64 = 64;
/// Senders of one stripe: two million in all, of 100 bytes or so.
const SENDERS_MAX: usize = 1 << 15;

#[cfg(test)]
mod tests {
    use super::{SENDERS_MAX, Stripe};
    use crate::runtime::intake::SenderId;

    #[test]
    fn the_senders_that_were_silent_for_longest_are_forgotten() {
        let mut stripe = Stripe::default();
        let begin = |stripe: &mut Stripe, id: u64, parts: usize| {
            let line = stripe.line(SenderId(id));
            assert!(line.turn_to(1));
            line.begin(7, parts, None);
            line.settle();
        };
        // The first has something under way, the second is heard again.
        (0..SENDERS_MAX as u64).for_each(|id| begin(&mut stripe, id, usize::from(id == 0)));
        begin(&mut stripe, 1, 0);
        begin(&mut stripe, 1 << 40, 0);
        assert!(stripe.lines.len() < SENDERS_MAX);
        let acked = |id: u64| stripe.lines.get(&SenderId(id)).map(|line| line.acked);
        assert_eq!((acked(0), acked(1), acked(1 << 40)), (Some(0), Some(7), Some(7)));
        assert_eq!((acked(2), acked(SENDERS_MAX as u64 - 1)), (None, Some(7)));
    }
}
