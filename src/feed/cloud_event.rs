//! One event as others read it: CloudEvents 1.0 attributes around the item of an order's history.
//! The same shape in JSON (SSE, webhooks) and in MessagePack (QUIC).

use jiff::Timestamp;
use serde::Serialize;

use super::cursor::Cursor;
use super::names::Names;
use crate::domain::eta::{EtaChange, OrderEta};
use crate::domain::event::{EventKind, OrderEvent, StayPoint};
use crate::domain::geo::Point;
use crate::domain::ids::OrderId;
use crate::domain::notification::{Notification, NotificationKind};
use crate::domain::time::{SECOND_MS, Time};
use crate::runtime::feed_reader::{FeedBody, FeedEvent};

/// The attributes and the item.
#[derive(Clone, Debug, Serialize)]
pub struct CloudEvent {
    /// Always `1.0`.
    pub specversion: &'static str,
    /// The event's identity, the same in every replay.
    pub id: String,
    /// `/doorstep/<company>`.
    pub source: String,
    /// One of [`TYPES`].
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// `orders/4711` or `routes/17`.
    pub subject: String,
    /// Event time, ISO 8601 UTC.
    pub time: String,
    /// When the daemon got to know it, ISO 8601 UTC.
    pub recordedtime: String,
    /// Place in the feed, 20 digits: sorts as text.
    pub sequence: String,
    /// The courier.
    pub partitionkey: String,
    /// Always `application/json`; in MessagePack the same item stands in MessagePack.
    pub datacontenttype: &'static str,
    /// The item.
    pub data: Item,
}

/// An item of history, a notification, an ETA change or a violation. What does not apply is left
/// out; what applies and is unknown is null.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Item {
    /// The event's name in the API documents.
    pub event: &'static str,
    /// Receive time, unix seconds.
    pub timestamp: f64,
    /// Receive time, ISO 8601 UTC.
    pub time: String,
    /// The order, where the event is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_id: Option<u64>,
    /// Its number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_number: Option<Option<String>>,
    /// The route.
    pub route_id: u64,
    /// The courier.
    pub courier_id: u32,
    /// The company.
    pub company_id: u32,
    /// The deciding fix came more than 300 s after it was taken.
    pub backfilled: bool,
    /// Where and when the deciding fix was; null: erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<Option<Place>>,
    /// The radius in force when the stay began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub used_mark_delivered_radius: Option<f64>,
    /// Best estimate of the true instant, ISO 8601 UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub estimated_time: Option<String>,
    /// Number of the stay of that order, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stay: Option<u16>,
    /// Whether the order has been visited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub visited: Option<bool>,
    /// Why a stay ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// The dwell was credited across a silence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inferred: Option<bool>,
    /// The courier was never seen inside.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interpolated: Option<bool>,
    /// The new status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<&'static str>,
    /// Who set it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Initiated>,
    /// The new window; null: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_window: Option<Option<Window>>,
    /// Number of a notification among its company's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notification_id: Option<u64>,
    /// Expected arrival in a notification, unix seconds; null: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eta: Option<Option<f64>>,
    /// The last accepted fix is older than 300 s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stale: Option<bool>,
    /// The orders whose ETA changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub orders: Option<Vec<ChangedEta>>,
}

/// Where and when a fix was taken.
#[derive(Clone, Debug, Serialize)]
pub struct Place {
    /// Degrees.
    pub lat: f64,
    /// Degrees.
    pub lon: f64,
    /// Device time, ISO 8601 UTC.
    pub time: String,
}

/// Who set a status.
#[derive(Clone, Debug, Serialize)]
pub struct Initiated {
    /// The name in the API documents.
    pub initiator: &'static str,
}

/// A window of allowed times.
#[derive(Clone, Debug, Serialize)]
pub struct Window {
    /// ISO 8601 UTC.
    pub start: String,
    /// ISO 8601 UTC.
    pub end: String,
}

/// The ETA of one order, unix seconds; null: none. Numbers keep a route of 500 orders in a frame.
#[derive(Clone, Debug, Serialize)]
pub struct ChangedEta {
    /// The order.
    pub order_id: u64,
    /// When the service is expected to begin.
    pub eta: Option<f64>,
    /// When the courier is expected.
    pub arrival: Option<f64>,
    /// When the courier is expected to leave.
    pub completion: Option<f64>,
    /// What made it change.
    pub reason: &'static str,
}

impl CloudEvent {
    /// Writes an event of the feed.
    #[must_use]
    pub fn new(event: &FeedEvent, names: &Names) -> Self {
        let data = Item::new(event, names);
        let subject = match data.order_id {
            Some(order) => format!("orders/{order}"),
            None => format!("routes/{}", data.route_id),
        };
        Self {
            specversion: "1.0",
            id: event.id.to_string(),
            source: format!("/doorstep/{}", event.company),
            kind: event_type(&event.body),
            subject,
            time: iso(event_time(&event.body)),
            recordedtime: iso(event.recorded_at),
            sequence: Cursor(event.position).to_string(),
            partitionkey: event.courier.to_string(),
            datacontenttype: "application/json",
            data,
        }
    }
}

impl Item {
    /// The item of an event of the feed.
    #[must_use]
    pub fn new(event: &FeedEvent, names: &Names) -> Self {
        let mut item = Self {
            timestamp: seconds(event.recorded_at),
            time: iso(event.recorded_at),
            route_id: super::filter::route_of(&event.body).0,
            courier_id: event.courier.0,
            company_id: event.company.0,
            backfilled: event.backfilled,
            ..Self::default()
        };
        match &event.body {
            FeedBody::Event(event) => item.set_event(event, names),
            FeedBody::Notification { notification, id, time } => {
                item.set_notification(notification, names);
                item.notification_id = Some(*id);
                (item.timestamp, item.time) = (seconds(*time), iso(*time));
            }
            FeedBody::Eta { change, orders } => item.set_etas(change, orders),
            FeedBody::RouteViolated { .. } => item.event = "ROUTE_VIOLATED",
        }
        item
    }

    fn set_order(&mut self, order: OrderId, names: &Names) {
        self.order_id = Some(order.0);
        self.order_number = Some((names.order_number)(order));
    }

    fn set_event(&mut self, event: &OrderEvent, names: &Names) {
        self.event = event.kind.name();
        self.set_order(event.order, names);
        match &event.kind {
            EventKind::OrderCreated | EventKind::Start | EventKind::OrderBecameNext => {}
            EventKind::StatusUpdate { status, initiator } => {
                self.status = Some(status.name());
                self.source = Some(Initiated { initiator: initiator.name() });
            }
            EventKind::IntervalUpdate { window } => {
                let window = window.map(|w| Window { start: iso(w.start), end: iso(w.end) });
                self.time_window = Some(window);
            }
            EventKind::Arrival(at) | EventKind::OrderVisit(at) => self.set_stay(at),
            EventKind::Departure { at, visited, reason } => {
                self.set_stay(at);
                self.visited = Some(*visited);
                self.reason = Some(reason.name());
            }
        }
    }

    fn set_stay(&mut self, at: &StayPoint) {
        let time = || iso(at.device_time);
        let place = |point: Point| Place { lat: point.lat(), lon: point.lon(), time: time() };
        self.position = Some(at.place().map(place));
        self.used_mark_delivered_radius = Some(at.used_mark_delivered_radius.metres());
        self.estimated_time = Some(iso(at.estimated_time));
        self.stay = Some(at.stay);
        self.inferred = Some(at.inferred);
        self.interpolated = Some(at.interpolated);
    }

    fn set_notification(&mut self, notification: &Notification, names: &Names) {
        self.event = notification.kind.name();
        self.set_order(notification.order, names);
        self.eta = Some(notification.eta.map(seconds));
    }

    fn set_etas(&mut self, change: &EtaChange, orders: &[OrderEta]) {
        let reason = change.cause.name();
        let changed = orders.iter().map(|order| ChangedEta {
            order_id: order.order.0,
            eta: order.eta.map(|eta| seconds(eta.eta)),
            arrival: order.eta.map(|eta| seconds(eta.arrival)),
            completion: order.eta.map(|eta| seconds(eta.completion)),
            reason,
        });
        self.event = "ETA_CHANGED";
        self.stale = Some(change.stale);
        self.orders = Some(changed.collect());
    }
}

/// The type of an event.
#[must_use]
pub const fn event_type(body: &FeedBody) -> &'static str {
    match body {
        FeedBody::Event(event) => match &event.kind {
            EventKind::Arrival(_) => "doorstep.order.arrival.v1",
            EventKind::OrderVisit(_) => "doorstep.order.order_visit.v1",
            EventKind::Departure { .. } => "doorstep.order.departure.v1",
            EventKind::OrderBecameNext => "doorstep.order.became_next.v1",
            EventKind::Start => "doorstep.order.start.v1",
            EventKind::StatusUpdate { .. } => "doorstep.order.status.v1",
            EventKind::OrderCreated => "doorstep.order.created.v1",
            EventKind::IntervalUpdate { .. } => "doorstep.order.interval.v1",
        },
        FeedBody::Eta { .. } => "doorstep.eta.changed.v1",
        FeedBody::Notification { notification, .. } => match notification.kind {
            NotificationKind::Nearby(_) => "doorstep.notification.nearby.v1",
            NotificationKind::ShiftStart => "doorstep.notification.shift_start.v1",
        },
        FeedBody::RouteViolated { .. } => "doorstep.route.violated.v1",
    }
}

/// When an event happened.
pub(super) const fn event_time(body: &FeedBody) -> Time {
    match body {
        FeedBody::Event(event) => event.t,
        FeedBody::Notification { notification, .. } => notification.t,
        FeedBody::Eta { change, .. } => change.now,
        FeedBody::RouteViolated { t, .. } => *t,
    }
}

/// Unix seconds.
pub(super) fn seconds(time: Time) -> f64 {
    time.ms() as f64 / SECOND_MS as f64
}

/// ISO 8601, UTC with milliseconds and `Z`; beyond the calendar its nearest end.
#[must_use]
pub fn iso(time: Time) -> String {
    let end = if time.ms() < 0 { Timestamp::MIN } else { Timestamp::MAX };
    let timestamp = Timestamp::from_millisecond(time.ms()).unwrap_or(end);
    format!("{timestamp:.3}")
}

/// Every type of event.
pub const TYPES: [&str; 12] = [
    "doorstep.order.arrival.v1",
    "doorstep.order.order_visit.v1",
    "doorstep.order.departure.v1",
    "doorstep.order.became_next.v1",
    "doorstep.order.start.v1",
    "doorstep.order.status.v1",
    "doorstep.order.created.v1",
    "doorstep.order.interval.v1",
    "doorstep.eta.changed.v1",
    "doorstep.notification.nearby.v1",
    "doorstep.notification.shift_start.v1",
    "doorstep.route.violated.v1",
];
