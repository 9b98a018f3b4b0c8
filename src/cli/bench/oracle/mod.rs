//! A second, plain program of the rules (behaviour.md sections 2 to 8 and docs/detection.md). It
//! shares only the domain types with the engine and is written from the text alone: no index, no
//! cache, every order looked at on every position, the whole chain of ETAs computed each time.
//! Left out: zones.

mod accept;
mod chain;
mod commands;
mod crossing;
mod distance;
mod drive_through;
mod eta;
mod nearby;
mod overlap;
mod route;
mod scene;
mod silence;
mod stand;
mod stay;
mod step;
#[cfg(test)]
mod tests;
mod told;

use std::collections::BTreeMap;

pub use chain::StraightLineParameters;
pub use told::{Told, ToldBody};

use crate::domain::command::Command;
use crate::domain::courier::CourierPlan;
use crate::domain::ids::{CompanyId, CourierId, RouteId};
use crate::domain::policy::Policy;
use crate::domain::position::Position;
use crate::domain::time::Time;
use accept::Seen;
use route::Route;
use scene::Scene;

/// The plain program. Inputs come in the order of their receive times; what they tell is appended
/// to `out`. Before an input of a courier, [`Oracle::tick`] is due for each deadline until then.
pub struct Oracle {
    travel: StraightLineParameters,
    default_policy: Policy,
    policies: BTreeMap<CompanyId, Policy>,
    couriers: BTreeMap<CourierId, Courier>,
}

struct Courier {
    plan: CourierPlan,
    routes: BTreeMap<RouteId, Route>,
    seen: Seen,
}

impl Oracle {
    /// An oracle that knows nobody yet.
    #[must_use]
    pub fn new(travel: StraightLineParameters) -> Self {
        Self {
            travel,
            default_policy: Policy::default(),
            policies: BTreeMap::new(),
            couriers: BTreeMap::new(),
        }
    }

    /// A device was somewhere.
    pub fn position(
        &mut self,
        courier: CourierId,
        route: Option<RouteId>,
        position: &Position,
        received_at: Time,
        out: &mut Vec<Told>,
    ) {
        let Some(known) = self.couriers.get_mut(&courier) else {
            accept::refuse(courier, route, position, received_at, "unknown_courier", out);
            return;
        };
        let policy = self.policies.get(&known.plan.company).unwrap_or(&self.default_policy);
        let sources = known.plan.allowed_courier_position_sources;
        let allowed = sources.unwrap_or(policy.allowed_courier_position_sources);
        let scene = Scene::new(courier, policy, &self.travel, received_at, out);
        accept::position(scene, known, allowed, route, position);
    }

    /// The documents changed.
    pub fn command(&mut self, command: &Command, received_at: Time, out: &mut Vec<Told>) {
        commands::apply(self, command, received_at, out);
    }

    /// The courier's earliest deadline.
    #[must_use]
    pub fn next_deadline(&self, courier: CourierId) -> Option<Time> {
        let known = self.couriers.get(&courier)?;
        let policy = self.policies.get(&known.plan.company).unwrap_or(&self.default_policy);
        known.routes.values().filter_map(|route| eta::deadline(route, policy)).min()
    }

    /// The clock says `now`; works on the route that is due first: ends tracking, and clamps, marks stale or takes back passed ETAs.
    pub fn tick(&mut self, courier: CourierId, now: Time, out: &mut Vec<Told>) {
        let Some(known) = self.couriers.get_mut(&courier) else { return };
        let policy = self.policies.get(&known.plan.company).unwrap_or(&self.default_policy);
        let due = |route: &&mut Route| eta::deadline(route, policy);
        let first = known.routes.values_mut().filter(|route| due(route).is_some()).min_by_key(due);
        if let Some(route) = first {
            Scene::new(courier, policy, &self.travel, now, out).clock(route);
        }
    }
}
