//! When a courier crossed the border of a fence between two positions: the best estimate of the
//! true instant (behaviour 4.6). Estimates decide nothing.

use super::fix::Seen;
use crate::domain::geo::{Centre, Point};
use crate::domain::time::{SECOND_MS, Time};

/// When the courier came inside: `before` is the last position ahead of the entry.
pub fn entry_time(centre: &Centre, radius_m: f64, before: Option<Seen>, entry: Seen) -> Time {
    let Some(before) = before.filter(|before| centre.distance_m(before.point) > radius_m) else {
        return entry.t;
    };
    let border = border(centre, radius_m, entry.point, before.point);
    let gap_ms = entry.t - before.t;
    if gap_ms <= GAP_MAX_MS {
        return before.t + libm::round((1.0 - border.share) * gap_ms as f64) as i64;
    }
    let drive_ms = (1.0 - border.share) * border.length_m / DRIVE_MPS * SECOND_MS as f64;
    entry.t.min(before.t + libm::round(drive_ms) as i64)
}

/// When the courier went outside: `away` is the first position that was not inside.
pub fn exit_time(centre: &Centre, radius_m: f64, inside: Seen, away: Seen) -> Time {
    let border = border(centre, radius_m, inside.point, away.point);
    let gap_ms = away.t - inside.t;
    if gap_ms <= GAP_MAX_MS {
        return inside.t + libm::round(border.share * gap_ms as f64) as i64;
    }
    let drive_ms = (1.0 - border.share) * border.length_m / DRIVE_MPS * SECOND_MS as f64;
    inside.t.max(away.t - libm::round(drive_ms) as i64)
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

struct Border {
    /// Share of the segment, from its inner end, that lies inside.
    share: f64,
    length_m: f64,
}

/// Cuts the segment from a point inside to a point outside at the circle: the positive root of
/// `|inner + share x (outer - inner)| = radius`.
fn border(centre: &Centre, radius_m: f64, inner: Point, outer: Point) -> Border {
    let (x, y) = centre.plane_m(inner);
    let (outer_x, outer_y) = centre.plane_m(outer);
    let (dx, dy) = (outer_x - x, outer_y - y);
    let a = dx * dx + dy * dy;
    let b = x * dx + y * dy;
    let c = x * x + y * y - radius_m * radius_m;
    let root = (b * b - a * c).max(0.0).sqrt();
    let share = if a > 0.0 { ((root - b) / a).clamp(0.0, 1.0) } else { 1.0 };
    Border { share, length_m: a.sqrt() }
}

/// Beyond this gap a straight line in time says nothing: the courier drove, and stood.
pub const GAP_MAX_MS: i64 = 60 * SECOND_MS;
/// How fast a courier drives who was not seen.
pub const DRIVE_MPS: f64 = 7.0;
