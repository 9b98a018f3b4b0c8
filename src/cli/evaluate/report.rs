//! The score as a person reads it.

use std::fmt::{self, Display, Formatter};

use super::score::Score;
use super::spread::Spread;

/// Prints a score.
pub(super) struct Report<'a> {
    pub(super) score: &'a Score,
}

impl Display for Report<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let score = self.score;
        writeln!(f, "Visits, within {} s of the truth", score.tolerance_s)?;
        writeln!(f, "  truth           {:>8}", score.truth)?;
        writeln!(f, "  reported        {:>8}", score.reported)?;
        writeln!(f, "  matched         {:>8}", score.matched)?;
        writeln!(f, "  precision       {:>8}", decimals(score.precision, 4))?;
        writeln!(f, "  recall          {:>8}", decimals(score.recall, 4))?;
        writeln!(f, "  false arrivals  {:>8}", score.false_arrivals)?;
        if score.right_door.is_some() {
            let right_door = decimals(score.right_door, 4);
            writeln!(f, "  right door      {right_door:>8}   of {} stops", score.right_door_stops)?;
        }
        writeln!(f, "\nErrors, s              n      p50      p90      p95     bias")?;
        spread(f, "arrival", &score.arrival_error_s)?;
        spread(f, "visit", &score.visit_error_s)?;
        spread(f, "departure", &score.departure_error_s)?;
        self.eta(f)?;
        match &score.seen {
            Some(seen) => write!(f, "\nOnly stays without a silence\n\n{}", Report { score: seen }),
            None => Ok(()),
        }
    }
}

impl Report<'_> {
    fn eta(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let score = self.score;
        writeln!(
            f,
            "\nETA against {:<6}      n      mae   median      p90     bias   within 5 min",
            score.eta_against
        )?;
        for (name, bucket) in score.eta.named() {
            writeln!(
                f,
                "  {name:<6} min    {:>8} {:>8} {:>8} {:>8} {:>8} {:>14}",
                bucket.n,
                decimals(bucket.mae_s, 1),
                decimals(bucket.median_ae_s, 1),
                decimals(bucket.p90_ae_s, 1),
                decimals(bucket.bias_s, 1),
                decimals(bucket.within_5_min, 4),
            )?;
        }
        let flicker = decimals(score.eta_flicker, 2);
        writeln!(f, "  changes of 60 s or more per order and hour: {flicker}")
    }
}

fn spread(f: &mut Formatter<'_>, name: &str, spread: &Spread) -> fmt::Result {
    writeln!(
        f,
        "  {name:<12}  {:>8} {:>8} {:>8} {:>8} {:>8}",
        spread.n,
        decimals(spread.p50, 1),
        decimals(spread.p90, 1),
        decimals(spread.p95, 1),
        decimals(spread.bias, 1),
    )
}

fn decimals(value: Option<f64>, places: usize) -> String {
    let Some(value) = value else { return "-".to_owned() };
    let text = format!("{value:.places$}");
    // A small negative value would print as "-0.0".
    match text.strip_prefix('-') {
        Some(digits) if !digits.contains(|digit| ('1'..='9').contains(&digit)) => digits.to_owned(),
        _ => text,
    }
}
