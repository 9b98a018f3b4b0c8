//! `doorstep load`: a plan into a data directory through admission, without a daemon.

use std::io::{Write, stdout};
use std::path::PathBuf;

use clap::Args;
use serde_json::Value;

use super::error::CliError;
use super::plan::{COMPANY, Items, Plan};
use super::progress::Progress;
use super::serve::{ServeArgs, runtime, settings};
use crate::daemon::core::{Core, TOKEN_FILE};
use crate::runtime::admission::{BATCH_MAX, Item, Mode, Refusal, Request};
use crate::storage::catalog::change::Kind;

/// Store a plan in a data directory that no daemon has open
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub struct LoadArgs {
    /// The plan (JSON)
    #[arg(long, value_name = "FILE")]
    plan: PathBuf,
    /// The data directory; made if it is not there
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// The plan is not valid, the directory cannot be used or is in use, or a document is refused.
pub fn load(args: &LoadArgs) -> Result<(), CliError> {
    let (plan, items) = Plan::load_with_items(&args.plan)?;
    plan.warn();
    let serve = ServeArgs { data_dir: Some(args.data_dir.clone()), ..ServeArgs::default() };
    let settings = settings(&serve)?;
    let loaded = runtime()?.block_on(async {
        let core = Core::open(&settings).await?;
        let stored = store(&core, &items).await;
        let is_first = core.first_token.is_some();
        core.stop().await?;
        stored.map(|stored| (stored, is_first))
    });
    let (stored, is_first) = loaded?;
    let mut text = if args.json {
        let Stored { inserted, updated } = stored;
        format!("{}\n", serde_json::json!({ "inserted": inserted, "updated": updated }))
    } else {
        format!(
            "{} couriers, {} routes, {} orders: {} documents new, {} there before\n",
            items.couriers.len(),
            items.routes.len(),
            items.orders.len(),
            stored.inserted,
            stored.updated
        )
    };
    if is_first && !args.json {
        let file = args.data_dir.join(TOKEN_FILE);
        text.push_str(&format!("the first admin token is in {}\n", file.display()));
    }
    Ok(stdout().lock().write_all(text.as_bytes())?)
}

/// What became of the documents.
#[derive(Clone, Copy, Debug, Default)]
struct Stored {
    inserted: u64,
    updated: u64,
}

async fn store(core: &Core, items: &Items) -> Result<Stored, CliError> {
    let lists = [
        (Kind::Depot, &items.depots),
        (Kind::Courier, &items.couriers),
        (Kind::Route, &items.routes),
        (Kind::Order, &items.orders),
        (Kind::Route, &items.sequences),
    ];
    let total = lists.iter().map(|(_, list)| list.len() as u64).sum();
    let mut progress = Progress::of("documents", total);
    let company = Mode::Patch(u64::from(COMPANY.0));
    write(core, Kind::Company, company, core::slice::from_ref(&items.company)).await?;
    let mut stored = Stored::default();
    for (at, (kind, list)) in lists.into_iter().enumerate() {
        for batch in list.chunks(BATCH_MAX) {
            let done = write(core, kind, Mode::Upsert, batch).await?;
            progress.add(batch.len() as u64);
            // The sequences are of routes that were counted.
            if at < DOCUMENT_LISTS {
                stored.inserted += done.inserted;
                stored.updated += done.updated;
            }
        }
    }
    Ok(stored)
}

async fn write(core: &Core, kind: Kind, mode: Mode, batch: &[Value]) -> Result<Stored, CliError> {
    let items: Vec<Item> = batch.iter().filter_map(|item| item.as_object().cloned()).collect();
    let request = Request::Write { company: COMPANY, kind, mode, items };
    match core.admission.ask(request).await {
        Ok(accepted) => Ok(Stored { inserted: accepted.inserted, updated: accepted.updated }),
        Err(refusal) => Err(refused(&refusal)),
    }
}

fn refused(refusal: &Refusal) -> CliError {
    let mut lines = format!("failed to store the plan: {refusal}");
    if let Refusal::Invalid(findings) = refusal {
        for found in findings.iter().take(FINDINGS_TOLD_MAX) {
            lines.push_str(&format!("; {} {}", found.pointer, found.detail));
        }
    }
    CliError::Argument(lines)
}

/// How many of the lists hold documents, not sequences.
const DOCUMENT_LISTS: usize = 4;
const FINDINGS_TOLD_MAX: usize = 5;
const EXAMPLES: &str = "\
The documents go through the daemon's own admission, by their numbers: what is there is made as the
plan has it, company 1's settings too. A first start makes company 1 and its admin token.

Examples:
  doorstep load --plan plan.json --data-dir /var/lib/doorstep
  doorstep load --plan plan.json --data-dir ./doorstep-data --json";
