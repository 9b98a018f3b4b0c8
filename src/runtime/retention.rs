//! What is kept for how long, and when the rest goes: at the start and once a night.

use super::clock::Clock;
use super::error::RetentionError;
use super::feed_reader::Feed;
use super::readers::Readers;
use super::tracks::{Keeping, Tracks};
use crate::domain::ids::CompanyId;
use crate::domain::time::{DAY_MS, HOUR_MS, Time};
use crate::storage::catalog::change::Kind;

/// What a daemon keeps beside what companies say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetentionSettings {
    /// The hour of UTC, 0 to 23, in which the rest goes.
    pub hour: u8,
    /// Days for which events are kept.
    pub feed_days: u32,
    /// Most bytes of events.
    pub feed_bytes_max: u64,
}

impl Default for RetentionSettings {
    fn default() -> Self {
        Self { hour: 2, feed_days: 90, feed_bytes_max: u64::MAX }
    }
}

/// Lets go what is too old.
pub struct Retention {
    settings: RetentionSettings,
    clock: Clock,
    readers: Readers,
    tracks: Tracks,
    feed: Feed,
    /// When it is due; `None`: it has not been done since the start.
    due: Option<Time>,
}

/// What went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LetGo {
    /// Files of tracks that were removed or written anew.
    pub track_files: u64,
    /// Segments of the feed that were removed.
    pub feed_segments: u64,
}

impl Retention {
    /// Due at once.
    #[must_use]
    pub const fn new(
        settings: RetentionSettings,
        clock: Clock,
        readers: Readers,
        tracks: Tracks,
        feed: Feed,
    ) -> Self {
        Self { settings, clock, readers, tracks, feed, due: None }
    }

    /// Does it if it is due; `None`: it is not. Blocks.
    ///
    /// # Errors
    /// The catalog cannot be read, or the node has stopped: it stays due.
    pub fn run_if_due(&mut self) -> Result<Option<LetGo>, RetentionError> {
        let now = self.clock.now();
        if self.due.is_some_and(|due| now < due) {
            return Ok(None);
        }
        let track_files = self.tracks.sweep_old_blocking(self.keeping(now)?)?;
        let RetentionSettings { hour, feed_days, feed_bytes_max } = self.settings;
        let since = now + -i64::from(feed_days) * DAY_MS;
        let feed_segments = self.feed.let_go(since, feed_bytes_max)?;
        self.due = Some(next_night(now, hour));
        Ok(Some(LetGo { track_files, feed_segments }))
    }

    fn keeping(&self, now: Time) -> Result<Keeping, RetentionError> {
        let days = self.readers.read(|catalog| {
            let mut days = Vec::new();
            catalog.each_field_ever(Kind::Company, "retention_days", ALL, |company, kept| {
                days.push((CompanyId(company as u32), kept.min(u64::from(u32::MAX)) as u32));
            })?;
            Ok(days)
        })?;
        Ok(Keeping { now, days: days.into_iter().collect(), days_default: DAYS_DEFAULT })
    }
}

/// The first instant after `now` at which that hour begins.
fn next_night(now: Time, hour: u8) -> Time {
    let midnight = now.ms().div_euclid(DAY_MS) * DAY_MS;
    let night = Time::from_ms(midnight) + i64::from(hour) * HOUR_MS;
    if night > now { night } else { night + DAY_MS }
}

/// Days for which a company keeps positions that says nothing.
const DAYS_DEFAULT: u32 = 90;

/// Every id there can be.
const ALL: core::ops::Range<u64> = 0..1 << 62;
