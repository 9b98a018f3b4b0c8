//! What each partition has seen of each sender, so that what is sent again is not journalled
//! again. Follows the latest boot of a sender only.

use std::collections::BTreeMap;

use super::intake::{Sender, SenderId};
use crate::domain::ids::{PARTITIONS, PartitionId};

/// The highest sequence numbers, by partition and sender.
#[derive(Clone, Debug)]
pub struct Seen {
    partitions: Vec<BTreeMap<SenderId, Highest>>,
}

#[derive(Clone, Copy, Debug)]
struct Highest {
    boot: u64,
    seq: u64,
}

impl Default for Seen {
    fn default() -> Self {
        Self { partitions: vec![BTreeMap::new(); PARTITIONS as usize] }
    }
}

impl Seen {
    /// The highest number that a partition has seen of a sender; 0: none of this boot.
    #[must_use]
    pub fn highest(&self, partition: PartitionId, sender: Sender) -> u64 {
        let seen = self.partitions[partition.0 as usize].get(&sender.id);
        seen.filter(|highest| highest.boot == sender.boot).map_or(0, |highest| highest.seq)
    }

    /// A partition has seen a number. An earlier boot than the latest is not followed.
    pub fn follow(&mut self, partition: PartitionId, sender: Sender, seq: u64) {
        let highest = self.partitions[partition.0 as usize]
            .entry(sender.id)
            .or_insert(Highest { boot: sender.boot, seq });
        if sender.boot > highest.boot {
            *highest = Highest { boot: sender.boot, seq };
        } else if sender.boot == highest.boot {
            highest.seq = highest.seq.max(seq);
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
