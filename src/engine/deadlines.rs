//! When the clock alone must act: one armed deadline per route, checked again when it comes up,
//! so that positions never touch a queue.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::eta::{Lead, TOLD_MS};
use super::fix::FRESH_MS;
use super::order::Order;
use super::route::{Route, RouteSlot};
use super::route_line::RouteLine;
use crate::domain::ids::{CourierId, PARTITIONS, PartitionId, RouteId};
use crate::domain::policy::Policy;
use crate::domain::time::{DAY_MS, SECOND_MS, Time};

/// A deadline, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Time);

impl Deadline {
    /// No deadline.
    pub const NONE: Self = Self(Time::DISTANT_FUTURE);

    /// A deadline at an instant; none if that is beyond all time.
    pub fn at(time: Time) -> Self {
        Self(time)
    }

    /// The instant.
    pub fn time(self) -> Time {
        self.0
    }
}

impl Deadline {
    /// The next instant at which the clock alone changes something on a route.
    pub fn of(line: &RouteLine, route: &Route, policy: &Policy) -> Self {
        if line.is_over {
            return Self::NONE;
        }
        let mut due = route.end_of_tracking(line, policy) + TRACKING_GRACE_MS;
        if line.eta.lead != Lead::Unknown {
            let silence_ms = if line.eta.is_stale { LOST_MS } else { STALE_MS };
            due = due.min(line.last_t() + silence_ms + 1);
            let told =
                route.orders.iter().skip(route.swept_at).filter(|order| !order.stay.is_some());
            let told = told.map(|order| order.told_eta).filter(|&told| told != Order::NO_ETA);
            due = told.map(|told| told + TOLD_MS).fold(due, Time::min);
        }
        Self::at(due)
    }
}

/// A route's entry in the queue, ordered by time, courier and route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When to look at the route.
    pub due: Time,
    /// The courier.
    pub courier: CourierId,
    /// The route.
    pub route: RouteId,
    /// Where it lives. May have been freed and used again since.
    pub slot: RouteSlot,
}

impl Entry {
    fn key(&self) -> (Time, CourierId, RouteId) {
        (self.due, self.courier, self.route)
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

/// The deadlines of every partition.
#[derive(Debug)]
pub struct Deadlines {
    queues: Vec<BinaryHeap<Reverse<Entry>>>,
    /// When the first of each is due. Every input asks for that, and it is all that most touch.
    firsts: Vec<Time>,
}

impl Deadlines {
    /// No deadlines.
    pub fn new() -> Self {
        let count = usize::from(PARTITIONS);
        let queues = (0..count).map(|_| BinaryHeap::new()).collect();
        Self { queues, firsts: vec![Time::DISTANT_FUTURE; count] }
    }

    /// Adds an entry. An earlier one of the same route is found out of date when it comes up.
    pub fn push(&mut self, of: PartitionId, entry: Entry) {
        self.queues[of.0 as usize].push(Reverse(entry));
        let first = &mut self.firsts[of.0 as usize];
        *first = entry.due.min(*first);
    }

    /// The first entry of a partition, if it is due at or before `now`.
    pub fn first(&self, of: PartitionId, now: Time) -> Option<Entry> {
        if self.firsts[of.0 as usize] > now {
            return None;
        }
        let first = self.queues[of.0 as usize].peek().map(|entry| entry.0);
        first.filter(|entry| entry.due <= now)
    }

    /// Takes the first entry of a partition away.
    pub fn pop(&mut self, of: PartitionId) {
        let queue = &mut self.queues[of.0 as usize];
        queue.pop();
        let first = queue.peek().map_or(Time::DISTANT_FUTURE, |entry| entry.0.due);
        self.firsts[of.0 as usize] = first;
    }
}

/// Older than this the last position makes the ETA stale...
pub const STALE_MS: i64 = FRESH_MS;
/// ...and older than this it makes it unknown.
pub const LOST_MS: i64 = 1_800 * SECOND_MS;
/// So long after its end the clock alone ends tracking.
pub const TRACKING_GRACE_MS: i64 = DAY_MS;
