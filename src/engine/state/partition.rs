//! One partition of an engine as bytes, and back: its settings, and its couriers with their routes
//! and open stays.

use super::{Kept, NotState, StateReader, StateWriter, Taken};
use crate::domain::ids::{CompanyId, CourierId, PartitionId};
use crate::domain::policy::Policy;
use crate::domain::position::Source;
use crate::domain::time::Time;
use crate::engine::Engine;
use crate::engine::couriers::{CourierLine, CourierSlot, PolicySlot};
use crate::engine::deadlines::{Deadline, Entry};
use crate::engine::eta::Lead;
use crate::engine::route::{Route, RouteSlot};
use crate::engine::route_line::RouteLine;
use crate::engine::sources::{Heard, SourceTimes};
use crate::engine::stay::{Stay, StaySlot};

impl Engine {
    /// Writes the state of a partition as [`super::LAYOUT`] has it. The same state gives the same
    /// bytes, wherever its slots are.
    pub fn export(&self, partition: PartitionId, bytes: &mut Vec<u8>) {
        let mut to = StateWriter::new(bytes);
        let part = &self.partitions[partition.0 as usize];
        to.varint(part.policies.len() as u64);
        for (company, &policy) in &part.policies {
            company.put(&mut to);
            self.policies.policy(policy).put(&mut to);
        }
        to.varint(part.couriers.len() as u64);
        for &courier in &part.couriers {
            self.export_courier(courier, &mut to);
        }
    }

    fn export_courier(&self, slot: CourierSlot, to: &mut StateWriter) {
        let line = self.couriers.line(slot);
        line.put(to);
        if matches!(line.heard, Heard::Several(_)) {
            self.couriers.times(slot).put(to);
        }
        let mut route = line.first_route;
        while route.is_some() {
            true.put(to);
            self.export_route(route, to);
            route = self.routes.line(route).next;
        }
        false.put(to);
    }

    fn export_route(&self, slot: RouteSlot, to: &mut StateWriter) {
        let line = self.routes.line(slot);
        line.put(to);
        self.routes.route(slot).put(to);
        let mut stay = line.first_stay;
        while stay.is_some() {
            true.put(to);
            self.stays.stay(stay).put(to);
            stay = self.stays.stay(stay).next;
        }
        false.put(to);
    }

    /// Takes over a partition of which nothing is known yet, as [`Self::export`] wrote it with a
    /// layout.
    ///
    /// # Errors
    /// The bytes are none, or are of a layout that is not known here. The engine is then worth
    /// nothing any more.
    pub fn import(&mut self, partition: PartitionId, bytes: &[u8], layout: u16) -> Taken<()> {
        let from = &mut StateReader::new(bytes, layout)?;
        for _ in 0..from.count(2)? {
            let company = CompanyId::take(from)?;
            let policy = self.policies.intern(&Policy::take(from)?);
            self.partitions[partition.0 as usize].policies.insert(company, policy);
        }
        for _ in 0..from.count(2)? {
            self.import_courier(partition, from)?;
        }
        from.end()
    }

    fn import_courier(&mut self, partition: PartitionId, from: &mut StateReader) -> Taken<()> {
        let mut line = CourierLine::take(from)?;
        let part = &mut self.partitions[partition.0 as usize];
        if line.id.0 > COURIER_ID_MAX || self.couriers.slot(line.id).is_some() {
            return Err(NotState);
        }
        line.partition = partition;
        line.policy = part.policies.get(&line.company).copied().unwrap_or(PolicySlot::DEFAULT);
        let (id, heard, located) = (line.id, line.heard, line.located);
        let slot = self.couriers.insert(line);
        if let Some(seen) = located {
            self.index.place(slot.0, seen.point);
        }
        part.couriers.push(slot);
        if matches!(heard, Heard::Several(_)) {
            self.couriers.set_times(slot, SourceTimes::take(from)?);
        }
        let mut last = RouteSlot::NONE;
        while bool::take(from)? {
            let route = self.import_route(partition, id, from)?;
            if last.is_some() {
                self.routes.line_mut(last).next = route;
            } else {
                self.couriers.line_mut(slot).first_route = route;
            }
            last = route;
        }
        Ok(())
    }

    fn import_route(
        &mut self,
        partition: PartitionId,
        courier: CourierId,
        from: &mut StateReader,
    ) -> Taken<RouteSlot> {
        let (mut line, mut route) = (RouteLine::take(from)?, Route::take(from)?);
        route.mark_singles();
        if route.courier != courier {
            return Err(NotState);
        }
        let mut last = StaySlot::NONE;
        while bool::take(from)? {
            let stay = Stay::take(from)?;
            let order = route.orders.get_mut(stay.at()).ok_or(NotState)?;
            let slot = self.stays.insert(stay);
            order.stay = slot;
            if last.is_some() {
                self.stays.stay_mut(last).next = slot;
            } else {
                line.first_stay = slot;
            }
            last = slot;
        }
        let (armed, id) = (line.armed, route.id);
        let slot = self.routes.insert(line, route);
        if armed != Deadline::NONE {
            let entry = Entry { due: armed.time(), courier, route: id, slot };
            self.deadlines.push(partition, entry);
        }
        Ok(slot)
    }

    /// The couriers of a partition with their companies, in the order in which they came.
    pub fn couriers_of(
        &self,
        partition: PartitionId,
    ) -> impl Iterator<Item = (CourierId, CompanyId)> + '_ {
        let couriers = &self.partitions[partition.0 as usize].couriers;
        couriers.iter().map(|&slot| self.couriers.line(slot)).map(|line| (line.id, line.company))
    }
}

impl Kept for Heard {
    fn put(&self, to: &mut StateWriter) {
        match self {
            Self::Nobody => to.byte(0),
            Self::One(source) => {
                to.byte(1);
                source.put(to);
            }
            // Which is the highest, their times say.
            Self::Several(_) => to.byte(2),
        }
    }

    fn take(from: &mut StateReader) -> Taken<Self> {
        match from.byte()? {
            0 => Ok(Self::Nobody),
            1 => Ok(Self::One(Kept::take(from)?)),
            2 => Ok(Self::Several(Source::App)),
            _ => Err(NotState),
        }
    }
}

impl Kept for SourceTimes {
    fn put(&self, to: &mut StateWriter) {
        let Self { seen } = self;
        for time in seen {
            time.put(to);
        }
    }

    fn take(from: &mut StateReader) -> Taken<Self> {
        let mut seen = Self::default().seen;
        for time in &mut seen {
            *time = Time::take(from)?;
        }
        Ok(Self { seen })
    }
}

impl Kept for Deadline {
    fn put(&self, to: &mut StateWriter) {
        self.time().put(to);
    }

    fn take(from: &mut StateReader) -> Taken<Self> {
        Ok(Self::at(Kept::take(from)?))
    }
}

impl Kept for Lead {
    fn put(&self, to: &mut StateWriter) {
        match self {
            Self::Unknown => to.byte(0),
            Self::Driving(place) => {
                to.byte(1);
                place.put(to);
            }
            Self::Staying(until) => {
                to.byte(2);
                until.put(to);
            }
        }
    }

    fn take(from: &mut StateReader) -> Taken<Self> {
        match from.byte()? {
            0 => Ok(Self::Unknown),
            1 => Ok(Self::Driving(Kept::take(from)?)),
            2 => Ok(Self::Staying(Kept::take(from)?)),
            _ => Err(NotState),
        }
    }
}

/// No courier has a greater id: the table by id takes no more memory than this allows.
const COURIER_ID_MAX: u32 = 1 << 28;
