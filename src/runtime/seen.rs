//! What each partition has seen of each sender, so that what is sent again is not journalled
//! again. Follows the latest boot of a sender only, and of each partition's senders only those
//! heard last: what is sent again by one that was forgotten is journalled again, and the engine
//! passes over it as a duplicate.

use super::intake::{Sender, SenderId};
use crate::domain::ids::{PARTITIONS, PartitionId};
use crate::storage::bytes::{Malformed, Read, Reader, Writer};

/// The highest sequence numbers, by partition and sender.
#[derive(Clone, Debug)]
pub struct Seen {
    partitions: Vec<Senders>,
}

/// The senders of one partition, at most [`SENDERS_MAX`].
#[derive(Clone, Debug, Default)]
struct Senders {
    /// Sorted: a fleet's position is looked up here, and most partitions hear few gateways.
    highest: Vec<(SenderId, Highest)>,
    heard: u64,
}

#[derive(Clone, Copy, Debug)]
struct Highest {
    boot: u64,
    seq: u64,
    /// Everything of the sender up to this number is durable, in all partitions.
    settled: u64,
    /// Counts what the partition has heard.
    heard: u64,
}

impl Default for Seen {
    fn default() -> Self {
        Self { partitions: vec![Senders::default(); PARTITIONS as usize] }
    }
}

impl Seen {
    /// The highest number that a partition has seen of a sender; 0: none of this boot.
    #[must_use]
    pub fn highest(&self, partition: PartitionId, sender: Sender) -> u64 {
        let senders = &self.partitions[partition.0 as usize];
        let Ok(at) = senders.place(sender.id) else { return 0 };
        let highest = &senders.highest[at].1;
        if highest.boot == sender.boot { highest.seq } else { 0 }
    }

    /// A partition has seen a number, which settles all up to another. An earlier boot than the
    /// latest is not followed.
    pub fn follow(&mut self, partition: PartitionId, sender: Sender, seq: u64, settled: u64) {
        let senders = &mut self.partitions[partition.0 as usize];
        senders.heard += 1;
        let news = Highest { boot: sender.boot, seq, settled, heard: senders.heard };
        let at = senders.place(sender.id).unwrap_or_else(|at| {
            senders.highest.insert(at, (sender.id, news));
            at
        });
        let highest = &mut senders.highest[at].1;
        highest.heard = news.heard;
        if news.boot > highest.boot {
            *highest = news;
        } else if news.boot == highest.boot {
            highest.seq = highest.seq.max(seq);
            highest.settled = highest.settled.max(settled);
        }
        if senders.highest.len() > SENDERS_MAX {
            senders.forget();
        }
    }

    /// Writes what a partition has seen, as layout 1 of its image has it.
    pub fn export(&self, partition: PartitionId, to: &mut Writer) {
        let Senders { highest, heard } = &self.partitions[partition.0 as usize];
        to.varint(*heard);
        to.varint(highest.len() as u64);
        for (sender, highest) in highest {
            let Highest { boot, seq, settled, heard } = *highest;
            for value in [sender.0, boot, seq, settled, heard] {
                to.varint(value);
            }
        }
    }

    /// Takes over what a partition had seen, and tells what of each sender is settled.
    ///
    /// # Errors
    /// The bytes are none.
    pub fn import(
        &mut self,
        partition: PartitionId,
        from: &mut Reader,
        mut settle: impl FnMut(Sender, u64),
    ) -> Read<()> {
        let senders = &mut self.partitions[partition.0 as usize];
        senders.heard = from.varint()?;
        for _ in 0..from.varint()? {
            let (id, boot) = (SenderId(from.varint()?), from.varint()?);
            let (seq, settled, heard) = (from.varint()?, from.varint()?, from.varint()?);
            if senders.highest.last().is_some_and(|(before, _)| *before >= id) {
                return Err(Malformed);
            }
            senders.highest.push((id, Highest { boot, seq, settled, heard }));
            settle(Sender { id, boot }, settled);
        }
        Ok(())
    }

    /// Takes partitions over.
    pub fn join(&mut self, mut other: Self, partitions: impl Iterator<Item = PartitionId>) {
        for PartitionId(at) in partitions {
            self.partitions[at as usize] = core::mem::take(&mut other.partitions[at as usize]);
        }
    }

    /// Hands some partitions over.
    #[must_use]
    pub fn part(&mut self, partitions: impl Iterator<Item = PartitionId>) -> Self {
        let mut part = Self::default();
        for PartitionId(at) in partitions {
            part.partitions[at as usize] = core::mem::take(&mut self.partitions[at as usize]);
        }
        part
    }
}

impl Senders {
    /// Where a sender is, or would be.
    fn place(&self, sender: SenderId) -> Result<usize, usize> {
        self.highest.binary_search_by_key(&sender, |(id, _)| *id)
    }

    /// Forgets the one that was heard longest ago.
    fn forget(&mut self) {
        let places = 0..self.highest.len();
        if let Some(oldest) = places.min_by_key(|&at| self.highest[at].1.heard) {
            self.highest.remove(oldest);
        }
    }
}

/// Senders of one partition, four times what a million devices come to.
const SENDERS_MAX: usize = 4_096;

#[cfg(test)]
mod tests {
    use super::{SENDERS_MAX, Seen};
    use crate::domain::ids::PartitionId;
    use crate::runtime::intake::{Sender, SenderId};

    #[test]
    fn the_sender_that_was_heard_longest_ago_is_forgotten() {
        let (mut seen, partition) = (Seen::default(), PartitionId(5));
        let sender = |id: usize| Sender { id: SenderId(id as u64), boot: 1 };
        (0..SENDERS_MAX).for_each(|id| seen.follow(partition, sender(id), 9, 9));
        seen.follow(partition, sender(0), 10, 9);
        seen.follow(partition, sender(SENDERS_MAX), 1, 0);
        let highest = |id: usize| seen.highest(partition, sender(id));
        assert_eq!((highest(0), highest(1), highest(2), highest(SENDERS_MAX)), (10, 0, 9, 1));
    }
}
