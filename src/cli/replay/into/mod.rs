//! `doorstep replay --into`: a recorded day over QUIC into a running daemon. The plan's documents
//! are stored first; then every row goes, in the file's order and batches, when the daemon's clock
//! has come to the time at which it was received.

mod clock;
mod day;
mod lane;
mod report;

use std::io::{Write, stdout};
use std::sync::Arc;

use clap::Args;
use jiff::Timestamp;

use self::clock::DaemonClock;
use self::day::Day;
use self::lane::Field;
use self::report::{Counts, Report, Stored};
use super::ReplayArgs;
use super::intake::Intake;
use super::screen::Screen;
use super::tally::Tally;
use crate::cli::client::documents::Documents;
use crate::cli::client::error::ClientError;
use crate::cli::client::frame::{HelloOptions, Welcome};
use crate::cli::client::link::Link;
use crate::cli::client::target::{Target, TargetArgs, TrustArgs};
use crate::cli::error::CliError;
use crate::cli::plan::{Items, Plan};
use crate::cli::stderr::tell;

/// Where to, if anywhere.
#[derive(Args, Clone, Debug)]
pub struct IntoArgs {
    /// Stream into a running daemon instead: its HTTP URL
    #[arg(long, value_name = "URL", requires = "token")]
    into: Option<String>,
    /// The token of an admin or backend of the company that gets the day
    #[arg(long, value_name = "TOKEN", requires = "into")]
    token: Option<String>,
    #[command(flatten)]
    trust: TrustArgs,
}

impl IntoArgs {
    /// The daemon that was named.
    pub(super) fn target(&self) -> Option<TargetArgs> {
        let (into, token) = (self.into.clone()?, self.token.clone()?);
        Some(TargetArgs::new(into, token, self.trust.clone()))
    }
}

/// Streams the day and prints what became of it.
pub(super) fn stream(args: &ReplayArgs, target: &TargetArgs) -> Result<(), CliError> {
    let (plan, items) = Plan::load_with_items(&args.plan)?;
    plan.warn();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(ClientError::System)?;
    let report = runtime.block_on(run(args, target, &plan, &items))?;
    let text = if args.json {
        let json = serde_json::to_string(&report).map_err(std::io::Error::from)?;
        format!("{json}\n")
    } else {
        report.text()
    };
    stdout().lock().write_all(text.as_bytes())?;
    if report.is_good() { Ok(()) } else { Err(CliError::NotAcked) }
}

async fn run(
    args: &ReplayArgs,
    target_args: &TargetArgs,
    plan: &Plan,
    items: &Items,
) -> Result<Report, CliError> {
    let mut tally = Tally::default();
    let mut screen = Screen::new(Intake::open(plan, &args.positions, args.intake.options())?);
    let first = screen.next(&mut tally)?;
    let target = target_args.resolve().await?;
    let endpoint = target.wide_endpoint()?;
    let options = HelloOptions::default();
    let probe = Link::open(&target, &endpoint, &target_args.token, &options).await?;
    probe.connection.close(0_u32.into(), b"");
    let documents = documents(&target, &probe.welcome)?;
    let clock = DaemonClock::new(&probe.welcome);
    if let Some(first) = &first {
        clock.check(first.received)?;
    }
    let stored = store(&documents, items, &probe.welcome).await?;
    let numbers: Vec<&str> =
        plan.couriers.iter().map(|c| plan.courier_names.number(u64::from(c.plan.id.0))).collect();
    let courier_ids = documents.courier_ids(&numbers).await?;
    let field = Arc::new(Field {
        target,
        endpoint,
        token: documents.token(None).await?,
        // Each run is a new start of its gateway.
        boot: Timestamp::now().as_millisecond().unsigned_abs(),
        clock,
        counts: Counts::default(),
    });
    let mut day = Day::new(Arc::clone(&field), courier_ids, args.speed);
    let streamed = day.stream(&mut screen, first, &mut tally).await;
    let ended = day.end().await;
    field.endpoint.close(0_u32.into(), b"");
    field.endpoint.wait_idle().await;
    // What ended a lane is why nothing could be handed to it any more.
    ended?;
    streamed?;
    Ok(field.counts.report(&tally, stored))
}

fn documents(target: &Target, welcome: &Welcome) -> Result<Documents, ClientError> {
    let http = target.http.clone().filter(|_| matches!(&welcome.role[..], "admin" | "backend"));
    let http = http.ok_or_else(|| {
        let problem = "stores the plan's documents: give the token of an admin or a backend";
        ClientError::Argument(format!("replay --into {problem}, not of a {}", welcome.role))
    })?;
    Ok(Documents::new(http, welcome.company_id))
}

/// Stores the plan. What is there by the same numbers is made as the plan has it.
async fn store(
    documents: &Documents,
    items: &Items,
    welcome: &Welcome,
) -> Result<Stored, ClientError> {
    documents.set_company(&items.company).await?;
    documents.upsert("depots", &items.depots).await?;
    documents.upsert("couriers", &items.couriers).await?;
    let routes_new = documents.upsert("routes", &items.routes).await?;
    documents.upsert("orders", &items.orders).await?;
    documents.upsert("routes", &items.sequences).await?;
    let routes_known = items.routes.len() as u64 - routes_new;
    if routes_known > 0 {
        tell(format_args!(
            "warning: {routes_known} of {} routes were in company {} before: what happened on \
             them stands",
            items.routes.len(),
            welcome.company_id
        ));
    }
    Ok(Stored {
        company_id: welcome.company_id,
        couriers: items.couriers.len() as u64,
        routes: items.routes.len() as u64,
        orders: items.orders.len() as u64,
        routes_known,
    })
}
