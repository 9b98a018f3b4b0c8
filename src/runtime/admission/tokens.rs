//! New and revoked tokens.

use super::draft::Draft;
use super::request::Refusal;
use super::store::Stop;
use crate::domain::ids::{CompanyId, CourierId};
use crate::domain::time::Time;
use crate::runtime::access::{Access, Grant, Role, TokenHash, TokenId, draw_token};
use crate::runtime::documents::findings::{Finding, Place};
use crate::storage::catalog::Catalog;
use crate::storage::catalog::change::{Kind, StoredToken};

/// A token that is asked for.
pub(super) struct Wish {
    pub(super) id: u64,
    pub(super) company: u64,
    pub(super) role: Role,
    pub(super) courier: Option<u64>,
}

/// Draws a token; gives its text, which is shown once, and what is kept of it.
pub(super) fn drawn(
    draft: &mut Draft<'_>,
    wish: &Wish,
    now: Time,
) -> Result<(String, StoredToken), Stop> {
    let problem = match (wish.role, wish.courier) {
        (Role::Device, None) => Some("is missing: a device is one courier's"),
        (Role::Device, Some(courier)) => {
            let known = draft.own(Kind::Courier, wish.company, courier)?.is_some();
            (!known).then_some("there is no such courier")
        }
        (_, Some(_)) => Some("is only for the role device"),
        (_, None) => None,
    };
    if let Some(problem) = problem {
        let finding = Finding::new(&Place::object().key("courier_id"), problem);
        return Err(Stop::Refused(Refusal::Invalid(vec![finding])));
    }
    let text = draw_token().map_err(|error| Stop::Refused(Refusal::Stopped(error.to_string())))?;
    let token = StoredToken {
        id: wish.id,
        hash: TokenHash::of(&text).0,
        company: wish.company,
        role: wish.role.name().to_owned(),
        courier: wish.courier,
        created_ms: now.ms(),
        revoked_ms: None,
    };
    Ok((text, token))
}

/// A company's token as it is once revoked.
pub(super) fn revoked(
    catalog: &Catalog,
    company: CompanyId,
    token: TokenId,
    now: Time,
) -> Result<StoredToken, Stop> {
    let own = catalog.token(token.0)?.filter(|token| token.company == u64::from(company.0));
    let Some(mut token) = own else { return Err(Stop::Refused(Refusal::NotFound("token"))) };
    token.revoked_ms = token.revoked_ms.or(Some(now.ms()));
    Ok(token)
}

/// Lets a token into the table, or shuts it out.
pub(super) fn let_in(access: &Access, token: &StoredToken) {
    let (id, role) = (TokenId(token.id), Role::from_name(&token.role));
    let Some(role) = role.filter(|_| token.revoked_ms.is_none()) else { return access.revoke(id) };
    let grant = Grant {
        company: CompanyId(token.company as u32),
        role,
        courier: token.courier.map(|courier| CourierId(courier as u32)),
        token: id,
    };
    access.allow(TokenHash(token.hash), grant);
}
