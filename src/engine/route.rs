//! A route in the engine: the hot line that every position reads, the orders it rarely does, and
//! which of them are open, form one stop, or stand at the head (behaviour 4, 5.1).

use core::mem::offset_of;

use super::deadlines::Deadline;
use super::depot::{NodeBetween, StartingDepot};
use super::eta::NO_ORDER;
use super::fix::Fix;
use super::prefetch::{CACHE_LINE_BYTES, prefetch_head, prefetch_part};
use super::route_line::RouteLine;
use super::state::kept;
use super::stay::StaySlot;
use crate::domain::depot::DepotPlan;
use crate::domain::geo::Point;
use crate::domain::ids::{CourierId, OrderId, RouteId};
use crate::domain::order::{EtaType, OrderPlan, OrderStatus};
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
    /// No order before this place in the sequence is ahead.
    pub head_at: usize,
    /// No order before this place in the sequence is ahead, has an ETA told or is primed for
    /// `nearby`: an evaluation passes over them. A change of the documents makes it 0.
    pub swept_at: usize,
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
    pub last_visited: Option<usize>,
    /// Depots and garages in their sequence, but for the starting depot.
    pub nodes_between: Vec<NodeBetween>,
    /// The depot whose radius serves orders without their own.
    pub depot: Option<Box<DepotPlan>>,
    /// The depot that must be left before START.
    pub starting_depot: Option<Box<StartingDepot>>,
    /// The position held as a possible jump.
    pub held: Option<Box<Fix>>,
    /// Orders that left the route: should one come back, what was told of it still holds.
    pub gone: Vec<Order>,
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

kept!(Route {
    id,
    courier,
    orders,
    gone,
    nodes_between,
    depot,
    starting_depot,
    route_start,
    route_finish,
    has_planned_end,
    created_at,
    first_moved,
    first_position,
    held,
    head_at,
    last_visited,
    is_violated,
} rebuilt {
    swept_at = 0,
    next_end = usize::MAX,
    has_overdue = true,
});

/// One order of a route.
#[derive(Clone, Debug)]
pub struct Order {
    /// The order.
    pub id: OrderId,
    /// Its point; meaningless unless `has_point`.
    pub(super) place: Point,
    /// When the visit is allowed.
    pub window: Option<Box<TimeWindow>>,
    /// The ETA told last, or [`Self::NO_ETA`].
    pub told_eta: Time,
    /// Own radius in millimetres, or [`Self::NO_RADIUS`].
    pub(super) radius_mm: u32,
    /// Handover time, seconds.
    pub service_s: u32,
    /// Handover time shared at the stop, seconds.
    pub shared_service_s: u32,
    /// Travel time from the order just before, milliseconds, or [`Self::NO_LEG`].
    pub leg_ms: u32,
    /// The open stay.
    pub stay: StaySlot,
    /// Number of told stays.
    pub stays_told: u16,
    /// `nearby` thresholds that are latched: one bit each.
    pub nearby_latched: u8,
    /// `nearby` thresholds by time that held in the last regular evaluation: one bit each.
    pub nearby_primed: u8,
    /// Status.
    pub status: OrderStatus,
    /// Own ETA type.
    pub eta_type: Option<EtaType>,
    /// Where `shift_start` stands.
    pub shift_start: ShiftStart,
    pub(super) has_point: bool,
    /// ORDER_VISIT has been told.
    pub is_visited: bool,
    /// In the head stop now.
    pub is_next: bool,
    /// What is rarely asked.
    pub marks: Marks,
    /// Passed over by a violation since the sequence was set.
    pub is_skipped: bool,
}

/// Where an order's `shift_start` stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShiftStart {
    /// START has not been told for the order.
    Waiting,
    /// To be raised at the first fresh position while the order is open.
    Due,
    /// The order was not open when the route started.
    Never,
    /// Raised.
    Told,
}

/// Flags of an order in one byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks(u8);

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// In the head stop before this input, or since told to be.
    WasNext = 1,
    /// The clock has passed the told ETA and moved it since the last evaluation.
    Overdue = 2,
    /// It and the order after it have points, no third one is at both, and the travel time from
    /// the order before it is known.
    Single = 4,
}

impl Marks {
    /// Whether a flag is set.
    pub const fn has(self, mark: Mark) -> bool {
        self.0 & mark as u8 != 0
    }

    /// Sets or clears a flag.
    pub const fn set(&mut self, mark: Mark, is_set: bool) {
        self.0 = if is_set { self.0 | mark as u8 } else { self.0 & !(mark as u8) };
    }
}

impl Order {
    /// No ETA has been told.
    pub const NO_ETA: Time = Time::DISTANT_PAST;
    /// The travel time is not known.
    pub const NO_LEG: u32 = u32::MAX;
    /// No radius of its own.
    pub const NO_RADIUS: u32 = u32::MAX;

    /// An order that comes onto a route.
    pub fn new(plan: &OrderPlan) -> Self {
        let mut order = Self {
            id: plan.id,
            place: Point::ANYWHERE,
            window: None,
            told_eta: Self::NO_ETA,
            radius_mm: Self::NO_RADIUS,
            service_s: 0,
            shared_service_s: 0,
            leg_ms: Self::NO_LEG,
            stay: StaySlot::NONE,
            stays_told: 0,
            nearby_latched: 0,
            nearby_primed: 0,
            status: plan.status,
            eta_type: None,
            shift_start: ShiftStart::Waiting,
            has_point: false,
            is_visited: false,
            is_next: false,
            marks: Marks::default(),
            is_skipped: false,
        };
        order.edit(plan);
        order
    }

    /// Takes over what a document says; state stays.
    pub fn edit(&mut self, plan: &OrderPlan) {
        self.place = plan.point.unwrap_or(Point::ANYWHERE);
        self.has_point = plan.point.is_some();
        self.window = plan.window.map(Box::new);
        self.radius_mm = plan.mark_delivered_radius.map_or(Self::NO_RADIUS, Radius::mm);
        self.service_s = plan.service_duration_s;
        self.shared_service_s = plan.shared_service_duration_s;
        self.eta_type = plan.eta_type;
    }

    /// The delivery point.
    pub fn point(&self) -> Option<Point> {
        self.has_point.then_some(self.place)
    }

    /// Whether START has been told for this order.
    pub fn is_started(&self) -> bool {
        self.shift_start != ShiftStart::Waiting
    }

    /// The radius in force.
    pub fn radius(&self, policy: &Policy, depot: Option<&DepotPlan>) -> Radius {
        let own =
            (self.radius_mm != Self::NO_RADIUS).then(|| Radius::from_mm(self.radius_mm)).flatten();
        policy.radius(own, depot.and_then(|depot| depot.mark_delivered_radius))
    }

    /// Open: still to be visited.
    pub fn is_open(&self, policy: &Policy) -> bool {
        !self.status.is_terminal() && (!self.is_visited || policy.delivery_by_order_statuses)
    }

    /// Open and with a point: counts for head, violation and ETA.
    pub fn is_ahead(&self, policy: &Policy) -> bool {
        self.has_point && self.is_open(policy)
    }

    /// From when the dwell may count, if not from the entry on.
    pub fn dwell_not_before(&self, policy: &Policy) -> Option<Time> {
        match self.eta_type.unwrap_or(policy.eta_type) {
            EtaType::ArrivalTime => None,
            EtaType::DeliveryTime => self.window.as_ref().map(|window| window.start),
        }
    }

    /// When the service can begin for a courier who arrives at `arrival`.
    pub fn service_start(&self, policy: &Policy, arrival: Time) -> Time {
        self.dwell_not_before(policy).map_or(arrival, |start| start.max(arrival))
    }
}

impl Route {
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
            self.orders[at].marks.set(Mark::Single, is_single);
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
        self.starting_depot.as_deref().filter(|depot| depot.has_fence())
    }

    /// The starting depot, if it holds back START.
    pub fn fenced_depot_mut(&mut self) -> Option<&mut StartingDepot> {
        self.starting_depot.as_deref_mut().filter(|depot| depot.has_fence())
    }

    /// Whether a skipped order is still open.
    pub fn has_skipped_open(&self, policy: &Policy) -> bool {
        self.is_violated
            && self.orders.iter().any(|order| order.is_skipped && order.is_open(policy))
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
        self.orders.iter().filter_map(|order| order.window.as_ref()).map(|w| w.start).min()
    }

    /// The latest end of any order's window.
    pub fn last_window_end(&self) -> Option<Time> {
        self.orders.iter().filter_map(|order| order.window.as_ref()).map(|w| w.end).max()
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
    lines: Vec<RouteLine>,
    rests: Vec<Route>,
    free: Vec<RouteSlot>,
}

impl Routes {
    /// Asks for what every position reads of a route ahead of its use.
    pub fn prefetch_line(&self, slot: RouteSlot) {
        prefetch_part(&self.lines, slot.0 as usize, 0);
    }

    /// Asks for the state of a route's ETA.
    pub fn prefetch_eta(&self, slot: RouteSlot) {
        prefetch_part(&self.lines, slot.0 as usize, offset_of!(RouteLine, eta));
    }

    /// Asks for all that [`Self::prefetch_line`] left, and for where the orders are.
    pub fn prefetch_rest(&self, slot: RouteSlot) {
        let at = slot.0 as usize;
        self.prefetch_eta(slot);
        prefetch_part(&self.lines, at, offset_of!(RouteLine, active_from));
        for hot in [0, CACHE_LINE_BYTES] {
            prefetch_part(&self.rests, at, hot);
        }
    }

    /// Asks for some orders of a route from one on.
    pub fn prefetch_orders(&self, slot: RouteSlot, from: usize) {
        for order in self.route(slot).orders.iter().skip(from).take(ORDERS_AHEAD_MAX) {
            prefetch_head(order);
        }
    }

    /// Stores a route.
    pub fn insert(&mut self, line: RouteLine, route: Route) -> RouteSlot {
        if let Some(slot) = self.free.pop() {
            self.lines[slot.0 as usize] = line;
            self.rests[slot.0 as usize] = route;
            return slot;
        }
        self.lines.push(line);
        self.rests.push(route);
        RouteSlot(self.lines.len() as u32 - 1)
    }

    /// Forgets a route; its orders' memory is given back at once.
    pub fn remove(&mut self, slot: RouteSlot) {
        let route = &mut self.rests[slot.0 as usize];
        (route.orders, route.gone) = (Vec::new(), Vec::new());
        self.lines[slot.0 as usize].armed = Deadline::NONE;
        self.free.push(slot);
    }

    /// The hot line of a route.
    pub fn line(&self, slot: RouteSlot) -> &RouteLine {
        &self.lines[slot.0 as usize]
    }

    /// The hot line of a route.
    pub fn line_mut(&mut self, slot: RouteSlot) -> &mut RouteLine {
        &mut self.lines[slot.0 as usize]
    }

    /// A route beyond its line.
    pub fn route(&self, slot: RouteSlot) -> &Route {
        &self.rests[slot.0 as usize]
    }

    /// Line and route.
    pub fn both_mut(&mut self, slot: RouteSlot) -> (&mut RouteLine, &mut Route) {
        (&mut self.lines[slot.0 as usize], &mut self.rests[slot.0 as usize])
    }
}

/// Those beyond follow in the memory's own stride.
const ORDERS_AHEAD_MAX: usize = 4;

const _: () = assert!(size_of::<Route>() <= 256, "four cache lines");
const _: () = assert!(size_of::<Order>() <= 64, "an order is one cache line");
