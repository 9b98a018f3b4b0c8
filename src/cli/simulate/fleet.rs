//! Where simulated couriers are: each rides from stop to stop at 8 m/s and stands a minute at
//! each, to and fro. A place is a function of time; the same seed makes the same fleet.

use core::f64::consts::{PI, TAU};

use crate::cli::client::frame::WireFix;
use crate::cli::noise::{Link, Noise, Receiver, Sent};
use crate::cli::random::Random;
use crate::domain::geo::{E7, Point};
use crate::domain::time::Time;

/// One courier's way.
#[derive(Clone, Debug)]
pub struct Walk {
    stops: Vec<Stop>,
    device: Option<Device>,
}

/// What stands between the courier and what comes.
#[derive(Clone, Debug)]
struct Device {
    noise: Noise,
    receiver: Receiver,
    link: Link<WireFix>,
    came: Vec<Sent<WireFix>>,
}

#[derive(Clone, Copy, Debug)]
struct Stop {
    lat: f64,
    lon: f64,
    arrives_s: f64,
}

impl Walk {
    /// The way of a courier of the fleet; without noise its device reports the very place.
    #[must_use]
    pub fn new(courier: u32, seed: u64, noise: Option<Noise>) -> Self {
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
        let device = noise.map(|noise| Device {
            noise,
            receiver: Receiver::new(noise, seed, courier),
            link: Link::new(noise, seed, courier),
            came: Vec::new(),
        });
        Self { stops, device }
    }

    /// The stops, in sequence: latitude and longitude.
    pub fn stops(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        self.stops.iter().map(|stop| (stop.lat, stop.lon))
    }

    /// Appends what comes of the courier's device so many seconds after the start: as a rule one
    /// fix, and with noise none or several.
    pub fn report(&mut self, elapsed_s: f64, device_ms: i64, into: &mut Vec<WireFix>) {
        let (lat, lon, speed_mps) = self.place(elapsed_s);
        let speed = Some(speed_mps as f32);
        let e7 = |degrees: f64| libm::round(degrees * E7) as i32;
        let Some(device) = &mut self.device else {
            let fix = WireFix(device_ms, e7(lat), e7(lon), Some(5.0), speed, None, Some(80));
            into.push(fix);
            return;
        };
        let t = Time::from_ms(device_ms);
        let place = Point::from_degrees(lat, lon).unwrap_or(Point::ANYWHERE);
        let Some(point) = device.receiver.measure(t, place) else { return };
        let device_ms = device_ms + device.noise.clock_offset_ms;
        let accuracy = Some(device.noise.stated_accuracy_m());
        let (lat, lon) = (point.lat_e7(), point.lon_e7());
        let fix = WireFix(device_ms, lat, lon, accuracy, speed, None, Some(80));
        device.link.send(t, fix, &mut device.came);
        into.extend(device.came.drain(..).map(|sent| sent.report));
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
}

const STOPS: usize = 20;
const SPEED_MPS: f64 = 8.0;
const STAY_S: f64 = 60.0;
const CENTRE_LAT: f64 = 52.5;
const CENTRE_LON: f64 = 13.4;
const CITY_COURIERS: u32 = 10_000;
const CITY_DEGREES: f64 = 0.18;
const METRES_PER_DEGREE: f64 = 111_300.0;
