//! The depots of a plan, by their number.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;

use super::dto::DepotDto;
use super::findings::{Findings, Place};
use crate::domain::depot::DepotPlan;
use crate::domain::ids::DepotId;
use crate::domain::policy::Radius;
use crate::runtime::local_time;

/// A depot with its own zone.
pub(super) struct Depot {
    /// As routes see it.
    pub(super) plan: DepotPlan,
    /// Its zone, where it has one.
    pub(super) zone: Option<TimeZone>,
}

/// The depots by number.
pub(super) struct Depots(BTreeMap<String, Option<Depot>>);

impl Depots {
    /// The depots as written.
    pub(super) fn new(dtos: &[DepotDto], findings: &mut Findings) -> Self {
        let mut depots = BTreeMap::new();
        for (index, dto) in dtos.iter().enumerate() {
            let at = Place::root("depots").index(index);
            findings.number(&at.key("number"), &dto.number);
            let depot = depot(DepotId(index as u32 + 1), dto, &at, findings);
            if depots.insert(dto.number.clone(), depot).is_some() {
                findings.error(&at.key("number"), format!("\"{}\" is used twice", dto.number));
            }
        }
        Self(depots)
    }

    /// The depot of a number. A depot that is itself in error is `None` without a word.
    pub(super) fn find(
        &self,
        number: &str,
        place: &Place,
        findings: &mut Findings,
    ) -> Option<&Depot> {
        let known = self.0.get(number);
        if known.is_none() {
            let problem = format!("\"{number}\" is not the number of any entry of depots");
            findings.error(place, problem);
        }
        known?.as_ref()
    }
}

fn depot(id: DepotId, dto: &DepotDto, at: &Place, findings: &mut Findings) -> Option<Depot> {
    let point = findings.point(&at.key("lat"), dto.lat, dto.lon);
    let zone = dto
        .time_zone
        .as_deref()
        .and_then(|name| findings.good(&at.key("time_zone"), local_time::zone(name)));
    let mut radius = |key: &str, metres: Option<f64>| {
        metres.and_then(|metres| findings.radius(&at.key(key), metres))
    };
    let mark_delivered_radius = radius("mark_delivered_radius", dto.mark_delivered_radius);
    let mark_route_started_radius = match dto.mark_route_started_radius {
        Some(metres) => radius("mark_route_started_radius", metres),
        None => Radius::from_metres(ROUTE_STARTED_RADIUS_DEFAULT_M),
    };
    let mut seconds = |key: &str, value: Option<i64>| {
        value.and_then(|value| findings.seconds(&at.key(key), value)).unwrap_or(0)
    };
    let service_duration_s = seconds("service_duration_s", dto.service_duration_s);
    let order_service_duration_s =
        seconds("order_service_duration_s", dto.order_service_duration_s);
    let plan = DepotPlan {
        id,
        point: point?,
        mark_delivered_radius,
        mark_route_started_radius,
        service_duration_s,
        order_service_duration_s,
    };
    Some(Depot { plan, zone })
}

const ROUTE_STARTED_RADIUS_DEFAULT_M: f64 = 500.0;
