//! One depot: the limits and defaults of its fields.

use jiff::tz::TimeZone;

use super::dto::DepotDto;
use super::findings::{Findings, Place};
use crate::domain::depot::DepotPlan;
use crate::domain::ids::DepotId;
use crate::domain::policy::Radius;
use crate::runtime::local_time;

/// A depot with its own zone.
pub(crate) struct Depot {
    /// As routes see it.
    pub(crate) plan: DepotPlan,
    /// Its zone, where it has one.
    pub(crate) zone: Option<TimeZone>,
}

/// The depot as written, with the defaults where it is silent.
pub(crate) fn depot(
    id: DepotId,
    dto: &DepotDto,
    at: &Place,
    findings: &mut Findings,
) -> Option<Depot> {
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
