//! Travel times that panic on the way to a stop, when they are told to: what a fault in the engine
//! looks like from outside.

use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering};
use std::sync::{Arc, Once};

use doorstep::domain::geo::Point;
use doorstep::domain::route::RoutingMode;
use doorstep::engine::travel_time::TravelTime;
use doorstep::travel::straight_line::StraightLine;

/// Where the way leads to that nobody can compute. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Trap {
    /// Latitude of the stops; 0: there is no trap.
    lat_e7: Arc<AtomicI32>,
    sprung: Arc<AtomicUsize>,
}

impl Trap {
    /// Every way to stops of this latitude panics from now on.
    pub fn set(&self, point: Point) {
        self.lat_e7.store(point.lat_e7(), Ordering::Relaxed);
    }

    /// All ways are good again.
    pub fn lift(&self) {
        self.lat_e7.store(0, Ordering::Relaxed);
    }

    /// How often it has panicked.
    pub fn sprung(&self) -> usize {
        self.sprung.load(Ordering::Relaxed)
    }

    /// The travel times.
    pub fn travel(&self) -> Box<dyn TravelTime> {
        hush();
        Box::new(Trapped { trap: self.clone(), inner: StraightLine::default() })
    }
}

struct Trapped {
    trap: Trap,
    inner: StraightLine,
}

impl TravelTime for Trapped {
    fn travel_ms(&self, from: Point, to: Point, mode: RoutingMode) -> i64 {
        let trap = self.trap.lat_e7.load(Ordering::Relaxed);
        if trap != 0 && to.lat_e7() == trap {
            self.trap.sprung.fetch_add(1, Ordering::Relaxed);
            panic!("{TRAPPED}");
        }
        self.inner.travel_ms(from, to, mode)
    }
}

/// Panics that are meant say nothing.
fn hush() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let is_meant = info.payload_as_str().is_some_and(|text| text == TRAPPED);
            if !is_meant {
                usual(info);
            }
        }));
    });
}

const TRAPPED: &str = "the simulation's trap";
