//! One simulated device or gateway: reports at its cadence, keeps what is not acked, and after a
//! lost connection says it all again.

use core::time::Duration;
use std::collections::VecDeque;
use std::sync::Arc;

use quinn::Endpoint;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep, sleep_until};

use super::ack_log::{AckLog, Sender};
use super::fleet::{Random, Walk};
use super::tally::Tally;
use crate::cli::client::error::ClientError;
use crate::cli::client::frame::{HelloOptions, ServerFrame, WireFix};
use crate::cli::client::link::Link;
use crate::cli::client::target::Target;

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

/// What was said and is not acked.
#[derive(Default)]
struct Unacked {
    first_seq: u64,
    fixes: VecDeque<(u32, WireFix)>,
    /// Last sequence of each frame and when it was sent.
    frames: VecDeque<(u64, Instant)>,
}

/// Reports until the run ends, then waits for the last acks.
pub(super) async fn report(field: Arc<Field>, mut reporter: Reporter) {
    let mut unacked = Unacked { first_seq: 1, ..Unacked::default() };
    let mut pause = PAUSE_MIN;
    while Instant::now() < field.ends + DRAIN {
        let options = HelloOptions {
            source: None,
            device: Some(reporter.device.clone()),
            boot: Some(field.boot),
        };
        match Link::open(&field.target, &field.endpoint, &reporter.token, &options).await {
            Ok(mut link) => {
                pause = PAUSE_MIN;
                unacked.settle(link.welcome.acked, &field, &reporter.device, None);
                field.tally.connected(unacked.fixes.len() as u64);
                match run(&field, &mut reporter, &mut unacked, &mut link).await {
                    Ok(()) => break,
                    Err(error) => field.tally.not_connected(error.to_string()),
                }
            }
            Err(error) => field.tally.not_connected(error.to_string()),
        }
        if Instant::now() >= field.ends && unacked.fixes.is_empty() {
            break;
        }
        // Not all at once when the daemon comes back.
        sleep(pause.mul_f64(0.5 + reporter.random.unit())).await;
        pause = (pause * 2).min(PAUSE_MAX);
    }
    field.tally.left_unacked(unacked.fixes.len() as u64);
}

async fn run(
    field: &Field,
    reporter: &mut Reporter,
    unacked: &mut Unacked,
    link: &mut Link,
) -> Result<(), ClientError> {
    send(reporter.is_gateway, unacked, 0, link).await?;
    let cadence = field.cadence.max(Duration::from_millis(1));
    let mut ticks = interval_at(Instant::now() + cadence.mul_f64(reporter.phase), cadence);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut gathered = 0;
    loop {
        let is_over = Instant::now() >= field.ends;
        if is_over {
            let rest = core::mem::take(&mut gathered);
            send_new(field, reporter, unacked, rest, link).await?;
            if unacked.fixes.is_empty() {
                let _ = link.send.finish();
                return Ok(());
            }
        }
        tokio::select! {
            _ = ticks.tick(), if !is_over && unacked.fixes.len() < UNACKED_MAX => {
                gathered += move_on(field, reporter, unacked);
                if gathered >= field.batch {
                    let rest = core::mem::take(&mut gathered);
                    send_new(field, reporter, unacked, rest, link).await?;
                }
            }
            frame = link.heard.next() => hear(frame?, unacked, field, &reporter.device)?,
            () = sleep_until(field.ends), if !is_over => {}
            () = sleep_until(field.ends + DRAIN), if is_over => return Ok(()),
        }
    }
}

/// Every courier of the reporter is somewhere else.
fn move_on(field: &Field, reporter: &mut Reporter, unacked: &mut Unacked) -> usize {
    let elapsed_s = field.began.elapsed().as_secs_f64() * field.time_scale;
    let device_ms = field.server_ms + (elapsed_s * 1e3) as i64;
    for (courier, walk) in &mut reporter.couriers {
        unacked.fixes.push_back((*courier, walk.fix(elapsed_s, device_ms)));
    }
    reporter.couriers.len()
}

/// Sends the last `count` fixes.
async fn send_new(
    field: &Field,
    reporter: &Reporter,
    unacked: &mut Unacked,
    count: usize,
    link: &mut Link,
) -> Result<(), ClientError> {
    if count == 0 {
        return Ok(());
    }
    field.tally.sent(count as u64);
    let from = unacked.fixes.len() - count;
    send(reporter.is_gateway, unacked, from, link).await
}

/// Sends the fixes from that place on, in frames that are never too large.
async fn send(
    is_gateway: bool,
    unacked: &mut Unacked,
    from: usize,
    link: &mut Link,
) -> Result<(), ClientError> {
    let fixes: Vec<(u32, WireFix)> = unacked.fixes.range(from..).copied().collect();
    let mut seq = unacked.first_seq + from as u64;
    for fixes in fixes.chunks(FRAME_FIXES_MAX) {
        unacked.frames.push_back((seq + fixes.len() as u64 - 1, Instant::now()));
        if is_gateway {
            let fixes: Vec<_> = fixes.iter().map(|(id, fix)| (id, None::<u64>, fix)).collect();
            link.say(&(6, seq, fixes)).await?;
        } else {
            let bare: Vec<&WireFix> = fixes.iter().map(|(_, fix)| fix).collect();
            link.say(&(2, seq, None::<u64>, bare)).await?;
        }
        seq += fixes.len() as u64;
    }
    Ok(())
}

fn hear(
    frame: ServerFrame,
    unacked: &mut Unacked,
    field: &Field,
    device: &str,
) -> Result<(), ClientError> {
    match frame {
        ServerFrame::Ack(seq) => unacked.settle(seq, field, device, Some(Instant::now())),
        ServerFrame::Refused { reason, count } => field.tally.refused(reason, count),
        ServerFrame::Error { code, text } => return Err(ClientError::Refused { code, text }),
        ServerFrame::Welcome(_)
        | ServerFrame::Events { .. }
        | ServerFrame::Gap { .. }
        | ServerFrame::Route(_)
        | ServerFrame::Other(_) => {}
    }
    Ok(())
}

impl Unacked {
    /// Everything up to `seq` is durable. Without `now` it became so unseen.
    fn settle(&mut self, seq: u64, field: &Field, device: &str, now: Option<Instant>) {
        let count = (seq + 1).saturating_sub(self.first_seq).min(self.fixes.len() as u64);
        let tally = &field.tally;
        let sender = Sender { device, boot: field.boot };
        field.acks.acked(sender, self.first_seq, self.fixes.range(..count as usize));
        self.fixes.drain(..count as usize);
        self.first_seq += count;
        tally.acked(count);
        while let Some((_, sent)) = self.frames.pop_front_if(|(last, _)| *last <= seq) {
            if let Some(now) = now {
                tally.latency(now.duration_since(sent).as_micros() as u64);
            }
        }
        if now.is_none() {
            self.frames.clear();
        }
    }
}

const FRAME_FIXES_MAX: usize = 1_000;
/// Fixes a reporter keeps; while it has so many it reports no new ones.
const UNACKED_MAX: usize = 20_000;
const PAUSE_MIN: Duration = Duration::from_millis(200);
const PAUSE_MAX: Duration = Duration::from_secs(3);
/// How long the last acks are waited for.
const DRAIN: Duration = Duration::from_secs(15);
