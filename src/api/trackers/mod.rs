//! Trackers.

use std::sync::Arc;

use axum::Router;

use super::state::Api;

/// Every path of trackers.
pub(super) fn routes() -> Router<Arc<Api>> {
    Router::new()
}
