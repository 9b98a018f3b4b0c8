//! Warns of doors that are so close that fences which count each by itself may tell the wrong one
//! (behaviour 4.4), when an order comes onto a route, moves, or gets another radius.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::draft::Draft;
use super::merge::DEPOT;
use super::{orders_of, plans};
use crate::domain::geo::{Centre, Point};
use crate::domain::ids::OrderId;
use crate::domain::policy::{OverlapPolicy, Policy, Radius};
use crate::runtime::documents::doors::Door;
use crate::runtime::documents::findings::{Finding, Place};
use crate::storage::catalog::change::{Document, Kind};
use crate::storage::catalog::error::CatalogError;

/// At most one warning for each route that the request touches.
pub(super) fn warnings(draft: &mut Draft<'_>) -> Result<Vec<Finding>, CatalogError> {
    let mut moved: BTreeMap<u64, BTreeSet<u64>> = BTreeMap::new();
    for touched in draft.touched_of(Kind::Order) {
        let Some(after) = &touched.after else { continue };
        let same = touched.before.as_ref().is_some_and(|before| is_same(before, after));
        if let Some(route) = after.parent.filter(|_| !same) {
            moved.entry(route).or_default().insert(after.id);
        }
    }
    let mut found = Vec::new();
    for (route, moved) in moved {
        found.extend(of_route(draft, route, &moved)?);
    }
    Ok(found)
}

fn of_route(
    draft: &mut Draft<'_>,
    route: u64,
    moved: &BTreeSet<u64>,
) -> Result<Option<Finding>, CatalogError> {
    let Some(route) = draft.document(Kind::Route, route)?.map(|route| route.clone()) else {
        return Ok(None);
    };
    let company = plans::company(draft, route.company)?;
    if company.policy.overlap_policy == OverlapPolicy::Nearest {
        return Ok(None);
    }
    let of_depot = match route.field(DEPOT).and_then(Value::as_u64) {
        Some(depot) => draft.document(Kind::Depot, depot)?.and_then(|depot| radius(depot)),
        None => None,
    };
    let mut doors = Vec::new();
    for id in orders_of(&route).collect::<Vec<_>>() {
        if let Some(order) = draft.document(Kind::Order, id)? {
            doors.extend(door(order, &company.policy, of_depot, company.use_refined_location));
        }
    }
    let changed = doors.iter().filter(|door| moved.contains(&door.order.0));
    let pair = changed.flat_map(|one| doors.iter().map(move |other| (one, other)));
    let pair =
        pair.into_iter().find(|(one, other)| one.order != other.order && one.overlaps(other));
    let Some((one, other)) = pair.map(|(one, other)| (one.order.0, other.order.0)) else {
        return Ok(None);
    };
    let mut number = |id: u64| -> Result<String, CatalogError> {
        Ok(draft.document(Kind::Order, id)?.map_or_else(String::new, |order| order.number.clone()))
    };
    let (one, other) = (number(one)?, number(other)?);
    let problem = format!(
        "route \"{}\": \"{one}\" and \"{other}\" lie within each other's radius: with overlap_policy \
         parallel a visit of one may be told for the other; nearest tells them apart",
        route.number
    );
    Ok(Some(Finding::new(&Place::object(), problem)))
}

fn door(
    order: &Document,
    policy: &Policy,
    of_depot: Option<Radius>,
    is_refined: bool,
) -> Option<Door> {
    let point = |lat: &str, lon: &str| {
        let degrees = |key: &str| order.field(key).and_then(Value::as_f64);
        Point::from_degrees(degrees(lat)?, degrees(lon)?).ok()
    };
    let refined = point("refined_lat", "refined_lon").filter(|_| is_refined);
    let point = refined.or_else(|| point("lat", "lon"))?;
    let radius = policy.radius(radius(order), of_depot);
    Some(Door { order: OrderId(order.id), centre: Centre::new(point), radius })
}

fn radius(document: &Document) -> Option<Radius> {
    Radius::from_metres(document.field("mark_delivered_radius")?.as_f64()?)
}

fn is_same(before: &Document, after: &Document) -> bool {
    let keys = ["lat", "lon", "refined_lat", "refined_lon", "mark_delivered_radius"];
    before.parent == after.parent && keys.iter().all(|key| before.field(key) == after.field(key))
}
