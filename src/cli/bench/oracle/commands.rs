//! Commands: what a change of the documents does to routes, at once.

use std::collections::BTreeMap;

use super::accept::Seen;
use super::route::{Loading, Order, Place, Route};
use super::scene::Scene;
use super::told::Told;
use super::{Courier, Oracle};
use crate::domain::command::Command;
use crate::domain::courier::CourierPlan;
use crate::domain::depot::DepotPlan;
use crate::domain::eta::EtaCause;
use crate::domain::event::{EndReason, EventKind};
use crate::domain::ids::{CompanyId, CourierId, OrderId, RouteId};
use crate::domain::order::{Initiator, OrderPlan, OrderStatus};
use crate::domain::policy::Policy;
use crate::domain::route::{Node, RoutePlan};
use crate::domain::time::Time;

pub(super) fn apply(oracle: &mut Oracle, command: &Command, now: Time, out: &mut Vec<Told>) {
    match command {
        Command::PutPolicy { company, policy } => put_policy(oracle, *company, policy, now, out),
        Command::PutDepot { company, depot } => put_depot(oracle, *company, depot, now, out),
        Command::PutCourier(plan) => put_courier(oracle, plan),
        Command::PutRoute(plan) => {
            let Some((scene, known)) = open(oracle, plan.courier, now, out) else { return };
            scene.put_route(&mut known.routes, plan);
        }
        Command::RemoveRoute { courier, route, reason } => {
            let Some((mut scene, known)) = open(oracle, *courier, now, out) else { return };
            let Some(mut route) = known.routes.remove(route) else { return };
            for index in 0..route.nodes.len() {
                scene.end_stay(&mut route, index, *reason);
            }
        }
        Command::PutOrder { courier, route, order } => {
            on_route(oracle, *courier, *route, now, out, |scene, route| {
                scene.put_order(route, order);
                Some(EtaCause::Sequence)
            });
        }
        Command::RemoveOrder { courier, route, order, reason } => {
            on_route(oracle, *courier, *route, now, out, |scene, route| {
                let index = route.find(*order)?;
                scene.end_stay(route, index, *reason);
                if let Place::Order(gone) = route.nodes.remove(index) {
                    route.gone.insert(gone.plan.id, gone.leaving());
                }
                Some(EtaCause::Sequence)
            });
        }
        Command::SetStatus { courier, route, order, status, initiator } => {
            on_route(oracle, *courier, *route, now, out, |scene, route| {
                scene.set_status(route, *order, *status, *initiator)
            });
        }
        // The oracle never fails, so nobody is quarantined.
        Command::Quarantine(_) | Command::Release(_) => {}
        Command::EraseCourier { courier } => drop(oracle.couriers.remove(courier)),
    }
}

fn open<'a>(
    oracle: &'a mut Oracle,
    courier: CourierId,
    now: Time,
    out: &'a mut Vec<Told>,
) -> Option<(Scene<'a>, &'a mut Courier)> {
    let known = oracle.couriers.get_mut(&courier)?;
    let policy = oracle.policies.get(&known.plan.company).unwrap_or(&oracle.default_policy);
    Some((Scene::new(courier, policy, &oracle.travel, now, out), known))
}

fn on_route(
    oracle: &mut Oracle,
    courier: CourierId,
    route: RouteId,
    now: Time,
    out: &mut Vec<Told>,
    change: impl FnOnce(&mut Scene<'_>, &mut Route) -> Option<EtaCause>,
) {
    let Some((mut scene, known)) = open(oracle, courier, now, out) else { return };
    let Some(route) = known.routes.get_mut(&route) else { return };
    scene.enter(route);
    if let Some(cause) = change(&mut scene, route) {
        scene.settle(route, cause);
    }
}

fn put_courier(oracle: &mut Oracle, plan: &CourierPlan) {
    let new = || Courier { plan: *plan, routes: BTreeMap::new(), seen: Seen::default() };
    oracle.couriers.entry(plan.id).or_insert_with(new).plan = *plan;
}

fn put_policy(
    oracle: &mut Oracle,
    company: CompanyId,
    policy: &Policy,
    now: Time,
    out: &mut Vec<Told>,
) {
    let old = oracle.policies.get(&company).unwrap_or(&oracle.default_policy);
    let is_switched = old.overlap_policy != policy.overlap_policy;
    for (&courier, known) in &mut oracle.couriers {
        if known.plan.company != company {
            continue;
        }
        for route in known.routes.values_mut() {
            let mut scene = Scene::new(courier, old, &oracle.travel, now, out);
            scene.enter(route);
            scene.policy = policy;
            for order in route.orders_mut() {
                order.near.primed = [false; 4];
                if let Some(stay) = order.stay.as_mut().filter(|_| is_switched) {
                    stay.credit_ms = 0;
                    stay.is_claimed = false;
                }
            }
            scene.settle(route, EtaCause::Sequence);
        }
    }
    oracle.policies.insert(company, policy.clone());
}

fn put_depot(
    oracle: &mut Oracle,
    company: CompanyId,
    depot: &DepotPlan,
    now: Time,
    out: &mut Vec<Told>,
) {
    let policy = oracle.policies.get(&company).unwrap_or(&oracle.default_policy);
    for (&courier, known) in &mut oracle.couriers {
        if known.plan.company != company {
            continue;
        }
        for route in known.routes.values_mut() {
            let mut scene = Scene::new(courier, policy, &oracle.travel, now, out);
            scene.enter(route);
            if replace_depot(route, depot) {
                scene.settle(route, EtaCause::Sequence);
            }
        }
    }
}

/// Whether the route knows the depot.
fn replace_depot(route: &mut Route, depot: &DepotPlan) -> bool {
    let old = starting_node(route);
    let own = route.depot.iter_mut();
    let nodes = route.nodes.iter_mut().filter_map(|place| match place {
        Place::Depot(depot) => Some(depot),
        Place::Order(_) | Place::Garage => None,
    });
    let mut known = false;
    for place in own.chain(nodes).filter(|place| place.id == depot.id) {
        *place = *depot;
        known = true;
    }
    watch_starting_depot(route, old);
    known
}

fn starting_node(route: &Route) -> Option<DepotPlan> {
    match route.nodes.first() {
        Some(Place::Depot(depot)) => Some(*depot),
        Some(Place::Order(_) | Place::Garage) | None => None,
    }
}

/// Another starting depot is watched from scratch; one that moved loses its stay.
fn watch_starting_depot(route: &mut Route, old: Option<DepotPlan>) {
    let new = starting_node(route);
    if old.map(|depot| depot.id) != new.map(|depot| depot.id) {
        route.loading = Loading::default();
    } else if old.map(|depot| depot.point) != new.map(|depot| depot.point) {
        route.loading.stay = None;
    }
}

impl Scene<'_> {
    /// After a change: START of new orders, the head, the ETA.
    fn settle(&mut self, route: &mut Route, cause: EtaCause) {
        self.arrivals_are_fresh =
            route.last_t.is_some_and(|last_t| self.received_at - last_t <= 300_000);
        let started = route.has_started;
        if started {
            self.tell_starts(route);
        }
        self.refresh_head(route);
        if !route.has_ended {
            self.evaluate(route, cause);
        }
    }

    fn put_route(mut self, routes: &mut BTreeMap<RouteId, Route>, plan: &RoutePlan) {
        let mut route = routes.remove(&plan.id).unwrap_or_else(|| blank(plan, self.received_at));
        self.enter(&route);
        self.tell_documents(&route, plan);
        self.end_changed_stays(&mut route, plan);
        let old_depot = starting_node(&route);
        let mut kept: BTreeMap<OrderId, Order> = BTreeMap::new();
        for place in std::mem::take(&mut route.nodes) {
            if let Place::Order(order) = place {
                kept.insert(order.plan.id, *order);
            }
        }
        for node in &plan.nodes {
            let place = match node {
                Node::Order(order) => {
                    let mut kept =
                        kept.remove(&order.id).unwrap_or_else(|| arrival(&mut route, order));
                    kept.plan = order.clone();
                    kept.skipped = false;
                    Place::Order(Box::new(kept))
                }
                Node::Depot(depot) => Place::Depot(*depot),
                Node::Garage(_) => Place::Garage,
            };
            route.nodes.push(place);
        }
        route.gone.extend(kept.into_iter().map(|(id, order)| (id, order.leaving())));
        route.mode = plan.routing_mode;
        route.start = plan.route_start;
        route.finish = plan.route_finish;
        route.depot = plan.depot;
        route.has_ended = false;
        watch_starting_depot(&mut route, old_depot);
        self.settle(&mut route, EtaCause::Sequence);
        routes.insert(plan.id, route);
    }

    /// ORDER_CREATED and INTERVAL_UPDATE of a stored route, in sequence.
    fn tell_documents(&mut self, route: &Route, plan: &RoutePlan) {
        let (id, t) = (route.id, self.t);
        for order in plan.orders() {
            let old = route.find(order.id).and_then(|index| route.order(index));
            if old.is_none() && order.created {
                self.tell_event(id, order.id, t, EventKind::OrderCreated);
            }
            if old.is_some_and(|old| old.plan.window != order.window) {
                let kind = EventKind::IntervalUpdate { window: order.window };
                self.tell_event(id, order.id, t, kind);
            }
        }
    }

    /// Stays of orders that are gone or moved.
    fn end_changed_stays(&mut self, route: &mut Route, plan: &RoutePlan) {
        for index in 0..route.nodes.len() {
            let Some(old) = route.order(index) else { continue };
            let new = plan.orders().find(|order| order.id == old.plan.id);
            match new {
                None => self.end_stay(route, index, EndReason::Removed),
                Some(new) if new.point != old.plan.point => {
                    self.end_stay(route, index, EndReason::MovedPoint);
                }
                Some(_) => {}
            }
        }
    }

    fn put_order(&mut self, route: &mut Route, plan: &OrderPlan) {
        let Some(index) = route.find(plan.id) else {
            if plan.created {
                self.tell_event(route.id, plan.id, self.t, EventKind::OrderCreated);
            }
            let place = Place::Order(Box::new(arrival(route, plan)));
            route.nodes.insert(end_of_orders(route), place);
            return;
        };
        let Some(old) = route.order(index) else { return };
        let (windows, points) = ((old.plan.window, plan.window), (old.plan.point, plan.point));
        if windows.0 != windows.1 {
            let kind = EventKind::IntervalUpdate { window: plan.window };
            self.tell_event(route.id, plan.id, self.t, kind);
        }
        if points.0 != points.1 {
            self.end_stay(route, index, EndReason::MovedPoint);
        }
        if let Some(order) = route.order_mut(index) {
            order.plan = plan.clone();
        }
    }

    fn set_status(
        &mut self,
        route: &mut Route,
        order: OrderId,
        status: OrderStatus,
        initiator: Initiator,
    ) -> Option<EtaCause> {
        let index = route.find(order)?;
        let known = route.order_mut(index)?;
        known.status = status;
        if let Some(stay) = known.stay.as_mut() {
            stay.status_set = true;
        }
        let kind = EventKind::StatusUpdate { status, initiator };
        self.tell_event(route.id, order, self.t, kind);
        Some(EtaCause::Status)
    }
}

/// Behind the last order; end depots and garages stay at the end.
fn end_of_orders(route: &Route) -> usize {
    let last = (0..route.nodes.len()).rev().find(|&index| route.order(index).is_some());
    let starts_at_depot = matches!(route.nodes.first(), Some(Place::Depot(_)));
    last.map_or(usize::from(starts_at_depot), |last| last + 1)
}

/// An order that comes onto the route: new, or back with what was told of it.
fn arrival(route: &mut Route, plan: &OrderPlan) -> Order {
    let gone = route.gone.remove(&plan.id).filter(|_| !plan.created);
    gone.map_or_else(
        || Order::new(plan.clone()),
        |gone| Order { status: plan.status, plan: plan.clone(), ..gone },
    )
}

fn blank(plan: &RoutePlan, stored_at: Time) -> Route {
    Route {
        id: plan.id,
        mode: plan.routing_mode,
        start: None,
        finish: None,
        depot: None,
        nodes: Vec::new(),
        stored_at,
        last_t: None,
        last_fix: None,
        run_from: None,
        stand: None,
        held: None,
        first_moved: None,
        has_ended: false,
        has_started: false,
        first_fix: None,
        loading: Loading::default(),
        is_violated: false,
        last_visited: None,
        gone: BTreeMap::new(),
        regular_at: None,
        told_stale: false,
    }
}
