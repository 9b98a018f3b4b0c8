//! The documented push of a courier's positions; answered when they are durable.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use serde_json::{Value, json};
use tokio::sync::mpsc::unbounded_channel;

use crate::api::body::{Ids, Json, list};
use crate::api::caller::Caller;
use crate::api::error::Problem;
use crate::api::fields::Fields;
use crate::api::state::Api;
use crate::domain::geo::Point;
use crate::domain::ids::{CompanyId, CourierId, RouteId};
use crate::domain::position::{Accuracy, Position, Source};
use crate::domain::time::Time;
use crate::runtime::access::Role;
use crate::runtime::intake::{Delivery, Refused, STALLED_AFTER, SentFix};
use crate::storage::catalog::change::Kind;

pub(super) fn routes() -> Router<Arc<Api>> {
    let path = "/api/v1/couriers/{courier}/routes/{route}/push-positions-v3";
    Router::new().route(path, post(push))
}

async fn push(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Ids((courier, route)): Ids<(u64, u64)>,
    Json(body): Json,
) -> Result<axum::Json<Value>, Problem> {
    let company = caller.company(Role::reports)?;
    let ids = courier_and_route(&api, company, courier, route)?;
    if caller.grant.courier.is_some_and(|own| own != ids.0) {
        return Err(Problem::forbidden());
    }
    let positions = Fields::new(body, "")?.value("positions");
    let missing = || Problem::invalid("/positions", "is missing");
    let positions = list(positions.ok_or_else(missing)?, "/positions")?;
    let mut fixes = Vec::with_capacity(positions.len());
    for (index, pushed) in positions.into_iter().enumerate() {
        let position = position(pushed, &format!("/positions/{index}"))?;
        let (courier, route) = (ids.0, Some(ids.1));
        fixes.push(SentFix { seq: index as u64 + 1, courier, company, route, position });
    }
    let count = fixes.len();
    let refused = submit(&api, fixes).await?;
    api.metrics.pushed(count as u64, refused.len() as u64);
    let refusals = refused.iter();
    let refusals: Vec<Value> = refusals
        .map(|refused| json!({ "index": refused.seq - 1, "reason": refused.reason.name() }))
        .collect();
    Ok(axum::Json(json!({ "accepted": count - refused.len(), "refused": refusals })))
}

/// Waits until all are durable; gives what was refused.
async fn submit(api: &Api, fixes: Vec<SentFix>) -> Result<Vec<Refused>, Problem> {
    let (reply, mut done) = unbounded_channel();
    let delivery = Delivery { sender: None, frame: 0, fixes, reply };
    let parts = api.intake.submit_in_turn(delivery, STALLED_AFTER).await?;
    let mut refused = Vec::new();
    for _ in 0..parts {
        let stopped = || Problem::from(crate::runtime::error::SubmitError::Stopped);
        refused.extend(done.recv().await.ok_or_else(stopped)?.refused);
    }
    refused.sort_by_key(|refused| refused.seq);
    Ok(refused)
}

fn courier_and_route(
    api: &Api,
    company: CompanyId,
    courier: u64,
    route: u64,
) -> Result<(CourierId, RouteId), Problem> {
    let (known_courier, known_route) = api.readers.read(|catalog| {
        Ok((catalog.document(Kind::Courier, courier)?, catalog.document(Kind::Route, route)?))
    })?;
    let known_courier = known_courier.ok_or_else(|| Problem::not_found("courier"))?;
    if known_courier.company != u64::from(company.0) {
        return Err(Problem::forbidden());
    }
    let is_theirs = known_route.is_some_and(|route| route.parent == Some(courier));
    if !is_theirs {
        return Err(Problem::not_found("route"));
    }
    Ok((CourierId(courier as u32), RouteId(route)))
}

/// One position, as documented; keys that are not known are passed over.
fn position(pushed: Value, at: &str) -> Result<Position, Problem> {
    let mut pushed = Fields::new(pushed, at)?;
    let place = pushed.value("point").ok_or_else(|| pushed.wrong("point", "is missing"))?;
    let mut place = Fields::new(place, pushed.pointer("point"))?;
    let point = Point::from_degrees(place.needed("lat")?, place.needed("lon")?)
        .map_err(|error| pushed.wrong("point", error.to_string()))?;
    let timestamp = pushed.needed("timestamp")?;
    if !(0.0..=TIMESTAMP_MAX_S).contains(&timestamp) {
        return Err(pushed.wrong("timestamp", "expected Unix seconds"));
    }
    let time = Time::from_ms(libm::round(timestamp * 1e3) as i64);
    let accuracy = pushed.number("accuracy")?;
    let (speed, heading) = (pushed.number("speed")?, pushed.number("heading")?);
    let known = |value: Option<f64>| value.filter(|value| value.is_finite() && *value >= 0.0);
    Ok(Position {
        accuracy_m: accuracy.and_then(|metres| Accuracy::new(metres as f32)),
        speed_mps: known(speed).map(|speed| speed as f32),
        heading_deg: known(heading).map(|heading| heading as f32 % 360.0),
        source: Source::S2sApi,
        ..Position::bare(time, point)
    })
}

/// The last second of the year 9999.
pub(in crate::api) const TIMESTAMP_MAX_S: f64 = 253_402_300_799.0;
