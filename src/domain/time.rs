//! Engine time: UTC in whole milliseconds. Knows no clock and no time zone.

use core::ops::{Add, Sub};

/// An instant in milliseconds since the Unix epoch, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(i64);

impl Time {
    /// Earlier than every instant that can be written.
    pub const DISTANT_PAST: Self = Self(i64::MIN / 4);
    /// Later than every instant that can be written.
    pub const DISTANT_FUTURE: Self = Self(i64::MAX / 4);

    /// The instant `ms` milliseconds after the Unix epoch, kept between
    /// [`Self::DISTANT_PAST`] and [`Self::DISTANT_FUTURE`] so that sums cannot overflow.
    #[must_use]
    pub const fn from_ms(ms: i64) -> Self {
        if ms < Self::DISTANT_PAST.0 {
            Self::DISTANT_PAST
        } else if ms > Self::DISTANT_FUTURE.0 {
            Self::DISTANT_FUTURE
        } else {
            Self(ms)
        }
    }

    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub const fn ms(self) -> i64 {
        self.0
    }
}

/// Later by so many milliseconds.
impl Add<i64> for Time {
    type Output = Self;

    fn add(self, ms: i64) -> Self {
        Self::from_ms(self.0.saturating_add(ms))
    }
}

/// Earlier by so many milliseconds.
impl Sub<i64> for Time {
    type Output = Self;

    fn sub(self, ms: i64) -> Self {
        Self::from_ms(self.0.saturating_sub(ms))
    }
}

/// Milliseconds from the right-hand instant to the left-hand one.
impl Sub for Time {
    type Output = i64;

    fn sub(self, earlier: Self) -> i64 {
        self.0 - earlier.0
    }
}

/// A time allowed for a visit: `start <= end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeWindow {
    /// First allowed instant.
    pub start: Time,
    /// Last allowed instant.
    pub end: Time,
}

/// Milliseconds in a second.
pub const SECOND_MS: i64 = 1_000;
/// Milliseconds in an hour.
pub const HOUR_MS: i64 = 3_600 * SECOND_MS;
/// Milliseconds in a day.
pub const DAY_MS: i64 = 24 * HOUR_MS;
