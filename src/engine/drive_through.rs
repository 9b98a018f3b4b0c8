//! Passing through the head's fence without a position inside, where that is a visit
//! (behaviour 4.5).

use super::crossing::{GAP_MAX_MS, passage};
use super::fix::{Fix, Seen};
use super::order::Mark;
use super::presence::Presence;
use super::step::RouteStep;
use super::visit::{Means, Visit};
use crate::domain::event::EndReason;
use crate::domain::geo::{Centre, Point};
use crate::domain::policy::Radius;

/// The three instants of a passage.
struct Crossed {
    entry: Seen,
    closest: Seen,
    exit: Seen,
}

impl RouteStep<'_, '_> {
    /// An order of the head stop without a stay: was it passed on the way to this position?
    pub fn drive_through(&mut self, at: usize, centre: Centre, radius: Radius, fix: &Fix) {
        let Some(last) = self.line.last() else { return };
        let order = &self.route.orders[at];
        let terms = self.route.terms.of(order);
        let is_visited = order.is(Mark::Visited);
        if terms.dwell_required_ms(self.policy) > 0
            || is_visited
            || fix.seen.t - last.t > GAP_MAX_MS
        {
            return;
        }
        let Some(crossed) = crossed(&centre, radius.metres(), last, fix.seen) else { return };
        let closest = crossed.closest;
        if terms.dwell_not_before(self.policy).is_some_and(|start| closest.t < start) {
            return;
        }
        let presence = Presence::enter(&Fix { seen: crossed.entry, ..*fix });
        let slot = self.begin_stay(at, centre, radius, presence, crossed.entry.t);
        self.stays.stay_mut(slot).is_interpolated = true;
        let (t, means) = (closest.t, Means::Interpolated);
        let visit = Visit { t, seen: closest, estimated: t, means };
        self.visit(slot, &visit);
        self.depart(slot, crossed.exit, crossed.exit.t, EndReason::Left);
    }
}

/// How the way between two positions outside a fence crossed it.
fn crossed(centre: &Centre, radius_m: f64, from: Seen, to: Seen) -> Option<Crossed> {
    let is_inside = |point| centre.distance_m(point) <= radius_m;
    if is_inside(from.point) || is_inside(to.point) {
        return None;
    }
    let passage = passage(centre, radius_m, from.point, to.point)?;
    let entry = along(from, to, passage.entry)?;
    let closest = along(from, to, passage.closest)?;
    let exit = along(from, to, passage.exit)?;
    // So that everybody can check the visit, the rounded point has to lie inside as well.
    is_inside(closest.point).then_some(Crossed { entry, closest, exit })
}

/// Place and time at a share of the straight way; `None` where receivers never are.
fn along(from: Seen, to: Seen, share: f64) -> Option<Seen> {
    let part = |whole: i64| libm::round(share * whole as f64) as i64;
    let (lat, lon) = from.point.offset_e7(to.point);
    let lon_e7 = i64::from(from.point.lon_e7()) + part(lon);
    let lon_e7 = if lon_e7 > HALF_TURN_E7 {
        lon_e7 - 2 * HALF_TURN_E7
    } else if lon_e7 < -HALF_TURN_E7 {
        lon_e7 + 2 * HALF_TURN_E7
    } else {
        lon_e7
    };
    let lat_e7 = i64::from(from.point.lat_e7()) + part(lat);
    let point = Point::from_e7(lat_e7 as i32, lon_e7 as i32).ok()?;
    Some(Seen { t: from.t + part(to.t - from.t), point, ..to })
}

const HALF_TURN_E7: i64 = 1_800_000_000;
