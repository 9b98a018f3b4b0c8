//! The description of this surface: OpenAPI 3.1, kept by hand in `docs/openapi.json`; a test holds
//! it against the router.

use std::sync::Arc;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;

use crate::api::state::Api;

pub(super) fn routes() -> Router<Arc<Api>> {
    let read = || async { ([(CONTENT_TYPE, "application/json")], DESCRIPTION) };
    Router::new().route("/openapi.json", get(read))
}

const DESCRIPTION: &str = include_str!("../../../docs/openapi.json");
