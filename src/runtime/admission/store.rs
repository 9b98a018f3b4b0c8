//! Stores the items of a request in a draft: finds what each is about, merges, checks, and resolves
//! what it refers to. Decides who may be named by whom; knows nothing of partitions.

use std::collections::BTreeSet;

use super::draft::Draft;
use super::merge::{check_nulls, merged};
use super::plans::OrderFrames;
use super::request::{Accepted, Item, Mode, Refusal};
use super::rules;
use crate::runtime::documents::findings::{Findings, Place};
use crate::storage::catalog::change::{Document, Kind};
use crate::storage::catalog::error::CatalogError;

/// The items of one request.
pub(super) struct Batch<'a> {
    pub(super) company: u64,
    pub(super) kind: Kind,
    pub(super) mode: Mode,
    pub(super) items: &'a [Item],
}

/// Stores all items, or says what is wrong with each.
pub(super) fn store(
    draft: &mut Draft<'_>,
    batch: &Batch<'_>,
    findings: &mut Findings,
) -> Result<Accepted, Stop> {
    let mut accepted = Accepted::default();
    let (mut seen, mut frames) = (BTreeSet::new(), OrderFrames::default());
    for (index, item) in batch.items.iter().enumerate() {
        let at = match batch.mode {
            Mode::Upsert => Place::item(index),
            Mode::Create | Mode::Patch(_) => Place::object(),
        };
        let number = item.get("number").and_then(serde_json::Value::as_str);
        if let Some(number) = number
            && !seen.insert(number)
        {
            findings.error(&at.key("number"), format!("\"{number}\" is used twice"));
            continue;
        }
        let Some(old) = base(draft, batch, item, &at, findings)? else { continue };
        let is_new = old.is_none();
        let Some(document) = changed(draft, batch, (old, &mut frames), item, &at, findings)? else {
            continue;
        };
        accepted.ids.push(document.id);
        if is_new {
            accepted.inserted += 1;
        } else {
            accepted.updated += 1;
        }
    }
    Ok(accepted)
}

/// What an item is about: an inner `None` is something new, an outer one was refused.
#[expect(clippy::option_option, reason = "refused, new and known are told apart")]
fn base(
    draft: &mut Draft<'_>,
    batch: &Batch<'_>,
    item: &Item,
    at: &Place,
    findings: &mut Findings,
) -> Result<Option<Option<Document>>, Stop> {
    let number = item.get("number").and_then(serde_json::Value::as_str);
    let (kind, company) = (batch.kind, batch.company);
    if let Mode::Patch(id) = batch.mode {
        let own = draft.own(kind, company, id)?.map(|document| document.clone());
        let Some(document) = own else { return Err(Stop::Refused(Refusal::NotFound(kind.name()))) };
        if let Some(number) = number
            && draft.by_number(kind, company, number)?.is_some_and(|other| other != id)
        {
            findings.error(&at.key("number"), format!("\"{number}\" is already used"));
        }
        return Ok(Some(Some(document)));
    }
    let Some(number) = number else {
        let problem = match item.get("number") {
            None | Some(serde_json::Value::Null) => "is missing: expected a text that names it",
            Some(_) => "expected a text that names it",
        };
        findings.error(&at.key("number"), problem);
        return Ok(None);
    };
    let Some(id) = draft.by_number(kind, company, number)? else { return Ok(Some(None)) };
    if batch.mode == Mode::Create {
        findings.error(&at.key("number"), format!("\"{number}\" is already used"));
        return Ok(None);
    }
    Ok(Some(draft.own(kind, company, id)?.map(|document| document.clone())))
}

/// The document after the item, checked and put into the draft.
fn changed(
    draft: &mut Draft<'_>,
    batch: &Batch<'_>,
    (old, frames): (Option<Document>, &mut OrderFrames),
    item: &Item,
    at: &Place,
    findings: &mut Findings,
) -> Result<Option<Document>, Stop> {
    let kind = batch.kind;
    let empty = Item::new();
    check_nulls(kind, item, at, findings);
    let body = merged(kind, old.as_ref().map_or(&empty, |old| &old.body), item);
    let number = body.get("number").and_then(serde_json::Value::as_str).unwrap_or_default();
    let number = number.to_owned();
    let mut document = match old {
        Some(old) => Document { number, body, ..old },
        None => Document {
            id: draft.draw(kind)?,
            company: batch.company,
            number,
            parent: None,
            shared_with: Vec::new(),
            body,
        },
    };
    let is_good = match kind {
        Kind::Company => rules::company::check(draft, &mut document, at, findings)?,
        Kind::Depot => rules::depot::check(&document, at, findings),
        Kind::Courier => rules::courier::check(&document, at, findings),
        Kind::Route => rules::route::store(draft, &mut document, item, at, findings)?,
        Kind::Order => {
            rules::order::store(draft, frames, &mut document, item, batch.mode, at, findings)?
        }
    };
    if is_good {
        draft.put(kind, document.clone())?;
        if kind == Kind::Order {
            rules::order::keep_place(draft, &document, at, findings)?;
        }
    }
    Ok(is_good.then_some(document))
}

/// Why a request ends at once.
#[derive(Debug)]
pub(super) enum Stop {
    /// It is refused as a whole.
    Refused(Refusal),
    /// The catalog failed, and with it the daemon.
    Failed(CatalogError),
}

impl From<CatalogError> for Stop {
    fn from(error: CatalogError) -> Self {
        Self::Failed(error)
    }
}
