//! The commands: what can be asked of the binary, and how a run ends. Exit 0 on success, 1 on
//! failure with its lines on stderr, 2 on wrong usage.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "commands read the files they are named, tell what they refuse, and keep pace"
)]

pub mod bench;
pub mod check_config;
pub mod client;
pub mod demo;
pub mod error;
pub mod evaluate;
pub mod journal;
pub mod noise;
pub mod plan;
mod random;
pub mod replay;
pub mod serve;
pub mod simulate;
pub mod tail;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use self::bench::{BenchArgs, bench};
use self::check_config::{CheckConfigArgs, check_config};
use self::demo::{DemoArgs, demo};
use self::evaluate::{EvaluateArgs, evaluate};
use self::journal::{JournalArgs, journal};
use self::replay::{ReplayArgs, replay};
use self::serve::{ServeArgs, serve};
use self::simulate::{SimulateArgs, simulate};
use self::tail::{TailArgs, tail};

/// Knows when a courier is at the doorstep: arrivals, visits, departures and ETAs from positions
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(ServeArgs),
    Demo(DemoArgs),
    Replay(ReplayArgs),
    Evaluate(EvaluateArgs),
    CheckConfig(CheckConfigArgs),
    Bench(BenchArgs),
    Simulate(SimulateArgs),
    Tail(TailArgs),
    Journal(JournalArgs),
}

/// Runs the command that the arguments name.
#[must_use]
pub fn run() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Serve(args) => serve(&args),
        Command::Demo(args) => demo(&args),
        Command::Replay(args) => replay(&args),
        Command::Evaluate(args) => evaluate(&args),
        Command::CheckConfig(args) => check_config(&args),
        Command::Bench(args) => bench(&args),
        Command::Simulate(args) => simulate(&args),
        Command::Tail(args) => tail(&args),
        Command::Journal(args) => journal(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is_closed_pipe() => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

const EXAMPLES: &str = "\
Examples:
  doorstep check-config --plan plan.json
  doorstep replay --plan plan.json --positions positions.csv
  doorstep evaluate --plan plan.json --positions positions.csv --truth truth.csv
  doorstep bench engine --couriers 10000";
