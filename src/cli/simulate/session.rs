//! One simulated device or gateway: reports at its cadence, keeps what is not acked, and after a
//! lost connection says it all again.

use core::time::Duration;
use std::sync::Arc;

use quinn::Endpoint;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep, sleep_until};

use super::ack_log::{AckLog, Sender};
use super::fleet::Walk;
use super::tally::Tally;
use crate::cli::client::error::ClientError;
use crate::cli::client::frame::HelloOptions;
use crate::cli::client::link::Link;
use crate::cli::client::outbox::{Outbox, Settled};
use crate::cli::client::target::Target;
use crate::cli::random::Random;

/// What all sessions share.
pub(super) struct Field {
    pub(super) target: Target,
    pub(super) endpoint: Endpoint,
    pub(super) tally: Tally,
    pub(super) acks: AckLog,
    pub(super) cadence: Duration,
    pub(super) batch: usize,
    pub(super) boot: u64,
    pub(super) began: Instant,
    pub(super) ends: Instant,
    /// The daemon's clock when the run began, and how fast it runs.
    pub(super) server_ms: i64,
    pub(super) time_scale: f64,
}

/// Who reports.
pub(super) struct Reporter {
    pub(super) token: String,
    pub(super) device: String,
    /// A gateway names its couriers; a device is one.
    pub(super) is_gateway: bool,
    pub(super) couriers: Vec<(u32, Walk)>,
    /// Part of the cadence by which it is late, so that the fleet does not report at once.
    pub(super) phase: f64,
    pub(super) random: Random,
}

/// Reports until the run ends, then waits for the last acks.
pub(super) async fn report(field: Arc<Field>, mut reporter: Reporter) {
    let mut outbox = Outbox::new(reporter.is_gateway);
    let mut pause = PAUSE_MIN;
    while Instant::now() < field.ends + DRAIN {
        let options = HelloOptions {
            device: Some(reporter.device.clone()),
            boot: Some(field.boot),
            ..HelloOptions::default()
        };
        match Link::open(&field.target, &field.endpoint, &reporter.token, &options).await {
            Ok(mut link) => {
                pause = PAUSE_MIN;
                let (settled, again) = outbox.connected(link.welcome.acked);
                field.tally.connected(again);
                settle(&field, &reporter.device, &settled);
                match run(&field, &mut reporter, &mut outbox, &mut link).await {
                    Ok(()) => break,
                    Err(error) => field.tally.not_connected(error.to_string()),
                }
                link.connection.close(0_u32.into(), b"");
            }
            Err(error) => field.tally.not_connected(error.to_string()),
        }
        if Instant::now() >= field.ends && outbox.is_empty() {
            break;
        }
        // Not all at once when the daemon comes back.
        sleep(pause.mul_f64(0.5 + reporter.random.unit())).await;
        pause = (pause * 2).min(PAUSE_MAX);
    }
    field.tally.left_unacked(outbox.len() as u64);
}

async fn run(
    field: &Field,
    reporter: &mut Reporter,
    outbox: &mut Outbox,
    link: &mut Link,
) -> Result<(), ClientError> {
    outbox.send(link).await?;
    let cadence = field.cadence.max(Duration::from_millis(1));
    let mut ticks = interval_at(Instant::now() + cadence.mul_f64(reporter.phase), cadence);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut gathered = 0;
    loop {
        let is_over = Instant::now() >= field.ends;
        if is_over {
            send_new(field, outbox, link).await?;
            if outbox.is_empty() {
                let _ = link.send.finish();
                return Ok(());
            }
        }
        tokio::select! {
            _ = ticks.tick(), if !is_over && outbox.len() < UNACKED_MAX => {
                gathered += move_on(field, reporter, outbox);
                if gathered >= field.batch {
                    gathered = 0;
                    send_new(field, outbox, link).await?;
                }
            }
            frame = link.heard.next() => settle(field, &reporter.device, &outbox.hear(frame?)?),
            error = outbox.silence() => return Err(error),
            () = sleep_until(field.ends), if !is_over => {}
            () = sleep_until(field.ends + DRAIN), if is_over => return Ok(()),
        }
    }
}

/// Every courier of the reporter is somewhere else.
fn move_on(field: &Field, reporter: &mut Reporter, outbox: &mut Outbox) -> usize {
    let elapsed_s = field.began.elapsed().as_secs_f64() * field.time_scale;
    let device_ms = field.server_ms + (elapsed_s * 1e3) as i64;
    let (mut came, mut reported) = (Vec::new(), 0);
    for (courier, walk) in &mut reporter.couriers {
        walk.report(elapsed_s, device_ms, &mut came);
        reported += came.len();
        came.drain(..).for_each(|fix| outbox.push(*courier, fix));
    }
    reported
}

/// Sends what was gathered.
async fn send_new(field: &Field, outbox: &mut Outbox, link: &mut Link) -> Result<(), ClientError> {
    field.tally.sent(outbox.cut() as u64);
    outbox.send(link).await
}

/// Counts what was settled, and lists it where that is wished for.
fn settle(field: &Field, device: &str, settled: &Settled) {
    let sender = Sender { device, boot: field.boot };
    field.acks.acked(sender, settled.first_seq, settled.fixes.iter());
    field.tally.settled(settled);
}

/// Fixes a reporter keeps; while it has so many it reports no new ones.
const UNACKED_MAX: usize = 20_000;
const PAUSE_MIN: Duration = Duration::from_millis(200);
const PAUSE_MAX: Duration = Duration::from_secs(3);
/// How long the last acks are waited for.
const DRAIN: Duration = Duration::from_secs(15);
