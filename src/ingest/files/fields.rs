//! The fields of a row: which names they have, what their texts may say, and how they make a
//! position. Knows no file format: it is given a look-up from name to text.

use super::{FileError, Origin, Row};
use crate::domain::geo::{Point, PointError};
use crate::domain::position::{Accuracy, Position, Source};
use crate::domain::time::Time;
use crate::runtime::local_time::instant;

/// Every name that means something.
pub(super) const NAMES: [&str; 13] = [
    COURIER,
    "t",
    "t_s",
    "time",
    "timestamp",
    LAT,
    LON,
    "accuracy",
    "speed_mps",
    "heading_deg",
    "source",
    "received",
    BATCH,
];
/// The name of the batch's field.
pub(super) const BATCH: &str = "batch";
/// The name of the courier's field.
pub(super) const COURIER: &str = "courier";
/// The name of the latitude's field.
pub(super) const LAT: &str = "lat";
/// The name of the longitude's field.
pub(super) const LON: &str = "lon";

/// What every row of a file shares.
pub(super) struct Context {
    pub(super) file: String,
    pub(super) origin: Origin,
}

impl Context {
    /// The row of these fields; `text` gives the trimmed text of a field, `None` where it is
    /// absent or empty.
    pub(super) fn row<'a>(
        &self,
        line: u64,
        time: TimeForm,
        text: impl Fn(&str) -> Option<&'a str>,
    ) -> Result<Row, FileError> {
        let at = |field: &'static str| Field { context: self, line, name: field };
        let needed =
            |field: &'static str| text(field).ok_or_else(|| at(field).refuse("is missing"));
        let courier = text(COURIER).or(self.origin.sole_courier.as_deref());
        let courier = courier.ok_or_else(|| at(COURIER).refuse("is missing"))?.to_owned();
        let device_time = at(time.name()).time(time, needed(time.name())?)?;
        let (lat, lon) = (at(LAT).number(needed(LAT)?)?, at(LON).number(needed(LON)?)?);
        let optional = |field| text(field).map(|text| at(field).number(text)).transpose();
        let accuracy = optional("accuracy")?;
        let speed = optional("speed_mps")?;
        let heading = optional("heading_deg")?;
        let source = text("source").map(|text| at("source").source(text)).transpose()?;
        let received = text("received").map(|text| at("received").time(time, text)).transpose()?;
        let point = Point::from_degrees(lat, lon).map_err(|source| FileError::Invalid {
            file: self.file.clone(),
            line,
            field: culprit(source, lat),
            source,
        })?;
        let position = Position {
            accuracy_m: accuracy.and_then(|metres| Accuracy::new(metres as f32)),
            speed_mps: speed.filter(|speed| (0.0..=SPEED_MAX).contains(speed)).map(|v| v as f32),
            heading_deg: heading.filter(|deg| (0.0..=360.0).contains(deg)).map(turn),
            source: source.unwrap_or(Source::App),
            ..Position::bare(device_time, point)
        };
        Ok(Row { line, courier, position, received, batch: text(BATCH).map(str::to_owned) })
    }

    /// A refusal of one field of one row.
    pub(super) fn refuse(&self, line: u64, field: &str, problem: impl Into<String>) -> FileError {
        FileError::Row {
            file: self.file.clone(),
            line,
            field: field.to_owned(),
            problem: problem.into(),
        }
    }

    /// A refusal of the whole file.
    pub(super) fn unreadable(&self, problem: impl Into<String>) -> FileError {
        FileError::Unreadable { file: self.file.clone(), problem: problem.into() }
    }

    /// Refuses a file that names no couriers where the plan has several.
    pub(super) fn need_sole_courier(&self) -> Result<(), FileError> {
        if self.origin.sole_courier.is_some() {
            return Ok(());
        }
        Err(self.unreadable("names no courier, and the plan does not have exactly one"))
    }
}

/// How a row says when it was taken. `received` has the same form.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum TimeForm {
    /// `t`: seconds since the plan's epoch.
    T,
    /// `t_s`: the same.
    Ts,
    /// `time`: ISO 8601.
    Time,
    /// `timestamp`: Unix seconds.
    Timestamp,
}

impl TimeForm {
    /// The one form whose name is present.
    pub(super) fn among(is_present: impl Fn(&str) -> bool) -> Result<Self, &'static str> {
        let forms = [Self::T, Self::Ts, Self::Time, Self::Timestamp];
        let mut present = forms.into_iter().filter(|form| is_present(form.name()));
        match (present.next(), present.next()) {
            (Some(form), None) => Ok(form),
            (None, _) => Err("no time: one of t, t_s, time, timestamp is needed"),
            (Some(_), Some(_)) => Err("several times: only one of t, t_s, time, timestamp may be"),
        }
    }

    /// The name of its field.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::T => "t",
            Self::Ts => "t_s",
            Self::Time => "time",
            Self::Timestamp => "timestamp",
        }
    }
}

/// One field of one row, for its refusal.
struct Field<'a> {
    context: &'a Context,
    line: u64,
    name: &'static str,
}

impl Field<'_> {
    fn time(&self, form: TimeForm, text: &str) -> Result<Time, FileError> {
        let base_ms = match form {
            TimeForm::Time => return instant(text).map_err(|error| self.refuse(error.to_string())),
            TimeForm::T | TimeForm::Ts => self.context.origin.epoch_ms,
            TimeForm::Timestamp => 0,
        };
        let seconds = self.number(text)?;
        if !(-SECONDS_MAX..=SECONDS_MAX).contains(&seconds) {
            return Err(self.refuse(format!("\"{text}\" is not a time in seconds")));
        }
        Ok(Time::from_ms(base_ms + libm::round(seconds * 1e3) as i64))
    }

    fn number(&self, text: &str) -> Result<f64, FileError> {
        text.parse().map_err(|_| self.refuse(format!("\"{text}\" is not a number")))
    }

    fn source(&self, text: &str) -> Result<Source, FileError> {
        Source::from_name(text).ok_or_else(|| {
            let names = Source::ALL.map(Source::name).join(", ");
            self.refuse(format!("\"{text}\" is not one of {names}"))
        })
    }

    fn refuse(&self, problem: impl Into<String>) -> FileError {
        self.context.refuse(self.line, self.name, problem)
    }
}

/// The field to blame for coordinates that are no place.
fn culprit(error: PointError, lat: f64) -> &'static str {
    match error {
        PointError::NotFinite if lat.is_finite() => LON,
        PointError::NotFinite | PointError::Latitude => LAT,
        PointError::Longitude => LON,
        PointError::NullIsland => "lat, lon",
    }
}

/// A full turn is north.
fn turn(heading_deg: f64) -> f32 {
    if heading_deg >= 360.0 { 0.0 } else { heading_deg as f32 }
}

/// The last second of the year 9999.
const SECONDS_MAX: f64 = 253_402_300_799.0;
/// What a device states above this (the speed of light) is not a speed.
const SPEED_MAX: f64 = 299_792_458.0;
