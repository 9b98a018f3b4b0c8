//! Tokens of a company: made, listed and revoked. The text is shown once.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::{delete, get};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::api::body::{Ids, Json, PAGE_MAX, Parameters, skipped};
use crate::api::caller::Caller;
use crate::api::error::Problem;
use crate::api::state::Api;
use crate::domain::time::Time;
use crate::feed::cloud_event::iso;
use crate::runtime::access::{Role, TokenId};
use crate::runtime::admission::Request;
use crate::runtime::documents::words::in_words;
use crate::storage::catalog::change::StoredToken;

pub(super) fn routes() -> Router<Arc<Api>> {
    Router::new()
        .route("/v1/tokens", get(list).post(create))
        .route("/v1/tokens/{id}", delete(revoke))
}

#[derive(Deserialize)]
struct Wish {
    role: String,
    courier_id: Option<u64>,
    depot_id: Option<u64>,
}

async fn create(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Json(body): Json,
) -> Result<impl IntoResponse, Problem> {
    let company = caller.company(Role::writes)?;
    let wish: Wish = serde_json::from_value(body)
        .map_err(|error| Problem::invalid("", in_words(&error.to_string())))?;
    let role = Role::from_name(&wish.role)
        .ok_or_else(|| Problem::invalid("/role", format!("\"{}\" is not a role", wish.role)))?;
    if role.writes() && caller.grant.role != Role::Admin {
        return Err(Problem::forbidden());
    }
    let (courier, depot) = (wish.courier_id, wish.depot_id);
    let request = Request::CreateToken { company, role, courier, depot };
    let accepted = api.admission.ask(request).await?;
    let Some((text, token)) = accepted.token else {
        return Err(Problem::failed("no token was drawn"));
    };
    let mut body = rendered(&token);
    body["token"] = text.into();
    Ok((StatusCode::CREATED, axum::Json(body)))
}

#[derive(Deserialize)]
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
    Ok(axum::Json(tokens.iter().map(rendered).collect()))
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

fn rendered(token: &StoredToken) -> Value {
    json!({
        "id": token.id,
        "company_id": token.company,
        "role": token.role,
        "courier_id": token.courier,
        "depot_id": token.depot,
        "created_at": iso(Time::from_ms(token.created_ms)),
        "revoked_at": token.revoked_ms.map(|ms| iso(Time::from_ms(ms))),
    })
}
