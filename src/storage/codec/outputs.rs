//! Feed events as bytes. The position is not written: it is where the event stands.

use super::super::bytes::{Malformed, Read, Reader, Writer};
use super::super::feed_event::{FeedBody, FeedEvent};
use super::words::{self, numbered};
use crate::domain::eta::{Eta, EtaCause, EtaChange, OrderEta};
use crate::domain::event::{EventKind, OrderEvent, StayPoint};
use crate::domain::ids::{CompanyId, CourierId, EventId, OrderId, PartitionId, RouteId};
use crate::domain::notification::{NearbyTrigger, Notification, NotificationKind};

/// Writes an event of the feed.
pub fn put_feed_event(to: &mut Writer, event: &FeedEvent) {
    to.varint(event.id.partition.0.into());
    to.varint(event.id.sequence);
    to.varint(event.id.ordinal.into());
    to.varint(event.courier.0.into());
    to.varint(event.company.0.into());
    to.time(event.recorded_at);
    to.bool(event.backfilled);
    to.varint(event.previous.unwrap_or(0));
    match &event.body {
        FeedBody::Event(event) => {
            to.u8(0);
            put_order_event(to, event);
        }
        FeedBody::Notification { notification, id, time } => {
            to.u8(1);
            put_notification(to, notification);
            to.varint(*id);
            to.time(*time);
        }
        FeedBody::Eta { change, orders } => {
            to.u8(2);
            put_eta_change(to, change);
            to.list(orders, put_order_eta);
        }
        FeedBody::RouteViolated { route, t } => {
            to.u8(3);
            to.varint(route.0);
            to.time(*t);
        }
    }
}

/// Reads the event at a position of the feed.
///
/// # Errors
/// The bytes are none.
pub fn feed_event(from: &mut Reader, position: u64) -> Read<FeedEvent> {
    Ok(FeedEvent {
        position,
        id: EventId {
            partition: PartitionId(from.narrow()?),
            sequence: from.varint()?,
            ordinal: from.narrow()?,
        },
        courier: CourierId(from.narrow()?),
        company: CompanyId(from.narrow()?),
        recorded_at: from.time()?,
        backfilled: from.bool()?,
        previous: Some(from.varint()?).filter(|&previous| previous > 0),
        body: feed_body(from)?,
    })
}

fn feed_body(from: &mut Reader) -> Read<FeedBody> {
    Ok(match from.u8()? {
        0 => FeedBody::Event(order_event(from)?),
        1 => FeedBody::Notification {
            notification: notification(from)?,
            id: from.varint()?,
            time: from.time()?,
        },
        2 => FeedBody::Eta { change: eta_change(from)?, orders: from.list(order_eta)? },
        3 => FeedBody::RouteViolated { route: RouteId(from.varint()?), t: from.time()? },
        _ => return Err(Malformed),
    })
}

fn put_order_event(to: &mut Writer, event: &OrderEvent) {
    to.varint(event.order.0);
    to.varint(event.route.0);
    to.time(event.t);
    match &event.kind {
        EventKind::OrderCreated => to.u8(0),
        EventKind::Start => to.u8(1),
        EventKind::OrderBecameNext => to.u8(2),
        EventKind::StatusUpdate { status, initiator } => {
            to.u8(3);
            words::put_status(to, *status);
            words::put_initiator(to, *initiator);
        }
        EventKind::IntervalUpdate { window } => {
            to.u8(4);
            to.option(*window, words::put_window);
        }
        EventKind::Arrival(at) => {
            to.u8(5);
            put_stay_point(to, at);
        }
        EventKind::OrderVisit(at) => {
            to.u8(6);
            put_stay_point(to, at);
        }
        EventKind::Departure { at, visited, reason } => {
            to.u8(7);
            put_stay_point(to, at);
            to.bool(*visited);
            words::put_end_reason(to, *reason);
        }
    }
}

fn order_event(from: &mut Reader) -> Read<OrderEvent> {
    Ok(OrderEvent {
        order: OrderId(from.varint()?),
        route: RouteId(from.varint()?),
        t: from.time()?,
        kind: match from.u8()? {
            0 => EventKind::OrderCreated,
            1 => EventKind::Start,
            2 => EventKind::OrderBecameNext,
            3 => EventKind::StatusUpdate {
                status: words::status(from)?,
                initiator: words::initiator(from)?,
            },
            4 => EventKind::IntervalUpdate { window: from.option(words::window)? },
            5 => EventKind::Arrival(stay_point(from)?),
            6 => EventKind::OrderVisit(stay_point(from)?),
            7 => EventKind::Departure {
                at: stay_point(from)?,
                visited: from.bool()?,
                reason: words::end_reason(from)?,
            },
            _ => return Err(Malformed),
        },
    })
}

fn put_stay_point(to: &mut Writer, at: &StayPoint) {
    to.varint(at.stay.into());
    words::put_point(to, at.point);
    to.time(at.device_time);
    to.time(at.estimated_time);
    words::put_radius(to, at.used_mark_delivered_radius);
    to.bool(at.inferred);
    to.bool(at.interpolated);
}

fn stay_point(from: &mut Reader) -> Read<StayPoint> {
    Ok(StayPoint {
        stay: from.narrow()?,
        point: words::point(from)?,
        device_time: from.time()?,
        estimated_time: from.time()?,
        used_mark_delivered_radius: words::radius(from)?,
        inferred: from.bool()?,
        interpolated: from.bool()?,
    })
}

fn put_notification(to: &mut Writer, notification: &Notification) {
    to.varint(notification.order.0);
    to.varint(notification.route.0);
    to.time(notification.t);
    match notification.kind {
        NotificationKind::ShiftStart => to.u8(0),
        NotificationKind::Nearby(NearbyTrigger::Eta(threshold)) => {
            to.u8(1);
            to.u8(threshold);
        }
        NotificationKind::Nearby(NearbyTrigger::Distance) => to.u8(2),
        NotificationKind::Nearby(NearbyTrigger::Arrival) => to.u8(3),
    }
    to.option(notification.eta, Writer::time);
}

fn notification(from: &mut Reader) -> Read<Notification> {
    Ok(Notification {
        order: OrderId(from.varint()?),
        route: RouteId(from.varint()?),
        t: from.time()?,
        kind: match from.u8()? {
            0 => NotificationKind::ShiftStart,
            1 => NotificationKind::Nearby(NearbyTrigger::Eta(from.u8()?)),
            2 => NotificationKind::Nearby(NearbyTrigger::Distance),
            3 => NotificationKind::Nearby(NearbyTrigger::Arrival),
            _ => return Err(Malformed),
        },
        eta: from.option(Reader::time)?,
    })
}

numbered!(
    put_cause,
    cause,
    EtaCause,
    0 = EtaCause::Fix,
    1 = EtaCause::Visit,
    2 = EtaCause::Status,
    3 = EtaCause::Sequence,
    4 = EtaCause::Traffic,
    5 = EtaCause::Timer,
);

fn put_eta_change(to: &mut Writer, change: &EtaChange) {
    to.varint(change.route.0);
    to.time(change.now);
    put_cause(to, change.cause);
    to.bool(change.stale);
}

fn eta_change(from: &mut Reader) -> Read<EtaChange> {
    Ok(EtaChange {
        route: RouteId(from.varint()?),
        now: from.time()?,
        cause: cause(from)?,
        stale: from.bool()?,
    })
}

fn put_order_eta(to: &mut Writer, changed: &OrderEta) {
    to.varint(changed.order.0);
    to.option(changed.eta, |to, eta| {
        to.time(eta.eta);
        to.signed(eta.arrival - eta.eta);
        to.signed(eta.completion - eta.eta);
    });
}

fn order_eta(from: &mut Reader) -> Read<OrderEta> {
    Ok(OrderEta {
        order: OrderId(from.varint()?),
        eta: from.option(|from| {
            let eta = from.time()?;
            Ok(Eta { eta, arrival: eta + from.signed()?, completion: eta + from.signed()? })
        })?,
    })
}
