//! What gives way when more comes than is worked off, and in which order: first ETAs that are
//! evaluated only because it is time to, then new sessions, then frames. A position that was taken
//! in moves its fences whatever comes.

use core::fmt;

/// How far behind a shard is. Each stage gives way in what the stages before it do, too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// It keeps up.
    #[default]
    Even,
    /// Half its room is taken: ETAs are evaluated only where something happened.
    Behind,
    /// Three quarters are: nobody new is let in.
    Crowded,
    /// As much as fits waits in line for room: frames are refused.
    Full,
}

impl Stage {
    /// The stage of a mailbox with room for `most` positions, of which so much is taken, and in
    /// front of which so many positions wait in line.
    #[must_use]
    pub const fn of(most: usize, taken: usize, in_line: usize) -> Self {
        if in_line >= line_max(most) {
            Self::Full
        } else if taken >= most.div_ceil(4) * 3 {
            Self::Crowded
        } else if taken >= most.div_ceil(2) {
            Self::Behind
        } else {
            Self::Even
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Even => "keeps up",
            Self::Behind => "ETAs are refreshed less often",
            Self::Crowded => "ETAs are refreshed less often, new sessions are refused",
            Self::Full => "ETAs are refreshed less often, new sessions and frames are refused",
        })
    }
}

/// Positions that may wait in line for room in a mailbox for `most`: a daemon never owes more than
/// three mailboxes of positions, in memory and in time.
#[must_use]
pub const fn line_max(most: usize) -> usize {
    most.saturating_mul(2)
}

#[cfg(test)]
mod tests {
    use super::Stage;

    #[test]
    fn the_stages_follow_one_another() {
        let of = |taken, in_line| Stage::of(100, taken, in_line);
        assert_eq!([of(0, 0), of(49, 0)], [Stage::Even; 2]);
        assert_eq!([of(50, 0), of(74, 0)], [Stage::Behind; 2]);
        assert_eq!([of(75, 0), of(100, 199)], [Stage::Crowded; 2]);
        assert_eq!(of(100, 200), Stage::Full);
        assert!(Stage::Even < Stage::Behind && Stage::Crowded < Stage::Full);
        assert_eq!(Stage::of(1, 0, 0), Stage::Even);
    }
}
