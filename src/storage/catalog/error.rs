//! What the catalog cannot do.

use thiserror::Error;

/// Why the catalog failed.
#[derive(Debug, Error)]
pub enum CatalogError {
    /// The database refused.
    #[error("failed to use the catalog: {0}")]
    Database(#[from] rusqlite::Error),
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
