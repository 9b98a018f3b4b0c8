//! How reports come: twice, in the wrong order, or all at once after a while. Nothing is lost.

use super::Noise;
use super::receiver::Recurring;
use crate::cli::random::Random;
use crate::domain::time::Time;

/// One device's link.
#[derive(Clone, Debug)]
pub struct Link<T> {
    noise: Noise,
    duplicates: Random,
    swaps: Random,
    late: Option<Recurring>,
    /// Kept while the link fails.
    kept: Vec<T>,
    /// Waits until its successor has gone.
    overtaken: Option<T>,
}

/// A report that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent<T> {
    /// The report.
    pub report: T,
    /// It waited for the link, and came together with others that did.
    pub is_late: bool,
}

impl<T: Clone> Link<T> {
    /// The link of a courier's device.
    #[must_use]
    pub fn new(noise: Noise, seed: u64, courier: u32) -> Self {
        let random = |purpose| Random::of(seed, courier, purpose);
        Self {
            noise,
            duplicates: random(DUPLICATES),
            swaps: random(SWAPS),
            late: noise.late.map(|late| Recurring::new(late, random(LATE))),
            kept: Vec::new(),
            overtaken: None,
        }
    }

    /// Takes the report of `t`, and appends what comes now.
    pub fn send(&mut self, t: Time, report: T, came: &mut Vec<Sent<T>>) {
        if self.late.as_mut().is_some_and(|late| late.is_on(t).share.is_some()) {
            self.kept.extend(self.overtaken.take());
            self.kept.push(report);
            return;
        }
        let kept = core::mem::take(&mut self.kept).into_iter();
        came.extend(kept.map(|report| Sent { report, is_late: true }));
        let is_swapped = self.swaps.unit() < self.noise.swap_share;
        let is_doubled = self.duplicates.unit() < self.noise.duplicate_share;
        let overtaken = self.overtaken.take();
        if is_swapped && overtaken.is_none() {
            self.overtaken = Some(report);
            return;
        }
        let doubled = is_doubled.then(|| report.clone());
        let prompt = |report| Sent { report, is_late: false };
        came.extend([Some(report), doubled, overtaken].into_iter().flatten().map(prompt));
    }

    /// Appends what had not come when the last report was sent.
    pub fn finish(&mut self, came: &mut Vec<Sent<T>>) {
        let kept = core::mem::take(&mut self.kept).into_iter();
        came.extend(kept.map(|report| Sent { report, is_late: true }));
        came.extend(self.overtaken.take().map(|report| Sent { report, is_late: false }));
    }
}

const DUPLICATES: u64 = 11;
const SWAPS: u64 = 12;
const LATE: u64 = 13;
