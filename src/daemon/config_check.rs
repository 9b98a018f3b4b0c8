//! What is wrong with a configuration file, key by key: a start stops at the first error, whoever
//! checks wants all of them, with their lines.

use std::path::Path;

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue, Deserializer, Error};

use super::config::Config;
use super::error::DaemonError;
use super::settings::Settings;
use crate::runtime::documents::words::in_words;

/// Every error of a configuration file as a line `file:line: key: what is wrong`; none: it is
/// valid.
///
/// # Errors
/// The file cannot be read.
pub fn config_errors(path: &Path) -> Result<Vec<String>, DaemonError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| DaemonError::File { path: path.to_owned(), source })?;
    let file = path.display();
    let (table, broken) = DeTable::parse_recoverable(&text);
    let mut errors: Vec<(usize, String)> =
        broken.iter().map(|error| (line_of(&text, error), error.message().to_owned())).collect();
    if errors.is_empty() {
        for (key, probe) in probes(&table) {
            if let Err(error) = Config::deserialize(Deserializer::from(probe)) {
                let problem = format!("{key}: {}", in_words(error.message()));
                errors.push((line_of(&text, &error), problem));
            }
        }
    }
    errors.sort();
    let errors = errors.into_iter();
    let mut lines: Vec<String> =
        errors.map(|(line, problem)| format!("{file}:{line}: {problem}")).collect();
    if lines.is_empty()
        && let Err(error) = Settings::new(Config::read(path)?)
    {
        lines.push(format!("{file}: {error}"));
    }
    Ok(lines)
}

/// A table for each key, which holds that key alone.
fn probes<'i>(table: &Spanned<DeTable<'i>>) -> Vec<(String, Spanned<DeTable<'i>>)> {
    let mut probes = Vec::new();
    for (section, value) in table.get_ref() {
        let DeValue::Table(keys) = value.get_ref() else {
            probes.push((section.get_ref().to_string(), only(table, section, value.clone())));
            continue;
        };
        if keys.is_empty() {
            // A section that is not known is wrong even if nothing stands in it.
            probes.push((section.get_ref().to_string(), only(table, section, value.clone())));
        }
        for (key, inner) in keys {
            let alone = DeTable::from_iter([(key.clone(), inner.clone())]);
            let alone = Spanned::new(value.span(), DeValue::Table(alone));
            let name = format!("{}.{}", section.get_ref(), key.get_ref());
            probes.push((name, only(table, section, alone)));
        }
    }
    probes
}

fn only<'i>(
    table: &Spanned<DeTable<'i>>,
    key: &Spanned<DeString<'i>>,
    value: Spanned<DeValue<'i>>,
) -> Spanned<DeTable<'i>> {
    Spanned::new(table.span(), DeTable::from_iter([(key.clone(), value)]))
}

fn line_of(text: &str, error: &Error) -> usize {
    let begins = error.span().map_or(0, |span| span.start).min(text.len());
    text.as_bytes()[..begins].iter().filter(|byte| **byte == b'\n').count() + 1
}
