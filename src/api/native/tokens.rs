//! Tokens of a company: made, listed and revoked. The text is shown once.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::{delete, get};
use axum::{Extension, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::api::body::{Ids, Json, PAGE_MAX, Parameters, skipped};
use crate::api::caller::Caller;
use crate::api::error::Problem;
use crate::api::fields::Fields;
use crate::api::idempotency::ShownOnce;
use crate::api::state::Api;
use crate::domain::time::Time;
use crate::feed::cloud_event::iso;
use crate::runtime::access::{Role, TokenId};
use crate::runtime::admission::Request;
use crate::storage::catalog::change::StoredToken;

pub(super) fn routes() -> Router<Arc<Api>> {
    Router::new()
        .route("/v1/tokens", get(list).post(create))
        .route("/v1/tokens/{id}", delete(revoke))
}

async fn create(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Json(body): Json,
) -> Result<impl IntoResponse, Problem> {
    let company = caller.company(Role::writes)?;
    let mut wish = Fields::new(body, "")?;
    let name = wish.text("role")?;
    let names = Role::ALL.map(Role::name).join(", ");
    let role = Role::from_name(&name)
        .ok_or_else(|| wish.wrong("role", format!("is not a role: expected one of {names}")))?;
    let (courier, depot) = (wish.whole("courier_id")?, wish.whole("depot_id")?);
    wish.end()?;
    if role.writes() && caller.grant.role != Role::Admin {
        return Err(Problem::forbidden());
    }
    let request = Request::CreateToken { company, role, courier, depot };
    let accepted = api.admission.ask(request).await?;
    let Some((text, token)) = accepted.token else {
        return Err(Problem::failed("no token was drawn"));
    };
    let mut body = rendered(&api, &token);
    body["token"] = text.into();
    Ok((StatusCode::CREATED, Extension(ShownOnce), axum::Json(body)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    page: Option<u64>,
}

async fn list(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Parameters(wanted): Parameters<Wanted>,
) -> Result<axum::Json<Value>, Problem> {
    let company = u64::from(caller.company(|role| role == Role::Admin)?.0);
    let skipped = skipped(wanted.page)?;
    let tokens = api.readers.read(|catalog| catalog.tokens_of(company, skipped, PAGE_MAX))?;
    Ok(axum::Json(tokens.iter().map(|token| rendered(&api, token)).collect()))
}

async fn revoke(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Ids(id): Ids<u64>,
) -> Result<StatusCode, Problem> {
    let company = caller.company(|role| role == Role::Admin)?;
    api.admission.ask(Request::RevokeToken { company, token: TokenId(id) }).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn rendered(api: &Api, token: &StoredToken) -> Value {
    let used = api.access.last_used(TokenId(token.id));
    json!({
        "id": token.id,
        "company_id": token.company,
        "role": token.role,
        "courier_id": token.courier,
        "depot_id": token.depot,
        "created_at": iso(Time::from_ms(token.created_ms)),
        "last_used_at": used.map(iso),
        "revoked_at": token.revoked_ms.map(|ms| iso(Time::from_ms(ms))),
    })
}
