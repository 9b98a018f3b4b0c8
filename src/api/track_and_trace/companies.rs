//! Companies: made by the admin of the first one, read and changed by their own.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Extension, Router};
use serde_json::{Value, json};

use super::{rendered, under_company};
use crate::api::body::{Ids, Json, object};
use crate::api::caller::Caller;
use crate::api::error::Problem;
use crate::api::idempotency::ShownOnce;
use crate::api::state::Api;
use crate::domain::ids::CompanyId;
use crate::runtime::access::Role;
use crate::runtime::admission::{Mode, Request};
use crate::storage::catalog::change::Kind;

pub(super) fn routes() -> Router<Arc<Api>> {
    Router::new()
        .route("/api/v1/companies", post(create))
        .route(&under_company(""), get(read).patch(change))
}

async fn create(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Json(body): Json,
) -> Result<impl IntoResponse, Problem> {
    caller.within(FIRST_COMPANY, |role| role == Role::Admin)?;
    let request = Request::CreateCompany { item: object(body)? };
    let accepted = api.admission.ask(request).await?;
    let id = accepted.ids.first().copied().unwrap_or_default();
    let mut company = rendered_company(&api, id)?;
    let token = accepted.token.map(|(token, _)| token);
    company["admin_token"] = json!(token);
    Ok((StatusCode::CREATED, Extension(ShownOnce), axum::Json(company)))
}

async fn read(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Ids(company): Ids<u64>,
) -> Result<axum::Json<Value>, Problem> {
    if let Err(problem) = caller.within(company, Role::reads) {
        let sharer = u64::from(caller.company(Role::reads)?.0);
        let owner = api.readers.read(|catalog| {
            let is_shared = catalog.shares_with(Kind::Company, company, sharer)?;
            if is_shared { catalog.document(Kind::Company, company) } else { Ok(None) }
        })?;
        let owner = owner.ok_or(problem)?;
        return Ok(axum::Json(rendered::general(Kind::Company, &owner)));
    }
    Ok(axum::Json(rendered_company(&api, company)?))
}

async fn change(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Ids(company): Ids<u64>,
    Json(body): Json,
) -> Result<axum::Json<Value>, Problem> {
    let CompanyId(id) = caller.within(company, Role::writes)?;
    let request = Request::Write {
        company: CompanyId(id),
        kind: Kind::Company,
        mode: Mode::Patch(company),
        items: vec![object(body)?],
    };
    api.admission.ask(request).await?;
    Ok(axum::Json(rendered_company(&api, company)?))
}

fn rendered_company(api: &Api, id: u64) -> Result<Value, Problem> {
    let company = api.readers.read(|catalog| catalog.document(Kind::Company, id))?;
    let company = company.ok_or_else(|| Problem::not_found("company"))?;
    Ok(rendered::document(Kind::Company, &company))
}

/// The company whose admins make companies.
const FIRST_COMPANY: u64 = 1;
