//! The machine of section 4.1 for one fence, and the evidence of 3.5.

use super::crossing::{entry_estimate, exit_estimate};
use super::distance::metres;
use super::stand::Stand;
use crate::domain::geo::Point;
use crate::domain::policy::Radius;
use crate::domain::position::Position;
use crate::domain::time::{HOUR_MS, Time};

/// A position as the rules look at it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Fix {
    pub t: Time,
    pub point: Point,
    pub accuracy_m: Option<f64>,
    pub speed_mps: Option<f64>,
    pub silent_when_still: bool,
    /// The receiver repeats itself while it says that it moves: no evidence.
    pub is_frozen: bool,
    pub received_at: Time,
}

impl Fix {
    pub fn new(position: &Position, received_at: Time) -> Self {
        Self {
            t: position.device_time,
            point: position.point,
            accuracy_m: position.accuracy_m.map(|accuracy| f64::from(accuracy.metres())),
            speed_mps: position.speed_mps.map(f64::from),
            silent_when_still: position.silent_when_still,
            is_frozen: false,
            received_at,
        }
    }

    pub fn is_fresh(&self) -> bool {
        self.received_at - self.t <= 300_000
    }

    /// The longest silence after it that counts as presence.
    pub fn longest_gap_ms(&self, max_gap_ms: i64) -> i64 {
        if self.silent_when_still { max_gap_ms.max(HOUR_MS) } else { max_gap_ms }
    }

    pub fn drives(&self) -> bool {
        self.speed_mps.is_some_and(|speed| speed > 2.0)
    }

    pub fn is_coarse(&self) -> bool {
        self.accuracy_m.is_some_and(|accuracy| accuracy > 1_000.0)
    }

    /// Whether a courier could have come from `earlier` to here.
    pub fn agrees_with(&self, earlier: &Self) -> bool {
        let dt_s = ((self.t - earlier.t) as f64 / 1e3).max(1.0);
        metres(earlier.point, self.point) / dt_s <= 70.0
    }
}

/// What a fix says about a fence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Evidence {
    Inside,
    Beyond,
    Outside,
    Nothing,
}

pub(super) fn evidence(centre: Point, radius: Radius, fix: &Fix) -> Evidence {
    if fix.is_frozen {
        return Evidence::Nothing;
    }
    let (d, r) = (metres(centre, fix.point), radius.metres());
    let exit = exit_metres(r);
    let unknown = fix.accuracy_m.is_none();
    let accuracy = fix.accuracy_m.unwrap_or(0.0);
    let inside_is_sure = unknown || accuracy <= (r / 2.0).max(50.0) || d + accuracy <= r;
    let outside_is_sure = unknown || accuracy <= 250.0 || d - accuracy > exit;
    if d <= r && inside_is_sure {
        Evidence::Inside
    } else if d - accuracy.min(100.0) > exit && outside_is_sure {
        Evidence::Outside
    } else if (unknown || accuracy <= 250.0) && d - accuracy.min(100.0) / 2.0 > r {
        Evidence::Beyond
    } else {
        Evidence::Nothing
    }
}

/// `r_exit` of section 4.1.
fn exit_metres(r: f64) -> f64 {
    r + (r / 10.0).clamp(20.0, 100.0)
}

/// How far from the centre a position may be and count as at the fence.
pub(super) fn close_metres(r: f64) -> f64 {
    r + (0.04 * (r - 250.0)).max(0.0)
}

/// A courier inside a fence.
#[derive(Clone, Debug)]
pub(super) struct Stay {
    pub radius: Radius,
    pub required_ms: i64,
    pub entered: Fix,
    pub entry_estimate: Time,
    pub dwell_from: Time,
    pub dwell_estimate: Time,
    pub last_inside: Fix,
    away: Option<Away>,
    /// What the dwell's positions say, up to the last one.
    presence: Tally,
    /// The same up to the last one inside.
    presence_inside: Tally,
    /// Number of the told stay, once its ARRIVAL is told.
    pub number: Option<u16>,
    /// The order had been visited when the stay began.
    pub is_further: bool,
    /// API or app set the status during the stay.
    pub status_set: bool,
    /// With `nearest`: the dwell credited so far.
    pub credit_ms: i64,
    /// With `nearest`: it held the claim at the last inside position.
    pub is_claimed: bool,
    /// Never seen inside: a segment cut the fence.
    pub is_interpolated: bool,
}

/// The positions with evidence since a dwell began.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    all: u64,
    within: u64,
}

impl Tally {
    /// Of the position that begins the dwell.
    const BEGUN: Self = Self { all: 1, within: 1 };

    fn count(&mut self, centre: Point, radius: Radius, fix: &Fix) {
        self.all += 1;
        self.within += u64::from(metres(centre, fix.point) <= close_metres(radius.metres()));
    }

    /// Whether 55 % of them are close to the fence or in it.
    fn is_presence(self) -> bool {
        20 * self.within >= 11 * self.all
    }
}

#[derive(Clone, Debug)]
struct Away {
    first: Fix,
    /// No other position was accepted between the last inside one and the first.
    is_direct: bool,
    count: u32,
    /// The first of the outside fixes in a row, while the row lasts.
    outside: Option<Fix>,
}

/// What a fix did to a stay.
pub(super) enum Moved {
    No,
    /// Inside, as at this position before.
    Inside(Fix),
    /// `unseen_until`: the first position away, if nothing was accepted in between.
    Left {
        at: Fix,
        estimate: Time,
        unseen_until: Option<Fix>,
    },
}

impl Stay {
    /// A stay at an order: over a short bracket its dwell counts from the crossing.
    pub fn begin_at_order(
        centre: Point,
        radius: Radius,
        required_ms: i64,
        before: Option<Fix>,
        entered: Fix,
    ) -> Self {
        let mut stay = Self::begin(centre, radius, required_ms, before, entered);
        if before.is_some_and(|before| entered.t - before.t <= 60_000) {
            stay.dwell_from = stay.entry_estimate;
        }
        stay
    }

    /// A stay that begins with `entered`; `before` is the last accepted position before it.
    pub fn begin(
        centre: Point,
        radius: Radius,
        required_ms: i64,
        before: Option<Fix>,
        entered: Fix,
    ) -> Self {
        let estimate = entry_estimate(centre, radius.metres(), before, &entered);
        Self {
            radius,
            required_ms,
            entered,
            entry_estimate: estimate,
            dwell_from: entered.t,
            dwell_estimate: estimate,
            last_inside: entered,
            away: None,
            presence: Tally::BEGUN,
            presence_inside: Tally::BEGUN,
            number: None,
            is_further: false,
            status_set: false,
            credit_ms: 0,
            is_claimed: false,
            is_interpolated: false,
        }
    }

    /// A position at an order's fence, where the courier may stand.
    pub fn step_at_order(
        &mut self,
        centre: Point,
        (before, stand): (Option<Fix>, Option<Stand>),
        fix: &Fix,
        max_gap_ms: i64,
    ) -> Moved {
        let stands_inside =
            stand.is_some_and(|stand| stand.metres_from(centre) <= self.radius.metres());
        if stands_inside && evidence(centre, self.radius, fix) != Evidence::Inside {
            return Moved::No;
        }
        self.step(centre, before, fix, max_gap_ms)
    }

    /// `before` is the last accepted position before `fix`.
    pub fn step(
        &mut self,
        centre: Point,
        before: Option<Fix>,
        fix: &Fix,
        max_gap_ms: i64,
    ) -> Moved {
        let seen = evidence(centre, self.radius, fix);
        if seen != Evidence::Nothing {
            self.presence.count(centre, self.radius, fix);
        }
        match seen {
            Evidence::Nothing => Moved::No,
            Evidence::Inside => {
                self.away = None;
                let last = std::mem::replace(&mut self.last_inside, *fix);
                if fix.t - last.t > last.longest_gap_ms(max_gap_ms) {
                    self.dwell_from = fix.t;
                    self.dwell_estimate = fix.t;
                    self.presence = Tally::BEGUN;
                }
                self.presence_inside = self.presence;
                Moved::Inside(last)
            }
            Evidence::Beyond | Evidence::Outside => {
                let is_direct = before.is_some_and(|before| before.t == self.last_inside.t);
                let first = Away { first: *fix, is_direct, count: 0, outside: None };
                self.away.get_or_insert(first);
                self.step_away(centre, fix, seen)
            }
        }
    }

    fn step_away(&mut self, centre: Point, fix: &Fix, seen: Evidence) -> Moved {
        let Some(away) = self.away.as_mut() else { return Moved::No };
        away.count += 1;
        let mut exit = None;
        if seen == Evidence::Outside {
            let is_far = metres(centre, fix.point) > exit_metres(self.radius.metres()) + 60.0;
            exit = away.outside.filter(|first| is_far || fix.t - first.t >= 20_000);
            away.outside.get_or_insert(*fix);
        } else {
            away.outside = None;
        }
        if exit.is_none() && away.count >= 3 && fix.t - away.first.t >= 45_000 {
            exit = Some(away.first);
        }
        let (first, is_direct) = (away.first, away.is_direct);
        exit.map_or(Moved::No, |at| Moved::Left {
            at,
            unseen_until: is_direct.then_some(first),
            estimate: exit_estimate(centre, self.radius.metres(), &self.last_inside, &first),
        })
    }

    /// Whether the dwell is met at `t`, counted no earlier than `window_start`.
    pub fn is_met(&self, t: Time, window_start: Option<Time>) -> bool {
        let from = window_start.map_or(self.dwell_from, |start| start.max(self.dwell_from));
        t - from >= self.required_ms
    }

    /// Whether enough of the dwell's positions, up to the last one inside, were at the fence.
    pub fn is_presence(&self) -> bool {
        self.presence_inside.is_presence()
    }

    pub fn visit_estimate(&self, window_start: Option<Time>) -> Time {
        window_start.map_or(self.dwell_estimate, |start| start.max(self.dwell_estimate))
            + self.required_ms
    }
}
