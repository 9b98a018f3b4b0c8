//! The couriers of the canonical workload as far as an index of places sees them: where each is at
//! every step. Knows no orders and no index; the same seed walks the same way.

use core::f64::consts::TAU;

use crate::cli::random::Random;
use crate::domain::geo::{Point, Scale};

/// Couriers who walk in cities of [`CITY_COURIERS`] each on a grid of one degree.
pub struct IndexFleet {
    walkers: Vec<Walker>,
    cities: Vec<City>,
    /// Slots in the order in which a step reports them.
    order: Vec<u32>,
    random: Random,
}

impl IndexFleet {
    /// So many couriers, each at a random phase of a leg.
    #[must_use]
    pub fn new(couriers: u32, seed: u64) -> Self {
        let mut random = Random(seed);
        let cities = cities(couriers.div_ceil(CITY_COURIERS));
        let mut walkers = Vec::with_capacity(couriers as usize);
        for courier in 0..couriers {
            let city = &cities[(courier / CITY_COURIERS) as usize];
            let mut walker = Walker::new(city, &mut random);
            for _ in 0..random.below(CYCLE_STEPS) {
                walker.step(city, &mut random);
            }
            walkers.push(walker);
        }
        let mut order: Vec<u32> = (0..couriers).collect();
        for i in (1..order.len()).rev() {
            order.swap(i, random.below(i as u32 + 1) as usize);
        }
        Self { walkers, cities, order, random }
    }

    /// Moves every courier by one step.
    pub fn step(&mut self) {
        for (slot, walker) in self.walkers.iter_mut().enumerate() {
            walker.step(&self.cities[slot / CITY_COURIERS as usize], &mut self.random);
        }
    }

    /// Where each courier is reported, by slot.
    #[must_use]
    pub fn points(&self) -> Vec<Point> {
        self.walkers.iter().map(|walker| walker.reported).collect()
    }

    /// Slot and reported point of every courier, in shuffled order.
    pub fn reports(&self) -> impl Iterator<Item = (u32, Point)> {
        self.order.iter().map(|&slot| (slot, self.walkers[slot as usize].reported))
    }

    /// A random point in a random city.
    pub fn somewhere(&mut self) -> Point {
        let city = &self.cities[self.random.below(self.cities.len() as u32) as usize];
        city.point(self.random.about(CITY_M / 2.0), self.random.about(CITY_M / 2.0))
    }
}

/// One courier: rides a leg straight on, parks, turns.
struct Walker {
    east_m: f64,
    north_m: f64,
    step_east_m: f64,
    step_north_m: f64,
    riding_steps: u32,
    parked_steps: u32,
    reported: Point,
}

impl Walker {
    fn new(city: &City, random: &mut Random) -> Self {
        let mut walker = Self {
            east_m: random.about(CITY_M / 2.0),
            north_m: random.about(CITY_M / 2.0),
            step_east_m: 0.0,
            step_north_m: 0.0,
            riding_steps: 0,
            parked_steps: 0,
            reported: city.centre,
        };
        walker.step(city, random);
        walker
    }

    fn step(&mut self, city: &City, random: &mut Random) {
        if self.riding_steps > 0 {
            self.riding_steps -= 1;
            self.east_m += self.step_east_m;
            self.north_m += self.step_north_m;
        } else if self.parked_steps > 0 {
            self.parked_steps -= 1;
        } else {
            self.turn(random);
        }
        let (jitter_east_m, jitter_north_m) = (random.about(JITTER_M), random.about(JITTER_M));
        self.reported = city.point(self.east_m + jitter_east_m, self.north_m + jitter_north_m);
    }

    fn turn(&mut self, random: &mut Random) {
        let heading = random.unit() * TAU;
        self.step_east_m = STEP_M * libm::sin(heading);
        self.step_north_m = STEP_M * libm::cos(heading);
        self.riding_steps = ((LEG_MIN_M + LEG_SPAN_M * random.unit()) / STEP_M) as u32;
        self.parked_steps = PARKED_STEPS;
    }
}

struct City {
    centre: Point,
    scale: Scale,
}

impl City {
    fn point(&self, east_m: f64, north_m: f64) -> Point {
        let lat_e7 = self.centre.lat_e7() + (north_m / self.scale.lat_m) as i32;
        let lon_e7 = self.centre.lon_e7() + (east_m / self.scale.lon_m) as i32;
        Point::from_e7(lat_e7, lon_e7).expect("cities lie on the northern, eastern mainland")
    }
}

/// A square of cities from [`SOUTH_DEG`], [`WEST_DEG`] on.
fn cities(number: u32) -> Vec<City> {
    let mut side = 1;
    while side * side < number {
        side += 1;
    }
    (0..number)
        .map(|city| {
            let lat = SOUTH_DEG + f64::from(city / side);
            let lon = WEST_DEG + f64::from(city % side);
            let centre = Point::from_degrees(lat, lon).expect("at most 40 by 40 cities");
            City { centre, scale: Scale::at(centre) }
        })
        .collect()
}

/// Couriers of one city.
pub const CITY_COURIERS: u32 = 10_000;
/// Most couriers of a fleet: 40 by 40 cities.
pub const FLEET_COURIERS_MAX: u32 = 1_600 * CITY_COURIERS;
/// Steps of an average leg with its parking: after so many, a fleet has forgotten how it began.
pub const CYCLE_STEPS: u32 = 31;

/// Side of the square of a city.
const CITY_M: f64 = 40_000.0;
const SOUTH_DEG: f64 = 45.0;
const WEST_DEG: f64 = 5.0;
const STEP_M: f64 = 40.0;
const JITTER_M: f64 = 5.0;
const LEG_MIN_M: f64 = 300.0;
const LEG_SPAN_M: f64 = 900.0;
const PARKED_STEPS: u32 = 12;
