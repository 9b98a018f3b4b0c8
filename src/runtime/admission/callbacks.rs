//! What the callbacks of deliveries need of admission: where they go, and which writes they tell of.

use super::draft::Draft;
use super::merge::DELIVERY;
use super::request::{Callback, Refusal};
use super::store::Stop;
use crate::domain::ids::CompanyId;
use crate::domain::time::Time;
use crate::storage::catalog::Catalog;
use crate::storage::catalog::change::{Change, DeliveryWrite, Document, Kind, StoredCallback};

/// A company wants its callbacks somewhere, or nowhere. Another address takes over what waits.
pub(super) fn set(
    catalog: &Catalog,
    company: CompanyId,
    callback: Option<&Callback>,
    now: Time,
) -> Result<Change, Stop> {
    let company = u64::from(company.0);
    let old = catalog.callbacks()?.into_iter().find(|old| old.company == company);
    match (callback, old) {
        (Some(callback), old) => Ok(Change::PutCallback(StoredCallback {
            company,
            url: callback.url.clone(),
            secret: callback.secret.clone(),
            created_ms: old.map_or(now.ms(), |old| old.created_ms),
        })),
        (None, Some(_)) => Ok(Change::DeleteCallback(company)),
        (None, None) => Err(Stop::Refused(Refusal::NotFound("callback"))),
    }
}

/// The deliveries that the request has written, as they are noted beside their orders.
pub(super) fn written(draft: &Draft<'_>, now: Time) -> Vec<Change> {
    let has = |order: Option<&Document>| order.is_some_and(|order| order.field(DELIVERY).is_some());
    let orders = draft.touched_of(Kind::Order);
    let written = orders.filter(|touched| has(touched.after.as_ref()));
    let notes = written.filter_map(|touched| {
        let (before, after) = (touched.before.as_ref(), touched.after.as_ref()?);
        let (order, company) = (after.id, after.company);
        let note =
            DeliveryWrite { place: 0, order, company, is_new: !has(before), at_ms: now.ms() };
        Some(Change::NoteDelivery(note))
    });
    notes.collect()
}
