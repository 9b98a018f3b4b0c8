//! The couriers of a shard: an array addressed by id, and the hot line of each.

use std::collections::BTreeMap;

use super::arena::Arena;
use super::fix::Seen;
use super::prefetch::prefetch_part;
use super::route::RouteSlot;
use super::sources::{Heard, SourceTimes, silences};
use super::state::kept;
use crate::domain::ids::{CompanyId, CourierId, PartitionId};
use crate::domain::position::{Source, SourceSet};
use crate::domain::time::Time;

/// Where a courier lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CourierSlot(pub u32);

/// What a position needs to know of its courier.
#[derive(Clone, Debug)]
#[repr(align(64))]
pub struct CourierLine {
    /// The courier.
    pub id: CourierId,
    /// Its company.
    pub company: CompanyId,
    /// Its partition.
    pub partition: PartitionId,
    /// Sources that are evaluated.
    pub sources: SourceSet,
    /// The courier's own choice of sources.
    pub own_sources: Option<SourceSet>,
    /// The company's settings.
    pub policy: PolicySlot,
    /// The first of its routes, by id.
    pub first_route: RouteSlot,
    /// The last known position, which is also where the index of couriers has it.
    pub located: Option<Seen>,
    /// Which sources have spoken for it.
    pub heard: Heard,
    /// The latest device time of the only source, or of the highest.
    pub heard_at: Time,
}

kept!(CourierLine {
    id,
    company,
    sources,
    own_sources,
    located,
    heard,
    heard_at,
} rebuilt {
    partition = PartitionId(0),
    policy = PolicySlot::DEFAULT,
    first_route = RouteSlot::NONE,
});

/// A set of settings in the engine's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PolicySlot(pub u32);

/// All couriers of a shard.
#[derive(Debug, Default)]
pub struct Couriers {
    slots: Vec<CourierSlot>,
    lines: Arena<CourierLine>,
    /// Of those whom several sources have spoken for: when, all but the highest.
    heard: BTreeMap<u32, SourceTimes>,
}

impl Couriers {
    /// Asks for the slot of a courier ahead of its use.
    pub fn prefetch_slot(&self, id: CourierId) {
        prefetch_part(&self.slots, id.0 as usize, 0);
    }

    /// Asks for the line of a courier ahead of its use.
    pub fn prefetch_line(&self, slot: CourierSlot) {
        self.lines.prefetch(slot.0, 0);
    }

    /// The slot of a courier.
    pub fn slot(&self, id: CourierId) -> Option<CourierSlot> {
        self.slots.get(id.0 as usize).copied().filter(|&slot| slot != NONE)
    }

    /// Stores a courier that is not there yet.
    pub fn insert(&mut self, line: CourierLine) -> CourierSlot {
        let at = line.id.0 as usize;
        if self.slots.len() <= at {
            self.slots.resize(at + 1, NONE);
        }
        let slot = CourierSlot(self.lines.push(line));
        self.slots[at] = slot;
        slot
    }

    /// There is no such courier any more; its slot stays empty.
    pub fn forget(&mut self, id: CourierId) {
        let Some(slot) = self.slot(id) else { return };
        self.slots[id.0 as usize] = NONE;
        self.heard.remove(&slot.0);
        let line = self.line_mut(slot);
        (line.heard, line.heard_at) = (Heard::Nobody, Time::DISTANT_PAST);
    }

    /// Notes that an allowed source spoke for a courier at `t`.
    pub fn hear(&mut self, slot: CourierSlot, source: Source, t: Time) {
        let line = &mut self.lines[slot.0];
        let Some(highest) = line.heard.highest() else {
            (line.heard, line.heard_at) = (Heard::One(source), t);
            return;
        };
        if highest == source {
            line.heard_at = line.heard_at.max(t);
            return;
        }
        let times = self.heard.entry(slot.0).or_default();
        if source.priority() < highest.priority() {
            times.hear(highest, line.heard_at);
            (line.heard, line.heard_at) = (Heard::Several(source), t);
        } else {
            times.hear(source, t);
            line.heard = Heard::Several(highest);
        }
    }

    /// Whether a better source has spoken for a courier shortly before `t`.
    pub fn is_outranked(&self, slot: CourierSlot, source: Source, t: Time) -> bool {
        let line = self.line(slot);
        let Some(highest) = line.heard.highest() else { return false };
        if highest.priority() >= source.priority() {
            return false;
        }
        let is_by_another = || match line.heard {
            Heard::Nobody | Heard::One(_) => false,
            Heard::Several(_) => self.heard.get(&slot.0).is_some_and(|it| it.outrank(source, t)),
        };
        silences(line.heard_at, t) || is_by_another()
    }

    /// The times of a courier whom several sources have spoken for.
    pub fn times(&self, slot: CourierSlot) -> SourceTimes {
        let mut times = self.heard.get(&slot.0).copied().unwrap_or_default();
        let line = self.line(slot);
        if let Some(highest) = line.heard.highest() {
            times.hear(highest, line.heard_at);
        }
        times
    }

    /// Takes over the times of a courier whom several sources have spoken for.
    pub fn set_times(&mut self, slot: CourierSlot, times: SourceTimes) {
        if let Some((highest, heard_at)) = times.highest() {
            let line = self.line_mut(slot);
            (line.heard, line.heard_at) = (Heard::Several(highest), heard_at);
        }
        self.heard.insert(slot.0, times);
    }

    /// A courier.
    pub fn line(&self, slot: CourierSlot) -> &CourierLine {
        &self.lines[slot.0]
    }

    /// A courier.
    pub fn line_mut(&mut self, slot: CourierSlot) -> &mut CourierLine {
        &mut self.lines[slot.0]
    }
}

const NONE: CourierSlot = CourierSlot(u32::MAX);

const _: () = assert!(size_of::<CourierLine>() <= 64, "a position reads one cache line of it");

#[cfg(test)]
mod tests {
    use super::{CourierLine, Couriers, PolicySlot};
    use crate::domain::ids::{CompanyId, CourierId, PartitionId};
    use crate::domain::position::{Source, SourceSet};
    use crate::domain::time::Time;
    use crate::engine::route::RouteSlot;
    use crate::engine::sources::{Heard, SourceTimes};
    use proptest::prelude::*;

    fn nobody_heard() -> CourierLine {
        CourierLine {
            id: CourierId(3),
            company: CompanyId(1),
            partition: PartitionId(0),
            sources: SourceSet::NONE,
            own_sources: None,
            policy: PolicySlot::DEFAULT,
            first_route: RouteSlot::NONE,
            located: None,
            heard: Heard::Nobody,
            heard_at: Time::DISTANT_PAST,
        }
    }

    proptest! {
        /// The line keeps the highest source, whichever speaks when, and through a snapshot.
        #[test]
        fn sources_are_heard_as_if_every_time_was_kept(
            heard in prop::collection::vec((0_usize..4, 0_i64..400_000, any::<bool>()), 1..40)
        ) {
            let mut couriers = Couriers::default();
            let slot = couriers.insert(nobody_heard());
            let mut all = SourceTimes::default();
            for (at, t, is_kept) in heard {
                let (source, t) = (Source::ALL[at], Time::from_ms(t));
                prop_assert_eq!(couriers.is_outranked(slot, source, t), all.outrank(source, t));
                couriers.hear(slot, source, t);
                all.hear(source, t);
                prop_assert_eq!(couriers.times(slot), all);
                if is_kept && matches!(couriers.line(slot).heard, Heard::Several(_)) {
                    let line = couriers.line(slot).clone();
                    couriers = Couriers::default();
                    couriers.insert(line);
                    couriers.set_times(slot, all);
                }
            }
        }
    }
}
