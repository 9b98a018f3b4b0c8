//! What a company's own tracking page needs of an order.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use serde_json::{Value, json};

use super::under_company;
use crate::api::body::Ids;
use crate::api::caller::Caller;
use crate::api::error::Problem;
use crate::api::present::{courier, state, status, tracking_url, visible};
use crate::api::state::Api;
use crate::domain::time::{SECOND_MS, Time};
use crate::feed::cloud_event::iso;
use crate::runtime::access::Role;

pub(super) fn routes() -> Router<Arc<Api>> {
    Router::new().route(&under_company("/orders/{id}/order-info"), get(read))
}

async fn read(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Ids((company, id)): Ids<(u64, u64)>,
) -> Result<axum::Json<Value>, Problem> {
    let company = u64::from(caller.within(company, Role::reads)?.0);
    let order = visible(&api, company, id)?;
    let state = state(&api, &order).await?;
    let last = state.and_then(|state| state.courier_position);
    let location = last.map(|last| json!({ "lat": last.point.lat(), "lon": last.point.lon() }));
    let courier = courier(&api, &order)?;
    Ok(axum::Json(json!({
        "status": status(&order, state.as_ref()).name(),
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

fn moment(time: Time) -> Value {
    json!({ "value": time.ms() as f64 / SECOND_MS as f64, "text": iso(time) })
}
