//! Points on the WGS 84 ellipsoid and the one distance that everything uses.
//!
//! Near a point, distance is Pythagoras over metres per degree, taken from the meridian and the
//! prime-vertical radius of curvature at that point's latitude (Rapp, *Geometric Geodesy I*, 1991,
//! section 3.5). Where that does not hold (beyond 20 km, poleward of 75 degrees) it is Lambert's
//! formula for long lines (Lambert 1942; relative error 1.4e-6 to 10,000 km, 1e-5 to 16,000 km, and
//! below 1 % towards the antipode).

use core::f64::consts::PI;

use thiserror::Error;

/// A place in integer units of 1e-7 degrees. Cannot hold a NaN, a pole overrun or (0, 0).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Point {
    lat_e7: i32,
    lon_e7: i32,
}

/// Why coordinates are not a [`Point`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PointError {
    /// NaN or infinite.
    #[error("coordinate is not a finite number")]
    NotFinite,
    /// Latitude outside -90..=90.
    #[error("latitude is outside -90..90")]
    Latitude,
    /// Longitude outside -180..=180.
    #[error("longitude is outside -180..180")]
    Longitude,
    /// Exactly (0, 0), what receivers without a fix report.
    #[error("coordinates are exactly (0, 0), which receivers report when they have no fix")]
    NullIsland,
}

impl Point {
    /// Stands where there is no point and none is looked at.
    pub const ANYWHERE: Self = Self { lat_e7: 1, lon_e7: 1 };

    /// Stands where there is no point, and equals none.
    pub const NOWHERE: Self = Self { lat_e7: i32::MIN, lon_e7: i32::MIN };

    /// A point from units of 1e-7 degrees.
    ///
    /// # Errors
    /// Outside -90..=90 or -180..=180 degrees, or exactly (0, 0).
    pub const fn from_e7(lat_e7: i32, lon_e7: i32) -> Result<Self, PointError> {
        if lat_e7 < -LAT_E7_MAX || lat_e7 > LAT_E7_MAX {
            Err(PointError::Latitude)
        } else if lon_e7 < -LON_E7_MAX || lon_e7 > LON_E7_MAX {
            Err(PointError::Longitude)
        } else if lat_e7 == 0 && lon_e7 == 0 {
            Err(PointError::NullIsland)
        } else {
            Ok(Self { lat_e7, lon_e7 })
        }
    }

    /// A point from degrees, rounded to the nearest 1e-7 degree (11 mm).
    ///
    /// # Errors
    /// As [`Self::from_e7`], and for NaN and infinities.
    pub fn from_degrees(lat: f64, lon: f64) -> Result<Self, PointError> {
        if !lat.is_finite() || !lon.is_finite() {
            return Err(PointError::NotFinite);
        }
        if !(-90.0..=90.0).contains(&lat) {
            return Err(PointError::Latitude);
        }
        if !(-180.0..=180.0).contains(&lon) {
            return Err(PointError::Longitude);
        }
        Self::from_e7(libm::round(lat * E7) as i32, libm::round(lon * E7) as i32)
    }

    /// Latitude in units of 1e-7 degrees, -900,000,000..=900,000,000.
    #[must_use]
    pub const fn lat_e7(self) -> i32 {
        self.lat_e7
    }

    /// Longitude in units of 1e-7 degrees, -1,800,000,000..=1,800,000,000.
    #[must_use]
    pub const fn lon_e7(self) -> i32 {
        self.lon_e7
    }

    /// Latitude in degrees.
    #[must_use]
    pub fn lat(self) -> f64 {
        f64::from(self.lat_e7) / E7
    }

    /// Longitude in degrees.
    #[must_use]
    pub fn lon(self) -> f64 {
        f64::from(self.lon_e7) / E7
    }

    /// The difference `other - self` in units of 1e-7 degrees (latitude, longitude), the shorter
    /// way round the globe.
    #[must_use]
    pub const fn offset_e7(self, other: Self) -> (i64, i64) {
        let lat = other.lat_e7 as i64 - self.lat_e7 as i64;
        let mut lon = other.lon_e7 as i64 - self.lon_e7 as i64;
        if lon > LON_E7_MAX as i64 {
            lon -= 2 * LON_E7_MAX as i64;
        } else if lon < -(LON_E7_MAX as i64) {
            lon += 2 * LON_E7_MAX as i64;
        }
        (lat, lon)
    }

    /// Whether both axes differ by at most [`SAME_PLACE_E7`] units: one stop (behaviour 4.4).
    #[must_use]
    pub const fn is_same_place(self, other: Self) -> bool {
        let (lat, lon) = self.offset_e7(other);
        lat.abs() <= SAME_PLACE_E7 && lon.abs() <= SAME_PLACE_E7
    }

    /// Whether no third point is the same place as both.
    #[must_use]
    pub const fn is_apart(self, other: Self) -> bool {
        self.lat_e7.abs_diff(other.lat_e7) as i64 > 2 * SAME_PLACE_E7
            || self.offset_e7(other).1.abs() > 2 * SAME_PLACE_E7
    }
}

/// Metres per 1e-7 degree around one latitude. Computed once where it is used often.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    /// Metres per 1e-7 degree of latitude.
    pub lat_m: f64,
    /// Metres per 1e-7 degree of longitude.
    pub lon_m: f64,
}

impl Scale {
    /// The scale at a point's latitude.
    #[must_use]
    pub fn at(point: Point) -> Self {
        let phi = f64::from(point.lat_e7) * RADIANS_PER_E7;
        let sin = libm::sin(phi);
        let w2 = 1.0 - ECCENTRICITY_2 * sin * sin;
        let normal_m = EQUATOR_RADIUS_M / w2.sqrt();
        let meridian_m = normal_m * (1.0 - ECCENTRICITY_2) / w2;
        Self {
            lat_m: meridian_m * RADIANS_PER_E7,
            lon_m: normal_m * libm::cos(phi) * RADIANS_PER_E7,
        }
    }
}

/// A point with its scale: the place around which distances are measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Centre {
    /// The place.
    pub point: Point,
    /// Its scale.
    pub scale: Scale,
}

impl Centre {
    /// The centre at a point.
    #[must_use]
    pub fn new(point: Point) -> Self {
        Self { point, scale: Scale::at(point) }
    }

    /// Metres to another point.
    #[must_use]
    pub fn distance_m(&self, other: Point) -> f64 {
        let (dx, dy) = self.plane_m(other);
        let d2 = dx * dx + dy * dy;
        if d2 > PLANE_MAX_M * PLANE_MAX_M || self.point.lat_e7.abs() > PLANE_LAT_E7_MAX {
            return long_distance_m(self.point, other);
        }
        d2.sqrt()
    }

    /// East and north metres from the centre in its local plane; true near it only.
    #[must_use]
    pub fn plane_m(&self, other: Point) -> (f64, f64) {
        let (lat, lon) = self.point.offset_e7(other);
        (lon as f64 * self.scale.lon_m, lat as f64 * self.scale.lat_m)
    }
}

/// Metres between two points, measured around the first.
#[must_use]
pub fn distance_m(around: Point, other: Point) -> f64 {
    Centre::new(around).distance_m(other)
}

/// Lambert's formula for long lines on the ellipsoid; near the antipode, where its correction
/// diverges, the arc on the mean sphere (within 0.6 %).
fn long_distance_m(a: Point, b: Point) -> f64 {
    let (beta_a, beta_b) = (reduced_latitude(a), reduced_latitude(b));
    let lambda = a.offset_e7(b).1 as f64 * RADIANS_PER_E7;
    let (half_phi, half_lambda) = (libm::sin((beta_b - beta_a) / 2.0), libm::sin(lambda / 2.0));
    let haversine =
        half_phi * half_phi + libm::cos(beta_a) * libm::cos(beta_b) * half_lambda * half_lambda;
    let haversine = haversine.clamp(0.0, 1.0);
    let sigma = 2.0 * libm::atan2(haversine.sqrt(), (1.0 - haversine).sqrt());
    if sigma == 0.0 {
        return 0.0;
    }
    if sigma > PI - ANTIPODE_RAD {
        return sigma * MEAN_RADIUS_M;
    }
    let (p, q) = ((beta_a + beta_b) / 2.0, (beta_b - beta_a) / 2.0);
    let (sin_p, cos_p, sin_q, cos_q) = (libm::sin(p), libm::cos(p), libm::sin(q), libm::cos(q));
    let sin_sigma = libm::sin(sigma);
    let x = (sigma - sin_sigma) * (sin_p * cos_q) * (sin_p * cos_q) / (1.0 - haversine);
    let y = (sigma + sin_sigma) * (cos_p * sin_q) * (cos_p * sin_q) / haversine;
    EQUATOR_RADIUS_M * (sigma - FLATTENING / 2.0 * (x + y))
}

fn reduced_latitude(point: Point) -> f64 {
    let phi = f64::from(point.lat_e7) * RADIANS_PER_E7;
    libm::atan2((1.0 - FLATTENING) * libm::sin(phi), libm::cos(phi))
}

/// Units per degree.
pub const E7: f64 = 1e7;
/// Two points within so many units on both axes are one place.
pub const SAME_PLACE_E7: i64 = 10;
/// Beyond this distance the local plane gives way to the long formula.
pub const PLANE_MAX_M: f64 = 20_000.0;
/// Poleward of this latitude the local plane gives way to the long formula.
pub const PLANE_LAT_E7_MAX: i32 = 750_000_000;

const LAT_E7_MAX: i32 = 900_000_000;
const LON_E7_MAX: i32 = 1_800_000_000;
/// Radians per unit of 1e-7 degrees.
pub const RADIANS_PER_E7: f64 = PI / 180.0 / E7;
/// WGS 84 semi-major axis.
pub const EQUATOR_RADIUS_M: f64 = 6_378_137.0;
/// WGS 84 flattening.
pub const FLATTENING: f64 = 1.0 / 298.257_223_563;
/// WGS 84 first eccentricity, squared.
pub const ECCENTRICITY_2: f64 = FLATTENING * (2.0 - FLATTENING);
const MEAN_RADIUS_M: f64 = EQUATOR_RADIUS_M * (1.0 - FLATTENING / 3.0);
/// Nearer to the antipode than this (about 60 km) Lambert's correction loses its digits.
const ANTIPODE_RAD: f64 = 0.01;
