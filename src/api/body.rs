//! Bodies and paths of requests: their limits, and the JSON in them.

use std::sync::Arc;

use axum::body::to_bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::StatusCode;
use axum::http::header::CONTENT_LENGTH;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::error::Problem;
use super::state::Api;
use crate::runtime::admission::{BATCH_MAX, Item};

/// A body that is JSON.
pub(super) struct Json(pub(super) Value);

impl FromRequest<Arc<Api>> for Json {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &Arc<Api>) -> Result<Self, Problem> {
        let length = request.headers().get(CONTENT_LENGTH);
        let length = length.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
        if length.is_some_and(|length| length > BODY_BYTES_MAX) {
            return Err(too_large());
        }
        let bytes = to_bytes(request.into_body(), BODY_BYTES_MAX).await.map_err(|_| too_large())?;
        let value = serde_json::from_slice(&bytes).map_err(|error| {
            Problem::new(StatusCode::BAD_REQUEST, format!("the body is not JSON: {error}"))
        })?;
        Ok(Self(value))
    }
}

/// The ids in a path; what is no id names nothing.
pub(super) struct Ids<T>(pub(super) T);

impl<T: DeserializeOwned + Send> FromRequestParts<Arc<Api>> for Ids<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, Problem> {
        let ids = Path::<T>::from_request_parts(parts, api).await;
        ids.map(|Path(ids)| Self(ids)).map_err(|_| Problem::not_found("path"))
    }
}

/// The parameters after the question mark.
pub(super) struct Parameters<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequestParts<Arc<Api>> for Parameters<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Api>) -> Result<Self, Problem> {
        let parameters = Query::<T>::try_from_uri(&parts.uri);
        let parameters = parameters.map(|Query(parameters)| Self(parameters));
        parameters.map_err(|error| Problem::invalid("", error.body_text()))
    }
}

/// The one object of a body.
pub(super) fn object(value: Value) -> Result<Item, Problem> {
    match value {
        Value::Object(item) => Ok(item),
        _ => Err(Problem::invalid("", "expected an object")),
    }
}

/// The objects of a body.
pub(super) fn objects(value: Value) -> Result<Vec<Item>, Problem> {
    let list = list(value, "")?;
    let items = list.into_iter().enumerate();
    items
        .map(|(index, value)| match value {
            Value::Object(item) => Ok(item),
            _ => Err(Problem::invalid(&format!("/{index}"), "expected an object")),
        })
        .collect()
}

/// A list that is not too long.
pub(super) fn list(value: Value, pointer: &str) -> Result<Vec<Value>, Problem> {
    let Value::Array(list) = value else {
        return Err(Problem::invalid(pointer, "expected a list"));
    };
    if list.len() > BATCH_MAX {
        let problem = format!("{} objects: at most {BATCH_MAX} are allowed", list.len());
        return Err(Problem::invalid(pointer, problem));
    }
    Ok(list)
}

/// A page, from 1: how many entries lie before it.
pub(super) fn skipped(page: Option<u64>) -> Result<u64, Problem> {
    match page.unwrap_or(1) {
        0 => Err(Problem::invalid("/page", "expected 1 or more")),
        page if page > PAGES_MAX => {
            Err(Problem::invalid("/page", format!("expected at most {PAGES_MAX}")))
        }
        page => Ok((page - 1) * PAGE_MAX),
    }
}

fn too_large() -> Problem {
    let detail = format!("the body is longer than {BODY_BYTES_MAX} bytes");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
}

/// Longest body of a request.
const BODY_BYTES_MAX: usize = 8 << 20;
/// Entries of one page.
pub(super) const PAGE_MAX: u64 = 1_000;
/// Highest page that can be asked for.
const PAGES_MAX: u64 = 1_000_000;
