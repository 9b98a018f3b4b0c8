//! Callbacks of deliveries: `delivery.create` and `delivery.update`, signed as the clients of
//! Deliveries know it. Here a company says where it wants them; the document does not say how.

mod maker;
mod sender;
pub mod worker;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use serde_json::{Value, json};

use crate::api::body::Json;
use crate::api::caller::Caller;
use crate::api::error::Problem;
use crate::api::fields::Fields;
use crate::api::state::Api;
use crate::domain::time::Time;
use crate::feed::cloud_event::iso;
use crate::feed::outbound::Address;
use crate::runtime::access::{Role, draw_token};
use crate::runtime::admission::{Callback, Request};
use crate::storage::catalog::callbacks::CallbackLine;
use crate::storage::catalog::change::StoredCallback;

pub(super) fn routes() -> Router<Arc<Api>> {
    Router::new().route("/v1/deliveries/callback", get(read).put(set).delete(unset))
}

async fn read(State(api): State<Arc<Api>>, caller: Caller) -> Result<axum::Json<Value>, Problem> {
    let company = u64::from(caller.company(|role| role == Role::Admin)?.0);
    rendered(&api, company).map(axum::Json)
}

/// Sets address and secret; without a secret one is drawn. It is shown this once.
async fn set(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Json(body): Json,
) -> Result<axum::Json<Value>, Problem> {
    let company = caller.company(|role| role == Role::Admin)?;
    let mut wish = Fields::new(body, "")?;
    let url = wish.text("url")?;
    let address = Address::parse(&url).map_err(|error| wish.wrong("url", error.to_string()))?;
    api.outbound.check(&address).map_err(|error| wish.wrong("url", error.to_string()))?;
    let secret = match wish.value("secret") {
        Some(Value::String(secret)) if (SECRET_MIN..=SECRET_MAX).contains(&secret.len()) => secret,
        Some(_) => {
            let expected = format!("expected a text of {SECRET_MIN} to {SECRET_MAX} bytes");
            return Err(wish.wrong("secret", expected));
        }
        None => draw_token().map_err(|error| Problem::failed(error.to_string()))?,
    };
    wish.end()?;
    let callback = Callback { url, secret: secret.clone().into() };
    api.admission.ask(Request::SetCallback { company, callback: Some(callback) }).await?;
    let mut body = rendered(&api, u64::from(company.0))?;
    body["secret"] = secret.into();
    Ok(axum::Json(body))
}

async fn unset(State(api): State<Arc<Api>>, caller: Caller) -> Result<StatusCode, Problem> {
    let company = caller.company(|role| role == Role::Admin)?;
    api.admission.ask(Request::SetCallback { company, callback: None }).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn rendered(api: &Api, company: u64) -> Result<Value, Problem> {
    let (callback, line) = api.readers.read(|catalog| {
        let callback = catalog.callbacks()?.into_iter().find(|known| known.company == company);
        Ok((callback, catalog.callback_line(Some(company))?))
    })?;
    let StoredCallback { url, created_ms, .. } =
        callback.ok_or_else(|| Problem::not_found("callback"))?;
    let CallbackLine { waiting, oldest_ms } = line;
    Ok(json!({
        "url": url,
        "created_at": iso(Time::from_ms(created_ms)),
        "waiting": waiting,
        "oldest_waiting_at": oldest_ms.map(|ms| iso(Time::from_ms(ms))),
    }))
}

/// Shortest secret, in bytes.
pub(in crate::api) const SECRET_MIN: usize = 16;
/// Longest secret, in bytes.
pub(in crate::api) const SECRET_MAX: usize = 255;
