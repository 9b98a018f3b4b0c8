//! Where things are in space: metres from the earth's centre, towards longitude 0, 90 degrees
//! east and the north pole. How far apart places can be whose distance is known. Knows no padding.
//!
//! A coordinate in f32 is off by at most 0.25 m, so the way from one place to another by at most
//! 0.9 m; half the memory of f64 for less than the slack of the distances.

use super::bounds::Bounds;
use crate::domain::geo::{ECCENTRICITY_2, EQUATOR_RADIUS_M, PLANE_MAX_M, Point, RADIANS_PER_E7};

/// Metres from the earth's centre.
pub type Place = [f32; 3];

/// Where a point of the ellipsoid is.
pub fn place(point: Point) -> Place {
    let parallel = Parallel::at(point.lat_e7());
    let lambda = f64::from(point.lon_e7()) * RADIANS_PER_E7;
    [
        (parallel.radius_m * libm::cos(lambda)) as f32,
        (parallel.radius_m * libm::sin(lambda)) as f32,
        parallel.height_m as f32,
    ]
}

/// The longest straight line, in metres, between the places of two points at most `distance_m`
/// apart by the domain's distance.
///
/// The line is shorter than the geodesic. The plane, used up to 20 km and 75 degrees, falls short
/// of the geodesic by at most 0.385 d^2 / R tan(latitude), 2.25e-7 d^2; the long formula by less
/// than 1e-5, and near the antipode the line is far shorter than the arc. The metre is the
/// rounding of places.
pub fn chord_max_m(distance_m: f64) -> f64 {
    let plane_m = distance_m.min(PLANE_MAX_M);
    distance_m * (1.0 + 1e-5) + plane_m * plane_m * 2.5e-7 + ROUNDING_M
}

/// Lower and upper corner of a box in space that holds every place at most `margin_m` from the
/// place of a point within bounds. None if the bounds are empty.
pub fn extent(bounds: &Bounds, margin_m: f64) -> Option<(Place, Place)> {
    if bounds.south_e7 > bounds.north_e7 {
        return None;
    }
    let (south, north) = (Parallel::at(bounds.south_e7), Parallel::at(bounds.north_e7));
    let radius_max_m = if bounds.south_e7 <= 0 && bounds.north_e7 >= 0 {
        EQUATOR_RADIUS_M
    } else {
        south.radius_m.max(north.radius_m)
    };
    let radii_m = [south.radius_m.min(north.radius_m), radius_max_m];
    let [x, y] = directions(bounds).map(|factors| product(radii_m, factors));
    let margin_m = margin_m + ROUNDING_M;
    let corner = |i: usize, z: f64, margin_m: f64| {
        [(x[i] + margin_m) as f32, (y[i] + margin_m) as f32, (z + margin_m) as f32]
    };
    Some((corner(0, south.height_m, -margin_m), corner(1, north.height_m, margin_m)))
}

/// Least and greatest cosine, and sine, of the longitudes within bounds.
fn directions(bounds: &Bounds) -> [[f64; 2]; 2] {
    let [west, east] = [bounds.west_e7, bounds.east_e7].map(|e7| f64::from(e7) * RADIANS_PER_E7);
    let mut cos = [libm::cos(west).min(libm::cos(east)), libm::cos(west).max(libm::cos(east))];
    let mut sin = [libm::sin(west).min(libm::sin(east)), libm::sin(west).max(libm::sin(east))];
    if bounds.spans(QUARTER_E7) {
        sin[1] = 1.0;
    }
    if bounds.spans(-QUARTER_E7) {
        sin[0] = -1.0;
    }
    if bounds.spans(0) {
        cos[1] = 1.0;
    }
    if bounds.spans(2 * QUARTER_E7) || bounds.spans(-2 * QUARTER_E7) {
        cos[0] = -1.0;
    }
    [cos, sin]
}

/// Least and greatest product of a radius, which is not negative, and a factor.
fn product(radii_m: [f64; 2], factors: [f64; 2]) -> [f64; 2] {
    [
        (radii_m[0] * factors[0]).min(radii_m[1] * factors[0]),
        (radii_m[0] * factors[1]).max(radii_m[1] * factors[1]),
    ]
}

/// The circle of one latitude.
struct Parallel {
    /// Distance from the earth's axis.
    radius_m: f64,
    /// Distance from the plane of the equator, north positive.
    height_m: f64,
}

impl Parallel {
    fn at(lat_e7: i32) -> Self {
        let phi = f64::from(lat_e7.clamp(-QUARTER_E7, QUARTER_E7)) * RADIANS_PER_E7;
        let (sin, cos) = (libm::sin(phi), libm::cos(phi));
        let normal_m = EQUATOR_RADIUS_M / (1.0 - ECCENTRICITY_2 * sin * sin).sqrt();
        Self { radius_m: normal_m * cos, height_m: normal_m * (1.0 - ECCENTRICITY_2) * sin }
    }
}

/// More than the rounding of two places to f32 can add to the way between them.
const ROUNDING_M: f64 = 1.0;
/// A quarter of the way round in longitude, and from the equator to a pole.
const QUARTER_E7: i32 = 900_000_000;
