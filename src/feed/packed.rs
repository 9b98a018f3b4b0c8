//! An event in MessagePack, written straight from the feed: the very bytes that serde makes of
//! [`super::cloud_event::CloudEvent`], without making its texts first.

use super::cloud_event::{event_time, event_type, iso, seconds};
use super::filter::route_of;
use super::names::Names;
use crate::domain::eta::{Eta, EtaChange, OrderEta};
use crate::domain::event::{EventKind, OrderEvent, StayPoint};
use crate::domain::ids::OrderId;
use crate::domain::notification::Notification;
use crate::domain::time::{DAY_MS, Time};
use crate::runtime::feed_reader::{FeedBody, FeedEvent};

/// Appends events to one buffer.
#[derive(Debug, Default)]
pub struct Packer {
    /// What was written.
    bytes: Vec<u8>,
    /// A text that is being made.
    text: Vec<u8>,
    /// The day that was written last, and how: most events are of one.
    date: Option<(i64, [u8; DATE_BYTES])>,
}

impl Packer {
    /// What was written so far.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.bytes.clear();
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
        self.array(orders.len() as u32);
        for order in orders {
            self.map(5);
            self.key("order_id");
            self.uint(order.order.0);
            match order.eta {
                // By far the most that is ever told: written in one piece.
                Some(eta) => self.bytes.extend_from_slice(&told_eta(&eta)),
                None => ["eta", "arrival", "completion"].iter().for_each(|key| {
                    self.key(key);
                    self.nil();
                }),
            }
            self.pair("reason", change.cause.name());
        }
    }

    #[inline]
    fn pair(&mut self, key: &str, text: &str) {
        self.key(key);
        self.text(text);
    }

    /// Inlined, so that the length of what is written is known.
    #[inline]
    fn key(&mut self, key: &str) {
        self.text(key);
    }

    #[inline]
    fn text(&mut self, text: &str) {
        self.text_length(text.len());
        self.bytes.extend_from_slice(text.as_bytes());
    }

    #[inline]
    fn text_length(&mut self, length: usize) {
        match length {
            0..32 => self.bytes.push(0xa0 | length as u8),
            32..0x100 => self.bytes.extend_from_slice(&[0xd9, length as u8]),
            0x100..0x1_0000 => self.tagged(0xda, (length as u16).to_be_bytes()),
            _ => self.tagged(0xdb, (length as u32).to_be_bytes()),
        }
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

    /// ISO 8601, UTC with milliseconds and `Z`.
    fn time(&mut self, time: Time) {
        let ms = time.ms();
        if !(FIRST_MS..=LAST_MS).contains(&ms) {
            return self.text(&iso(time));
        }
        let (day, of_day) = (ms.div_euclid(DAY_MS), ms.rem_euclid(DAY_MS) as u32);
        let date = match self.date {
            Some((known, date)) if known == day => date,
            _ => self.date.insert((day, date_of(day))).1,
        };
        let [h, m] = [of_day / 3_600_000, of_day / 60_000 % 60].map(two_digits);
        let (s, ms) = (two_digits(of_day / 1_000 % 60), of_day % 1_000);
        let [t, u] = two_digits(ms % 100);
        let clock = [
            h[0],
            h[1],
            b':',
            m[0],
            m[1],
            b':',
            s[0],
            s[1],
            b'.',
            b'0' + (ms / 100) as u8,
            t,
            u,
            b'Z',
        ];
        self.bytes.push(0xa0 | (DATE_BYTES + clock.len()) as u8);
        self.bytes.extend_from_slice(&date);
        self.bytes.extend_from_slice(&clock);
    }

    fn end_text(&mut self) {
        self.text_length(self.text.len());
        self.bytes.extend_from_slice(&self.text);
    }

    /// Unix seconds, or nil.
    fn instant(&mut self, time: Option<Time>) {
        match time {
            Some(time) => self.float(seconds(time)),
            None => self.nil(),
        }
    }

    fn map(&mut self, fields: u32) {
        match fields {
            0..16 => self.bytes.push(0x80 | fields as u8),
            16..0x1_0000 => self.tagged(0xde, (fields as u16).to_be_bytes()),
            _ => self.tagged(0xdf, fields.to_be_bytes()),
        }
    }

    fn array(&mut self, items: u32) {
        match items {
            0..16 => self.bytes.push(0x90 | items as u8),
            16..0x1_0000 => self.tagged(0xdc, (items as u16).to_be_bytes()),
            _ => self.tagged(0xdd, items.to_be_bytes()),
        }
    }

    fn uint(&mut self, value: u64) {
        match value {
            0..0x80 => self.bytes.push(value as u8),
            0x80..0x100 => self.tagged(0xcc, [value as u8]),
            0x100..0x1_0000 => self.tagged(0xcd, (value as u16).to_be_bytes()),
            0x1_0000..0x1_0000_0000 => self.tagged(0xce, (value as u32).to_be_bytes()),
            _ => self.tagged(0xcf, value.to_be_bytes()),
        }
    }

    #[inline]
    fn float(&mut self, value: f64) {
        self.tagged(0xcb, value.to_be_bytes());
    }

    fn boolean(&mut self, value: bool) {
        self.bytes.push(0xc2 | u8::from(value));
    }

    fn nil(&mut self) {
        self.bytes.push(0xc0);
    }

    #[inline]
    fn tagged<const N: usize>(&mut self, tag: u8, value: [u8; N]) {
        self.bytes.push(tag);
        self.bytes.extend_from_slice(&value);
    }
}

/// The three fields of an ETA with their keys.
fn told_eta(eta: &Eta) -> [u8; 4 + 8 + 11 + 3 * 9] {
    let mut told = *b"\xa3eta\xcb________\xa7arrival\xcb________\xaacompletion\xcb________";
    for (at, time) in [(5, eta.eta), (22, eta.arrival), (42, eta.completion)] {
        told[at..at + 8].copy_from_slice(&seconds(time).to_be_bytes());
    }
    told
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

/// A day counted from 1970-01-01 as ISO 8601 writes it before the time of day.
fn date_of(day: i64) -> [u8; DATE_BYTES] {
    let (year, month, day) = civil(day);
    let ([a, b], [c, d]) = (two_digits(year / 100), two_digits(year % 100));
    let ([e, f], [g, h]) = (two_digits(month), two_digits(day));
    [a, b, c, d, b'-', e, f, b'-', g, h, b'T']
}

/// The digits of a number below 100.
const fn two_digits(number: u32) -> [u8; 2] {
    [b'0' + (number / 10) as u8, b'0' + (number % 10) as u8]
}

/// Year, month and day of a day counted from 1970-01-01, by Hinnant's `civil_from_days`.
const fn civil(days: i64) -> (u32, u32, u32) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
    (year as u32, month as u32, day as u32)
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

/// Attributes of every event.
const ATTRIBUTES: u32 = 11;
/// Fields of every item.
const ITEM_FIELDS: u32 = 7;
/// `2026-11-22T`
const DATE_BYTES: usize = 11;
/// As many as the largest number has.
const PLACE_DIGITS: usize = 20;
/// From year 1, which four digits write, to the end of the calendar that [`iso`] knows.
const FIRST_MS: i64 = -62_135_596_800_000;
const LAST_MS: i64 = 253_402_207_200_000;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::eta::EtaCause;
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
