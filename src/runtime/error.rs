//! What this layer refuses, in words that say what was expected.

use thiserror::Error;

/// Why a written time is not one.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LocalTimeError {
    /// Not an IANA time zone.
    #[error("\"{0}\" is not a time zone: expected an IANA name such as Europe/Berlin or UTC")]
    Zone(String),
    /// Not a date.
    #[error("\"{0}\" is not a date: expected YYYY-MM-DD")]
    Date(String),
    /// Not an instant.
    #[error(
        "\"{0}\" is not a time: expected ISO 8601 with an offset or Z, \
         such as 2018-09-06T10:15:00+03:00"
    )]
    Instant(String),
    /// Neither of the two forms of `time_interval`.
    #[error(
        "\"{0}\" is not a time interval: expected \"T - T\" with T = [d.]HH, HH:MM or HH:MM:SS, \
         or two ISO 8601 times with offsets, such as \
         2018-09-06T10:15:00+03:00/2018-09-06T12:45:00+03:00"
    )]
    Interval(String),
    /// Not a time of day as routes have them.
    #[error("\"{0}\" is not a time of day: expected [d.]HH:MM or [d.]HH:MM:SS")]
    RouteTime(String),
    /// 24 as a start.
    #[error(
        "\"{0}\" starts at 24: 24 is allowed as an end only; write 0, or 1.00 for the next day"
    )]
    StartsAt24(String),
    /// The end lies before the start even when it means the next day.
    #[error("\"{0}\" ends before it starts, even when its end means the next day")]
    EndsBeforeStart(String),
    /// Outside the years that can be written.
    #[error("\"{0}\" is outside the years 1 to 9999")]
    Range(String),
}

/// Why a token cannot be drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AccessError {
    /// The operating system has no randomness to give.
    #[error("failed to draw a token: the operating system gives no random bytes")]
    Randomness,
}
