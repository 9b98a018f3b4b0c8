//! `doorstep tail`: subscribes to a running daemon over QUIC and prints its events, one JSON object
//! a line.

use std::io::{Write, stdout};

use clap::Args;
use serde_json::{Value, json};

use super::client::error::ClientError;
use super::client::frame::{HelloOptions, ServerFrame, Wanted};
use super::client::link::Link;
use super::client::target::TargetArgs;
use super::error::CliError;

/// Print the events of a running daemon as they come
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub struct TailArgs {
    #[command(flatten)]
    target: TargetArgs,
    /// The cursor to begin after; without it: from the oldest event that is kept
    #[arg(long, value_name = "CURSOR")]
    after: Option<String>,
    /// Only events of this type (doorstep.order.arrival.v1, or order.arrival); may be repeated
    #[arg(long = "type", value_name = "TYPE")]
    types: Vec<String>,
    /// Stop after so many events
    #[arg(long, value_name = "N")]
    count: Option<u64>,
}

/// Runs the command.
///
/// # Errors
/// The daemon cannot be reached or trusted, refuses, or goes.
pub fn tail(args: &TailArgs) -> Result<(), CliError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(ClientError::System)?;
    runtime.block_on(run(args))
}

async fn run(args: &TailArgs) -> Result<(), CliError> {
    let target = args.target.resolve().await?;
    let endpoint = target.endpoint()?;
    let options = HelloOptions::default();
    let mut link = Link::open(&target, &endpoint, &args.target.token, &options).await?;
    let types = args.types.iter().map(|name| full_type(name)).collect::<Vec<_>>();
    let types = if types.is_empty() { None } else { Some(types) };
    link.say(&(16, Wanted { after: args.after.clone(), types })).await?;
    let mut left = args.count.unwrap_or(u64::MAX);
    while left > 0 {
        match link.heard.next().await? {
            ServerFrame::Events { events, .. } => {
                let told = events.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                print(&events[..told])?;
                left -= told as u64;
            }
            ServerFrame::Gap { first_missing, first_available } => {
                let gap =
                    json!({"first_missing": first_missing, "first_available": first_available});
                print(&[json!({ "gap": gap })])?;
            }
            ServerFrame::Error { code, text } => {
                return Err(ClientError::Refused { code, text }.into());
            }
            ServerFrame::Welcome(_)
            | ServerFrame::Ack(_)
            | ServerFrame::Refused { .. }
            | ServerFrame::Route(_)
            | ServerFrame::Other(_) => {}
        }
    }
    link.connection.close(0_u32.into(), b"");
    endpoint.wait_idle().await;
    Ok(())
}

/// One line an event; an event's own `sequence` is a cursor, too.
fn print(events: &[Value]) -> Result<(), CliError> {
    let mut out = stdout().lock();
    for event in events {
        writeln!(out, "{event}")?;
    }
    Ok(out.flush()?)
}

fn full_type(name: &str) -> String {
    if name.starts_with("doorstep.") { name.to_owned() } else { format!("doorstep.{name}.v1") }
}

const EXAMPLES: &str = "\
Examples:
  doorstep tail --into http://127.0.0.1:8080 --token ADMIN
  doorstep tail --into http://127.0.0.1:8080 --token ADMIN --type order.arrival";
