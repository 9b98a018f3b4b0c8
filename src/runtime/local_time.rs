//! Resolves the local times of the API documents (`time_interval`, `route_start`, `route_finish`)
//! into UTC: which forms are accepted, what a missing day means, and what happens where the
//! clocks change. Knows no route, no order and no clock.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

use super::error::LocalTimeError;
use crate::domain::time::{Time, TimeWindow};

/// The day from whose midnight local times count: a date in a time zone.
#[derive(Clone, Debug)]
pub struct LocalDay {
    date: Date,
    zone: TimeZone,
}

impl LocalDay {
    /// The day of that date.
    #[must_use]
    pub const fn new(date: Date, zone: TimeZone) -> Self {
        Self { date, zone }
    }

    /// The day on which an instant falls.
    ///
    /// # Errors
    /// The instant is outside the years that a calendar has.
    pub fn containing(time: Time, zone: TimeZone) -> Result<Self, LocalTimeError> {
        let timestamp = Timestamp::from_millisecond(time.ms())
            .map_err(|_| LocalTimeError::Range(format!("{} ms", time.ms())))?;
        Ok(Self { date: zone.to_datetime(timestamp).date(), zone })
    }

    /// A `route_start`: `[d.]HH:MM[:SS]`, before 24:00.
    ///
    /// # Errors
    /// Another form, or 24:00.
    pub fn route_start(&self, text: &str) -> Result<Time, LocalTimeError> {
        let clock = route_clock(text)?;
        if clock.is_24 {
            return Err(LocalTimeError::StartsAt24(text.to_owned()));
        }
        self.at(clock.second, text)
    }

    /// A `route_finish`: `[d.]HH:MM[:SS]`, up to 24:00. No day is guessed.
    ///
    /// # Errors
    /// Another form.
    pub fn route_finish(&self, text: &str) -> Result<Time, LocalTimeError> {
        self.at(route_clock(text)?.second, text)
    }

    /// A `time_interval` in either of its forms. An end not after its start means the next day.
    ///
    /// # Errors
    /// Another form, 24 as a start, or an end before its start.
    pub fn window(&self, text: &str) -> Result<TimeWindow, LocalTimeError> {
        if let Some((start, end)) = text.split_once('/') {
            return window_between(start, end, text);
        }
        let seconds = interval_seconds(text)?;
        let (start, end) = (self.at(seconds.start, text)?, self.at(seconds.end, text)?);
        // A start in a gap of the clocks moves forward, maybe past the end.
        Ok(TimeWindow { start, end: end.max(start) })
    }

    /// The instant at which the wall clock shows that many seconds after midnight of this day. In
    /// a gap of the clocks it moves forward by the gap, in an overlap it is the first.
    fn at(&self, second: i64, text: &str) -> Result<Time, LocalTimeError> {
        let range = |_| LocalTimeError::Range(text.to_owned());
        let (days, second) = (second.div_euclid(DAY_S), second.rem_euclid(DAY_S));
        let date = self.date.checked_add(Span::new().days(days)).map_err(range)?;
        let (hour, minute) = ((second / HOUR_S) as i8, (second / MINUTE_S % 60) as i8);
        let wall = date.at(hour, minute, (second % MINUTE_S) as i8, 0);
        let timestamp = self.zone.to_ambiguous_timestamp(wall).compatible().map_err(range)?;
        Ok(Time::from_ms(timestamp.as_millisecond()))
    }
}

/// The time zone of an IANA name, from the database that is built in.
///
/// # Errors
/// No such name.
pub fn zone(name: &str) -> Result<TimeZone, LocalTimeError> {
    TimeZone::get(name).map_err(|_| LocalTimeError::Zone(name.to_owned()))
}

/// A date, `YYYY-MM-DD`.
///
/// # Errors
/// Another form, or no such day.
pub fn date(text: &str) -> Result<Date, LocalTimeError> {
    let refused = || LocalTimeError::Date(text.to_owned());
    if text.len() != "YYYY-MM-DD".len() {
        return Err(refused());
    }
    text.parse().map_err(|_| refused())
}

/// The date in UTC on which an instant falls, `YYYY-MM-DD`; beyond the calendar its nearest end.
#[must_use]
pub fn utc_date(time: Time) -> String {
    let end = if time.ms() < 0 { Timestamp::MIN } else { Timestamp::MAX };
    let timestamp = Timestamp::from_millisecond(time.ms()).unwrap_or(end);
    timestamp.to_zoned(TimeZone::UTC).date().to_string()
}

/// An instant as the wall clock of a zone shows it, to the second and with its offset.
#[must_use]
pub fn with_offset(time: Time, zone: &TimeZone) -> String {
    let end = if time.ms() < 0 { Timestamp::MIN } else { Timestamp::MAX };
    let timestamp = Timestamp::from_millisecond(time.ms()).unwrap_or(end);
    timestamp.to_zoned(zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

/// An instant in ISO 8601 with an offset or `Z`, rounded to the millisecond.
///
/// # Errors
/// Another form, no offset, or before the year 1.
pub fn instant(text: &str) -> Result<Time, LocalTimeError> {
    let timestamp: Timestamp =
        text.parse().map_err(|_| LocalTimeError::Instant(text.to_owned()))?;
    let ms = (timestamp.as_nanosecond() + HALF_MS_NS).div_euclid(MS_NS) as i64;
    // What cannot be written again with a year of four digits is taken by nobody.
    if ms < FIRST_MS {
        return Err(LocalTimeError::Range(text.to_owned()));
    }
    Ok(Time::from_ms(ms))
}

/// A `T - T` in wall seconds from midnight: `time_interval_secs`. The end is past 86,400 where it
/// lies on the next day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IntervalSeconds {
    /// Start, from 0.
    pub start: i64,
    /// End, after the start.
    pub end: i64,
}

/// The wall seconds of `T - T` or `T-T`.
///
/// # Errors
/// Another form, 24 as a start, or an end before its start.
pub fn interval_seconds(text: &str) -> Result<IntervalSeconds, LocalTimeError> {
    let parts = text.split_once('-').map(|(start, end)| (clock(start.trim()), clock(end.trim())));
    let Some((Some(start), Some(end))) = parts else {
        return Err(LocalTimeError::Interval(text.to_owned()));
    };
    if start.is_24 {
        return Err(LocalTimeError::StartsAt24(text.to_owned()));
    }
    let next_day = if end.second <= start.second { DAY_S } else { 0 };
    let end = end.second + next_day;
    if end <= start.second {
        return Err(LocalTimeError::EndsBeforeStart(text.to_owned()));
    }
    Ok(IntervalSeconds { start: start.second, end })
}

/// A `time_interval` of two instants, which needs no day.
///
/// # Errors
/// Another form, or an end before its start.
pub fn absolute_window(text: &str) -> Result<TimeWindow, LocalTimeError> {
    let parts = text.split_once('/');
    let (start, end) = parts.ok_or_else(|| LocalTimeError::Interval(text.to_owned()))?;
    window_between(start, end, text)
}

fn window_between(start: &str, end: &str, text: &str) -> Result<TimeWindow, LocalTimeError> {
    let refused = |_| LocalTimeError::Interval(text.to_owned());
    let start = instant(start.trim()).map_err(refused)?;
    let end = instant(end.trim()).map_err(refused)?;
    if end < start {
        return Err(LocalTimeError::EndsBeforeStart(text.to_owned()));
    }
    Ok(TimeWindow { start, end })
}

fn route_clock(text: &str) -> Result<Clock, LocalTimeError> {
    clock(text.trim())
        .filter(|clock| clock.has_minutes)
        .ok_or_else(|| LocalTimeError::RouteTime(text.to_owned()))
}

/// A written time of day with its day prefix.
#[derive(Clone, Copy)]
struct Clock {
    second: i64,
    has_minutes: bool,
    is_24: bool,
}

/// `[d.]H`, `[d.]HH`, `[d.]HH:MM` or `[d.]HH:MM:SS`, at most 24:00:00.
fn clock(text: &str) -> Option<Clock> {
    let (days, time) = match text.split_once('.') {
        Some((days, time)) => (number(days, 1..=DAY_DIGITS_MAX)?, time),
        None => (0, text),
    };
    let mut parts = time.split(':');
    let hour = number(parts.next()?, 1..=2)?;
    let minute = parts.next().map_or(Some(0), |part| number(part, 2..=2))?;
    let second = parts.next().map_or(Some(0), |part| number(part, 2..=2))?;
    let is_past_24 = hour > 24 || hour == 24 && minute + second > 0;
    if parts.next().is_some() || is_past_24 || minute > 59 || second > 59 {
        return None;
    }
    Some(Clock {
        second: days * DAY_S + hour * HOUR_S + minute * MINUTE_S + second,
        has_minutes: time.contains(':'),
        is_24: hour == 24,
    })
}

fn number(digits: &str, lengths: core::ops::RangeInclusive<usize>) -> Option<i64> {
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_number && lengths.contains(&digits.len()) { digits.parse().ok() } else { None }
}

const MINUTE_S: i64 = 60;
const HOUR_S: i64 = 3_600;
const DAY_S: i64 = 86_400;
const DAY_DIGITS_MAX: usize = 3;
const MS_NS: i128 = 1_000_000;
/// 0001-01-01T00:00:00Z, Unix milliseconds.
const FIRST_MS: i64 = -62_135_596_800_000;
const HALF_MS_NS: i128 = MS_NS / 2;
