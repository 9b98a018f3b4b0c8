//! The commands: what can be asked of the binary, and how a run ends. Exit 0 on success, 1 on
//! failure with its lines on stderr, 2 on wrong usage.

#![expect(
    clippy::disallowed_methods,
    reason = "commands read the files they are named, tell what they refuse, and keep pace"
)]

pub mod backup;
pub mod bench;
pub mod check_config;
pub mod client;
pub mod company;
pub mod demo;
pub mod erase;
pub mod error;
pub mod evaluate;
mod event_text;
pub mod export;
pub mod journal;
pub mod load;
pub mod noise;
pub mod plan;
mod progress;
pub mod quarantine;
mod random;
pub mod replay;
pub mod serve;
pub mod simulate;
mod stderr;
pub mod tail;
pub mod token;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use self::backup::{BackupArgs, backup};
use self::bench::{BenchArgs, bench};
use self::check_config::{CheckConfigArgs, check_config};
use self::company::{CompanyArgs, company};
use self::demo::{DemoArgs, demo};
use self::erase::{EraseArgs, erase};
use self::evaluate::{EvaluateArgs, evaluate};
use self::export::{ExportArgs, export};
use self::journal::{JournalArgs, journal};
use self::load::{LoadArgs, load};
use self::quarantine::{QuarantineArgs, quarantine};
use self::replay::{ReplayArgs, replay};
use self::serve::{ServeArgs, serve};
use self::simulate::{SimulateArgs, simulate};
use self::stderr::tell;
use self::tail::{TailArgs, tail};
use self::token::{TokenArgs, token};

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
    Load(LoadArgs),
    Company(CompanyArgs),
    Token(TokenArgs),
    Journal(JournalArgs),
    Quarantine(QuarantineArgs),
    Backup(BackupArgs),
    Erase(EraseArgs),
    Export(ExportArgs),
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
        Command::Load(args) => load(&args),
        Command::Company(args) => company(&args),
        Command::Token(args) => token(&args),
        Command::Journal(args) => journal(&args),
        Command::Quarantine(args) => quarantine(&args),
        Command::Backup(args) => backup(&args),
        Command::Erase(args) => erase(&args),
        Command::Export(args) => export(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is_closed_pipe() => ExitCode::SUCCESS,
        Err(error) => {
            tell(format_args!("{error}"));
            ExitCode::FAILURE
        }
    }
}

const EXAMPLES: &str = "\
Examples:
  doorstep serve
  doorstep token create --into http://127.0.0.1:8080 --token ADMIN --role device --courier ada
  doorstep check-config --plan plan.json
  doorstep replay --plan plan.json --positions positions.csv
  doorstep evaluate --plan plan.json --positions positions.csv --truth truth.csv
  doorstep bench engine --couriers 10000";
