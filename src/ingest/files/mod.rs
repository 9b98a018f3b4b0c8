//! Recorded positions in files: which format a file has (by its ending) and what a row is. Knows
//! no plan beyond its epoch and its only courier, and never looks at two rows together.

mod csv;
mod fields;
mod geojson;
mod gpx;
mod jsonl;

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use super::error::FileError;
use crate::domain::position::Position;
use crate::domain::time::Time;

/// One row: a position and how it came.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Line in the file, from 1; in GeoJSON the number of the coordinate in the file.
    pub line: u64,
    /// Number of the courier.
    pub courier: String,
    /// Where and when.
    pub position: Position,
    /// When the server received it; `None`: not stated.
    pub received: Option<Time>,
    /// Name of the batch it came in; `None`: alone.
    pub batch: Option<String>,
}

/// What a file leaves open.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// From when `t` and `t_s` count.
    pub epoch_ms: i64,
    /// Whose the rows are that name no courier; `None`: each row must name one.
    pub sole_courier: Option<String>,
}

/// The rows of a file in its order, or what is wrong with them.
pub struct Rows(Box<dyn Iterator<Item = Result<Row, FileError>>>);

impl Rows {
    /// Opens a file: `.csv`, `.jsonl` or `.ndjson`, `.gpx`, `.geojson` or `.json`, each also with
    /// `.gz` after it.
    ///
    /// # Errors
    /// The file cannot be read, has another ending, or lacks what every row needs.
    pub fn open(path: &Path, origin: Origin) -> Result<Self, FileError> {
        let name = path.display().to_string();
        let unreadable = |problem| FileError::Unreadable { file: name.clone(), problem };
        let plain_name = name.strip_suffix(".gz").unwrap_or(&name);
        let format = Format::of(plain_name)
            .ok_or_else(|| unreadable(format!("unknown ending; known are {ENDINGS}")))?;
        Self::read(format, open_text(path)?, name, origin)
    }

    fn read(
        format: Format,
        input: Box<dyn BufRead>,
        file: String,
        origin: Origin,
    ) -> Result<Self, FileError> {
        Ok(Self(match format {
            Format::Csv => Box::new(csv::Records::new(input, file, origin)?),
            Format::JsonLines => Box::new(jsonl::Objects::new(input, file, origin)),
            Format::Gpx => Box::new(gpx::TrackPoints::new(input, file, origin)?),
            Format::GeoJson => Box::new(geojson::coordinates(input, file, origin)?.into_iter()),
        }))
    }
}

/// Opens a file, unpacking it where its name ends in `.gz`.
///
/// # Errors
/// The file cannot be opened.
pub fn open_text(path: &Path) -> Result<Box<dyn BufRead>, FileError> {
    let file = File::open(path).map_err(|error| FileError::Unreadable {
        file: path.display().to_string(),
        problem: format!("cannot open: {error}"),
    })?;
    let file = BufReader::new(file);
    if path.extension().is_some_and(|ending| ending == "gz") {
        Ok(Box::new(BufReader::new(MultiGzDecoder::new(file))))
    } else {
        Ok(Box::new(file))
    }
}

impl Iterator for Rows {
    type Item = Result<Row, FileError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next()
    }
}

#[derive(Clone, Copy)]
enum Format {
    Csv,
    JsonLines,
    Gpx,
    GeoJson,
}

impl Format {
    fn of(name: &str) -> Option<Self> {
        match name.rsplit_once('.')?.1 {
            "csv" => Some(Self::Csv),
            "jsonl" | "ndjson" => Some(Self::JsonLines),
            "gpx" => Some(Self::Gpx),
            "geojson" | "json" => Some(Self::GeoJson),
            _ => None,
        }
    }
}

const ENDINGS: &str = ".csv, .jsonl, .ndjson, .gpx, .geojson and .json, each also with .gz";
