//! What is wrong with a file of positions, and where.

use thiserror::Error;

use crate::domain::geo::PointError;

/// A file or a row of it that gives no position.
#[derive(Debug, Error)]
pub enum FileError {
    /// The file as a whole cannot be read. Nothing follows.
    #[error("{file}: {problem}")]
    Unreadable {
        /// The file as it was named.
        file: String,
        /// What is wrong, and what is expected.
        problem: String,
    },
    /// A row that cannot be parsed. The rows after it can.
    #[error("{file}:{line}: {field}: {problem}")]
    Row {
        /// The file as it was named.
        file: String,
        /// Line, from 1; in GeoJSON the number of the coordinate in the file.
        line: u64,
        /// The field.
        field: String,
        /// What is wrong, and what is expected.
        problem: String,
    },
    /// A row whose coordinates are no place: refused as `invalid`.
    #[error("{file}:{line}: {field}: invalid: {source}")]
    Invalid {
        /// The file as it was named.
        file: String,
        /// Line, from 1; in GeoJSON the number of the coordinate in the file.
        line: u64,
        /// The field, or both.
        field: &'static str,
        /// Why it is no place.
        source: PointError,
    },
}
