//! `doorstep check-config`: reads the daemon's configuration, a plan, or a plan and positions, and
//! says what is in them or what is wrong.

use std::collections::BTreeMap;
use std::io::{Write, stdout};
use std::path::{Path, PathBuf};

use clap::Args;

use super::error::CliError;
use super::plan::Plan;
use super::replay::date_time;
use super::stderr::tell;
use crate::daemon::config_check::config_errors;
use crate::ingest::error::FileError;
use crate::ingest::files::Rows;

/// Check the daemon's configuration, a plan file, and a positions file against its plan
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub struct CheckConfigArgs {
    /// The daemon's configuration (TOML)
    #[arg(long, value_name = "FILE", required_unless_present = "plan")]
    config: Option<PathBuf>,
    /// The plan (JSON)
    #[arg(long, value_name = "FILE")]
    plan: Option<PathBuf>,
    /// Recorded positions
    #[arg(long, value_name = "FILE", requires = "plan")]
    positions: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// A file has errors; the positions' own were told on stderr.
pub fn check_config(args: &CheckConfigArgs) -> Result<(), CliError> {
    let mut lines = String::new();
    if let Some(path) = &args.config {
        lines.push_str(&check_daemon(path)?);
    }
    if let Some(path) = &args.plan {
        let plan = Plan::load(path)?;
        plan.warn();
        lines.push_str(&format!("{}: good: {}\n", path.display(), summary(&plan)));
        if let Some(path) = &args.positions {
            lines.push_str(&check_positions(&plan, path)?);
        }
    }
    Ok(stdout().lock().write_all(lines.as_bytes())?)
}

fn check_daemon(path: &Path) -> Result<String, CliError> {
    let errors = config_errors(path)?;
    if errors.is_empty() {
        return Ok(format!("{}: valid\n", path.display()));
    }
    Err(CliError::Argument(errors.join("\n")))
}

fn summary(plan: &Plan) -> String {
    format!(
        "{} couriers, {} routes, {} orders, epoch {} UTC",
        plan.couriers.len(),
        plan.routes.len(),
        plan.order_names.len(),
        date_time(plan.epoch)
    )
}

/// Reads every row, so that all errors are told and not only the first.
fn check_positions(plan: &Plan, path: &Path) -> Result<String, CliError> {
    let (mut rows, mut errors) = (0_u64, 0_u64);
    let (mut span, mut strangers) = (None, BTreeMap::<String, u64>::new());
    for row in Rows::open(path, plan.origin())? {
        match row {
            Ok(row) => {
                let t = row.position.device_time;
                let (first, last) = span.unwrap_or((t, t));
                span = Some((t.min(first), t.max(last)));
                rows += 1;
                if plan.courier_names.id(&row.courier).is_none() {
                    *strangers.entry(row.courier).or_default() += 1;
                }
            }
            Err(error @ FileError::Unreadable { .. }) => return Err(error.into()),
            Err(error) => {
                errors += 1;
                if errors <= ERRORS_TOLD_MAX {
                    tell(format_args!("{error}"));
                }
            }
        }
    }
    let file = path.display();
    for (courier, count) in &strangers {
        tell(format_args!(
            "{file}: warning: {count} rows of courier \"{courier}\", who is not in the plan"
        ));
    }
    if errors > 0 {
        let problem = format!("{errors} of {} rows are not good", rows + errors);
        return Err(FileError::Unreadable { file: file.to_string(), problem }.into());
    }
    let span = span.map_or_else(String::new, |(first, last)| {
        format!(", {} to {} UTC", date_time(first), date_time(last))
    });
    Ok(format!("{file}: good: {rows} rows{span}\n"))
}

const ERRORS_TOLD_MAX: u64 = 20;
const EXAMPLES: &str = "\
Reads the files as serve, replay and evaluate do, without running anything. Every error is told with
its place.

Examples:
  doorstep check-config --config /etc/doorstep.toml
  doorstep check-config --plan plan.json
  doorstep check-config --plan plan.json --positions positions.csv.gz";
