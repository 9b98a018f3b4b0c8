//! `doorstep simulate`: a fleet of devices or gateways that streams positions over QUIC into a
//! running daemon.

mod ack_log;
mod fleet;
mod session;
mod tally;

use core::time::Duration;
use std::io::{Write, stdout};
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use jiff::Timestamp;
use tokio::task::JoinSet;
use tokio::time::Instant;

use self::ack_log::AckLog;
use self::fleet::Walk;
use self::session::{Field, Reporter, report};
use self::tally::{Report, Tally};
use super::client::documents::{CourierPlan, Documents};
use super::client::error::ClientError;
use super::client::frame::{HelloOptions, Welcome};
use super::client::link::Link;
use super::client::target::{Target, TargetArgs};
use super::error::CliError;
use super::noise::NoiseArgs;
use super::random::Random;
use super::stderr::tell;

/// Stream a simulated fleet over QUIC into a running daemon
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub struct SimulateArgs {
    #[command(flatten)]
    target: TargetArgs,
    /// How many couriers
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    couriers: u32,
    /// Many couriers on few connections, as a company's own server reports them
    #[arg(long)]
    gateway: bool,
    /// Seconds between two positions of a courier
    #[arg(long, value_name = "S", default_value_t = 5.0)]
    cadence_s: f64,
    /// Positions a device gathers before it sends a frame
    #[arg(long, value_name = "B", default_value_t = 1)]
    batch: usize,
    /// Positions per second of the whole fleet; overrides --cadence-s
    #[arg(long, value_name = "R")]
    rate: Option<f64>,
    /// How long
    #[arg(long, value_name = "S", default_value_t = 60.0)]
    seconds: f64,
    #[command(flatten)]
    noise: NoiseArgs,
    /// With a gateway's token: the id of the first courier, the others follow it
    #[arg(long, value_name = "ID", default_value_t = 1)]
    first_courier: u32,
    /// Append every acknowledged position to a file, one a line: device, boot, sequence, courier,
    /// time (unix ms), latitude and longitude (1e-7 degrees)
    #[arg(long, value_name = "FILE")]
    acks: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// The daemon cannot be reached or trusted, or did not take everything.
pub fn simulate(args: &SimulateArgs) -> Result<(), CliError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(ClientError::System)?;
    let report = runtime.block_on(run(args))?;
    let text = if args.json {
        let json = serde_json::to_string(&report).map_err(std::io::Error::from)?;
        format!("{json}\n")
    } else {
        report.text()
    };
    stdout().lock().write_all(text.as_bytes())?;
    if let Some(noise) = args.noise.told() {
        tell(format_args!("{noise}"));
    }
    if report.is_good() { Ok(()) } else { Err(CliError::NotAcked) }
}

pub(super) async fn run(args: &SimulateArgs) -> Result<Report, ClientError> {
    let cadence_s = args.rate.map_or(args.cadence_s, |rate| f64::from(args.couriers) / rate);
    let is_time = |seconds: f64| (0.0..=YEAR_S).contains(&seconds);
    if !is_time(cadence_s) || !is_time(args.seconds) {
        return Err(ClientError::Argument("--cadence-s, --rate and --seconds are over 0".into()));
    }
    let target = args.target.resolve().await?;
    let options = HelloOptions::default();
    let first = target.endpoint()?;
    let probe = Link::open(&target, &first, &args.target.token, &options).await?;
    probe.connection.close(0_u32.into(), b"");
    let welcome = probe.welcome;
    let reporters = reporters(args, &target, &welcome).await?;
    let are_gateways = reporters.iter().any(|reporter| reporter.is_gateway);
    let endpoint = if are_gateways { target.wide_endpoint() } else { target.endpoint() }?;
    let began = Instant::now();
    let field = Arc::new(Field {
        target,
        endpoint,
        tally: Tally::new(),
        acks: AckLog::new(args.acks.as_deref())?,
        cadence: Duration::from_secs_f64(cadence_s),
        batch: args.batch.max(1),
        // Each run is a new start of its devices.
        boot: Timestamp::now().as_millisecond().unsigned_abs(),
        began,
        ends: began + Duration::from_secs_f64(args.seconds),
        server_ms: welcome.server_time,
        time_scale: welcome.time_scale.unwrap_or(1.0),
    });
    let mut sessions = JoinSet::new();
    for reporter in reporters {
        sessions.spawn(report(Arc::clone(&field), reporter));
    }
    while sessions.join_next().await.is_some() {}
    field.acks.finish()?;
    let told = field.tally.report(args.couriers, began.elapsed().as_secs_f64());
    field.endpoint.close(0_u32.into(), b"");
    field.endpoint.wait_idle().await;
    Ok(told)
}

/// The sessions, with whatever documents and tokens they need.
async fn reporters(
    args: &SimulateArgs,
    target: &Target,
    welcome: &Welcome,
) -> Result<Vec<Reporter>, ClientError> {
    let noise = args.noise.noise().map(|(noise, _)| noise);
    let walks: Vec<Walk> =
        (0..args.couriers).map(|n| Walk::new(n, args.noise.seed(), noise)).collect();
    match welcome.role.as_str() {
        "admin" | "backend" => {
            let http = target.http.clone().ok_or_else(|| {
                ClientError::Argument("to make couriers and tokens, give --into".to_owned())
            })?;
            let documents = Documents::new(http, welcome.company_id);
            let plans: Vec<_> = walks.iter().enumerate().map(plan).collect();
            let date = day(welcome.server_time);
            let ids = documents.store(&plans, &date, welcome.server_time).await?;
            let couriers: Vec<_> = ids.into_iter().zip(walks).collect();
            if args.gateway {
                return Ok(gateways(args, &documents.token(None).await?, &couriers));
            }
            let mut devices = Vec::new();
            for (at, (courier, walk)) in couriers.into_iter().enumerate() {
                let token = documents.token(Some(courier)).await?;
                devices.push(device(args, at, token, (courier, walk)));
            }
            Ok(devices)
        }
        "gateway" => {
            let couriers: Vec<_> = (args.first_courier..).zip(walks).collect();
            Ok(gateways(args, &args.target.token, &couriers))
        }
        "device" if args.couriers == 1 => {
            let courier = welcome.courier_id.unwrap_or(0);
            let walk = walks.into_iter().next();
            let token = args.target.token.clone();
            Ok(walk.map(|walk| device(args, 0, token, (courier, walk))).into_iter().collect())
        }
        "device" => Err(ClientError::Argument(
            "a device's token speaks for one courier: --couriers 1, or an admin's token".to_owned(),
        )),
        role => Err(ClientError::Argument(format!("a {role}'s token sends no positions"))),
    }
}

fn plan((at, walk): (usize, &Walk)) -> CourierPlan {
    CourierPlan { number: format!("sim-{}", at + 1), orders: walk.stops().collect() }
}

fn device(args: &SimulateArgs, at: usize, token: String, courier: (u32, Walk)) -> Reporter {
    Reporter {
        token,
        device: "simulate".to_owned(),
        is_gateway: false,
        couriers: vec![courier],
        phase: at as f64 / f64::from(args.couriers),
        random: Random(args.noise.seed() ^ at as u64),
    }
}

fn gateways(args: &SimulateArgs, token: &str, couriers: &[(u32, Walk)]) -> Vec<Reporter> {
    let count = couriers.len().div_ceil(GATEWAY_COURIERS_MAX);
    let chunks = couriers.chunks(GATEWAY_COURIERS_MAX).enumerate();
    let gateways = chunks.map(|(at, couriers)| Reporter {
        token: token.to_owned(),
        device: format!("simulate-{at}"),
        is_gateway: true,
        couriers: couriers.to_vec(),
        phase: at as f64 / count as f64,
        random: Random(args.noise.seed() ^ at as u64),
    });
    gateways.collect()
}

/// The day of an instant, in UTC.
fn day(ms: i64) -> String {
    let time = Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH);
    time.to_string().chars().take("YYYY-MM-DD".len()).collect()
}

const GATEWAY_COURIERS_MAX: usize = 500;
const YEAR_S: f64 = 366.0 * 86_400.0;
const EXAMPLES: &str = "\
The seed makes the fleet and its noise.

Examples:
  doorstep simulate --couriers 50 --into http://127.0.0.1:8080 --token ADMIN
  doorstep simulate --couriers 10000 --gateway --rate 5000 --into http://127.0.0.1:8080 \\
    --token ADMIN --json";
