//! Section 4.4, `nearest`: who of the orders with open stays is credited with the dwell.

use super::distance::metres;
use super::route::Route;
use super::scene::{Scene, stay_point};
use super::stay::Fix;
use super::step::Presence;

impl Scene<'_> {
    /// The second look at the orders at which the position is inside, in sequence.
    pub fn share_dwell(&mut self, route: &mut Route, present: &[(usize, Presence)], fix: &Fix) {
        let claimants = self.claimants(route, fix);
        for (index, presence) in present {
            let has_claim = claimants.contains(index);
            self.credit(route, *index, presence, has_claim, fix);
            if has_claim {
                self.test_credit(route, *index, fix);
            }
        }
    }

    /// The stop of the nearest order with an open stay.
    fn claimants(&self, route: &Route, fix: &Fix) -> Vec<usize> {
        let has_stay = |index: usize| route.order(index).is_some_and(|o| o.stay.is_some());
        let away = |index: usize| {
            let point = route.order(index).and_then(|order| order.plan.point);
            point.map_or(f64::INFINITY, |point| metres(point, fix.point))
        };
        let mut nearest = None;
        for index in (0..route.nodes.len()).filter(|&index| has_stay(index)) {
            if nearest.is_none_or(|nearest| away(index) < away(nearest)) {
                nearest = Some(index);
            }
        }
        let Some(nearest) = nearest else { return Vec::new() };
        let stops = route.stops(|_, order| order.is_open(self.policy) || order.stay.is_some());
        stops.into_iter().find(|stop| stop.contains(&nearest)).unwrap_or_default()
    }

    fn credit(
        &self,
        route: &mut Route,
        index: usize,
        presence: &Presence,
        has_claim: bool,
        fix: &Fix,
    ) {
        let Some(order) = route.order_mut(index) else { return };
        let waits_until = order.waits_until(self.policy);
        let Some(stay) = order.stay.as_mut() else { return };
        let had_claim = std::mem::replace(&mut stay.is_claimed, has_claim);
        let Presence::Since(last) = presence else { return };
        let gap_ms = fix.t - last.t;
        if gap_ms > last.longest_gap_ms(self.policy.max_gap_ms) {
            stay.credit_ms = 0;
            return;
        }
        let from = waits_until.map_or(last.t, |start| start.max(last.t));
        let behind_start_ms = (fix.t - from).max(0);
        stay.credit_ms += match has_claim {
            true if gap_ms <= 60_000 && last.drives() && fix.drives() => 0,
            true if gap_ms > 60_000 && !had_claim => behind_start_ms / 2,
            true => behind_start_ms,
            false => 0,
        };
    }

    fn test_credit(&mut self, route: &mut Route, index: usize, fix: &Fix) {
        let Some(order) = route.order(index) else { return };
        let Some(stay) = order.stay.as_ref() else { return };
        let is_time = order.waits_until(self.policy).is_none_or(|start| fix.t >= start);
        if !order.visited && is_time && stay.credit_ms >= stay.required_ms {
            let at = stay_point(stay, fix, fix.t - (stay.credit_ms - stay.required_ms));
            self.visit(route, index, fix.t, at);
        }
    }
}
