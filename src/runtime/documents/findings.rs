//! What is wrong with a plan and where: errors that refuse it, warnings that do not. Also the
//! checks that many rooms need, each of which says what is allowed.

use std::fmt::{Display, Write};

use crate::domain::geo::Point;
use crate::domain::policy::{RADIUS_MAX_M, Radius};
use crate::domain::position::{Source, SourceSet};
use crate::runtime::documents::limits::{NUMBER_CHARS_MAX, SECONDS_MAX};

/// A place in the file, such as `routes[0].orders[3].lat`.
#[derive(Clone, Debug)]
pub(crate) struct Place(String);

impl Place {
    /// A key of the whole file.
    pub(crate) fn root(key: &str) -> Self {
        Self(key.to_owned())
    }

    /// A key of the object here.
    pub(crate) fn key(&self, key: &str) -> Self {
        Self(format!("{}.{key}", self.0))
    }

    /// The root of a request that is one object.
    pub(crate) const fn object() -> Self {
        Self(String::new())
    }

    /// An entry of a request that is a list.
    pub(crate) fn item(index: usize) -> Self {
        Self(format!("[{index}]"))
    }

    /// A path as serde names it, below here.
    pub(crate) fn path(&self, path: &str) -> Self {
        if path == "." { self.clone() } else { self.key(path) }
    }

    /// The place as a JSON pointer, such as `/orders/3/lat`.
    pub(crate) fn pointer(&self) -> String {
        let text = self.0.replace(['.', '['], "/").replace(']', "");
        if text.is_empty() || text.starts_with('/') { text } else { format!("/{text}") }
    }

    /// An entry of the list here.
    pub(crate) fn index(&self, index: usize) -> Self {
        Self(format!("{}[{index}]", self.0))
    }
}

/// Everything found while a plan was read.
#[derive(Debug)]
pub(crate) struct Findings {
    file: String,
    errors: Vec<Finding>,
    warnings: Vec<Finding>,
    errors_max: usize,
    errors_more: usize,
}

/// One thing found, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    place: String,
    /// Where, as a JSON pointer into the request.
    pub pointer: String,
    /// What, in words that say what was expected.
    pub detail: String,
}

impl Finding {
    /// Something found at that place.
    pub(crate) fn new(place: &Place, problem: impl Display) -> Self {
        let detail = problem.to_string();
        Self { place: place.0.clone(), pointer: place.pointer(), detail }
    }
}

impl Findings {
    /// Nothing found yet in that file.
    pub(crate) fn new(file: &str) -> Self {
        Self {
            file: file.to_owned(),
            errors: Vec::new(),
            warnings: Vec::new(),
            errors_max: ERRORS_MAX,
            errors_more: 0,
        }
    }

    /// Nothing found yet in a request: at most one error per object of the largest is kept.
    pub(crate) fn of_request(errors_max: usize) -> Self {
        Self { errors_max, ..Self::new("") }
    }

    /// Whether anything refuses it.
    pub(crate) fn has_errors(&self) -> bool {
        !self.errors.is_empty()
    }

    /// The warnings if there was no error, else the errors.
    pub(crate) fn settle(self) -> Result<Vec<Finding>, Vec<Finding>> {
        if self.errors.is_empty() { Ok(self.warnings) } else { Err(self.errors) }
    }

    /// Something that refuses the plan. Only the first [`ERRORS_MAX`] are kept, the rest counted.
    pub(crate) fn error(&mut self, place: &Place, problem: impl Display) {
        if self.errors.len() < self.errors_max {
            self.errors.push(Finding::new(place, problem));
        } else {
            self.errors_more += 1;
        }
    }

    /// Something worth a word.
    pub(crate) fn warn(&mut self, place: &Place, problem: impl Display) {
        self.warnings.push(Finding::new(place, problem));
    }

    /// The value, or an error at that place.
    pub(crate) fn good<T, E: Display>(&mut self, place: &Place, value: Result<T, E>) -> Option<T> {
        value.map_err(|problem| self.error(place, problem)).ok()
    }

    /// The warnings if there was no error, else the errors as lines.
    pub(crate) fn finish(self) -> Result<Vec<String>, String> {
        let file = &self.file;
        if self.errors.is_empty() {
            let lines = self.warnings.iter();
            return Ok(lines
                .map(|found| format!("{file}: {}: warning: {}", found.place, found.detail))
                .collect());
        }
        let lines = self.errors.iter();
        let lines: Vec<String> =
            lines.map(|found| format!("{file}: {}: {}", found.place, found.detail)).collect();
        let mut lines = lines.join("\n");
        if self.errors_more > 0 {
            let _ = write!(lines, "\n{file}: and {} more errors", self.errors_more);
        }
        Err(lines)
    }

    /// A finite number of at least 0.
    pub(crate) fn not_negative(&mut self, place: &Place, value: f64) -> Option<f64> {
        if value.is_finite() && value >= 0.0 {
            return Some(value);
        }
        self.error(place, format!("{value} is not allowed: expected a number of 0 or more"));
        None
    }

    /// A whole number of seconds, 0 or more.
    pub(crate) fn seconds(&mut self, place: &Place, value: i64) -> Option<u32> {
        let seconds = u32::try_from(value).ok().filter(|seconds| *seconds <= SECONDS_MAX);
        if seconds.is_none() {
            let problem =
                format!("{value} is not allowed: expected whole seconds from 0 to {SECONDS_MAX}");
            self.error(place, problem);
        }
        seconds
    }

    /// A radius of a fence.
    pub(crate) fn radius(&mut self, place: &Place, metres: f64) -> Option<Radius> {
        let radius = Radius::from_metres(metres);
        if radius.is_none() {
            let problem =
                format!("{metres} is not allowed: expected metres from 0 to {RADIUS_MAX_M}");
            self.error(place, problem);
        }
        radius
    }

    /// A place on earth.
    pub(crate) fn point(&mut self, place: &Place, lat: f64, lon: f64) -> Option<Point> {
        self.good(place, Point::from_degrees(lat, lon))
    }

    /// A text that is not too long.
    pub(crate) fn text(&mut self, place: &Place, text: &str, chars_max: usize) {
        let chars = text.chars().count();
        if chars > chars_max {
            self.error(place, format!("{chars} characters: at most {chars_max} are allowed"));
        }
    }

    /// A number (the name of an object): a text of 1 to [`NUMBER_CHARS_MAX`] characters.
    pub(crate) fn number(&mut self, place: &Place, number: &str) {
        if number.trim().is_empty() {
            self.error(place, "is empty: expected a text that names it");
        }
        self.text(place, number, NUMBER_CHARS_MAX);
    }

    /// One of several words.
    pub(crate) fn choice<T: Copy>(
        &mut self,
        place: &Place,
        word: &str,
        choices: &[(&str, T)],
    ) -> Option<T> {
        let found = choices.iter().find(|(name, _)| *name == word);
        if found.is_none() {
            let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
            self.error(place, format!("\"{word}\" is not one of {}", names.join(", ")));
        }
        found.map(|(_, value)| *value)
    }

    /// A list of sources.
    pub(crate) fn sources(&mut self, place: &Place, names: &[String]) -> SourceSet {
        let choices = Source::ALL.map(|source| (source.name(), source));
        let mut set = SourceSet::NONE;
        for (index, name) in names.iter().enumerate() {
            if let Some(source) = self.choice(&place.index(index), name, &choices) {
                set = set.with(source);
            }
        }
        set
    }
}

/// Errors told before the rest is only counted.
const ERRORS_MAX: usize = 20;
