//! When a courier comes to the next stop, visits its order or leaves it, the chain of ETAs begins
//! elsewhere, and everything behind stays as it was. How far that moves the ETAs follows from the
//! first stop alone (behaviour 6); mostly that is too little to be told, and the chain need not be
//! computed anew.

use super::eta::{Lead, NO_ORDER};
use super::fix::Fix;
use super::order::Order;
use super::route::StopRange;
use super::step::RouteStep;
use crate::domain::time::Time;

/// Where a chain begins, and how far that moves the ETAs behind.
struct Beginning {
    lead: Lead,
    lead_at: usize,
    /// As `reference` of the ETA line.
    reference: Time,
    moved_ms: i64,
}

impl RouteStep<'_, '_> {
    /// Lets the chain begin where the courier is, if an evaluation would tell nothing. Tells
    /// whether it did.
    pub fn shift(&mut self, fix: &Fix) -> bool {
        if self.line.eta.lead_at == NO_ORDER
            || self.route.is_violated
            || !self.route.nodes_between.is_empty()
            || self.policy.delivery_by_order_statuses
        {
            return false;
        }
        let beginning = match self.present_stop() {
            Some(stop) => self.begin_staying(stop, fix),
            None => self.begin_driving(fix),
        };
        let Some(begin) = beginning else { return false };
        let eta = &mut self.line.eta;
        if !eta.tells_nothing(begin.moved_ms, fix) {
            return false;
        }
        (eta.lead, eta.lead_at) = (begin.lead, begin.lead_at as u16);
        eta.reference = begin.reference;
        eta.slack_ms -= begin.moved_ms as i32;
        eta.nearby_due = eta.nearby_due - begin.moved_ms;
        true
    }

    /// The courier came to the stop where the chain began, or is there still.
    fn begin_staying(&self, stop: StopRange, fix: &Fix) -> Option<Beginning> {
        let at = usize::from(self.line.eta.lead_at);
        let order = &self.route.orders[at];
        if usize::from(stop.only_order()) != at || !self.is_order_ahead_from(at + 1) {
            return None;
        }
        let entered = self.stays.of(order.stay)?.presence.entered.t;
        let leave = self.served(order, entered);
        let reference = leave.max(fix.seen.t);
        let eta = &self.line.eta;
        let moved_ms = match eta.lead {
            Lead::Unknown => return None,
            Lead::Driving(_) => {
                let left_ms = (reference - self.served(order, eta.reference)).abs();
                left_ms.max((entered - eta.reference).abs())
            }
            Lead::Staying(left) if left == leave => (reference - eta.reference).abs(),
            Lead::Staying(_) => return None,
        };
        Some(Beginning { lead: Lead::Staying(leave), lead_at: at, reference, moved_ms })
    }

    /// The courier left the stop where the chain began, visited, for the next one in sequence.
    fn begin_driving(&self, fix: &Fix) -> Option<Beginning> {
        let eta = &self.line.eta;
        let at = usize::from(eta.lead_at) + 1;
        let stop = self.head()?;
        let order = self.route.orders.get(at)?;
        let place = order.point()?;
        if !matches!(eta.lead, Lead::Staying(_))
            || usize::from(stop.only_order()) != at
            || order.leg_ms == Order::NO_LEG
        {
            return None;
        }
        let t = fix.seen.t;
        let reference = t + self.travel.travel_ms(fix.seen.point, place, self.line.mode);
        let moved_ms = (reference - (eta.reference + i64::from(order.leg_ms))).abs();
        Some(Beginning { lead: Lead::Driving(place), lead_at: at, reference, moved_ms })
    }

    /// When a stop of one order is left by a courier who arrives at `arrival`.
    fn served(&self, order: &Order, arrival: Time) -> Time {
        let terms = self.route.terms.of(order);
        terms.service_start(self.policy, arrival) + terms.service_ms()
    }

    fn is_order_ahead_from(&self, at: usize) -> bool {
        self.route.orders[at..].iter().any(|order| order.is_ahead(self.policy))
    }
}
