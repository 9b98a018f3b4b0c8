//! An output in the words of a scenario: what it is, about whom and when, and its fields. Expected
//! and told outputs meet in this form.

use std::collections::BTreeMap;
use std::fmt;

use doorstep::domain::eta::{EtaChange, OrderEta};
use doorstep::domain::event::{EventKind, OrderEvent, StayPoint};
use doorstep::domain::notification::{NearbyTrigger, Notification, NotificationKind};
use doorstep::domain::time::Time;
use doorstep::engine::output::OutputBody;

use super::play::Told;
use super::words::seconds;

/// One output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// To which family it belongs.
    pub family: Family,
    /// `ARRIVAL A @0`
    pub head: String,
    /// Everything else there is to say.
    pub fields: BTreeMap<String, Value>,
}

/// The families of outputs; a scenario checks each completely or not at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// ARRIVAL, ORDER_VISIT, DEPARTURE.
    Stays,
    /// STATUS_UPDATE, INTERVAL_UPDATE, ORDER_CREATED.
    Orders,
    /// The courier violated the route.
    Violated,
    /// Positions that were not evaluated.
    Dropped,
    /// START, ORDER_BECAME_NEXT.
    Route,
    /// Changes of ETAs.
    Eta,
    /// shift_start, nearby.
    Notifications,
}

/// The value of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A word, compared as it stands.
    Text(String),
    /// An instant, compared within a tolerance.
    Time(Time),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Time(t) => f.write_str(&seconds(*t)),
        }
    }
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.head)?;
        self.fields.iter().try_for_each(|(key, value)| write!(f, " {key}={value}"))
    }
}

impl Fact {
    /// A fact without fields yet.
    pub fn new(family: Family, head: String) -> Self {
        Self { family, head, fields: BTreeMap::new() }
    }

    fn text(mut self, key: &str, value: impl fmt::Display) -> Self {
        self.fields.insert(key.into(), Value::Text(value.to_string()));
        self
    }

    fn time(mut self, key: &str, t: Time) -> Self {
        self.fields.insert(key.into(), Value::Time(t));
        self
    }
}

/// What a scenario knows beside the output: names, and which positions were sent.
pub trait Sight {
    /// The name of an order.
    fn order(&self, id: u64) -> String;
    /// The name of a route.
    fn route(&self, id: u64) -> String;
    /// Whether a position was sent for that instant and place.
    fn was_sent(&self, at: &StayPoint) -> bool;
}

/// The fact that was told.
pub fn fact(told: &Told, sight: &impl Sight) -> Fact {
    let fact = match &told.output.body {
        OutputBody::Event(event) => event_fact(event, sight),
        OutputBody::Notification(notification) => notification_fact(notification, sight),
        OutputBody::Eta { change, .. } => eta_fact(change, &told.etas, sight),
        OutputBody::RouteViolated { route, .. } => {
            Fact::new(Family::Violated, format!("violated {}", sight.route(route.0)))
        }
        OutputBody::Dropped { route, t, reason } => {
            let head = format!("dropped {} @{}", reason.name(), seconds(*t));
            let on = route.map_or("none".into(), |route| sight.route(route.0));
            Fact::new(Family::Dropped, head).text("on", on)
        }
    };
    let fact = fact.time("told", told.output.recorded_at);
    fact.text("backfilled", told.output.backfilled)
}

fn event_fact(event: &OrderEvent, sight: &impl Sight) -> Fact {
    let (order, t) = (sight.order(event.order.0), seconds(event.t));
    let new = |family, word: &str| Fact::new(family, format!("{word} {order} @{t}"));
    let fact = match &event.kind {
        EventKind::OrderCreated => new(Family::Orders, "CREATED"),
        EventKind::Start => new(Family::Route, "START"),
        EventKind::OrderBecameNext => new(Family::Route, "NEXT"),
        EventKind::StatusUpdate { status, initiator } => {
            let change = format!("{order} {} by {}", status.name(), initiator.name());
            Fact::new(Family::Orders, format!("STATUS {change} @{t}"))
        }
        EventKind::IntervalUpdate { window } => {
            let text = window.map_or("none".into(), |window| {
                format!("{}..{}", seconds(window.start), seconds(window.end))
            });
            Fact::new(Family::Orders, format!("INTERVAL {order} {text} @{t}"))
        }
        EventKind::Arrival(at) => stay(new(Family::Stays, "ARRIVAL"), event, at, sight),
        EventKind::OrderVisit(at) => stay(new(Family::Stays, "VISIT"), event, at, sight),
        EventKind::Departure { at, visited, reason } => {
            stay(new(Family::Stays, "DEPARTURE"), event, at, sight)
                .text("visited", visited)
                .text("reason", reason.name())
        }
    };
    fact.text("on", sight.route(event.route.0))
}

fn stay(fact: Fact, event: &OrderEvent, at: &StayPoint, sight: &impl Sight) -> Fact {
    let fact = fact
        .text("stay", at.stay)
        .time("est", at.estimated_time)
        .text("radius", at.used_mark_delivered_radius.metres())
        .text("inferred", at.inferred)
        .text("interpolated", at.interpolated)
        .text("sent", sight.was_sent(at));
    if at.device_time == event.t { fact } else { fact.time("position.time", at.device_time) }
}

fn notification_fact(notification: &Notification, sight: &impl Sight) -> Fact {
    let name = notification.kind.name();
    let order = sight.order(notification.order.0);
    let head = format!("{name} {order} @{}", seconds(notification.t));
    let fact = Fact::new(Family::Notifications, head).text("on", sight.route(notification.route.0));
    let fact = match notification.eta {
        Some(eta) => fact.time("eta", eta),
        None => fact.text("eta", "null"),
    };
    match notification.kind {
        NotificationKind::ShiftStart => fact,
        NotificationKind::Nearby(NearbyTrigger::Eta(index)) => {
            fact.text("by", format!("eta{index}"))
        }
        NotificationKind::Nearby(NearbyTrigger::Distance) => fact.text("by", "distance"),
        NotificationKind::Nearby(NearbyTrigger::Arrival) => fact.text("by", "arrival"),
    }
}

fn eta_fact(change: &EtaChange, etas: &[OrderEta], sight: &impl Sight) -> Fact {
    let names: Vec<_> = etas.iter().map(|eta| sight.order(eta.order.0)).collect();
    let mut fact = Fact::new(Family::Eta, format!("eta @{}", seconds(change.now)))
        .text("on", sight.route(change.route.0))
        .text("cause", change.cause.name())
        .text("stale", change.stale)
        .text("orders", names.join(","));
    for (name, order) in names.iter().zip(etas) {
        fact = match order.eta {
            None => fact.text(name, "null"),
            Some(eta) => fact
                .time(name, eta.eta)
                .time(&format!("{name}.arrival"), eta.arrival)
                .time(&format!("{name}.leave"), eta.completion),
        };
    }
    fact
}
