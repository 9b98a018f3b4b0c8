//! A company: its names and its settings.

use crate::runtime::admission::draft::Draft;
use crate::runtime::admission::request::Item;
use crate::runtime::documents::company::Company;
use crate::runtime::documents::dto::{CompanyDto, CompanyNamesDto};
use crate::runtime::documents::findings::{Findings, Place};
use crate::runtime::documents::limits::COMPANY_NAME_CHARS_MAX;
use crate::storage::catalog::change::{Document, Kind};
use crate::storage::catalog::error::CatalogError;

use super::super::merge::typed;

/// Checks a company; without a number it is named by its id.
pub(in crate::runtime::admission) fn check(
    draft: &Draft<'_>,
    document: &mut Document,
    at: &Place,
    findings: &mut Findings,
) -> Result<bool, CatalogError> {
    let is_name = |key: &str| matches!(key, "number" | "name");
    let (names, settings): (Item, Item) =
        document.body.clone().into_iter().partition(|(key, _)| is_name(key));
    let names: Option<CompanyNamesDto> = typed(Kind::Company, &names, at, findings);
    let settings: Option<CompanyDto> = typed(Kind::Company, &settings, at, findings);
    let (Some(names), Some(settings)) = (names, settings) else { return Ok(false) };
    findings.text(&at.key("name"), names.name.as_deref().unwrap_or(""), COMPANY_NAME_CHARS_MAX);
    if let Some(number) = &names.number {
        findings.number(&at.key("number"), number);
        if draft.company_by_number(number)?.is_some_and(|other| other != document.id) {
            findings.error(&at.key("number"), format!("\"{number}\" is already used"));
        }
    }
    document.number = names.number.unwrap_or_else(|| document.id.to_string());
    Company::checked(&settings, at, findings);
    Ok(!findings.has_errors())
}

/// The settings of a stored company.
pub(in crate::runtime::admission) fn settings(document: &Document) -> Company {
    let is_name = |key: &str| matches!(key, "number" | "name");
    let settings: Item =
        document.body.clone().into_iter().filter(|(key, _)| !is_name(key)).collect();
    let mut findings = Findings::of_request(1);
    let dto: Option<CompanyDto> = typed(Kind::Company, &settings, &Place::object(), &mut findings);
    Company::checked(&dto.unwrap_or_default(), &Place::object(), &mut findings)
}
