//! Many runs summed up: mean and spread of every figure over the seeds of the noise.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};
use std::ops::RangeInclusive;

use serde::Serialize;
use serde_json::Value;

use super::score::Score;

/// The figures over some seeds. A figure that a run does not have counts for the others only.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// The seeds.
    pub seeds: Vec<u64>,
    /// By name, as `arrival_error_s.p95`.
    pub figures: BTreeMap<String, Figure>,
}

/// One figure over the seeds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Figure {
    /// The mean.
    pub mean: f64,
    /// The standard deviation between runs; null for one run.
    pub deviation: Option<f64>,
    /// Least.
    pub min: f64,
    /// Most.
    pub max: f64,
}

impl Summary {
    /// Sums up one score per seed.
    ///
    /// # Errors
    /// A score cannot be written as JSON.
    pub fn of(scores: &[(u64, Score)]) -> serde_json::Result<Self> {
        let mut values: BTreeMap<String, Vec<f64>> = BTreeMap::new();
        for (_, score) in scores {
            collect("", &serde_json::to_value(score)?, &mut values);
        }
        let figures = values.into_iter().map(|(name, values)| (name, Figure::of(&values)));
        Ok(Self {
            seeds: scores.iter().map(|(seed, _)| *seed).collect(),
            figures: figures.collect(),
        })
    }
}

impl Figure {
    fn of(values: &[f64]) -> Self {
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
        let rounded = |value: f64| libm::round(value * 1e4) / 1e4;
        Self {
            mean: rounded(mean),
            deviation: (values.len() > 1).then(|| rounded((squares / (count - 1.0)).sqrt())),
            min: values.iter().copied().fold(f64::INFINITY, f64::min),
            max: values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        }
    }
}

impl Display for Summary {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let count = self.seeds.len();
        writeln!(f, "{:<36} {:>10} {:>10} {:>10} {:>10}", "", "mean", "deviation", "min", "max")?;
        for (name, figure) in &self.figures {
            let Figure { mean, deviation, min, max } = figure;
            let deviation = deviation.map_or("-".to_owned(), |value| format!("{value:.4}"));
            writeln!(f, "{name:<36} {mean:>10.4} {deviation:>10} {min:>10.4} {max:>10.4}")?;
        }
        writeln!(f, "over {count} seeds")
    }
}

fn collect(name: &str, value: &Value, into: &mut BTreeMap<String, Vec<f64>>) {
    match value {
        Value::Number(number) => {
            into.entry(name.to_owned()).or_default().extend(number.as_f64());
        }
        Value::Object(members) => {
            for (key, member) in members {
                let name = if name.is_empty() { key.clone() } else { format!("{name}.{key}") };
                collect(&name, member, into);
            }
        }
        Value::Null | Value::Bool(_) | Value::String(_) | Value::Array(_) => {}
    }
}

/// Reads `A..B`, both included.
pub(super) fn seeds(text: &str) -> Result<RangeInclusive<u64>, String> {
    let read = |(from, to): (&str, &str)| Some(from.parse().ok()?..=to.parse().ok()?);
    text.split_once("..")
        .and_then(read)
        .filter(|seeds| !seeds.is_empty() && seeds.end() - seeds.start() < SEEDS_MAX)
        .ok_or_else(|| format!("expected A..B, both included, at most {SEEDS_MAX} seeds"))
}

const SEEDS_MAX: u64 = 1_000;
