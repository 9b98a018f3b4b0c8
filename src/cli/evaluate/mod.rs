//! `doorstep evaluate`: replays a recorded day and compares what was told with ground truth.

mod eta_score;
mod observed;
mod report;
mod score;
mod spread;
mod truth;

use std::io::{Write, stdout};
use std::path::PathBuf;

use clap::Args;

pub use self::eta_score::{EtaBucket, EtaScore, flicker};
pub use self::observed::{Observed, OrderSeen, Prediction, Seen};
pub use self::score::Score;
pub use self::spread::Spread;
pub use self::truth::{TruthRow, read_truth};

use self::report::Report;
use super::error::CliError;
use super::plan::Plan;
use super::replay::{IntakeArgs, run_day};
use crate::cli::stderr::tell;
use crate::domain::time::SECOND_MS;

/// Replay a recorded day and compare it with ground truth
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub struct EvaluateArgs {
    /// The day as it was planned (JSON)
    #[arg(long, value_name = "FILE")]
    plan: PathBuf,
    /// The recorded positions (.csv, .jsonl, .gpx, .geojson, each also .gz)
    #[arg(long, value_name = "FILE")]
    positions: PathBuf,
    /// The stays that should be found (CSV)
    #[arg(long, value_name = "FILE")]
    truth: PathBuf,
    /// When the courier stood at each very stop (CSV, as --truth)
    #[arg(long, value_name = "FILE")]
    stops: Option<PathBuf>,
    /// How far a visit may lie from the truth and still match
    #[arg(long, value_name = "S", default_value = "60", value_parser = tolerance)]
    tolerance_s: f64,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    intake: IntakeArgs,
}

/// Runs the command.
///
/// # Errors
/// A file cannot be used, or stdout cannot be written.
pub fn evaluate(args: &EvaluateArgs) -> Result<(), CliError> {
    let plan = Plan::load(&args.plan)?;
    plan.warn();
    let truth = read_truth(&args.truth, &plan)?;
    let stops = args.stops.as_ref().map(|path| read_truth(path, &plan)).transpose()?;
    let mut observed = Observed::default();
    let tally = run_day(&plan, &args.positions, args.intake.options(), None, &mut |told| {
        observed.hear(told);
        Ok(())
    })?;
    let tolerance_ms = libm::round(args.tolerance_s * SECOND_MS as f64) as i64;
    let mut score = Score::of(&plan, &observed, &truth, stops.as_deref(), tolerance_ms);
    score.run = tally;
    let mut out = stdout().lock();
    if args.json {
        serde_json::to_writer(&mut out, &score).map_err(std::io::Error::from)?;
        writeln!(out)?;
    } else {
        write!(out, "{}", Report { score: &score })?;
        tell(format_args!("{}", score.run));
    }
    Ok(out.flush()?)
}

fn tolerance(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|seconds: &f64| (0.0..=86_400.0).contains(seconds))
        .ok_or_else(|| "expected seconds from 0 to 86400".to_owned())
}

const EXAMPLES: &str = "\
The truth file is CSV with the columns courier, order_number or sequence (place among the orders of
the courier's route, from 0), started_s, ended_s (seconds since the plan's epoch), and maybe
clear_start, clear_end: 1 where that edge is no border case.

A visit matches when its t or estimated time lies within the tolerance of started + required.
Arrival and departure errors are those of the nearest estimated ARRIVAL and DEPARTURE of the order,
over rows whose edge is clear. An ARRIVAL is false when its estimated entry lies over the tolerance
outside every row of its order. right_door is the share of stops of at least the required dwell
whose estimated visit lies between 5 s before the stop and required + 5 s after it. The ETA in force
is read once a minute until the start of the stop (without --stops, of the truth). Errors are
percentiles of the size; bias is the mean with sign, over 0 for late.

Examples:
  doorstep evaluate --plan plan.json --positions positions.csv.gz --truth truth.csv
  doorstep evaluate --plan plan.json --positions positions.csv.gz --truth truth.csv \\
    --stops stops.csv --cadence-s 20 --json";
