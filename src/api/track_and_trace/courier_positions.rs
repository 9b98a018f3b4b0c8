//! Where a route's courier was: the track of a span of at most two hours.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use serde::Deserialize;
use serde_json::{Value, json};

use super::route_view::own_route;
use crate::api::body::{Ids, PAGE_MAX, Parameters, skipped};
use crate::api::caller::Caller;
use crate::api::error::Problem;
use crate::api::state::Api;
use crate::domain::ids::{CourierId, RouteId};
use crate::domain::time::{HOUR_MS, SECOND_MS, Time};
use crate::runtime::local_time;
use crate::runtime::tracks::{TrackPoint, TrackSpan};

pub(super) fn routes() -> Router<Arc<Api>> {
    let path = "/api/v2/companies/{company}/routes/{id}/courier-positions";
    Router::new().route(path, get(read))
}

/// The span by device time, and the page.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    from: Option<String>,
    to: Option<String>,
    page: Option<u64>,
}

async fn read(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Ids((company, id)): Ids<(u64, u64)>,
    Parameters(wanted): Parameters<Wanted>,
) -> Result<axum::Json<Value>, Problem> {
    let route = own_route(&api, &caller, company, id)?;
    let (from, to) = span(&wanted)?;
    let page = (skipped(wanted.page)? as usize, PAGE_MAX as usize);
    let Some(courier) = route.parent else { return Ok(axum::Json(json!([]))) };
    let span = TrackSpan { courier: CourierId(courier as u32), from, to };
    let is_of_route =
        move |point: &TrackPoint| point.route.is_none_or(|named| named == RouteId(id));
    let points = api.tracks.read(span, is_of_route, page).await?;
    Ok(axum::Json(points.iter().map(view).collect()))
}

fn view(point: &TrackPoint) -> Value {
    let place = point.position.point;
    json!({
        "lat": place.lat(),
        "lon": place.lon(),
        "timestamp": unix_s(point.position.device_time),
        "server_timestamp": unix_s(point.received_at),
    })
}

/// Unix seconds, with milliseconds behind the point.
fn unix_s(time: Time) -> f64 {
    time.ms() as f64 / SECOND_MS as f64
}

fn span(wanted: &Wanted) -> Result<(Time, Time), Problem> {
    let (from, to) = (instant("/from", wanted.from.as_ref())?, instant("/to", wanted.to.as_ref())?);
    if to - from > SPAN_MS_MAX {
        return Err(Problem::invalid("/to", "from and to are more than 2 hours apart"));
    }
    if to < from {
        return Err(Problem::invalid("/to", "is before from"));
    }
    Ok((from, to))
}

/// Unix seconds, as the answer has them, or ISO 8601.
fn instant(pointer: &str, text: Option<&String>) -> Result<Time, Problem> {
    let text = text.ok_or_else(|| Problem::invalid(pointer, "is missing"))?;
    let unix_s: Option<f64> = text.parse().ok();
    if let Some(unix_s) = unix_s.filter(|unix_s| (0.0..=UNIX_S_MAX).contains(unix_s)) {
        return Ok(Time::from_ms(libm::round(unix_s * SECOND_MS as f64) as i64));
    }
    // An unescaped `+` of an offset arrives as a space.
    let text = text.replace(' ', "+");
    let expected = |_| {
        let expected = "expected Unix seconds, or ISO 8601 with an offset or Z";
        Problem::invalid(pointer, expected)
    };
    local_time::instant(&text).map_err(expected)
}

/// Longest span of one request.
const SPAN_MS_MAX: i64 = 2 * HOUR_MS;
/// The last second of the year 9999.
pub(in crate::api) const UNIX_S_MAX: f64 = 253_402_300_799.0;
