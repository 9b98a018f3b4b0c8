//! The distance of section 2, written from its text and apart from the engine's own: metres per
//! degree from the meridian and the prime-vertical radii at the latitude of the place measured
//! around; beyond 20 km and poleward of 75 degrees, Lambert's formula for long lines.

use crate::domain::geo::Point;

/// Metres from `around` to `other`.
pub fn metres(around: Point, other: Point) -> f64 {
    let (east, north) = plane(around, other);
    let near = (east * east + north * north).sqrt();
    let polar = around.lat_e7().abs() > 750_000_000;
    if near > 20_000.0 || polar { lambert(around, other) } else { near }
}

/// East and north metres from `around` to `other`, in the plane that touches the ellipsoid there.
pub fn plane(around: Point, other: Point) -> (f64, f64) {
    let phi = radians(f64::from(around.lat_e7()));
    let e2 = F * (2.0 - F);
    let root = (1.0 - e2 * libm::sin(phi) * libm::sin(phi)).sqrt();
    let meridian = A * (1.0 - e2) / (root * root * root);
    let prime_vertical = A / root;
    let (north, east) = units(around, other);
    (radians(east) * prime_vertical * libm::cos(phi), radians(north) * meridian)
}

/// Differences in units of 1e-7 degrees, latitude first, the shorter way round.
fn units(around: Point, other: Point) -> (f64, f64) {
    let north = i64::from(other.lat_e7()) - i64::from(around.lat_e7());
    let east = i64::from(other.lon_e7()) - i64::from(around.lon_e7());
    let turn = 3_600_000_000;
    let east = if east > turn / 2 {
        east - turn
    } else if east < -turn / 2 {
        east + turn
    } else {
        east
    };
    (north as f64, east as f64)
}

fn lambert(from: Point, to: Point) -> f64 {
    let reduced = |p: Point| {
        libm::atan((1.0 - F) * libm::tan(radians(f64::from(p.lat_e7()).clamp(-9e8, 9e8))))
    };
    let (b1, b2) = (reduced(from), reduced(to));
    let dl = radians(units(from, to).1);
    let squared = |x: f64| x * x;
    let half_chord = squared(libm::sin((b2 - b1) / 2.0))
        + libm::cos(b1) * libm::cos(b2) * squared(libm::sin(dl / 2.0));
    let half_chord = half_chord.clamp(0.0, 1.0);
    if half_chord == 0.0 {
        return 0.0;
    }
    let sigma = 2.0 * libm::atan2(half_chord.sqrt(), (1.0 - half_chord).sqrt());
    if sigma > core::f64::consts::PI - 0.01 {
        return sigma * A * (1.0 - F / 3.0);
    }
    let (p, q) = ((b1 + b2) / 2.0, (b2 - b1) / 2.0);
    let x = (sigma - libm::sin(sigma)) * squared(libm::sin(p) * libm::cos(q))
        / squared(libm::cos(sigma / 2.0));
    let y = (sigma + libm::sin(sigma)) * squared(libm::cos(p) * libm::sin(q))
        / squared(libm::sin(sigma / 2.0));
    A * (sigma - F / 2.0 * (x + y))
}

fn radians(e7: f64) -> f64 {
    e7 / 1e7 * core::f64::consts::PI / 180.0
}

/// WGS 84: semi-major axis in metres, flattening.
const A: f64 = 6_378_137.0;
const F: f64 = 1.0 / 298.257_223_563;

#[cfg(test)]
mod tests {
    use super::*;

    fn point(lat: f64, lon: f64) -> Point {
        Point::from_degrees(lat, lon).unwrap()
    }

    #[test]
    fn knows_the_length_of_a_degree() {
        let north = metres(point(48.0, 2.0), point(48.001, 2.0));
        assert!((north - 111.2).abs() < 0.1, "{north}");
        let east = metres(point(60.0, 2.0), point(60.0, 2.001));
        assert!((east - 55.8).abs() < 0.1, "{east}");
    }

    #[test]
    fn crosses_the_antimeridian_and_far_lines() {
        let across = metres(point(10.0, 179.9999), point(10.0, -179.9999));
        assert!((across - 21.9).abs() < 0.1, "{across}");
        // Paris to Lyon, geodesic on WGS 84.
        let far = metres(point(48.8566, 2.3522), point(45.7640, 4.8357));
        assert!((far - 392_217.0).abs() < 1_000.0, "{far}");
    }
}
