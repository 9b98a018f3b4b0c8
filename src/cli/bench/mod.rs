//! The benchmarks of the canonical workload, and the plain second program that judges the engine.

pub mod compare;
pub mod engine_bench;
pub mod index_bench;
pub mod index_fleet;
mod measure;
pub mod oracle;
pub mod peers;
pub mod pipeline;
pub mod workload;

use std::io::{self, Write};

use clap::{Args, Subcommand};

use self::engine_bench::EngineBenchArgs;
use self::index_bench::IndexBenchArgs;
use self::peers::PeersBenchArgs;
use self::pipeline::PipelineBenchArgs;
use super::error::CliError;

/// Measures a part on the canonical workload
#[derive(Args, Clone, Debug)]
pub struct BenchArgs {
    #[command(subcommand)]
    part: Part,
}

#[derive(Clone, Debug, Subcommand)]
enum Part {
    Engine(EngineBenchArgs),
    Index(IndexBenchArgs),
    Pipeline(PipelineBenchArgs),
    Peers(PeersBenchArgs),
}

/// Runs the benchmark that the arguments name.
///
/// # Errors
/// If engine and oracle disagree, positions or events are missing, or the result cannot be written.
pub fn bench(args: &BenchArgs) -> Result<(), CliError> {
    let mut out = io::stdout().lock();
    let agree = match &args.part {
        Part::Engine(args) => engine_bench::run(args, &mut out)?,
        Part::Index(args) => {
            index_bench::run(args, &mut out)?;
            true
        }
        Part::Pipeline(args) => {
            pipeline::run(args, &mut out)?;
            true
        }
        Part::Peers(args) => {
            peers::run(args, &mut out)?;
            true
        }
    };
    out.flush()?;
    if agree { Ok(()) } else { Err(CliError::Disagreement) }
}
