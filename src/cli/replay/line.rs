//! The facts of one printed line: names instead of ids, one flat shape for every kind of output.
//! As JSON these are the fields that scripts rely on; those that do not apply are left out.

use serde::{Serialize, Serializer};

use super::run::Told;
use crate::cli::plan::Plan;
use crate::domain::eta::{EtaChange, OrderEta};
use crate::domain::event::{EventKind, OrderEvent, StayPoint};
use crate::domain::ids::{OrderId, RouteId};
use crate::domain::notification::{NearbyTrigger, Notification, NotificationKind};
use crate::domain::time::{SECOND_MS, Time, TimeWindow};
use crate::engine::output::{Output, OutputBody};

/// One line.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Line<'a> {
    pub(super) kind: &'static str,
    pub(super) name: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) order_number: Option<&'a str>,
    pub(super) route_number: &'a str,
    pub(super) courier: &'a str,
    pub(super) t: Seconds,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) estimated_t: Option<Seconds>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) position: Option<Place>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) used_mark_delivered_radius: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stay: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) visited: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) inferred: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) interpolated: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) initiator: Option<&'static str>,
    /// Outer `None`: windows are not the matter; inner: the order has none any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) time_window: Option<Option<Window>>,
    /// Outer `None`: ETA is not the matter; inner: there is no ETA.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) eta: Option<Option<Seconds>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) arrival: Option<Seconds>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) completion: Option<Seconds>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cause: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stale: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) trigger: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) threshold_s: Option<f64>,
    pub(super) backfilled: bool,
    pub(super) received: Seconds,
}

impl Line<'_> {
    fn set_stay(&mut self, at: &StayPoint) {
        self.estimated_t = Some(Seconds(at.estimated_time));
        self.position = Some(Place { lat: at.point.lat(), lon: at.point.lon() });
        self.used_mark_delivered_radius = Some(at.used_mark_delivered_radius.metres());
        self.stay = Some(at.stay);
        self.inferred = Some(at.inferred);
        self.interpolated = Some(at.interpolated);
    }
}

/// A place in degrees.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Place {
    pub(super) lat: f64,
    pub(super) lon: f64,
}

/// A window.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Window {
    pub(super) start: Seconds,
    pub(super) end: Seconds,
}

/// An instant, written as Unix seconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seconds(pub(super) Time);

impl Default for Seconds {
    fn default() -> Self {
        Self(Time::from_ms(0))
    }
}

impl Serialize for Seconds {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_f64(self.0.ms() as f64 / SECOND_MS as f64)
    }
}

/// Makes lines of outputs.
pub(super) struct Lines<'a> {
    plan: &'a Plan,
}

impl<'a> Lines<'a> {
    pub(super) const fn new(plan: &'a Plan) -> Self {
        Self { plan }
    }

    /// The lines of one output: one per changed order of an ETA, else one.
    pub(super) fn of(
        &self,
        told: Told<'_>,
        print: &mut dyn FnMut(&Line<'a>) -> std::io::Result<()>,
    ) -> std::io::Result<()> {
        let output = told.output;
        match &output.body {
            OutputBody::Event(event) => print(&self.event(output, event)),
            OutputBody::Notification(notification) => {
                print(&self.notification(output, notification))
            }
            OutputBody::Eta { change, .. } => {
                told.etas.iter().try_for_each(|eta| print(&self.eta(output, change, eta)))
            }
            OutputBody::RouteViolated { route, t } => {
                let line = self.line(output, *route, None);
                let t = Seconds(*t);
                print(&Line { kind: "route", name: "violated", t, ..line })
            }
            OutputBody::Dropped { .. } => Ok(()),
        }
    }

    fn line(&self, output: &Output, route: RouteId, order: Option<OrderId>) -> Line<'a> {
        Line {
            order_number: order.map(|order| self.plan.order_names.number(order.0)),
            route_number: self.plan.route_names.number(route.0),
            courier: self.plan.courier_names.number(u64::from(output.courier.0)),
            backfilled: output.backfilled,
            received: Seconds(output.recorded_at),
            ..Line::default()
        }
    }

    fn event(&self, output: &Output, event: &OrderEvent) -> Line<'a> {
        let mut line = Line {
            kind: "event",
            name: event.kind.name(),
            t: Seconds(event.t),
            ..self.line(output, event.route, Some(event.order))
        };
        match &event.kind {
            EventKind::OrderCreated | EventKind::Start | EventKind::OrderBecameNext => {}
            EventKind::StatusUpdate { status, initiator } => {
                line.status = Some(status.name());
                line.initiator = Some(initiator.name());
            }
            EventKind::IntervalUpdate { window } => {
                line.time_window = Some(window.map(in_seconds));
            }
            EventKind::Arrival(at) | EventKind::OrderVisit(at) => line.set_stay(at),
            EventKind::Departure { at, visited, reason } => {
                line.set_stay(at);
                line.visited = Some(*visited);
                line.reason = Some(reason.name());
            }
        }
        line
    }

    fn notification(&self, output: &Output, notification: &Notification) -> Line<'a> {
        let (trigger, threshold_ms) = match notification.kind {
            NotificationKind::ShiftStart => (None, None),
            NotificationKind::Nearby(NearbyTrigger::Eta(index)) => {
                (Some("eta"), self.plan.policy.nearby_eta_ms.get(usize::from(index)))
            }
            NotificationKind::Nearby(NearbyTrigger::Distance) => (Some("distance"), None),
            NotificationKind::Nearby(NearbyTrigger::Arrival) => (Some("arrival"), None),
        };
        Line {
            kind: "notification",
            name: notification.kind.name(),
            t: Seconds(notification.t),
            eta: Some(notification.eta.map(Seconds)),
            trigger,
            threshold_s: threshold_ms.map(|ms| *ms as f64 / SECOND_MS as f64),
            ..self.line(output, notification.route, Some(notification.order))
        }
    }

    fn eta(&self, output: &Output, change: &EtaChange, changed: &OrderEta) -> Line<'a> {
        Line {
            kind: "eta",
            name: "changed",
            t: Seconds(change.now),
            eta: Some(changed.eta.map(|eta| Seconds(eta.eta))),
            arrival: changed.eta.map(|eta| Seconds(eta.arrival)),
            completion: changed.eta.map(|eta| Seconds(eta.completion)),
            cause: Some(change.cause.name()),
            stale: Some(change.stale),
            ..self.line(output, change.route, Some(changed.order))
        }
    }
}

fn in_seconds(window: TimeWindow) -> Window {
    Window { start: Seconds(window.start), end: Seconds(window.end) }
}
