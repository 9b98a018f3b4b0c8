//! A route in the engine: the hot line that every position reads, the orders it rarely does, and
//! which of them are open, form one stop, or stand at the head (behaviour 4, 5.1).

use core::mem::offset_of;

use super::arena::Arena;
use super::deadlines::Deadline;
use super::depot::{NodeBetween, StartingDepot};
use super::eta::NO_ORDER;
use super::fix::Fix;
use super::order::{Mark, Order};
use super::prefetch::{CACHE_LINE_BYTES, prefetch_head};
use super::route_line::RouteLine;
use super::terms::TermsTable;
use crate::domain::depot::DepotPlan;
use crate::domain::geo::Point;
use crate::domain::ids::{CourierId, RouteId};
use crate::domain::policy::{Policy, Radius};
use crate::domain::time::{DAY_MS, Time, TimeWindow};

/// Where a route lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouteSlot(u32);

impl RouteSlot {
    /// No route.
    pub const NONE: Self = Self(u32::MAX);

    /// Whether there is a route.
    pub fn is_some(self) -> bool {
        self != Self::NONE
    }
}

/// A route beyond its line: what a look at the orders needs comes first.
#[derive(Clone, Debug)]
#[repr(C, align(64))]
pub struct Route {
    /// The orders in sequence.
    pub orders: Vec<Order>,
    /// The terms of those and of [`Rare::gone`].
    pub terms: TermsTable,
    /// No order before this place in the sequence is ahead.
    pub head_at: usize,
    /// No order before this place in the sequence is ahead, has an ETA told or is primed for
    /// `nearby`: an evaluation passes over them. A change of the documents makes it 0.
    pub swept_at: usize,
    /// No order at or after this place in the sequence is primed for `nearby`.
    pub primed_end: usize,
    /// One past the last order that was in the head stop when it was found, or is.
    pub next_end: usize,
    /// The route.
    pub id: RouteId,
    /// Its courier.
    pub courier: CourierId,
    /// There is a planned end, which open orders and stays prolong.
    pub has_planned_end: bool,
    /// `courier_violated_route`.
    pub is_violated: bool,
    /// An order may be marked [`Mark::Overdue`].
    pub has_overdue: bool,
    /// The order visited last, by its place in the sequence.
    pub last_visited: Option<u32>,
    pub(super) rare: Option<Box<Rare>>,
    /// Planned start.
    pub route_start: Option<Time>,
    /// Planned end.
    pub route_finish: Option<Time>,
    /// When the route was stored first.
    pub created_at: Time,
    /// Device time of the first position that moved it.
    pub first_moved: Option<Time>,
    /// Where the courier was when START became possible, on a route without a starting depot.
    pub first_position: Option<Point>,
}

/// What a plain route does without.
#[derive(Clone, Debug)]
pub struct Rare {
    /// Depots and garages in their sequence, but for the starting depot.
    pub nodes_between: Vec<NodeBetween>,
    /// The depot whose radius serves orders without their own.
    pub depot: Option<DepotPlan>,
    /// The depot that must be left before START.
    pub starting_depot: Option<StartingDepot>,
    /// The position held as a possible jump.
    pub held: Option<Fix>,
    /// Orders that left the route: should one come back, what was told of it still holds.
    pub gone: Vec<Order>,
}

impl Rare {
    /// None of it.
    pub const NONE: Self = Self {
        nodes_between: Vec::new(),
        depot: None,
        starting_depot: None,
        held: None,
        gone: Vec::new(),
    };

    /// Whether there is none of it.
    pub fn is_none(&self) -> bool {
        let Self { nodes_between, depot, starting_depot, held, gone } = self;
        nodes_between.is_empty()
            && depot.is_none()
            && starting_depot.is_none()
            && held.is_none()
            && gone.is_empty()
    }
}

impl Route {
    /// What plain routes do without.
    pub fn rare(&self) -> &Rare {
        self.rare.as_deref().unwrap_or(&NO_RARE)
    }

    /// The same to be changed, where there is any of it.
    pub fn rare_there(&mut self) -> Option<&mut Rare> {
        self.rare.as_deref_mut()
    }

    /// The same to be changed; takes memory from then on.
    pub fn rare_mut(&mut self) -> &mut Rare {
        self.rare.get_or_insert_with(|| Box::new(Rare::NONE))
    }

    /// The stop of the orders for which `counts`, beginning at or after `from`: the places in the
    /// sequence of its first and last order.
    ///
    /// Orders within a hand's breadth of the first of their run form one stop; those that do not
    /// count neither join nor part it (behaviour 4.4).
    pub fn stop_from(&self, from: usize, counts: impl Fn(usize) -> bool) -> Option<StopRange> {
        let first = (from..self.orders.len()).find(|&at| counts(at))?;
        let place = self.orders[first].place;
        let mut stop = StopRange { first, last: first, count: 1 };
        for at in first + 1..self.orders.len() {
            if !counts(at) {
                continue;
            }
            if !place.is_same_place(self.orders[at].place) {
                break;
            }
            stop.last = at;
            stop.count += 1;
        }
        Some(stop)
    }

    /// Marks the orders that are stops of their own if they and their neighbours count: what follows
    /// from points and travel times alone.
    pub fn mark_singles(&mut self) {
        for at in 0..self.orders.len() {
            let order = &self.orders[at];
            let next = self.orders.get(at + 1).and_then(Order::point);
            let is_single = order.leg_ms != Order::NO_LEG
                && order.point().zip(next).is_some_and(|(place, next)| place.is_apart(next));
            self.orders[at].mark(Mark::Single, is_single);
        }
    }

    /// The stop, among the orders for which `counts`, that holds the order at `at`. None before
    /// `from` counts.
    pub fn stop_of(
        &self,
        from: usize,
        at: usize,
        counts: impl Fn(usize) -> bool,
    ) -> Option<StopRange> {
        let place = self.orders[at].place;
        let before = (from..at).rev().find(|&before| counts(before));
        if counts(at) && before.is_none_or(|before| self.orders[before].place.is_apart(place)) {
            // Whatever the stops before it are, one begins here.
            return self.stop_from(at, counts);
        }
        let mut stop = self.stop_from(from, &counts)?;
        while stop.last < at {
            stop = self.stop_from(stop.last + 1, &counts)?;
        }
        (stop.first <= at).then_some(stop)
    }

    /// The starting depot, if it holds back START.
    pub fn fenced_depot(&self) -> Option<&StartingDepot> {
        self.rare().starting_depot.as_ref().filter(|depot| depot.has_fence())
    }

    /// The starting depot, if it holds back START.
    pub fn fenced_depot_mut(&mut self) -> Option<&mut StartingDepot> {
        self.rare_there()?.starting_depot.as_mut().filter(|depot| depot.has_fence())
    }

    /// Drops terms that no order has any more, if there are more of them than orders.
    pub fn sweep_terms(&mut self) {
        let gone = self.rare.as_deref_mut().map_or(&mut [][..], |rare| &mut rare.gone[..]);
        if self.terms.len() > self.orders.len() + gone.len() {
            self.terms.sweep(self.orders.iter_mut().chain(gone));
        }
    }

    /// The radius in force around an order.
    pub fn radius(&self, order: &Order, policy: &Policy) -> Radius {
        self.terms.of(order).radius(policy, self.rare().depot.as_ref())
    }

    /// The largest radius in force around an order is not larger.
    pub fn radius_max(&self, policy: &Policy) -> Radius {
        let depot = self.rare().depot.as_ref().and_then(|depot| depot.mark_delivered_radius);
        policy.radius(None, depot).max(self.terms.radius_max())
    }

    /// Whether a skipped order is still open.
    pub fn has_skipped_open(&self, policy: &Policy) -> bool {
        self.is_violated
            && self.orders.iter().any(|order| order.is(Mark::Skipped) && order.is_open(policy))
    }

    /// Whether a skipped order breaks the planned sequence.
    pub fn is_broken(&self, policy: &Policy) -> bool {
        !policy.resequence && self.has_skipped_open(policy)
    }

    /// When tracking ends as things stand: an open order or a running stay prolongs a planned end
    /// by a day (behaviour 3.8).
    pub fn end_of_tracking(&self, line: &RouteLine, policy: &Policy) -> Time {
        let is_prolonged = self.has_planned_end
            && (line.first_stay.is_some() || self.orders.iter().any(|order| order.is_open(policy)));
        line.active_until + if is_prolonged { DAY_MS } else { 0 }
    }

    /// The earliest start of any order's window.
    pub fn first_window_start(&self) -> Option<Time> {
        self.windows().map(|window| window.start).min()
    }

    /// The latest end of any order's window.
    pub fn last_window_end(&self) -> Option<Time> {
        self.windows().map(|window| window.end).max()
    }

    fn windows(&self) -> impl Iterator<Item = TimeWindow> + '_ {
        self.orders.iter().filter_map(|order| self.terms.of(order).window)
    }
}

/// The orders of one stop: those that count between `first` and `last`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StopRange {
    /// Place of its first order in the sequence.
    pub first: usize,
    /// Place of its last one.
    pub last: usize,
    /// How many count.
    pub count: usize,
}

impl StopRange {
    /// The place in the sequence of the order that alone counts for it, or [`NO_ORDER`].
    pub fn only_order(&self) -> u16 {
        if self.count == 1 { self.first as u16 } else { NO_ORDER }
    }

    /// Whether a place in the sequence lies in the run.
    pub fn holds(&self, at: usize) -> bool {
        (self.first..=self.last).contains(&at)
    }
}

/// All routes of a shard.
#[derive(Debug, Default)]
pub struct Routes {
    list: Arena<Whole>,
    free: Vec<RouteSlot>,
}

/// A route with its line, one behind the other: in a large fleet each page of memory that a
/// position touches costs a look-up of its address.
#[derive(Debug)]
#[repr(C)]
struct Whole {
    line: RouteLine,
    route: Route,
}

impl Routes {
    /// Asks for what every position reads of a route ahead of its use.
    pub fn prefetch_line(&self, slot: RouteSlot) {
        self.list.prefetch(slot.0, offset_of!(Whole, line));
    }

    /// Asks for the state of a route's ETA.
    pub fn prefetch_eta(&self, slot: RouteSlot) {
        self.list.prefetch(slot.0, offset_of!(Whole, line.eta));
    }

    /// Asks for all that [`Self::prefetch_line`] left, and for where the orders are.
    pub fn prefetch_rest(&self, slot: RouteSlot) {
        self.prefetch_eta(slot);
        self.list.prefetch(slot.0, offset_of!(Whole, line.active_from));
        for hot in [0, CACHE_LINE_BYTES] {
            self.list.prefetch(slot.0, offset_of!(Whole, route) + hot);
        }
    }

    /// Asks for some orders of a route from one on, and for the terms that most have.
    pub fn prefetch_orders(&self, slot: RouteSlot, from: usize) {
        let route = self.route(slot);
        route.terms.prefetch();
        for order in route.orders.iter().skip(from).take(ORDERS_AHEAD_MAX) {
            prefetch_head(order);
        }
    }

    /// Stores a route.
    pub fn insert(&mut self, line: RouteLine, route: Route) -> RouteSlot {
        let whole = Whole { line, route };
        if let Some(slot) = self.free.pop() {
            self.list[slot.0] = whole;
            return slot;
        }
        RouteSlot(self.list.push(whole))
    }

    /// Forgets a route; its orders' memory is given back at once.
    pub fn remove(&mut self, slot: RouteSlot) {
        let Whole { line, route } = &mut self.list[slot.0];
        (route.orders, route.terms, route.rare) = (Vec::new(), TermsTable::default(), None);
        line.armed = Deadline::NONE;
        self.free.push(slot);
    }

    /// The hot line of a route.
    pub fn line(&self, slot: RouteSlot) -> &RouteLine {
        &self.list[slot.0].line
    }

    /// The hot line of a route.
    pub fn line_mut(&mut self, slot: RouteSlot) -> &mut RouteLine {
        &mut self.list[slot.0].line
    }

    /// A route beyond its line.
    pub fn route(&self, slot: RouteSlot) -> &Route {
        &self.list[slot.0].route
    }

    /// Line and route.
    pub fn both_mut(&mut self, slot: RouteSlot) -> (&mut RouteLine, &mut Route) {
        let Whole { line, route } = &mut self.list[slot.0];
        (line, route)
    }
}

static NO_RARE: Rare = Rare::NONE;

/// Those beyond follow in the memory's own stride.
const ORDERS_AHEAD_MAX: usize = 4;

const _: () = assert!(size_of::<Route>() <= 192, "three cache lines");
