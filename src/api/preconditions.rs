//! `ETag` and `If-Match`: a change of a document as it was read, or none.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::HeaderName;
use axum::http::StatusCode;
use axum::http::header::{ETAG, IF_MATCH};
use axum::http::request::Parts;

use super::error::Problem;
use super::state::Api;
use crate::domain::ids::CompanyId;
use crate::runtime::admission::{Condition, version};
use crate::storage::catalog::change::{Document, Kind};

/// The versions for which a request holds; `None`: for any, even none.
pub(super) struct IfMatch(Option<Versions>);

/// `None`: `*`.
type Versions = Option<Vec<String>>;

impl IfMatch {
    /// What admission must find.
    pub(super) fn condition(self, company: CompanyId, kind: Kind, id: u64) -> Option<Condition> {
        let company = u64::from(company.0);
        self.0.map(|versions| Condition { company, kind, id, versions })
    }
}

impl FromRequestParts<Arc<Api>> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Api>) -> Result<Self, Problem> {
        let Some(value) = parts.headers.get(IF_MATCH) else { return Ok(Self(None)) };
        let refused = || {
            let detail = "If-Match: expected * or entity tags, such as \"4f3c\"";
            Problem::new(StatusCode::BAD_REQUEST, detail)
        };
        read(value.to_str().map_err(|_| refused())?)
            .map(|versions| Self(Some(versions)))
            .ok_or_else(refused)
    }
}

/// The entity tag of a document, as a header.
pub(super) fn tag(document: &Document) -> [(HeaderName, String); 1] {
    [(ETAG, format!("\"{}\"", version(document)))]
}

/// Weak tags match nothing: they do not stand for one version.
fn read(text: &str) -> Option<Versions> {
    if text.trim() == "*" {
        return Some(None);
    }
    // An empty list is a list, and no version is in it (RFC 9110, 5.6.1.2 and 13.1.1).
    let tags = text.split(',').map(str::trim).filter(|tag| !tag.is_empty());
    let mut versions = Vec::new();
    for tag in tags {
        let strong = tag.strip_prefix("W/").unwrap_or(tag);
        let version = strong.strip_prefix('"')?.strip_suffix('"')?;
        if strong == tag {
            versions.push(version.to_owned());
        }
    }
    Some(Some(versions))
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn tags_are_read_as_they_are_written() {
        let versions = |list: &[&str]| Some(Some(list.iter().map(|&v| v.to_owned()).collect()));
        assert_eq!(read("*"), Some(None));
        assert_eq!(read("\"a\", \"b\""), versions(&["a", "b"]));
        assert_eq!(read("W/\"a\""), versions(&[]));
        assert_eq!(read("a"), None);
        assert_eq!(read(""), versions(&[]));
        assert_eq!(read("\"a\",, \"b\""), versions(&["a", "b"]));
    }
}
