//! A route's plan against what happened: when each node was planned to be reached, when it was, and
//! what of it went wrong. The plan is the route as it is stored now, travelled from `route_start`.

use crate::domain::event::{EventKind, OrderEvent, StayPoint};
use crate::domain::geo::Point;
use crate::domain::ids::{OrderId, RouteId};
use crate::domain::order::{EtaType, OrderPlan};
use crate::domain::policy::Radius;
use crate::domain::route::{Node, RoutePlan};
use crate::domain::time::{SECOND_MS, Time};
use crate::engine::travel_time::TravelTime;

/// From when to when a courier is at a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Arrival.
    pub arrival: Time,
    /// Departure.
    pub departure: Time,
}

/// When each node is planned to be reached and left, in sequence. Nothing is planned without
/// `route_start`, or for an order without a point. The first node is reached at `route_start`; a
/// starting depot loads, a depot between serves, a depot at the end and a garage take no time.
#[must_use]
pub fn planned(plan: &RoutePlan, eta_type: EtaType, travel: &dyn TravelTime) -> Vec<Option<Span>> {
    let Some(start) = plan.route_start else { return vec![None; plan.nodes.len()] };
    let mut tour = Tour { at: start, from: None, shared_s: 0 };
    let last = plan.nodes.len().saturating_sub(1);
    let nodes = plan.nodes.iter().enumerate();
    nodes
        .map(|(place, node)| {
            let (point, order) = match node {
                Node::Order(order) => (order.point?, Some(order)),
                Node::Depot(depot) => (depot.point, None),
                Node::Garage(point) => (*point, None),
            };
            let arrival = tour.reach(point, plan, travel);
            let departure = match (node, order) {
                (_, Some(order)) => tour.serve(order, arrival, eta_type),
                (Node::Depot(depot), None) if place == 0 => {
                    let orders = plan.orders().count() as i64;
                    let loading_s = i64::from(depot.service_duration_s)
                        + orders * i64::from(depot.order_service_duration_s);
                    arrival + loading_s * SECOND_MS
                }
                (Node::Depot(depot), None) if place < last => {
                    arrival + i64::from(depot.service_duration_s) * SECOND_MS
                }
                (Node::Depot(_) | Node::Garage(_) | Node::Order(_), None) => arrival,
            };
            tour.at = departure;
            Some(Span { arrival, departure })
        })
        .collect()
}

/// A courier on the planned way.
struct Tour {
    at: Time,
    from: Option<Point>,
    /// The largest shared service of the stop so far.
    shared_s: u32,
}

impl Tour {
    /// Goes on to a point; orders of one stop are reached at once.
    fn reach(&mut self, point: Point, plan: &RoutePlan, travel: &dyn TravelTime) -> Time {
        let travel_ms = match self.from {
            Some(from) if from.is_same_place(point) => return self.at,
            Some(from) => travel.travel_ms(from, point, plan.routing_mode),
            None => 0,
        };
        (self.from, self.shared_s) = (Some(point), 0);
        self.at + travel_ms
    }

    /// Serves an order; what its stop shares is spent once.
    fn serve(&mut self, order: &OrderPlan, arrival: Time, eta_type: EtaType) -> Time {
        let counts_from_window = order.eta_type.unwrap_or(eta_type) == EtaType::DeliveryTime;
        let window = order.window.filter(|_| counts_from_window);
        let begin = window.map_or(arrival, |window| arrival.max(window.start));
        let more_s = order.shared_service_duration_s.saturating_sub(self.shared_s);
        self.shared_s += more_s;
        begin + (i64::from(order.service_duration_s) + i64::from(more_s)) * SECOND_MS
    }
}

/// What happened at an order on one route. The stay is the one with the visit, else the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fact {
    /// Best estimate of the arrival.
    pub arrival: Option<Time>,
    /// Best estimate of the instant at which the dwell was met.
    pub visit: Option<Time>,
    /// Best estimate of the departure; `None`: the courier is still there, or never came.
    pub departure: Option<Time>,
    /// The radius in force when the stay began.
    pub used_mark_delivered_radius: Option<Radius>,
}

/// The fact of an order from its history, oldest first.
#[must_use]
pub fn fact<'a>(route: RouteId, history: impl Iterator<Item = &'a OrderEvent>) -> Fact {
    let (mut fact, mut stay) = (Fact::default(), None);
    for event in history.filter(|event| event.route == route) {
        match &event.kind {
            EventKind::Arrival(at) if fact.visit.is_none() && may_begin(&fact) => {
                fact = begun(at);
                stay = Some(at.stay);
            }
            EventKind::OrderVisit(at) => {
                if stay != Some(at.stay) {
                    fact = begun(at);
                    stay = Some(at.stay);
                }
                fact.visit = Some(at.estimated_time);
            }
            EventKind::Departure { at, .. } if stay == Some(at.stay) => {
                fact.departure = Some(at.estimated_time);
            }
            EventKind::Arrival(_)
            | EventKind::Departure { .. }
            | EventKind::OrderCreated
            | EventKind::Start
            | EventKind::OrderBecameNext
            | EventKind::StatusUpdate { .. }
            | EventKind::IntervalUpdate { .. } => {}
        }
    }
    fact
}

/// A stay without a visit gives way to a later one.
const fn may_begin(fact: &Fact) -> bool {
    fact.arrival.is_none() || fact.departure.is_some()
}

const fn begun(at: &StayPoint) -> Fact {
    Fact {
        arrival: Some(at.estimated_time),
        visit: None,
        departure: None,
        used_mark_delivered_radius: Some(at.used_mark_delivered_radius),
    }
}

/// An order with what happened to it.
#[derive(Clone, Copy, Debug)]
pub struct Told<'a> {
    /// The order as it is planned.
    pub plan: &'a OrderPlan,
    /// What happened.
    pub fact: Fact,
    /// Finished, partially finished or cancelled, by whomever.
    pub is_closed: bool,
}

/// Whether the window was missed: the courier came after its end, or has not come by `now`, which
/// is past it. `None`: there is no window, or it may still be kept.
#[must_use]
pub fn has_failed_window(told: &Told<'_>, now: Time) -> Option<bool> {
    let window = told.plan.window?;
    match told.fact.arrival {
        Some(arrival) => Some(arrival > window.end),
        None if now > window.end && !told.is_closed => Some(true),
        None => None,
    }
}

/// The orders that were visited before an order of an earlier stop, which was visited later or is
/// still open.
#[must_use]
pub fn out_of_order(sequence: &[Told<'_>]) -> Vec<OrderId> {
    let overtaken = |at: usize, visit: Time| {
        sequence[..at].iter().any(|earlier| {
            let is_other_stop = match (earlier.plan.point, sequence[at].plan.point) {
                (Some(one), Some(other)) => !one.is_same_place(other),
                (None, _) | (_, None) => false,
            };
            let is_later = earlier.fact.visit.map_or(!earlier.is_closed, |earlier| earlier > visit);
            is_other_stop && is_later
        })
    };
    let visited = sequence
        .iter()
        .enumerate()
        .filter(|(at, told)| told.fact.visit.is_some_and(|visit| overtaken(*at, visit)));
    visited.map(|(_, told)| told.plan.id).collect()
}

#[cfg(test)]
mod tests {
    use super::{Fact, Told, has_failed_window, out_of_order, planned};
    use crate::domain::geo::Point;
    use crate::domain::ids::{CourierId, OrderId, RouteId};
    use crate::domain::order::{EtaType, OrderPlan, OrderStatus};
    use crate::domain::route::{Node, RoutePlan, RoutingMode};
    use crate::domain::time::{Time, TimeWindow};
    use crate::engine::travel_time::TravelTime;

    /// Every leg takes 100 s.
    struct Legs;

    impl TravelTime for Legs {
        fn travel_ms(&self, _: Point, _: Point, _: RoutingMode) -> i64 {
            100_000
        }
    }

    fn order(id: u64, lat_e7: i32) -> OrderPlan {
        OrderPlan {
            id: OrderId(id),
            point: Point::from_e7(lat_e7, 1).ok(),
            mark_delivered_radius: None,
            service_duration_s: 60,
            shared_service_duration_s: 30,
            window: None,
            eta_type: None,
            status: OrderStatus::New,
            created: false,
        }
    }

    fn route(orders: Vec<OrderPlan>) -> RoutePlan {
        RoutePlan {
            id: RouteId(1),
            courier: CourierId(1),
            routing_mode: RoutingMode::Driving,
            route_start: Some(Time::from_ms(0)),
            route_finish: None,
            depot: None,
            nodes: orders.into_iter().map(Node::Order).collect(),
        }
    }

    #[test]
    fn a_plan_serves_a_stop_together_and_waits_for_windows() {
        let mut late = order(4, 5_000);
        let (start, end) = (Time::from_ms(900_000), Time::from_ms(1_000_000));
        late.window = Some(TimeWindow { start, end });
        let mut nowhere = order(3, 1);
        nowhere.point = None;
        let plan = route(vec![order(1, 1_000), order(2, 1_005), nowhere, late]);
        let spans = planned(&plan, EtaType::DeliveryTime, &Legs);
        let seconds: Vec<_> = spans
            .iter()
            .map(|span| span.map(|s| (s.arrival.ms() / 1_000, s.departure.ms() / 1_000)))
            .collect();
        // The second order shares the first one's 30 s; the last waits until its window.
        assert_eq!(seconds, [Some((0, 90)), Some((90, 150)), None, Some((250, 990))]);
        let early = planned(&plan, EtaType::ArrivalTime, &Legs);
        assert_eq!(early[3].map(|span| span.departure.ms()), Some(340_000));
    }

    #[test]
    fn order_and_window_are_judged_by_what_happened() {
        let (one, two) = (order(1, 1_000), order(2, 9_000));
        let visited = |at: i64| Fact {
            arrival: Some(Time::from_ms(at)),
            visit: Some(Time::from_ms(at)),
            ..Fact::default()
        };
        let told = |plan, fact, is_closed| Told { plan, fact, is_closed };
        let open = told(&one, Fact::default(), false);
        let cancelled = told(&one, Fact::default(), true);
        let second = told(&two, visited(50), false);
        assert_eq!(out_of_order(&[open, second]), [OrderId(2)]);
        assert_eq!(out_of_order(&[cancelled, second]), []);
        assert_eq!(out_of_order(&[told(&one, visited(60), true), second]), [OrderId(2)]);
        assert_eq!(out_of_order(&[told(&one, visited(40), true), second]), []);
        let window = TimeWindow { start: Time::from_ms(10), end: Time::from_ms(45) };
        let plan = OrderPlan { window: Some(window), ..two.clone() };
        let failed = |fact, is_closed, now| {
            has_failed_window(&told(&plan, fact, is_closed), Time::from_ms(now))
        };
        assert_eq!(failed(visited(50), true, 60), Some(true));
        assert_eq!(failed(visited(45), true, 60), Some(false));
        assert_eq!(failed(Fact::default(), false, 46), Some(true));
        assert_eq!(failed(Fact::default(), false, 45), None);
        assert_eq!(failed(Fact::default(), true, 46), None);
        assert_eq!(has_failed_window(&second, Time::from_ms(0)), None);
    }
}
