//! The native paths under `/v1`, and what operators ask.

mod address;
mod couriers;
mod erasures;
mod events;
pub(super) mod health;
pub(super) mod metrics;
mod overload;
mod tokens;

pub(super) use self::couriers::{FOUND_MAX, NEAR_RADIUS_M_MAX};
pub(super) use self::events::EVENTS_MAX;

use std::sync::Arc;

use axum::Router;

use super::state::Api;

/// Every native path.
pub(super) fn routes() -> Router<Arc<Api>> {
    Router::new()
        .merge(couriers::routes())
        .merge(erasures::routes())
        .merge(events::routes())
        .merge(health::routes())
        .merge(address::routes())
        .merge(metrics::routes())
        .merge(tokens::routes())
}
