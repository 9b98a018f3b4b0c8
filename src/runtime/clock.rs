//! The one clock. Real time, real time run faster from a given start, or a time that tests set.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::domain::time::Time;

/// A clock that never steps back. Clones are the same clock.
#[derive(Clone, Debug)]
pub struct Clock {
    body: Arc<Body>,
}

#[derive(Debug)]
struct Body {
    /// The latest time that was told; of a manual clock, the time.
    told_ms: AtomicI64,
    source: Source,
    made: Instant,
}

#[derive(Debug)]
enum Source {
    Real,
    Scaled {
        began: OnceLock<Instant>,
        start: Time,
        scale: f64,
    },
    Manual,
    /// As manual, and no real time passes beside it.
    Simulated,
}

impl Clock {
    /// Real time, UTC.
    #[must_use]
    pub fn real() -> Self {
        Self::new(Source::Real, i64::MIN)
    }

    /// A clock that shows `start` now (`None`: real time) and runs `scale` times as fast.
    #[must_use]
    pub fn scaled(scale: f64, start: Option<Time>) -> Self {
        let clock = Self::scaled_later(scale, start);
        clock.begin();
        clock
    }

    /// The same, but it stands still until [`Self::begin`]: the settings `--time-scale` and
    /// `--time-start`.
    #[must_use]
    pub fn scaled_later(scale: f64, start: Option<Time>) -> Self {
        let start = start.unwrap_or_else(|| Time::from_ms(real_ms()));
        Self::new(Source::Scaled { began: OnceLock::new(), start, scale }, i64::MIN)
    }

    /// A clock that shows `start` until [`Self::advance`] is called.
    #[must_use]
    pub fn manual(start: Time) -> Self {
        Self::new(Source::Manual, start.ms())
    }

    /// A manual clock beside which no real time passes: what waits by real time elsewhere waits by
    /// this clock.
    #[must_use]
    pub fn simulated(start: Time) -> Self {
        Self::new(Source::Simulated, start.ms())
    }

    fn new(source: Source, told_ms: i64) -> Self {
        let told_ms = AtomicI64::new(told_ms);
        Self { body: Arc::new(Body { told_ms, source, made: Instant::now() }) }
    }

    /// The time: never earlier than what was told before.
    #[must_use]
    pub fn now(&self) -> Time {
        let ms = match &self.body.source {
            Source::Real => real_ms(),
            Source::Scaled { began, start, scale } => {
                let real_s = began.get().map_or(0.0, |began| began.elapsed().as_secs_f64());
                start.ms() + (real_s * 1e3 * scale) as i64
            }
            Source::Manual | Source::Simulated => {
                return Time::from_ms(self.body.told_ms.load(Ordering::SeqCst));
            }
        };
        Time::from_ms(self.body.told_ms.fetch_max(ms, Ordering::SeqCst).max(ms))
    }

    /// Real time since some instant, however fast the clock runs: for what waits by real time.
    #[must_use]
    pub fn real_time(&self) -> Duration {
        match self.body.source {
            Source::Simulated => {
                let ms = self.body.told_ms.load(Ordering::SeqCst);
                Duration::from_millis(ms.unsigned_abs())
            }
            Source::Real | Source::Scaled { .. } | Source::Manual => self.body.made.elapsed(),
        }
    }

    /// Lets a scaled clock run, once what takes time at the start is done; others run anyway.
    pub fn begin(&self) {
        if let Source::Scaled { began, .. } = &self.body.source {
            began.get_or_init(Instant::now);
        }
    }

    /// Moves a manual clock on; others take no notice.
    pub fn advance(&self, ms: i64) {
        if matches!(self.body.source, Source::Manual | Source::Simulated) {
            self.body.told_ms.fetch_add(ms.max(0), Ordering::SeqCst);
        }
    }

    /// How much faster than real time it runs; `None`: it does not.
    #[must_use]
    pub fn scale(&self) -> Option<f64> {
        match self.body.source {
            Source::Scaled { scale, .. } => Some(scale),
            Source::Real | Source::Manual | Source::Simulated => None,
        }
    }
}

fn real_ms() -> i64 {
    // Before 1970 the machine's clock is wrong, and any time will do.
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64)
}
