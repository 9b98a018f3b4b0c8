//! Section 4.5: the segment between two positions that cuts the fence of an order which needs no
//! dwell, without a position inside.

use super::crossing::Chord;
use super::distance::metres;
use super::route::Route;
use super::scene::{Scene, stay_point};
use super::stay::{Fix, Stay};
use crate::domain::event::EndReason;
use crate::domain::geo::Point;
use crate::domain::policy::Radius;

/// The segment's entry, closest point and exit.
struct Cut {
    entered: Fix,
    closest: Fix,
    left: Fix,
}

impl Scene<'_> {
    /// `fix` neither began nor ended a stay of that order, and none runs.
    pub fn try_drive_through(
        &mut self,
        route: &mut Route,
        index: usize,
        before: Option<Fix>,
        fix: &Fix,
    ) {
        let Some(order) = route.order(index) else { return };
        let Some((before, point)) = before.zip(order.plan.point) else { return };
        let radius = route.radius(order, self.policy);
        let may_visit = order.is_open(self.policy)
            && !order.visited
            && order.required_ms(self.policy) == 0
            && radius != Radius::OFF
            && self.head_now.contains(&order.plan.id);
        if !may_visit || fix.is_frozen || fix.t - before.t > 60_000 {
            return;
        }
        let Some(cut) = cut(point, radius, &before, fix) else { return };
        if order.waits_until(self.policy).is_some_and(|start| cut.closest.t < start) {
            return;
        }
        let id = order.plan.id;
        let mut stay = Stay::begin(point, radius, 0, None, cut.entered);
        stay.is_interpolated = true;
        let at = stay_point(&stay, &cut.closest, cut.closest.t);
        let Some(order) = route.order_mut(index) else { return };
        order.stay = Some(Box::new(stay));
        self.visit(route, index, cut.closest.t, at);
        let Some(stay) = route.order_mut(index).and_then(|order| order.stay.take()) else { return };
        let exit = (cut.left, cut.left.t);
        self.tell_departure(&stay, (route.id, id), exit, true, EndReason::Left);
    }
}

fn cut(centre: Point, radius: Radius, from: &Fix, to: &Fix) -> Option<Cut> {
    let r = radius.metres();
    if metres(centre, from.point) <= r || metres(centre, to.point) <= r {
        return None;
    }
    let chord = Chord::new(centre, from.point, to.point);
    let (share, distance) = chord.closest();
    let closest = between(from, to, share)?;
    if distance > r || metres(centre, closest.point) > r {
        return None;
    }
    let entered = between(from, to, chord.cut(r, -1.0))?;
    let left = between(from, to, chord.cut(r, 1.0))?;
    Some(Cut { entered, closest, left })
}

/// The place and instant at that share of the segment, linear in degrees and in time.
fn between(from: &Fix, to: &Fix, share: f64) -> Option<Fix> {
    let (lat, lon) = (i64::from(from.point.lat_e7()), i64::from(from.point.lon_e7()));
    let north = i64::from(to.point.lat_e7()) - lat;
    let east = i64::from(to.point.lon_e7()) - lon;
    let east = if east.abs() > HALF_TURN { east - 2 * HALF_TURN * east.signum() } else { east };
    let lat = libm::round(lat as f64 + share * north as f64) as i64;
    let lon = libm::round(lon as f64 + share * east as f64) as i64;
    let lon = if lon.abs() > HALF_TURN { lon - 2 * HALF_TURN * lon.signum() } else { lon };
    let point = Point::from_e7(lat as i32, lon as i32).ok()?;
    let t = from.t + libm::round(share * (to.t - from.t) as f64) as i64;
    Some(Fix { t, point, ..*to })
}

/// Half a turn in units of 1e-7 degrees.
const HALF_TURN: i64 = 1_800_000_000;
