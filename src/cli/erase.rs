//! `doorstep erase`: a courier of a running daemon, over its HTTP API.

use clap::Args;
use serde_json::{Value, json};

use super::client::target::HttpArgs;
use super::error::CliError;
use super::token::{asked, courier_id, print};

/// Erase a courier, its number, name, phone and every place it was at
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub struct EraseArgs {
    #[command(flatten)]
    http: HttpArgs,
    /// The courier's number
    #[arg(long, value_name = "NUMBER")]
    courier: String,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// The daemon cannot be reached, or refuses.
pub fn erase(args: &EraseArgs) -> Result<(), CliError> {
    let http = args.http.http()?;
    let erased = asked(async {
        let courier = courier_id(&http, &args.courier).await?;
        http.post("/v1/erasures", &json!({ "courier_id": courier })).await
    })?;
    print(&erased, args.json, || {
        let count = |key: &str| erased.get(key).and_then(Value::as_u64).unwrap_or_default();
        format!(
            "courier {} is erased: {} events blanked, {} files of tracks written anew\n",
            count("courier_id"),
            count("events"),
            count("track_files")
        )
    })
}

const EXAMPLES: &str = "\
The courier's routes and its devices' tokens go too; orders and the feed's events stay, without who it
was and where. It cannot be undone. Backups that were made before hold what they held. If the answer
takes over half a minute the command gives up waiting; the daemon goes on, and finishes an erasure at
its next start at the latest.

Examples:
  doorstep erase --courier ada --into http://127.0.0.1:8080 --token ADMIN";
