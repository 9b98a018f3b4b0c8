//! Positions come in: checked against the couriers that are known, sorted, split over the shards.

use core::time::Duration;
use std::sync::Arc;

use tokio::sync::mpsc::UnboundedSender;

use super::acks::Ticket;
use super::error::SubmitError;
use super::mailbox::{Mail, Mailbox, NoRoom, PositionsMail, Weight};
use super::node::Shared;
use super::overload::Stage;
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

/// The way in for positions. Cheap to clone.
#[derive(Clone)]
pub struct Intake {
    shared: Arc<Shared>,
}

impl Intake {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Takes a delivery, or nothing of it, at once. Says how many [`PartDone`] will come.
    ///
    /// # Errors
    /// A shard has no room, or others wait for it: the delivery comes back, and must be submitted
    /// again before any later one of the same sender, or the stream must end. Or it is too large
    /// for ever, or the node has stopped or failed.
    pub fn submit(&self, delivery: Delivery) -> Result<usize, SubmitError> {
        let homed = self.home(delivery)?;
        if !self.reserve(&homed.weights) {
            return Err(SubmitError::Overloaded(Box::new(homed.delivery)));
        }
        self.send(homed)
    }

    /// The same, but waits in line where there is no room: nobody who comes later is taken before,
    /// and as long as the shards work it is taken in the end. May be dropped at any time.
    ///
    /// # Errors
    /// As [`Self::submit`]; there is no room only if as much as may waits in line already, or a
    /// shard has worked off nothing for `stalled_after`. That is counted as a frame refused.
    pub async fn submit_in_turn(
        &self,
        delivery: Delivery,
        stalled_after: Duration,
    ) -> Result<usize, SubmitError> {
        let homed = self.home(delivery)?;
        if !self.reserve(&homed.weights) {
            match self.wait(&homed.weights, stalled_after).await {
                Ok(()) => {}
                Err(NoRoom::Stalled | NoRoom::LineIsFull) => {
                    self.shared.counters.frame_refused();
                    return Err(SubmitError::Overloaded(Box::new(homed.delivery)));
                }
                Err(NoRoom::Stopped) => return Err(SubmitError::Stopped),
            }
        }
        self.send(homed)
    }

    /// The highest sequence number up to which everything of a sender is durable; 0: none.
    #[must_use]
    pub fn acked(&self, sender: Sender) -> u64 {
        self.shared.acks.acked(sender)
    }

    /// Whether the disk is full: nothing new is taken.
    #[must_use]
    pub fn is_disk_full(&self) -> bool {
        self.shared.room.is_full()
    }

    /// How far the shard that is furthest behind is.
    #[must_use]
    pub fn stage(&self) -> Stage {
        self.shared.mailboxes.iter().map(Mailbox::stage).max().unwrap_or_default()
    }

    /// Whether nobody new should come in, since a shard is too far behind. A yes is counted as a
    /// session refused.
    #[must_use]
    pub fn refuses_session(&self) -> bool {
        let is_crowded = self.stage() >= Stage::Crowded;
        if is_crowded {
            self.shared.counters.session_refused();
        }
        is_crowded
    }

    /// As [`Self::submit`], for what is dropped where there is no room, since the next is better.
    pub fn offer(&self, delivery: Delivery) {
        if let Err(SubmitError::Overloaded(_)) = self.submit(delivery) {
            self.shared.counters.datagram_dropped();
        }
    }

    /// How many positions wait in the mailboxes of all shards.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.shared.mailboxes.iter().map(Mailbox::waiting).sum()
    }

    /// A delivery that is not too large, with where each position goes.
    fn home(&self, mut delivery: Delivery) -> Result<Homed, SubmitError> {
        if self.shared.fault.has_ended() {
            return Err(SubmitError::Stopped);
        }
        if self.is_disk_full() {
            return Err(SubmitError::DiskFull);
        }
        let delivery_fixes_max = self.shared.delivery_fixes_max;
        if delivery.fixes.len() > delivery_fixes_max {
            return Err(SubmitError::TooLarge { delivery_fixes_max });
        }
        let homes = self.homes(&mut delivery.fixes);
        let weights = self.weights(&homes);
        Ok(Homed { delivery, homes, weights })
    }

    /// Of each position the partition of its courier, if that is the company's. Positions get what
    /// the courier's document says of the device.
    fn homes(&self, fixes: &mut [SentFix]) -> Vec<Option<PartitionId>> {
        let directory = self.shared.directory.open();
        let home = |fix: &mut SentFix| {
            let listed = directory.courier(fix.courier)?;
            fix.position.silent_when_still |= listed.is_silent_when_still;
            (listed.company == fix.company).then(|| partition_of(listed.company, fix.courier))
        };
        fixes.iter_mut().map(home).collect()
    }

    /// How many positions each shard gets.
    fn weights(&self, homes: &[Option<PartitionId>]) -> Vec<usize> {
        let shards = self.shared.mailboxes.len();
        let mut weights = vec![0; shards];
        for partition in homes.iter().flatten() {
            weights[shard_of(*partition, shards)] += 1;
        }
        weights
    }

    /// The mailboxes of the shards that get something, and how much.
    fn shards<'a>(&'a self, weights: &'a [usize]) -> impl Iterator<Item = (&'a Mailbox, usize)> {
        let shards = self.shared.mailboxes.iter().zip(weights.iter().copied());
        shards.filter(|(_, fixes)| *fixes > 0)
    }

    /// Room for all of it or for nothing.
    fn reserve(&self, weights: &[usize]) -> bool {
        let mut shards = self.shards(weights);
        let full = shards.position(|(mailbox, fixes)| !mailbox.reserve(Weight::Positions(fixes)));
        for (mailbox, fixes) in self.shards(weights).take(full.unwrap_or(0)) {
            mailbox.release(Weight::Positions(fixes));
        }
        full.is_none()
    }

    /// Takes the room of one shard after the other. All go in one order, so nobody waits in a
    /// circle.
    async fn wait(&self, weights: &[usize], stalled_after: Duration) -> Result<(), NoRoom> {
        let mut permits = Vec::new();
        for (mailbox, fixes) in self.shards(weights) {
            permits.push(mailbox.turn(fixes, stalled_after).await?);
        }
        permits.into_iter().for_each(tokio::sync::SemaphorePermit::forget);
        Ok(())
    }

    fn send(&self, homed: Homed) -> Result<usize, SubmitError> {
        let Homed { delivery, homes, weights } = homed;
        let Delivery { sender, frame, fixes, reply } = delivery;
        let last = fixes.iter().map(|fix| fix.seq).max().unwrap_or(0);
        let (split, refused) = split(&weights, &homes, &fixes);
        let mut parts = weights.iter().filter(|fixes| **fixes > 0).count();
        // Held until everything is in the mailboxes: their order is the order of the numbers.
        let mut stripe = sender.map(|sender| self.shared.acks.lock(sender.id));
        let ticket = sender.zip(stripe.as_mut()).map(|(sender, stripe)| {
            let line = stripe.line(sender.id);
            if !line.turn_to(sender.boot) {
                return Ticket { sender, number: 0, settles: 0 };
            }
            let shard = weights.iter().position(|fixes| *fixes > 0).filter(|_| parts == 1);
            let (number, settles) = line.begin(last, parts, shard);
            // What was refused as a whole is done with.
            line.settle();
            Ticket { sender, number, settles }
        });
        for (mailbox, fixes) in self.shared.mailboxes.iter().zip(split) {
            if fixes.is_empty() {
                continue;
            }
            let mail =
                Mail::Positions(PositionsMail { ticket, frame, fixes, reply: reply.clone() });
            if !mailbox.put(mail) {
                return Err(SubmitError::Stopped);
            }
        }
        drop(stripe);
        if !refused.is_empty() {
            parts += 1;
            // A session that has gone wants no answer.
            let _ = reply.send(PartDone { frame, refused });
        }
        Ok(parts)
    }
}

/// A delivery, of each position the partition, and of each shard how many it gets.
struct Homed {
    delivery: Delivery,
    homes: Vec<Option<PartitionId>>,
    weights: Vec<usize>,
}

/// A delivery shard by shard, each part sorted by courier and by the order of a frame; and what is
/// nobody's.
fn split(
    weights: &[usize],
    homes: &[Option<PartitionId>],
    fixes: &[SentFix],
) -> (Vec<Vec<(PartitionId, SentFix)>>, Vec<Refused>) {
    let mut refused = Vec::new();
    // Sorted are the couriers with the places of their positions, as one number each.
    let mut order: Vec<u64> = Vec::with_capacity(fixes.len());
    let courier_of = |place: u64| (place >> 32) as u32;
    for (at, (fix, home)) in fixes.iter().zip(homes).enumerate() {
        if home.is_some() {
            order.push(u64::from(fix.courier.0) << 32 | at as u64);
        } else {
            let reason = DropReason::UnknownCourier;
            refused.push(Refused { seq: fix.seq, courier: fix.courier, reason });
        }
    }
    order.sort_unstable();
    let couriers = order.chunk_by_mut(|a, b| courier_of(*a) == courier_of(*b));
    for places in couriers.filter(|places| places.len() > 1) {
        let position = |place: u64| &fixes[place as u32 as usize].position;
        places.sort_by(|a, b| position(*a).frame_order(position(*b)));
    }
    let mut parts: Vec<_> = weights.iter().map(|&weight| Vec::with_capacity(weight)).collect();
    for at in order.into_iter().map(|place| place as u32 as usize) {
        if let Some(partition) = homes[at] {
            let shard = shard_of(partition, weights.len());
            parts[shard].push((partition, fixes[at].clone()));
        }
    }
    (parts, refused)
}

/// A shard that works off nothing for so long is not waited for any more.
pub const STALLED_AFTER: Duration = Duration::from_secs(30);

/// The shard of a partition.
#[must_use]
pub const fn shard_of(partition: PartitionId, shards: usize) -> usize {
    partition.0 as usize % shards
}

/// The partitions of a shard.
pub fn partitions_of(shard: usize, shards: usize) -> impl Iterator<Item = PartitionId> {
    (shard as u16..PARTITIONS).step_by(shards).map(PartitionId)
}
