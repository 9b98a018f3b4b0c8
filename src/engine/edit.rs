//! What a change of the documents does to a route that is under way (behaviour 4.7, 5). Storing
//! evaluates no position.

use super::depot::{NodeBetween, StartingDepot};
use super::order::{Mark, Order};
use super::route::{Rare, Route};
use super::route_line::RouteLine;
use super::stay::{Stay, StaySlot};
use super::step::RouteStep;
use super::terms::TermsTable;
use crate::domain::depot::DepotPlan;
use crate::domain::eta::EtaCause;
use crate::domain::event::{EndReason, EventKind};
use crate::domain::geo::Point;
use crate::domain::ids::OrderId;
use crate::domain::order::{Initiator, OrderPlan, OrderStatus};
use crate::domain::route::{Node, RoutePlan};
use crate::domain::time::Time;

/// A route without orders, to be filled by [`RouteStep::store`].
pub fn empty_route(plan: &RoutePlan, created_at: Time) -> (RouteLine, Route) {
    let line = RouteLine::new(created_at, plan.routing_mode);
    let route = Route {
        id: plan.id,
        courier: plan.courier,
        orders: Vec::new(),
        terms: TermsTable::default(),
        route_start: None,
        route_finish: None,
        has_planned_end: false,
        created_at,
        first_moved: None,
        first_position: None,
        rare: None,
        head_at: 0,
        swept_at: 0,
        primed_end: 0,
        next_end: 0,
        has_overdue: false,
        last_visited: None,
        is_violated: false,
    };
    (line, route)
}

impl RouteStep<'_, '_> {
    /// Stores a route, new or anew: orders that are kept keep their state, those that are gone end
    /// their stays, and the marks of a violation are cleared.
    pub fn store(&mut self, plan: &RoutePlan) {
        self.tell_changes(plan);
        self.end_stays_without_place(plan);
        let last_visited = self.route.last_visited.map(|at| self.route.orders[at as usize].id);
        self.rebuild_orders(plan);
        let last_visited = last_visited.and_then(|id| self.place_of(id));
        self.route.last_visited = last_visited.map(|at| at as u32);
        self.line.mode = plan.routing_mode;
        self.route.route_start = plan.route_start;
        self.route.route_finish = plan.route_finish;
        self.line.is_over = false;
        self.keep_depots(plan);
        self.price_legs();
        self.set_active_span();
        if self.line.is_started {
            for at in 0..self.route.orders.len() {
                self.start_order(at, self.now);
            }
        }
    }

    /// ORDER_CREATED of new orders and INTERVAL_UPDATE of kept ones, in the new sequence.
    fn tell_changes(&mut self, plan: &RoutePlan) {
        for new in plan.orders() {
            let kind = match self.place_of(new.id).map(|at| &self.route.orders[at]) {
                None if new.created => EventKind::OrderCreated,
                Some(old) if self.route.terms.of(old).window != new.window => {
                    EventKind::IntervalUpdate { window: new.window }
                }
                None | Some(_) => continue,
            };
            self.emit.event(self.route.id, new.id, self.now, kind);
        }
    }

    /// Ends the stays of orders that are gone or whose point moved, in the old sequence.
    fn end_stays_without_place(&mut self, plan: &RoutePlan) {
        for at in 0..self.route.orders.len() {
            let order = &self.route.orders[at];
            if !order.stay.is_some() {
                continue;
            }
            match plan.orders().find(|new| new.id == order.id) {
                None => self.end_stay(order.stay, EndReason::Removed),
                Some(new) if new.point != order.point() => {
                    self.end_stay(order.stay, EndReason::MovedPoint);
                }
                Some(_) => {}
            }
        }
    }

    fn rebuild_orders(&mut self, plan: &RoutePlan) {
        let mut old = core::mem::take(&mut self.route.orders);
        self.route.orders.reserve_exact(plan.orders().count());
        for new in plan.orders() {
            let order = match old.iter().position(|order| order.id == new.id) {
                Some(at) => {
                    let mut order = old.remove(at);
                    order.edit(new, &mut self.route.terms);
                    order.mark(Mark::Skipped, false);
                    order
                }
                None => self.incoming(new),
            };
            self.route.orders.push(order);
        }
        for gone in old {
            self.keep_gone(gone);
        }
        self.route.sweep_terms();
        self.chain_stays();
    }

    /// An order that comes onto the route: new, or back with what was told of it.
    fn incoming(&mut self, plan: &OrderPlan) -> Order {
        if plan.created {
            return Order::new(plan, &mut self.route.terms);
        }
        let Some(at) = self.route.rare().gone.iter().position(|order| order.id == plan.id) else {
            return Order::new(plan, &mut self.route.terms);
        };
        let mut order = self.route.rare_mut().gone.remove(at);
        order.edit(plan, &mut self.route.terms);
        order.status = plan.status;
        order
    }

    fn keep_gone(&mut self, mut order: Order) {
        order.mark(Mark::Next, false);
        order.mark(Mark::Skipped, false);
        order.told_eta = Order::NO_ETA;
        order.nearby_primed = 0;
        let gone = &mut self.route.rare_mut().gone;
        if gone.len() == GONE_MAX {
            gone.remove(0);
        }
        gone.push(order);
    }

    /// Chains the open stays anew after the sequence changed.
    fn chain_stays(&mut self) {
        self.line.first_stay = StaySlot::NONE;
        for at in 0..self.route.orders.len() {
            let slot = self.route.orders[at].stay;
            if slot.is_some() {
                self.stays.stay_mut(slot).place = Stay::place(at);
                self.stays.chain(&mut self.line.first_stay, slot);
            }
        }
    }

    fn keep_depots(&mut self, plan: &RoutePlan) {
        let (starting, nodes_between) = (plan.starting_depot(), nodes_between(plan));
        if starting.is_some() || plan.depot.is_some() || !nodes_between.is_empty() {
            self.route.rare_mut();
        }
        let Some(rare) = self.route.rare_there() else { return };
        rare.depot = plan.depot;
        rare.nodes_between = nodes_between;
        rare.keep_starting_depot(starting);
    }

    /// Travel times between neighbouring orders, once for all evaluations.
    fn price_legs(&mut self) {
        let mut before: Option<Point> = None;
        for at in 0..self.route.orders.len() {
            let point = self.route.orders[at].point();
            let leg =
                before.zip(point).map(|(from, to)| self.travel.travel_ms(from, to, self.line.mode));
            self.route.orders[at].leg_ms =
                leg.and_then(|ms| u32::try_from(ms).ok()).unwrap_or(Order::NO_LEG);
            before = point;
        }
        self.route.mark_singles();
    }

    /// Adds an order at the end, or edits it in its place.
    pub fn put_order(&mut self, plan: &OrderPlan) {
        let Some(at) = self.place_of(plan.id) else {
            if plan.created {
                self.emit.event(self.route.id, plan.id, self.now, EventKind::OrderCreated);
            }
            // It comes before the nodes behind the last order so far.
            let end = self.route.orders.len();
            let nodes =
                self.route.rare_there().into_iter().flat_map(|rare| &mut rare.nodes_between);
            for node in nodes.filter(|node| node.before == end) {
                node.before += 1;
            }
            let order = self.incoming(plan);
            self.route.orders.push(order);
            if self.line.is_started {
                self.start_order(self.route.orders.len() - 1, self.now);
            }
            self.edited();
            return;
        };
        let old = &self.route.orders[at];
        let has_moved = old.point() != plan.point;
        if self.route.terms.of(old).window != plan.window {
            let kind = EventKind::IntervalUpdate { window: plan.window };
            self.emit.event(self.route.id, plan.id, self.now, kind);
        }
        if has_moved && old.stay.is_some() {
            self.end_stay(old.stay, EndReason::MovedPoint);
        }
        self.route.orders[at].edit(plan, &mut self.route.terms);
        self.edited();
    }

    /// Takes an order off the route. Tells whether it was there.
    pub fn remove_order(&mut self, id: OrderId, reason: EndReason) -> bool {
        let Some(at) = self.place_of(id) else { return false };
        let stay = self.route.orders[at].stay;
        if stay.is_some() {
            self.end_stay(stay, reason);
        }
        let gone = self.route.orders.remove(at);
        self.keep_gone(gone);
        if let Some(rare) = self.route.rare_there() {
            rare.close_up(at);
        }
        let shift = |visited: u32| match (visited as usize).cmp(&at) {
            core::cmp::Ordering::Less => Some(visited),
            core::cmp::Ordering::Equal => None,
            core::cmp::Ordering::Greater => Some(visited - 1),
        };
        self.route.last_visited = self.route.last_visited.and_then(shift);
        self.chain_stays();
        self.edited();
        true
    }

    fn edited(&mut self) {
        self.route.sweep_terms();
        self.price_legs();
        self.set_active_span();
    }

    /// Sets an order's status. Tells whether the order is there.
    pub fn set_status(&mut self, id: OrderId, status: OrderStatus, initiator: Initiator) -> bool {
        let Some(at) = self.place_of(id) else { return false };
        let order = &mut self.route.orders[at];
        order.status = status;
        if order.stay.is_some() {
            self.stays.stay_mut(order.stay).has_status_set = true;
        }
        let kind = EventKind::StatusUpdate { status, initiator };
        self.emit.event(self.route.id, id, self.now, kind);
        true
    }

    /// Takes over a depot where the route has it. Tells whether it does.
    pub fn put_depot(&mut self, depot: DepotPlan) -> bool {
        let is_same = |plan: &DepotPlan| plan.id == depot.id;
        let Some(rare) = self.route.rare_there() else { return false };
        let mut has_it = false;
        let nodes = rare.nodes_between.iter_mut().filter_map(|node| node.depot.as_mut());
        for plan in rare.depot.iter_mut().chain(nodes).filter(|plan| is_same(plan)) {
            *plan = depot;
            has_it = true;
        }
        if rare.starting_depot.as_ref().is_some_and(|starting| is_same(&starting.plan)) {
            rare.keep_starting_depot(Some(&depot));
            has_it = true;
        }
        has_it
    }

    /// After any change: the head, then the ETA, as of the last position.
    pub fn settle(&mut self, cause: EtaCause) {
        self.line.clearance.forget();
        (self.route.swept_at, self.route.next_end) = (0, usize::MAX);
        self.route.primed_end = usize::MAX;
        self.is_edited = true;
        self.refresh_head(self.now);
        if !self.line.is_over {
            self.line.eta.evaluated = self.line.last().into();
            self.evaluate(cause);
            self.notify(None, false);
            self.arm();
        }
    }

    fn place_of(&self, id: OrderId) -> Option<usize> {
        self.route.orders.iter().position(|order| order.id == id)
    }
}

impl Rare {
    fn keep_starting_depot(&mut self, plan: Option<&DepotPlan>) {
        let Some(&plan) = plan else {
            self.starting_depot = None;
            return;
        };
        match &mut self.starting_depot {
            Some(old) if old.plan.id == plan.id => old.edit(plan),
            depot => *depot = Some(StartingDepot::new(plan)),
        }
    }

    /// The order at a place of the sequence has gone.
    fn close_up(&mut self, at: usize) {
        for node in &mut self.nodes_between {
            node.before -= usize::from(node.before > at);
        }
        // A depot that now comes first is where the route starts.
        if let Some(&NodeBetween { depot: Some(depot), before: 0 }) = self.nodes_between.first()
            && self.starting_depot.is_none()
        {
            self.starting_depot = Some(StartingDepot::new(depot));
            self.nodes_between.remove(0);
        }
    }
}

/// Depots and garages, but for a depot that is the first node: the route starts there.
fn nodes_between(plan: &RoutePlan) -> Vec<NodeBetween> {
    let mut before = 0;
    let mut found = Vec::new();
    for (at, node) in plan.nodes.iter().enumerate() {
        match node {
            Node::Order(_) => before += 1,
            Node::Depot(_) if at == 0 => {}
            Node::Depot(depot) => found.push(NodeBetween { depot: Some(*depot), before }),
            Node::Garage(_) => found.push(NodeBetween { depot: None, before }),
        }
    }
    found
}

/// So many orders that left a route are remembered, the latest ones.
const GONE_MAX: usize = crate::domain::route::ROUTE_ORDERS_MAX;
