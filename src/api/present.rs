//! An order as it is now, for every view: who may see it, what the engine says of it, who brings it,
//! and the customer's link.

use serde_json::Value;

use super::error::Problem;
use super::state::Api;
use super::widget::tracking_id;
use crate::domain::ids::{CourierId, OrderId, RouteId};
use crate::domain::order::OrderStatus;
use crate::runtime::views::OrderState;
use crate::storage::catalog::Catalog;
use crate::storage::catalog::change::{Document, Kind};

/// An order that a company owns or shares.
pub(super) fn visible(api: &Api, company: u64, id: u64) -> Result<Document, Problem> {
    let order = api.readers.read(|catalog| catalog.document(Kind::Order, id))?;
    let visible =
        order.filter(|order| order.company == company || order.shared_with.contains(&company));
    visible.ok_or_else(|| Problem::not_found("order"))
}

/// What the engine says of an order now; `None`: it is on no route.
pub(super) async fn state(api: &Api, order: &Document) -> Result<Option<OrderState>, Problem> {
    let Some(route) = order.parent else { return Ok(None) };
    let courier = api.readers.read(|catalog| catalog.document(Kind::Route, route))?;
    let Some(courier) = courier.and_then(|route| route.parent) else { return Ok(None) };
    let (courier, route) = (CourierId(courier as u32), RouteId(route));
    Ok(api.views.order(courier, route, OrderId(order.id)).await?)
}

/// The status of an order now.
pub(super) fn status(order: &Document, state: Option<&OrderState>) -> OrderStatus {
    let stored = order.text("status").and_then(OrderStatus::from_name);
    state.map_or(stored.unwrap_or(OrderStatus::New), |state| state.status)
}

/// The customer's link; null before the instance has its secret.
pub(super) fn tracking_url(api: &Api, company: u64, order: u64) -> Result<Value, Problem> {
    let secret = api.readers.read(Catalog::secret)?;
    Ok(secret.map_or(Value::Null, |secret| {
        let id = tracking_id(&secret, company, order);
        format!("{}/t/{id}", api.site.public_url).into()
    }))
}

/// Who brings an order; `None`: it is on no route.
pub(super) fn courier(api: &Api, order: &Document) -> Result<Option<Document>, Problem> {
    Ok(api.readers.read(|catalog| {
        let Some(route) = order.parent else { return Ok(None) };
        match catalog.document(Kind::Route, route)?.and_then(|route| route.parent) {
            Some(courier) => catalog.document(Kind::Courier, courier),
            None => Ok(None),
        }
    })?)
}
