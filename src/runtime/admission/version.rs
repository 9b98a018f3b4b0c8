//! Versions of documents, and requests that hold only for one of them: so that two who read the
//! same do not undo each other's change.

use sha2::{Digest, Sha256};

use super::request::Refusal;
use crate::runtime::access::hex;
use crate::storage::catalog::Catalog;
use crate::storage::catalog::change::{Document, Kind};
use crate::storage::catalog::error::CatalogError;

/// A request holds only while a document is in one of these versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// The company that owns the document.
    pub company: u64,
    /// Its kind.
    pub kind: Kind,
    /// Its id.
    pub id: u64,
    /// The versions; `None`: any, if only it is there.
    pub versions: Option<Vec<String>>,
}

impl Condition {
    /// Refuses if it does not hold.
    pub(super) fn check(&self, catalog: &Catalog) -> Result<(), Refusal> {
        let found = catalog.document(self.kind, self.id);
        let found = found.map_err(|error: CatalogError| Refusal::Stopped(error.to_string()))?;
        let Some(document) = found.filter(|document| document.company == self.company) else {
            return Err(Refusal::NotFound(self.kind.name()));
        };
        let holds = self.versions.as_ref().is_none_or(|ours| ours.contains(&version(&document)));
        if holds { Ok(()) } else { Err(Refusal::Changed) }
    }
}

/// Stands for a document as it is stored: what the engine tells of it changes no version.
#[must_use]
pub fn version(document: &Document) -> String {
    // A stored document came from JSON and can be written as such.
    let bytes = serde_json::to_vec(document).unwrap_or_default();
    hex(&Sha256::digest(bytes)[..16])
}
