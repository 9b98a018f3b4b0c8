//! Section 6: what is told of the ETA, and what the clock does to it.

use std::collections::BTreeMap;

use super::chain::chain;
use super::route::Route;
use super::scene::Scene;
use super::told::ToldBody;
use crate::domain::eta::{Eta, EtaCause, EtaChange, OrderEta};
use crate::domain::policy::Policy;
use crate::domain::time::{DAY_MS, Time};

/// The earliest instant at which the clock has something to do on a route.
pub(super) fn deadline(route: &Route, policy: &Policy) -> Option<Time> {
    let over = route.tracking_ends(policy).filter(|_| !route.has_ended).map(|end| end + DAY_MS);
    over.into_iter().chain(eta_deadline(route)).min()
}

fn eta_deadline(route: &Route) -> Option<Time> {
    let last = route.last_t?;
    route.orders().find(|order| order.told_eta.is_some())?;
    let stale = (!route.told_stale).then(|| last + STALE_MS + 1);
    let passed = route
        .orders()
        .filter(|order| order.stay.is_none())
        .filter_map(|order| order.told_eta)
        .map(|eta| eta.eta + CHANGE_MS);
    passed.chain(stale).chain([last + NULL_MS + 1]).min()
}

impl Scene<'_> {
    /// Evaluates the whole chain and tells what changed.
    pub fn evaluate(&mut self, route: &mut Route, cause: EtaCause) {
        let silent = self.age_ms(route) > NULL_MS;
        let etas = if silent { BTreeMap::new() } else { chain(route, self.policy, self.travel) };
        let policy = self.policy;
        let mut changed = Vec::new();
        for order in route.orders_mut() {
            let id = order.plan.id;
            order.eta = etas.get(&id).copied();
            if !order.is_open(policy) {
                order.told_eta = None;
            } else if has_changed(order.told_eta, order.eta) {
                order.told_eta = order.eta;
                changed.push(OrderEta { order: id, eta: order.eta });
            }
        }
        self.tell_etas(route, cause, changed);
    }

    fn tell_etas(&mut self, route: &mut Route, cause: EtaCause, orders: Vec<OrderEta>) {
        let Some(last) = route.last_fix else { return };
        let stale = self.age_ms(route) > STALE_MS;
        let known = route.orders().any(|order| order.told_eta.is_some());
        if orders.is_empty() && (!known || stale == route.told_stale) {
            return;
        }
        route.told_stale = stale;
        let change = EtaChange { route: route.id, now: last.t, cause, stale };
        self.tell(self.backfilled, ToldBody::Eta { change, orders });
    }

    /// How old the last accepted position is by the server's clock, coarse ones included.
    fn age_ms(&self, route: &Route) -> i64 {
        route.last_t.map_or(0, |last| self.received_at - last)
    }

    /// Tracking is over: nothing is expected any more.
    pub fn withdraw_etas(&mut self, route: &mut Route) {
        let mut changed = Vec::new();
        for order in route.orders_mut() {
            order.eta = None;
            if order.told_eta.take().is_some() {
                changed.push(OrderEta { order: order.plan.id, eta: None });
            }
        }
        self.tell_etas(route, EtaCause::Timer, changed);
    }

    /// The clock at work on one route.
    pub fn clock(mut self, route: &mut Route) {
        let now = self.received_at;
        let over = route.tracking_ends(self.policy).is_some_and(|end| now >= end + DAY_MS);
        if over && !route.has_ended {
            self.end_tracking(route);
        }
        if eta_deadline(route).is_none_or(|due| due > now) {
            return;
        }
        let silent = self.age_ms(route) > NULL_MS;
        let mut changed = Vec::new();
        for order in route.orders_mut() {
            let Some(told) = order.told_eta else { continue };
            let passed = order.stay.is_none() && now - told.eta >= CHANGE_MS;
            if silent || passed {
                order.eta = order.eta.filter(|_| !silent).map(|eta| clamped(eta, now));
                order.told_eta = order.eta;
                changed.push(OrderEta { order: order.plan.id, eta: order.eta });
            }
        }
        self.tell_etas(route, EtaCause::Timer, changed);
    }
}

fn clamped(eta: Eta, now: Time) -> Eta {
    Eta {
        eta: eta.eta.max(now),
        arrival: eta.arrival.max(now),
        completion: eta.completion.max(now),
    }
}

fn has_changed(told: Option<Eta>, new: Option<Eta>) -> bool {
    match (told, new) {
        (None, None) => false,
        (Some(told), Some(new)) => (new.eta - told.eta).abs() >= CHANGE_MS,
        (Some(_), None) | (None, Some(_)) => true,
    }
}

const CHANGE_MS: i64 = 60_000;
const STALE_MS: i64 = 300_000;
const NULL_MS: i64 = 1_800_000;
