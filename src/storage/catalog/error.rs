//! What the catalog cannot do.

use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;
use thiserror::Error;

/// Why the catalog failed.
#[derive(Debug, Error)]
pub enum CatalogError {
    /// The database refused.
    #[error("failed to use the catalog: {0}")]
    Database(#[source] rusqlite::Error),
    /// The disk is full.
    #[error(
        "failed to write a database of the data directory: {0}: make room and start again; nothing \
         that was acknowledged is lost"
    )]
    Full(#[source] rusqlite::Error),
    /// The bytes of a database are no database.
    #[error("{}: {source}: {remedy}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What SQLite found.
        source: rusqlite::Error,
        /// What to do.
        remedy: &'static str,
    },
    /// A reader stands in the way of writing the file anew.
    #[error("failed to write the catalog anew: somebody reads it all the time")]
    Busy,
    /// A note of the journal, or a stored document, is not one of this version.
    #[error("failed to read a document of the catalog: not one of this version")]
    Note,
    /// The file was made by a later version.
    #[error("failed to open the catalog: its version {found} is not {expected}")]
    Version {
        /// The version in the file.
        found: i64,
        /// The version this program writes.
        expected: i64,
    },
}

impl From<rusqlite::Error> for CatalogError {
    fn from(error: rusqlite::Error) -> Self {
        if error.sqlite_error_code() == Some(ErrorCode::DiskFull) {
            Self::Full(error)
        } else {
            Self::Database(error)
        }
    }
}

impl CatalogError {
    /// The same, with the file and what to do if its bytes are no database.
    #[must_use]
    pub fn in_file(self, path: &Path, remedy: &'static str) -> Self {
        let is_damage = |code| matches!(code, ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt);
        match self {
            Self::Database(source) if source.sqlite_error_code().is_some_and(is_damage) => {
                Self::Damaged { path: path.to_owned(), source, remedy }
            }
            other => other,
        }
    }
}
