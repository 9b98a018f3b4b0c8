//! How far a courier may go before any fence can be reached: a lower bound of distance that never
//! loses a hit, so that most positions look at no order at all.

use super::state::kept;
use crate::domain::geo::{Point, Scale};

/// The courier is clear of every fence that no stay runs in, as long as it is nearer to `anchor`
/// than `clear_m`.
#[derive(Clone, Copy, Debug)]
pub struct Clearance {
    anchor: Point,
    lon_m: f32,
    clear_m: f32,
}

kept!(Clearance { anchor, lon_m, clear_m });

impl Clearance {
    /// Nothing is known: every order must be looked at.
    pub const fn unknown() -> Self {
        Self { anchor: Point::ANYWHERE, lon_m: 0.0, clear_m: 0.0 }
    }

    /// Forgets what was known.
    pub fn forget(&mut self) {
        self.clear_m = 0.0;
    }

    /// Whether a courier at `point` is surely in no fence.
    pub fn covers(&self, point: Point) -> bool {
        let (lat, lon) = self.anchor.offset_e7(point);
        let north_m = lat as f64 * LAT_M_MAX;
        let east_m = lon as f64 * f64::from(self.lon_m) * STRETCH;
        let clear_m = f64::from(self.clear_m);
        north_m * north_m + east_m * east_m < clear_m * clear_m
    }
}

/// Lower bounds of the distances from one position, and the clearance they leave.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    anchor: Point,
    scale: Scale,
    is_polar: bool,
    clear_m: f64,
    /// Reach and squared distance of [`Self::is_beyond`] when it was asked last.
    asked: (f64, f64),
}

impl Bounds {
    /// Bounds around a position.
    pub fn around(anchor: Point) -> Self {
        let is_polar = anchor.lat_e7().abs() > LAT_E7_MAX;
        Self { anchor, scale: Scale::at(anchor), is_polar, clear_m: CLEAR_MAX_M, asked: UNASKED }
    }

    /// Metres to `point` that the true distance is never under.
    pub fn to(&self, point: Point) -> f64 {
        if self.is_polar {
            return 0.0;
        }
        let (lat, lon) = self.anchor.offset_e7(point);
        let (north_m, east_m) = (lat as f64 * self.scale.lat_m, lon as f64 * self.scale.lon_m);
        let plane_m = (north_m * north_m + east_m * east_m).sqrt();
        plane_m.min(PLANE_TRUST_M) * SHRINK - SLACK_M
    }

    /// Whether a fence that reaches `reach_m` around `point` neither holds the position nor counts:
    /// others are nearer. Says no where it would take a root to know.
    pub fn is_beyond(&mut self, point: Point, reach_m: f64) -> bool {
        if self.asked.0 != reach_m {
            self.asked = (reach_m, self.least_m2(reach_m));
        }
        let (lat, lon) = self.anchor.offset_e7(point);
        let (north_m, east_m) = (lat as f64 * self.scale.lat_m, lon as f64 * self.scale.lon_m);
        north_m * north_m + east_m * east_m > self.asked.1
    }

    fn least_m2(&self, reach_m: f64) -> f64 {
        // A little more than the clearance left: this is not rounded as [`Self::to`] is.
        let least_m = (self.clear_m.max(0.0) + reach_m + 2.0 * SLACK_M) / SHRINK;
        if self.is_polar || least_m >= PLANE_TRUST_M { f64::INFINITY } else { least_m * least_m }
    }

    /// Counts in a fence that reaches `reach_m` and whose centre is at least `bound_m` away.
    pub fn count(&mut self, bound_m: f64, reach_m: f64) {
        self.clear_m = self.clear_m.min(bound_m - reach_m);
        self.asked = UNASKED;
    }

    /// The clearance after every fence was counted.
    pub fn clearance(&self) -> Clearance {
        // The metre pays for rounding to f32.
        let clear_m = (self.clear_m - SLACK_M).max(0.0) as f32;
        Clearance { anchor: self.anchor, lon_m: self.scale.lon_m as f32, clear_m }
    }
}

/// No fence reaches so far.
const UNASKED: (f64, f64) = (-1.0, 0.0);
/// Over this latitude the plane is not trusted, and every order is looked at.
const LAT_E7_MAX: i32 = 740_000_000;
/// Longest 1e-7 degree of latitude (111.70 km a degree), metres.
const LAT_M_MAX: f64 = 0.011_17;
/// Covers the change of the scale of longitude within [`CLEAR_MAX_M`] below [`LAT_E7_MAX`].
const STRETCH: f64 = 1.01;
/// The plane around one point and the distance measured around another differ by less than this
/// takes off: 1.1 % for the change of scale within [`PLANE_TRUST_M`], 0.5 % for the curvature.
const SHRINK: f64 = 0.98;
const SLACK_M: f64 = 1.0;
/// Beyond this the plane only says that it is far.
const PLANE_TRUST_M: f64 = 20_000.0;
const CLEAR_MAX_M: f64 = 5_000.0;
