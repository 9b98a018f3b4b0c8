//! Which of several sources speaks for a courier (behaviour 3.7).

use crate::domain::position::Source;
use crate::domain::time::{SECOND_MS, Time};

/// Which sources have spoken for a courier. Nearly always it is one, and its time is kept in the
/// courier's line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// None yet.
    Nobody,
    /// Only this one.
    One(Source),
    /// More than one: their times are kept aside.
    Several,
}

/// The latest device time of each source, by priority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceTimes {
    seen: [Time; Source::ALL.len()],
}

impl SourceTimes {
    /// One source has spoken.
    pub fn of(source: Source, t: Time) -> Self {
        let mut times = Self { seen: [Time::DISTANT_PAST; Source::ALL.len()] };
        times.seen[source.priority()] = t;
        times
    }

    /// A source speaks: tells whether no higher one has lately, and keeps its time either way.
    pub fn hear(&mut self, source: Source, t: Time) -> bool {
        let priority = source.priority();
        let is_heard = self.seen[..priority].iter().all(|&higher| t - higher > SILENCED_MS);
        self.seen[priority] = self.seen[priority].max(t);
        is_heard
    }
}

/// So long a source silences the lower ones.
const SILENCED_MS: i64 = 120 * SECOND_MS;
