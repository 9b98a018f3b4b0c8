//! `doorstep replay`: a recorded day through the very same engine, one line per output.

mod disturb;
mod heard;
mod intake;
mod into;
mod line;
mod pace;
mod run;
mod screen;
mod tally;
mod text;

use std::io::{BufWriter, Write, stdout};
use std::path::PathBuf;

use clap::Args;

pub use self::heard::Heard;
pub use self::intake::IntakeOptions;
pub use self::pace::Pace;
pub use self::run::{Ear, Told, run_day};
pub use self::tally::Tally;
pub(super) use self::text::date_time;

use self::into::IntoArgs;
use self::line::{Line, Lines};
use self::text::Columns;
use super::error::CliError;
use super::noise::NoiseArgs;
use super::plan::Plan;
use crate::cli::stderr::tell;

/// Run a recorded day through the engine and print one line per output
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub struct ReplayArgs {
    /// The day as it was planned (JSON)
    #[arg(long, value_name = "FILE")]
    plan: PathBuf,
    /// The recorded positions (.csv, .jsonl, .gpx, .geojson, each also .gz)
    #[arg(long, value_name = "FILE")]
    positions: PathBuf,
    /// Print JSON Lines instead of text
    #[arg(long)]
    json: bool,
    /// Pace the day at X times its real speed; without it, as fast as it goes
    #[arg(long, value_name = "X", value_parser = positive)]
    speed: Option<f64>,
    #[command(flatten)]
    intake: IntakeArgs,
    #[command(flatten)]
    into: IntoArgs,
}

/// How rows are taken; shared with `evaluate`.
#[derive(Args, Clone, Debug)]
pub struct IntakeArgs {
    /// Keep at most one position per courier in N seconds
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    cadence_s: Option<u32>,
    /// Pass over rows that cannot be parsed and count them, instead of stopping
    #[arg(long)]
    skip_bad: bool,
    #[command(flatten)]
    noise: NoiseArgs,
}

impl IntakeArgs {
    /// As the run takes them.
    #[must_use]
    pub fn options(&self) -> IntakeOptions {
        IntakeOptions {
            skip_bad: self.skip_bad,
            cadence_s: self.cadence_s,
            noise: self.noise.noise(),
        }
    }

    /// The same with another seed.
    #[must_use]
    pub fn with_seed(&self, seed: u64) -> Self {
        Self { noise: self.noise.with_seed(seed), ..self.clone() }
    }

    /// Says on stderr what disturbed the rows, if anything did.
    pub fn tell_noise(&self) {
        if let Some(noise) = self.noise.told() {
            tell(format_args!("{noise}"));
        }
    }
}

/// Runs the command: results to stdout, refusals and a summary to stderr.
///
/// # Errors
/// The plan or the positions cannot be used, stdout cannot be written, or a daemon that was named
/// did not take everything.
pub fn replay(args: &ReplayArgs) -> Result<(), CliError> {
    if let Some(target) = args.into.target() {
        return into::stream(args, &target);
    }
    let plan = Plan::load(&args.plan)?;
    plan.warn();
    let mut out = BufWriter::with_capacity(OUT_BYTES, stdout().lock());
    let columns = Columns::of(&plan);
    let lines = Lines::new(&plan);
    let is_paced = args.speed.is_some();
    let mut print = |line: &Line<'_>| {
        if args.json {
            serde_json::to_writer(&mut out, line)?;
            out.write_all(b"\n")?;
        } else {
            writeln!(out, "{}", columns.format(line))?;
        }
        if is_paced { out.flush() } else { Ok(()) }
    };
    let tally = run_day(
        &plan,
        &args.positions,
        args.intake.options(),
        args.speed.map(Pace::new),
        &mut |told| Ok(lines.of(told, &mut print)?),
    )?;
    out.flush()?;
    tell(format_args!("{tally}"));
    args.intake.tell_noise();
    Ok(())
}

fn positive(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|value: &f64| value.is_finite() && *value > 0.0)
        .ok_or_else(|| "expected a number over 0".to_owned())
}

const OUT_BYTES: usize = 64 * 1024;
const EXAMPLES: &str = "\
Times in the text are UTC. With --json each line is an object with kind (event, notification,
eta, route), name, order_number, route_number, courier, t (device time) and what else applies;
times are Unix seconds. Refused rows and a summary go to stderr.

The positions file has a header or keys naming any of
  courier, t | t_s | time | timestamp, lat, lon, accuracy, speed_mps, heading_deg, source,
  received, batch
t and t_s are seconds since the plan's epoch, time is ISO 8601, timestamp Unix seconds; received
has the form of the time. Unknown columns are ignored. Rows stand in the order of receipt.
GeoJSON times stand in properties.coordTimes or properties.times, one per coordinate.

With --into the plan's documents are stored in the token's company, and each row is sent over QUIC
when the daemon's clock has come to its received. A day in the past needs a daemon whose clock is
there: doorstep serve --time-scale X --time-start T.

Examples:
  doorstep replay --plan plan.json --positions positions.csv.gz
  doorstep replay --plan plan.json --positions track.gpx --json | jq 'select(.name == \"ARRIVAL\")'
  doorstep replay --plan plan.json --positions positions.csv --cadence-s 20 --speed 60
  doorstep replay --plan plan.json --positions positions.csv --noise urban --seed 7
  doorstep replay --plan plan.json --positions positions.csv --into http://127.0.0.1:8080 \\
    --token ADMIN";
