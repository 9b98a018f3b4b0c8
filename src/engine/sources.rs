//! Which of several sources speaks for a courier (behaviour 3.7).

use crate::domain::position::Source;
use crate::domain::time::{SECOND_MS, Time};

/// Which sources have spoken for a courier. The time of the only or the highest one is kept in the
/// courier's line: what it says, no other outranks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// None yet.
    Nobody,
    /// Only this one.
    One(Source),
    /// More than one, of which this is the highest: the times of the others are kept aside.
    Several(Source),
}

/// The latest device time of each source, by priority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceTimes {
    pub(super) seen: [Time; Source::ALL.len()],
}

impl Heard {
    /// The only source that has spoken, or the highest.
    pub fn highest(self) -> Option<Source> {
        match self {
            Self::Nobody => None,
            Self::One(source) | Self::Several(source) => Some(source),
        }
    }
}

impl Default for SourceTimes {
    fn default() -> Self {
        Self { seen: [Time::DISTANT_PAST; Source::ALL.len()] }
    }
}

impl SourceTimes {
    /// The highest source that has spoken, and when.
    pub fn highest(&self) -> Option<(Source, Time)> {
        let spoke = Source::ALL.into_iter().map(|source| (source, self.seen[source.priority()]));
        let spoke = spoke.filter(|&(_, seen)| seen > Time::DISTANT_PAST);
        spoke.min_by_key(|(source, _)| source.priority())
    }

    /// A source speaks.
    pub fn hear(&mut self, source: Source, t: Time) {
        let seen = &mut self.seen[source.priority()];
        *seen = t.max(*seen);
    }

    /// Whether a higher source has spoken shortly before `t`.
    pub fn outrank(&self, source: Source, t: Time) -> bool {
        self.seen[..source.priority()].iter().any(|&higher| silences(higher, t))
    }
}

/// Whether a source that was seen then silences lower ones at `t`.
pub fn silences(seen: Time, t: Time) -> bool {
    t - seen <= SILENCED_MS
}

/// So long a source silences the lower ones.
const SILENCED_MS: i64 = 120 * SECOND_MS;
