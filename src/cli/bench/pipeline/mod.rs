//! `doorstep bench pipeline`: what a position costs on its whole way, from a QUIC client through a
//! daemon process of its own to a subscriber who receives every event.
//!
//! The daemon is a child process on a prepared directory; its CPU time is the system's account of
//! that process. Frames are encoded before the clock runs. The daemon's clock keeps pace with the
//! couriers' (`--time-scale`), so that a position is as fresh as in real operation.

pub(super) mod child;
mod frames;
pub(super) mod prepared;
pub(super) mod report;
mod run;
mod sender;
mod watcher;

use core::time::Duration;
use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use self::frames::Frames;
use self::prepared::{Prepared, Scratch};
use self::report::Measured;
use self::run::{Pace, Trial};
use super::workload::{COURIERS_MAX, TICK_MS};
use crate::cli::error::CliError;

/// Measures a daemon process, from positions over real QUIC to events at a subscriber
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub struct PipelineBenchArgs {
    /// Couriers, 10,000 per city
    #[arg(long, value_name = "N", default_value_t = 10_000,
        value_parser = clap::value_parser!(u32).range(1..=i64::from(COURIERS_MAX)))]
    pub(super) couriers: u32,
    /// One connection per courier
    #[arg(long, conflicts_with = "gateway")]
    devices: bool,
    /// Many couriers on few connections (the default)
    #[arg(long)]
    gateway: bool,
    /// Connections of gateways
    #[arg(long, value_name = "G", default_value_t = 4,
        value_parser = clap::value_parser!(u32).range(1..=1_000))]
    gateways: u32,
    /// Positions of a frame; 256 for gateways and 1 for devices, if not given
    #[arg(long, value_name = "B", value_parser = clap::value_parser!(u32).range(1..=1_000))]
    batch: Option<u32>,
    /// Positions per second; without it as fast as they are taken
    #[arg(long, value_name = "R")]
    rate: Option<f64>,
    /// How long; 0: only the idle connections are measured
    #[arg(long, value_name = "S", default_value_t = 5.0)]
    pub(super) seconds: f64,
    /// What an ack means
    #[arg(long, value_enum, default_value_t = Acks::Sync)]
    durability: Acks,
    /// Subscribers that each receive every event
    #[arg(long, value_name = "K", default_value_t = 1,
        value_parser = clap::value_parser!(u32).range(0..=64))]
    subscribers: u32,
    /// Keep prepared data directories here and take them from here (by default they are made anew)
    #[arg(long, value_name = "DIR")]
    prepared: Option<PathBuf>,
    /// Seed of the couriers' ways
    #[arg(long, default_value_t = 42)]
    pub(super) seed: u64,
    /// Prints one JSON object
    #[arg(long)]
    pub(super) json: bool,
}

/// What an ack means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Acks {
    /// Synced to disk.
    Sync,
    /// Written, and synced within 100 ms.
    Relaxed,
    /// Written.
    None,
}

impl Acks {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Sync => "sync",
            Self::Relaxed => "relaxed",
            Self::None => "none",
        }
    }
}

/// Runs the benchmark and prints its result.
///
/// # Errors
/// The daemon cannot be started or reached, or an event was lost or told twice.
pub fn run(args: &PipelineBenchArgs, out: &mut dyn Write) -> Result<(), CliError> {
    let measured = measure(args)?;
    if args.json {
        serde_json::to_writer(&mut *out, &measured).map_err(io::Error::from)?;
        writeln!(out)?;
    } else {
        measured.print(out)?;
    }
    if measured.is_whole() { Ok(()) } else { Err(CliError::NotWhole) }
}

/// Measures as the arguments say.
pub(super) fn measure(args: &PipelineBenchArgs) -> Result<Measured, CliError> {
    let is_pace = |rate: f64| (1.0..=RATE_MAX).contains(&rate);
    if !(0.0..=3_600.0).contains(&args.seconds) || !args.rate.is_none_or(is_pace) {
        let problem = "--seconds: expected 0 to 3600; --rate: expected 1 to 10000000";
        return Err(CliError::Argument(problem.to_owned()));
    }
    let span = Span::of(args);
    let scratch = Scratch::new()?;
    let prepared = Prepared::get(args, span.ticks, &scratch)?;
    let runtime = crate::cli::serve::runtime()?;
    let rate = match args.rate {
        Some(rate) => rate,
        None if span.positions == 0 => 1.0,
        None => {
            let frames = Frames::new(args, CALIBRATION_POSITIONS_MAX.min(span.positions), None);
            let pace = Pace { clock_rate: GUESSED_RATE, rate: None };
            let trial = Trial { args, prepared: &prepared, scratch: &scratch, frames, pace };
            runtime.block_on(trial.run())?.positions_per_s
        }
    };
    // The clock may run a little ahead of what is held: positions come late then, and never early.
    let clock_rate = if args.rate.is_some() { rate } else { rate * CLOCK_AHEAD };
    let held = (rate * CLOCK_AHEAD * args.seconds) as u64;
    let positions = if args.rate.is_some() { span.positions } else { held.min(span.positions) };
    let frames = Frames::new(args, positions, args.rate);
    let pace = Pace { clock_rate, rate: args.rate };
    let trial = Trial { args, prepared: &prepared, scratch: &scratch, frames, pace };
    runtime.block_on(trial.run())
}

/// How much is sent at most, and how many ticks of every courier that takes.
struct Span {
    positions: u64,
    ticks: u32,
}

impl Span {
    fn of(args: &PipelineBenchArgs) -> Self {
        let rate = args.rate.unwrap_or(GUESSED_RATE);
        let positions = (rate * args.seconds).min(POSITIONS_MAX as f64) as u64;
        let ticks = positions.div_ceil(u64::from(args.couriers)).max(1) as u32;
        Self { positions: u64::from(ticks) * u64::from(args.couriers), ticks }.limited(args.seconds)
    }

    const fn limited(self, seconds: f64) -> Self {
        if seconds > 0.0 { self } else { Self { positions: 0, ticks: 1 } }
    }
}

/// Device time per real second, if so many positions come in a second.
pub(super) fn time_scale(rate: f64, couriers: u32) -> f64 {
    (rate / f64::from(couriers) * TICK_MS as f64 / 1e3).clamp(0.001, 100_000.0)
}

/// More than is held: the clock of a run that finds out how much is.
const GUESSED_RATE: f64 = 1_000_000.0;
const CLOCK_AHEAD: f64 = 1.15;
const RATE_MAX: f64 = 1e7;
/// Encoded frames take about 30 bytes a position.
const POSITIONS_MAX: u64 = 20_000_000;
const CALIBRATION_POSITIONS_MAX: u64 = 500_000;
/// How long the last acks and events are waited for.
const DRAIN: Duration = Duration::from_secs(60);

const EXAMPLES: &str = "\
The couriers' routes are made and their first minute is driven before the clock runs; with --prepared
that is done once. Device time runs faster than real time, and the daemon's clock with it.

Examples:
  doorstep bench pipeline --couriers 10000 --json
  doorstep bench pipeline --couriers 100000 --durability none --prepared /var/tmp/prepared
  doorstep bench pipeline --couriers 1000 --devices --batch 16 --rate 50000
  doorstep bench pipeline --couriers 15000 --devices --seconds 0";

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::PipelineBenchArgs;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: PipelineBenchArgs,
    }

    /// The arguments of a command line.
    pub(super) fn args(words: &[&str]) -> PipelineBenchArgs {
        Line::parse_from(["pipeline"].iter().chain(words)).args
    }
}
