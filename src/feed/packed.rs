//! An event in MessagePack, written straight from the feed: the very bytes that serde makes of
//! [`super::cloud_event::CloudEvent`], without making its texts first.

use rmp::encode::{self as put, ByteBuf};

use super::cloud_event::{event_time, event_type, iso, seconds};
use super::filter::route_of;
use super::names::Names;
use crate::domain::eta::{EtaChange, OrderEta};
use crate::domain::event::{EventKind, OrderEvent, StayPoint};
use crate::domain::ids::OrderId;
use crate::domain::notification::Notification;
use crate::domain::time::{DAY_MS, Time};
use crate::runtime::feed_reader::{FeedBody, FeedEvent};

/// Appends events to one buffer.
#[derive(Debug, Default)]
pub struct Packer {
    /// What was written.
    bytes: ByteBuf,
    /// A text that is being made.
    text: Vec<u8>,
}

impl Packer {
    /// What was written so far.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.bytes.as_slice()
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.bytes.as_mut_vec().clear();
    }

    /// Appends an event of the feed.
    pub fn event(&mut self, event: &FeedEvent, names: &Names) {
        self.map(ATTRIBUTES);
        self.pair("specversion", "1.0");
        self.key("id");
        let id = event.id;
        self.joined(&[], &[id.partition.0.into(), id.sequence, id.ordinal.into()]);
        self.key("source");
        self.joined(b"/doorstep/", &[event.company.0.into()]);
        self.pair("type", event_type(&event.body));
        self.key("subject");
        match order_of(&event.body) {
            Some(order) => self.joined(b"orders/", &[order.0]),
            None => self.joined(b"routes/", &[route_of(&event.body).0]),
        }
        self.key("time");
        self.time(event_time(&event.body));
        self.key("recordedtime");
        self.time(event.recorded_at);
        self.key("sequence");
        self.place(event.position);
        self.key("partitionkey");
        self.joined(&[], &[event.courier.0.into()]);
        self.pair("datacontenttype", "application/json");
        self.key("data");
        self.item(event, names);
    }

    fn item(&mut self, event: &FeedEvent, names: &Names) {
        let (name, fields, time) = match &event.body {
            FeedBody::Event(entry) => {
                (entry.kind.name(), 2 + kind_fields(&entry.kind), event.recorded_at)
            }
            FeedBody::Notification { notification, time, .. } => {
                (notification.kind.name(), 4, *time)
            }
            FeedBody::Eta { .. } => ("ETA_CHANGED", 2, event.recorded_at),
            FeedBody::RouteViolated { .. } => ("ROUTE_VIOLATED", 0, event.recorded_at),
        };
        self.map(ITEM_FIELDS + fields);
        self.pair("event", name);
        self.key("timestamp");
        self.float(seconds(time));
        self.key("time");
        self.time(time);
        if let Some(order) = order_of(&event.body) {
            self.order(order, names);
        }
        self.key("route_id");
        self.uint(route_of(&event.body).0);
        self.key("courier_id");
        self.uint(event.courier.0.into());
        self.key("company_id");
        self.uint(event.company.0.into());
        self.key("backfilled");
        self.boolean(event.backfilled);
        match &event.body {
            FeedBody::Event(entry) => self.entry(entry),
            FeedBody::Notification { notification, id, .. } => self.notification(notification, *id),
            FeedBody::Eta { change, orders } => self.etas(change, orders),
            FeedBody::RouteViolated { .. } => {}
        }
    }

    fn order(&mut self, order: OrderId, names: &Names) {
        self.key("order_id");
        self.uint(order.0);
        self.key("order_number");
        match (names.order_number)(order) {
            Some(number) => self.text(&number),
            None => self.nil(),
        }
    }

    fn entry(&mut self, entry: &OrderEvent) {
        match &entry.kind {
            EventKind::OrderCreated | EventKind::Start | EventKind::OrderBecameNext => {}
            EventKind::StatusUpdate { status, initiator } => {
                self.pair("status", status.name());
                self.key("source");
                self.map(1);
                self.pair("initiator", initiator.name());
            }
            EventKind::IntervalUpdate { window } => {
                self.key("time_window");
                match window {
                    Some(window) => {
                        self.map(2);
                        self.key("start");
                        self.time(window.start);
                        self.key("end");
                        self.time(window.end);
                    }
                    None => self.nil(),
                }
            }
            EventKind::Arrival(at) | EventKind::OrderVisit(at) => self.stay(at, None),
            EventKind::Departure { at, visited, reason } => {
                self.stay(at, Some((*visited, reason.name())));
            }
        }
    }

    fn stay(&mut self, at: &StayPoint, ended: Option<(bool, &str)>) {
        self.key("position");
        match at.place() {
            Some(point) => {
                self.map(3);
                self.key("lat");
                self.float(point.lat());
                self.key("lon");
                self.float(point.lon());
                self.key("time");
                self.time(at.device_time);
            }
            None => self.nil(),
        }
        self.key("used_mark_delivered_radius");
        self.float(at.used_mark_delivered_radius.metres());
        self.key("estimated_time");
        self.time(at.estimated_time);
        self.key("stay");
        self.uint(at.stay.into());
        if let Some((visited, reason)) = ended {
            self.key("visited");
            self.boolean(visited);
            self.pair("reason", reason);
        }
        self.key("inferred");
        self.boolean(at.inferred);
        self.key("interpolated");
        self.boolean(at.interpolated);
    }

    fn notification(&mut self, notification: &Notification, id: u64) {
        self.key("notification_id");
        self.uint(id);
        self.key("eta");
        self.instant(notification.eta);
    }

    fn etas(&mut self, change: &EtaChange, orders: &[OrderEta]) {
        self.key("stale");
        self.boolean(change.stale);
        self.key("orders");
        put_ok(put::write_array_len(&mut self.bytes, orders.len() as u32));
        for order in orders {
            self.map(5);
            self.key("order_id");
            self.uint(order.order.0);
            self.key("eta");
            self.instant(order.eta.map(|eta| eta.eta));
            self.key("arrival");
            self.instant(order.eta.map(|eta| eta.arrival));
            self.key("completion");
            self.instant(order.eta.map(|eta| eta.completion));
            self.pair("reason", change.cause.name());
        }
    }

    fn pair(&mut self, key: &str, text: &str) {
        self.key(key);
        self.text(text);
    }

    fn key(&mut self, key: &str) {
        self.text(key);
    }

    fn text(&mut self, text: &str) {
        put_ok(put::write_str(&mut self.bytes, text));
    }

    /// A prefix and numbers with dashes between them.
    fn joined(&mut self, prefix: &[u8], numbers: &[u64]) {
        self.text.clear();
        self.text.extend_from_slice(prefix);
        for (at, &number) in numbers.iter().enumerate() {
            if at > 0 {
                self.text.push(b'-');
            }
            put_digits(&mut self.text, number, 1);
        }
        self.end_text();
    }

    /// A place in the feed, as a cursor writes it.
    fn place(&mut self, position: u64) {
        self.text.clear();
        put_digits(&mut self.text, position, PLACE_DIGITS);
        self.end_text();
    }

    fn time(&mut self, time: Time) {
        self.text.clear();
        if !put_iso(&mut self.text, time) {
            self.text.extend_from_slice(iso(time).as_bytes());
        }
        self.end_text();
    }

    fn end_text(&mut self) {
        put_ok(put::write_str_len(&mut self.bytes, self.text.len() as u32));
        self.bytes.as_mut_vec().extend_from_slice(&self.text);
    }

    /// Unix seconds, or nil.
    fn instant(&mut self, time: Option<Time>) {
        match time {
            Some(time) => self.float(seconds(time)),
            None => self.nil(),
        }
    }

    fn map(&mut self, fields: u32) {
        put_ok(put::write_map_len(&mut self.bytes, fields));
    }

    fn uint(&mut self, value: u64) {
        put_ok(put::write_uint(&mut self.bytes, value));
    }

    fn float(&mut self, value: f64) {
        put_ok(put::write_f64(&mut self.bytes, value));
    }

    fn boolean(&mut self, value: bool) {
        put_ok(put::write_bool(&mut self.bytes, value));
    }

    fn nil(&mut self) {
        put_ok(put::write_nil(&mut self.bytes));
    }
}

/// Fields of an item beyond those of every item and its order's.
const fn kind_fields(kind: &EventKind) -> u32 {
    match kind {
        EventKind::OrderCreated | EventKind::Start | EventKind::OrderBecameNext => 0,
        EventKind::StatusUpdate { .. } => 2,
        EventKind::IntervalUpdate { .. } => 1,
        EventKind::Arrival(_) | EventKind::OrderVisit(_) => 6,
        EventKind::Departure { .. } => 8,
    }
}

/// The order that an event is about, if it is one.
const fn order_of(body: &FeedBody) -> Option<OrderId> {
    match body {
        FeedBody::Event(event) => Some(event.order),
        FeedBody::Notification { notification, .. } => Some(notification.order),
        FeedBody::Eta { .. } | FeedBody::RouteViolated { .. } => None,
    }
}

/// ISO 8601, UTC with milliseconds and `Z`; `false`: not within the years that it writes so.
fn put_iso(to: &mut Vec<u8>, time: Time) -> bool {
    let ms = time.ms();
    if !(FIRST_MS..=LAST_MS).contains(&ms) {
        return false;
    }
    let (days, of_day) = (ms.div_euclid(DAY_MS), ms.rem_euclid(DAY_MS) as u64);
    let (year, month, day) = civil(days);
    for (number, digits, after) in [
        (year, 4, b'-'),
        (month, 2, b'-'),
        (day, 2, b'T'),
        (of_day / 3_600_000, 2, b':'),
        (of_day / 60_000 % 60, 2, b':'),
        (of_day / 1_000 % 60, 2, b'.'),
        (of_day % 1_000, 3, b'Z'),
    ] {
        put_digits(to, number, digits);
        to.push(after);
    }
    true
}

/// Year, month and day of a day counted from 1970-01-01, by Hinnant's `civil_from_days`.
const fn civil(days: i64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
    (year as u64, month as u64, day as u64)
}

/// A decimal number of at least so many digits.
fn put_digits(to: &mut Vec<u8>, mut number: u64, digits_min: usize) {
    let mut digits = [b'0'; PLACE_DIGITS];
    let mut at = PLACE_DIGITS;
    while number > 0 {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
    }
    to.extend_from_slice(&digits[at.min(PLACE_DIGITS - digits_min)..]);
}

fn put_ok<T, E: core::fmt::Debug>(written: Result<T, E>) {
    written.expect("writing into memory cannot fail");
}

/// Attributes of every event.
const ATTRIBUTES: u32 = 11;
/// Fields of every item.
const ITEM_FIELDS: u32 = 7;
/// As many as the largest number has.
const PLACE_DIGITS: usize = 20;
/// From year 1, which four digits write, to the end of the calendar that [`iso`] knows.
const FIRST_MS: i64 = -62_135_596_800_000;
const LAST_MS: i64 = 253_402_207_200_000;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::eta::{Eta, EtaCause};
    use crate::domain::event::EndReason;
    use crate::domain::geo::Point;
    use crate::domain::ids::{CompanyId, CourierId, DepotId, EventId, PartitionId, RouteId};
    use crate::domain::notification::{NearbyTrigger, NotificationKind};
    use crate::domain::order::{Initiator, OrderStatus};
    use crate::domain::policy::Radius;
    use crate::domain::time::TimeWindow;
    use crate::feed::cloud_event::CloudEvent;

    /// Every kind of event, with numbers of many sizes.
    fn body(which: u8, id: u64, time: Time, flag: bool) -> FeedBody {
        let (order, route) = (OrderId(id), RouteId(id / 3));
        let at = StayPoint {
            stay: id as u16,
            point: Point::from_e7(525_000_000 - (id % 1_000) as i32, -1_234_567).unwrap(),
            device_time: time,
            estimated_time: Time::from_ms(time.ms() / 2),
            used_mark_delivered_radius: Radius::from_mm((id % 9_000_000) as u32).unwrap(),
            inferred: flag,
            interpolated: !flag,
        };
        let window = TimeWindow { start: time, end: Time::from_ms(time.ms() / 3) };
        let (status, initiator) = (OrderStatus::Finished, Initiator::Engine);
        let kind = match which {
            0 => EventKind::OrderCreated,
            1 => EventKind::Start,
            2 => EventKind::OrderBecameNext,
            3 => EventKind::StatusUpdate { status, initiator },
            4 => EventKind::IntervalUpdate { window: flag.then_some(window) },
            5 => EventKind::Arrival(at),
            6 => EventKind::OrderVisit(at),
            7 => EventKind::Departure { at, visited: flag, reason: EndReason::Left },
            8 | 9 => {
                let nearby = NotificationKind::Nearby(NearbyTrigger::Distance);
                let kind = if flag { NotificationKind::ShiftStart } else { nearby };
                let eta = (which == 8).then_some(time);
                let notification = Notification { order, route, t: time, kind, eta };
                return FeedBody::Notification { notification, id, time };
            }
            10 => {
                let eta =
                    Eta { eta: time, arrival: time, completion: Time::from_ms(id as i64 / 2) };
                let change = EtaChange { route, now: time, cause: EtaCause::Fix, stale: flag };
                let orders = (0..id % 40).map(|n| OrderEta {
                    order: OrderId(n * 1_000),
                    eta: (n % 3 > 0).then_some(eta),
                });
                return FeedBody::Eta { change, orders: orders.collect() };
            }
            _ => return FeedBody::RouteViolated { route, t: time },
        };
        FeedBody::Event(OrderEvent { order, route, t: time, kind })
    }

    proptest! {
        #[test]
        fn an_event_has_the_bytes_that_serde_gives_it(
            which in 0_u8..12,
            id in prop_oneof![0_u64..300, any::<u64>()],
            ms in prop_oneof![
                0_i64..4_000_000_000_000,
                FIRST_MS - 5..FIRST_MS + 5,
                LAST_MS - 5..LAST_MS + 5,
                -62_167_219_200_000_i64..253_402_300_800_000,
            ],
            flag in any::<bool>(),
            small in any::<(u16, u32)>(),
        ) {
            let event = FeedEvent {
                position: id,
                id: EventId { partition: PartitionId(small.0), sequence: id, ordinal: small.1 },
                courier: CourierId(small.1),
                company: CompanyId(small.1 / 7),
                recorded_at: Time::from_ms(ms / 2),
                backfilled: flag,
                previous: None,
                body: body(which, id, Time::from_ms(ms), flag),
            };
            let names = Names {
                order_number: Box::new(move |order| flag.then(|| format!("number {order}"))),
                depot: Box::new(|_| None::<DepotId>),
            };
            let mut packer = Packer::default();
            packer.event(&event, &names);
            let expected = rmp_serde::to_vec_named(&CloudEvent::new(&event, &names)).unwrap();
            prop_assert_eq!(packer.bytes(), expected);
        }
    }
}
