//! `doorstep backup`: a copy of a data directory, while the daemon works in it or not.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::error::CliError;
use super::token::print;
use crate::storage::backup::backup as copy;

/// Copy a data directory, while a daemon works in it
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub struct BackupArgs {
    /// Where the copy goes: a directory that is not there, or is empty
    #[arg(value_name = "DIR")]
    to: PathBuf,
    /// The data directory
    #[arg(long, value_name = "DIR", default_value = "doorstep-data")]
    data_dir: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// The directory cannot be read, or the copy cannot be written.
pub fn backup(args: &BackupArgs) -> Result<(), CliError> {
    let copied = copy(&args.data_dir, &args.to)?;
    let answer = json!({
        "files": copied.files, "bytes": copied.bytes, "last_frame": copied.last_frame,
    });
    print(&answer, args.json, || {
        format!(
            "{} files, {} bytes, the journal up to frame {}, in {}\n",
            copied.files,
            copied.bytes,
            copied.last_frame,
            args.to.display()
        )
    })
}

const EXAMPLES: &str = "\
The copy is what the daemon would find after a crash at that moment: everything acknowledged before the
command was given is in it. To go back to it, stop the daemon and start one on the copy. It holds
every secret of the directory, and is readable by its owner alone.

Examples:
  doorstep backup /backups/2026-11-22 --data-dir /var/lib/doorstep
  doorstep serve --data-dir /backups/2026-11-22";
