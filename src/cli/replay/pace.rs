//! Holds a replay back so that a recorded day passes at a chosen speed.

use std::thread;
use std::time::{Duration, Instant};

use crate::domain::time::Time;

/// Recorded seconds per real second.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    speed: f64,
    began: Option<(Instant, Time)>,
}

impl Pace {
    /// A pace; `speed` is over 0.
    #[must_use]
    pub const fn new(speed: f64) -> Self {
        Self { speed, began: None }
    }

    /// Waits until it is that time. The first call sets the beginning.
    pub(super) fn wait_for(&mut self, time: Time) {
        let (began, first) = *self.began.get_or_insert_with(|| (Instant::now(), time));
        let due_s = (time - first) as f64 / 1e3 / self.speed;
        let left_s = due_s - began.elapsed().as_secs_f64();
        if left_s > 0.0 {
            thread::sleep(Duration::from_secs_f64(left_s.min(WAIT_MAX_S)));
        }
    }
}

/// Longest single wait: nobody watches a pause of a day.
const WAIT_MAX_S: f64 = 86_400.0;
