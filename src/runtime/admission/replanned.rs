//! Which stored routes mean something else after a request that does not name them: local times
//! count in another zone, or delivery points are taken from other fields.

use std::collections::BTreeSet;

use serde_json::Value;

use super::draft::Draft;
use super::store::Stop;
use crate::domain::time::{DAY_MS, Time};
use crate::runtime::documents::depot::Depot;
use crate::runtime::local_time;
use crate::storage::catalog::change::{Document, Kind};

/// The routes to be stored anew. Those of days long past are left alone: nothing
/// moves them any more, and reading resolves their times afresh.
pub(super) fn routes(draft: &mut Draft<'_>, now: Time) -> Result<BTreeSet<u64>, Stop> {
    let since = local_time::utc_date(now - ENDED_MS);
    let mut replanned = BTreeSet::new();
    for company in draft.changed(Kind::Company) {
        let touched = draft.both(Kind::Company, company)?;
        let (Some(before), Some(after)) = (&touched.before, &touched.after) else { continue };
        let points = differs(before, after, "use_refined_location");
        let zone = differs(before, after, "time_zone");
        if !points && !zone {
            continue;
        }
        for route in draft.routes_since(company, &since, None)? {
            if points || !has_zone_of_its_own(draft, route)? {
                replanned.insert(route);
            }
        }
    }
    for depot in draft.changed(Kind::Depot) {
        let touched = draft.both(Kind::Depot, depot)?;
        let (Some(before), Some(after)) = (&touched.before, &touched.after) else { continue };
        if differs(before, after, "time_zone") {
            let company = after.company;
            replanned.extend(draft.routes_since(company, &since, Some(depot))?);
        }
    }
    Ok(replanned)
}

fn differs(before: &Document, after: &Document, key: &str) -> bool {
    before.field(key) != after.field(key)
}

/// Whether a route's local times count in its depot's zone.
fn has_zone_of_its_own(draft: &mut Draft<'_>, route: u64) -> Result<bool, Stop> {
    let depot = draft.document(Kind::Route, route)?;
    let depot = depot.and_then(|route| route.field(super::DEPOT).and_then(Value::as_u64));
    let Some(depot) = depot else { return Ok(false) };
    let depot = draft.document(Kind::Depot, depot)?;
    let plan = depot.and_then(|depot| super::rules::depot::plan(depot));
    Ok(plan.is_some_and(|Depot { zone, .. }| zone.is_some()))
}

/// A route's date may be two days back while it is under way: zones, and tours through the night.
const ENDED_MS: i64 = 3 * DAY_MS;
