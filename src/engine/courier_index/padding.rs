//! How far a courier may stray from its anchor before the tree must know, and where the next
//! anchor goes. Integer differences and a few multiplications: no trigonometry.

use crate::domain::geo::{EQUATOR_RADIUS_M, FLATTENING, Point, RADIANS_PER_E7};

/// Largest distance in metres, in a straight line, between a courier and its anchor. A wider
/// padding makes moves cheaper and queries dearer: measured at 100 to 500 m.
pub const PADDING_M: f64 = 400.0;

/// Whether a courier at `now` may keep its anchor. Errs only to the safe side.
#[inline]
pub fn covers(anchor: Point, now: Point) -> bool {
    stray_max_m_2(anchor, now) <= PADDING_M * PADDING_M
}

/// The anchor of a courier who has none: beside the point, each slot in its own place, so that
/// couriers who start at one depot do not pile up in one spot of the tree, where a removal would
/// have to search them all.
pub fn first_anchor(slot: u32, point: Point) -> Point {
    let scattered = slot.wrapping_mul(SCATTER);
    let lat_e7 = i64::from(scattered >> 16) % SCATTER_E7 - SCATTER_E7 / 2;
    let lon_e7 = i64::from(scattered & 0xffff) % SCATTER_E7 - SCATTER_E7 / 2;
    shifted(point, lat_e7, lon_e7)
}

/// The anchor of a courier who left the padding around `anchor`: ahead in the direction taken, so
/// that going straight on is covered for nearly twice the padding.
pub fn next_anchor(anchor: Point, now: Point) -> Point {
    let (lat_e7, lon_e7) = anchor.offset_e7(now);
    let lead = LEAD * PADDING_M / stray_max_m_2(anchor, now).sqrt();
    shifted(now, (lat_e7 as f64 * lead) as i64, (lon_e7 as f64 * lead) as i64)
}

/// The point shifted by so many units of 1e-7 degrees, or itself where that leads over a pole or
/// beyond the padding.
fn shifted(point: Point, lat_e7: i64, lon_e7: i64) -> Point {
    let lon_e7 = i64::from(point.lon_e7()) + lon_e7;
    let lon_e7 = (lon_e7 + TURN_E7 / 2).rem_euclid(TURN_E7) - TURN_E7 / 2;
    Point::from_e7((i64::from(point.lat_e7()) + lat_e7) as i32, lon_e7 as i32)
        .ok()
        .filter(|&shifted| covers(shifted, point))
        .unwrap_or(point)
}

/// Square of a length in metres that the straight line between two points does not exceed.
///
/// The line is no longer than the path that goes evenly in latitude and longitude. On it a radian
/// of latitude is at most [`RADIUS_MAX_M`], one of longitude that times the largest cosine of a
/// latitude on the way; and a cosine is at most its series cut after the fourth power.
#[inline]
fn stray_max_m_2(a: Point, b: Point) -> f64 {
    let (lat_e7, lon_e7) = a.offset_e7(b);
    let phi = f64::from(a.lat_e7().abs().min(b.lat_e7().abs())) * RADIANS_PER_E7;
    let phi_2 = phi * phi;
    let cos_max = 1.0 - phi_2 / 2.0 + phi_2 * phi_2 / 24.0;
    let north_m = lat_e7 as f64 * METRES_PER_E7_MAX;
    let east_m = lon_e7 as f64 * METRES_PER_E7_MAX * cos_max;
    north_m * north_m + east_m * east_m
}

/// Share of the padding by which the next anchor lies ahead. The rest keeps a courier who stops
/// there from leaving by jitter.
const LEAD: f64 = 0.8;
/// Side in units of 1e-7 degrees of the square over which first anchors are scattered: 167 m of
/// latitude.
const SCATTER_E7: i64 = 15_000;
/// 2^32 divided by the golden ratio: neighbouring slots land far apart.
const SCATTER: u32 = 2_654_435_769;
/// Once round in units of 1e-7 degrees.
const TURN_E7: i64 = 3_600_000_000;
/// The largest radius of curvature on the ellipsoid, at the poles.
const RADIUS_MAX_M: f64 = EQUATOR_RADIUS_M / (1.0 - FLATTENING);
const METRES_PER_E7_MAX: f64 = RADIUS_MAX_M * RADIANS_PER_E7;
