//! When a courier crossed the border of a fence between two positions: the best estimate of the
//! true instant (behaviour 4.6). Those of short gaps bound the dwell; others decide nothing.

use super::fix::Seen;
use crate::domain::geo::{Centre, Point};
use crate::domain::time::{SECOND_MS, Time};

/// When the courier came inside: `before` is the last position ahead of the entry.
pub fn entry_time(centre: &Centre, radius_m: f64, before: Option<Seen>, entry: Seen) -> Time {
    let Some(before) = before.filter(|before| centre.distance_m(before.point) > radius_m) else {
        return entry.t;
    };
    let inside = border(centre, radius_m, entry.point, before.point);
    let outside = Part { share: 1.0 - inside.share, ..inside };
    crossed_at(before, entry, outside)
}

/// When the courier went outside: `away` is the first position that was not inside.
pub fn exit_time(centre: &Centre, radius_m: f64, inside: Seen, away: Seen) -> Time {
    crossed_at(inside, away, border(centre, radius_m, inside.point, away.point))
}

/// When the courier crossed a border on the way between two positions: `first` is the part of the
/// way ahead of the border.
///
/// Over a long gap the border was crossed no earlier than the way to it takes, and no later than
/// leaves time for the way from it. In between, it is known only who stood at which end of the gap.
fn crossed_at(from: Seen, to: Seen, first: Part) -> Time {
    let gap_ms = (to.t - from.t) as f64;
    let linear_ms = first.share * gap_ms;
    if to.t - from.t <= GAP_MAX_MS {
        return from.t + libm::round(linear_ms) as i64;
    }
    let drive_ms = |share: f64| share * first.length_m / DRIVE_MPS * SECOND_MS as f64;
    let earliest_ms = drive_ms(first.share);
    let latest_ms = gap_ms - drive_ms(1.0 - first.share);
    let crossed_ms = match (from.is_driving, to.is_driving) {
        (true, true) => linear_ms,
        (true, false) => earliest_ms,
        (false, true) => latest_ms.max(earliest_ms),
        // It would have reported on the way.
        (false, false) if from.is_silent_when_still => latest_ms.max(earliest_ms),
        (false, false) => (earliest_ms + latest_ms) / 2.0,
    };
    from.t + libm::round(crossed_ms.clamp(0.0, gap_ms)) as i64
}

/// How a segment between two positions outside passes through a fence: shares of it, rising.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Passage {
    /// Where it comes inside.
    pub entry: f64,
    /// Where it is closest to the centre.
    pub closest: f64,
    /// Where it goes outside.
    pub exit: f64,
}

/// The passage of the segment from `from` to `to`, if it comes within the radius (behaviour 4.5).
pub fn passage(centre: &Centre, radius_m: f64, from: Point, to: Point) -> Option<Passage> {
    let (x, y) = centre.plane_m(from);
    let (to_x, to_y) = centre.plane_m(to);
    let (dx, dy) = (to_x - x, to_y - y);
    let a = dx * dx + dy * dy;
    if a == 0.0 {
        return None;
    }
    let b = x * dx + y * dy;
    let closest = (-b / a).clamp(0.0, 1.0);
    let (near_x, near_y) = (x + closest * dx, y + closest * dy);
    if near_x * near_x + near_y * near_y > radius_m * radius_m {
        return None;
    }
    let c = x * x + y * y - radius_m * radius_m;
    let root = (b * b - a * c).max(0.0).sqrt();
    let (entry, exit) = (((-b - root) / a).clamp(0.0, 1.0), ((root - b) / a).clamp(0.0, 1.0));
    Some(Passage { entry, closest, exit })
}

/// A part of a segment, from one of its ends to the circle.
#[derive(Clone, Copy)]
struct Part {
    /// Its share of the segment.
    share: f64,
    /// The whole segment.
    length_m: f64,
}

/// Cuts the segment from a point inside to a point outside at the circle, and gives its part
/// inside: the positive root of `|inner + share x (outer - inner)| = radius`.
fn border(centre: &Centre, radius_m: f64, inner: Point, outer: Point) -> Part {
    let (x, y) = centre.plane_m(inner);
    let (outer_x, outer_y) = centre.plane_m(outer);
    let (dx, dy) = (outer_x - x, outer_y - y);
    let a = dx * dx + dy * dy;
    let b = x * dx + y * dy;
    let c = x * x + y * y - radius_m * radius_m;
    let root = (b * b - a * c).max(0.0).sqrt();
    let share = if a > 0.0 { ((root - b) / a).clamp(0.0, 1.0) } else { 1.0 };
    Part { share, length_m: a.sqrt() }
}

/// Beyond this gap a straight line in time says nothing, unless the courier drove all the way.
pub const GAP_MAX_MS: i64 = 60 * SECOND_MS;
/// How fast a courier drives who was not seen.
pub const DRIVE_MPS: f64 = 7.0;
