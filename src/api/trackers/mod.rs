//! Trackers as their API document has them: a tracker is an order of ours, so that a courier's visit
//! moves it. What the order has no field for is kept with it.

pub(super) mod fields;
mod order;
mod refusal;
mod view;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::middleware::map_response;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::{Value, json};

use super::body::{Ids, Json, PAGE_MAX, Parameters, object, skipped};
use super::caller::Caller;
use super::error::Problem;
use super::present;
use super::state::Api;
use crate::domain::ids::{CompanyId, OrderId};
use crate::domain::order::{Initiator, OrderStatus};
use crate::runtime::access::Role;
use crate::runtime::admission::{Attachment, Request, TRACKER, Target, View};
use crate::storage::catalog::change::{Document, Kind};

/// Every path of trackers.
pub(super) fn routes() -> Router<Arc<Api>> {
    Router::new()
        .route("/v1/trackers", get(list).post(create))
        .route("/v1/trackers/{id}", get(read))
        .route("/v1/trackers/{id}/cancel", post(cancel))
        .layer(map_response(refusal::rewrite))
}

async fn create(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Json(body): Json,
) -> Result<impl IntoResponse, Problem> {
    let company = caller.company(Role::writes)?;
    let item = object(body)?;
    fields::check(&item)?;
    let made = order::of(&api, company, &item)?;
    let request = Request::Attach(Attachment {
        company,
        target: Target::NewOrder,
        view: View::Tracker,
        item: made.item,
        fields: made.kept,
    });
    let accepted =
        api.admission.ask(request).await.map_err(|refusal| refusal::named(refusal.into()))?;
    let id = accepted.ids.first().copied().unwrap_or_default();
    let order = own(&api, company, id)?;
    let mut view = view::rendered(&api, &order).await?;
    if !made.warnings.is_empty() {
        view["warnings"] = made.warnings.into();
    }
    Ok((StatusCode::CREATED, axum::Json(view)))
}

async fn read(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Ids(id): Ids<u64>,
) -> Result<axum::Json<Value>, Problem> {
    let company = caller.company(Role::reads)?;
    let order = own(&api, company, id)?;
    Ok(axum::Json(view::rendered(&api, &order).await?))
}

/// Which trackers are wanted.
#[derive(Deserialize)]
struct Wanted {
    page: Option<u64>,
    #[serde(rename = "groupId")]
    group: Option<String>,
    #[serde(rename = "trackerExternalId")]
    external: Option<String>,
}

async fn list(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Parameters(wanted): Parameters<Wanted>,
) -> Result<axum::Json<Value>, Problem> {
    let company = u64::from(caller.company(Role::reads)?.0);
    let skipped = skipped(wanted.page)?;
    let orders = api.readers.read(|catalog| match &wanted.external {
        Some(external) => {
            let found = catalog.by_number(Kind::Order, company, &order::number_of(external))?;
            let is_wanted = |order: &Document| order.field(TRACKER).is_some() && skipped == 0;
            Ok(found.into_iter().filter(is_wanted).collect())
        }
        None => catalog.trackers(company, wanted.group.as_deref(), skipped, PAGE_MAX),
    })?;
    let mut trackers = Vec::with_capacity(orders.len());
    for order in &orders {
        trackers.push(view::rendered(&api, order).await?);
    }
    Ok(axum::Json(json!(trackers)))
}

/// Cancels a tracker; once is enough, and what is delivered stays so.
async fn cancel(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Ids(id): Ids<u64>,
) -> Result<axum::Json<Value>, Problem> {
    let company = caller.company(Role::writes)?;
    let order = own(&api, company, id)?;
    let state = present::state(&api, &order).await?;
    match present::status(&order, state.as_ref()) {
        OrderStatus::Finished | OrderStatus::PartiallyFinished => {
            return Err(Problem::invalid("", "the order is delivered already"));
        }
        OrderStatus::Cancelled => {}
        OrderStatus::New | OrderStatus::Confirmed | OrderStatus::Postponed => {
            let request = Request::SetStatus {
                company,
                order: OrderId(id),
                courier: None,
                status: OrderStatus::Cancelled,
                initiator: Initiator::UserApi,
                comment: None,
            };
            api.admission.ask(request).await?;
        }
    }
    let order = own(&api, company, id)?;
    Ok(axum::Json(view::rendered(&api, &order).await?))
}

/// A company's own tracker.
fn own(api: &Api, company: CompanyId, id: u64) -> Result<Document, Problem> {
    let order = api.readers.read(|catalog| catalog.document(Kind::Order, id))?;
    let own = order
        .filter(|order| order.company == u64::from(company.0) && order.field(TRACKER).is_some());
    own.ok_or_else(|| Problem::not_found("tracker"))
}
