//! What a company's own tracking page needs of an order.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use serde_json::{Value, json};

use super::{order_view, under_company};
use crate::api::body::Ids;
use crate::api::caller::Caller;
use crate::api::error::Problem;
use crate::api::state::Api;
use crate::api::widget::tracking_id;
use crate::domain::time::{SECOND_MS, Time};
use crate::feed::cloud_event::iso;
use crate::runtime::access::Role;
use crate::storage::catalog::Catalog;
use crate::storage::catalog::change::{Document, Kind};

pub(super) fn routes() -> Router<Arc<Api>> {
    Router::new().route(&under_company("/orders/{id}/order-info"), get(read))
}

async fn read(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Ids((company, id)): Ids<(u64, u64)>,
) -> Result<axum::Json<Value>, Problem> {
    let company = u64::from(caller.within(company, Role::reads)?.0);
    let order = order_view::visible(&api, company, id)?;
    let state = order_view::state(&api, &order).await?;
    let last = state.and_then(|state| state.courier_position);
    let location = last.map(|last| json!({ "lat": last.point.lat(), "lon": last.point.lon() }));
    let courier = courier(&api, &order)?;
    Ok(axum::Json(json!({
        "status": order_view::status(&order, state.as_ref()).name(),
        "tracking_url": tracking_url(&api, order.company, order.id)?,
        "courier": courier.map(|courier| json!({
            "name": courier.text("name"),
            "number": courier.number,
            "location": location,
            "location_updated_at": last.map(|last| moment(last.t)),
        })),
        "delivery_queue_position": state.and_then(|state| state.queue_position),
        "estimated_delivery_time": state.and_then(|state| state.eta).map(moment),
    })))
}

/// The customer's link; null before the instance has its secret.
pub(super) fn tracking_url(api: &Api, company: u64, order: u64) -> Result<Value, Problem> {
    let secret = api.readers.read(Catalog::secret)?;
    Ok(secret.map_or(Value::Null, |secret| {
        let id = tracking_id(&secret, company, order);
        format!("{}/t/{id}", api.site.public_url).into()
    }))
}

fn courier(api: &Api, order: &Document) -> Result<Option<Document>, Problem> {
    Ok(api.readers.read(|catalog| {
        let Some(route) = order.parent else { return Ok(None) };
        match catalog.document(Kind::Route, route)?.and_then(|route| route.parent) {
            Some(courier) => catalog.document(Kind::Courier, courier),
            None => Ok(None),
        }
    })?)
}

fn moment(time: Time) -> Value {
    json!({ "value": time.ms() as f64 / SECOND_MS as f64, "text": iso(time) })
}
