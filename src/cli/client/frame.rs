//! Frames as a client writes and reads them, through serde.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize as Derive, Serialize};
use serde_json::Value;

use super::error::ClientError;

/// One fix: time, latitude, longitude, accuracy, speed, heading, battery.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct WireFix(
    /// Milliseconds.
    pub i64,
    /// 1e-7 degrees.
    pub i32,
    /// 1e-7 degrees.
    pub i32,
    /// Metres.
    pub Option<f32>,
    /// Metres per second.
    pub Option<f32>,
    /// Degrees.
    pub Option<f32>,
    /// Percent.
    pub Option<u8>,
);

/// The options of a hello.
#[derive(Clone, Debug, Default, Serialize)]
pub struct HelloOptions {
    /// What kind of sender.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<&'static str>,
    /// It falls silent while it stands.
    #[serde(skip_serializing_if = "is_false")]
    pub silent_when_still: bool,
    /// Names one of several devices of a token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// Counts the starts of the device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub boot: Option<u64>,
}

/// What a subscriber wants.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Wanted {
    /// The cursor to begin after.
    pub after: Option<String>,
    /// Types of events.
    pub types: Option<Vec<String>>,
}

/// The welcome.
#[derive(Clone, Debug, Derive)]
pub struct Welcome {
    /// What the token is for.
    pub role: String,
    /// The token's company.
    pub company_id: u32,
    /// The device's courier.
    #[serde(default)]
    pub courier_id: Option<u32>,
    /// Highest durable sequence.
    pub acked: u64,
    /// The daemon's clock.
    pub server_time: i64,
    /// Most fixes of one frame.
    pub batch_max: usize,
    /// How much faster than real time the daemon's clock runs.
    #[serde(default)]
    pub time_scale: Option<f64>,
}

/// What the server says.
#[derive(Clone, Debug)]
pub enum ServerFrame {
    /// Kind 1.
    Welcome(Welcome),
    /// Kind 3: durable up to here.
    Ack(u64),
    /// Kind 4: so many were refused, and why.
    Refused {
        /// The first of them.
        seq: u64,
        /// Why.
        reason: String,
        /// How many.
        count: u64,
    },
    /// Kind 8: what a device has ahead on a route.
    Route(RouteAhead),
    /// Kind 9.
    Error {
        /// As in HTTP.
        code: u16,
        /// In words.
        text: String,
        /// Trying again may help.
        is_transient: bool,
    },
    /// Kind 17.
    Events {
        /// Everything up to here.
        cursor: String,
        /// The events.
        events: Vec<Value>,
    },
    /// Kind 18.
    Gap {
        /// The first that is missing.
        first_missing: String,
        /// The first that is there.
        first_available: String,
    },
    /// A kind that we have no use for.
    Other(u64),
}

/// A route's next orders, in sequence.
#[derive(Clone, Debug, Derive, PartialEq)]
pub struct RouteAhead {
    /// The route.
    pub route_id: u64,
    /// The orders; none: there is nothing ahead any more.
    pub next: Vec<OrderAhead>,
}

/// An order ahead.
#[derive(Clone, Copy, Debug, Derive, PartialEq)]
pub struct OrderAhead {
    /// The order.
    pub order_id: u64,
    /// Latitude, 1e-7 degrees.
    pub lat_e7: i32,
    /// Longitude, 1e-7 degrees.
    pub lon_e7: i32,
    /// The radius that counts, metres.
    pub radius_m: f64,
    /// When it is expected to be reached, unix milliseconds.
    pub eta_ms: Option<i64>,
}

impl<'de> Deserialize<'de> for ServerFrame {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_seq(FrameVisitor)
    }
}

struct FrameVisitor;

impl<'de> Visitor<'de> for FrameVisitor {
    type Value = ServerFrame;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a frame [kind, ...]")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<ServerFrame, A::Error> {
        let kind = next(&mut from)?;
        let frame = match kind {
            1 => ServerFrame::Welcome(next(&mut from)?),
            3 => ServerFrame::Ack(next(&mut from)?),
            4 => ServerFrame::Refused {
                seq: next(&mut from)?,
                reason: next(&mut from)?,
                count: next(&mut from)?,
            },
            8 => ServerFrame::Route(next(&mut from)?),
            9 => ServerFrame::Error {
                code: next(&mut from)?,
                text: next(&mut from)?,
                is_transient: next::<String, _>(&mut from)? == "transient",
            },
            17 => ServerFrame::Events { cursor: next(&mut from)?, events: next(&mut from)? },
            18 => ServerFrame::Gap {
                first_missing: next(&mut from)?,
                first_available: next(&mut from)?,
            },
            other => ServerFrame::Other(other),
        };
        while from.next_element::<IgnoredAny>()?.is_some() {}
        Ok(frame)
    }
}

fn next<'de, T: Deserialize<'de>, A: SeqAccess<'de>>(from: &mut A) -> Result<T, A::Error> {
    from.next_element()?.ok_or_else(|| de::Error::custom("too few elements"))
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
const fn is_false(value: &bool) -> bool {
    !*value
}

/// A frame with its length, ready to be written.
///
/// # Errors
/// The body cannot be encoded.
pub fn encode(body: &impl Serialize) -> Result<Vec<u8>, ClientError> {
    let body = rmp_serde::to_vec_named(body).map_err(|e| ClientError::Frame(e.to_string()))?;
    // Four bytes are enough for any length and always allowed.
    let mut frame = (0x8000_0000 | body.len() as u32).to_be_bytes().to_vec();
    frame.extend(body);
    Ok(frame)
}

/// The length that begins here and the bytes it took; `None`: more are needed.
#[must_use]
pub fn length(bytes: &[u8]) -> Option<(usize, usize)> {
    let width = 1 << (bytes.first()? >> 6);
    let mut number = [0; 8];
    number[8 - width..].copy_from_slice(bytes.get(..width)?);
    number[8 - width] &= 0x3f;
    Some((u64::from_be_bytes(number) as usize, width))
}
