//! A box in latitude and longitude. Knows nothing of couriers.

use crate::domain::geo::Point;

/// All points between two parallels and two meridians, borders included, in units of 1e-7
/// degrees. With `west_e7 > east_e7` it reaches across the antimeridian; with
/// `south_e7 > north_e7` it is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Western meridian.
    pub west_e7: i32,
    /// Southern parallel.
    pub south_e7: i32,
    /// Eastern meridian.
    pub east_e7: i32,
    /// Northern parallel.
    pub north_e7: i32,
}

impl Bounds {
    /// Whether a point is inside. A point on the antimeridian counts on both sides of it.
    #[must_use]
    pub fn contains(&self, point: Point) -> bool {
        let (lat_e7, lon_e7) = (point.lat_e7(), point.lon_e7());
        self.south_e7 <= lat_e7
            && lat_e7 <= self.north_e7
            && (self.spans(lon_e7) || lon_e7.abs() == ANTIMERIDIAN_E7 && self.spans(-lon_e7))
    }

    /// Whether a meridian is inside.
    #[must_use]
    pub const fn spans(&self, lon_e7: i32) -> bool {
        if self.west_e7 <= self.east_e7 {
            self.west_e7 <= lon_e7 && lon_e7 <= self.east_e7
        } else {
            self.west_e7 <= lon_e7 || lon_e7 <= self.east_e7
        }
    }
}

const ANTIMERIDIAN_E7: i32 = 1_800_000_000;
