//! What a client may say, decoded. An array may be longer than we know: the rest is passed over.

use super::error::{WireError, many};
use super::fix::Fix;
use super::reader::Reader;
use super::{BATCH_MAX, FILTER_VALUES_MAX, kind};
use crate::domain::position::Source;

/// A frame from a client.
#[derive(Clone, Debug, PartialEq)]
pub enum ClientFrame<'a> {
    /// Kind 0.
    Hello(Hello<'a>),
    /// Kind 2.
    Positions(Positions),
    /// Kind 5.
    Status(Status<'a>),
    /// Kind 6.
    GatewayPositions(GatewayPositions),
    /// Kind 16.
    Subscribe(Subscribe<'a>),
}

/// Who speaks, and what holds for the whole stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hello<'a> {
    /// The token as it was shown once.
    pub token: &'a str,
    /// What kind of sender; `None`: what the role implies.
    pub source: Option<Source>,
    /// The device falls silent while it stands.
    pub silent_when_still: bool,
    /// The client's clock when it sent this.
    pub sent_at_ms: Option<i64>,
    /// Names one of several devices that share a token.
    pub device: &'a str,
    /// Counts the starts of that device: the latest counts.
    pub boot: u64,
}

/// A run of one courier's fixes; the n-th has sequence `first_seq + n`.
#[derive(Clone, Debug, PartialEq)]
pub struct Positions {
    /// Sequence of the first fix.
    pub first_seq: u64,
    /// The route they move; `None`: every active route of the courier.
    pub route: Option<u64>,
    /// The fixes.
    pub fixes: Vec<Fix>,
}

/// A run of many couriers' fixes; the n-th has sequence `first_seq + n`.
#[derive(Clone, Debug, PartialEq)]
pub struct GatewayPositions {
    /// Sequence of the first fix.
    pub first_seq: u64,
    /// The fixes.
    pub fixes: Vec<GatewayFix>,
}

/// One courier's fix among others. Ids are as the client wrote them: they may name nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GatewayFix {
    /// The courier.
    pub courier: u64,
    /// The route it moves; `None`: every active route of the courier.
    pub route: Option<u64>,
    /// The fix.
    pub fix: Fix,
}

/// The courier's app sets an order's status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status<'a> {
    /// What the reply will name.
    pub request: u64,
    /// The order.
    pub order: u64,
    /// The status by its name in the API documents.
    pub status: &'a str,
    /// What the courier says of it.
    pub comment: Option<&'a str>,
}

/// What a subscriber wants to hear; `None`: everything of that kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subscribe<'a> {
    /// The cursor after which to begin; `None`: from the oldest event that is kept.
    pub after: Option<&'a str>,
    /// Event types.
    pub types: Option<Vec<&'a str>>,
    /// Couriers.
    pub courier_ids: Option<Vec<u64>>,
    /// Routes.
    pub route_ids: Option<Vec<u64>>,
    /// Orders.
    pub order_ids: Option<Vec<u64>>,
    /// Depots.
    pub depot_ids: Option<Vec<u64>>,
}

impl<'a> ClientFrame<'a> {
    /// Decodes a body.
    ///
    /// # Errors
    /// It is no frame that a client sends.
    pub fn decode(body: &'a [u8]) -> Result<Self, WireError> {
        let mut from = Reader::new(body);
        let elements = from.array()?;
        if elements == 0 {
            return Err(WireError::Expected("a kind"));
        }
        let kind = from.unsigned()?;
        let known: u32 = match kind {
            kind::SUBSCRIBE => 2,
            kind::GATEWAY_POSITIONS => 3,
            kind::HELLO | kind::POSITIONS => 4,
            kind::STATUS => 5,
            other => return Err(WireError::UnknownKind(other)),
        };
        // Trailing values that may be nil may also be left out.
        let required = match kind {
            kind::HELLO => 3,
            kind::STATUS => 4,
            kind::SUBSCRIBE => 1,
            _ => known,
        };
        if elements < required {
            return Err(WireError::Expected("more elements for this kind"));
        }
        let frame = match kind {
            kind::HELLO => Self::Hello(hello(&mut from, elements)?),
            kind::POSITIONS => Self::Positions(positions(&mut from)?),
            kind::STATUS => Self::Status(status(&mut from, elements)?),
            kind::GATEWAY_POSITIONS => Self::GatewayPositions(gateway_positions(&mut from)?),
            _ => Self::Subscribe(subscribe(&mut from, elements)?),
        };
        from.skip(elements.saturating_sub(known))?;
        Ok(frame)
    }
}

/// Decodes a datagram: one fix.
///
/// # Errors
/// It is none.
pub fn decode_datagram(body: &[u8]) -> Result<Fix, WireError> {
    Fix::read(&mut Reader::new(body))
}

fn positions(from: &mut Reader<'_>) -> Result<Positions, WireError> {
    let first_seq = from.unsigned()?;
    let route = from.optional(Reader::unsigned)?;
    let count = batch_length(from, first_seq)?;
    let mut fixes = Vec::with_capacity(count);
    for _ in 0..count {
        fixes.push(Fix::read(from)?);
    }
    Ok(Positions { first_seq, route, fixes })
}

fn gateway_positions(from: &mut Reader<'_>) -> Result<GatewayPositions, WireError> {
    let first_seq = from.unsigned()?;
    let count = batch_length(from, first_seq)?;
    let mut fixes = Vec::with_capacity(count);
    for _ in 0..count {
        let elements = from.array()?;
        if elements < GATEWAY_ELEMENTS {
            return Err(WireError::Expected("[courier_id, route_id, fix]"));
        }
        let courier = from.unsigned()?;
        let route = from.optional(Reader::unsigned)?;
        let fix = Fix::read(from)?;
        if elements > GATEWAY_ELEMENTS {
            from.skip(elements - GATEWAY_ELEMENTS)?;
        }
        fixes.push(GatewayFix { courier, route, fix });
    }
    Ok(GatewayPositions { first_seq, fixes })
}

/// How many fixes follow; their last sequence can be written.
fn batch_length(from: &mut Reader<'_>, first_seq: u64) -> Result<usize, WireError> {
    let count = from.array()? as usize;
    if count > BATCH_MAX {
        return Err(WireError::TooMany(many::FIXES));
    }
    if first_seq > SEQUENCE_MAX {
        return Err(WireError::Meaning("a sequence number is at most 2^62"));
    }
    Ok(count)
}

fn hello<'a>(from: &mut Reader<'a>, elements: u32) -> Result<Hello<'a>, WireError> {
    if from.unsigned()? != PROTOCOL_VERSION {
        return Err(WireError::Meaning("the only version of the protocol is 1"));
    }
    let mut hello = Hello { token: from.text()?, ..Hello::default() };
    if elements > 3 {
        from.optional(|from| hello_options(from, &mut hello))?;
    }
    Ok(hello)
}

fn hello_options<'a>(from: &mut Reader<'a>, hello: &mut Hello<'a>) -> Result<(), WireError> {
    for _ in 0..from.map()? {
        match from.text()? {
            "source" => hello.source = from.optional(source)?,
            "silent_when_still" => {
                hello.silent_when_still = from.optional(Reader::boolean)?.unwrap_or(false);
            }
            "sent_at" => hello.sent_at_ms = from.optional(Reader::signed)?,
            "device" => hello.device = from.optional(Reader::text)?.unwrap_or(""),
            "boot" => hello.boot = from.optional(Reader::unsigned)?.unwrap_or(0),
            _ => from.skip(1)?,
        }
    }
    if hello.device.len() > DEVICE_BYTES_MAX {
        return Err(WireError::Meaning("a device is named in at most 128 bytes"));
    }
    Ok(())
}

fn source(from: &mut Reader<'_>) -> Result<Source, WireError> {
    Source::from_name(from.text()?)
        .ok_or(WireError::Meaning("a source is app, gps_tracker, s2s_api or yanavi"))
}

fn status<'a>(from: &mut Reader<'a>, elements: u32) -> Result<Status<'a>, WireError> {
    Ok(Status {
        request: from.unsigned()?,
        order: from.unsigned()?,
        status: from.text()?,
        comment: if elements > 4 { from.optional(Reader::text)? } else { None },
    })
}

fn subscribe<'a>(from: &mut Reader<'a>, elements: u32) -> Result<Subscribe<'a>, WireError> {
    let mut wanted = Subscribe::default();
    if elements > 1 {
        from.optional(|from| subscribe_options(from, &mut wanted))?;
    }
    Ok(wanted)
}

fn subscribe_options<'a>(
    from: &mut Reader<'a>,
    wanted: &mut Subscribe<'a>,
) -> Result<(), WireError> {
    for _ in 0..from.map()? {
        match from.text()? {
            "after" => wanted.after = from.optional(Reader::text)?,
            "types" => wanted.types = from.optional(|from| values(from, Reader::text))?,
            "courier_ids" => wanted.courier_ids = ids(from)?,
            "route_ids" => wanted.route_ids = ids(from)?,
            "order_ids" => wanted.order_ids = ids(from)?,
            "depot_ids" => wanted.depot_ids = ids(from)?,
            _ => from.skip(1)?,
        }
    }
    Ok(())
}

fn ids(from: &mut Reader<'_>) -> Result<Option<Vec<u64>>, WireError> {
    from.optional(|from| values(from, Reader::unsigned))
}

fn values<'a, T>(
    from: &mut Reader<'a>,
    mut read: impl FnMut(&mut Reader<'a>) -> Result<T, WireError>,
) -> Result<Vec<T>, WireError> {
    let count = from.array()? as usize;
    if count > FILTER_VALUES_MAX {
        return Err(WireError::TooMany(many::VALUES));
    }
    (0..count).map(|_| read(from)).collect()
}

const PROTOCOL_VERSION: u64 = 1;
/// Leaves room for a batch's last sequence in a u64, and in languages with signed integers.
const SEQUENCE_MAX: u64 = 1 << 62;
const DEVICE_BYTES_MAX: usize = 128;
const GATEWAY_ELEMENTS: u32 = 3;
