//! Problems in the form that the clients of Deliveries know.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::api::error::Problem;

/// Gives a problem its documented body.
pub(super) async fn rewrite(mut response: Response) -> Response {
    let Some(problem) = response.extensions_mut().remove::<Problem>() else { return response };
    let errors: Vec<_> = problem
        .errors()
        .iter()
        .map(|(pointer, detail)| {
            json!({ "field": pointer.trim_start_matches('/'), "message": detail })
        })
        .collect();
    let body = json!({
        "error_type": kind(problem.status()),
        "message": problem.detail(),
        "errors": errors,
    });
    let (parts, _) = response.into_parts();
    let mut rewritten = (problem.status(), Json(body)).into_response();
    for (name, value) in &parts.headers {
        if !rewritten.headers().contains_key(name) {
            rewritten.headers_mut().insert(name.clone(), value.clone());
        }
    }
    rewritten
}

const fn kind(status: StatusCode) -> &'static str {
    match status {
        StatusCode::BAD_REQUEST => "bad_request",
        StatusCode::UNAUTHORIZED => "unauthorized",
        StatusCode::FORBIDDEN => "forbidden",
        StatusCode::NOT_FOUND => "not_found",
        StatusCode::PAYLOAD_TOO_LARGE => "payload_too_large",
        StatusCode::UNPROCESSABLE_ENTITY => "unprocessable_entity",
        StatusCode::TOO_MANY_REQUESTS => "too_many_requests",
        StatusCode::SERVICE_UNAVAILABLE => "service_unavailable",
        StatusCode::GATEWAY_TIMEOUT => "gateway_timeout",
        _ => "internal_server_error",
    }
}
