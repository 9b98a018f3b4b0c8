//! A courier.

use crate::domain::courier::CourierPlan;
use crate::domain::ids::{CompanyId, CourierId};
use crate::runtime::documents::dto::CourierDocumentDto;
use crate::runtime::documents::findings::{Findings, Place};
use crate::runtime::documents::limits::COURIER_TEXT_CHARS_MAX;
use crate::storage::catalog::change::{Document, Kind};

use super::super::merge::typed;

/// Checks a courier.
pub(in crate::runtime::admission) fn check(
    document: &Document,
    at: &Place,
    findings: &mut Findings,
) -> bool {
    let Some(dto) = typed::<CourierDocumentDto>(Kind::Courier, &document.body, at, findings) else {
        return false;
    };
    findings.number(&at.key("number"), &dto.number);
    findings.text(&at.key("name"), dto.name.as_deref().unwrap_or(""), COURIER_TEXT_CHARS_MAX);
    findings.text(&at.key("phone"), dto.phone.as_deref().unwrap_or(""), COURIER_TEXT_CHARS_MAX);
    if let Some(names) = &dto.allowed_courier_position_sources {
        findings.sources(&at.key("allowed_courier_position_sources"), names);
    }
    !findings.has_errors()
}

/// A stored courier as the engine knows one.
pub(in crate::runtime::admission) fn plan(document: &Document) -> CourierPlan {
    let mut findings = Findings::of_request(1);
    let at = Place::object();
    let dto: Option<CourierDocumentDto> = typed(Kind::Courier, &document.body, &at, &mut findings);
    let sources = dto.and_then(|dto| dto.allowed_courier_position_sources);
    CourierPlan {
        id: CourierId(document.id as u32),
        company: CompanyId(document.company as u32),
        allowed_courier_position_sources: sources.map(|names| findings.sources(&at, &names)),
    }
}
