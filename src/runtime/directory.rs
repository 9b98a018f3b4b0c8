//! Which company each courier belongs to, for everyone who has to know it outside the shards.

use std::sync::{PoisonError, RwLock};

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

    /// The company of a courier.
    #[must_use]
    pub fn company(&self, courier: CourierId) -> Option<CompanyId> {
        let companies = self.companies.read().unwrap_or_else(PoisonError::into_inner);
        companies.get(courier.0 as usize).copied().flatten()
    }
}
