//! What the server says, encoded with its length into the caller's buffer.

use core::fmt::Debug;

use rmp::encode::{self as put, ByteBuf};

use super::kind;
use super::length::write_length;
use crate::domain::ids::{CompanyId, CourierId, RouteId};
use crate::domain::time::Time;
use crate::runtime::views::UpcomingOrder;

/// The answer to a hello.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Welcome<'a> {
    /// `device`, `gateway` or `subscriber`.
    pub role: &'a str,
    /// The token's company.
    pub company: CompanyId,
    /// The token's courier, if it is a device's.
    pub courier: Option<CourierId>,
    /// Highest durable sequence known for this sender; 0: none.
    pub acked: u64,
    /// The daemon's clock.
    pub server_time: Time,
    /// How many times faster than real time the daemon's clock runs, where it does.
    pub time_scale: Option<f64>,
}

/// A run of fixes that were refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused<'a> {
    /// Sequence of the first.
    pub seq: u64,
    /// Why.
    pub reason: &'a str,
    /// How many.
    pub count: u64,
    /// Whose, if it is one courier's.
    pub courier: Option<u64>,
}

/// How much an error weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The same again may work.
    Transient,
    /// The same again will not work.
    Hard,
}

impl Severity {
    /// The word on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Transient => "transient",
            Self::Hard => "hard",
        }
    }
}

/// Appends frames to one buffer.
#[derive(Debug, Default)]
pub struct FrameWriter {
    body: ByteBuf,
}

impl FrameWriter {
    /// `[1, {...}]`
    pub fn welcome(&mut self, welcome: &Welcome<'_>, to: &mut Vec<u8>) {
        let body = self.begin(2, kind::WELCOME);
        put_ok(put::write_map_len(body, 6 + u32::from(welcome.time_scale.is_some())));
        put_text(body, "role");
        put_text(body, welcome.role);
        put_text(body, "company_id");
        put_uint(body, u64::from(welcome.company.0));
        put_text(body, "courier_id");
        put_option(body, welcome.courier.map(|courier| u64::from(courier.0)), put_uint);
        put_text(body, "acked");
        put_uint(body, welcome.acked);
        put_text(body, "server_time");
        put_ok(put::write_sint(body, welcome.server_time.ms()).map(drop));
        put_text(body, "batch_max");
        put_uint(body, super::BATCH_MAX as u64);
        if let Some(time_scale) = welcome.time_scale {
            put_text(body, "time_scale");
            put_ok(put::write_f64(body, time_scale));
        }
        self.end(to);
    }

    /// `[3, seq]`
    pub fn ack(&mut self, seq: u64, to: &mut Vec<u8>) {
        let body = self.begin(2, kind::ACK);
        put_uint(body, seq);
        self.end(to);
    }

    /// `[4, seq, reason, count, courier_id or nil]`
    pub fn refused(&mut self, refused: &Refused<'_>, to: &mut Vec<u8>) {
        let body = self.begin(5, kind::REFUSED);
        put_uint(body, refused.seq);
        put_text(body, refused.reason);
        put_uint(body, refused.count);
        put_option(body, refused.courier, put_uint);
        self.end(to);
    }

    /// `[7, request_id, nil or error text]`
    pub fn reply(&mut self, request: u64, error: Option<&str>, to: &mut Vec<u8>) {
        let body = self.begin(3, kind::REPLY);
        put_uint(body, request);
        put_option(body, error, put_text);
        self.end(to);
    }

    /// `[8, {"route_id", "next": [{...}]}]`
    pub fn route(&mut self, route: RouteId, next: &[UpcomingOrder], to: &mut Vec<u8>) {
        let body = self.begin(2, kind::ROUTE);
        put_ok(put::write_map_len(body, 2));
        put_text(body, "route_id");
        put_uint(body, route.0);
        put_text(body, "next");
        put_ok(put::write_array_len(body, next.len() as u32));
        for order in next {
            put_ok(put::write_map_len(body, 5));
            put_text(body, "order_id");
            put_uint(body, order.order.0);
            put_text(body, "lat_e7");
            put_ok(put::write_sint(body, order.point.lat_e7().into()).map(drop));
            put_text(body, "lon_e7");
            put_ok(put::write_sint(body, order.point.lon_e7().into()).map(drop));
            put_text(body, "radius_m");
            put_ok(put::write_f64(body, order.radius_m));
            put_text(body, "eta_ms");
            put_option(body, order.eta, |body, eta| {
                put_ok(put::write_sint(body, eta.ms()).map(drop));
            });
        }
        self.end(to);
    }

    /// `[9, code, text, "transient" or "hard"]`
    pub fn error(&mut self, code: u16, text: &str, severity: Severity, to: &mut Vec<u8>) {
        let body = self.begin(4, kind::ERROR);
        put_uint(body, u64::from(code));
        put_text(body, text);
        put_text(body, severity.name());
        self.end(to);
    }

    /// `[17, cursor, [event, ...]]` of events that are MessagePack already.
    pub fn events(&mut self, cursor: &str, events: &[&[u8]], to: &mut Vec<u8>) {
        let body = self.begin(3, kind::EVENTS);
        put_text(body, cursor);
        put_ok(put::write_array_len(body, events.len() as u32));
        // They are most of the bytes that are ever sent, and are copied but once.
        let head = body.as_slice();
        let bytes = events.iter().map(|event| event.len()).sum::<usize>();
        write_length(head.len() + bytes, to);
        to.reserve(head.len() + bytes);
        to.extend_from_slice(head);
        events.iter().for_each(|event| to.extend_from_slice(event));
    }

    /// `[18, first_missing, first_available]`
    pub fn gap(&mut self, first_missing: &str, first_available: &str, to: &mut Vec<u8>) {
        let body = self.begin(3, kind::GAP);
        put_text(body, first_missing);
        put_text(body, first_available);
        self.end(to);
    }

    fn begin(&mut self, elements: u32, kind: u64) -> &mut ByteBuf {
        self.body.as_mut_vec().clear();
        put_ok(put::write_array_len(&mut self.body, elements));
        put_uint(&mut self.body, kind);
        &mut self.body
    }

    fn end(&mut self, to: &mut Vec<u8>) {
        let body = self.body.as_slice();
        write_length(body.len(), to);
        to.extend_from_slice(body);
    }
}

fn put_text(to: &mut ByteBuf, text: &str) {
    put_ok(put::write_str(to, text));
}

fn put_uint(to: &mut ByteBuf, value: u64) {
    put_ok(put::write_uint(to, value));
}

fn put_option<T>(to: &mut ByteBuf, value: Option<T>, put: impl FnOnce(&mut ByteBuf, T)) {
    match value {
        Some(value) => put(to, value),
        None => put_ok(put::write_nil(to)),
    }
}

fn put_ok<T, E: Debug>(written: Result<T, E>) {
    written.expect("writing into memory cannot fail");
}
