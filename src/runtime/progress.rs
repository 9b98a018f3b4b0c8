//! How far a start has come: written by recovery, read by whoever is asked meanwhile.

use core::fmt;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

/// How far a start has come. Shared.
#[derive(Debug, Default)]
pub struct Progress {
    stage: AtomicU8,
    done: AtomicU64,
    of: AtomicU64,
}

/// What a start is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Looking at what there is.
    Opening,
    /// Reading a snapshot, in bytes.
    Snapshot,
    /// Stepping the journal again, in bytes.
    Journal,
    /// Everything is recovered.
    Recovered,
}

/// How far a start has come at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// What it is at.
    pub stage: Stage,
    /// So much of it is done...
    pub done: u64,
    /// ...of so much, about.
    pub of: u64,
}

impl Progress {
    /// A stage begins, of so much.
    pub fn begin(&self, stage: Stage, of: u64) {
        self.done.store(0, Ordering::Relaxed);
        self.of.store(of, Ordering::Relaxed);
        self.stage.store(stage as u8, Ordering::Release);
    }

    /// So much of the stage is done by now.
    pub fn reach(&self, done: u64) {
        self.done.store(done, Ordering::Relaxed);
    }

    /// How far it has come.
    #[must_use]
    pub fn standing(&self) -> Standing {
        let stage = match self.stage.load(Ordering::Acquire) {
            0 => Stage::Opening,
            1 => Stage::Snapshot,
            2 => Stage::Journal,
            _ => Stage::Recovered,
        };
        let (done, of) = (self.done.load(Ordering::Relaxed), self.of.load(Ordering::Relaxed));
        Standing { stage, done, of }
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pct = (self.done * 100).checked_div(self.of).unwrap_or(0).min(100);
        match self.stage {
            Stage::Opening => f.write_str("recovering: looking at what there is"),
            Stage::Snapshot => write!(f, "recovering: {pct} % of the snapshot read"),
            Stage::Journal => write!(f, "recovering: {pct} % of the journal stepped again"),
            Stage::Recovered => f.write_str("recovered"),
        }
    }
}
