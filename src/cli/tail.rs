//! `doorstep tail`: subscribes to a running daemon over QUIC and prints its events. A lost
//! connection is made again and resumed after the last event that was printed.

use std::io::{BufWriter, Write, stdout};

use clap::Args;
use quinn::Endpoint;
use serde_json::{Value, json};
use tokio::signal::unix::{SignalKind, signal};

use super::client::error::ClientError;
use super::client::frame::{HelloOptions, ServerFrame, Wanted};
use super::client::link::Link;
use super::client::reconnect::Reconnect;
use super::client::target::{Target, TargetArgs};
use super::error::CliError;
use super::event_text;
use super::stderr::tell;

/// Print the events of a running daemon as they come
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub struct TailArgs {
    #[command(flatten)]
    target: TargetArgs,
    /// The cursor to begin after; without it: from the oldest event that is kept
    #[arg(long, value_name = "CURSOR")]
    after: Option<String>,
    /// Only events of this type (order.arrival, or doorstep.order.arrival.v1); may be repeated
    #[arg(long = "type", value_name = "TYPE", value_delimiter = ',')]
    types: Vec<String>,
    /// Stop after so many events
    #[arg(long, value_name = "N")]
    count: Option<u64>,
    /// Print JSON Lines instead of text
    #[arg(long)]
    json: bool,
}

/// Runs the command until it is told to stop.
///
/// # Errors
/// The daemon cannot be reached or trusted, refuses, or does not come back.
pub fn tail(args: &TailArgs) -> Result<(), CliError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(ClientError::System)?;
    runtime.block_on(run(args))
}

async fn run(args: &TailArgs) -> Result<(), CliError> {
    let mut terminate = signal(SignalKind::terminate()).map_err(ClientError::System)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(ClientError::System)?;
    let target = args.target.resolve().await?;
    let endpoint = target.wide_endpoint()?;
    let mut printed = Printed { cursor: args.after.clone(), left: args.count.unwrap_or(u64::MAX) };
    let ended = tokio::select! {
        ended = follow(args, &target, &endpoint, &mut printed) => ended,
        _ = terminate.recv() => Ok(()),
        _ = interrupt.recv() => Ok(()),
    };
    if let Some(cursor) = &printed.cursor {
        tell(format_args!("cursor {cursor}"));
    }
    endpoint.close(0_u32.into(), b"");
    endpoint.wait_idle().await;
    ended
}

/// What has been printed.
struct Printed {
    /// Everything up to here.
    cursor: Option<String>,
    /// Events still wanted.
    left: u64,
}

async fn follow(
    args: &TailArgs,
    target: &Target,
    endpoint: &Endpoint,
    printed: &mut Printed,
) -> Result<(), CliError> {
    let mut again = Reconnect::new();
    loop {
        let error = match Link::open(target, endpoint, &args.target.token, &HelloOptions::default())
            .await
        {
            Ok(mut link) => {
                again.connected();
                match listen(args, &mut link, printed).await {
                    Err(CliError::Client(error)) => error,
                    ended => return ended,
                }
            }
            Err(error) => error,
        };
        let problem = error.to_string();
        again.after(error).await?;
        tell(format_args!("{problem}; connecting again"));
    }
}

/// Prints what one connection tells.
async fn listen(args: &TailArgs, link: &mut Link, printed: &mut Printed) -> Result<(), CliError> {
    let types = Some(args.types.clone()).filter(|types| !types.is_empty());
    link.say(&(16, Wanted { after: printed.cursor.clone(), types })).await?;
    while printed.left > 0 {
        match link.heard.next().await? {
            ServerFrame::Events { cursor, events } => {
                let wanted = events.len().min(usize::try_from(printed.left).unwrap_or(usize::MAX));
                print(&events[..wanted], args.json)?;
                printed.left -= wanted as u64;
                printed.cursor = match events.get(wanted) {
                    // An event's own sequence is a cursor, too.
                    Some(_) => wanted.checked_sub(1).and_then(|last| sequence(&events[last])),
                    None => Some(cursor),
                };
            }
            ServerFrame::Gap { first_missing, first_available } => {
                let gap =
                    json!({"first_missing": first_missing, "first_available": first_available});
                if args.json {
                    print(&[json!({ "gap": gap })], true)?;
                }
                tell(format_args!(
                    "warning: the events from {first_missing} on are not kept any more, up to \
                     {first_available}"
                ));
            }
            ServerFrame::Error { code, text, is_transient } => {
                return Err(ClientError::Refused { code, text, is_transient }.into());
            }
            ServerFrame::Welcome(_)
            | ServerFrame::Ack(_)
            | ServerFrame::Refused { .. }
            | ServerFrame::Route(_)
            | ServerFrame::Other(_) => {}
        }
    }
    Ok(())
}

fn sequence(event: &Value) -> Option<String> {
    event.get("sequence")?.as_str().map(str::to_owned)
}

fn print(events: &[Value], is_json: bool) -> Result<(), CliError> {
    let mut out = BufWriter::new(stdout().lock());
    for event in events {
        if is_json {
            writeln!(out, "{event}")?;
        } else {
            writeln!(out, "{}", event_text::line(event))?;
        }
    }
    Ok(out.flush()?)
}

const EXAMPLES: &str = "\
A lost connection is made again, and nothing is left out or told twice. At the end the last cursor
goes to stderr; --after continues there.

Examples:
  doorstep tail --into http://127.0.0.1:8080 --token ADMIN
  doorstep tail --into http://127.0.0.1:8080 --token ADMIN --type order.arrival,order.departure
  doorstep tail --into http://127.0.0.1:8080 --token ADMIN --json --after 00000000000000000042";
