//! Bodies and paths of requests: their limits, and the JSON in them.

use std::sync::Arc;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::header::CONTENT_LENGTH;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::error::Problem;
use super::json::parse;
pub(super) use super::parameters::Parameters;
use super::state::Api;
use crate::runtime::admission::{BATCH_MAX, Item};

/// A body that is JSON.
pub(super) struct Json(pub(super) Value);

impl FromRequest<Arc<Api>> for Json {
    type Rejection = Problem;

    async fn from_request(request: Request, api: &Arc<Api>) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        whole(api, &parts.headers, body, |bytes| parse(&bytes)).await.map(Self)
    }
}

/// Reads a body within the limits, and makes something of it while its room is taken.
pub(super) async fn whole<T>(
    api: &Api,
    headers: &HeaderMap,
    body: Body,
    then: impl FnOnce(Bytes) -> Result<T, Problem>,
) -> Result<T, Problem> {
    let length = headers.get(CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if length.is_some_and(|length| length > BODY_BYTES_MAX) {
        return Err(too_large());
    }
    let room = length.unwrap_or(BODY_BYTES_MAX).div_ceil(ROOM_BYTES);
    let read = timeout(api.limits.body_timeout, async {
        let room =
            api.bodies.acquire_many(room as u32).await.map_err(|_| {
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the daemon is stopping")
            })?;
        let bytes = to_bytes(body, BODY_BYTES_MAX).await.map_err(|_| too_large())?;
        let made = then(bytes);
        drop(room);
        made
    });
    let late = || {
        let detail = "the body did not arrive in time";
        Problem::new(StatusCode::REQUEST_TIMEOUT, detail)
    };
    read.await.map_err(|_| late())?
}

/// The room in which all bodies that are being read must fit.
pub(super) fn body_room() -> Semaphore {
    Semaphore::new(BODIES_BYTES_MAX / ROOM_BYTES)
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
/// All bodies that are being read at one time.
const BODIES_BYTES_MAX: usize = 128 << 20;
/// The unit in which room for bodies is taken.
const ROOM_BYTES: usize = 1 << 10;
/// Entries of one page.
pub(super) const PAGE_MAX: u64 = 1_000;
/// Highest page that can be asked for.
pub(super) const PAGES_MAX: u64 = 1_000_000;
