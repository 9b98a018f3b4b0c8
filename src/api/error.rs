//! Problems as RFC 9457 has them, and which of ours each failure is.

use axum::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::feed::error::FeedError;
use crate::runtime::admission::Refusal;
use crate::runtime::error::{NotificationsError, SubmitError, TracksError, ViewError};
use crate::storage::catalog::error::CatalogError;
use crate::storage::error::StorageError;

/// Why a request is not served.
#[derive(Clone, Debug)]
pub struct Problem {
    status: StatusCode,
    detail: String,
    errors: Vec<(String, String)>,
    retry_s: Option<u64>,
}

impl Problem {
    /// A problem of that status.
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), errors: Vec::new(), retry_s: None }
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
        Self::all_invalid(vec![(pointer.to_owned(), detail.into())])
    }

    /// Too much is asked; it may be asked again after so many seconds.
    pub(super) fn too_many(detail: impl Into<String>, retry_s: u64) -> Self {
        let problem = Self::new(StatusCode::TOO_MANY_REQUESTS, detail);
        Self { retry_s: Some(retry_s), ..problem }
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
        let problem = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "the request is not valid");
        Self { errors, ..problem }
    }

    /// Whether trying again may help.
    pub(super) fn severity(&self) -> &'static str {
        let is_transient = self.status.is_server_error() || self.status.as_u16() == 429;
        if is_transient { "transient" } else { "hard" }
    }

    /// The body, which names the path.
    pub(super) fn body(&self, instance: &str) -> String {
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
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("OAuth, Bearer"));
        }
        let is_overload = self.status == StatusCode::SERVICE_UNAVAILABLE;
        if let Some(retry_s) = self.retry_s.or(is_overload.then_some(1)) {
            headers.insert(RETRY_AFTER, retry_s.into());
        }
        response.extensions_mut().insert(self);
        response
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let detail = refusal.to_string();
        match refusal {
            Refusal::NotFound(what) => Self::not_found(what),
            Refusal::Forbidden => Self::forbidden(),
            Refusal::Changed => Self::new(StatusCode::PRECONDITION_FAILED, detail),
            Refusal::Invalid(findings) => {
                let errors = findings.into_iter();
                Self {
                    errors: errors.map(|found| (found.pointer, found.detail)).collect(),
                    ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
                }
            }
            Refusal::Busy | Refusal::DiskFull | Refusal::Stopped(_) => {
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

impl From<TracksError> for Problem {
    fn from(error: TracksError) -> Self {
        match error {
            TracksError::View(error) => error.into(),
            TracksError::Storage(error) => error.into(),
        }
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
