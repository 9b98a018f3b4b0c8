//! What every request passes: who asks is found out once, its quota is counted, the answer gets its
//! headers, problems get their body, and writes are noted in the audit log.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, Method, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::error::Problem;
use super::idempotency::{key, once};
use super::state::Api;
use crate::runtime::access::Grant;

/// Whose token came with a request; `None`: none, or none that is in force.
#[derive(Clone, Copy, Debug)]
pub(super) struct Presented(pub(super) Option<Grant>);

/// Takes a request in and its answer out.
pub(super) async fn pass(
    State(api): State<Arc<Api>>,
    mut request: Request,
    next: Next,
) -> Response {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let token = token(request.headers(), request.uri());
    let grant = token.and_then(|token| api.access.authenticate(token));
    let quota = grant.and_then(|grant| {
        api.access.used(grant.token, api.clock.now());
        api.quotas.take(grant.token)
    });
    request.extensions_mut().insert(Presented(grant));
    let mut response = match quota.filter(|quota| quota.is_spent) {
        Some(quota) => {
            let detail = "the token has made all requests that it may for now";
            Problem::too_many(detail, quota.reset_s).into_response()
        }
        None => match grant.zip(key(&method, request.headers())) {
            Some((grant, Ok(key))) => once(Arc::clone(&api), grant.token, key, request, next).await,
            Some((_, Err(problem))) => problem.into_response(),
            None => next.run(request).await,
        },
    };
    let headers = response.headers_mut();
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if let Some(quota) = quota {
        quota.tell(headers);
    }
    api.metrics.answered(response.status());
    if let Some(grant) = grant
        && is_write(&method)
    {
        api.audit(&grant, &method, &path, response.status().as_u16());
    }
    rendered(response, &path)
}

/// Writes the body of a problem, which names the path.
pub(super) fn rendered(mut response: Response, path: &str) -> Response {
    let Some(problem) = response.extensions_mut().remove::<Problem>() else { return response };
    let (mut parts, _) = response.into_parts();
    let kind = HeaderValue::from_static("application/problem+json");
    parts.headers.insert(CONTENT_TYPE, kind);
    parts.headers.remove(CONTENT_LENGTH);
    Response::from_parts(parts, problem.body(path).into())
}

/// The token that came with a request, be it good or not.
fn token<'a>(headers: &'a HeaderMap, uri: &'a Uri) -> Option<&'a str> {
    from_header(headers).or_else(|| from_query(uri)).or_else(|| from_own_header(headers))
}

fn from_header(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let is_known = scheme.eq_ignore_ascii_case("OAuth") || scheme.eq_ignore_ascii_case("Bearer");
    is_known.then(|| token.trim())
}

/// `X-Access-Token`, as the clients of Deliveries send it.
fn from_own_header(headers: &HeaderMap) -> Option<&str> {
    headers.get("X-Access-Token")?.to_str().ok().map(str::trim)
}

/// `?apikey=`, as the documented push of positions has it.
fn from_query(uri: &Uri) -> Option<&str> {
    uri.query()?.split('&').find_map(|pair| pair.strip_prefix("apikey="))
}

fn is_write(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}
