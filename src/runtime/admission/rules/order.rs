//! An order: its fields, its route, whom it is shared with, and its status.

use serde_json::{Value, json};

use super::references::{Named, Reference};
use super::route;
use crate::domain::order::{Initiator, OrderStatus};
use crate::domain::time::Time;
use crate::runtime::admission::draft::{Draft, SetStatus};
use crate::runtime::admission::merge::{CREATED, PLACED, STATUS_CHANGES, STATUS_COMMENT};
use crate::runtime::admission::plans::{self, OrderFrames};
use crate::runtime::admission::request::{Item, Mode};
use crate::runtime::documents::findings::{Findings, Place};
use crate::runtime::documents::limits::{COMMENT_CHARS_MAX, PAYMENT_TYPE_INTERNAL, SHARED_MAX};
use crate::storage::catalog::change::{Document, Kind};
use crate::storage::catalog::error::CatalogError;

/// Checks an order and resolves what it names; its route does not list it yet.
pub(in crate::runtime::admission) fn store(
    draft: &mut Draft<'_>,
    frames: &mut OrderFrames,
    document: &mut Document,
    item: &Item,
    mode: Mode,
    at: &Place,
    findings: &mut Findings,
) -> Result<bool, CatalogError> {
    match ROUTE.named(draft, document.company, item, at, findings)? {
        Named::Id(id) => document.parent = Some(id),
        Named::Nothing => document.parent = None,
        Named::Unsaid | Named::Wrong => {}
    }
    if document.parent.is_some() {
        document.body.insert(PLACED.to_owned(), true.into());
    }
    share(draft, document, item, at, findings)?;
    if item.get("payment_type").and_then(Value::as_str) == Some(PAYMENT_TYPE_INTERNAL) {
        findings.error(
            &at.key("payment_type"),
            format!("{PAYMENT_TYPE_INTERNAL} cannot be set through the API"),
        );
    }
    let frame = frames.of(draft, document)?;
    if plans::order_plan(frame, document, at, findings).is_none() || findings.has_errors() {
        return Ok(false);
    }
    set_status(draft, document, item, mode, at, findings)?;
    Ok(!findings.has_errors())
}

/// Lists an order at its route, and at no other.
pub(in crate::runtime::admission) fn keep_place(
    draft: &mut Draft<'_>,
    document: &Document,
    at: &Place,
    findings: &mut Findings,
) -> Result<(), CatalogError> {
    let before = draft.both(Kind::Order, document.id)?.before.as_ref().and_then(|old| old.parent);
    if let Some(from) = before.filter(|from| Some(*from) != document.parent) {
        route::unlist(draft, from, document.id)?;
    }
    match document.parent {
        Some(to) => route::append(draft, to, document.id, at, findings),
        None => Ok(()),
    }
}

/// A status that is named for an order that was there is set, not stored with it.
fn set_status(
    draft: &mut Draft<'_>,
    document: &Document,
    item: &Item,
    mode: Mode,
    at: &Place,
    findings: &mut Findings,
) -> Result<(), CatalogError> {
    let comment = comment(item, at, findings);
    let Some(status) = item.get("status").and_then(Value::as_str) else { return Ok(()) };
    let Some(status) = OrderStatus::from_name(status) else { return Ok(()) };
    let before = draft.both(Kind::Order, document.id)?.before.as_ref();
    let Some(before) = before else { return Ok(()) };
    let stored = before.text("status").unwrap_or(OrderStatus::New.name());
    // Sent again with everything else it is no news; on its own it is an order.
    if matches!(mode, Mode::Patch(_)) || stored != status.name() {
        let initiator = Initiator::UserApi;
        draft.statuses.insert(document.id, SetStatus { status, initiator, comment });
    }
    Ok(())
}

/// What is said about a status that is set with it.
fn comment(item: &Item, at: &Place, findings: &mut Findings) -> Option<String> {
    let place = at.key(STATUS_COMMENT);
    let comment = item.get(STATUS_COMMENT).filter(|comment| !comment.is_null())?;
    let Some(comment) = comment.as_str() else {
        findings.error(&place, "expected a text");
        return None;
    };
    findings.text(&place, comment, COMMENT_CHARS_MAX);
    if !item.contains_key("status") {
        findings.error(&place, "comes with a status only");
    }
    Some(comment.to_owned())
}

/// Notes when the orders were stored that are on no route: no event tells it.
pub(in crate::runtime::admission) fn note_created(
    draft: &mut Draft<'_>,
    now: Time,
) -> Result<(), CatalogError> {
    let new = draft.touched_of(Kind::Order).filter(|touched| touched.before.is_none());
    let new = new.filter_map(|touched| touched.after.as_ref());
    let off_route: Vec<u64> =
        new.filter(|order| order.parent.is_none()).map(|order| order.id).collect();
    for id in off_route {
        if let Some(order) = draft.document(Kind::Order, id)? {
            order.body.insert(CREATED.to_owned(), now.ms().into());
        }
    }
    Ok(())
}

/// Notes that a status was set, where the courier was, and what was said.
pub(in crate::runtime::admission) fn note_status(document: &mut Document, change: Value) {
    let changes = document.body.entry(STATUS_CHANGES).or_insert_with(|| json!([]));
    if let Some(changes) = changes.as_array_mut() {
        changes.push(change);
        if changes.len() > STATUS_CHANGES_MAX {
            changes.remove(0);
        }
    }
}

fn share(
    draft: &mut Draft<'_>,
    document: &mut Document,
    item: &Item,
    at: &Place,
    findings: &mut Findings,
) -> Result<(), CatalogError> {
    let by_number = item.get("shared_with_company_numbers").filter(|list| !list.is_null());
    let (key, list) = match (by_number, item.get("shared_with_company_ids")) {
        (Some(list), _) => ("shared_with_company_numbers", list),
        (None, Some(list)) => ("shared_with_company_ids", list),
        (None, None) => return Ok(()),
    };
    let empty = Vec::new();
    let list = match list {
        Value::Null => &empty,
        Value::Array(list) => list,
        _ => {
            findings.error(&at.key(key), "expected a list");
            return Ok(());
        }
    };
    let mut companies = Vec::with_capacity(list.len());
    for (index, entry) in list.iter().enumerate() {
        let found = match entry {
            Value::String(number) if by_number.is_some() => draft.company_by_number(number)?,
            Value::Number(id) if by_number.is_none() => match id.as_u64() {
                Some(id) => draft.document(Kind::Company, id)?.map(|company| company.id),
                None => None,
            },
            _ => None,
        };
        match found {
            Some(id) => companies.push(id),
            None => findings.error(&at.key(key).index(index), "there is no such company"),
        }
    }
    if companies.len() > SHARED_MAX {
        findings.error(&at.key(key), format!("at most {SHARED_MAX} companies are allowed"));
    }
    companies.sort_unstable();
    companies.dedup();
    document.shared_with = companies;
    Ok(())
}

const ROUTE: Reference =
    Reference { kind: Kind::Route, id_key: "route_id", number_key: "route_number" };
/// Most status changes kept with an order; older ones leave its log.
const STATUS_CHANGES_MAX: usize = 1_000;
