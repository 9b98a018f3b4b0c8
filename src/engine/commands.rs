//! Which routes a command touches, and what happens around them.

use super::Engine;
use super::couriers::{CourierLine, CourierSlot, PolicySlot};
use super::edit::empty_route;
use super::emit::Emit;
use super::route::RouteSlot;
use super::sources::Heard;
use super::step::RouteStep;
use crate::domain::command::Command;
use crate::domain::courier::CourierPlan;
use crate::domain::depot::DepotPlan;
use crate::domain::eta::EtaCause;
use crate::domain::event::EndReason;
use crate::domain::ids::{CompanyId, CourierId, PartitionId, RouteId};
use crate::domain::policy::Policy;
use crate::domain::route::RoutePlan;
use crate::domain::time::Time;

impl Engine {
    /// Follows a change of the documents.
    pub(super) fn command(&mut self, partition: PartitionId, command: &Command, emit: &mut Emit) {
        match command {
            Command::PutPolicy { company, policy } => {
                self.put_policy(partition, *company, policy, emit);
            }
            Command::PutDepot { company, depot } => {
                self.put_depot(partition, *company, *depot, emit);
            }
            Command::PutCourier(plan) => self.put_courier(partition, plan),
            Command::PutRoute(plan) => self.put_route(plan, emit),
            Command::RemoveRoute { courier, route, reason } => {
                self.remove_route(*courier, *route, *reason, emit);
            }
            Command::PutOrder { courier, route, order } => {
                self.edit(*courier, *route, EtaCause::Sequence, emit, |step| {
                    step.put_order(order);
                    true
                });
            }
            Command::RemoveOrder { courier, route, order, reason } => {
                self.edit(*courier, *route, EtaCause::Sequence, emit, |step| {
                    step.remove_order(*order, *reason)
                });
            }
            Command::SetStatus { courier, route, order, status, initiator } => {
                self.edit(*courier, *route, EtaCause::Status, emit, |step| {
                    step.set_status(*order, *status, *initiator)
                });
            }
            Command::Quarantine(courier) => self.quarantine(*courier),
            // One that is not in quarantine.
            Command::Release(_) => {}
            Command::EraseCourier { courier } => self.erase_courier(partition, *courier),
        }
    }

    /// Nothing of the courier stays in any table that is asked or kept.
    fn erase_courier(&mut self, partition: PartitionId, courier: CourierId) {
        let Some(slot) = self.couriers.slot(courier) else { return };
        let line = self.couriers.line_mut(slot);
        if let Some(last) = line.located.take() {
            self.index.remove(slot.0, last.point);
        }
        self.partitions[partition.0 as usize].couriers.retain(|known| *known != slot);
        self.couriers.forget(courier);
    }

    fn put_policy(
        &mut self,
        partition: PartitionId,
        company: CompanyId,
        policy: &Policy,
        emit: &mut Emit,
    ) {
        let slot = self.policies.intern(policy);
        let part = &mut self.partitions[partition.0 as usize];
        part.policies.insert(company, slot);
        for courier in part.couriers.clone() {
            let line = self.couriers.line(courier);
            if line.company == company && !self.is_quarantined(line.id) {
                self.put_policy_of(partition, courier, emit);
            }
        }
    }

    /// The settings of its company, for one courier.
    pub(super) fn put_policy_of(
        &mut self,
        partition: PartitionId,
        courier: CourierSlot,
        emit: &mut Emit,
    ) {
        let line = self.couriers.line_mut(courier);
        let policies = &self.partitions[partition.0 as usize].policies;
        let slot = policies.get(&line.company).copied().unwrap_or(PolicySlot::DEFAULT);
        let policy = self.policies.policy(slot);
        let old = core::mem::replace(&mut line.policy, slot);
        let has_switched = self.policies.policy(old).overlap_policy != policy.overlap_policy;
        line.sources = line.own_sources.unwrap_or(policy.allowed_courier_position_sources);
        self.each_route(courier, emit, |step| {
            step.set_active_span();
            step.forget_primings();
            if has_switched {
                step.forget_credits();
            }
            step.settle(EtaCause::Sequence);
        });
    }

    fn put_depot(
        &mut self,
        partition: PartitionId,
        company: CompanyId,
        depot: DepotPlan,
        emit: &mut Emit,
    ) {
        for courier in self.partitions[partition.0 as usize].couriers.clone() {
            if !self.is_quarantined(self.couriers.line(courier).id) {
                self.put_depot_of(courier, company, depot, emit);
            }
        }
    }

    /// A depot, for one courier.
    pub(super) fn put_depot_of(
        &mut self,
        courier: CourierSlot,
        company: CompanyId,
        depot: DepotPlan,
        emit: &mut Emit,
    ) {
        if self.couriers.line(courier).company == company {
            self.each_route(courier, emit, |step| {
                if step.put_depot(depot) {
                    step.settle(EtaCause::Sequence);
                }
            });
        }
    }

    fn put_courier(&mut self, partition: PartitionId, plan: &CourierPlan) {
        let own_sources = plan.allowed_courier_position_sources;
        let part = &mut self.partitions[partition.0 as usize];
        let policy = part.policies.get(&plan.company).copied().unwrap_or(PolicySlot::DEFAULT);
        let allowed = self.policies.policy(policy).allowed_courier_position_sources;
        let sources = own_sources.unwrap_or(allowed);
        if let Some(slot) = self.couriers.slot(plan.id) {
            let line = self.couriers.line_mut(slot);
            line.own_sources = own_sources;
            line.sources = sources;
            return;
        }
        part.couriers.push(self.couriers.insert(CourierLine {
            id: plan.id,
            company: plan.company,
            partition,
            sources,
            own_sources,
            policy,
            first_route: RouteSlot::NONE,
            located: None,
            heard: Heard::Nobody,
            heard_at: Time::DISTANT_PAST,
        }));
    }

    fn put_route(&mut self, plan: &RoutePlan, emit: &mut Emit) {
        let Some(courier) = self.couriers.slot(plan.courier) else { return };
        if self.route_of(courier, plan.id).is_none() {
            let (line, route) = empty_route(plan, emit.received_at());
            let slot = self.routes.insert(line, route);
            self.chain_route(courier, slot);
        }
        self.edit(plan.courier, plan.id, EtaCause::Sequence, emit, |step| {
            step.store(plan);
            true
        });
    }

    fn remove_route(
        &mut self,
        courier: CourierId,
        route: RouteId,
        reason: EndReason,
        emit: &mut Emit,
    ) {
        let Some(courier) = self.couriers.slot(courier) else { return };
        let Some(slot) = self.route_of(courier, route) else { return };
        emit.courier = self.couriers.line(courier).id;
        let mut step = self.step(courier, slot, emit);
        // Nothing is due any more on a route that goes.
        step.line.is_over = true;
        step.end_stays(reason);
        self.unchain_route(courier, slot);
        self.routes.remove(slot);
    }

    /// Lets `change` work on one route, and settles it if that found what it was to change.
    fn edit(
        &mut self,
        courier: CourierId,
        route: RouteId,
        cause: EtaCause,
        emit: &mut Emit,
        change: impl FnOnce(&mut RouteStep) -> bool,
    ) {
        let Some(courier) = self.couriers.slot(courier) else { return };
        let Some(slot) = self.route_of(courier, route) else { return };
        emit.courier = self.couriers.line(courier).id;
        let mut step = self.step(courier, slot, emit);
        if change(&mut step) {
            step.settle(cause);
        }
    }

    pub(super) fn each_route(
        &mut self,
        courier: CourierSlot,
        emit: &mut Emit,
        mut change: impl FnMut(&mut RouteStep),
    ) {
        emit.courier = self.couriers.line(courier).id;
        self.at_work = emit.courier;
        let mut slot = self.couriers.line(courier).first_route;
        while slot.is_some() {
            let mut step = self.step(courier, slot, emit);
            change(&mut step);
            slot = self.routes.line(slot).next;
        }
    }

    /// The slot of a courier's route.
    pub(super) fn route_of(&self, courier: CourierSlot, route: RouteId) -> Option<RouteSlot> {
        let mut slot = self.couriers.line(courier).first_route;
        while slot.is_some() && self.routes.route(slot).id != route {
            slot = self.routes.line(slot).next;
        }
        slot.is_some().then_some(slot)
    }

    /// Chains a new route behind those of lower id.
    fn chain_route(&mut self, courier: CourierSlot, new: RouteSlot) {
        let id = self.routes.route(new).id;
        let mut before = RouteSlot::NONE;
        let mut after = self.couriers.line(courier).first_route;
        while after.is_some() && self.routes.route(after).id < id {
            before = after;
            after = self.routes.line(after).next;
        }
        self.routes.line_mut(new).next = after;
        self.link_route(courier, before, new);
    }

    fn unchain_route(&mut self, courier: CourierSlot, gone: RouteSlot) {
        let after = self.routes.line(gone).next;
        let mut before = RouteSlot::NONE;
        let mut slot = self.couriers.line(courier).first_route;
        while slot != gone {
            before = slot;
            slot = self.routes.line(slot).next;
        }
        self.link_route(courier, before, after);
    }

    fn link_route(&mut self, courier: CourierSlot, before: RouteSlot, next: RouteSlot) {
        if before.is_some() {
            self.routes.line_mut(before).next = next;
        } else {
            self.couriers.line_mut(courier).first_route = next;
        }
    }
}
