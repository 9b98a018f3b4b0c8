//! The daemon's clock as its welcomes tell it: never ahead of the real one, since a welcome takes
//! time to come. Also whether a recorded day can happen by that clock at all.

use core::time::Duration;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use tokio::time::{Instant, sleep};

use crate::cli::client::error::ClientError;
use crate::cli::client::frame::Welcome;
use crate::cli::replay::date_time;
use crate::cli::stderr::tell;
use crate::domain::position::AGE_MAX_MS;
use crate::domain::time::{HOUR_MS, SECOND_MS, Time};

/// Follows the daemon's clock.
#[derive(Debug)]
pub(super) struct DaemonClock(Mutex<Seen>);

#[derive(Clone, Copy, Debug)]
struct Seen {
    at: Instant,
    time: Time,
    scale: f64,
}

impl Seen {
    fn of(welcome: &Welcome) -> Self {
        let (at, time) = (Instant::now(), Time::from_ms(welcome.server_time));
        Self { at, time, scale: welcome.time_scale.unwrap_or(1.0) }
    }

    fn now(&self) -> Time {
        self.time + (self.at.elapsed().as_secs_f64() * 1e3 * self.scale) as i64
    }
}

impl DaemonClock {
    /// The clock that a welcome told.
    pub(super) fn new(welcome: &Welcome) -> Self {
        Self(Mutex::new(Seen::of(welcome)))
    }

    /// Sets it by another welcome: a daemon that was started again may have another clock.
    pub(super) fn set(&self, welcome: &Welcome) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Seen::of(welcome);
    }

    /// Waits until the daemon's clock shows that time.
    pub(super) async fn wait_for(&self, time: Time) {
        loop {
            let seen = self.seen();
            let left_ms = time - seen.now();
            if left_ms <= 0 {
                return;
            }
            // In steps, since the clock may be set meanwhile.
            let left = Duration::from_secs_f64(left_ms as f64 / 1e3 / seen.scale);
            sleep(left.clamp(STEP_MIN, STEP_MAX)).await;
        }
    }

    /// Whether a day that begins at `first` can happen.
    pub(super) fn check(&self, first: Time) -> Result<(), ClientError> {
        let seen = self.seen();
        let late_ms = seen.now() - first;
        let wait_s = -late_ms as f64 / 1e3 / seen.scale;
        if late_ms <= AGE_MAX_MS - HOUR_MS && wait_s <= WAIT_MAX_S {
            if late_ms > FRESH_MS {
                tell(format_args!(
                    "warning: the daemon's clock is {} min past the day's first row: what it is \
                     late for raises no notifications",
                    late_ms / (60 * SECOND_MS)
                ));
            }
            return Ok(());
        }
        let why = if late_ms > 0 { "too_old" } else { "future" };
        let start = first - (LEAD_S * SCALE * 1e3) as i64;
        let start = Timestamp::from_millisecond(start.ms()).unwrap_or(Timestamp::UNIX_EPOCH);
        Err(ClientError::Argument(format!(
            "the daemon's clock shows {} UTC and the day begins at {} UTC: its positions would be \
             {why}. Start a daemon whose clock is there and runs faster: doorstep serve \
             --time-scale {SCALE} --time-start {start:.0}",
            date_time(seen.now()),
            date_time(first),
        )))
    }

    fn seen(&self) -> Seen {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const STEP_MIN: Duration = Duration::from_millis(1);
const STEP_MAX: Duration = Duration::from_secs(1);
/// Longest real wait for the first row.
const WAIT_MAX_S: f64 = 600.0;
/// Positions that come later raise no notifications.
const FRESH_MS: i64 = 300 * SECOND_MS;
/// What is proposed: a day in a quarter of an hour, and half a minute to begin.
const SCALE: f64 = 100.0;
const LEAD_S: f64 = 30.0;
