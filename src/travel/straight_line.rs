//! The default model: straight-line distance with a detour factor at one speed per mode.

use crate::domain::geo::{Point, distance_m};
use crate::domain::route::RoutingMode;
use crate::engine::travel_time::TravelTime;

/// Distance x detour / speed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StraightLine {
    /// Road metres per straight metre, 1 or more.
    pub detour: f64,
    /// Metres per second by car.
    pub driving_mps: f64,
    /// Metres per second on foot.
    pub walking_mps: f64,
    /// Metres per second by bicycle.
    pub bicycle_mps: f64,
    /// Metres per second by public transport.
    pub transit_mps: f64,
}

impl Default for StraightLine {
    fn default() -> Self {
        Self { detour: 1.3, driving_mps: 7.0, walking_mps: 1.3, bicycle_mps: 4.0, transit_mps: 5.0 }
    }
}

impl TravelTime for StraightLine {
    fn travel_ms(&self, from: Point, to: Point, mode: RoutingMode) -> i64 {
        let mps = match mode {
            RoutingMode::Driving => self.driving_mps,
            RoutingMode::Walking => self.walking_mps,
            RoutingMode::Bicycle => self.bicycle_mps,
            RoutingMode::Transit => self.transit_mps,
        };
        libm::round(distance_m(to, from) * self.detour / mps * 1e3) as i64
    }
}
