//! How noise is asked for on the command line.

use clap::Args;

use super::{Noise, NoiseKind, NoisePart};
use crate::domain::time::SECOND_MS;

/// What disturbs positions.
#[derive(Args, Clone, Debug, Default)]
pub struct NoiseArgs {
    /// Disturb the positions, after thinning; without it nothing is added
    #[arg(long, value_enum)]
    noise: Option<NoiseKind>,
    /// The same seed makes the same noise
    #[arg(long, value_name = "N", default_value_t = SEED)]
    seed: u64,
    /// Leave parts of the noise out
    #[arg(long, value_enum, value_name = "PART", value_delimiter = ',', requires = "noise")]
    without: Vec<NoisePart>,
    /// Let the link fail for 30 to 600 s every 20 minutes, then bring everything at once
    #[arg(long, requires = "noise")]
    late_batches: bool,
    /// How far the devices' clocks are ahead, below 0 behind
    #[arg(long, value_name = "S", requires = "noise", allow_negative_numbers = true)]
    #[arg(value_parser = clap::value_parser!(i64).range(-86_400..=86_400), default_value_t = 0)]
    clock_offset_s: i64,
}

impl NoiseArgs {
    /// The noise with its seed; `None`: nothing is added.
    #[must_use]
    pub fn noise(&self) -> Option<(Noise, u64)> {
        let noise = Noise::of(self.noise?);
        let noise = self.without.iter().fold(noise, |noise, part| noise.without(*part));
        let noise = if self.late_batches { noise.with_late_batches() } else { noise };
        Some((Noise { clock_offset_ms: self.clock_offset_s * SECOND_MS, ..noise }, self.seed))
    }

    /// The seed.
    #[must_use]
    pub const fn seed(&self) -> u64 {
        self.seed
    }

    /// The same with another seed.
    #[must_use]
    pub fn with_seed(&self, seed: u64) -> Self {
        Self { seed, ..self.clone() }
    }

    /// One line that names the noise, its seed and the command that makes it again; `None`:
    /// nothing is added.
    #[must_use]
    pub fn told(&self) -> Option<String> {
        let mut words: Vec<String> = std::env::args().map(|word| quoted(&word)).collect();
        if !words.iter().any(|word| word == "--seed" || word.starts_with("--seed=")) {
            words.push(format!("--seed {}", self.seed));
        }
        let name = self.noise?.name();
        Some(format!("noise    {name}, seed {}; again: {}", self.seed, words.join(" ")))
    }
}

/// A word as a shell reads it back.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_=./,:+@%".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

const SEED: u64 = 42;
