//! The company's settings: their limits and defaults.

use jiff::tz::TimeZone;

use super::dto::CompanyDto;
use super::findings::{Findings, Place};
use super::limits::{
    ARRIVAL_SCOPES, ETA_TYPES, INFERRED_VISITS, OVERLAP_POLICIES, RETENTION_DAYS_MIN,
};
use crate::domain::policy::{NEARBY_ETA_MAX, Policy};
use crate::domain::time::{HOUR_MS, SECOND_MS};
use crate::runtime::local_time;

/// The settings that travel further.
pub(crate) struct Company {
    /// What the engine applies.
    pub(crate) policy: Policy,
    /// Where a depot has none.
    pub(crate) zone: TimeZone,
    /// The order's point is the refined one.
    pub(crate) use_refined_location: bool,
    /// Orders may be partially finished.
    pub(crate) partially_finished_status_enabled: bool,
}

impl Company {
    /// The settings as written, with the defaults where they are silent.
    pub(crate) fn new(dto: &CompanyDto, findings: &mut Findings) -> Self {
        Self::checked(dto, &Place::root("company"), findings)
    }

    /// The settings as written at that place.
    pub(crate) fn checked(dto: &CompanyDto, at: &Place, findings: &mut Findings) -> Self {
        check_unused(dto, at, findings);
        let zone = dto
            .time_zone
            .as_deref()
            .and_then(|name| findings.good(&at.key("time_zone"), local_time::zone(name)));
        Self {
            policy: policy(dto, at, findings),
            zone: zone.unwrap_or(TimeZone::UTC),
            use_refined_location: dto.use_refined_location.unwrap_or(false),
            partially_finished_status_enabled: dto
                .partially_finished_status_enabled
                .unwrap_or(false),
        }
    }
}

fn policy(dto: &CompanyDto, at: &Place, findings: &mut Findings) -> Policy {
    let mut policy = Policy::default();
    let set = |value: Option<bool>, into: &mut bool| *into = value.unwrap_or(*into);
    set(dto.mark_delivered_enabled, &mut policy.mark_delivered_enabled);
    set(dto.delivery_by_order_statuses, &mut policy.delivery_by_order_statuses);
    set(dto.resequence, &mut policy.resequence);
    if let Some(metres) = dto.mark_delivered_radius
        && let Some(radius) = findings.radius(&at.key("mark_delivered_radius"), metres)
    {
        policy.mark_delivered_radius = radius;
    }
    if let Some(value) = dto.mark_delivered_service_time_coefficient {
        let place = at.key("mark_delivered_service_time_coefficient");
        if let Some(coefficient) = findings.not_negative(&place, value) {
            policy.mark_delivered_service_time_coefficient = coefficient;
        }
    }
    if let Some(word) = &dto.eta_type {
        let place = at.key("eta_type");
        policy.eta_type = findings.choice(&place, word, &ETA_TYPES).unwrap_or(policy.eta_type);
    }
    if let Some(word) = &dto.arrival_scope {
        let place = at.key("arrival_scope");
        let scope = findings.choice(&place, word, &ARRIVAL_SCOPES);
        policy.arrival_scope = scope.unwrap_or(policy.arrival_scope);
    }
    if let Some(word) = &dto.overlap_policy {
        let overlap = findings.choice(&at.key("overlap_policy"), word, &OVERLAP_POLICIES);
        policy.overlap_policy = overlap.unwrap_or(policy.overlap_policy);
    }
    if let Some(word) = &dto.inferred_visits {
        let inferred = findings.choice(&at.key("inferred_visits"), word, &INFERRED_VISITS);
        policy.inferred_visits = inferred.unwrap_or(policy.inferred_visits);
    }
    if let Some(names) = &dto.allowed_courier_position_sources {
        let place = at.key("allowed_courier_position_sources");
        policy.allowed_courier_position_sources = findings.sources(&place, names);
    }
    set_times(&mut policy, dto, at, findings);
    policy
}

fn set_times(policy: &mut Policy, dto: &CompanyDto, at: &Place, findings: &mut Findings) {
    let mut ms = |key: &str, value: Option<f64>, unit_ms: i64| {
        let value = findings.not_negative(&at.key(key), value?)?;
        Some(libm::round(value * unit_ms as f64) as i64)
    };
    let tracking_start = ms("tracking_start_h", dto.tracking_start_h, HOUR_MS);
    policy.tracking_start_ms = tracking_start.unwrap_or(policy.tracking_start_ms);
    policy.max_gap_ms = ms("max_gap_s", dto.max_gap_s, SECOND_MS).unwrap_or(policy.max_gap_ms);
    if let Some(value) = dto.nearby_distance_m {
        policy.nearby_distance_m = findings.not_negative(&at.key("nearby_distance_m"), value);
    }
    if let Some(values) = &dto.nearby_eta_s {
        let place = at.key("nearby_eta_s");
        if !(1..=NEARBY_ETA_MAX).contains(&values.len()) {
            let count = values.len();
            findings.error(&place, format!("{count} values: expected 1 to {NEARBY_ETA_MAX}"));
        }
        let seconds = values.iter().enumerate();
        policy.nearby_eta_ms = seconds
            .filter_map(|(index, value)| findings.not_negative(&place.index(index), *value))
            .map(|value| libm::round(value * SECOND_MS as f64) as i64)
            .collect();
    }
}

/// Settings that the engine does not act on: their values are checked all the same.
fn check_unused(dto: &CompanyDto, at: &Place, findings: &mut Findings) {
    if let Some(days) = dto.retention_days
        && days < RETENTION_DAYS_MIN
    {
        let problem = format!("{days} is not allowed: expected {RETENTION_DAYS_MIN} day or more");
        findings.error(&at.key("retention_days"), problem);
    }
}
