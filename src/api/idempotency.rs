//! `Idempotency-Key`: a POST that is sent again within 24 hours gets the answer that it got, and is
//! not carried out again. The answer is kept before it is sent.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use super::body::whole;
use super::edge::rendered;
use super::error::Problem;
use super::state::Api;
use crate::runtime::access::TokenId;
use crate::storage::ledger::KeptAnswer;

/// Marks an answer that shows a secret, which is kept nowhere and shown once.
#[derive(Clone, Copy, Debug)]
pub(super) struct ShownOnce;

/// The keys whose requests are being carried out.
#[derive(Debug, Default)]
pub(super) struct InFlight(Mutex<BTreeSet<(TokenId, String)>>);

/// The key of a request that has one.
pub(super) fn key(method: &Method, headers: &HeaderMap) -> Option<Result<String, Problem>> {
    let value = headers.get("idempotency-key").filter(|_| *method == Method::POST)?;
    let is_key = (1..=KEY_CHARS_MAX).contains(&value.len());
    Some(value.to_str().ok().filter(|_| is_key).map(str::to_owned).ok_or_else(|| {
        let detail = format!("Idempotency-Key: expected 1 to {KEY_CHARS_MAX} ASCII characters");
        Problem::new(StatusCode::BAD_REQUEST, detail)
    }))
}

/// Carries a request out, or gives the answer that it got. What has begun is ended even if the
/// client goes: that is when it will ask again.
pub(super) async fn once(
    api: Arc<Api>,
    token: TokenId,
    key: String,
    request: Request,
    next: Next,
) -> Response {
    let answered = tokio::spawn(async move {
        let begun = Begun::new(api, token, key)?;
        begun.answer(request, next).await
    });
    match answered.await {
        Ok(answered) => answered.unwrap_or_else(IntoResponse::into_response),
        Err(_) => Problem::failed("the request failed").into_response(),
    }
}

/// A request under its key; others with the same key are refused meanwhile.
struct Begun {
    api: Arc<Api>,
    token: TokenId,
    key: String,
}

impl Begun {
    fn new(api: Arc<Api>, token: TokenId, key: String) -> Result<Self, Problem> {
        let mut in_flight = api.in_flight.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !in_flight.insert((token, key.clone())) {
            let detail = "a request with this Idempotency-Key is being carried out";
            return Err(Problem::new(StatusCode::CONFLICT, detail));
        }
        drop(in_flight);
        Ok(Self { api, token, key })
    }

    async fn answer(&self, request: Request, next: Next) -> Result<Response, Problem> {
        let (parts, body) = request.into_parts();
        let bytes = whole(&self.api, &parts.headers, body, Ok).await?;
        let print = print(&parts.method, parts.uri.path(), &bytes);
        if let Some(kept) = self.kept().await? {
            return given(kept, print);
        }
        let path = parts.uri.path().to_owned();
        let answer = next.run(Request::from_parts(parts, Body::from(bytes))).await;
        self.keep(rendered(answer, &path), print).await
    }

    async fn kept(&self) -> Result<Option<KeptAnswer>, Problem> {
        let (api, token, key) = (Arc::clone(&self.api), self.token, self.key.clone());
        let since_ms = api.clock.now().ms() - KEPT_MS;
        let read =
            tokio::task::spawn_blocking(move || api.ledger.answer(token.0, &key, since_ms)).await;
        let read = read.map_err(|_| Problem::failed("the ledger cannot be read"))?;
        Ok(read?)
    }

    async fn keep(&self, answer: Response, print: [u8; 32]) -> Result<Response, Problem> {
        let status = answer.status();
        let is_final = !status.is_server_error()
            && !matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS);
        if !is_final {
            return Ok(answer);
        }
        let (parts, body) = answer.into_parts();
        let cannot = |_| Problem::failed("the answer cannot be kept");
        let bytes = to_bytes(body, ANSWER_BYTES_MAX).await.map_err(cannot)?;
        let kind = parts.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let now_ms = self.api.clock.now().ms();
        let is_secret = parts.extensions.get::<ShownOnce>().is_some();
        let kept = KeptAnswer {
            request: print,
            at_ms: now_ms,
            status: status.as_u16(),
            kind: kind.unwrap_or_default().to_owned(),
            body: (!is_secret).then(|| bytes.to_vec()),
        };
        let (api, token, key) = (Arc::clone(&self.api), self.token, self.key.clone());
        let written = tokio::task::spawn_blocking(move || {
            api.ledger.keep(token.0, &key, &kept, now_ms - KEPT_MS)
        });
        written.await.map_err(|_| Problem::failed("the answer cannot be kept"))??;
        Ok(Response::from_parts(parts, bytes.into()))
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        let mut in_flight = self.api.in_flight.0.lock().unwrap_or_else(PoisonError::into_inner);
        in_flight.remove(&(self.token, core::mem::take(&mut self.key)));
    }
}

fn given(kept: KeptAnswer, print: [u8; 32]) -> Result<Response, Problem> {
    if kept.request != print {
        let detail = "the Idempotency-Key was used for another request";
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail));
    }
    let Some(body) = kept.body else {
        let detail = format!(
            "the request was answered with {}, and what it showed is shown once",
            kept.status
        );
        return Err(Problem::new(StatusCode::CONFLICT, detail));
    };
    let status = StatusCode::from_u16(kept.status).unwrap_or(StatusCode::OK);
    let mut answer = (status, Bytes::from(body)).into_response();
    let headers = answer.headers_mut();
    if let Ok(kind) = HeaderValue::from_str(&kept.kind) {
        headers.insert(CONTENT_TYPE, kind);
    }
    headers.insert("idempotency-replayed", HeaderValue::from_static("true"));
    Ok(answer)
}

/// What makes two requests the same.
fn print(method: &Method, path: &str, body: &[u8]) -> [u8; 32] {
    let mut print = Sha256::new();
    for part in [method.as_str().as_bytes(), path.as_bytes()] {
        print.update(part);
        print.update([0]);
    }
    print.update(body);
    print.finalize().into()
}

/// Milliseconds for which an answer is kept.
const KEPT_MS: i64 = 24 * 3_600_000;
const KEY_CHARS_MAX: usize = 255;
/// Longest answer that is kept.
const ANSWER_BYTES_MAX: usize = 8 << 20;
