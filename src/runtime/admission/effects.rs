//! What the engine is told of a request: the commands for each courier's partition, in an order
//! that ends every stay in the old place before anything enters the new one.

use std::collections::{BTreeMap, BTreeSet};

use super::draft::Draft;
use super::merge::{NODES, PLACED};
use super::plans::{self, OrderFrame};
use super::present::Present;
use super::replanned;
use super::rules;
use super::rules::route::orders_of;
use super::store::Stop;
use crate::domain::command::Command;
use crate::domain::event::EndReason;
use crate::domain::ids::{CompanyId, CourierId, OrderId, PartitionId, RouteId};
use crate::domain::order::{OrderPlan, OrderStatus};
use crate::domain::policy::Policy;
use crate::domain::time::Time;
use crate::runtime::documents::findings::{Findings, Place};
use crate::runtime::partition::partition_of;
use crate::storage::catalog::change::{Document, Kind};

/// The partitions that know a company's settings.
pub(super) type Told = BTreeSet<(u64, u16)>;

/// The commands of one request, in the order in which they are to be stepped.
pub(super) struct Effects<'a, 'd> {
    pub(super) draft: &'a mut Draft<'d>,
    pub(super) present: &'a Present,
    pub(super) told: &'a Told,
    /// What becomes told when the command is accepted.
    pub(super) newly_told: Told,
    pub(super) parts: Vec<(PartitionId, Command)>,
    /// Now, on admission's clock.
    pub(super) now: Time,
}

impl Effects<'_, '_> {
    /// Works out everything.
    pub(super) async fn work_out(&mut self) -> Result<(), Stop> {
        self.companies_and_depots()?;
        self.couriers()?;
        let routes = self.touched_routes()?;
        for route in &routes {
            self.leave(*route)?;
        }
        let replanned = replanned::routes(self.draft, self.now)?;
        let changed: BTreeSet<u64> = self.draft.changed(Kind::Order).into_iter().collect();
        for route in routes.union(&replanned) {
            self.enter(*route, replanned.contains(route), &changed).await?;
        }
        self.statuses()
    }

    fn companies_and_depots(&mut self) -> Result<(), Stop> {
        for id in self.draft.changed(Kind::Company) {
            let policy = plans::company(self.draft, id)?.policy;
            for partition in self.partitions_of(id) {
                self.parts.push((partition, put_policy(id, &policy)));
            }
        }
        for id in self.draft.changed(Kind::Depot) {
            let touched = self.draft.both(Kind::Depot, id)?.clone();
            let (Some(_), Some(after)) = (&touched.before, &touched.after) else { continue };
            let Some(depot) = rules::depot::plan(after) else { continue };
            let company = CompanyId(after.company as u32);
            for partition in self.partitions_of(after.company) {
                let command = Command::PutDepot { company, depot: depot.plan };
                self.parts.push((partition, command));
            }
        }
        Ok(())
    }

    fn partitions_of(&self, company: u64) -> Vec<PartitionId> {
        let told = self.told.range((company, 0)..=(company, u16::MAX));
        told.map(|(_, partition)| PartitionId(*partition)).collect()
    }

    fn couriers(&mut self) -> Result<(), Stop> {
        for id in self.draft.changed(Kind::Courier) {
            let touched = self.draft.both(Kind::Courier, id)?.clone();
            let Some(after) = &touched.after else { continue };
            let plan = rules::courier::plan(after);
            if touched.before.as_ref().map(rules::courier::plan) == Some(plan) {
                continue;
            }
            let partition = partition_of(plan.company, plan.id);
            let key = (after.company, partition.0);
            if !self.told.contains(&key) && self.newly_told.insert(key) {
                let policy = plans::company(self.draft, after.company)?.policy;
                self.parts.push((partition, put_policy(after.company, &policy)));
            }
            self.parts.push((partition, Command::PutCourier(plan)));
        }
        Ok(())
    }

    /// Routes that changed, and those that orders left, entered or changed on.
    fn touched_routes(&mut self) -> Result<BTreeSet<u64>, Stop> {
        let mut routes: BTreeSet<u64> = self.draft.changed(Kind::Route).into_iter().collect();
        for id in self.draft.changed(Kind::Order) {
            let touched = self.draft.both(Kind::Order, id)?;
            let both = [&touched.before, &touched.after];
            routes.extend(both.into_iter().flatten().filter_map(|order| order.parent));
        }
        Ok(routes)
    }

    /// What leaves a route, or the route its courier.
    fn leave(&mut self, id: u64) -> Result<(), Stop> {
        let touched = self.draft.both(Kind::Route, id)?.clone();
        let Some(before) = touched.before else { return Ok(()) };
        let Some(seat) = seat_of(&before) else { return Ok(()) };
        let route = RouteId(id);
        let reason = match &touched.after {
            None => Some(EndReason::Removed),
            Some(after) if after.parent != before.parent => Some(EndReason::CourierChanged),
            Some(_) => None,
        };
        let mut gone = Vec::new();
        for order in orders_of(&before) {
            let after = self.draft.both(Kind::Order, order)?.after.as_ref();
            match after.map(|after| after.parent) {
                Some(Some(parent)) if parent == id => {}
                Some(Some(_)) => gone.push((order, EndReason::MovedRoute)),
                Some(None) | None => gone.push((order, EndReason::Removed)),
            }
        }
        for (order, reason) in gone {
            let order = OrderId(order);
            let command = Command::RemoveOrder { courier: seat.courier, route, order, reason };
            self.parts.push((seat.partition, command));
        }
        if let Some(reason) = reason {
            let command = Command::RemoveRoute { courier: seat.courier, route, reason };
            self.parts.push((seat.partition, command));
        }
        Ok(())
    }

    /// What enters a route, changes on it, or the route as a whole.
    async fn enter(
        &mut self,
        id: u64,
        is_replanned: bool,
        changed: &BTreeSet<u64>,
    ) -> Result<(), Stop> {
        let touched = self.draft.both(Kind::Route, id)?.clone();
        let Some(after) = touched.after else { return Ok(()) };
        let Some(seat) = seat_of(&after) else { return Ok(()) };
        let kept = touched.before.as_ref().filter(|before| before.parent == after.parent);
        let is_whole = is_replanned || kept.is_none_or(|before| is_stored_anew(before, &after));
        if is_whole {
            let kept_on = kept.is_some().then_some(id);
            // Asked before the route is put together, which waits for nothing.
            let mut present = BTreeMap::new();
            for order in orders_of(&after) {
                let entry = Entry::of(self.draft, order, kept_on)?;
                present.insert(order, entry.status_now(self.draft, self.present).await?);
            }
            let plan = plans::route_plan(self.draft, &after, |draft, frame, order| {
                let status = present.get(&order).copied().flatten();
                Ok(Entry::of(draft, order, kept_on)?.plan(frame, status))
            });
            self.parts.push((seat.partition, Command::PutRoute(plan?)));
            return Ok(());
        }
        self.orders_of(&after, &seat, changed).await
    }

    /// The orders among the changed ones that are on a route.
    async fn orders_of(
        &mut self,
        route: &Document,
        seat: &Seat,
        changed: &BTreeSet<u64>,
    ) -> Result<(), Stop> {
        let mut frame = None;
        for order in orders_of(route).filter(|order| changed.contains(order)) {
            let entry = Entry::of(self.draft, order, Some(route.id))?;
            let frame = match &frame {
                Some(frame) => frame,
                None => frame.insert(OrderFrame::of(self.draft, &entry.after)?),
            };
            let before = entry.before.as_ref().and_then(|old| plan_of(frame, old));
            let status = entry.status_now(self.draft, self.present).await?;
            let Some(plan) = entry.plan(frame, status) else { continue };
            if entry.is_kept && before.is_some_and(|before| is_same(&before, &plan)) {
                continue;
            }
            let (courier, route) = (seat.courier, RouteId(route.id));
            self.parts.push((seat.partition, Command::PutOrder { courier, route, order: plan }));
        }
        Ok(())
    }

    fn statuses(&mut self) -> Result<(), Stop> {
        for (id, set) in self.draft.statuses.clone() {
            let route = self.draft.document(Kind::Order, id)?.and_then(|order| order.parent);
            let Some(route) = route else { continue };
            let Some(seat) = self.draft.document(Kind::Route, route)?.and_then(|r| seat_of(r))
            else {
                continue;
            };
            let command = Command::SetStatus {
                courier: seat.courier,
                route: RouteId(route),
                order: OrderId(id),
                status: set.status,
                initiator: set.initiator,
            };
            self.parts.push((seat.partition, command));
        }
        Ok(())
    }
}

/// An order as it comes onto a route or changes there.
struct Entry {
    before: Option<Document>,
    after: Document,
    /// It was on this very route, with this courier.
    is_kept: bool,
}

impl Entry {
    /// An order of a route; `kept_on`: the route, if it was and is with the same courier.
    fn of(draft: &mut Draft<'_>, order: u64, kept_on: Option<u64>) -> Result<Self, Stop> {
        let touched = draft.both(Kind::Order, order)?.clone();
        let Some(after) = touched.after else {
            return Err(Stop::Refused(super::request::Refusal::NotFound("order")));
        };
        let before = touched.before;
        let was_on = before.as_ref().and_then(|before| before.parent);
        Ok(Self { is_kept: was_on.is_some() && was_on == kept_on, before, after })
    }

    /// The status it brings from where it was; `None`: that of its document.
    async fn status_now(
        &self,
        draft: &mut Draft<'_>,
        present: &Present,
    ) -> Result<Option<OrderStatus>, Stop> {
        match &self.before {
            Some(before) if !self.is_kept => status_now(draft, before, present).await.map(Some),
            Some(_) | None => Ok(None),
        }
    }

    /// The plan: created where no route ever had it, else with the status it has now.
    fn plan(&self, frame: &OrderFrame, status: Option<OrderStatus>) -> Option<OrderPlan> {
        let mut plan = plan_of(frame, &self.after)?;
        let is_placed = |before: &Document| before.body.contains_key(PLACED);
        plan.created = !self.before.as_ref().is_some_and(is_placed);
        plan.status = status.unwrap_or(plan.status);
        Some(plan)
    }
}

/// The status an order has in the partition it leaves, else the stored one.
async fn status_now(
    draft: &mut Draft<'_>,
    order: &Document,
    present: &Present,
) -> Result<OrderStatus, Stop> {
    let stored = order.text("status").and_then(OrderStatus::from_name);
    let stored = stored.unwrap_or(OrderStatus::New);
    let Some(route) = order.parent else { return Ok(stored) };
    let before = draft.both(Kind::Route, route)?.before.as_ref();
    let Some(seat) = before.and_then(seat_of) else { return Ok(stored) };
    let state = present.order(seat.courier, RouteId(route), OrderId(order.id)).await;
    let state = state.map_err(Stop::Refused)?;
    Ok(state.map_or(stored, |state| state.status))
}

fn plan_of(frame: &OrderFrame, order: &Document) -> Option<OrderPlan> {
    let mut findings = Findings::of_request(1);
    plans::order_plan(frame, order, &Place::object(), &mut findings)
}

/// Equal but for what only new orders bring.
fn is_same(before: &OrderPlan, after: &OrderPlan) -> bool {
    let after = OrderPlan { status: before.status, created: before.created, ..after.clone() };
    *before == after
}

/// Whether a route changed by more than orders that left it or were appended.
fn is_stored_anew(before: &Document, after: &Document) -> bool {
    let fields = |route: &Document| {
        let mut body = route.body.clone();
        body.remove(NODES);
        body
    };
    if fields(before) != fields(after) {
        return true;
    }
    let stays = |node: &serde_json::Value, orders: &BTreeSet<u64>| {
        node.get("order").and_then(serde_json::Value::as_u64).is_none_or(|id| orders.contains(&id))
    };
    let (old, new): (BTreeSet<u64>, BTreeSet<u64>) =
        (orders_of(before).collect(), orders_of(after).collect());
    let nodes = |route: &Document| {
        route.field(NODES).and_then(serde_json::Value::as_array).cloned().unwrap_or_default()
    };
    let kept_before: Vec<_> = nodes(before).into_iter().filter(|node| stays(node, &new)).collect();
    let kept_after: Vec<_> = nodes(after).into_iter().filter(|node| stays(node, &old)).collect();
    let mut is_appending = false;
    let appended = orders_of(after).all(|order| {
        is_appending |= !old.contains(&order);
        !(is_appending && old.contains(&order))
    });
    kept_before != kept_after || !appended
}

/// Where a route is stepped.
struct Seat {
    courier: CourierId,
    partition: PartitionId,
}

fn seat_of(route: &Document) -> Option<Seat> {
    let courier = CourierId(route.parent? as u32);
    Some(Seat { courier, partition: partition_of(CompanyId(route.company as u32), courier) })
}

fn put_policy(company: u64, policy: &Policy) -> Command {
    Command::PutPolicy { company: CompanyId(company as u32), policy: policy.clone() }
}
