//! `doorstep demo`: a daemon on an empty temporary directory and a simulated fleet that streams to
//! it over real QUIC; prints what is told as it comes.

use core::time::Duration;
use std::io::{Write, stdout};
use std::path::PathBuf;

use clap::{Args, Parser};
use jiff::Timestamp;
use serde_json::Value;

use super::client::error::ClientError;
use super::client::frame::{HelloOptions, ServerFrame, Wanted};
use super::client::link::Link;
use super::client::target::TargetArgs;
use super::error::CliError;
use super::serve::{ServeArgs, runtime, settings};
use super::simulate::{self, SimulateArgs};
use crate::daemon::assemble::Daemon;
use crate::daemon::error::DaemonError;

/// Show a daemon at work: a simulated fleet, over real QUIC, into a synced journal
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub struct DemoArgs {
    /// How many couriers
    #[arg(long, value_name = "N", default_value_t = 20)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1_000))]
    couriers: u32,
    /// How much faster than real time the couriers' day goes
    #[arg(long, value_name = "X", default_value_t = 30.0)]
    speed: f64,
    /// How long, in real seconds
    #[arg(long, value_name = "S", default_value_t = 60.0)]
    seconds: f64,
}

/// Runs the demonstration.
///
/// # Errors
/// The daemon cannot start, or the fleet cannot reach it.
pub fn demo(args: &DemoArgs) -> Result<(), CliError> {
    let directory = Scratch::new()?;
    let serve = ServeArgs {
        data_dir: Some(directory.0.clone()),
        http: Some(([127, 0, 0, 1], 0).into()),
        quic: Some(([127, 0, 0, 1], 0).into()),
        time_scale: Some(args.speed),
        time_start: Some(Timestamp::now().to_string()),
        ..ServeArgs::default()
    };
    let settings = settings(&serve)?;
    runtime()?.block_on(async {
        let daemon = Daemon::start(&settings).await?;
        let shown = show(args, &daemon).await;
        daemon.stop().await?;
        shown
    })
}

async fn show(args: &DemoArgs, daemon: &Daemon) -> Result<(), CliError> {
    let url = format!("http://{}", daemon.http);
    let token = daemon.first_token.clone().unwrap_or_default();
    eprintln!("{} couriers, {} times as fast, for {} s", args.couriers, args.speed, args.seconds);
    eprintln!("  api     {url}");
    eprintln!("  events  curl -H 'Authorization: OAuth {token}' {url}/v1/events");
    let fleet = Fleet::parse_from([
        "simulate".to_owned(),
        format!("--into={url}"),
        format!("--token={token}"),
        format!("--couriers={}", args.couriers),
        format!("--seconds={}", args.seconds),
        format!("--cadence-s={}", DEVICE_CADENCE_S / args.speed),
    ]);
    let watcher =
        Watcher::parse_from(["tail", &format!("--into={url}"), &format!("--token={token}")]);
    let watching = tokio::spawn(async move { watch(&watcher.target).await });
    let report = simulate::run(&fleet.args).await?;
    // What the last positions caused is still on its way.
    tokio::time::sleep(Duration::from_millis(300)).await;
    watching.abort();
    if let Ok(Err(error)) = watching.await {
        return Err(error);
    }
    eprint!("{}", report.text());
    Ok(())
}

/// Prints events until nobody listens any more.
async fn watch(target: &TargetArgs) -> Result<(), CliError> {
    let token = target.token.clone();
    let target = target.resolve().await?;
    let endpoint = target.endpoint()?;
    let mut link = Link::open(&target, &endpoint, &token, &HelloOptions::default()).await?;
    link.say(&(16, Wanted { after: None, types: None })).await?;
    loop {
        match link.heard.next().await? {
            ServerFrame::Events { events, .. } => {
                let mut out = stdout().lock();
                for line in events.iter().filter_map(line) {
                    writeln!(out, "{line}")?;
                }
                out.flush()?;
            }
            ServerFrame::Error { code, text } => {
                return Err(ClientError::Refused { code, text }.into());
            }
            ServerFrame::Gap { .. }
            | ServerFrame::Welcome(_)
            | ServerFrame::Ack(_)
            | ServerFrame::Refused { .. }
            | ServerFrame::Route(_)
            | ServerFrame::Other(_) => {}
        }
    }
}

/// An event as a person reads it; ORDER_CREATED is no news here.
fn line(event: &Value) -> Option<String> {
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let kind = text(event, "type")?;
    let kind = kind.strip_prefix("doorstep.")?.strip_suffix(".v1")?;
    if kind == "order.created" {
        return None;
    }
    let time = text(event, "time")?.replace('T', " ");
    let courier = text(event, "partitionkey").unwrap_or_default();
    let data = event.get("data")?;
    let about = text(data, "order_number").or_else(|| text(event, "subject")).unwrap_or_default();
    let mut details = String::new();
    if let Some(visited) = data.get("visited").and_then(Value::as_bool) {
        details.push_str(if visited { "visited" } else { "not visited" });
    }
    if let Some(orders) = data.get("orders").and_then(Value::as_array) {
        details = format!("{} orders", orders.len());
    }
    Some(format!("{time:.19}  courier {courier:>4}  {kind:26}  {about:16}  {details}"))
}

/// A directory that is gone when the demonstration is.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Result<Self, CliError> {
        let name = format!("doorstep-demo-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        match std::fs::create_dir(&path) {
            Ok(()) => Ok(Self(path)),
            Err(source) => Err(DaemonError::File { path, source }.into()),
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A temporary directory that cannot be removed harms nobody.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[derive(Parser)]
struct Fleet {
    #[command(flatten)]
    args: SimulateArgs,
}

#[derive(Parser)]
struct Watcher {
    #[command(flatten)]
    target: TargetArgs,
}

/// A device reports every five seconds of its own time.
const DEVICE_CADENCE_S: f64 = 5.0;

const EXAMPLES: &str = "\
Everything is thrown away at the end.

Examples:
  doorstep demo
  doorstep demo --couriers 50 --speed 60 --seconds 60";
