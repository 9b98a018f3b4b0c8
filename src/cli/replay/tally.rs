//! What became of the rows of a day, in counts.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

/// Counts of a day's rows and outputs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Rows in the file, before thinning.
    pub rows: u64,
    /// Rows that could not be parsed and were passed over.
    pub bad: u64,
    /// Rows taken out by `--cadence-s`.
    pub thinned: u64,
    /// Rows lost in the gaps of `--noise`.
    pub lost: u64,
    /// Rows that were refused, by reason: `invalid`, `too_old`, `future`.
    pub refused: BTreeMap<&'static str, u64>,
    /// Positions that were not evaluated, by reason and once per route.
    pub dropped: BTreeMap<&'static str, u64>,
    /// What was told, by name.
    pub told: BTreeMap<&'static str, u64>,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let refused: u64 = self.refused.values().sum();
        write!(f, "rows     {} read, {} bad, {refused} refused", self.rows, self.bad)?;
        if refused > 0 {
            write!(f, " ({})", list(&self.refused))?;
        }
        if self.thinned > 0 {
            write!(f, ", {} thinned out", self.thinned)?;
        }
        if self.lost > 0 {
            write!(f, ", {} lost in gaps", self.lost)?;
        }
        if !self.dropped.is_empty() {
            write!(f, "\ndropped  {}", list(&self.dropped))?;
        }
        write!(f, "\ntold     {}", if self.told.is_empty() { "nothing" } else { "" })?;
        f.write_str(&list(&self.told))
    }
}

fn list(counts: &BTreeMap<&'static str, u64>) -> String {
    let items: Vec<String> = counts.iter().map(|(name, count)| format!("{name} {count}")).collect();
    items.join(", ")
}
