//! Which messages go to the customers, and when: `shift_start` and `nearby` (behaviour 7).

use super::chain::Computed;
use super::fix::Fix;
use super::order::{Mark, Order, ShiftStart};
use super::step::RouteStep;
use crate::domain::geo::Centre;
use crate::domain::notification::{NearbyTrigger, Notification, NotificationKind};
use crate::domain::policy::{NEARBY_ETA_MAX, Policy};
use crate::domain::time::Time;

impl<'a> RouteStep<'a, '_> {
    /// Raises what is due after an evaluation; without a position, nothing is raised.
    pub fn notify(&mut self, fix: Option<&Fix>, is_regular: bool) {
        // Nothing else makes one due.
        if self.must_evaluate || self.is_edited || self.line.eta.has_shift_start_due {
            let is_due = |order: &Order| order.shift_start() == ShiftStart::Due;
            let mut orders = self.route.orders.iter();
            self.line.eta.has_shift_start_due =
                orders.any(|order| is_due(order) && order.is_open(self.policy));
        }
        if let Some(fix) = fix.filter(|_| self.is_fresh && self.line.is_started) {
            if self.line.eta.has_shift_start_due {
                self.raise_shift_starts();
                self.line.eta.has_shift_start_due = false;
            }
            self.raise_nearby(fix, is_regular, self.route.orders.len());
        }
        self.line.eta.nearby_due = self.nearby_due(Computed::all(self.route));
    }

    fn raise_shift_starts(&mut self) {
        for at in 0..self.route.orders.len() {
            let order = &mut self.route.orders[at];
            if order.shift_start() == ShiftStart::Due && order.is_open(self.policy) {
                order.set_shift_start(ShiftStart::Told);
                self.raise(at, NotificationKind::ShiftStart, self.etas[at].map(|eta| eta.eta));
            }
        }
    }

    /// Raises what is due of the orders before `to`; the ETAs of the others are beyond all
    /// thresholds.
    pub fn raise_nearby(&mut self, fix: &Fix, is_regular: bool, to: usize) {
        let is_in_sequence = !self.route.has_skipped_open(self.policy);
        let is_by_distance = self.policy.nearby_distance_m.is_some();
        let (latched, longest_ms) = self.thresholds_in_all();
        let to = to.max(self.route.primed_end.min(self.route.orders.len()));
        let mut primed_end = 0;
        for at in self.route.swept_at..to {
            let order = &mut self.route.orders[at];
            let is_unprimed = order.nearby_primed == 0;
            if is_unprimed && !is_by_distance && order.nearby_latched & latched == latched {
                continue;
            }
            let eta = self.etas[at].map(|eta| eta.eta);
            let is_far = eta.is_none_or(|eta| eta - fix.seen.t > longest_ms);
            if is_unprimed && !is_by_distance && is_far {
                continue;
            }
            if !order.is_ahead(self.policy)
                || !(order.is(Mark::Next) || is_in_sequence && eta.is_some())
            {
                if is_regular {
                    order.nearby_primed = 0;
                }
                continue;
            }
            if is_regular {
                self.raise_by_eta(at, fix.seen.t, eta);
                if self.route.orders[at].nearby_primed != 0 {
                    primed_end = at + 1;
                }
            }
            if is_by_distance && self.is_within_nearby(&self.route.orders[at], fix) {
                self.route.orders[at].nearby_latched |= DISTANCE_BIT;
                self.raise(at, NotificationKind::Nearby(NearbyTrigger::Distance), eta);
            }
        }
        if is_regular {
            self.route.primed_end = primed_end;
            while self.route.swept_at < self.route.head_at
                && self.route.orders[self.route.swept_at].is_behind(self.policy)
            {
                self.route.swept_at += 1;
            }
        }
    }

    /// The thresholds have changed: what held under the old ones holds no more.
    pub fn forget_primings(&mut self) {
        for order in &mut self.route.orders {
            order.nearby_primed = 0;
        }
    }

    /// The thresholds by time: each must hold in two regular evaluations in a row.
    fn raise_by_eta(&mut self, at: usize, now: Time, eta: Option<Time>) {
        for (index, threshold_ms) in self.thresholds_ms().enumerate() {
            let order = &mut self.route.orders[at];
            let bit = 1 << index;
            let holds = eta.is_some_and(|eta| eta - now <= threshold_ms);
            let was_primed = order.nearby_primed & bit != 0;
            order.nearby_primed &= !bit;
            if !holds || order.nearby_latched & bit != 0 {
                continue;
            }
            if was_primed {
                order.nearby_latched |= bit;
                let trigger = NearbyTrigger::Eta(index as u8);
                self.raise(at, NotificationKind::Nearby(trigger), eta);
            } else {
                order.nearby_primed |= bit;
            }
        }
    }

    /// The thresholds by time that have a latch.
    fn thresholds_ms(&self) -> impl Iterator<Item = i64> + use<'a> {
        let policy: &'a Policy = self.policy;
        policy.nearby_eta_ms.iter().copied().take(NEARBY_ETA_MAX)
    }

    /// The longest threshold by time.
    pub fn nearby_longest_ms(&self) -> i64 {
        self.thresholds_in_all().1
    }

    /// The latches of all thresholds by time, and the longest one.
    fn thresholds_in_all(&self) -> (u8, i64) {
        self.thresholds_ms()
            .enumerate()
            .fold((0, i64::MIN), |(latched, longest_ms), (index, ms)| {
                (latched | 1 << index, longest_ms.max(ms))
            })
    }

    /// The `nearby` just before an ARRIVAL, if none was raised before.
    pub fn nearby_by_arrival(&mut self, at: usize, entered_t: Time) {
        let order = &self.route.orders[at];
        if !self.is_fresh || !self.line.is_started || !order.is_open(self.policy) {
            return;
        }
        if order.nearby_latched == 0 {
            let terms = self.route.terms.of(order);
            let service_start = terms.service_start(self.policy, entered_t);
            let eta = (!self.route.is_broken(self.policy)).then_some(service_start);
            self.raise(at, NotificationKind::Nearby(NearbyTrigger::Arrival), eta);
        }
        self.route.orders[at].nearby_latched = u8::MAX;
    }

    fn raise(&mut self, at: usize, kind: NotificationKind, eta: Option<Time>) {
        let order = self.route.orders[at].id;
        self.emit.notification(Notification {
            order,
            route: self.route.id,
            t: self.now,
            kind,
            eta,
        });
    }

    /// Before this instant no threshold by time can hold for an order that is not latched, and no
    /// priming has to be looked at.
    pub fn nearby_due(&self, computed: Computed) -> Time {
        if !self.line.is_started {
            return Time::DISTANT_FUTURE;
        }
        let (latched, longest_ms) = self.thresholds_in_all();
        let mut due = computed.then - longest_ms;
        let within = self.route.swept_at.min(computed.to)..computed.to;
        for (order, eta) in self.route.orders[within.clone()].iter().zip(&self.etas[within]) {
            if order.nearby_primed != 0 {
                // The next regular evaluation raises it, or lets it go.
                return Time::DISTANT_PAST;
            }
            let Some(eta) = eta.as_ref().filter(|_| order.nearby_latched & latched != latched)
            else {
                continue;
            };
            for (index, threshold_ms) in self.thresholds_ms().enumerate() {
                if order.nearby_latched & 1 << index == 0 {
                    due = due.min(eta.eta - threshold_ms);
                }
            }
        }
        due
    }

    /// How far the distance threshold reaches around an order, if it may still raise.
    pub fn nearby_reach_m(&self, order: &Order) -> Option<f64> {
        let reach_m = self.policy.nearby_distance_m?;
        (order.nearby_latched & DISTANCE_BIT == 0 && order.is_open(self.policy)).then_some(reach_m)
    }

    fn is_within_nearby(&self, order: &Order, fix: &Fix) -> bool {
        let (Some(reach_m), Some(point)) = (self.nearby_reach_m(order), order.point()) else {
            return false;
        };
        Centre::new(point).distance_m(fix.seen.point) <= reach_m
    }

    /// Whether the distance threshold may raise on this position.
    pub fn is_near_by_distance(&self, fix: &Fix) -> bool {
        self.policy.nearby_distance_m.is_some()
            && self.is_fresh
            && self.line.is_started
            && (self.has_looked || self.line.first_stay.is_some())
            && self.route.orders.iter().any(|order| self.is_within_nearby(order, fix))
    }
}

/// The latch of the distance threshold, above those by time.
const DISTANCE_BIT: u8 = 1 << NEARBY_ETA_MAX;
