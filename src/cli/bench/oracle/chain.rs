//! Section 6: the chain of expected times along the remaining sequence, computed whole.

use std::collections::BTreeMap;

use super::distance::metres;
use super::route::{Order, Place, Route};
use crate::domain::eta::Eta;
use crate::domain::geo::Point;
use crate::domain::ids::OrderId;
use crate::domain::policy::Policy;
use crate::domain::route::RoutingMode;
use crate::domain::time::Time;

/// The travel model: straight-line distance x detour / speed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StraightLineParameters {
    /// Road metres per straight metre.
    pub detour: f64,
    /// Metres per second by car.
    pub driving_mps: f64,
    /// Metres per second on foot.
    pub walking_mps: f64,
    /// Metres per second by bicycle.
    pub bicycle_mps: f64,
    /// Metres per second by public transport.
    pub transit_mps: f64,
}

impl StraightLineParameters {
    fn travel_ms(&self, from: Point, to: Point, mode: RoutingMode) -> i64 {
        let speed = match mode {
            RoutingMode::Driving => self.driving_mps,
            RoutingMode::Walking => self.walking_mps,
            RoutingMode::Bicycle => self.bicycle_mps,
            RoutingMode::Transit => self.transit_mps,
        };
        libm::round(metres(to, from) * self.detour / speed * 1e3) as i64
    }
}

/// The ETA of every open order with a point; empty while nothing can be said.
pub(super) fn chain(
    route: &Route,
    policy: &Policy,
    travel: &StraightLineParameters,
) -> BTreeMap<OrderId, Eta> {
    let mut etas = BTreeMap::new();
    let Some(fix) = route.last_fix else { return etas };
    let loading = route.starting_depot().is_some() && !route.loading.left && !route.has_started;
    if loading || route.is_broken(policy) {
        return etas;
    }
    let planner = Planner { route, policy };
    let served = planner.served_stop();
    let (mut here, mut free_at) = (fix.point, fix.t);
    if let Some(stop) = &served {
        here = planner.point(stop);
        let arrival = planner.entry(stop);
        free_at = planner.leave(stop, arrival).max(fix.t);
        planner.report(stop, arrival, free_at, &mut etas);
    }
    for leg in planner.remaining(served.as_deref()) {
        match leg {
            Leg::Depot(point, service_ms) => {
                free_at = free_at + travel.travel_ms(here, point, route.mode) + service_ms;
                here = point;
            }
            Leg::Stop(stop) => {
                let point = planner.point(&stop);
                let arrival = free_at + travel.travel_ms(here, point, route.mode);
                free_at = planner.leave(&stop, arrival);
                planner.report(&stop, arrival, free_at, &mut etas);
                here = point;
            }
        }
    }
    etas
}

enum Leg {
    Depot(Point, i64),
    Stop(Vec<usize>),
}

struct Planner<'a> {
    route: &'a Route,
    policy: &'a Policy,
}

impl Planner<'_> {
    fn members<'s>(&'s self, stop: &'s [usize]) -> impl Iterator<Item = &'s Order> {
        stop.iter().filter_map(|&index| self.route.order(index))
    }

    /// Open, or in a stay that began before the visit.
    fn counts(&self, order: &Order) -> bool {
        order.is_open(self.policy) || order.is_in_first_stay()
    }

    /// The order at whose stop the courier is: the last visited one, else one of the head.
    fn anchor(&self) -> Option<usize> {
        let in_stay = |&index: &usize| self.route.order(index).is_some_and(|o| o.stay.is_some());
        let served = |&index: &usize| self.route.order(index).is_some_and(Order::is_in_first_stay);
        let last = self.route.last_visited.and_then(|id| self.route.find(id)).filter(served);
        last.or_else(|| {
            let head = self.route.head(self.policy);
            head.into_iter().find(in_stay)
        })
    }

    fn served_stop(&self) -> Option<Vec<usize>> {
        let anchor = self.anchor()?;
        let stops = self.route.stops(|_, order| self.counts(order));
        stops.into_iter().find(|stop| stop.contains(&anchor))
    }

    /// The depots between and the stops still to come, in sequence.
    fn remaining(&self, served: Option<&[usize]>) -> Vec<Leg> {
        let is_served = |index: usize| served.is_some_and(|stop| stop.contains(&index));
        let mut stops = self.route.stops(|_, order| order.is_open(self.policy));
        for stop in &mut stops {
            stop.retain(|&index| !is_served(index));
        }
        let mut stops = stops.into_iter().filter(|stop| !stop.is_empty()).peekable();
        let first = served.and_then(|stop| stop.first().copied()).unwrap_or(0);
        let mut legs = Vec::new();
        for (index, place) in self.route.nodes.iter().enumerate() {
            if stops.peek().is_some_and(|stop| stop[0] == index) {
                legs.extend(stops.next().map(Leg::Stop));
            }
            if let Place::Depot(depot) = place
                && index > first
                && !self.is_passed(index)
            {
                legs.push(Leg::Depot(depot.point, i64::from(depot.service_duration_s) * 1_000));
            }
        }
        legs
    }

    /// Whether an order after that place of the sequence has been visited.
    fn is_passed(&self, index: usize) -> bool {
        (index..self.route.nodes.len())
            .any(|later| self.route.order(later).is_some_and(|order| order.visited))
    }

    fn point(&self, stop: &[usize]) -> Point {
        let first = self.members(stop).find_map(|order| order.plan.point);
        first.expect("orders of a stop have a point")
    }

    fn entry(&self, stop: &[usize]) -> Time {
        let entries = self.members(stop).filter_map(|order| order.stay.as_ref());
        let first = entries.map(|stay| stay.entered.t).min();
        first.expect("a served stop has a stay")
    }

    fn leave(&self, stop: &[usize], arrival: Time) -> Time {
        let (mut sum_s, mut shared_s, mut begin) = (0, 0, arrival);
        for order in self.members(stop).filter(|order| self.counts(order)) {
            sum_s += i64::from(order.plan.service_duration_s);
            shared_s = shared_s.max(i64::from(order.plan.shared_service_duration_s));
            begin = order.waits_until(self.policy).map_or(begin, |start| start.max(begin));
        }
        begin + (sum_s + shared_s) * 1_000
    }

    fn report(
        &self,
        stop: &[usize],
        arrival: Time,
        completion: Time,
        etas: &mut BTreeMap<OrderId, Eta>,
    ) {
        for order in self.members(stop).filter(|order| order.is_open(self.policy)) {
            let start = order.waits_until(self.policy);
            let eta = start.map_or(arrival, |start| start.max(arrival));
            etas.insert(order.plan.id, Eta { eta, arrival, completion });
        }
    }
}
