//! One courier's positions as bytes: each by how it differs from the one before, in the order in
//! which they came. Nothing of a position is lost.

use super::super::bytes::{Malformed, Read, Reader, Writer};
use super::super::codec::words;
use crate::domain::geo::Point;
use crate::domain::ids::RouteId;
use crate::domain::position::{Accuracy, Position};
use crate::domain::time::Time;

/// A position of a track: as the device sent it, and when it came.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrackPoint {
    /// The route it named, if it named one.
    pub route: Option<RouteId>,
    /// Receive time.
    pub received_at: Time,
    /// Where and when.
    pub position: Position,
}

impl TrackPoint {
    /// What the first position of a chunk differs from.
    pub const ORIGIN: Self = Self {
        route: None,
        received_at: Time::from_ms(0),
        position: Position::bare(Time::from_ms(0), Point::ANYWHERE),
    };

    fn lag_ms(&self) -> i64 {
        self.received_at - self.position.device_time
    }
}

/// Adds a position to a chunk, after the one `before` it.
pub fn put_point(to: &mut Writer, before: &TrackPoint, point: &TrackPoint) {
    let (was, is) = (&before.position, &point.position);
    let changed = [
        was.accuracy_m != is.accuracy_m,
        was.speed_mps.map(f32::to_bits) != is.speed_mps.map(f32::to_bits),
        was.heading_deg.map(f32::to_bits) != is.heading_deg.map(f32::to_bits),
        was.battery_pct != is.battery_pct,
        (was.source, was.silent_when_still) != (is.source, is.silent_when_still),
        before.route != point.route,
    ];
    to.u8(changed.iter().enumerate().fold(0, |all, (at, &bit)| all | u8::from(bit) << at));
    to.signed(is.device_time - was.device_time);
    to.signed(point.lag_ms() - before.lag_ms());
    to.signed(i64::from(is.point.lat_e7()) - i64::from(was.point.lat_e7()));
    to.signed(i64::from(is.point.lon_e7()) - i64::from(was.point.lon_e7()));
    if changed[ACCURACY] {
        to.option(is.accuracy_m, |to, accuracy| to.f32(accuracy.metres()));
    }
    if changed[SPEED] {
        to.option(is.speed_mps, Writer::f32);
    }
    if changed[HEADING] {
        to.option(is.heading_deg, Writer::f32);
    }
    if changed[BATTERY] {
        to.option(is.battery_pct, Writer::u8);
    }
    if changed[SOURCE] {
        words::put_source(to, is.source);
        to.bool(is.silent_when_still);
    }
    if changed[ROUTE] {
        to.option(point.route, |to, route| to.varint(route.0));
    }
}

/// The positions of a chunk; ends after the first that no writer writes.
#[derive(Clone, Copy, Debug)]
pub struct ChunkPoints<'a> {
    reader: Reader<'a>,
    before: TrackPoint,
}

impl<'a> ChunkPoints<'a> {
    /// The positions in these bytes.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { reader: Reader::new(bytes), before: TrackPoint::ORIGIN }
    }
}

impl Iterator for ChunkPoints<'_> {
    type Item = Read<TrackPoint>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.reader.is_empty() {
            return None;
        }
        let read = point(&mut self.reader, &self.before);
        match &read {
            Ok(point) => self.before = *point,
            Err(Malformed) => self.reader = Reader::new(&[]),
        }
        Some(read)
    }
}

fn point(from: &mut Reader, before: &TrackPoint) -> Read<TrackPoint> {
    let changed = from.u8()?;
    if changed >= 1 << BITS {
        return Err(Malformed);
    }
    let has_changed = |at: usize| changed & 1 << at != 0;
    let mut point = *before;
    let was = &before.position;
    let is = &mut point.position;
    is.device_time = later(was.device_time, from.signed()?)?;
    let lag_ms = before.lag_ms().checked_add(from.signed()?).ok_or(Malformed)?;
    point.received_at = later(is.device_time, lag_ms)?;
    let lat_e7 = moved(was.point.lat_e7(), from.signed()?)?;
    let lon_e7 = moved(was.point.lon_e7(), from.signed()?)?;
    is.point = Point::from_e7(lat_e7, lon_e7).map_err(|_| Malformed)?;
    if has_changed(ACCURACY) {
        is.accuracy_m = from.option(|from| Accuracy::new(from.f32()?).ok_or(Malformed))?;
    }
    if has_changed(SPEED) {
        is.speed_mps = from.option(Reader::f32)?;
    }
    if has_changed(HEADING) {
        is.heading_deg = from.option(Reader::f32)?;
    }
    if has_changed(BATTERY) {
        is.battery_pct = from.option(Reader::u8)?;
    }
    if has_changed(SOURCE) {
        is.source = words::source(from)?;
        is.silent_when_still = from.bool()?;
    }
    if has_changed(ROUTE) {
        point.route = from.option(|from| Ok(RouteId(from.varint()?)))?;
    }
    Ok(point)
}

fn later(time: Time, ms: i64) -> Read<Time> {
    time.ms().checked_add(ms).map(Time::from_ms).ok_or(Malformed)
}

fn moved(e7: i32, by: i64) -> Read<i32> {
    i64::from(e7).checked_add(by).and_then(|e7| i32::try_from(e7).ok()).ok_or(Malformed)
}

/// The bits of what differs.
const ACCURACY: usize = 0;
const SPEED: usize = 1;
const HEADING: usize = 2;
const BATTERY: usize = 3;
const SOURCE: usize = 4;
const ROUTE: usize = 5;
const BITS: u8 = 6;
