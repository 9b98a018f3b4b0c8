//! What receivers and links do to true positions: the error of the place, and how the reports come.
//! Seeded: the same seed makes the same noise, whatever else is switched on or off.
//!
//! The parameters are those of the data sets' notes ("a workable model"): drift is a Gauss-Markov
//! process per axis with a correlation of 60 s. Where the notes leave room (the course of a burst,
//! the pauses, the length of a jump) the choice is the one under which a plain program of the rules
//! scores what the notes' author measured for it.

mod args;
mod link;
mod receiver;

use clap::ValueEnum;

pub use self::args::NoiseArgs;
pub use self::link::{Link, Sent};
pub use self::receiver::Receiver;

/// How bad the surroundings are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum NoiseKind {
    /// Drift of 3 m, as under an open sky
    Clean,
    /// Drift of 8 m, bursts every 300 s, gaps every 600 s, 0.3 % jumps
    Urban,
    /// Drift of 15 m, bursts every 120 s, gaps every 300 s, 0.5 % jumps
    Canyon,
}

impl NoiseKind {
    /// The word of the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Urban => "urban",
            Self::Canyon => "canyon",
        }
    }
}

/// One thing that noise is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum NoisePart {
    /// Correlated error of the place
    Drift,
    /// Error of each place by itself
    White,
    /// An error that grows to 20 to 80 m and fades, within 10 to 40 s
    Bursts,
    /// Silence of 20 to 180 s; what was measured meanwhile is lost
    Gaps,
    /// One place far off
    Jumps,
    /// A report that comes twice
    Duplicates,
    /// Two reports that come in the wrong order
    Swaps,
}

/// The parameters of noise; all zero disturbs nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Noise {
    /// Deviation of the drift per axis, metres.
    pub drift_m: f64,
    /// Deviation of each place's own error per axis, metres.
    pub white_m: f64,
    /// When the place is off by a constant offset.
    pub bursts: Option<Episodes>,
    /// When nothing is reported, and nothing kept.
    pub gaps: Option<Episodes>,
    /// Share of places that are far off, 0..=1.
    pub jump_share: f64,
    /// Share of reports that come twice, 0..=1.
    pub duplicate_share: f64,
    /// Share of reports that come after their successor, 0..=1.
    pub swap_share: f64,
    /// When reports are kept on the device, to come all at once afterwards.
    pub late: Option<Episodes>,
    /// How far the device's clock is ahead, milliseconds.
    pub clock_offset_ms: i64,
}

/// Something that comes now and then and lasts a while: lengths are even between the two bounds,
/// the pauses from an end to the next start exponential.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Episodes {
    /// Mean pause, seconds.
    pub every_s: f64,
    /// Shortest, seconds.
    pub shortest_s: f64,
    /// Longest, seconds.
    pub longest_s: f64,
}

impl Noise {
    /// The noise of some surroundings. It delays nothing, and its clock is right.
    #[must_use]
    pub const fn of(kind: NoiseKind) -> Self {
        let (drift_m, white_m, jump_share) = match kind {
            NoiseKind::Clean => (3.0, 0.0, 0.0),
            NoiseKind::Urban => (8.0, 3.0, 0.003),
            NoiseKind::Canyon => (15.0, 5.0, 0.005),
        };
        let (bursts, gaps) = match kind {
            NoiseKind::Clean => (None, None),
            NoiseKind::Urban => (Some(bursts(300.0)), Some(gaps(600.0))),
            NoiseKind::Canyon => (Some(bursts(120.0)), Some(gaps(300.0))),
        };
        Self {
            drift_m,
            white_m,
            bursts,
            gaps,
            jump_share,
            duplicate_share: 0.02,
            swap_share: 0.01,
            late: None,
            clock_offset_ms: 0,
        }
    }

    /// What an honest receiver states as its accuracy, which knows of no burst and no jump: the
    /// radius that holds 68 % of drift and white error, metres; 5 where there is neither.
    #[must_use]
    pub fn stated_accuracy_m(&self) -> f32 {
        let radius_m = SHARE_68 * libm::hypot(self.drift_m, self.white_m);
        if radius_m > 0.0 { radius_m as f32 } else { 5.0 }
    }

    /// The same with one part less.
    #[must_use]
    pub const fn without(mut self, part: NoisePart) -> Self {
        match part {
            NoisePart::Drift => self.drift_m = 0.0,
            NoisePart::White => self.white_m = 0.0,
            NoisePart::Bursts => self.bursts = None,
            NoisePart::Gaps => self.gaps = None,
            NoisePart::Jumps => self.jump_share = 0.0,
            NoisePart::Duplicates => self.duplicate_share = 0.0,
            NoisePart::Swaps => self.swap_share = 0.0,
        }
        self
    }

    /// The same over a link that fails for 30 to 600 s every 1200 s.
    #[must_use]
    pub const fn with_late_batches(mut self) -> Self {
        self.late = Some(Episodes { every_s: 1_200.0, shortest_s: 30.0, longest_s: 600.0 });
        self
    }
}

const fn bursts(every_s: f64) -> Episodes {
    Episodes { every_s, shortest_s: 10.0, longest_s: 40.0 }
}

const fn gaps(every_s: f64) -> Episodes {
    Episodes { every_s, shortest_s: 20.0, longest_s: 180.0 }
}

/// sqrt(-2 ln 0.32): of a normal error per axis, 68 % lie within so many deviations.
const SHARE_68: f64 = 1.5096;
