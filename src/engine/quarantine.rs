//! Couriers whose evaluation failed twice: nothing of theirs is evaluated until they are released.
//! Positions are dropped as stored only, commands wait in order, deadlines are put aside. Pure, as
//! all of the engine: it begins and ends by commands.

use std::collections::BTreeMap;

use super::deadlines::Deadline;
use super::emit::Emit;
use super::{Engine, NOBODY};
use crate::domain::command::Command;
use crate::domain::eta::EtaCause;
use crate::domain::ids::{CompanyId, CourierId, DepotId, PartitionId};
use crate::domain::policy::Policy;
use crate::domain::position::SourceSet;

/// The quarantined couriers of a partition, each with the commands that wait.
#[derive(Debug, Default)]
pub struct Quarantine {
    waiting: BTreeMap<CourierId, Vec<Command>>,
}

/// A courier in quarantine, with what a later engine needs to know of it beside its state.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    /// The courier.
    pub courier: CourierId,
    /// Its company.
    pub company: CompanyId,
    /// The settings that were in force for it when it was quarantined.
    pub policy: Policy,
    /// The commands that wait, in their order.
    pub waiting: Vec<Command>,
}

impl Engine {
    /// The quarantined couriers of a partition, by id.
    #[must_use]
    pub fn held(&self, partition: PartitionId) -> Vec<Held> {
        let waiting = &self.partitions[partition.0 as usize].quarantine.waiting;
        let held = waiting.iter().filter_map(|(&courier, waiting)| {
            let line = self.couriers.line(self.couriers.slot(courier)?);
            let policy = self.policies.policy(line.policy).clone();
            Some(Held { courier, company: line.company, policy, waiting: waiting.clone() })
        });
        held.collect()
    }

    /// Takes over a courier in quarantine, after its partition; `false`: it is not there.
    #[must_use]
    pub fn hold(&mut self, partition: PartitionId, held: Held) -> bool {
        let Held { courier, company, policy, waiting } = held;
        let Some(slot) = self.couriers.slot(courier) else { return false };
        let line = self.couriers.line_mut(slot);
        if line.partition != partition || line.company != company {
            return false;
        }
        line.policy = self.policies.intern(&policy);
        line.sources = SourceSet::NONE;
        let place = &mut self.partitions[partition.0 as usize].quarantine.waiting;
        place.insert(courier, waiting).is_none()
    }

    /// After a panic, the courier in whose step it was; `None`: in nobody's.
    #[must_use]
    pub fn at_work(&self) -> Option<CourierId> {
        Some(self.at_work).filter(|&courier| courier != NOBODY)
    }

    /// Whether a courier is quarantined.
    #[must_use]
    pub fn is_quarantined(&self, courier: CourierId) -> bool {
        self.couriers.slot(courier).is_some_and(|slot| {
            let partition = self.couriers.line(slot).partition;
            self.partitions[partition.0 as usize].quarantine.waiting.contains_key(&courier)
        })
    }

    /// Puts a courier into quarantine; one that is not known cannot be.
    pub fn quarantine(&mut self, courier: CourierId) {
        let Some(slot) = self.couriers.slot(courier) else { return };
        let line = self.couriers.line_mut(slot);
        // Where no source is allowed, a position costs no further look.
        line.sources = SourceSet::NONE;
        let partition = line.partition;
        self.partitions[partition.0 as usize].quarantine.waiting.entry(courier).or_default();
    }

    /// Follows a command, or lets it wait.
    pub(super) fn admit(&mut self, partition: PartitionId, command: &Command, emit: &mut Emit) {
        let about = command.courier();
        if let Some(courier) = about {
            self.at_work = courier;
        }
        let waiting = &mut self.partitions[partition.0 as usize].quarantine.waiting;
        match (command, about.and_then(|courier| waiting.get_mut(&courier))) {
            (Command::Release(courier), Some(_)) => self.release(partition, *courier, emit),
            (Command::EraseCourier { courier }, Some(_)) => {
                let waited = waiting.remove(courier).unwrap_or_default();
                // Its routes go first, as they would have gone.
                for gone in waited.iter().filter(|c| matches!(c, Command::RemoveRoute { .. })) {
                    self.command(partition, gone, emit);
                }
                self.command(partition, command, emit);
            }
            (_, Some(waiting)) => {
                if !matches!(command, Command::Quarantine(_)) {
                    waiting.push(command.clone());
                }
            }
            (Command::PutDepot { company, depot }, None) => {
                let couriers = &self.couriers;
                let is_its = |courier: CourierId| {
                    let slot = couriers.slot(courier);
                    slot.is_some_and(|slot| couriers.line(slot).company == *company)
                };
                for (_, waiting) in waiting.iter_mut().filter(|(courier, _)| is_its(**courier)) {
                    // No more of them wait than there are depots.
                    waiting.retain(|waits| !is_of_depot(waits, *company, depot.id));
                    waiting.push(command.clone());
                }
                self.command(partition, command, emit);
            }
            (_, None) => self.command(partition, command, emit),
        }
    }

    /// Ends a quarantine: the settings of its company as they are, then what waited, in order.
    fn release(&mut self, partition: PartitionId, courier: CourierId, emit: &mut Emit) {
        let part = &mut self.partitions[partition.0 as usize];
        let waited = part.quarantine.waiting.remove(&courier).unwrap_or_default();
        let Some(slot) = self.couriers.slot(courier) else { return };
        self.put_policy_of(partition, slot, emit);
        self.each_route(slot, emit, |step| {
            // What was put aside is out of date.
            step.line.armed = Deadline::NONE;
            step.settle(EtaCause::Sequence);
        });
        for command in &waited {
            match command {
                Command::PutDepot { company, depot } => {
                    self.put_depot_of(slot, *company, *depot, emit);
                }
                _ => self.command(partition, command, emit),
            }
        }
    }
}

/// Whether a command puts that depot.
fn is_of_depot(command: &Command, of: CompanyId, id: DepotId) -> bool {
    matches!(command, Command::PutDepot { company, depot } if *company == of && depot.id == id)
}
