//! Where a courier stands whose device states that it does not move: the mean of its positions,
//! since receivers drift. Knows nothing of fences.

use super::fix::{Fix, Seen};
use super::state::kept;
use crate::domain::geo::Point;
use crate::domain::time::SECOND_MS;

/// The positions of one stand, as their mean.
///
/// | position | gap, distance | next |
/// |---|---|---|
/// | states no speed, or over 1 m/s | any | nobody stands |
/// | blurred | long | nobody stands |
/// | blurred | short | unchanged |
/// | sharp | long, or far from the mean | a stand begins at it |
/// | sharp | short | the mean takes it in |
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    mean: Point,
    /// How many positions the mean is of, at most [`COUNT_MAX`]; 0: nobody is known to stand.
    count: u8,
}

kept!(Standing { mean, count });

impl Standing {
    /// Nobody is known to stand.
    pub const NONE: Self = Self { mean: Point::ANYWHERE, count: 0 };

    /// Follows an accepted position; `last` is the one before it.
    pub fn follow(&mut self, fix: &Fix, last: Option<Seen>) {
        if !fix.is_standing {
            self.count = 0;
            return;
        }
        if last.is_none_or(|last| fix.seen.t - last.t > GAP_MAX_MS) {
            self.count = 0;
        }
        if fix.is_sharp() {
            let taken_in = if self.count > 0 { self.with(fix.seen.point) } else { None };
            *self = taken_in.unwrap_or(Self { mean: fix.seen.point, count: 1 });
        }
    }

    /// The same with one position more; `None`: it is no position of this stand.
    fn with(self, point: Point) -> Option<Self> {
        let (lat, lon) = self.mean.offset_e7(point);
        if lat.abs() > FAR_E7 || lon.abs() > FAR_E7 {
            return None;
        }
        let count = COUNT_MAX.min(self.count.saturating_add(1));
        // A share of at most FAR_E7 fits; what is off the map, or nowhere, begins a stand.
        let share = |offset: i64| (offset / i64::from(count)) as i32;
        let (lat_e7, lon_e7) = (self.mean.lat_e7() + share(lat), self.mean.lon_e7() + share(lon));
        Some(Self { mean: Point::from_e7(lat_e7, lon_e7).ok()?, count })
    }

    /// Where the courier stands, if that is known.
    pub fn place(&self) -> Option<Point> {
        (self.count > 0).then_some(self.mean)
    }
}

/// The mean follows later positions as if it were of so many: it forgets.
const COUNT_MAX: u8 = 64;
/// A courier who was unseen for longer may have moved.
const GAP_MAX_MS: i64 = 60 * SECOND_MS;
/// So far from the mean on one axis no error of a receiver puts one who stands: 167 m of latitude.
const FAR_E7: i64 = 15_000;
