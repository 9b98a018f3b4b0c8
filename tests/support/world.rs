//! Where and when every test takes place, and how far metres reach there.

use doorstep::domain::geo::{Point, Scale};
use doorstep::domain::time::Time;

/// The point so many metres east and north of `anchor`, to the nearest 1e-7 degree. Metres are
/// those around the anchor, as in the rules for distances to a stop.
pub fn moved(anchor: Point, east_m: f64, north_m: f64) -> Point {
    let scale = Scale::at(anchor);
    let lat_e7 = anchor.lat_e7() + (north_m / scale.lat_m).round() as i32;
    let lon_e7 = anchor.lon_e7() + (east_m / scale.lon_m).round() as i32;
    Point::from_e7(lat_e7, lon_e7).expect("a scenario stays on the globe")
}

/// Where the first order of a scenario is, if it does not say: Moscow.
pub fn origin() -> Point {
    Point::from_e7(557_558_000, 376_173_000).expect("on the globe")
}

/// Time 0: 2026-03-02 06:00 UTC.
pub const ZERO: Time = Time::from_ms(1_772_431_200_000);
