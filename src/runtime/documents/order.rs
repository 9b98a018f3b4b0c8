//! One order: the limits of its fields, its point and its window.

use super::company::Company;
use super::dto::OrderDto;
use super::findings::{Findings, Place};
use super::limits::{
    CUSTOMER_NAME_CHARS_MAX, CUSTOMER_NUMBER_CHARS_MAX, DESCRIPTION_CHARS_MAX, ETA_TYPES,
    ORDER_TYPES, PAYMENT_STATUSES, PAYMENT_TYPES, statuses,
};
use crate::domain::geo::Point;
use crate::domain::ids::OrderId;
use crate::domain::order::{OrderPlan, OrderStatus};
use crate::domain::time::{Time, TimeWindow};
use crate::runtime::local_time::LocalDay;

/// What an order takes from its route.
pub(crate) struct OrderContext<'a> {
    /// The company's settings.
    pub(crate) company: &'a Company,
    /// The day from which its window counts; `None` where the route's own is in error.
    pub(crate) day: Option<&'a LocalDay>,
    /// When the route starts.
    pub(crate) route_start: Option<Time>,
}

/// The order as the engine needs it. It exists before the first row, so it is not `created`.
pub(crate) fn order_plan(
    id: OrderId,
    dto: &OrderDto,
    context: &OrderContext<'_>,
    at: &Place,
    findings: &mut Findings,
) -> OrderPlan {
    check_texts(dto, at, findings);
    let radius = dto
        .mark_delivered_radius
        .and_then(|metres| findings.radius(&at.key("mark_delivered_radius"), metres));
    let mut seconds = |key: &str, value: Option<i64>, default: u32| {
        value.and_then(|value| findings.seconds(&at.key(key), value)).unwrap_or(default)
    };
    let service_duration_s =
        seconds("service_duration_s", dto.service_duration_s, SERVICE_DEFAULT_S);
    let shared_service_duration_s =
        seconds("shared_service_duration_s", dto.shared_service_duration_s, 0);
    let eta_type = dto.eta_type.as_deref();
    OrderPlan {
        id,
        point: point(dto, context.company.use_refined_location, at, findings),
        mark_delivered_radius: radius,
        service_duration_s,
        shared_service_duration_s,
        window: window(dto, context, at, findings),
        eta_type: eta_type.and_then(|word| findings.choice(&at.key("eta_type"), word, &ETA_TYPES)),
        status: status(dto, context.company, at, findings),
        created: false,
    }
}

fn point(dto: &OrderDto, refined: bool, at: &Place, findings: &mut Findings) -> Option<Point> {
    let given = pair(dto.lat, dto.lon, ["lat", "lon"], at, findings);
    let precise =
        pair(dto.refined_lat, dto.refined_lon, ["refined_lat", "refined_lon"], at, findings);
    let point = if refined { precise.or(given) } else { given };
    if point.is_none() && dto.lat.is_none() && dto.lon.is_none() {
        findings.warn(at, "has no coordinates: no visit can be detected");
    }
    point
}

fn pair(
    lat: Option<f64>,
    lon: Option<f64>,
    keys: [&str; 2],
    at: &Place,
    findings: &mut Findings,
) -> Option<Point> {
    match (lat, lon) {
        (Some(lat), Some(lon)) => findings.point(&at.key(keys[0]), lat, lon),
        (None, None) => None,
        (Some(_), None) | (None, Some(_)) => {
            let missing = if lat.is_none() { keys[0] } else { keys[1] };
            findings.error(&at.key(missing), "is missing: the two coordinates go together");
            None
        }
    }
}

fn window(
    dto: &OrderDto,
    context: &OrderContext<'_>,
    at: &Place,
    findings: &mut Findings,
) -> Option<TimeWindow> {
    let (place, text) = match (&dto.time_interval, &dto.time_window) {
        (Some(text), _) => (at.key("time_interval"), text.clone()),
        (None, Some(window)) => (at.key("time_window"), format!("{}/{}", window.start, window.end)),
        (None, None) => {
            if dto.time_interval_secs.is_some() {
                let problem = "is derived from time_interval: give that one";
                findings.error(&at.key("time_interval_secs"), problem);
            }
            return None;
        }
    };
    let window = findings.good(&place, context.day?.window(&text))?;
    if context.route_start.is_some_and(|start| window.end < start) {
        let problem = format!(
            "\"{text}\" ends before route_start; a time on the next day is written 1.HH:MM"
        );
        findings.warn(&place, problem);
    }
    Some(window)
}

fn status(dto: &OrderDto, company: &Company, at: &Place, findings: &mut Findings) -> OrderStatus {
    let Some(word) = &dto.status else { return OrderStatus::New };
    let place = at.key("status");
    let status = findings.choice(&place, word, &statuses()).unwrap_or(OrderStatus::New);
    if status == OrderStatus::PartiallyFinished && !company.partially_finished_status_enabled {
        let problem =
            "partially_finished needs company.partially_finished_status_enabled to be true";
        findings.error(&place, problem);
    }
    status
}

fn check_texts(dto: &OrderDto, at: &Place, findings: &mut Findings) {
    findings.number(&at.key("number"), &dto.number);
    let texts = [
        ("customer_name", &dto.customer_name, CUSTOMER_NAME_CHARS_MAX),
        ("customer_number", &dto.customer_number, CUSTOMER_NUMBER_CHARS_MAX),
        ("description", &dto.description, DESCRIPTION_CHARS_MAX),
    ];
    for (key, text, chars_max) in texts {
        findings.text(&at.key(key), text.as_deref().unwrap_or(""), chars_max);
    }
    let mut word = |key: &str, word: &Option<String>, choices: &[(&str, ())]| {
        if let Some(word) = word {
            findings.choice(&at.key(key), word, choices);
        }
    };
    word("type", &dto.kind, &ORDER_TYPES);
    word("payment_type", &dto.payment_type, &PAYMENT_TYPES);
    word("payment_status", &dto.payment_status, &PAYMENT_STATUSES);
    if let Some(amount) = dto.amount {
        findings.not_negative(&at.key("amount"), amount);
    }
}

const SERVICE_DEFAULT_S: u32 = 600;
