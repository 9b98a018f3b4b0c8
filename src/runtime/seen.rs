//! What each partition has seen of each sender, so that what is sent again is not journalled
//! again. Follows the latest boot of a sender only, and of each partition's senders only those
//! heard last: what is sent again by one that was forgotten is journalled again, and the engine
//! passes over it as a duplicate.

use std::collections::BTreeMap;

use super::intake::{Sender, SenderId};
use crate::domain::ids::{PARTITIONS, PartitionId};

/// The highest sequence numbers, by partition and sender.
#[derive(Clone, Debug)]
pub struct Seen {
    partitions: Vec<Senders>,
}

/// The senders of one partition, at most [`SENDERS_MAX`].
#[derive(Clone, Debug, Default)]
struct Senders {
    highest: BTreeMap<SenderId, Highest>,
    heard: u64,
}

#[derive(Clone, Copy, Debug)]
struct Highest {
    boot: u64,
    seq: u64,
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
        let seen = self.partitions[partition.0 as usize].highest.get(&sender.id);
        seen.filter(|highest| highest.boot == sender.boot).map_or(0, |highest| highest.seq)
    }

    /// A partition has seen a number. An earlier boot than the latest is not followed.
    pub fn follow(&mut self, partition: PartitionId, sender: Sender, seq: u64) {
        let senders = &mut self.partitions[partition.0 as usize];
        senders.heard += 1;
        let news = Highest { boot: sender.boot, seq, heard: senders.heard };
        let highest = senders.highest.entry(sender.id).or_insert(news);
        highest.heard = news.heard;
        if news.boot > highest.boot {
            *highest = news;
        } else if news.boot == highest.boot {
            highest.seq = highest.seq.max(seq);
        }
        if senders.highest.len() > SENDERS_MAX {
            senders.forget();
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
    /// Forgets the one that was heard longest ago.
    fn forget(&mut self) {
        let oldest = self.highest.iter().min_by_key(|(_, highest)| highest.heard);
        if let Some((&sender, _)) = oldest {
            self.highest.remove(&sender);
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
        (0..SENDERS_MAX).for_each(|id| seen.follow(partition, sender(id), 9));
        seen.follow(partition, sender(0), 10);
        seen.follow(partition, sender(SENDERS_MAX), 1);
        let highest = |id: usize| seen.highest(partition, sender(id));
        assert_eq!((highest(0), highest(1), highest(2), highest(SENDERS_MAX)), (10, 0, 9, 1));
    }
}
