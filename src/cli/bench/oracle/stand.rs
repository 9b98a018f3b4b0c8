//! Where a courier stands who says so: the mean of its positions since then.

use super::distance::metres;
use super::stay::Fix;
use crate::domain::geo::Point;

/// A stand, with what it takes of the positions so far.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stand {
    mean: Point,
    /// Positions in the mean, 1..=64.
    weight: i64,
}

impl Stand {
    /// The stand after an accepted position; `before` is the one accepted before it.
    pub fn after(stand: Option<Self>, before: Option<Fix>, fix: &Fix) -> Option<Self> {
        if !fix.speed_mps.is_some_and(|speed| speed <= 1.0) {
            return None;
        }
        let lasting = stand.filter(|_| before.is_some_and(|before| fix.t - before.t <= 60_000));
        if fix.accuracy_m.is_some_and(|accuracy| accuracy > 50.0) {
            return lasting;
        }
        let begun = Self { mean: fix.point, weight: 1 };
        Some(lasting.and_then(|stand| stand.take_in(fix.point)).unwrap_or(begun))
    }

    fn take_in(self, point: Point) -> Option<Self> {
        let (lat, lon) = self.mean.offset_e7(point);
        let weight = (self.weight + 1).min(64);
        let moved = |from: i32, way: i64| i32::try_from(i64::from(from) + way / weight).ok();
        let mean = Point::from_e7(moved(self.mean.lat_e7(), lat)?, moved(self.mean.lon_e7(), lon)?);
        let is_near = lat.abs().max(lon.abs()) <= 15_000;
        Some(Self { mean: mean.ok()?, weight }).filter(|_| is_near)
    }

    /// Metres from a point.
    pub fn metres_from(&self, point: Point) -> f64 {
        metres(point, self.mean)
    }
}
