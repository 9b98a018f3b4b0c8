//! The native paths under `/v1`, and what operators ask.

mod address;
mod couriers;
mod description;
mod erasures;
mod events;
mod health;
pub(super) mod metrics;
mod tokens;

use std::sync::Arc;

use axum::Router;

use super::state::Api;

/// Every native path.
pub(super) fn routes() -> Router<Arc<Api>> {
    Router::new()
        .merge(couriers::routes())
        .merge(description::routes())
        .merge(erasures::routes())
        .merge(events::routes())
        .merge(health::routes())
        .merge(address::routes())
        .merge(metrics::routes())
        .merge(tokens::routes())
}
