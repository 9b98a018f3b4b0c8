//! A shard that stands as long as a test wants it to.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use doorstep::domain::geo::Point;
use doorstep::domain::route::RoutingMode;
use doorstep::engine::travel_time::TravelTime;

/// Travel times that nobody learns while the gate is held: the shard stands.
pub struct Gated(pub Arc<Mutex<()>>);

impl TravelTime for Gated {
    fn travel_ms(&self, _: Point, _: Point, _: RoutingMode) -> i64 {
        drop(hold(&self.0));
        60_000
    }
}

/// Shuts the gate until the guard is dropped.
pub fn hold(gate: &Mutex<()>) -> MutexGuard<'_, ()> {
    gate.lock().unwrap_or_else(PoisonError::into_inner)
}
