//! Errors summed up: percentiles of their size, and their mean with sign.

use serde::Serialize;

use crate::domain::time::SECOND_MS;

/// The sizes of some errors, seconds; null where there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Spread {
    /// How many.
    pub n: usize,
    /// Half of them are at most this large.
    pub p50: Option<f64>,
    /// Nine in ten are at most this large.
    pub p90: Option<f64>,
    /// Nineteen in twenty are at most this large.
    pub p95: Option<f64>,
    /// The mean with sign: over 0 is told too late.
    pub bias: Option<f64>,
}

impl Spread {
    /// The spread of errors in milliseconds.
    #[must_use]
    pub fn of_ms(errors_ms: &[i64]) -> Self {
        let sizes = sorted_sizes_s(errors_ms);
        Self {
            n: sizes.len(),
            p50: percentile(&sizes, 50),
            p90: percentile(&sizes, 90),
            p95: percentile(&sizes, 95),
            bias: mean_s(errors_ms),
        }
    }
}

/// The sizes in seconds, ascending.
pub(super) fn sorted_sizes_s(errors_ms: &[i64]) -> Vec<f64> {
    let mut sizes: Vec<i64> = errors_ms.iter().map(|error| error.abs()).collect();
    sizes.sort_unstable();
    sizes.into_iter().map(|size| size as f64 / SECOND_MS as f64).collect()
}

/// The nearest-rank percentile: the smallest value that `percent` of them do not exceed.
pub(super) fn percentile(ascending: &[f64], percent: usize) -> Option<f64> {
    let rank = (ascending.len() * percent).div_ceil(100);
    ascending.get(rank.max(1) - 1).copied()
}

/// The mean in seconds.
pub(super) fn mean_s(values_ms: &[i64]) -> Option<f64> {
    let sum: i64 = values_ms.iter().sum();
    share(sum as f64 / SECOND_MS as f64, values_ms.len() as f64)
}

/// A quotient to four decimals, none over nothing.
pub(super) fn share(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| libm::round(part / whole * 1e4) / 1e4)
}
