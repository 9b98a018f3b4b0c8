//! Who is asking: the token of a request, and what it may do in the path's company.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::edge::Presented;
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

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Api>) -> Result<Self, Problem> {
        let presented = parts.extensions.get::<Presented>();
        let grant = presented.and_then(|presented| presented.0);
        grant.map(|grant| Self { grant }).ok_or_else(Problem::unauthorized)
    }
}
