//! The open stays: one per order whose fence the courier is in, chained per route in the sequence
//! of the orders.

use core::num::NonZeroU16;

use super::arena::Arena;
use super::fence::Fence;
use super::nearest::Credit;
use super::prefetch::CACHE_LINE_BYTES;
use super::presence::Presence;
use super::state::kept;
use crate::domain::geo::Centre;
use crate::domain::policy::Radius;
use crate::domain::time::Time;

/// Where a stay lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StaySlot(u32);

impl StaySlot {
    /// No stay.
    pub const NONE: Self = Self(u32::MAX);

    /// Whether there is a stay.
    pub fn is_some(self) -> bool {
        self != Self::NONE
    }
}

/// A courier stays at an order.
///
/// A position of one who is parked reads and writes the first two cache lines of three.
#[derive(Clone, Debug)]
#[repr(C, align(64))]
pub struct Stay {
    /// The order's point when the stay began.
    pub centre: Centre,
    /// Its fence.
    pub fence: Fence,
    /// The dwell that makes a visit, frozen when the stay began.
    pub required_ms: i64,
    /// The next open stay of the route.
    pub next: StaySlot,
    /// The order was unvisited when the stay began, so that the stay may visit it.
    pub may_visit: bool,
    /// It has visited its order.
    pub has_visited: bool,
    /// Nobody was seen inside: a segment between two positions cut the fence.
    pub is_interpolated: bool,
    /// A status was set by API or app since the stay began.
    pub has_status_set: bool,
    /// Place of the order in the route's sequence: see [`Self::at`].
    pub place: u16,
    /// Number among the told stays of the order; `None`: the stay is silent so far.
    pub told: Option<NonZeroU16>,
    /// The radius in force when the stay began.
    pub radius: Radius,
    /// The machine.
    pub presence: Presence,
    /// The dwell, where only the nearest order's counts.
    pub credit: Credit,
    /// Best estimate of the true entry.
    pub entered_estimated: Time,
    /// Best estimate of when the dwell began to count.
    pub dwell_estimated: Time,
}

impl Stay {
    /// A place in a sequence, as a stay keeps it: a route has no more than
    /// [`ROUTE_ORDERS_MAX`](crate::domain::route::ROUTE_ORDERS_MAX) orders.
    pub const fn place(at: usize) -> u16 {
        at as u16
    }

    /// Place of the order in the route's sequence.
    pub fn at(&self) -> usize {
        self.place.into()
    }
}

kept!(Stay {
    place,
    centre,
    radius,
    fence,
    required_ms,
    presence,
    credit,
    entered_estimated,
    dwell_estimated,
    told,
    may_visit,
    has_visited,
    is_interpolated,
    has_status_set,
} rebuilt {
    next = StaySlot::NONE,
});

/// All open stays of a shard.
#[derive(Debug, Default)]
pub struct Stays {
    list: Arena<Stay>,
    free: Vec<StaySlot>,
}

impl Stays {
    /// Asks for a stay ahead of its use.
    pub fn prefetch(&self, slot: StaySlot) {
        for offset in [0, CACHE_LINE_BYTES] {
            self.list.prefetch(slot.0, offset);
        }
    }

    /// Stores a stay.
    pub fn insert(&mut self, stay: Stay) -> StaySlot {
        if let Some(slot) = self.free.pop() {
            self.list[slot.0] = stay;
            return slot;
        }
        StaySlot(self.list.push(stay))
    }

    /// Forgets a stay; the caller has unchained it.
    pub fn remove(&mut self, slot: StaySlot) {
        self.free.push(slot);
    }

    /// A stay.
    pub fn stay(&self, slot: StaySlot) -> &Stay {
        &self.list[slot.0]
    }

    /// A stay.
    pub fn stay_mut(&mut self, slot: StaySlot) -> &mut Stay {
        &mut self.list[slot.0]
    }

    /// The stay of an order that has one.
    pub fn of(&self, slot: StaySlot) -> Option<&Stay> {
        slot.is_some().then(|| self.stay(slot))
    }

    /// Puts a stay into the chain that begins at `first`, by its place in the sequence.
    pub fn chain(&mut self, first: &mut StaySlot, slot: StaySlot) {
        let at = self.stay(slot).at();
        let mut before = StaySlot::NONE;
        let mut after = *first;
        while after.is_some() && self.stay(after).at() < at {
            before = after;
            after = self.stay(after).next;
        }
        self.stay_mut(slot).next = after;
        if before.is_some() {
            self.stay_mut(before).next = slot;
        } else {
            *first = slot;
        }
    }

    /// Takes a stay out of the chain that begins at `first`.
    pub fn unchain(&mut self, first: &mut StaySlot, slot: StaySlot) {
        let after = self.stay(slot).next;
        if *first == slot {
            *first = after;
            return;
        }
        let mut before = *first;
        while before.is_some() {
            let next = self.stay(before).next;
            if next == slot {
                self.stay_mut(before).next = after;
                return;
            }
            before = next;
        }
    }
}

const _: () = assert!(size_of::<Stay>() == 192, "three cache lines");
