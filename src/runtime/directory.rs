//! Which company each courier belongs to, and what its document says of its device, for everyone who
//! has to know it outside the shards.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::domain::command::Command;
use crate::domain::ids::{CompanyId, CourierId};

/// The couriers that were ever put, by id.
#[derive(Debug, Default)]
pub struct Directory {
    couriers: RwLock<Vec<Entry>>,
    /// Those in quarantine, and how many commands about each wait.
    quarantined: RwLock<BTreeMap<CourierId, usize>>,
}

/// What is known of a courier.
#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    company: Option<CompanyId>,
    is_silent_when_still: bool,
    /// Nothing comes in of it any more.
    is_erased: bool,
}

/// A courier who is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its company.
    pub company: CompanyId,
    /// Its document says that its device falls silent while it stands.
    pub is_silent_when_still: bool,
}

impl Directory {
    /// Follows a command.
    pub fn follow(&self, command: &Command) {
        if let Some(courier) = command.courier()
            && let Some(waiting) = self.write_quarantined().get_mut(&courier)
        {
            *waiting += usize::from(!matches!(command, Command::Quarantine(_)));
        }
        match command {
            Command::PutCourier(plan) => {
                self.entry(plan.id, |entry| entry.company = Some(plan.company));
            }
            Command::Quarantine(courier) => {
                self.write_quarantined().entry(*courier).or_default();
            }
            Command::Release(courier) => {
                self.write_quarantined().remove(courier);
            }
            Command::EraseCourier { courier } => {
                self.entry(*courier, |entry| entry.is_erased = true);
                self.write_quarantined().remove(courier);
            }
            Command::PutPolicy { .. }
            | Command::PutDepot { .. }
            | Command::PutRoute(_)
            | Command::RemoveRoute { .. }
            | Command::PutOrder { .. }
            | Command::RemoveOrder { .. }
            | Command::SetStatus { .. } => {}
        }
    }

    /// A courier is quarantined from here on, without a command; so many commands about it wait.
    pub fn quarantine(&self, courier: CourierId, waiting: usize) {
        self.write_quarantined().entry(courier).or_insert(waiting);
    }

    /// The couriers in quarantine.
    #[must_use]
    pub fn quarantined(&self) -> BTreeSet<CourierId> {
        self.read_quarantined().keys().copied().collect()
    }

    /// How many commands about a courier wait for the end of its quarantine; 0 if it is in none.
    #[must_use]
    pub fn waiting(&self, courier: CourierId) -> usize {
        self.read_quarantined().get(&courier).copied().unwrap_or(0)
    }

    fn read_quarantined(&self) -> RwLockReadGuard<'_, BTreeMap<CourierId, usize>> {
        self.quarantined.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_quarantined(&self) -> RwLockWriteGuard<'_, BTreeMap<CourierId, usize>> {
        self.quarantined.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes over couriers who were put before.
    pub fn enlist(&self, listed: impl Iterator<Item = (CourierId, CompanyId)>) {
        let mut couriers = self.couriers.write().unwrap_or_else(PoisonError::into_inner);
        for (courier, company) in listed {
            let at = courier.0 as usize;
            if couriers.len() <= at {
                couriers.resize(at + 1, Entry::default());
            }
            couriers[at].company = Some(company);
        }
    }

    /// Follows a courier's document: whether its device falls silent while it stands.
    pub fn declare(&self, courier: CourierId, is_silent_when_still: bool) {
        self.entry(courier, |entry| entry.is_silent_when_still = is_silent_when_still);
    }

    /// What is known of many couriers. Whoever holds it keeps new couriers waiting.
    #[must_use]
    pub fn open(&self) -> OpenDirectory<'_> {
        OpenDirectory(self.couriers.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn entry(&self, courier: CourierId, edit: impl FnOnce(&mut Entry)) {
        let mut couriers = self.couriers.write().unwrap_or_else(PoisonError::into_inner);
        let at = courier.0 as usize;
        if couriers.len() <= at {
            couriers.resize(at + 1, Entry::default());
        }
        edit(&mut couriers[at]);
    }
}

/// The directory, open to be read.
pub struct OpenDirectory<'a>(RwLockReadGuard<'a, Vec<Entry>>);

impl OpenDirectory<'_> {
    /// A courier who is there.
    #[must_use]
    pub fn courier(&self, courier: CourierId) -> Option<Listed> {
        let entry = self.0.get(courier.0 as usize).filter(|entry| !entry.is_erased)?;
        let is_silent_when_still = entry.is_silent_when_still;
        entry.company.map(|company| Listed { company, is_silent_when_still })
    }

    /// The couriers with their companies, by id.
    pub fn companies(&self) -> impl Iterator<Item = (CourierId, CompanyId)> + '_ {
        let listed = self.0.iter().zip(0_u32..);
        listed.filter_map(|(entry, id)| Some((CourierId(id), entry.company?)))
    }

    /// The company of a courier, be it erased or not.
    #[must_use]
    pub fn company(&self, courier: CourierId) -> Option<CompanyId> {
        self.0.get(courier.0 as usize)?.company
    }
}
