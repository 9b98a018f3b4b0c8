//! The machine of one presence inside one fence: dwell, silence, and the confirmed exit
//! (behaviour 4.1, 4.2). Serves orders and depots alike; knows neither.
//!
//! | state | evidence | next |
//! |---|---|---|
//! | absent | inside | present: entered, dwell counts from here |
//! | present | inside | away is forgotten; after a silence over the longest gap the dwell restarts |
//! | present | none | unchanged |
//! | present | outside, second in a row | left at the first of the two |
//! | present | outside or beyond, third or later, 45 s after the first | left at the first |
//! | present | outside or beyond, else | away |

use super::fence::Evidence;
use super::fix::{Fix, Seen};
use crate::domain::time::{HOUR_MS, SECOND_MS, Time};

/// A courier is inside a fence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Presence {
    /// The position that entered.
    pub entered: Seen,
    /// From when the dwell counts.
    pub dwell_from: Time,
    /// The last position inside.
    pub last_inside: Seen,
    away: Option<Away>,
    /// The device of the last position inside said that it falls silent while it stands.
    pub is_silent_when_still: bool,
}

/// Positions that were not inside since the last that was.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Away {
    first: Seen,
    /// The latest one.
    last: Seen,
    /// How many, as far as [`AWAY_MIN`].
    count: u8,
    /// The latest one was outside.
    is_outside: bool,
    /// Nothing was accepted between the last position inside and the first one away.
    is_after_silence: bool,
}

/// What one position did to a presence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing that shows: it proved nothing, or confirmed no exit.
    None,
    /// The courier is inside still.
    Stayed {
        /// When the courier was inside before.
        since: Time,
        /// The silence was too long, and the dwell counts from this position.
        restarts: bool,
    },
    /// The exit is confirmed.
    Left(Exit),
}

/// A confirmed exit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exit {
    /// The position that left.
    pub left: Seen,
    /// The first position away after the last inside one.
    pub first_away: Seen,
    /// Nothing was accepted between these two.
    pub is_after_silence: bool,
}

impl Presence {
    /// The courier came inside.
    pub fn enter(fix: &Fix) -> Self {
        Self {
            entered: fix.seen,
            dwell_from: fix.seen.t,
            last_inside: fix.seen,
            away: None,
            is_silent_when_still: fix.is_silent_when_still,
        }
    }

    /// Follows one position; `before` is the last one that was accepted ahead of it.
    pub fn step(
        &mut self,
        evidence: Evidence,
        fix: &Fix,
        before: Option<Seen>,
        max_gap_ms: i64,
    ) -> Change {
        let is_outside = match evidence {
            Evidence::None => return Change::None,
            Evidence::Inside => return self.stay(fix, max_gap_ms),
            Evidence::Beyond => false,
            Evidence::Outside => true,
        };
        let is_after_silence = before.is_some_and(|before| before.t == self.last_inside.t);
        self.go_away(fix.seen, is_outside, is_after_silence).map_or(Change::None, Change::Left)
    }

    fn stay(&mut self, fix: &Fix, max_gap_ms: i64) -> Change {
        let since = self.last_inside.t;
        let restarts = fix.seen.t - since > self.longest_gap_ms(max_gap_ms);
        if restarts {
            self.dwell_from = fix.seen.t;
        }
        self.away = None;
        self.last_inside = fix.seen;
        self.is_silent_when_still = fix.is_silent_when_still;
        Change::Stayed { since, restarts }
    }

    fn go_away(&mut self, seen: Seen, is_outside: bool, is_after_silence: bool) -> Option<Exit> {
        let Some(away) = &mut self.away else {
            self.away =
                Some(Away { first: seen, last: seen, count: 1, is_outside, is_after_silence });
            return None;
        };
        let before = core::mem::replace(&mut away.last, seen);
        let was_outside = core::mem::replace(&mut away.is_outside, is_outside);
        away.count = (away.count + 1).min(AWAY_MIN);
        let is_long = away.count == AWAY_MIN && seen.t - away.first.t >= AWAY_MIN_MS;
        let left = if is_outside && was_outside {
            before
        } else if is_long {
            away.first
        } else {
            return None;
        };
        let is_after_silence = away.is_after_silence;
        Some(Exit { left, first_away: away.first, is_after_silence })
    }

    /// How long the courier has dwelt at `t`, counted not before `not_before`; may be negative.
    pub fn dwelt_ms(&self, t: Time, not_before: Option<Time>) -> i64 {
        t - not_before.map_or(self.dwell_from, |start| start.max(self.dwell_from))
    }

    /// The longest silence after the last position inside that counts as presence.
    pub fn longest_gap_ms(&self, max_gap_ms: i64) -> i64 {
        if self.is_silent_when_still { max_gap_ms.max(STILL_GAP_MS) } else { max_gap_ms }
    }
}

/// So many positions away confirm an exit without a pair outside...
const AWAY_MIN: u8 = 3;
/// ...once the first is this old.
const AWAY_MIN_MS: i64 = 45 * SECOND_MS;
/// A device that said that it falls silent while it stands may do so for this long.
const STILL_GAP_MS: i64 = HOUR_MS;
