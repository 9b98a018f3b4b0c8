//! Problems in the form of the Tracker document: each with its type and its severity.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::api::error::Problem;

/// Gives a problem its documented body.
pub(super) async fn rewrite(mut response: Response) -> Response {
    let Some(problem) = response.extensions_mut().remove::<Problem>() else { return response };
    let kind = kind(problem.status());
    let one = |field: Option<&str>, message: &str| {
        let mut error = json!({ "type": kind, "severity": problem.severity(), "message": message });
        if let Some(field) = field {
            error["field"] = field.trim_start_matches('/').replace('/', ".").into();
        }
        error
    };
    let errors = problem.errors().iter();
    let mut errors: Vec<Value> =
        errors.map(|(pointer, detail)| one(Some(pointer), detail)).collect();
    if errors.is_empty() {
        errors.push(one(None, problem.detail()));
    }
    let (parts, _) = response.into_parts();
    let mut rewritten = (problem.status(), Json(json!({ "errors": errors }))).into_response();
    for (name, value) in &parts.headers {
        if !rewritten.headers().contains_key(name) {
            rewritten.headers_mut().insert(name.clone(), value.clone());
        }
    }
    rewritten
}

/// What the order calls a field, in the words of the tracker.
pub(super) fn named(problem: Problem) -> Problem {
    if problem.errors().is_empty() {
        return problem;
    }
    let words = [
        ("/number", "/trackerExternalId"),
        ("/lat", "/deliveryAddress/latitude"),
        ("/lon", "/deliveryAddress/longitude"),
        ("/amount", "/orderValue"),
        ("/customer_name", "/deliveryContact/name"),
        ("/time_interval", "/deliveryTime"),
    ];
    let errors = problem.errors().iter().map(|(pointer, detail)| {
        let word = words.iter().find(|(ours, _)| ours == pointer);
        (word.map_or(pointer.as_str(), |(_, theirs)| theirs).to_owned(), detail.clone())
    });
    Problem::all_invalid(errors.collect())
}

const fn kind(status: StatusCode) -> &'static str {
    match status {
        StatusCode::BAD_REQUEST => "MISSING_TRACKER_DATA",
        StatusCode::UNAUTHORIZED => "UNAUTHORIZED",
        StatusCode::FORBIDDEN => "FORBIDDEN",
        StatusCode::NOT_FOUND => "TRACKER_NOT_FOUND",
        StatusCode::TOO_MANY_REQUESTS => "TOO_MANY_REQUESTS",
        StatusCode::UNPROCESSABLE_ENTITY | StatusCode::PAYLOAD_TOO_LARGE => "INVALID_TRACKER_DATA",
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => "TRY_AGAIN",
        _ => "INTERNAL_SERVER_ERROR",
    }
}
