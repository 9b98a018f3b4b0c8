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

/// Where a chain begins, and how far that moves the ETAs.
struct Beginning {
    lead: Lead,
    lead_at: usize,
    /// What `reference` of the ETA line is for this beginning: the ETAs of the last evaluation
    /// follow from it. So moves to and fro cancel out.
    reference: Time,
    moved_ms: i64,
}

impl RouteStep<'_, '_> {
    /// Lets the chain begin where the courier is, if an evaluation would tell no ETA. Tells whether
    /// it did.
    pub fn shift(&mut self, fix: &Fix) -> bool {
        if self.line.eta.lead == Lead::Unknown {
            // Where the sequence is broken, there are no ETAs before and after.
            let is_evaluated = self.line.eta.slack_ms > 0;
            return is_evaluated && fix.is_fresh() && self.route.is_broken(self.policy);
        }
        if self.line.eta.lead_at == NO_ORDER
            || self.route.is_violated
            || !self.route.rare().nodes_between.is_empty()
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
        if !eta.tells_no_eta(begin.moved_ms, fix) {
            return false;
        }
        (eta.lead, eta.lead_at) = (begin.lead, begin.lead_at as u16);
        eta.reference = begin.reference;
        true
    }

    /// The courier came to the stop where the chain began, or is there still.
    fn begin_staying(&self, stop: StopRange, fix: &Fix) -> Option<Beginning> {
        let at = usize::from(self.line.eta.lead_at);
        let order = &self.route.orders[at];
        if usize::from(stop.only_order()) != at || !self.is_order_ahead_from(at + 1) {
            return None;
        }
        let entered = self.stays.of(order.stay)?.presence.entered().t;
        let leave = self.served(order, entered);
        let eta = &self.line.eta;
        let (reference, entered_ms) = match eta.lead {
            Lead::Driving(_) => {
                (self.served(order, eta.reference), (entered - eta.reference).abs())
            }
            Lead::Staying(left) if left == leave => (eta.reference, 0),
            Lead::Staying(_) | Lead::Unknown => return None,
        };
        let moved_ms = entered_ms.max((leave.max(fix.seen.t) - reference).abs());
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
        let arrival = fix.seen.t + self.travel.travel_ms(fix.seen.point, place, self.line.mode);
        let reference = eta.reference + i64::from(order.leg_ms);
        let moved_ms = (arrival - reference).abs();
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
