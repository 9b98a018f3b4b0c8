//! One position on its way through a route: what the rules need of it, and no more.

use super::fence::SHARP_M;
use super::state::{Kept, StateReader, StateWriter, Taken, kept};
use crate::domain::geo::Point;
use crate::domain::position::{Accuracy, Position};
use crate::domain::time::{SECOND_MS, Time};

/// Where a courier was, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Device time.
    pub t: Time,
    /// Place.
    pub point: Point,
    /// The device states the speed of one who drives.
    pub is_driving: bool,
    /// The device said that it falls silent while it stands.
    pub is_silent_when_still: bool,
}

kept!(Seen { t, point, is_driving, is_silent_when_still });

/// A [`Seen`] or none, in 16 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PackedSeen {
    /// Milliseconds times four, plus the two flags, or [`Self::NONE`]. An instant has 62 bits.
    bits: i64,
    point: Point,
}

impl PackedSeen {
    /// None. Would be the most distant past.
    pub const NONE: Self = Self { bits: i64::MIN, point: Point::ANYWHERE };

    /// What is packed.
    pub fn seen(self) -> Option<Seen> {
        (self.bits != i64::MIN).then(|| self.unpacked())
    }

    /// What is packed; of [`Self::NONE`], nothing that ever was.
    pub fn unpacked(self) -> Seen {
        Seen {
            t: Time::from_ms(self.bits >> 2),
            point: self.point,
            is_driving: self.bits & 2 != 0,
            is_silent_when_still: self.bits & 1 != 0,
        }
    }
}

impl From<Option<Seen>> for PackedSeen {
    fn from(seen: Option<Seen>) -> Self {
        seen.map_or(Self::NONE, Self::from)
    }
}

impl From<Seen> for PackedSeen {
    fn from(seen: Seen) -> Self {
        let flags = i64::from(seen.is_driving) << 1 | i64::from(seen.is_silent_when_still);
        Self { bits: seen.t.ms() << 2 | flags, point: seen.point }
    }
}

impl Kept for PackedSeen {
    fn put(&self, to: &mut StateWriter) {
        self.seen().put(to);
    }

    fn take(from: &mut StateReader) -> Taken<Self> {
        let seen: Option<Seen> = Kept::take(from)?;
        Ok(seen.into())
    }
}

/// A position that is to move a route.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fix {
    /// Where and when.
    pub seen: Seen,
    /// Stated accuracy; `None`: unknown.
    pub accuracy: Option<Accuracy>,
    /// Receive time of the input that brought it.
    pub received_at: Time,
    /// The device states a speed at which nobody stands.
    pub is_moving: bool,
    /// The device states that it stands.
    pub is_standing: bool,
}

kept!(Fix { seen, accuracy, received_at, is_moving, is_standing });

impl Fix {
    /// What a route needs to know of a position.
    pub fn new(position: &Position, received_at: Time) -> Self {
        let states_over =
            |limit_mps| position.speed_mps.is_some_and(|speed_mps| speed_mps > limit_mps);
        Self {
            seen: Seen {
                t: position.device_time,
                point: position.point,
                is_driving: states_over(WALKING_MAX_MPS),
                is_silent_when_still: position.silent_when_still,
            },
            accuracy: position.accuracy_m,
            received_at,
            is_moving: states_over(STANDING_MAX_MPS),
            is_standing: position.speed_mps.is_some() && !states_over(STANDING_MAX_MPS),
        }
    }

    /// Too inaccurate to be evidence of anything (behaviour 3.5).
    pub fn is_coarse(&self) -> bool {
        self.accuracy.is_some_and(|accuracy| accuracy.metres() > COARSE_M)
    }

    /// Accurate enough to be evidence of being inside any fence (behaviour 3.5).
    pub fn is_sharp(&self) -> bool {
        self.accuracy.is_none_or(|accuracy| f64::from(accuracy.metres()) <= SHARP_M)
    }

    /// Young enough when it came to raise notifications (behaviour 7).
    pub fn is_fresh(&self) -> bool {
        self.received_at - self.seen.t <= FRESH_MS
    }
}

/// A standing device may state so much.
const STANDING_MAX_MPS: f32 = 1.0;
/// About a door nobody is faster.
const WALKING_MAX_MPS: f32 = 2.0;
const COARSE_M: f32 = 1_000.0;
/// Oldest a position may be when it comes to count as fresh.
pub const FRESH_MS: i64 = 300 * SECOND_MS;
