//! Where the segment between two positions crosses a fence, and the estimated times of 4.6.

use super::distance::{metres, plane};
use super::stay::Fix;
use crate::domain::geo::Point;
use crate::domain::time::Time;

/// `before` is the last accepted position before the entry.
pub(super) fn entry_estimate(centre: Point, r: f64, before: Option<Fix>, entered: &Fix) -> Time {
    let Some(before) = before.filter(|fix| metres(centre, fix.point) > r) else {
        return entered.t;
    };
    crossing_time(centre, r, -1.0, (&before, entered))
}

/// `away` is the first position away after the last one inside.
pub(super) fn exit_estimate(centre: Point, r: f64, inside: &Fix, away: &Fix) -> Time {
    crossing_time(centre, r, 1.0, (inside, away))
}

/// When the courier passed the circle between the two positions: linear in time if they are close
/// in time or the courier moved at both; else it stood on the side where it did not move.
fn crossing_time(centre: Point, r: f64, side: f64, (first, second): (&Fix, &Fix)) -> Time {
    let gap_ms = (second.t - first.t) as f64;
    let chord = Chord::new(centre, first.point, second.point);
    let share = chord.cut(r, side);
    let earliest = drive_ms(share * chord.length());
    let latest = gap_ms - drive_ms((1.0 - share) * chord.length());
    let after_ms = match (first.drives(), second.drives()) {
        _ if gap_ms <= 60_000.0 => share * gap_ms,
        (true, true) => share * gap_ms,
        (true, false) => earliest,
        (false, true) => earliest.max(latest),
        (false, false) if first.silent_when_still => earliest.max(latest),
        (false, false) => f64::midpoint(earliest, latest),
    };
    first.t + libm::round(after_ms.clamp(0.0, gap_ms)) as i64
}

fn drive_ms(metres: f64) -> f64 {
    metres / 7.0 * 1e3
}

/// A segment in the plane around a fence's centre.
pub(super) struct Chord {
    from: (f64, f64),
    along: (f64, f64),
}

impl Chord {
    pub fn new(centre: Point, from: Point, to: Point) -> Self {
        let (from, to) = (plane(centre, from), plane(centre, to));
        Self { from, along: (to.0 - from.0, to.1 - from.1) }
    }

    /// The share of the segment at which it is closest to the centre, and how close, in metres.
    pub fn closest(&self) -> (f64, f64) {
        let along = |x: f64, y: f64| x * self.along.0 + y * self.along.1;
        let squared = along(self.along.0, self.along.1);
        let share = -along(self.from.0, self.from.1) / squared;
        let share = if squared == 0.0 { 0.0 } else { share.clamp(0.0, 1.0) };
        let x = self.from.0 + share * self.along.0;
        let y = self.from.1 + share * self.along.1;
        (share, (x * x + y * y).sqrt())
    }

    fn length(&self) -> f64 {
        (self.along.0 * self.along.0 + self.along.1 * self.along.1).sqrt()
    }

    /// The share of the segment, 0..=1, at which it cuts the circle: the first cut for `side` -1,
    /// the last for 1.
    pub fn cut(&self, r: f64, side: f64) -> f64 {
        let a = self.along.0 * self.along.0 + self.along.1 * self.along.1;
        let b = self.from.0 * self.along.0 + self.from.1 * self.along.1;
        let c = self.from.0 * self.from.0 + self.from.1 * self.from.1 - r * r;
        if a == 0.0 {
            return 0.0;
        }
        ((-b + side * (b * b - a * c).max(0.0).sqrt()) / a).clamp(0.0, 1.0)
    }
}
