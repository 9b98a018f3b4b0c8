//! The stays of which nothing was missed: no silence within them or near their ends.

use std::collections::BTreeSet;

use super::observed::Observed;
use super::score::Score;
use super::truth::TruthRow;
use crate::cli::plan::Plan;
use crate::cli::replay::Heard;
use crate::domain::ids::OrderId;

/// What is compared.
#[derive(Clone, Copy)]
pub(super) struct Sides<'a> {
    pub(super) plan: &'a Plan,
    pub(super) observed: &'a Observed,
    pub(super) truth: &'a [TruthRow],
    pub(super) stops: Option<&'a [TruthRow]>,
    pub(super) tolerance_ms: i64,
}

impl Sides<'_> {
    /// The figures of all stays.
    pub(super) fn score(&self) -> Score {
        Score::of(self.plan, self.observed, self.truth, self.stops, self.tolerance_ms)
    }

    /// The figures of the rows with no silence over `silence_ms` within `silence_ms` of them. What
    /// was told about an order whose rows are all left out is left out too.
    pub(super) fn score_seen(&self, heard: &Heard, silence_ms: i64) -> Score {
        let is_seen = |row: &&TruthRow| {
            let (from, to) = (row.started - silence_ms, row.ended + silence_ms);
            heard.is_heard(row.courier, from, to, silence_ms)
        };
        let seen = |rows: &[TruthRow]| rows.iter().filter(is_seen).copied().collect::<Vec<_>>();
        let truth = seen(self.truth);
        let kept: BTreeSet<OrderId> = truth.iter().map(|row| row.order).collect();
        let left_out = self.truth.iter().map(|row| row.order).filter(|id| !kept.contains(id));
        let observed = self.observed.without(&left_out.collect());
        let stops = self.stops.map(seen);
        let stops = stops.as_deref();
        Sides { observed: &observed, truth: &truth, stops, ..*self }.score()
    }
}
