//! The box in latitude and longitude that holds everything within a distance of a point. Errs only
//! to the large side.

use core::f64::consts::{FRAC_PI_2, PI};

use super::bounds::Bounds;
use crate::domain::geo::{Centre, PLANE_LAT_E7_MAX, PLANE_MAX_M, Point, RADIANS_PER_E7};

/// Bounds that hold every point at most `radius_m` from the centre by its own distance.
pub fn reach(centre: &Centre, radius_m: f64) -> Bounds {
    let is_plane = radius_m <= PLANE_REACH_M && centre.point.lat_e7().abs() <= PLANE_LAT_E7_MAX;
    let (north_e7, east_e7) = if is_plane {
        (radius_m / centre.scale.lat_m, radius_m / centre.scale.lon_m)
    } else {
        let (north, east) = sphere_reach(centre.point, radius_m);
        (north / RADIANS_PER_E7, east / RADIANS_PER_E7)
    };
    around(centre.point, north_e7, east_e7)
}

/// Whether bounds hold everything there is.
pub fn is_everywhere(bounds: &Bounds) -> bool {
    *bounds == EVERYWHERE
}

/// Radians of latitude and longitude within a distance. The sphere is so much smaller than the
/// ellipsoid that the difference between the two, and between latitude and reduced latitude, is
/// paid for, and so is the error of the distance towards the antipode.
fn sphere_reach(point: Point, radius_m: f64) -> (f64, f64) {
    let angle = radius_m / SMALL_RADIUS_M;
    let latitude = f64::from(point.lat_e7().abs()) * RADIANS_PER_E7 + LATITUDE_SLACK_RAD;
    if latitude + angle >= FRAC_PI_2 {
        return (angle, PI);
    }
    let share = (libm::sin(angle) / libm::cos(latitude)).min(1.0);
    (angle, libm::asin(share))
}

fn around(point: Point, north_e7: f64, east_e7: f64) -> Bounds {
    let whole = |e7: f64| e7.min(f64::from(i32::MAX)) as i64 + MARGIN_E7;
    let (north, east) = (whole(north_e7), whole(east_e7));
    let lat_e7 = i64::from(point.lat_e7());
    let lon_e7 = i64::from(point.lon_e7());
    let south_e7 = (lat_e7 - north).max(i64::from(EVERYWHERE.south_e7)) as i32;
    let north_e7 = (lat_e7 + north).min(i64::from(EVERYWHERE.north_e7)) as i32;
    if 2 * east >= TURN_E7 {
        return Bounds { south_e7, north_e7, ..EVERYWHERE };
    }
    let turned = |e7: i64| ((e7 + TURN_E7 / 2).rem_euclid(TURN_E7) - TURN_E7 / 2) as i32;
    Bounds { west_e7: turned(lon_e7 - east), south_e7, east_e7: turned(lon_e7 + east), north_e7 }
}

const EVERYWHERE: Bounds = Bounds {
    west_e7: -1_800_000_000,
    south_e7: -900_000_000,
    east_e7: 1_800_000_000,
    north_e7: 900_000_000,
};
/// Up to here a distance is that of the plane: what the plane puts farther than
/// [`PLANE_MAX_M`] is farther than this by the long formula as well.
const PLANE_REACH_M: f64 = 0.95 * PLANE_MAX_M;
/// 2 % less than the least radius of curvature on the ellipsoid.
const SMALL_RADIUS_M: f64 = 0.98 * 6_335_439.0;
/// Latitude and reduced latitude differ by less than this.
const LATITUDE_SLACK_RAD: f64 = 0.004;
/// Pays for rounding.
const MARGIN_E7: i64 = 2;
/// Once round in units of 1e-7 degrees.
const TURN_E7: i64 = 3_600_000_000;
