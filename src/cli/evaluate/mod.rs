//! `doorstep evaluate`: replays a recorded day and compares what was told with ground truth.

mod eta_score;
mod observed;
mod report;
mod score;
mod seeds;
mod seen;
mod spread;
mod truth;

use std::io::{Write, stdout};
use std::ops::RangeInclusive;
use std::path::PathBuf;

use clap::Args;

pub use self::eta_score::{EtaBucket, EtaScore, flicker};
pub use self::observed::{Observed, OrderSeen, Prediction, Seen};
pub use self::score::Score;
pub use self::seeds::{Figure, Summary};
pub use self::spread::Spread;
pub use self::truth::{TruthRow, read_truth};

use self::report::Report;
use self::seen::Sides;
use super::error::CliError;
use super::plan::Plan;
use super::replay::{Heard, IntakeArgs, run_day};
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
    /// Report the stays with no silence over S seconds within S of them once more by themselves
    #[arg(long, value_name = "S", value_parser = tolerance)]
    seen_within_s: Option<f64>,
    /// Run once per seed of the noise, both ends included, and print mean and spread
    #[arg(long, value_name = "A..B", value_parser = seeds::seeds)]
    #[arg(requires = "noise", conflicts_with = "seed")]
    seeds: Option<RangeInclusive<u64>>,
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
    let day = Day::load(args)?;
    let mut out = stdout().lock();
    if let Some(seeds) = &args.seeds {
        let run = |seed| Ok((seed, day.score(&args.intake.with_seed(seed))?));
        let scores: Vec<_> = seeds.clone().map(run).collect::<Result<_, CliError>>()?;
        let summary = Summary::of(&scores).map_err(std::io::Error::from)?;
        if args.json {
            serde_json::to_writer(&mut out, &summary).map_err(std::io::Error::from)?;
            writeln!(out)?;
        } else {
            write!(out, "{summary}")?;
        }
        return Ok(out.flush()?);
    }
    let score = day.score(&args.intake)?;
    if args.json {
        serde_json::to_writer(&mut out, &score).map_err(std::io::Error::from)?;
        writeln!(out)?;
    } else {
        write!(out, "{}", Report { score: &score })?;
        tell(format_args!("{}", score.run));
    }
    args.intake.tell_noise();
    Ok(out.flush()?)
}

/// A day and its truth.
struct Day<'a> {
    args: &'a EvaluateArgs,
    plan: Plan,
    truth: Vec<TruthRow>,
    stops: Option<Vec<TruthRow>>,
}

impl<'a> Day<'a> {
    fn load(args: &'a EvaluateArgs) -> Result<Self, CliError> {
        let plan = Plan::load(&args.plan)?;
        plan.warn();
        let truth = read_truth(&args.truth, &plan)?;
        let stops = args.stops.as_ref().map(|path| read_truth(path, &plan)).transpose()?;
        Ok(Self { args, plan, truth, stops })
    }

    fn score(&self, intake: &IntakeArgs) -> Result<Score, CliError> {
        let (plan, positions) = (&self.plan, &self.args.positions);
        let mut observed = Observed::default();
        let tally = run_day(plan, positions, intake.options(), None, &mut |told| {
            observed.hear(told);
            Ok(())
        })?;
        let (truth, stops) = (&self.truth[..], self.stops.as_deref());
        let tolerance_ms = ms(self.args.tolerance_s);
        let sides = Sides { plan, observed: &observed, truth, stops, tolerance_ms };
        let mut score = sides.score();
        if let Some(silence_s) = self.args.seen_within_s {
            let heard = Heard::read(plan, positions, intake.options())?;
            score.seen = Some(Box::new(sides.score_seen(&heard, ms(silence_s))));
        }
        score.run = tally;
        Ok(score)
    }
}

fn ms(seconds: f64) -> i64 {
    libm::round(seconds * SECOND_MS as f64) as i64
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
percentiles of the size; bias is the mean with sign, over 0 for late. coverage_p10_p90 is null: the
travel models tell one instant and no interval.

Examples:
  doorstep evaluate --plan plan.json --positions positions.csv.gz --truth truth.csv
  doorstep evaluate --plan plan.json --positions positions.csv.gz --truth truth.csv \\
    --stops stops.csv --cadence-s 20 --json
  doorstep evaluate --plan plan.json --positions positions.csv.gz --truth truth.csv \\
    --noise urban --seeds 1..10 --seen-within-s 20";
