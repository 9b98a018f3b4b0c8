//! How far off a receiver is, and when it measures nothing.

use core::f64::consts::{PI, TAU};

use super::{Episodes, Noise};
use crate::cli::random::Random;
use crate::domain::geo::{Point, Scale};
use crate::domain::time::{SECOND_MS, Time};

/// One device's receiver. Positions are shown to it in the order of their time.
#[derive(Clone, Debug)]
pub struct Receiver {
    noise: Noise,
    /// Each part has its own chance, so that switching one off changes no other.
    drift: Drift,
    white: Random,
    jumps: Random,
    bursts: Option<Recurring>,
    burst: Random,
    /// East and north metres of the burst at hand.
    burst_m: (f64, f64),
    gaps: Option<Recurring>,
}

impl Receiver {
    /// The receiver of a courier.
    #[must_use]
    pub fn new(noise: Noise, seed: u64, courier: u32) -> Self {
        let random = |purpose| Random::of(seed, courier, purpose);
        let recurring = |episodes: Option<Episodes>, purpose| {
            episodes.map(|episodes| Recurring::new(episodes, random(purpose)))
        };
        Self {
            noise,
            drift: Drift { random: random(DRIFT), at: None, east: 0.0, north: 0.0 },
            white: random(WHITE),
            jumps: random(JUMPS),
            bursts: recurring(noise.bursts, BURSTS),
            burst: random(BURST_OFFSET),
            burst_m: (0.0, 0.0),
            gaps: recurring(noise.gaps, GAPS),
        }
    }

    /// What is measured at `t` by a device that really is at `point`; `None`: nothing.
    pub fn measure(&mut self, t: Time, point: Point) -> Option<Point> {
        let (mut east_m, mut north_m) = self.drift.at(t);
        east_m *= self.noise.drift_m;
        north_m *= self.noise.drift_m;
        east_m += self.noise.white_m * self.white.normal();
        north_m += self.noise.white_m * self.white.normal();
        for (east, north) in [self.burst_at(t), self.jump()] {
            east_m += east;
            north_m += north;
        }
        let is_silent = self.gaps.as_mut().is_some_and(|gaps| gaps.is_on(t).share.is_some());
        if is_silent { None } else { Some(moved(point, east_m, north_m)) }
    }

    fn burst_at(&mut self, t: Time) -> (f64, f64) {
        let Some(bursts) = &mut self.bursts else { return (0.0, 0.0) };
        let state = bursts.is_on(t);
        for _ in 0..state.begun {
            self.burst_m = offset(&mut self.burst, BURST_M);
        }
        let Some(share) = state.share else { return (0.0, 0.0) };
        // A reflection grows and fades.
        let size = libm::sin(PI * share);
        (size * self.burst_m.0, size * self.burst_m.1)
    }

    fn jump(&mut self) -> (f64, f64) {
        let is_jump = self.jumps.unit() < self.noise.jump_share;
        if is_jump { offset(&mut self.jumps, JUMP_M) } else { (0.0, 0.0) }
    }
}

/// A Gauss-Markov process per axis of deviation 1, exact for any step of time.
#[derive(Clone, Debug)]
struct Drift {
    random: Random,
    at: Option<Time>,
    east: f64,
    north: f64,
}

impl Drift {
    fn at(&mut self, t: Time) -> (f64, f64) {
        let dt_s = self.at.map(|at| (t - at).max(0) as f64 / SECOND_MS as f64);
        let kept = dt_s.map_or(0.0, |dt_s| libm::exp(-dt_s / CORRELATION_S));
        let fresh = libm::sqrt(1.0 - kept * kept);
        self.east = kept * self.east + fresh * self.random.normal();
        self.north = kept * self.north + fresh * self.random.normal();
        self.at = self.at.max(Some(t));
        (self.east, self.north)
    }
}

/// Episodes as they come, a function of time alone and not of how often it is asked.
#[derive(Clone, Debug)]
pub(super) struct Recurring {
    episodes: Episodes,
    random: Random,
    next: Option<(Time, Time)>,
    has_begun: bool,
}

/// How much of the episode at hand is over, 0..1, and how many have begun since the last question.
pub(super) struct Episode {
    pub(super) share: Option<f64>,
    begun: u32,
}

impl Recurring {
    pub(super) fn new(episodes: Episodes, random: Random) -> Self {
        Self { episodes, random, next: None, has_begun: false }
    }

    pub(super) fn is_on(&mut self, t: Time) -> Episode {
        let mut begun = 0;
        let (mut start, mut end) = match self.next {
            Some(next) => next,
            None => self.after(t),
        };
        loop {
            if t >= start && !self.has_begun {
                self.has_begun = true;
                begun += 1;
            }
            if t < end {
                break;
            }
            (start, end) = self.after(end);
            self.has_begun = false;
        }
        self.next = Some((start, end));
        let share = (t - start) as f64 / (end - start) as f64;
        Episode { share: (t >= start).then_some(share), begun }
    }

    fn after(&mut self, t: Time) -> (Time, Time) {
        let Episodes { every_s, shortest_s, longest_s } = self.episodes;
        let ms = |seconds: f64| libm::round(seconds * SECOND_MS as f64) as i64;
        let start = t + ms(self.random.wait(every_s));
        (start, start + ms(self.random.between(shortest_s, longest_s)).max(1))
    }
}

fn offset(random: &mut Random, (from_m, to_m): (f64, f64)) -> (f64, f64) {
    let (length_m, heading) = (random.between(from_m, to_m), random.unit() * TAU);
    (length_m * libm::cos(heading), length_m * libm::sin(heading))
}

/// The point so far away; the point itself where the globe has none there.
fn moved(point: Point, east_m: f64, north_m: f64) -> Point {
    let scale = Scale::at(point);
    let lat = f64::from(point.lat_e7()) + north_m / scale.lat_m;
    let lon = f64::from(point.lon_e7()) + east_m / scale.lon_m;
    Point::from_e7(libm::round(lat) as i32, libm::round(lon) as i32).unwrap_or(point)
}

/// Correlation time of the drift.
const CORRELATION_S: f64 = 60.0;
/// Length of a burst's offset at its height, even between these; the direction is any.
const BURST_M: (f64, f64) = (20.0, 80.0);
/// Length of a jump. The notes name none; this is what a wrong cell or a reflection does.
const JUMP_M: (f64, f64) = (100.0, 1_000.0);
const DRIFT: u64 = 1;
const WHITE: u64 = 2;
const JUMPS: u64 = 3;
const BURSTS: u64 = 4;
const BURST_OFFSET: u64 = 5;
const GAPS: u64 = 6;
