//! The erasure of a courier, asked for by an administrator; answered when nothing of it is left.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use serde_json::{Value, json};

use crate::api::body::Json;
use crate::api::caller::Caller;
use crate::api::error::Problem;
use crate::api::fields::Fields;
use crate::api::state::Api;
use crate::domain::ids::CourierId;
use crate::runtime::access::Role;
use crate::runtime::error::ErasureError;

pub(super) fn routes() -> Router<Arc<Api>> {
    Router::new().route("/v1/erasures", post(erase))
}

async fn erase(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Json(body): Json,
) -> Result<axum::Json<Value>, Problem> {
    let company = caller.company(|role| role == Role::Admin)?;
    let mut wish = Fields::new(body, "")?;
    let wanted = wish.whole("courier_id")?.ok_or_else(|| wish.wrong("courier_id", "is missing"))?;
    wish.end()?;
    let courier = u32::try_from(wanted).map_err(|_| Problem::not_found("courier"))?;
    let working = Arc::clone(&api);
    let erased = tokio::task::spawn_blocking(move || {
        working.erasure().erase_blocking(company, CourierId(courier))
    });
    let erased = erased.await.map_err(|_| Problem::failed("the erasure was broken off"))??;
    api.press.forget();
    Ok(axum::Json(json!({
        "courier_id": courier, "events": erased.events, "track_files": erased.track_files,
    })))
}

impl From<ErasureError> for Problem {
    fn from(error: ErasureError) -> Self {
        match error {
            ErasureError::Refused(error) => error.into(),
            ErasureError::Catalog(error) => error.into(),
            ErasureError::Storage(error) => error.into(),
            ErasureError::View(error) => error.into(),
            ErasureError::Snapshot(error) => Self::failed(error.to_string()),
        }
    }
}
