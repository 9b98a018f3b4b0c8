//! JSON Lines: one object a line, with the names of the CSV columns as keys. Known keys are used,
//! others ignored; null means absent.

use std::io::{BufRead, Lines};

use serde_json::{Map, Value};

use super::fields::{Context, NAMES, TimeForm};
use super::{FileError, Origin, Row};

/// The rows of a JSON Lines file.
pub(super) struct Objects {
    context: Context,
    lines: Lines<Box<dyn BufRead>>,
    line: u64,
    is_over: bool,
}

impl Objects {
    /// The rows of a file.
    pub(super) fn new(input: Box<dyn BufRead>, file: String, origin: Origin) -> Self {
        Self { context: Context { file, origin }, lines: input.lines(), line: 0, is_over: false }
    }

    fn row(&self, text: &str) -> Result<Row, FileError> {
        let object: Map<String, Value> = serde_json::from_str(text).map_err(|error| {
            let problem = format!("not a JSON object: {error}");
            self.context.refuse(self.line, "row", problem)
        })?;
        let mut texts = Vec::with_capacity(object.len());
        for name in NAMES {
            match object.get(name) {
                None | Some(Value::Null) => {}
                Some(Value::String(text)) => texts.push((name, text.trim().to_owned())),
                Some(Value::Number(number)) => texts.push((name, number.to_string())),
                Some(Value::Bool(_) | Value::Array(_) | Value::Object(_)) => {
                    let problem = "is neither a number nor a text";
                    return Err(self.context.refuse(self.line, name, problem));
                }
            }
        }
        let text = |name: &str| {
            let (_, text) = texts.iter().find(|(known, _)| *known == name)?;
            Some(text.as_str()).filter(|text| !text.is_empty())
        };
        let time = TimeForm::among(|name| text(name).is_some())
            .map_err(|problem| self.context.refuse(self.line, "row", format!("has {problem}")))?;
        self.context.row(self.line, time, text)
    }
}

impl Iterator for Objects {
    type Item = Result<Row, FileError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.is_over {
            self.line += 1;
            match self.lines.next()? {
                Ok(text) if text.trim().is_empty() => {}
                Ok(text) => return Some(self.row(&text)),
                Err(error) => {
                    self.is_over = true;
                    return Some(Err(self.context.unreadable(error.to_string())));
                }
            }
        }
        None
    }
}
