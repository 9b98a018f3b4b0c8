//! What is known of a route under way: its nodes with their expected times.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use serde_json::{Value, json};

use super::order_view::time_or_null;
use super::under_company;
use crate::api::body::Ids;
use crate::api::caller::Caller;
use crate::api::error::Problem;
use crate::api::state::Api;
use crate::domain::ids::{CourierId, RouteId};
use crate::feed::cloud_event::iso;
use crate::runtime::access::Role;
use crate::storage::catalog::change::Kind;

pub(super) fn routes() -> Router<Arc<Api>> {
    Router::new().route(&under_company("/routes/{id}/route-info"), get(read))
}

async fn read(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Ids((company, id)): Ids<(u64, u64)>,
) -> Result<axum::Json<Value>, Problem> {
    let company = u64::from(caller.within(company, Role::reads)?.0);
    let route = api.readers.read(|catalog| catalog.document(Kind::Route, id))?;
    let route = route.filter(|route| route.company == company);
    let route = route.ok_or_else(|| Problem::not_found("route"))?;
    let courier = CourierId(route.parent.unwrap_or_default() as u32);
    let state = api.views.route(courier, RouteId(id)).await?;
    let nodes: Vec<Value> = state.iter().flat_map(|state| &state.orders).map(|order| {
        json!({
            "order_id": order.order.0, "status": order.status.name(), "eta": time_or_null(order.eta),
            "is_visited": order.is_visited, "is_next": order.is_next,
        })
    }).collect();
    let last = state.as_ref().and_then(|state| state.courier_position);
    Ok(axum::Json(json!({
        "route_id": id,
        "nodes": nodes,
        "courier_position": last.map(|last| json!({
            "lat": last.point.lat(), "lon": last.point.lon(), "time": iso(last.t),
        })),
        "courier_violated_route": state.as_ref().is_some_and(|state| state.is_violated),
    })))
}
