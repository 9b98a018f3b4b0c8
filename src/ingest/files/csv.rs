//! CSV with a header. Known columns are used, others ignored.

use std::io::BufRead;

use ::csv::{ErrorKind, Reader, ReaderBuilder, StringRecord, Trim};

use super::fields::{COURIER, Context, LAT, LON, NAMES, TimeForm};
use super::{FileError, Origin, Row};

/// The rows of a CSV file.
pub(super) struct Records {
    context: Context,
    reader: Reader<Box<dyn BufRead>>,
    record: StringRecord,
    columns: Vec<(String, usize)>,
    time: TimeForm,
    is_over: bool,
}

impl Records {
    /// Reads the header.
    pub(super) fn new(
        input: Box<dyn BufRead>,
        file: String,
        origin: Origin,
    ) -> Result<Self, FileError> {
        let context = Context { file, origin };
        let mut reader = ReaderBuilder::new().trim(Trim::All).from_reader(input);
        let header = reader.headers().map_err(|error| context.unreadable(error.to_string()))?;
        let columns = known_columns(&context, header)?;
        let is_present = |name: &str| columns.iter().any(|(column, _)| column == name);
        let time =
            TimeForm::among(is_present).map_err(|problem| header_refusal(&context, problem))?;
        for needed in [LAT, LON] {
            if !is_present(needed) {
                return Err(header_refusal(&context, &format!("no {needed}")));
            }
        }
        if !is_present(COURIER) {
            context.need_sole_courier()?;
        }
        Ok(Self { context, reader, record: StringRecord::new(), columns, time, is_over: false })
    }

    fn row(&self) -> Result<Row, FileError> {
        let line = self.record.position().map_or(0, ::csv::Position::line);
        self.context.row(line, self.time, |name| {
            let (_, column) = self.columns.iter().find(|(column, _)| column == name)?;
            self.record.get(*column).filter(|text| !text.is_empty())
        })
    }

    /// Ends the rows where no next row can be found.
    fn refuse(&mut self, error: &::csv::Error) -> FileError {
        let line = error.position().map_or(0, ::csv::Position::line);
        match error.kind() {
            ErrorKind::UnequalLengths { expected_len, len, .. } => {
                let problem = format!("{len} fields, the header has {expected_len}");
                self.context.refuse(line, "row", problem)
            }
            ErrorKind::Utf8 { err, .. } => self.context.refuse(line, "row", err.to_string()),
            _ => {
                self.is_over = true;
                self.context.unreadable(error.to_string())
            }
        }
    }
}

impl Iterator for Records {
    type Item = Result<Row, FileError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        match self.reader.read_record(&mut self.record) {
            Ok(true) => Some(self.row()),
            Ok(false) => None,
            Err(error) => Some(Err(self.refuse(&error))),
        }
    }
}

fn known_columns(
    context: &Context,
    header: &StringRecord,
) -> Result<Vec<(String, usize)>, FileError> {
    let mut columns: Vec<(String, usize)> = Vec::new();
    for (index, name) in header.iter().enumerate() {
        if columns.iter().any(|(column, _)| column == name) {
            return Err(header_refusal(context, &format!("{name} twice")));
        }
        if NAMES.contains(&name) {
            columns.push((name.to_owned(), index));
        }
    }
    Ok(columns)
}

fn header_refusal(context: &Context, problem: &str) -> FileError {
    context.unreadable(format!("header has {problem}; known columns are {COLUMNS}"))
}

const COLUMNS: &str = "courier, t | t_s | time | timestamp, lat, lon, accuracy, speed_mps, \
                       heading_deg, source, received, batch";
