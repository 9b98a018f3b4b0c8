//! The picture of a partition for a snapshot: its stamp, what it has seen of senders, and its
//! engine's state, as bytes; and the pace at which a shard takes them between batches.

use std::time::Duration;

use crossbeam_channel::Sender;

use super::clock::Clock;
use super::intake::Sender as SentBy;
use super::partition::Partitions;
use super::rounds::Rounds;
use super::seen::Seen;
use super::snapshot_writer::{Part, Picture, ToWriter};
use crate::domain::command::Command;
use crate::domain::ids::{CourierId, PartitionId};
use crate::engine::Engine;
use crate::engine::quarantine::Held;
use crate::storage::bytes::{Malformed, Read, Reader, Writer};
use crate::storage::codec::commands::{command, put_command};

/// What a shard takes pictures of, and for whom.
#[derive(Clone, Copy)]
pub struct Sitter<'a> {
    /// Its engine.
    pub engine: &'a Engine,
    /// Its stamps.
    pub partitions: &'a Partitions,
    /// What its partitions have seen.
    pub seen: &'a Seen,
}

impl Sitter<'_> {
    /// The picture of a partition.
    fn picture(&self, partition: PartitionId, room: usize) -> Vec<u8> {
        let mut to = Writer { bytes: Vec::with_capacity(room) };
        let (sequence, received_at) = self.partitions.last(partition);
        to.varint(sequence);
        to.time(received_at);
        self.seen.export(partition, &mut to);
        self.engine.export(partition, &mut to.bytes);
        to.bytes
    }

    /// Who is quarantined in a partition, and the commands that wait for each: the courier, the
    /// settings that are in force for it, as the command that would put them, and the list of
    /// commands. Empty, where nobody is.
    fn quarantine(&self, partition: PartitionId) -> Vec<u8> {
        let mut to = Writer::default();
        let held = self.engine.held(partition);
        if !held.is_empty() {
            to.list(&held, |to, held| {
                let Held { courier, company, policy, waiting } = held;
                to.varint(courier.0.into());
                let policy = Command::PutPolicy { company: *company, policy: policy.clone() };
                put_command(to, &policy);
                to.list(waiting, put_command);
            });
        }
        to.bytes
    }
}

/// Takes back who was quarantined in a partition, after its picture; says who, and how many commands
/// about each wait.
///
/// # Errors
/// The bytes are none.
pub fn hold(
    bytes: &[u8],
    partition: PartitionId,
    engine: &mut Engine,
) -> Read<Vec<(CourierId, usize)>> {
    let from = &mut Reader::new(bytes);
    let all = from.list(|from| {
        let courier = CourierId(from.narrow()?);
        let Command::PutPolicy { company, policy } = command(from)? else { return Err(Malformed) };
        Ok(Held { courier, company, policy, waiting: from.list(command)? })
    })?;
    from.end()?;
    let mut couriers = Vec::new();
    for held in all {
        let about = held.waiting.iter().filter(|waits| waits.courier().is_some());
        couriers.push((held.courier, about.count()));
        if !engine.hold(partition, held) {
            return Err(Malformed);
        }
    }
    Ok(couriers)
}

/// What a picture is taken back into.
pub struct Sitting<'a> {
    /// The engine.
    pub engine: &'a mut Engine,
    /// The stamps.
    pub partitions: &'a mut Partitions,
    /// What partitions have seen.
    pub seen: &'a mut Seen,
}

/// Takes a picture back. Says at which sequence it stands, and what of senders is settled.
///
/// # Errors
/// The bytes are none.
pub fn develop(
    bytes: &[u8],
    layout: u16,
    partition: PartitionId,
    sitting: Sitting<'_>,
    settle: impl FnMut(SentBy, u64),
) -> Read<u64> {
    let Sitting { engine, partitions, seen } = sitting;
    let from = &mut Reader::new(bytes);
    let (sequence, received_at) = (from.varint()?, from.time()?);
    partitions.resume(partition, sequence, received_at);
    seen.import(partition, from, settle)?;
    engine.import(partition, from.rest(), layout).map_err(|_| Malformed)?;
    Ok(sequence)
}

/// A shard's place in the round under way.
pub struct Camera {
    partitions: Vec<PartitionId>,
    writer: Sender<ToWriter>,
    /// The round that is being or was last pictured.
    round: u64,
    /// Partitions of it that are pictured.
    done: usize,
    /// Real time before which no picture is taken.
    not_before: Duration,
    /// Bytes of the largest picture of late.
    room: usize,
    /// A shard stands still until it has pictured so many bytes...
    pub part_bytes: usize,
}

/// What a call of [`Camera::next`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// There is nothing to picture.
    Nothing,
    /// It is too early, or the writer is behind.
    NotYet,
    /// Some more partitions are pictured, in so long.
    Some(Duration),
    /// The last partition of a round is pictured, in so long.
    Last(Duration),
}

impl Camera {
    /// A camera for some partitions, after a round.
    #[must_use]
    pub fn new(partitions: Vec<PartitionId>, writer: Sender<ToWriter>, round: u64) -> Self {
        let done = partitions.len();
        let (not_before, part_bytes) = (Duration::ZERO, PART_BYTES);
        Self { partitions, writer, round, done, not_before, room: 0, part_bytes }
    }

    /// The round that is being or was last pictured.
    #[must_use]
    pub const fn round(&self) -> u64 {
        self.round
    }

    /// Whether a picture is to be taken.
    #[must_use]
    pub fn is_taking(&self, rounds: &Rounds) -> bool {
        self.done < self.partitions.len() || rounds.begun() > self.round
    }

    /// Whether a picture is to be taken, and the writer is not behind.
    #[must_use]
    pub fn may_take(&self, rounds: &Rounds) -> bool {
        self.is_taking(rounds) && self.writer.len() < PARTS_MAX
    }

    /// How long the shard may wait for mail at most; `None`: it takes no pictures.
    #[must_use]
    pub fn patience(&self, rounds: &Rounds, clock: &Clock) -> Option<Duration> {
        self.is_taking(rounds).then(|| {
            let pause = if rounds.is_hurried() {
                Duration::ZERO
            } else {
                self.not_before.saturating_sub(clock.real_time())
            };
            if self.writer.len() < PARTS_MAX { pause } else { pause.max(BEHIND) }
        })
    }

    /// Takes the next pictures, if there are some to take. Everything stepped so far must be on its
    /// way to the committer.
    pub fn next(&mut self, rounds: &Rounds, clock: &Clock, sitter: Sitter<'_>) -> Taken {
        if self.done == self.partitions.len() {
            if rounds.begun() <= self.round {
                return Taken::Nothing;
            }
            (self.round, self.done) = (rounds.begun(), 0);
        }
        let begun = clock.real_time();
        if self.writer.len() >= PARTS_MAX || begun < self.not_before && !rounds.is_hurried() {
            return Taken::NotYet;
        }
        let mut pictures = Vec::new();
        let mut bytes = 0;
        while let Some(&partition) = self.partitions.get(self.done) {
            let picture = sitter.picture(partition, self.room + self.room / 8);
            self.room = self.room.max(picture.len());
            let quarantine = sitter.quarantine(partition);
            bytes += picture.len() + quarantine.len();
            let (sequence, _) = sitter.partitions.last(partition);
            pictures.push(Picture { partition, sequence, bytes: picture, quarantine });
            self.done += 1;
            if bytes >= self.part_bytes || clock.real_time() - begun >= PART_TIME {
                break;
            }
        }
        // A writer that is gone has failed the node, or it stops.
        let _ = self.writer.send(ToWriter::Part(Part { round: self.round, pictures }));
        let took = clock.real_time() - begun;
        self.not_before = clock.real_time() + took * PAUSES;
        if self.done < self.partitions.len() { Taken::Some(took) } else { Taken::Last(took) }
    }
}

/// Of that many bytes is a part...
const PART_BYTES: usize = 1 << 20;
/// ...unless it takes so long before, but one partition at least.
const PART_TIME: Duration = Duration::from_millis(1);
/// Parts that may wait for the writer.
const PARTS_MAX: usize = 8;
/// After each picture the shard does other work for so many times as long.
const PAUSES: u32 = 3;
/// A writer that is behind is looked at again after so long.
const BEHIND: Duration = Duration::from_millis(2);
