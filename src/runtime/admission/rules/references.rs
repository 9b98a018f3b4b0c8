//! How an item names another document: by id or by number, null for none.

use serde_json::Value;

use crate::runtime::admission::draft::Draft;
use crate::runtime::admission::request::Item;
use crate::runtime::documents::findings::{Findings, Place};
use crate::storage::catalog::change::Kind;
use crate::storage::catalog::error::CatalogError;

/// The two keys under which an item names a document.
pub(in crate::runtime::admission) struct Reference {
    pub(in crate::runtime::admission) kind: Kind,
    pub(in crate::runtime::admission) id_key: &'static str,
    pub(in crate::runtime::admission) number_key: &'static str,
}

/// What an item says about a reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::runtime::admission) enum Named {
    /// Nothing: it stays as it is.
    Unsaid,
    /// There shall be none.
    Nothing,
    /// This one.
    Id(u64),
    /// Something that is not there; the error is told.
    Wrong,
}

impl Reference {
    /// What the item says.
    pub(in crate::runtime::admission) fn named(
        &self,
        draft: &mut Draft<'_>,
        company: u64,
        item: &Item,
        at: &Place,
        findings: &mut Findings,
    ) -> Result<Named, CatalogError> {
        let (by_id, by_number) = (item.get(self.id_key), item.get(self.number_key));
        let word = self.kind.name();
        match (by_id, by_number) {
            (None | Some(Value::Null), Some(Value::String(number))) => {
                let found = draft.by_number(self.kind, company, number)?;
                Ok(found.map_or_else(
                    || {
                        let problem = format!("\"{number}\" is not the number of a {word}");
                        findings.error(&at.key(self.number_key), problem);
                        Named::Wrong
                    },
                    Named::Id,
                ))
            }
            (Some(Value::Number(id)), _) => {
                let id = id.as_u64();
                let own = match id {
                    Some(id) => draft.own(self.kind, company, id)?.map(|document| document.id),
                    None => None,
                };
                Ok(own.map_or_else(
                    || {
                        findings.error(&at.key(self.id_key), format!("there is no such {word}"));
                        Named::Wrong
                    },
                    Named::Id,
                ))
            }
            (None, None) => Ok(Named::Unsaid),
            (None | Some(Value::Null), None | Some(Value::Null)) => Ok(Named::Nothing),
            (Some(_), _) => {
                findings.error(&at.key(self.id_key), "expected a whole number");
                Ok(Named::Wrong)
            }
            (None, Some(_)) => {
                findings.error(&at.key(self.number_key), "expected a text");
                Ok(Named::Wrong)
            }
        }
    }
}
