//! Positions come in: checked against the couriers that are known, sorted, split over the shards.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::mpsc::UnboundedSender;

use super::acks::Ticket;
use super::error::SubmitError;
use super::mailbox::{Mail, PositionsMail};
use super::node::Shared;
use super::partition::partition_of;
use crate::domain::ids::{CompanyId, CourierId, PARTITIONS, PartitionId, RouteId};
use crate::domain::position::Position;
use crate::engine::output::DropReason;

/// A device or gateway whose resent positions are recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SenderId(pub u64);

/// A sender since it was switched on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sender {
    /// The sender.
    pub id: SenderId,
    /// Rises with every boot; sequence numbers begin anew with it. Only the latest is followed.
    pub boot: u64,
}

/// One position as a session has decoded it.
#[derive(Clone, Debug, PartialEq)]
pub struct SentFix {
    /// The sender's number of it, over 0 and rising by one a fix.
    pub seq: u64,
    /// The courier.
    pub courier: CourierId,
    /// The company that the session may speak for.
    pub company: CompanyId,
    /// The route it moves; `None`: every active one of the courier.
    pub route: Option<RouteId>,
    /// Where and when.
    pub position: Position,
}

/// What one frame of a session brought.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Who sent it; `None`: nobody whose resending is to be recognised (HTTP, datagrams).
    pub sender: Option<Sender>,
    /// The session's number of the frame, handed back in [`PartDone`].
    pub frame: u64,
    /// The positions, by rising sequence number.
    pub fixes: Vec<SentFix>,
    /// Where every part's end is told. Holds at most as many as [`Intake::submit`] said.
    pub reply: UnboundedSender<PartDone>,
}

/// A part of a delivery is durable, or refused for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartDone {
    /// The session's number of the frame.
    pub frame: u64,
    /// What of the part was refused. All else is durable, though it may move nothing.
    pub refused: Vec<Refused>,
}

/// A position that was refused: information, it counts as done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The sender's number of it.
    pub seq: u64,
    /// The courier it named.
    pub courier: CourierId,
    /// [`DropReason::TooOld`], `Future`, `UnknownCourier` or `Route`.
    pub reason: DropReason,
}

/// The way in for positions. Cheap to clone, never waits.
#[derive(Clone)]
pub struct Intake {
    shared: Arc<Shared>,
}

impl Intake {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Takes a delivery, or nothing of it. Says how many [`PartDone`] will come.
    ///
    /// # Errors
    /// A shard has no room: the delivery comes back, and must be submitted again before any later
    /// one of the same sender, or the stream must end. Or it is too large for ever, or the node has
    /// stopped or failed.
    pub fn submit(&self, delivery: Delivery) -> Result<usize, SubmitError> {
        if self.shared.fault.has_ended() {
            return Err(SubmitError::Stopped);
        }
        let delivery_fixes_max = self.shared.delivery_fixes_max;
        if delivery.fixes.len() > delivery_fixes_max {
            return Err(SubmitError::TooLarge { delivery_fixes_max });
        }
        let mut split = Split::new(self.shared.mailboxes.len());
        for fix in &delivery.fixes {
            match self.home(fix) {
                Some(partition) => split.take(partition, fix.clone()),
                None => split.refused.push(Refused {
                    seq: fix.seq,
                    courier: fix.courier,
                    reason: DropReason::UnknownCourier,
                }),
            }
        }
        if !self.reserve(&split) {
            return Err(SubmitError::Overloaded(Box::new(delivery)));
        }
        self.send(split, &delivery)
    }

    /// The highest sequence number up to which everything of a sender is durable; 0: none.
    #[must_use]
    pub fn acked(&self, sender: Sender) -> u64 {
        self.shared.acks.acked(sender)
    }

    /// How many positions wait in the mailboxes of all shards.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.shared.mailboxes.iter().map(|mailbox| mailbox.waiting().load(Ordering::Relaxed)).sum()
    }

    /// The partition of a courier who is this company's.
    fn home(&self, fix: &SentFix) -> Option<PartitionId> {
        let company = self.shared.directory.company(fix.courier)?;
        (company == fix.company).then(|| partition_of(company, fix.courier))
    }

    fn reserve(&self, split: &Split) -> bool {
        let mut reserved: Vec<(usize, usize)> = Vec::new();
        for (shard, fixes) in split.parts() {
            if !self.shared.mailboxes[shard].reserve(fixes) {
                for (shard, fixes) in reserved {
                    self.shared.mailboxes[shard].release(fixes);
                }
                return false;
            }
            reserved.push((shard, fixes));
        }
        true
    }

    fn send(&self, mut split: Split, delivery: &Delivery) -> Result<usize, SubmitError> {
        let mut parts = split.parts().count();
        let last = delivery.fixes.iter().map(|fix| fix.seq).max().unwrap_or(0);
        // Held until everything is in the mailboxes: their order is the order of the numbers.
        let mut stripe = delivery.sender.map(|sender| self.shared.acks.lock(sender.id));
        let ticket = delivery.sender.zip(stripe.as_mut()).map(|(sender, stripe)| {
            let line = stripe.line(sender.id);
            if !line.turn_to(sender.boot) {
                return Ticket { sender, number: 0, settles: 0 };
            }
            let shard = split.parts().map(|(shard, _)| shard).next().filter(|_| parts == 1);
            let (number, settles) = line.begin(last, parts, shard);
            // What was refused as a whole is done with.
            line.settle();
            Ticket { sender, number, settles }
        });
        for (shard, fixes) in split.shards.iter_mut().enumerate() {
            if fixes.is_empty() {
                continue;
            }
            let mut fixes = core::mem::take(fixes);
            fixes.sort_by(|(_, a), (_, b)| {
                a.courier.cmp(&b.courier).then_with(|| a.position.frame_order(&b.position))
            });
            let (frame, reply) = (delivery.frame, delivery.reply.clone());
            let mail = Mail::Positions(PositionsMail { ticket, frame, fixes, reply });
            if !self.shared.mailboxes[shard].put(mail) {
                return Err(SubmitError::Stopped);
            }
        }
        drop(stripe);
        if !split.refused.is_empty() {
            parts += 1;
            let done = PartDone { frame: delivery.frame, refused: split.refused };
            // A session that has gone wants no answer.
            let _ = delivery.reply.send(done);
        }
        Ok(parts)
    }
}

/// A delivery, shard by shard.
struct Split {
    shards: Vec<Vec<(PartitionId, SentFix)>>,
    refused: Vec<Refused>,
}

impl Split {
    fn new(shards: usize) -> Self {
        Self { shards: (0..shards).map(|_| Vec::new()).collect(), refused: Vec::new() }
    }

    fn take(&mut self, partition: PartitionId, fix: SentFix) {
        let shard = shard_of(partition, self.shards.len());
        self.shards[shard].push((partition, fix));
    }

    /// The shards that get something, and how much.
    fn parts(&self) -> impl Iterator<Item = (usize, usize)> {
        let counts = self.shards.iter().map(Vec::len).enumerate();
        counts.filter(|(_, count)| *count > 0)
    }
}

/// The shard of a partition.
#[must_use]
pub const fn shard_of(partition: PartitionId, shards: usize) -> usize {
    partition.0 as usize % shards
}

/// The partitions of a shard.
pub fn partitions_of(shard: usize, shards: usize) -> impl Iterator<Item = PartitionId> {
    (shard as u16..PARTITIONS).step_by(shards).map(PartitionId)
}
