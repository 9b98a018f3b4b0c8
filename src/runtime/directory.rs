//! Which company each courier belongs to, for everyone who has to know it outside the shards.

use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use crate::domain::command::Command;
use crate::domain::ids::{CompanyId, CourierId};

/// The couriers that were ever put, by id.
#[derive(Debug, Default)]
pub struct Directory {
    companies: RwLock<Vec<Option<CompanyId>>>,
}

impl Directory {
    /// Follows a command.
    pub fn follow(&self, command: &Command) {
        let Command::PutCourier(plan) = command else { return };
        let mut companies = self.companies.write().unwrap_or_else(PoisonError::into_inner);
        let at = plan.id.0 as usize;
        if companies.len() <= at {
            companies.resize(at + 1, None);
        }
        companies[at] = Some(plan.company);
    }

    /// The companies of many couriers. Whoever holds it keeps new couriers waiting.
    #[must_use]
    pub fn open(&self) -> OpenDirectory<'_> {
        OpenDirectory(self.companies.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The directory, open to be read.
pub struct OpenDirectory<'a>(RwLockReadGuard<'a, Vec<Option<CompanyId>>>);

impl OpenDirectory<'_> {
    /// The company of a courier.
    #[must_use]
    pub fn company(&self, courier: CourierId) -> Option<CompanyId> {
        self.0.get(courier.0 as usize).copied().flatten()
    }
}
