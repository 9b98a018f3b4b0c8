//! Which partition a courier belongs to, and the stamps of each partition's inputs: receive times
//! that never step back, sequences without a hole, and a tick for every deadline that is due
//! before an input.

use crate::domain::ids::{CompanyId, CourierId, PARTITIONS, PartitionId};
use crate::domain::time::Time;
use crate::engine::Engine;
use crate::engine::input::{Input, InputBody};
use crate::engine::output::Outputs;

/// The partition of a courier, by a hash that never changes.
#[must_use]
pub fn partition_of(company: CompanyId, courier: CourierId) -> PartitionId {
    let key = u64::from(company.0) << 32 | u64::from(courier.0);
    PartitionId((split_mix_64(key) % u64::from(PARTITIONS)) as u16)
}

/// The counters of every partition.
#[derive(Clone, Debug)]
pub struct Partitions {
    stamps: Vec<Stamp>,
}

/// Something that has come, not stamped yet.
#[derive(Clone, Debug)]
pub struct Fact {
    /// The server's clock.
    pub now: Time,
    /// What came.
    pub body: InputBody,
}

#[derive(Clone, Copy, Debug)]
struct Stamp {
    sequence: u64,
    received_at: Time,
}

impl Default for Partitions {
    fn default() -> Self {
        let stamp = Stamp { sequence: 0, received_at: Time::DISTANT_PAST };
        Self { stamps: vec![stamp; PARTITIONS as usize] }
    }
}

impl Partitions {
    /// Stamps a fact that came at `now` and steps the engine over it, after a tick for each
    /// deadline of the partition that was due by then.
    pub fn step(
        &mut self,
        engine: &mut Engine,
        partition: PartitionId,
        now: Time,
        body: InputBody,
        out: &mut Outputs,
    ) {
        self.step_each(engine, partition, Fact { now, body }, out, |_| ());
    }

    /// Steps every deadline of the partition that is due at or before `now`.
    pub fn tick(
        &mut self,
        engine: &mut Engine,
        partition: PartitionId,
        now: Time,
        out: &mut Outputs,
    ) {
        self.tick_each(engine, partition, now, out, |_| ());
    }

    /// As [`Self::step`], and shows every input once it is stepped.
    pub fn step_each(
        &mut self,
        engine: &mut Engine,
        partition: PartitionId,
        fact: Fact,
        out: &mut Outputs,
        mut stepped: impl FnMut(&Input),
    ) {
        let now = fact.now.max(self.stamps[partition.0 as usize].received_at);
        self.tick_each(engine, partition, now, out, &mut stepped);
        let input = self.stamp(partition, now, fact.body);
        engine.handle(&input, out);
        stepped(&input);
    }

    /// Steps an input before the deadlines that are due, which come after it: at the time of the
    /// partition's last input. Shows the input once it is stepped.
    pub fn step_first(
        &mut self,
        engine: &mut Engine,
        partition: PartitionId,
        body: InputBody,
        out: &mut Outputs,
        stepped: impl FnOnce(&Input),
    ) {
        let now = self.stamps[partition.0 as usize].received_at;
        // As a replay does: what the queue of deadlines puts off, it puts off again.
        engine.next_deadline(partition, now);
        let input = self.stamp(partition, now, body);
        engine.handle(&input, out);
        stepped(&input);
    }

    /// As [`Self::tick`], and shows every input once it is stepped.
    pub fn tick_each(
        &mut self,
        engine: &mut Engine,
        partition: PartitionId,
        now: Time,
        out: &mut Outputs,
        mut stepped: impl FnMut(&Input),
    ) {
        while let Some(due) = engine.next_deadline(partition, now) {
            let input = self.stamp(partition, due, InputBody::Tick);
            engine.handle(&input, out);
            stepped(&input);
        }
    }

    /// The sequence of a partition's last input, and when it was received.
    #[must_use]
    pub fn last(&self, partition: PartitionId) -> (u64, Time) {
        let Stamp { sequence, received_at } = self.stamps[partition.0 as usize];
        (sequence, received_at)
    }

    /// A partition goes on after an input.
    pub fn resume(&mut self, partition: PartitionId, sequence: u64, received_at: Time) {
        self.stamps[partition.0 as usize] = Stamp { sequence, received_at };
    }

    /// Follows an input that was stamped before; `false`: it does not follow the last one.
    #[must_use]
    pub fn follow(&mut self, input: &Input) -> bool {
        let stamp = &mut self.stamps[input.partition.0 as usize];
        let follows =
            input.sequence == stamp.sequence + 1 && input.received_at >= stamp.received_at;
        *stamp = Stamp { sequence: input.sequence, received_at: input.received_at };
        follows
    }

    fn stamp(&mut self, partition: PartitionId, now: Time, body: InputBody) -> Input {
        let stamp = &mut self.stamps[partition.0 as usize];
        stamp.sequence += 1;
        stamp.received_at = stamp.received_at.max(now);
        Input { partition, sequence: stamp.sequence, received_at: stamp.received_at, body }
    }
}

/// The finaliser of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
fn split_mix_64(key: u64) -> u64 {
    let mut z = key.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
