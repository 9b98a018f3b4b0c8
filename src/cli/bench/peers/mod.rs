//! `doorstep bench peers`: what a position costs Redis with one Lua script per update, and what it
//! costs Doorstep, in turn in one run.
//!
//! They do not do the same work. Redis tells who came within a stop's radius and who left it, and
//! keeps nothing; Doorstep counts its own events and keeps what it acknowledges.

mod redis;

use std::io::{self, Write};

use clap::Args;
use serde::Serialize;

use self::redis::{RedisMeasured, measure_redis};
use super::pipeline::PipelineBenchArgs;
use super::pipeline::report::Measured;
use crate::cli::error::CliError;

/// Measures Redis with a Lua script per position beside `bench pipeline`
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub struct PeersBenchArgs {
    #[command(flatten)]
    pipeline: PipelineBenchArgs,
}

/// The result, in the form of `--json`.
#[derive(Serialize)]
struct Compared {
    redis: RedisMeasured,
    doorstep: Measured,
    /// CPU of Redis per position in units of Doorstep's.
    redis_cpu_ratio: f64,
}

/// Runs both and prints the results.
///
/// # Errors
/// There is no `redis-server`, or one of the two cannot be measured.
pub fn run(args: &PeersBenchArgs, out: &mut dyn Write) -> Result<(), CliError> {
    let pipeline = &args.pipeline;
    let redis = measure_redis(pipeline)?;
    let doorstep = super::pipeline::measure(pipeline)?;
    let ratio = redis.server_cpu_s_per_million / doorstep.server_cpu_s_per_million.max(1e-9);
    let compared = Compared { redis, doorstep, redis_cpu_ratio: ratio };
    if pipeline.json {
        serde_json::to_writer(&mut *out, &compared).map_err(io::Error::from)?;
        writeln!(out)?;
        return Ok(());
    }
    let Compared { redis, doorstep, .. } = &compared;
    writeln!(out, "redis: enter and exit by one Lua script per position, nothing durable")?;
    redis.print(out)?;
    writeln!(out, "\ndoorstep: its own events, with an ETA per order, acked by its setting")?;
    doorstep.print(out)?;
    writeln!(out, "\nredis takes {ratio:.1} times the CPU of doorstep per position")?;
    Ok(())
}

const EXAMPLES: &str = "\
Needs a `redis-server` (7 or later) in PATH and installs none: on Debian, apt-get install redis-server.
Redis gets the same positions in pipelines of a frame's size, as fast as it takes them.

Examples:
  doorstep bench peers --couriers 10000 --seconds 5
  doorstep bench peers --couriers 100000 --json";
