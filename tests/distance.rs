//! The one distance against the geodesic (Karney's algorithm, as the geo crate has it): the bounds
//! that the documents state, and the places where the formula changes.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests assert, and compare with std's tan"
)]

use doorstep::domain::geo::{Centre, E7, PLANE_LAT_E7_MAX, PLANE_MAX_M, Point, distance_m};
use geo::{Destination, Distance, Geodesic};
use proptest::prelude::*;

fn point(lat: f64, lon: f64) -> Point {
    Point::from_degrees(lat, lon).unwrap()
}

fn geodesic_m(a: Point, b: Point) -> f64 {
    Geodesic.distance(geo::Point::new(a.lon(), a.lat()), geo::Point::new(b.lon(), b.lat()))
}

fn from(a: Point, bearing_deg: f64, metres: f64) -> Point {
    let there = Geodesic.destination(geo::Point::new(a.lon(), a.lat()), bearing_deg, metres);
    point(there.y(), there.x())
}

const RADIUS_M: f64 = 6_371_008.8;

/// How far the plane may be from the geodesic: a meridian's convergence over the distance.
fn plane_error_max_m(centre: Point, metres: f64) -> f64 {
    0.385 * metres * metres / RADIUS_M * centre.lat().abs().to_radians().tan()
}

/// Error against the geodesic of a point so far away in that direction.
fn error_m(centre: Point, bearing_deg: f64, metres: f64) -> f64 {
    let other = from(centre, bearing_deg, metres);
    (distance_m(centre, other) - geodesic_m(centre, other)).abs()
}

fn worst_m(lat: f64, metres: f64) -> f64 {
    (0..720)
        .map(|half| error_m(point(lat, 13.4), f64::from(half) / 2.0, metres))
        .fold(0.0, f64::max)
}

#[test]
fn within_2_cm_at_500_m_and_7_m_at_10_km() {
    for lat in -50..=50 {
        let worst = worst_m(f64::from(lat), 500.0);
        assert!(worst <= 0.02, "{worst} m at 500 m, latitude {lat}");
    }
    for lat in -49..=49 {
        let worst = worst_m(f64::from(lat), 10_000.0);
        assert!(worst <= 7.0, "{worst} m at 10 km, latitude {lat}");
    }
}

#[test]
fn both_sides_of_the_plane_s_borders_agree() {
    let beyond = point(75.000_000_1, 20.0);
    let inside = point(75.0, 20.0);
    assert_eq!(inside.lat_e7(), PLANE_LAT_E7_MAX);
    for bearing in [0.0, 45.0, 90.0, 200.0, 300.0] {
        let other = from(inside, bearing, 500.0);
        let step = distance_m(inside, other) - distance_m(beyond, other);
        assert!(step.abs() <= 0.1, "{step} m across 75 degrees");
        let at = |metres| distance_m(point(50.0, 8.0), from(point(50.0, 8.0), bearing, metres));
        let step = at(PLANE_MAX_M + 60.0) - at(PLANE_MAX_M - 60.0);
        assert!((step - 120.0).abs() <= 30.0, "{step} m over 120 m at 20 km");
    }
}

#[test]
fn a_border_is_inside_and_one_unit_beyond_is_not() {
    let centre = Centre::new(point(52.52, 13.405));
    for (lat_e7, lon_e7) in [(9_000, 0), (0, 14_000), (-4_000, 7_000)] {
        let moved = |lat_e7: i32, lon_e7: i32| {
            Point::from_e7(centre.point.lat_e7() + lat_e7, centre.point.lon_e7() + lon_e7).unwrap()
        };
        let r = centre.distance_m(moved(lat_e7, lon_e7));
        assert!(centre.distance_m(moved(lat_e7, lon_e7)) <= r);
        let one = |e7: i32| e7 + e7.signum();
        assert!(centre.distance_m(moved(one(lat_e7), one(lon_e7))) > r);
    }
}

#[test]
fn across_the_antimeridian_is_as_anywhere() {
    for lat in [-74.0, -17.5, 0.0, 51.9, 89.0] {
        for metres in [1.0, 500.0, 9_000.0, 300_000.0] {
            let shift = |point: Point, lon: f64| {
                let lon = point.lon() + lon;
                Point::from_degrees(point.lat(), if lon > 180.0 { lon - 360.0 } else { lon })
                    .unwrap()
            };
            let (west, east) = (point(lat, 9.999_9), from(point(lat, 9.999_9), 80.0, metres));
            let here = distance_m(west, east);
            let there = distance_m(shift(west, 170.0), shift(east, 170.0));
            assert!((here - there).abs() <= 1e-6 * here, "{here} m here, {there} m there");
        }
    }
    assert_eq!(distance_m(point(10.0, 180.0), point(10.0, -180.0)), 0.0);
}

#[test]
fn at_a_pole_every_longitude_is_the_same_place() {
    for pole in [90.0, -90.0] {
        for lon in [-180.0, -33.0, 0.0, 77.0] {
            assert!(distance_m(point(pole, 12.0), point(pole, lon)) < 1e-6);
            let near = point(pole - 0.01 * pole.signum(), lon);
            let error = distance_m(point(pole, 12.0), near) - geodesic_m(point(pole, 12.0), near);
            assert!(error.abs() < 0.02, "{error} m");
        }
    }
}

#[test]
fn near_the_antipode_it_is_off_by_less_than_one_percent() {
    for (a, b) in [
        (point(10.0, 20.0), point(-10.0, -160.0)),
        (point(0.0, 1.0), point(0.2, -179.0)),
        (point(0.0, 1.0), point(0.0, -179.9)),
        (point(90.0, 0.0), point(-90.0, 0.0)),
    ] {
        let (ours, oracle) = (distance_m(a, b), geodesic_m(a, b));
        assert!((ours - oracle).abs() <= 0.01 * oracle, "{ours} m, {oracle} m");
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(4_000)
    })]

    #[test]
    fn the_plane_keeps_its_bound_to_75_degrees(
        lat in -75.0..=75.0_f64, lon in -180.0..=180.0_f64, bearing in 0.0..360.0_f64,
        metres in 0.0..19_900.0_f64,
    ) {
        let centre = point(lat, lon);
        // The points are rounded before they are measured; at the equator only the series' next
        // term is left.
        let bound = plane_error_max_m(centre, metres) + 0.001 + 1e-13 * metres.powi(3);
        let error = error_m(centre, bearing, metres);
        prop_assert!(error <= bound, "{error} m, allowed {bound} m");
    }

    #[test]
    fn beyond_the_plane_it_is_the_geodesic(
        lat_a in -90.0..=90.0_f64, lon_a in -180.0..=180.0_f64,
        lat_b in -90.0..=90.0_f64, lon_b in -180.0..=180.0_f64,
    ) {
        let [a, b] = [(lat_a, lon_a), (lat_b, lon_b)].map(|(lat, lon)| Point::from_degrees(lat, lon));
        prop_assume!(a.is_ok() && b.is_ok());
        let (a, b) = (a.unwrap(), b.unwrap());
        let oracle = geodesic_m(a, b);
        prop_assume!(oracle > 20_100.0);
        let relative = if oracle < 16_000_000.0 { 1e-5 } else { 0.01 };
        let (error, bound) = ((distance_m(a, b) - oracle).abs(), (relative * oracle).max(20.0));
        prop_assert!(error <= bound, "{error} m of {oracle} m");
    }

    #[test]
    fn near_the_poles_it_is_the_geodesic(
        colat in 0.0..15.0_f64, south: bool, lon in -180.0..=180.0_f64,
        bearing in 0.0..360.0_f64, metres in 0.0..100_000.0_f64,
    ) {
        let lat = if south { colat - 90.0 } else { 90.0 - colat };
        let error = error_m(point(lat, lon), bearing, metres);
        prop_assert!(error <= 1e-6 + 1e-5 * metres, "{error} m of {metres} m");
    }

    #[test]
    fn it_is_symmetric_enough_and_zero_only_at_home(
        lat in -90.0..=90.0_f64, lon in -180.0..=180.0_f64, bearing in 0.0..360.0_f64,
        metres in 0.1..15_000.0_f64,
    ) {
        let a = point(lat, lon);
        let b = from(a, bearing, metres);
        prop_assert_eq!(distance_m(a, a), 0.0);
        prop_assert!(distance_m(a, b) > 0.0);
        let lat = a.lat().abs().min(75.0);
        // First order in the distance between the two parallels, second order (half of d^3 / R^2,
        // all there is at the equator), and the grain of a point.
        let first_m = 3.0 * plane_error_max_m(point(lat, 1.0), metres);
        let second_m = metres * metres * metres / (2.0 * RADIUS_M * RADIUS_M);
        let bound = first_m + second_m + 0.001 * (1.0 + metres * 1e-4);
        let difference = (distance_m(a, b) - distance_m(b, a)).abs();
        prop_assert!(difference <= bound, "{difference} m of {metres} m, allowed {bound} m");
    }

    #[test]
    fn degrees_and_units_name_the_same_point(
        lat_e7 in -900_000_000..=900_000_000_i32, lon_e7 in -1_800_000_000..=1_800_000_000_i32,
    ) {
        prop_assume!((lat_e7, lon_e7) != (0, 0));
        let there = Point::from_e7(lat_e7, lon_e7).unwrap();
        prop_assert_eq!(Point::from_degrees(there.lat(), there.lon()).unwrap(), there);
        prop_assert_eq!(there.lat(), f64::from(lat_e7) / E7);
    }
}
