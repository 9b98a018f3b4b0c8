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
use super::event_text;
use super::serve::{ServeArgs, runtime, settings};
use super::simulate::{self, SimulateArgs};
use super::stderr::tell;
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
    tell(format_args!(
        "{} couriers, {} times as fast, for {} s",
        args.couriers, args.speed, args.seconds
    ));
    tell(format_args!("  api     {url}"));
    tell(format_args!("  events  curl -H 'Authorization: OAuth {token}' {url}/v1/events"));
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
    tell(format_args!("{}", report.text().trim_end()));
    Ok(())
}

/// Prints events until nobody listens any more.
async fn watch(target: &TargetArgs) -> Result<(), CliError> {
    let token = target.token.clone();
    let target = target.resolve().await?;
    let endpoint = target.wide_endpoint()?;
    let mut link = Link::open(&target, &endpoint, &token, &HelloOptions::default()).await?;
    link.say(&(16, Wanted { after: None, types: None })).await?;
    loop {
        match link.heard.next().await? {
            ServerFrame::Events { events, .. } => {
                let mut out = stdout().lock();
                for line in events.iter().filter(|event| is_news(event)).map(event_text::line) {
                    writeln!(out, "{line}")?;
                }
                out.flush()?;
            }
            ServerFrame::Error { code, text, is_transient } => {
                return Err(ClientError::Refused { code, text, is_transient }.into());
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

/// The orders were made for the demonstration.
fn is_news(event: &Value) -> bool {
    event.get("type").and_then(Value::as_str) != Some("doorstep.order.created.v1")
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
