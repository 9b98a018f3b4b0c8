//! Problems as RFC 9457 has them, and which of ours each failure is.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::state::Api;
use crate::feed::error::FeedError;
use crate::runtime::admission::Refusal;
use crate::runtime::error::{NotificationsError, SubmitError, ViewError};
use crate::storage::catalog::error::CatalogError;
use crate::storage::error::StorageError;

/// Why a request is not served.
#[derive(Clone, Debug)]
pub struct Problem {
    status: StatusCode,
    detail: String,
    errors: Vec<(String, String)>,
}

impl Problem {
    /// A problem of that status.
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), errors: Vec::new() }
    }

    /// No token, or none that is in force.
    pub(super) fn unauthorized() -> Self {
        let detail = "send a valid token: Authorization: OAuth <token>";
        Self::new(StatusCode::UNAUTHORIZED, detail)
    }

    /// The token may not.
    pub(super) fn forbidden() -> Self {
        Self::new(StatusCode::FORBIDDEN, "the token does not give access to this object")
    }

    /// No such thing.
    pub(super) fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("there is no such {what}"))
    }

    /// The path is there, the method is not.
    pub(super) fn method_not_allowed() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "the path does not know this method")
    }

    /// One thing is wrong with the request.
    pub(super) fn invalid(pointer: &str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            detail: "the request is not valid".to_owned(),
            errors: vec![(pointer.to_owned(), detail)],
        }
    }

    /// Something of ours failed.
    pub(super) fn failed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, detail)
    }

    /// The status of the answer.
    pub(super) const fn status(&self) -> StatusCode {
        self.status
    }

    /// What is wrong as a whole.
    pub(super) fn detail(&self) -> &str {
        &self.detail
    }

    /// What is wrong, each with its JSON pointer.
    pub(super) fn errors(&self) -> &[(String, String)] {
        &self.errors
    }

    /// Several things are wrong with the request, each at its JSON pointer.
    pub(super) fn all_invalid(errors: Vec<(String, String)>) -> Self {
        let detail = "the request is not valid".to_owned();
        Self { status: StatusCode::UNPROCESSABLE_ENTITY, detail, errors }
    }

    /// Whether trying again may help.
    pub(super) fn severity(&self) -> &'static str {
        let is_transient = self.status.is_server_error() || self.status.as_u16() == 429;
        if is_transient { "transient" } else { "hard" }
    }

    fn body(&self, instance: &str) -> String {
        let mut body = json!({
            "type": "about:blank",
            "title": self.status.canonical_reason().unwrap_or("Error"),
            "status": self.status.as_u16(),
            "detail": self.detail,
            "instance": instance,
            "severity": self.severity(),
        });
        if !self.errors.is_empty() {
            let errors = self.errors.iter();
            body["errors"] = errors
                .map(|(pointer, detail)| json!({ "pointer": pointer, "detail": detail }))
                .collect();
        }
        body.to_string()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        let headers = response.headers_mut();
        match self.status {
            StatusCode::UNAUTHORIZED => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("OAuth, Bearer"));
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
            }
            _ => {}
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// Writes the body of a problem, which names the path, and counts the answer.
pub(super) async fn render(State(api): State<Arc<Api>>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let mut response = next.run(request).await;
    api.metrics.answered(response.status());
    let Some(problem) = response.extensions_mut().remove::<Problem>() else { return response };
    let body = problem.body(&path);
    let (mut parts, _) = response.into_parts();
    let kind = HeaderValue::from_static("application/problem+json");
    parts.headers.insert(CONTENT_TYPE, kind);
    parts.headers.remove(axum::http::header::CONTENT_LENGTH);
    Response::from_parts(parts, body.into())
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let detail = refusal.to_string();
        match refusal {
            Refusal::NotFound(what) => Self::not_found(what),
            Refusal::Forbidden => Self::forbidden(),
            Refusal::Invalid(findings) => {
                let errors = findings.into_iter();
                Self {
                    status: StatusCode::UNPROCESSABLE_ENTITY,
                    detail,
                    errors: errors.map(|found| (found.pointer, found.detail)).collect(),
                }
            }
            Refusal::Busy | Refusal::Stopped(_) => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, detail)
            }
        }
    }
}

impl From<CatalogError> for Problem {
    fn from(error: CatalogError) -> Self {
        Self::failed(error.to_string())
    }
}

impl From<StorageError> for Problem {
    fn from(error: StorageError) -> Self {
        Self::failed(error.to_string())
    }
}

impl From<NotificationsError> for Problem {
    fn from(error: NotificationsError) -> Self {
        Self::failed(error.to_string())
    }
}

impl From<ViewError> for Problem {
    fn from(error: ViewError) -> Self {
        let status = match error {
            ViewError::Busy => StatusCode::GATEWAY_TIMEOUT,
            ViewError::Stopped => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self::new(status, error.to_string())
    }
}

impl From<SubmitError> for Problem {
    fn from(error: SubmitError) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
    }
}

impl From<FeedError> for Problem {
    fn from(error: FeedError) -> Self {
        let detail = error.to_string();
        match error {
            FeedError::Cursor(_) | FeedError::Ahead { .. } => Self::invalid("/after", detail),
            FeedError::Type(_) => Self::invalid("/types", detail),
            FeedError::Storage(_) => Self::failed(detail),
            FeedError::Stopped => Self::new(StatusCode::SERVICE_UNAVAILABLE, detail),
        }
    }
}
