//! The HTTP surface: Track & Trace, Deliveries and Tracker as documented, and the native paths. Each room gives routes; the
//! whole is [`router`]. Parses and renders; what is allowed is admission's business.

mod body;
mod caller;
mod deliveries;
mod description;
mod edge;
pub mod error;
mod fields;
mod idempotency;
pub mod json;
pub mod limits;
mod native;
mod parameters;
mod preconditions;
mod present;
mod quotas;
pub mod server;
mod state;
mod status_log;
mod streams;
mod timed_io;
mod track_and_trace;
mod trackers;
mod tracking_page;
mod widget;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;

pub use self::deliveries::callbacks::worker::run as send_callbacks;
pub use self::description::openapi;
use self::error::Problem;
pub use self::state::{Api, ApiParts, QuicAddress, Site, names};

/// Every path.
pub fn router(api: Arc<Api>) -> Router {
    Router::new()
        .merge(track_and_trace::routes())
        .merge(native::routes())
        .merge(description::routes())
        .merge(deliveries::routes())
        .merge(trackers::routes())
        .merge(tracking_page::routes())
        .fallback(|| async { Problem::not_found("path") })
        .method_not_allowed_fallback(|| async { Problem::method_not_allowed() })
        .layer(from_fn_with_state(Arc::clone(&api), edge::pass))
        .with_state(api)
}
