//! `doorstep quarantine`: which couriers are quarantined in a data directory, and their release,
//! without a daemon.

use std::io::{Write, stdout};
use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;

use super::error::CliError;
use super::serve::{ServeArgs, runtime, settings};
use crate::daemon::core::Core;
use crate::domain::ids::CourierId;
use crate::runtime::admission::Request;

/// List and release couriers whose evaluation failed twice
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub struct QuarantineArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Clone, Debug, Subcommand)]
enum Action {
    List(ListArgs),
    Release(ReleaseArgs),
}

/// List the couriers in quarantine, by id
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
struct ListArgs {
    /// The data directory, which no daemon has open
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Release a courier: what waited is done, and what comes is evaluated again
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
struct ReleaseArgs {
    /// The data directory, which no daemon has open
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    /// The courier's id, as `/readyz` and `quarantine list` show it
    #[arg(long, value_name = "ID")]
    courier: u32,
}

/// Runs the command.
///
/// # Errors
/// The directory cannot be used or is in use, or the courier is not in quarantine.
pub fn quarantine(args: &QuarantineArgs) -> Result<(), CliError> {
    let text = match &args.action {
        Action::List(args) => list(args)?,
        Action::Release(args) => {
            release(args)?;
            format!("courier {} is released\n", args.courier)
        }
    };
    Ok(stdout().lock().write_all(text.as_bytes())?)
}

fn list(args: &ListArgs) -> Result<String, CliError> {
    let serve = ServeArgs { data_dir: Some(args.data_dir.clone()), ..ServeArgs::default() };
    let settings = settings(&serve)?;
    let quarantined = runtime()?.block_on(async {
        let core = Core::open(&settings).await?;
        let quarantined = core.node.views().quarantined();
        core.stop().await?;
        Ok::<_, CliError>(quarantined)
    })?;
    let ids: Vec<u32> = quarantined.iter().map(|courier| courier.0).collect();
    if args.json {
        return Ok(format!("{}\n", json!({ "couriers": ids })));
    }
    Ok(ids.iter().map(|id| format!("{id}\n")).collect())
}

fn release(args: &ReleaseArgs) -> Result<(), CliError> {
    let serve = ServeArgs { data_dir: Some(args.data_dir.clone()), ..ServeArgs::default() };
    let settings = settings(&serve)?;
    let courier = CourierId(args.courier);
    runtime()?.block_on(async {
        let core = Core::open(&settings).await?;
        let released = if core.node.views().quarantined().contains(&courier) {
            let asked = core.admission.ask(Request::Release { courier }).await;
            asked.map(drop).map_err(|refusal| CliError::Argument(refusal.to_string()))
        } else {
            Err(CliError::Argument(format!("courier {courier} is not in quarantine")))
        };
        core.stop().await?;
        released
    })
}

const EXAMPLES: &str = "\
A courier whose evaluation made the daemon fail twice is quarantined: its positions are stored and
acknowledged, nothing of it is evaluated, and everybody else is served. Stop the daemon, release the
courier with the version that evaluates it, and start that version. If it fails again, nothing is
lost: the courier is still in quarantine.

Examples:
  doorstep quarantine list --data-dir /var/lib/doorstep
  doorstep quarantine release --data-dir /var/lib/doorstep --courier 17";
