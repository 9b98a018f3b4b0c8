//! `doorstep serve`: the daemon, until it is told to stop or can go on no longer.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use super::error::CliError;
use super::stderr::tell;
use crate::daemon::assemble::Daemon;
use crate::daemon::config::Config;
use crate::daemon::core::TOKEN_FILE;
use crate::daemon::error::DaemonError;
use crate::daemon::huge_pages::begin_with;
use crate::daemon::settings::Settings;
use crate::runtime::local_time::instant;
use crate::runtime::node::ToldBefore;
use crate::runtime::progress::Progress;
use crate::storage::replay::CutTail;

/// Run the daemon
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = EXAMPLES)]
pub struct ServeArgs {
    /// The configuration (TOML); without it every key has its default
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Where everything is kept
    #[arg(long, value_name = "DIR")]
    pub(super) data_dir: Option<PathBuf>,
    /// Where HTTP listens
    #[arg(long, value_name = "ADDR")]
    pub(super) http: Option<SocketAddr>,
    /// Where QUIC listens (UDP)
    #[arg(long, value_name = "ADDR")]
    pub(super) quic: Option<SocketAddr>,
    /// Let the daemon's clock run X times as fast, for demonstrations
    #[arg(long, value_name = "X", requires = "time_start")]
    pub(super) time_scale: Option<f64>,
    /// What the daemon's clock shows at the start (ISO 8601)
    #[arg(long, value_name = "T", requires = "time_scale")]
    pub(super) time_start: Option<String>,
}

/// Runs the daemon until SIGTERM, SIGINT or a failure.
///
/// # Errors
/// It cannot start, or had to give up.
pub fn serve(args: &ServeArgs) -> Result<(), CliError> {
    let settings = settings(args)?;
    if let Err(error) = begin_with(settings.huge_pages, &settings.data_dir) {
        tell(format_args!("doorstep: no huge pages of memory, which cost less CPU: {error}"));
    }
    runtime()?.block_on(run(&settings))
}

/// The daemon's runtime: two threads for all I/O; shards, committer and admission have their own.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, CliError> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    Ok(runtime.map_err(DaemonError::System)?)
}

/// The settings that the arguments and their file make.
pub(super) fn settings(args: &ServeArgs) -> Result<Settings, CliError> {
    let mut config = args.config.as_deref().map_or_else(|| Ok(Config::default()), Config::read)?;
    if let Some(data_dir) = &args.data_dir {
        config.data_dir.clone_from(data_dir);
    }
    config.http.listen = args.http.unwrap_or(config.http.listen);
    config.quic.listen = args.quic.unwrap_or(config.quic.listen);
    let settings = Settings::new(config)?;
    let Some(scale) = args.time_scale else { return Ok(settings) };
    if !(0.001..=100_000.0).contains(&scale) {
        return Err(CliError::Argument("--time-scale: expected 0.001 to 100000".to_owned()));
    }
    let start = args.time_start.as_deref().map(instant).transpose();
    let start = start.map_err(|error| CliError::Argument(format!("--time-start: {error}")))?;
    Ok(settings.with_time(scale, start))
}

async fn run(settings: &Settings) -> Result<(), CliError> {
    let mut terminate = signal(SignalKind::terminate()).map_err(DaemonError::System)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(DaemonError::System)?;
    let telling = tokio::spawn(tell_progress(Arc::clone(&settings.progress)));
    let started = Daemon::start(settings).await;
    telling.abort();
    let daemon = started?;
    greet(settings, &daemon);
    let failure = tokio::select! {
        _ = terminate.recv() => None,
        _ = interrupt.recv() => None,
        cause = daemon.failed() => Some(cause),
    };
    if let Some(cause) = &failure {
        tell(format_args!("doorstep: {cause}; stopping"));
    }
    daemon.stop().await?;
    Ok(())
}

/// Says how far a start is that takes long.
async fn tell_progress(progress: Arc<Progress>) {
    let mut told = None;
    loop {
        tokio::time::sleep(PROGRESS_EACH).await;
        let standing = progress.standing();
        if told != Some(standing) {
            tell(format_args!("{standing}"));
            told = Some(standing);
        }
    }
}

/// What an operator wants to see: the token once, the places, and what was recovered.
fn greet(settings: &Settings, daemon: &Daemon) {
    let recovered = daemon.recovered();
    tell(format_args!("doorstep {}", env!("CARGO_PKG_VERSION")));
    tell(format_args!("  data         {}", settings.data_dir.display()));
    tell(format_args!("  http         {}", daemon.url()));
    tell(format_args!("  quic         {}", daemon.quic_address));
    tell(format_args!("  fingerprint  {}", daemon.fingerprint()));
    let file = settings.data_dir.join(TOKEN_FILE);
    match &daemon.first_token {
        Some(token) => {
            tell(format_args!("  admin token  {token}"));
            tell(format_args!("               shown once, kept in {}", file.display()));
        }
        None => tell(format_args!(
            "  admin token  that of the first start was kept in {}",
            file.display()
        )),
    }
    if settings.time_scale != 1.0 {
        tell(format_args!("  time         {} times as fast", settings.time_scale));
    }
    for damaged in &recovered.damaged {
        tell(format_args!("  passed over  a snapshot: {damaged}"));
    }
    if let Some(number) = recovered.snapshot {
        tell(format_args!("  began with   snapshot {number}"));
    }
    if let Some(cut) = recovered.cut {
        tell(format_args!("  cut off      {}", cut_off(&cut)));
    }
    if let Some(ToldBefore { engine, events, otherwise, otherwise_from }) = recovered.told_before {
        tell(format_args!("  kept         {events} events that engine {engine} told"));
        if otherwise > 0 {
            tell(format_args!(
                "               this engine tells {otherwise} inputs otherwise, the first at \
                 position {otherwise_from}; what was told stays"
            ));
        }
    }
    tell(format_args!(
        "  recovered    {} inputs, {} events, {} documents' requests redone",
        recovered.inputs, recovered.feed_head, daemon.redone
    ));
    tell(format_args!("ready"));
}

/// What was cut off the journal's end, and what that means.
pub(super) fn cut_off(cut: &CutTail) -> String {
    format!(
        "{} bytes of {} from byte {} on: no whole frame, as a crash leaves them in the middle of a \
         write, before anything in them is acknowledged; nothing says that they were synced",
        cut.bytes,
        cut.file(),
        cut.offset
    )
}

/// While a start takes long it is told this often how far it is.
const PROGRESS_EACH: Duration = Duration::from_secs(1);
const EXAMPLES: &str = "\
The first start makes company 1, an admin token and a self-signed certificate for QUIC, and prints
token and fingerprint once; both are also kept in files of mode 0600 in the data directory. SIGTERM
drains, syncs and exits with 0.

Examples:
  doorstep serve
  doorstep serve --data-dir /var/lib/doorstep --http 127.0.0.1:8080 --quic 0.0.0.0:4433
  doorstep serve --time-scale 60 --time-start 2026-05-04T08:00:00Z";
