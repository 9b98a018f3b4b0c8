//! The native paths under `/v1`, and what operators ask.

mod couriers;
mod events;
mod health;
mod info;
pub(super) mod metrics;
mod tokens;

use std::sync::Arc;

use axum::Router;

use super::state::Api;

/// Every native path.
pub(super) fn routes() -> Router<Arc<Api>> {
    Router::new()
        .merge(couriers::routes())
        .merge(events::routes())
        .merge(health::routes())
        .merge(info::routes())
        .merge(metrics::routes())
        .merge(tokens::routes())
}
