//! A depot.

use crate::domain::ids::DepotId;
use crate::runtime::documents::depot::{Depot, depot};
use crate::runtime::documents::dto::DepotDto;
use crate::runtime::documents::findings::{Findings, Place};
use crate::storage::catalog::change::{Document, Kind};

use super::super::merge::typed;

/// Checks a depot.
pub(in crate::runtime::admission) fn check(
    document: &Document,
    at: &Place,
    findings: &mut Findings,
) -> bool {
    let Some(dto) = typed::<DepotDto>(Kind::Depot, &document.body, at, findings) else {
        return false;
    };
    findings.number(&at.key("number"), &dto.number);
    depot(DepotId(document.id as u32), &dto, at, findings).is_some()
}

/// A stored depot as routes see it.
pub(in crate::runtime::admission) fn plan(document: &Document) -> Option<Depot> {
    let mut findings = Findings::of_request(1);
    let at = Place::object();
    let dto: DepotDto = typed(Kind::Depot, &document.body, &at, &mut findings)?;
    depot(DepotId(document.id as u32), &dto, &at, &mut findings)
}
