//! What the engine told about each order, kept for the comparison.

use std::collections::{BTreeMap, BTreeSet};

use crate::cli::replay::Told;
use crate::domain::eta::OrderEta;
use crate::domain::event::{EventKind, OrderEvent, StayPoint};
use crate::domain::ids::OrderId;
use crate::domain::time::Time;
use crate::engine::output::OutputBody;

/// The instants of one event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Device time of the deciding fix.
    pub t: Time,
    /// The best estimate of the true instant.
    pub estimated: Time,
}

/// One told ETA, in force until the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prediction {
    /// For when it was told.
    pub now: Time,
    /// What was told.
    pub eta: Option<Time>,
}

/// Everything told about one order, each list in the order of telling.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrderSeen {
    /// Its ARRIVALs.
    pub arrivals: Vec<Seen>,
    /// Its ORDER_VISITs.
    pub visits: Vec<Seen>,
    /// Its DEPARTUREs.
    pub departures: Vec<Seen>,
    /// Its ETAs.
    pub predictions: Vec<Prediction>,
}

/// Everything told in a day.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    orders: BTreeMap<OrderId, OrderSeen>,
    end: Option<Time>,
}

impl Observed {
    /// Keeps what matters of an output.
    pub fn hear(&mut self, told: Told<'_>) {
        match &told.output.body {
            OutputBody::Event(event) => self.hear_event(event),
            OutputBody::Eta { change, .. } => {
                for changed in told.etas {
                    self.hear_eta(change.now, changed);
                }
            }
            OutputBody::Notification(_)
            | OutputBody::RouteViolated { .. }
            | OutputBody::Dropped { .. } => {}
        }
    }

    /// Keeps an event of a stay.
    pub fn hear_event(&mut self, event: &OrderEvent) {
        self.end = self.end.max(Some(event.t));
        let order = self.orders.entry(event.order).or_default();
        let seen = |at: &StayPoint| Seen { t: event.t, estimated: at.estimated_time };
        match &event.kind {
            EventKind::Arrival(at) => order.arrivals.push(seen(at)),
            EventKind::OrderVisit(at) => order.visits.push(seen(at)),
            EventKind::Departure { at, .. } => order.departures.push(seen(at)),
            EventKind::OrderCreated
            | EventKind::Start
            | EventKind::OrderBecameNext
            | EventKind::StatusUpdate { .. }
            | EventKind::IntervalUpdate { .. } => {}
        }
    }

    /// Keeps a told ETA.
    pub fn hear_eta(&mut self, now: Time, changed: &OrderEta) {
        self.end = self.end.max(Some(now));
        let prediction = Prediction { now, eta: changed.eta.map(|eta| eta.eta) };
        self.orders.entry(changed.order).or_default().predictions.push(prediction);
    }

    /// The same without what was told about some orders.
    #[must_use]
    pub fn without(&self, left_out: &BTreeSet<OrderId>) -> Self {
        let is_kept = |(id, _): &(&OrderId, &OrderSeen)| !left_out.contains(id);
        let orders = self.orders.iter().filter(is_kept);
        Self { orders: orders.map(|(id, seen)| (*id, seen.clone())).collect(), end: self.end }
    }

    /// What was told about an order.
    #[must_use]
    pub fn order(&self, id: OrderId) -> Option<&OrderSeen> {
        self.orders.get(&id)
    }

    /// Every order about which something was told.
    pub fn orders(&self) -> impl Iterator<Item = (OrderId, &OrderSeen)> {
        self.orders.iter().map(|(id, seen)| (*id, seen))
    }

    /// The latest instant of which something was told.
    #[must_use]
    pub const fn end(&self) -> Option<Time> {
        self.end
    }
}
