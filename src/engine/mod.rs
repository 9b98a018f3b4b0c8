//! The deterministic engine: stamped inputs in, told outputs out, the same for the same.
//!
//! A position finds its courier's line by id, moves each active route of the courier, and each
//! route looks only at the orders whose fences can be near. Everything is reached by slot; no
//! clock, no chance, no lock, no hashing.

mod arena;
mod calm;
mod chain;
mod clearance;
mod commands;
pub mod courier_index;
mod couriers;
mod crossing;
mod deadlines;
mod depot;
mod drive_through;
mod edit;
mod emit;
mod eta;
mod fence;
mod fix;
pub mod input;
mod nearby;
mod nearest;
mod order;
pub mod order_state;
pub mod output;
mod policies;
mod positions;
pub mod prefetch;
mod presence;
mod progress;
pub mod quarantine;
mod queries;
mod route;
mod route_line;
mod shift;
mod silence;
mod sources;
mod standing;
pub mod state;
mod stay;
mod step;
mod terms;
mod track;
pub mod travel_time;
pub mod upcoming;
mod visit;

use std::collections::BTreeMap;

use crate::domain::eta::Eta;
use crate::domain::ids::{CompanyId, CourierId, PARTITIONS, PartitionId};
use crate::domain::time::Time;
use courier_index::CourierIndex;
use couriers::{CourierSlot, Couriers, PolicySlot};
use deadlines::{Deadline, Deadlines, Entry};
use emit::Emit;
use fix::FRESH_MS;
use input::{Input, InputBody};
use output::Outputs;
use policies::Policies;
use prefetch::Ahead;
use quarantine::Quarantine;
use route::{RouteSlot, Routes};
use stay::Stays;
use step::RouteStep;
use travel_time::TravelTime;

/// Counts the changes after which the same inputs may lead to other outputs. Raise it with each: a
/// snapshot names it. What the journal holds after a snapshot is told again by the rules at hand.
pub const VERSION: u16 = 1;

/// The state machine of all couriers of one shard.
///
/// Order of calls for each input: ask [`Self::next_deadline`] until it says `None`, handing in a
/// tick each time; then [`Self::handle`].
pub struct Engine {
    travel: Box<dyn TravelTime>,
    policies: Policies,
    partitions: Vec<Partition>,
    couriers: Couriers,
    routes: Routes,
    stays: Stays,
    deadlines: Deadlines,
    index: CourierIndex,
    /// Scratch of one evaluation.
    etas: Vec<Option<Eta>>,
    /// What the next positions of the batch at hand will touch.
    ahead: Ahead,
    /// The courier that is being stepped, or [`NOBODY`].
    at_work: CourierId,
    /// The position at hand came when there was no time for regular evaluations of the ETA.
    sheds_eta: bool,
}

/// What belongs to a partition as a whole.
#[derive(Default)]
struct Partition {
    policies: BTreeMap<CompanyId, PolicySlot>,
    couriers: Vec<CourierSlot>,
    quarantine: Quarantine,
}

impl Engine {
    /// An engine that knows nobody yet.
    #[must_use]
    pub fn new(travel: Box<dyn TravelTime>) -> Self {
        Self {
            travel,
            policies: Policies::default(),
            partitions: (0..PARTITIONS).map(|_| Partition::default()).collect(),
            couriers: Couriers::default(),
            routes: Routes::default(),
            stays: Stays::default(),
            deadlines: Deadlines::new(),
            index: CourierIndex::new(),
            etas: Vec::new(),
            ahead: Ahead::NOTHING,
            at_work: NOBODY,
            sheds_eta: false,
        }
    }

    /// Steps over one input. The partition's deadlines up to its receive time must have been
    /// stepped before: see [`Self::next_deadline`].
    pub fn handle(&mut self, input: &Input, out: &mut Outputs) {
        let mut emit = Emit::new(input, out);
        match &input.body {
            InputBody::Position { courier, route, position, sheds_eta } => {
                self.at_work = *courier;
                self.sheds_eta = *sheds_eta;
                self.position(*courier, *route, position, &mut emit);
            }
            InputBody::Command(command) => self.admit(input.partition, command, &mut emit),
            InputBody::Tick => self.advance(input.partition, input.received_at, &mut emit),
        }
        self.at_work = NOBODY;
        self.sheds_eta = false;
    }

    /// The earliest deadline of a partition that is due at or before `now`: the caller makes an
    /// [`InputBody::Tick`] of that time, or of the partition's last receive time if that is later,
    /// and asks again.
    pub fn next_deadline(&mut self, partition: PartitionId, now: Time) -> Option<Time> {
        loop {
            let entry = self.deadlines.first(partition, now)?;
            let due = self.due(entry);
            if due == Some(entry.due) {
                return Some(entry.due);
            }
            self.rearm(partition, entry, due);
        }
    }

    /// The true deadline of the route an entry names; `None` if the entry is out of date.
    fn due(&self, entry: Entry) -> Option<Time> {
        let (line, route) = (self.routes.line(entry.slot), self.routes.route(entry.slot));
        // The slot may hold another route by now, or the same one of another courier.
        let armed = (route.courier, route.id, line.armed.time());
        if armed != (entry.courier, entry.route, entry.due) {
            return None;
        }
        let courier = self.couriers.slot(entry.courier)?;
        if self.is_quarantined(entry.courier) {
            return None;
        }
        let policy = self.policies.policy(self.couriers.line(courier).policy);
        let due = Deadline::of(line, route, policy);
        Some(due.time().max(entry.due))
    }

    /// Takes the first entry off the queue and puts the route's next deadline in its place.
    fn rearm(&mut self, partition: PartitionId, entry: Entry, due: Option<Time>) {
        self.deadlines.pop(partition);
        if let Some(due) = due {
            self.routes.line_mut(entry.slot).armed = Deadline::at(due);
            if Deadline::at(due) != Deadline::NONE {
                self.deadlines.push(partition, Entry { due, ..entry });
            }
        }
    }

    /// Steps every deadline of a partition up to `clock`, in the order of true deadlines: when an
    /// entry was armed must not matter, since a recovered engine arms them anew.
    fn advance(&mut self, partition: PartitionId, clock: Time, emit: &mut Emit) {
        while let Some(entry) = self.deadlines.first(partition, clock) {
            let due = self.due(entry);
            if let (Some(due), Some(courier)) = (due, self.couriers.slot(entry.courier))
                && due == entry.due
            {
                emit.courier = entry.courier;
                self.at_work = entry.courier;
                self.step(courier, entry.slot, emit).clock(clock);
                // What the clock did is done; the same instant cannot be due twice.
                let next = self.due(entry).map(|next| next.max(clock + 1));
                self.rearm(partition, entry, next);
            } else {
                self.rearm(partition, entry, due);
            }
        }
    }

    /// A route of a courier, ready to be worked on.
    fn step<'a, 'out>(
        &'a mut self,
        courier: CourierSlot,
        slot: RouteSlot,
        emit: &'a mut Emit<'out>,
    ) -> RouteStep<'a, 'out> {
        let courier = self.couriers.line(courier);
        let (line, route) = self.routes.both_mut(slot);
        let now = emit.received_at();
        RouteStep {
            policy: self.policies.policy(courier.policy),
            travel: &*self.travel,
            is_fresh: now - line.last_t() <= FRESH_MS,
            line,
            route,
            slot,
            stays: &mut self.stays,
            deadlines: &mut self.deadlines,
            partition: courier.partition,
            etas: &mut self.etas,
            emit,
            now,
            is_frozen: false,
            has_looked: false,
            refreshed_to: 0,
            is_edited: false,
            changed: None,
            must_evaluate: false,
            sheds_eta: self.sheds_eta,
        }
    }
}

/// No courier: ids are indices, and so many there are not.
const NOBODY: CourierId = CourierId(u32::MAX);
