//! Whether the daemon lives, and whether it is ready.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;

use crate::api::error::Problem;
use crate::api::state::Api;
use crate::runtime::error::DISK_FULL;
use crate::runtime::overload::Stage;
use crate::runtime::progress::Progress;

pub(super) fn routes() -> Router<Arc<Api>> {
    Router::new().route("/livez", get(|| async { "ok\n" })).route("/readyz", get(ready))
}

/// The surface is up only after recovery; what can still fail is the node, or its pace.
async fn ready(State(api): State<Arc<Api>>) -> Result<String, Problem> {
    let unready = |detail: String| Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail);
    if api.fault.has_failed() {
        let cause = api.fault.cause().unwrap_or("unknown");
        return Err(unready(format!("the node failed: {cause}")));
    }
    if api.intake.is_disk_full() {
        return Err(unready(DISK_FULL.to_owned()));
    }
    let waiting = api.intake.waiting();
    if waiting > WAITING_MAX {
        return Err(unready(format!("{waiting} positions are waiting")));
    }
    let quarantined: Vec<_> =
        api.views.quarantined().iter().map(|courier| courier.0.to_string()).collect();
    let mut text = "ready\n".to_owned();
    let stage = api.intake.stage();
    if stage > Stage::Even {
        text += &format!("overload: {stage}\n");
    }
    if !quarantined.is_empty() {
        // Everybody else is served.
        text += &format!("couriers in quarantine: {}\n", quarantined.join(", "));
    }
    Ok(text)
}

/// What is answered while the daemon recovers: that it lives, and how far it is.
pub(in crate::api) fn recovering(progress: Arc<Progress>) -> Router {
    let standing = move || {
        let standing = progress.standing().to_string();
        async { Problem::new(StatusCode::SERVICE_UNAVAILABLE, standing) }
    };
    Router::new().route("/livez", get(|| async { "ok\n" })).fallback(standing)
}

/// Positions that may wait before the daemon says that it lags.
const WAITING_MAX: usize = 50_000;
