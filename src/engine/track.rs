//! Which positions a route accepts, in which order, and which it drops as jumps (behaviour 3.3,
//! 3.4). Knows nothing of orders.

use super::fix::{Fix, Seen};
use crate::domain::geo::distance_m;
use crate::domain::time::{SECOND_MS, Time};

/// What becomes of a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Same device time as the last accepted one.
    Duplicate,
    /// Earlier than the last accepted one, or not later than the held one.
    Late,
    /// Accepted as time only: too inaccurate for anything else.
    Coarse,
    /// Too fast: kept aside until the next one tells. One held before is dropped.
    Hold,
    /// Accepted. One held before is dropped.
    Step,
    /// The held one was right: it steps first, then this one.
    StepHeldFirst,
}

/// Judges a position against the last accepted time, the last accepted place (`None`: there is
/// none) and the held position.
///
/// | against the last place | held | against the held | verdict |
/// |---|---|---|---|
/// | agrees, or there is none | any | | `Step` |
/// | too fast | none | | `Hold` |
/// | too fast | yes | agrees | `StepHeldFirst` |
/// | too fast | yes | too fast | `Hold` |
pub fn judge(last_t: Time, last: Option<Seen>, held: Option<Seen>, fix: &Fix) -> Verdict {
    let t = fix.seen.t;
    if t == last_t {
        return Verdict::Duplicate;
    }
    if t < last_t || held.is_some_and(|held| t <= held.t) {
        return Verdict::Late;
    }
    if fix.is_coarse() {
        return Verdict::Coarse;
    }
    match (last, held) {
        (None, _) => Verdict::Step,
        (Some(last), _) if agrees(last, fix.seen) => Verdict::Step,
        (Some(_), Some(held)) if agrees(held, fix.seen) => Verdict::StepHeldFirst,
        (Some(_), _) => Verdict::Hold,
    }
}

/// Whether an accepted position is that of a frozen receiver: one that repeats its coordinates for
/// over a minute and says that it moves. `run_start` is when the run at one point began; it begins
/// anew at another point, and with a repeat at no stated speed (behaviour 3.6).
pub fn is_frozen(last: Option<Seen>, run_start: &mut Time, fix: &Fix) -> bool {
    let repeats = last.is_some_and(|last| last.point == fix.seen.point);
    if !repeats || !fix.is_moving {
        *run_start = fix.seen.t;
    }
    fix.seen.t - *run_start > FROZEN_MS
}

/// Whether a courier could have come from `earlier` to `later` at no more than [`SPEED_MAX_MPS`].
fn agrees(earlier: Seen, later: Seen) -> bool {
    is_next_door(earlier, later)
        || distance_m(earlier.point, later.point) <= reach_m(earlier, later)
}

/// Whether a courier could have come from `earlier` to `later` by the way along both axes, in the
/// longest degrees there are: never shorter than the true one, it settles all but a few positions
/// without a root.
pub fn is_next_door(earlier: Seen, later: Seen) -> bool {
    let (lat, lon) = earlier.point.offset_e7(later.point);
    (lat.abs() + lon.abs()) as f64 * M_PER_E7_MAX <= reach_m(earlier, later)
}

fn reach_m(earlier: Seen, later: Seen) -> f64 {
    SPEED_MAX_MPS * ((later.t - earlier.t).max(SECOND_MS) as f64 / SECOND_MS as f64)
}

/// So long a run of equal coordinates is believed of a moving device.
const FROZEN_MS: i64 = 60 * SECOND_MS;
/// No courier moves faster.
const SPEED_MAX_MPS: f64 = 70.0;
/// Above the longest 1e-7 degree on the ellipsoid: 111.70 km a degree.
const M_PER_E7_MAX: f64 = 0.011_17;
