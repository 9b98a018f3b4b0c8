//! What a client has to know before it can connect.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use serde_json::{Value, json};

use crate::api::caller::Caller;
use crate::api::error::Problem;
use crate::api::state::Api;
use crate::storage::catalog::change::Kind;

pub(super) fn routes() -> Router<Arc<Api>> {
    Router::new().route("/v1/info", get(read))
}

/// Open to all; with a token it also says whose it is.
async fn read(
    State(api): State<Arc<Api>>,
    caller: Result<Caller, Problem>,
) -> Result<axum::Json<Value>, Problem> {
    let quic = api.site.quic.as_ref();
    let mut info = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "quic": quic.map(|quic| {
            json!({ "address": quic.address, "fingerprint": quic.fingerprint })
        }),
        "server_time": api.clock.now().ms(),
    });
    if let Some(scale) = api.clock.scale() {
        info["time_scale"] = scale.into();
    }
    if let Ok(Caller { grant }) = caller {
        let id = u64::from(grant.company.0);
        let company = api.readers.read(|catalog| catalog.document(Kind::Company, id))?;
        info["company"] = json!({
            "id": id,
            "number": company.as_ref().map(|company| &company.number),
            "name": company.as_ref().and_then(|company| company.text("name")),
        });
        info["role"] = grant.role.name().into();
        info["courier_id"] = grant.courier.map(|courier| courier.0).into();
    }
    Ok(axum::Json(info))
}
