//! One fix on the wire, `[t_ms, lat_e7, lon_e7, accuracy_m, speed_mps, heading_deg, battery_pct]`
//! of which the last four may be nil or left out, and what its values mean.

use super::error::WireError;
use super::reader::Reader;
use crate::domain::geo::Point;
use crate::domain::position::{Accuracy, Position, Source};
use crate::domain::time::Time;

/// A decoded fix.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fix {
    /// The device's clock.
    pub device_time: Time,
    /// Where; `None`: the coordinates are no place, and the fix is refused as `invalid`.
    pub point: Option<Point>,
    /// Radius of the 68 % error circle.
    pub accuracy_m: Option<Accuracy>,
    /// 0 or more.
    pub speed_mps: Option<f32>,
    /// 0..360.
    pub heading_deg: Option<f32>,
    /// 0..=100.
    pub battery_pct: Option<u8>,
}

/// What a hello says of every fix of its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// What kind of sender.
    pub source: Source,
    /// The device falls silent while it stands.
    pub silent_when_still: bool,
}

impl Fix {
    /// Reads one fix.
    ///
    /// # Errors
    /// Other types than those of a fix, or fewer than three elements.
    pub fn read(from: &mut Reader<'_>) -> Result<Self, WireError> {
        let elements = from.array()?;
        if elements < PLACE_ELEMENTS {
            return Err(WireError::Expected("a fix of three elements or more"));
        }
        let device_time = Time::from_ms(from.signed()?);
        let point = point(from.signed()?, from.signed()?);
        let mut optional = |nth| {
            if elements < nth { Ok(None) } else { from.optional(Reader::float) }
        };
        let accuracy_m = optional(4)?.and_then(Accuracy::new);
        let speed_mps = optional(5)?.filter(|speed| speed.is_finite() && *speed >= 0.0);
        let heading_deg = optional(6)?.filter(|heading| (0.0..=360.0).contains(heading)).map(turn);
        let battery_pct = optional(7)?.filter(|battery| (0.0..=100.0).contains(battery));
        if elements > ALL_ELEMENTS {
            from.skip(elements - ALL_ELEMENTS)?;
        }
        let battery_pct = battery_pct.map(|battery| battery as u8);
        Ok(Self { device_time, point, accuracy_m, speed_mps, heading_deg, battery_pct })
    }

    /// The position, or `None` where the coordinates are no place.
    #[must_use]
    pub fn position(&self, origin: Origin) -> Option<Position> {
        Some(Position {
            device_time: self.device_time,
            point: self.point?,
            accuracy_m: self.accuracy_m,
            speed_mps: self.speed_mps,
            heading_deg: self.heading_deg,
            battery_pct: self.battery_pct,
            source: origin.source,
            silent_when_still: origin.silent_when_still,
        })
    }
}

/// A full turn is none.
fn turn(heading_deg: f32) -> f32 {
    if heading_deg >= 360.0 { 0.0 } else { heading_deg }
}

fn point(lat_e7: i64, lon_e7: i64) -> Option<Point> {
    Point::from_e7(i32::try_from(lat_e7).ok()?, i32::try_from(lon_e7).ok()?).ok()
}

/// Time and place: what every fix has.
const PLACE_ELEMENTS: u32 = 3;
/// With accuracy, speed, heading and battery.
const ALL_ELEMENTS: u32 = 7;
