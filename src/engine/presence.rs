//! The machine of one presence inside one fence: dwell, silence, and the confirmed exit
//! (behaviour 4.1, 4.2). Serves orders and depots alike; knows neither.
//!
//! | state | evidence | next |
//! |---|---|---|
//! | absent | inside | present: entered, dwell counts from here |
//! | present | inside | away is forgotten; after a silence over the longest gap the dwell restarts |
//! | present | none | unchanged |
//! | present | outside, in a row of 20 s, or far and not its first | left at the first of the row |
//! | present | outside or beyond, third or later, 45 s after the first | left at the first |
//! | present | outside or beyond, else | away |

use super::fence::{Evidence, Reading};
use super::fix::{Fix, PackedSeen, Seen};
use super::state::{Kept, StateReader, StateWriter, Taken, kept};
use crate::domain::time::{HOUR_MS, SECOND_MS, Time};

/// A courier is inside a fence.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub struct Presence {
    /// From when the dwell counts.
    pub dwell_from: Time,
    last_inside: PackedSeen,
    /// The positions since the dwell began, up to the last one inside.
    within: Share,
    away: PackedAway,
    entered: PackedSeen,
}

impl Kept for Presence {
    fn put(&self, to: &mut StateWriter) {
        let Self { dwell_from, last_inside, within, away, entered } = self;
        entered.unpacked().put(to);
        dwell_from.put(to);
        last_inside.unpacked().put(to);
        within.put(to);
        away.away().put(to);
    }

    fn take(from: &mut StateReader) -> Taken<Self> {
        let entered = Seen::take(from)?.into();
        let dwell_from = Kept::take(from)?;
        let last_inside = Seen::take(from)?.into();
        let within = Kept::take(from)?;
        let away: Option<Away> = Kept::take(from)?;
        let away = away.map_or(PackedAway::NONE, PackedAway::from);
        Ok(Self { dwell_from, last_inside, within, away, entered })
    }
}

/// Positions that were not inside since the last that was.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Away {
    first: Seen,
    /// The first of the row of outside positions that the latest one belongs to.
    row: Option<Seen>,
    /// How many they are, and how many of them are near.
    within: Share,
    /// Nothing was accepted between the last position inside and the first one away.
    is_after_silence: bool,
}

kept!(Away { first, row, within, is_after_silence });

/// An [`Away`] or none, so that the first bytes tell which.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C)]
struct PackedAway {
    first: PackedSeen,
    row: PackedSeen,
    /// Its highest bit of all says that it is after a silence.
    within: Share,
}

impl PackedAway {
    const NONE: Self =
        Self { first: PackedSeen::NONE, row: PackedSeen::NONE, within: Share { near: 0, all: 0 } };

    fn away(self) -> Option<Away> {
        let Self { first, row, .. } = self;
        let (within, is_after_silence) = (self.within(), self.within.all & AFTER_SILENCE != 0);
        first.seen().map(|first| Away { first, row: row.seen(), within, is_after_silence })
    }

    fn within(self) -> Share {
        Share { all: self.within.all & !AFTER_SILENCE, ..self.within }
    }
}

impl From<Away> for PackedAway {
    fn from(Away { first, row, within, is_after_silence }: Away) -> Self {
        let silence = if is_after_silence { AFTER_SILENCE } else { 0 };
        let within = Share { all: within.all | silence, ..within };
        Self { first: first.into(), row: row.into(), within }
    }
}

/// How many positions of some are near. A stay ends long before 31 bits are full: it would see 68
/// years of a position a second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Share {
    near: u32,
    all: u32,
}

kept!(Share { near, all });

impl Share {
    /// One position, which is near.
    const ONE: Self = Self { near: 1, all: 1 };

    fn count(&mut self, is_near: bool) {
        *self = self.plus(Self { near: is_near.into(), all: 1 });
    }

    fn plus(self, other: Self) -> Self {
        Self { near: self.near + other.near, all: self.all + other.all }
    }
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
        /// The device stated at both that it drives.
        has_driven: bool,
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
            entered: fix.seen.into(),
            dwell_from: fix.seen.t,
            last_inside: fix.seen.into(),
            within: Share::ONE,
            away: PackedAway::NONE,
        }
    }

    /// The last position inside.
    pub fn last_inside(&self) -> Seen {
        self.last_inside.unpacked()
    }

    /// The position that entered.
    pub fn entered(&self) -> Seen {
        self.entered.unpacked()
    }

    /// Follows one position; `before` is the last one that was accepted ahead of it.
    pub fn step(
        &mut self,
        reading: Reading,
        fix: &Fix,
        before: Option<Seen>,
        max_gap_ms: i64,
    ) -> Change {
        match reading.evidence {
            Evidence::None => Change::None,
            Evidence::Inside => self.stay(fix, max_gap_ms),
            Evidence::Beyond | Evidence::Outside => {
                let is_after_silence =
                    before.is_some_and(|before| before.t == self.last_inside().t);
                self.go_away(fix.seen, reading, is_after_silence).map_or(Change::None, Change::Left)
            }
        }
    }

    /// Follows a position inside if nothing else can come of it: nobody is away, and the silence
    /// before it counts as presence. Tells whether it did.
    pub fn remain(&mut self, fix: &Fix, max_gap_ms: i64) -> bool {
        let silence_ms = fix.seen.t - self.last_inside().t;
        if self.away.first != PackedSeen::NONE || silence_ms > self.longest_gap_ms(max_gap_ms) {
            return false;
        }
        self.within = self.within.plus(Share::ONE);
        self.last_inside = fix.seen.into();
        true
    }

    fn stay(&mut self, fix: &Fix, max_gap_ms: i64) -> Change {
        let Seen { t: since, is_driving, .. } = self.last_inside();
        let has_driven = is_driving && fix.seen.is_driving;
        let restarts = fix.seen.t - since > self.longest_gap_ms(max_gap_ms);
        let away = core::mem::replace(&mut self.away, PackedAway::NONE).within();
        if restarts {
            (self.dwell_from, self.within) = (fix.seen.t, Share::ONE);
        } else {
            self.within = self.within.plus(away).plus(Share::ONE);
        }
        self.last_inside = fix.seen.into();
        Change::Stayed { since, restarts, has_driven }
    }

    fn go_away(&mut self, seen: Seen, reading: Reading, is_after_silence: bool) -> Option<Exit> {
        let mut away = self.away.away().unwrap_or_else(|| Away {
            first: seen,
            row: None,
            within: Share::default(),
            is_after_silence,
        });
        away.within.count(reading.is_near);
        let is_outside = reading.evidence == Evidence::Outside;
        let row = away.row.filter(|_| is_outside);
        away.row = row.or(is_outside.then_some(seen));
        self.away = away.into();
        let is_confirmed = |row: &Seen| reading.is_far || seen.t - row.t >= ROW_MIN_MS;
        let is_long = away.within.all >= AWAY_MIN && seen.t - away.first.t >= AWAY_MIN_MS;
        let left = row.filter(is_confirmed).or(is_long.then_some(away.first))?;
        let (first_away, is_after_silence) = (away.first, away.is_after_silence);
        Some(Exit { left, first_away, is_after_silence })
    }

    /// How long the courier has dwelt at `t`, counted not before `not_before`; may be negative.
    pub fn dwelt_ms(&self, t: Time, not_before: Option<Time>) -> i64 {
        t - not_before.map_or(self.dwell_from, |start| start.max(self.dwell_from))
    }

    /// Whether enough of the positions since the dwell began, up to the last one inside, are near
    /// for a courier who stood there, and did not stand elsewhere with some of them astray.
    pub fn is_mostly_near(&self) -> bool {
        20 * u64::from(self.within.near) >= 11 * u64::from(self.within.all)
    }

    /// The longest silence after the last position inside that counts as presence.
    pub fn longest_gap_ms(&self, max_gap_ms: i64) -> i64 {
        if self.last_inside().is_silent_when_still {
            max_gap_ms.max(STILL_GAP_MS)
        } else {
            max_gap_ms
        }
    }
}

/// A row outside that is so long confirms an exit; bursts of errors at the border are shorter.
const ROW_MIN_MS: i64 = 20 * SECOND_MS;
/// So many positions away confirm an exit without a row outside...
const AWAY_MIN: u32 = 3;
/// ...once the first is this old.
const AWAY_MIN_MS: i64 = 45 * SECOND_MS;
/// The highest bit of 32.
const AFTER_SILENCE: u32 = 1 << 31;
/// A device that said that it falls silent while it stands may do so for this long.
const STILL_GAP_MS: i64 = HOUR_MS;
