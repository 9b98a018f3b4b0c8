//! What one of the other views keeps of an order: stored with the order, never beside it.

use serde_json::{Value, json};

use super::draft::Draft;
use super::merge::{DELIVERY, TRACKER};
use super::request::{Accepted, Attachment, Mode, Refusal, Target, View};
use super::store::{Batch, Stop, store};
use crate::domain::time::Time;
use crate::runtime::documents::findings::{Finding, Findings, Place};
use crate::storage::catalog::change::Kind;

/// Stores the order's own changes, and the view's fields with it.
pub(super) fn attach(
    draft: &mut Draft<'_>,
    wanted: &Attachment,
    now: Time,
    findings: &mut Findings,
) -> Result<Accepted, Stop> {
    let (company, key) = (u64::from(wanted.company.0), wanted.view.key());
    let mut item = wanted.item.clone();
    let mode = match wanted.target {
        Target::NewOrder => {
            if !item.contains_key("number") {
                let id = draft.last_id(Kind::Order)? + 1;
                item.insert("number".to_owned(), format!("{key}-{id}").into());
            }
            Mode::Create
        }
        Target::Unattached(order) | Target::Attached(order) => {
            let Some(document) = draft.own(Kind::Order, company, order.0)? else {
                return Err(Stop::Refused(Refusal::NotFound("order")));
            };
            let is_attached = document.body.contains_key(key);
            let kind = document.text("type").unwrap_or(DELIVERED_TYPE);
            match wanted.target {
                Target::Attached(_) if !is_attached => {
                    return Err(Stop::Refused(Refusal::NotFound(key)));
                }
                Target::Unattached(_) if is_attached => {
                    return Err(refused(format!("the order has a {key} already")));
                }
                Target::Unattached(_) if kind != DELIVERED_TYPE => {
                    return Err(refused(format!("the order is of type {kind}, not delivery")));
                }
                Target::NewOrder | Target::Unattached(_) | Target::Attached(_) => {}
            }
            Mode::Patch(order.0)
        }
    };
    let items = core::slice::from_ref(&item);
    let accepted = store(draft, &Batch { company, kind: Kind::Order, mode, items }, findings)?;
    if let Some(id) = accepted.ids.first()
        && let Some(order) = draft.document(Kind::Order, *id)?
    {
        let kept = order.body.entry(key).or_insert_with(|| json!({}));
        set_fields(kept, wanted, now);
    }
    Ok(accepted)
}

/// What is named is set, null resets; a status is noted with its time.
fn set_fields(kept: &mut Value, wanted: &Attachment, now: Time) {
    let Some(kept) = kept.as_object_mut() else { return };
    for (field, value) in &wanted.fields {
        if field == STATUS {
            let changes = kept.entry(CHANGES).or_insert_with(|| json!([]));
            if let Some(changes) = changes.as_array_mut() {
                changes.push(json!({ "status": value, "at_ms": now.ms() }));
                if changes.len() > CHANGES_MAX {
                    changes.remove(0);
                }
            }
        } else if value.is_null() {
            kept.remove(field);
        } else {
            kept.insert(field.clone(), value.clone());
        }
    }
}

fn refused(problem: String) -> Stop {
    Stop::Refused(Refusal::Invalid(vec![Finding::new(&Place::object(), problem)]))
}

impl View {
    /// Under which key an order keeps what the view needs.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Tracker => TRACKER,
            Self::Delivery => DELIVERY,
        }
    }
}

/// The field of a view whose changes are noted with their times, under [`CHANGES`].
const STATUS: &str = "status";
/// The statuses that a view was given, oldest first.
pub const CHANGES: &str = "changes";
/// Most of them that are kept; older ones go.
const CHANGES_MAX: usize = 100;
/// The type of an order that says nothing.
const DELIVERED_TYPE: &str = "delivery";
