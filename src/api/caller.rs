//! Who is asking: the token of a request, and what it may do in the path's company.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;

use super::error::Problem;
use super::state::Api;
use crate::domain::ids::CompanyId;
use crate::runtime::access::{Grant, Role};

/// The holder of a valid token.
pub(super) struct Caller {
    pub(super) grant: Grant,
}

impl Caller {
    /// The caller's company, if it is the path's and the role may.
    pub(super) fn within(
        &self,
        company: u64,
        may: impl Fn(Role) -> bool,
    ) -> Result<CompanyId, Problem> {
        let is_own = u64::from(self.grant.company.0) == company;
        if is_own && may(self.grant.role) {
            Ok(self.grant.company)
        } else {
            Err(Problem::forbidden())
        }
    }

    /// The caller's company, if the role may.
    pub(super) fn company(&self, may: impl Fn(Role) -> bool) -> Result<CompanyId, Problem> {
        self.within(u64::from(self.grant.company.0), may)
    }
}

impl FromRequestParts<Arc<Api>> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, Problem> {
        let token =
            from_header(parts).or_else(|| from_query(parts)).or_else(|| from_own_header(parts));
        let grant = token.and_then(|token| api.access.authenticate(token));
        grant.map(|grant| Self { grant }).ok_or_else(Problem::unauthorized)
    }
}

fn from_header(parts: &Parts) -> Option<&str> {
    let (scheme, token) = parts.headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let is_known = scheme.eq_ignore_ascii_case("OAuth") || scheme.eq_ignore_ascii_case("Bearer");
    is_known.then(|| token.trim())
}

/// `X-Access-Token`, as the clients of Deliveries send it.
fn from_own_header(parts: &Parts) -> Option<&str> {
    parts.headers.get("X-Access-Token")?.to_str().ok().map(str::trim)
}

/// `?apikey=`, as the documented push of positions has it.
fn from_query(parts: &Parts) -> Option<&str> {
    parts.uri.query()?.split('&').find_map(|pair| pair.strip_prefix("apikey="))
}
