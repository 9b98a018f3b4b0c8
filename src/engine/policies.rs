//! The settings in force, each distinct set once.

use super::couriers::PolicySlot;
use crate::domain::policy::Policy;

/// All sets of settings of a shard; the first is the default.
#[derive(Debug)]
pub struct Policies {
    list: Vec<Policy>,
}

impl Default for Policies {
    fn default() -> Self {
        Self { list: vec![Policy::default()] }
    }
}

impl PolicySlot {
    /// The default settings.
    pub const DEFAULT: Self = Self(0);
}

impl Policies {
    /// The slot of a set, which is stored if it is new.
    pub fn intern(&mut self, policy: &Policy) -> PolicySlot {
        let at = self.list.iter().position(|known| known == policy).unwrap_or_else(|| {
            self.list.push(policy.clone());
            self.list.len() - 1
        });
        PolicySlot(at as u32)
    }

    /// A set.
    pub fn policy(&self, slot: PolicySlot) -> &Policy {
        &self.list[slot.0 as usize]
    }
}
