//! New and revoked tokens.

use super::draft::Draft;
use super::request::Refusal;
use super::store::Stop;
use crate::domain::ids::{CompanyId, CourierId, DepotId};
use crate::domain::time::Time;
use crate::runtime::access::{Access, Grant, Role, TokenHash, TokenId, draw_token};
use crate::runtime::documents::findings::{Finding, Place};
use crate::storage::catalog::Catalog;
use crate::storage::catalog::change::{Kind, StoredToken};

/// A token that is asked for.
pub(super) struct Wish {
    pub(super) company: u64,
    pub(super) role: Role,
    pub(super) courier: Option<u64>,
    pub(super) depot: Option<u64>,
}

impl Wish {
    /// The first token of a company.
    pub(super) const fn admin(company: u64) -> Self {
        Self { company, role: Role::Admin, courier: None, depot: None }
    }
}

/// Draws a token; gives its text, which is shown once, and what is kept of it.
pub(super) fn drawn(
    draft: &mut Draft<'_>,
    id: u64,
    wish: &Wish,
    now: Time,
) -> Result<(String, StoredToken), Stop> {
    for bond in bonds(wish) {
        let problem = match (wish.role == bond.role, bond.id) {
            (true, None) => bond.missing,
            (true, Some(id)) if draft.own(bond.kind, wish.company, id)?.is_none() => bond.unknown,
            (false, Some(_)) => bond.unasked,
            (true, Some(_)) | (false, None) => continue,
        };
        let finding = Finding::new(&Place::object().key(bond.key), problem);
        return Err(Stop::Refused(Refusal::Invalid(vec![finding])));
    }
    let text = draw_token().map_err(|error| Stop::Refused(Refusal::Stopped(error.to_string())))?;
    let token = StoredToken {
        id,
        hash: TokenHash::of(&text).0,
        company: wish.company,
        role: wish.role.name().to_owned(),
        courier: wish.courier,
        depot: wish.depot,
        created_ms: now.ms(),
        revoked_ms: None,
    };
    Ok((text, token))
}

/// What a token of some role is bound to.
struct Bond {
    role: Role,
    kind: Kind,
    key: &'static str,
    id: Option<u64>,
    missing: &'static str,
    unknown: &'static str,
    unasked: &'static str,
}

const fn bonds(wish: &Wish) -> [Bond; 2] {
    [
        Bond {
            role: Role::Device,
            kind: Kind::Courier,
            key: "courier_id",
            id: wish.courier,
            missing: "is missing: a device is one courier's",
            unknown: "there is no such courier",
            unasked: "is only for the role device",
        },
        Bond {
            role: Role::Location,
            kind: Kind::Depot,
            key: "depot_id",
            id: wish.depot,
            missing: "is missing: a location is one depot",
            unknown: "there is no such depot",
            unasked: "is only for the role location",
        },
    ]
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
        depot: token.depot.map(|depot| DepotId(depot as u32)),
        token: id,
    };
    access.allow(TokenHash(token.hash), grant);
}
