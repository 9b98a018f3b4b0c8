//! How good the ETA was: the one in force is read once a minute from the first one told until the
//! courier was there, so that a prediction counts for as long as it stood.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use super::observed::{Observed, OrderSeen, Prediction};
use super::spread::{mean_s, percentile, share, sorted_sizes_s};
use crate::domain::ids::OrderId;
use crate::domain::time::{HOUR_MS, SECOND_MS, Time};

/// Errors of the ETA by horizon, the time left until the courier was really there.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EtaScore {
    /// By the names of the horizons, shortest first.
    pub buckets: [EtaBucket; HORIZONS.len()],
}

/// Errors of the ETA within one horizon. Over 0: the courier came earlier than told.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct EtaBucket {
    /// How many readings.
    pub n: usize,
    /// Mean size.
    pub mae_s: Option<f64>,
    /// Median size.
    pub median_ae_s: Option<f64>,
    /// Nine in ten are at most this large.
    pub p90_ae_s: Option<f64>,
    /// Mean with sign.
    pub bias_s: Option<f64>,
    /// Share of at most 5 minutes.
    pub within_5_min: Option<f64>,
    /// Share of arrivals between the told quantiles; null, as the travel model tells none.
    pub coverage_p10_p90: Option<f64>,
}

impl EtaScore {
    /// The score against the instants at which service really could begin.
    #[must_use]
    pub fn of(observed: &Observed, actual: &BTreeMap<OrderId, Time>) -> Self {
        let mut errors: [Vec<i64>; HORIZONS.len()] = Default::default();
        for (order, seen) in observed.orders() {
            if let Some(actual) = actual.get(&order) {
                read_each_minute(&seen.predictions, *actual, |horizon_ms, error_ms| {
                    errors[bucket_of(horizon_ms)].push(error_ms);
                });
            }
        }
        Self { buckets: errors.map(|errors| EtaBucket::of(&errors)) }
    }

    /// The buckets with their names.
    pub fn named(&self) -> impl Iterator<Item = (&'static str, &EtaBucket)> {
        HORIZONS.iter().map(|(name, _)| *name).zip(&self.buckets)
    }
}

impl Serialize for EtaScore {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(self.named())
    }
}

impl EtaBucket {
    fn of(errors_ms: &[i64]) -> Self {
        let sizes = sorted_sizes_s(errors_ms);
        let sizes_ms: Vec<i64> = errors_ms.iter().map(|error| error.abs()).collect();
        let near = sizes_ms.iter().filter(|size| **size <= NEAR_MS).count();
        Self {
            n: sizes.len(),
            mae_s: mean_s(&sizes_ms),
            median_ae_s: percentile(&sizes, 50),
            p90_ae_s: percentile(&sizes, 90),
            bias_s: mean_s(errors_ms),
            within_5_min: share(near as f64, sizes.len() as f64),
            coverage_p10_p90: None,
        }
    }
}

/// ETA changes of 60 s or more per order and hour in which it had an ETA, over all orders.
#[must_use]
pub fn flicker(observed: &Observed) -> Option<f64> {
    let end = observed.end()?;
    let (mut changes, mut in_force_ms) = (0_usize, 0_i64);
    for (_, seen) in observed.orders() {
        let until = seen.visits.first().map_or(end, |visit| visit.t);
        changes += changes_of(seen);
        in_force_ms += periods(&seen.predictions, until)
            .filter(|(prediction, _)| prediction.eta.is_some())
            .map(|(prediction, to)| (to - prediction.now).max(0))
            .sum::<i64>();
    }
    share(changes as f64, in_force_ms as f64 / HOUR_MS as f64)
}

fn changes_of(seen: &OrderSeen) -> usize {
    let told: Vec<Time> = seen.predictions.iter().filter_map(|told| told.eta).collect();
    told.windows(2).filter(|pair| (pair[1] - pair[0]).abs() >= CHANGE_MS).count()
}

/// Each prediction with the instant up to which it stood.
fn periods(predictions: &[Prediction], until: Time) -> impl Iterator<Item = (&Prediction, Time)> {
    let ends = predictions.iter().skip(1).map(|next| next.now).chain([until]);
    predictions.iter().zip(ends).map(move |(prediction, end)| (prediction, end.min(until)))
}

fn read_each_minute(predictions: &[Prediction], actual: Time, mut read: impl FnMut(i64, i64)) {
    let Some(first) = predictions.first() else { return };
    let mut at = first.now;
    for (prediction, to) in periods(predictions, actual) {
        while at < to {
            if let Some(eta) = prediction.eta {
                read(actual - at, eta - actual);
            }
            at = at + READ_EVERY_MS;
        }
    }
}

fn bucket_of(horizon_ms: i64) -> usize {
    let last = HORIZONS.len() - 1;
    HORIZONS.iter().position(|(_, below_ms)| horizon_ms < *below_ms).unwrap_or(last)
}

const MINUTE_MS: i64 = 60 * SECOND_MS;
const READ_EVERY_MS: i64 = MINUTE_MS;
const CHANGE_MS: i64 = 60 * SECOND_MS;
const NEAR_MS: i64 = 5 * MINUTE_MS;
/// Name (minutes) and upper limit of each horizon.
const HORIZONS: [(&str, i64); 5] = [
    ("0-5", 5 * MINUTE_MS),
    ("5-15", 15 * MINUTE_MS),
    ("15-30", 30 * MINUTE_MS),
    ("30-60", 60 * MINUTE_MS),
    ("60+", i64::MAX),
];
