//! The Track & Trace paths.

mod companies;
mod courier_positions;
mod documents;
mod notifications;
mod order_info;
mod order_view;
mod positions;
mod rendered;
mod route_view;

pub(super) use self::courier_positions::UNIX_S_MAX;
pub(super) use self::positions::TIMESTAMP_MAX_S;

use std::sync::Arc;

use axum::Router;

use super::state::Api;

/// Every path under `/api`.
pub(super) fn routes() -> Router<Arc<Api>> {
    Router::new()
        .merge(companies::routes())
        .merge(documents::routes())
        .merge(route_view::routes())
        .merge(order_info::routes())
        .merge(notifications::routes())
        .merge(positions::routes())
        .merge(courier_positions::routes())
}

/// The root of a company's paths.
fn under_company(path: &str) -> String {
    format!("/api/v1/companies/{{company}}{path}")
}
