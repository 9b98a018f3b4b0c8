//! What one position proves about one fence (behaviour 3.5): a pure reading of distance and
//! accuracy.

use super::state::kept;
use crate::domain::policy::Radius;
use crate::domain::position::Accuracy;

/// A circle with its exit distance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fence {
    /// Inside is at most so far, metres.
    pub radius_m: f64,
    /// Outside is farther than this, metres.
    pub exit_m: f64,
}

kept!(Fence { radius_m, exit_m });

impl Fence {
    /// The fence of a radius: the exit lies a tenth of it further out, 20 to 100 m.
    pub fn new(radius: Radius) -> Self {
        let radius_m = radius.metres();
        Self { radius_m, exit_m: radius_m + (radius_m / 10.0).clamp(20.0, 100.0) }
    }

    /// What there is to know of a position at `distance_m` from the centre.
    pub fn read(self, distance_m: f64, accuracy: Option<Accuracy>) -> Reading {
        Reading {
            evidence: self.evidence(distance_m, accuracy),
            is_far: distance_m > self.exit_m + FAR_M,
            is_near: distance_m <= self.near_m(),
        }
    }

    /// How far a position may be and count as one within. A large fence has wide borders.
    fn near_m(self) -> f64 {
        self.radius_m + (NEAR_SHARE * (self.radius_m - NEAR_FROM_M)).max(0.0)
    }

    /// Whether one who seems to be at `distance_m` from the centre is so far inside that no drift of
    /// a receiver makes the difference.
    pub fn is_sure(self, distance_m: f64) -> bool {
        distance_m <= self.near_m() - DRIFT_M.min(self.radius_m * DRIFT_SHARE_MAX)
    }

    /// What a position at `distance_m` from the centre proves.
    pub fn evidence(self, distance_m: f64, accuracy: Option<Accuracy>) -> Evidence {
        let known_m = accuracy.map(|accuracy| f64::from(accuracy.metres()));
        let margin_m = known_m.unwrap_or(0.0).min(MARGIN_MAX_M);
        let is_usable = known_m.is_none_or(|known_m| known_m <= USABLE_M);
        if distance_m <= self.radius_m {
            let is_sharp = known_m.is_none_or(|known_m| {
                known_m <= (self.radius_m / 2.0).max(SHARP_M)
                    || distance_m + known_m <= self.radius_m
            });
            return if is_sharp { Evidence::Inside } else { Evidence::None };
        }
        let is_decisive = known_m.is_none_or(|known_m| distance_m - known_m > self.exit_m);
        if distance_m - margin_m > self.exit_m && (is_usable || is_decisive) {
            Evidence::Outside
        } else if is_usable && distance_m - margin_m / 2.0 > self.radius_m {
            Evidence::Beyond
        } else {
            Evidence::None
        }
    }
}

/// A position as one fence sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// What it proves.
    pub evidence: Evidence,
    /// Too far for one who stands about the fence.
    pub is_far: bool,
    /// Within the radius, or so little beyond that it makes no difference.
    pub is_near: bool,
}

/// What a position proves about a fence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// Within the radius.
    Inside,
    /// Farther than the exit distance.
    Outside,
    /// Farther than the radius, not as far as the exit.
    Beyond,
    /// Nothing.
    None,
}

impl Evidence {
    /// Not within the radius.
    pub fn is_away(self) -> bool {
        matches!(self, Self::Beyond | Self::Outside)
    }
}

/// So far behind the exit distance no error of a receiver puts a courier twice in a row.
const FAR_M: f64 = 60.0;
/// Of a radius over [`NEAR_FROM_M`], so much of the excess is added for what is near.
const NEAR_SHARE: f64 = 0.04;
const NEAR_FROM_M: f64 = 250.0;
/// What a receiver among houses drifts in a minute or two...
const DRIFT_M: f64 = 10.0;
/// ...as far as that leaves something of a small fence.
const DRIFT_SHARE_MAX: f64 = 0.2;
/// More inaccuracy than this is not held against a distance.
const MARGIN_MAX_M: f64 = 100.0;
/// More inaccurate positions prove an exit only by their full error.
const USABLE_M: f64 = 250.0;
/// Accurate enough to be inside any fence.
pub const SHARP_M: f64 = 50.0;
