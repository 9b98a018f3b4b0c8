//! Where simulated couriers are: each rides from stop to stop at 8 m/s and stands a minute at
//! each, to and fro. A place is a function of time; the same seed makes the same fleet.

use core::f64::consts::{PI, TAU};

use clap::ValueEnum;

use crate::cli::client::frame::WireFix;

/// How far a receiver is off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Noise {
    /// Within 5 m.
    #[default]
    Clean,
    /// 12 m as a rule.
    Urban,
    /// 30 m as a rule, and far off now and then.
    Canyon,
}

/// One courier's way.
#[derive(Clone, Debug)]
pub struct Walk {
    stops: Vec<Stop>,
    noise: Noise,
    random: Random,
}

#[derive(Clone, Copy, Debug)]
struct Stop {
    lat: f64,
    lon: f64,
    arrives_s: f64,
}

impl Walk {
    /// The way of a courier of the fleet.
    #[must_use]
    pub fn new(courier: u32, seed: u64, noise: Noise) -> Self {
        let mut random = Random(seed ^ (u64::from(courier) << 32));
        let city = f64::from(courier / CITY_COURIERS);
        let (mut lat, mut lon) = (
            CENTRE_LAT + city % 10.0 + random.about(CITY_DEGREES),
            CENTRE_LON + (city / 10.0).floor() + random.about(CITY_DEGREES),
        );
        let mut arrives_s = 0.0;
        let stops = (0..STOPS).map(|_| {
            let (leg_m, heading) = (300.0 + 900.0 * random.unit(), random.unit() * TAU);
            lat += leg_m * libm::cos(heading) / METRES_PER_DEGREE;
            lon += leg_m * libm::sin(heading) / (METRES_PER_DEGREE * libm::cos(lat * PI / 180.0));
            arrives_s += leg_m / SPEED_MPS;
            let stop = Stop { lat, lon, arrives_s };
            arrives_s += STAY_S;
            stop
        });
        let stops = stops.collect();
        Self { stops, noise, random }
    }

    /// The stops, in sequence: latitude and longitude.
    pub fn stops(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        self.stops.iter().map(|stop| (stop.lat, stop.lon))
    }

    /// What the courier's device reports so many seconds after the start.
    pub fn fix(&mut self, elapsed_s: f64, device_ms: i64) -> WireFix {
        let (lat, lon, speed_mps) = self.place(elapsed_s);
        let (north_m, east_m, accuracy_m) = self.error();
        let lat = lat + north_m / METRES_PER_DEGREE;
        let lon = lon + east_m / (METRES_PER_DEGREE * libm::cos(lat * PI / 180.0));
        let e7 = |degrees: f64| libm::round(degrees * 1e7) as i32;
        let (accuracy, speed) = (Some(accuracy_m), Some(speed_mps as f32));
        WireFix(device_ms, e7(lat), e7(lon), accuracy, speed, None, Some(80))
    }

    /// Latitude, longitude and speed.
    fn place(&self, elapsed_s: f64) -> (f64, f64, f64) {
        let Some(last) = self.stops.last() else { return (CENTRE_LAT, CENTRE_LON, 0.0) };
        let span_s = last.arrives_s + STAY_S;
        // Odd rounds go back: time runs the other way.
        let round = (elapsed_s / span_s).floor();
        let within_s = elapsed_s - round * span_s;
        let at_s = if round % 2.0 == 0.0 { within_s } else { span_s - within_s };
        let next = self.stops.partition_point(|stop| stop.arrives_s + STAY_S < at_s);
        let to = self.stops.get(next).unwrap_or(last);
        if next == 0 || at_s >= to.arrives_s {
            return (to.lat, to.lon, 0.0);
        }
        let from = &self.stops[next - 1];
        let left_s = from.arrives_s + STAY_S;
        let part = (at_s - left_s) / (to.arrives_s - left_s);
        let between = |a: f64, b: f64| a + (b - a) * part;
        (between(from.lat, to.lat), between(from.lon, to.lon), SPEED_MPS)
    }

    /// Metres north and east, and the accuracy the receiver states.
    fn error(&mut self) -> (f64, f64, f32) {
        let random = &mut self.random;
        match self.noise {
            Noise::Clean => (random.about(5.0), random.about(5.0), 5.0),
            Noise::Urban => (12.0 * random.normal(), 12.0 * random.normal(), 15.0),
            Noise::Canyon if random.unit() < 0.05 => {
                (150.0 * random.normal(), 150.0 * random.normal(), 60.0)
            }
            Noise::Canyon => (30.0 * random.normal(), 30.0 * random.normal(), 40.0),
        }
    }
}

/// SplitMix64.
#[derive(Clone, Debug)]
pub struct Random(pub u64);

impl Random {
    /// 0 up to 1.
    pub fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn about(&mut self, span: f64) -> f64 {
        (2.0 * self.unit() - 1.0) * span
    }

    /// Nearly normal: the sum of twelve.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }
}

const STOPS: usize = 20;
const SPEED_MPS: f64 = 8.0;
const STAY_S: f64 = 60.0;
const CENTRE_LAT: f64 = 52.5;
const CENTRE_LON: f64 = 13.4;
const CITY_COURIERS: u32 = 10_000;
const CITY_DEGREES: f64 = 0.18;
const METRES_PER_DEGREE: f64 = 111_300.0;
