//! The machine of one presence inside one fence: dwell, silence, and the confirmed exit
//! (behaviour 4.1, 4.2). Serves orders and depots alike; knows neither.
//!
//! | state | evidence | next |
//! |---|---|---|
//! | absent | inside | present: entered, dwell counts from here |
//! | present | inside | away is forgotten; after a silence over `max_gap` the dwell restarts |
//! | present | none | unchanged |
//! | present | outside, second in a row | left at the first of the two |
//! | present | outside or beyond, third or later, 45 s after the first | left at the first |
//! | present | outside or beyond, else | away |

use super::fix::Seen;
use crate::domain::time::{SECOND_MS, Time};

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
}

/// Positions that were not inside since the last that was.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Away {
    first: Seen,
    count: u32,
    /// The outside position just before, if nothing broke the row.
    outside: Option<Seen>,
}

/// A confirmed exit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exit {
    /// The position that left.
    pub left: Seen,
    /// The first position away after the last inside one.
    pub first_away: Seen,
}

impl Presence {
    /// The courier came inside.
    pub fn enter(seen: Seen) -> Self {
        Self { entered: seen, dwell_from: seen.t, last_inside: seen, away: None }
    }

    /// The courier is inside. Tells whether the dwell restarted after a silence.
    // A device that declared itself silent when still, and a dwell credited across other
    // silences, belong here: behaviour 4.2.
    pub fn stay(&mut self, seen: Seen, max_gap_ms: i64) -> bool {
        let restarts = seen.t - self.last_inside.t > max_gap_ms;
        if restarts {
            self.dwell_from = seen.t;
        }
        self.away = None;
        self.last_inside = seen;
        restarts
    }

    /// The courier is away. Tells the exit once it is confirmed.
    pub fn away(&mut self, seen: Seen, is_outside: bool) -> Option<Exit> {
        let away = self.away.get_or_insert(Away { first: seen, count: 0, outside: None });
        away.count += 1;
        let before = core::mem::replace(&mut away.outside, is_outside.then_some(seen));
        if is_outside && let Some(left) = before {
            return Some(Exit { left, first_away: away.first });
        }
        let is_long = away.count >= AWAY_MIN && seen.t - away.first.t >= AWAY_MIN_MS;
        is_long.then_some(Exit { left: away.first, first_away: away.first })
    }

    /// How long the courier has dwelt at `t`, counted not before `not_before`; may be negative.
    pub fn dwelt_ms(&self, t: Time, not_before: Option<Time>) -> i64 {
        t - not_before.map_or(self.dwell_from, |start| start.max(self.dwell_from))
    }
}

/// So many positions away confirm an exit without a pair outside...
const AWAY_MIN: u32 = 3;
/// ...once the first is this old.
const AWAY_MIN_MS: i64 = 45 * SECOND_MS;
