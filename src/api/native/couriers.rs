//! Where a company's couriers are: near a place, the nearest to it, within a box.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::api::body::Parameters;
use crate::api::caller::Caller;
use crate::api::error::Problem;
use crate::api::state::Api;
use crate::domain::geo::Point;
use crate::domain::ids::CourierId;
use crate::engine::courier_index::Nearby;
use crate::engine::courier_index::bounds::Bounds;
use crate::feed::cloud_event::iso;
use crate::runtime::access::Role;
use crate::runtime::views::LastPosition;
use crate::storage::catalog::change::Kind;

pub(super) fn routes() -> Router<Arc<Api>> {
    Router::new()
        .route("/v1/couriers/near", get(near))
        .route("/v1/couriers/nearest", get(nearest))
        .route("/v1/couriers/within", get(within))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Near {
    lat: f64,
    lon: f64,
    radius_m: f64,
    limit: Option<u64>,
}

async fn near(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Parameters(wanted): Parameters<Near>,
) -> Result<axum::Json<Value>, Problem> {
    let company = caller.company(Role::reads)?;
    let point = point(wanted.lat, wanted.lon)?;
    if !(0.0..=NEAR_RADIUS_M_MAX).contains(&wanted.radius_m) {
        return Err(Problem::invalid("/radius_m", format!("expected 0 to {NEAR_RADIUS_M_MAX}")));
    }
    let limit = limit("/limit", wanted.limit)?;
    let found = api.views.couriers_near(company, point, wanted.radius_m, limit).await?;
    by_distance(&api, found)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nearest {
    lat: f64,
    lon: f64,
    k: Option<u64>,
}

async fn nearest(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Parameters(wanted): Parameters<Nearest>,
) -> Result<axum::Json<Value>, Problem> {
    let company = caller.company(Role::reads)?;
    let point = point(wanted.lat, wanted.lon)?;
    let found = api.views.couriers_nearest(company, point, limit("/k", wanted.k)?).await?;
    by_distance(&api, found)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Within {
    bbox: String,
    limit: Option<u64>,
}

async fn within(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Parameters(wanted): Parameters<Within>,
) -> Result<axum::Json<Value>, Problem> {
    let company = caller.company(Role::reads)?;
    let bounds = bounds(&wanted.bbox)
        .ok_or_else(|| Problem::invalid("/bbox", "expected west,south,east,north in degrees"))?;
    let limit = limit("/limit", wanted.limit)?;
    let found = api.views.couriers_within(company, bounds, limit).await?.into_iter();
    found
        .map(|(courier, at)| located(&api, courier, at, None))
        .collect::<Result<Vec<_>, _>>()
        .map(listed)
}

fn listed(couriers: Vec<Value>) -> axum::Json<Value> {
    axum::Json(Value::Array(couriers))
}

/// The couriers found around a point, in the order found.
fn by_distance(
    api: &Api,
    found: Vec<(Nearby, LastPosition)>,
) -> Result<axum::Json<Value>, Problem> {
    let found = found.into_iter();
    found
        .map(|(near, at)| located(api, near.courier, at, Some(near.distance_m)))
        .collect::<Result<Vec<_>, _>>()
        .map(listed)
}

fn located(
    api: &Api,
    courier: CourierId,
    at: LastPosition,
    distance_m: Option<f64>,
) -> Result<Value, Problem> {
    let id = u64::from(courier.0);
    let courier = api.readers.read(|catalog| catalog.document_ever(Kind::Courier, id))?;
    let mut view = json!({
        "courier_id": id,
        "number": courier.as_ref().map(|courier| &courier.number),
        "name": courier.as_ref().and_then(|courier| courier.text("name")),
        "lat": at.point.lat(),
        "lon": at.point.lon(),
        "time": iso(at.t),
    });
    if let Some(distance_m) = distance_m {
        view["distance_m"] = distance_m.into();
    }
    Ok(view)
}

fn point(lat: f64, lon: f64) -> Result<Point, Problem> {
    Point::from_degrees(lat, lon).map_err(|error| Problem::invalid("/lat", error.to_string()))
}

fn limit(pointer: &str, limit: Option<u64>) -> Result<usize, Problem> {
    match limit.unwrap_or(LIMIT_DEFAULT) {
        limit if (1..=FOUND_MAX).contains(&limit) => Ok(limit as usize),
        _ => Err(Problem::invalid(pointer, format!("expected 1 to {FOUND_MAX}"))),
    }
}

/// `west,south,east,north`; west over east reaches across the antimeridian.
fn bounds(text: &str) -> Option<Bounds> {
    let mut degrees = text.split(',').map(|degrees| degrees.trim().parse::<f64>().ok());
    let mut next = |max: f64| {
        let degrees = degrees.next()??;
        (-max..=max).contains(&degrees).then(|| libm::round(degrees * 1e7) as i32)
    };
    let (west_e7, south_e7) = (next(180.0)?, next(90.0)?);
    let (east_e7, north_e7) = (next(180.0)?, next(90.0)?);
    let bounds = Bounds { west_e7, south_e7, east_e7, north_e7 };
    (degrees.next().is_none() && south_e7 <= north_e7).then_some(bounds)
}

const LIMIT_DEFAULT: u64 = 100;
/// Most couriers of one answer.
pub(in crate::api) const FOUND_MAX: u64 = 1_000;
/// Widest circle that is searched.
pub(in crate::api) const NEAR_RADIUS_M_MAX: f64 = 1_000_000.0;
