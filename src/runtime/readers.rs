//! Connections to the catalog for those who only read: taken from a pool, given back after use.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use crate::storage::catalog::Catalog;
use crate::storage::catalog::error::CatalogError;

/// The pool. Clones are the same pool.
#[derive(Clone, Debug)]
pub struct Readers {
    directory: Arc<Path>,
    idle: Arc<Mutex<Vec<Catalog>>>,
}

impl Readers {
    /// A pool over the catalog of a data directory; it connects when it is asked.
    #[must_use]
    pub fn new(directory: Arc<Path>) -> Self {
        Self { directory, idle: Arc::default() }
    }

    /// A connection of one's own.
    ///
    /// # Errors
    /// The catalog cannot be opened.
    pub fn open(&self) -> Result<Catalog, CatalogError> {
        Catalog::open_to_read(&self.directory)
    }

    /// Reads. What admission has accepted is seen.
    ///
    /// # Errors
    /// The catalog cannot be opened or read.
    pub fn read<T>(
        &self,
        question: impl FnOnce(&Catalog) -> Result<T, CatalogError>,
    ) -> Result<T, CatalogError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let catalog = match idle {
            Some(catalog) => catalog,
            None => self.open()?,
        };
        let answer = question(&catalog);
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE_MAX {
            idle.push(catalog);
        }
        answer
    }
}

/// Connections kept open while nobody reads: more than read at once on most days.
const IDLE_MAX: usize = 4;
