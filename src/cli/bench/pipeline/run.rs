//! One trial: a daemon on a copy of the prepared directory, its clients, and what came of it.

use core::time::Duration;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::child::{Daemon, Usage};
use super::frames::Frames;
use super::prepared::{Prepared, Scratch, WARM_UP_TICKS};
use super::report::{Counters, Measured};
use super::sender::{Course, Progress, hear, say};
use super::watcher::{Heed, watch};
use super::{DRAIN, PipelineBenchArgs, time_scale};
use crate::cli::bench::workload::{EPOCH_MS, TICK_MS};
use crate::cli::client::error::ClientError;
use crate::cli::client::frame::{HelloOptions, Wanted};
use crate::cli::client::link::Link;
use crate::cli::error::CliError;
use crate::cli::stderr::tell;
use crate::domain::time::Time;
use crate::feed::cursor::Cursor;

/// What is run.
pub(super) struct Trial<'a> {
    pub(super) args: &'a PipelineBenchArgs,
    pub(super) prepared: &'a Prepared,
    pub(super) scratch: &'a Scratch,
    pub(super) frames: Frames,
    pub(super) pace: Pace,
}

/// How fast.
#[derive(Clone, Copy)]
pub(super) struct Pace {
    /// Positions per second with which the daemon's clock keeps pace.
    pub(super) clock_rate: f64,
    /// Positions per second that are sent; none: as fast as they are taken.
    pub(super) rate: Option<f64>,
}

/// Tasks that run as long as the trial does: the first that fails ends it.
type Tasks = JoinSet<Result<(), ClientError>>;

impl Trial<'_> {
    /// Runs it.
    pub(super) async fn run(self) -> Result<Measured, CliError> {
        let Self { args, prepared, frames, pace, .. } = self;
        let directory = prepared.copy(self.scratch)?;
        let time_scale = time_scale(pace.clock_rate, args.couriers);
        let start = Time::from_ms(EPOCH_MS + i64::from(WARM_UP_TICKS) * TICK_MS);
        let daemon = Daemon::start(args, &directory, time_scale, start)?;
        let place = daemon.metrics().await?.get("feed_position").map_or(0, |&place| place as u64);
        let endpoint = daemon.target.wide_endpoint()?;
        let mut listeners = Vec::new();
        for _ in 0..args.subscribers {
            let token = &prepared.tokens.subscriber;
            let options = HelloOptions::default();
            let mut link = Link::open(&daemon.target, &endpoint, token, &options).await?;
            let after = Some(Cursor(place).to_string());
            link.say(&(16, Wanted { after, types: None })).await?;
            listeners.push((link, Arc::new(Heed::new(place))));
        }
        let idle = daemon.usage();
        let senders = if args.devices { daemon.target.endpoint()? } else { endpoint };
        let links = connect(args, prepared, &daemon, &senders).await?;
        let Some(first) = links.first() else { return Err(CliError::NotWhole) };
        let first_tick_ms = first.2 + (first.1.elapsed().as_secs_f64() * 1e3 * time_scale) as i64;
        let connections = links.len();
        let connected = daemon.usage();
        let before = daemon.metrics().await?;
        let progress = frames.senders.iter().map(|sender| Progress {
            acked: AtomicU64::new(0),
            sent_ns: sender.frames.iter().map(|_| AtomicU64::new(0)).collect(),
        });
        let course = Arc::new(Course {
            progress: progress.collect(),
            frames,
            began: Instant::now(),
            first_tick_ms,
            time_scale,
            refused: AtomicU64::new(0),
        });
        let mut tasks = Tasks::new();
        let heeds: Vec<_> = listeners.iter().map(|(_, heed)| Arc::clone(heed)).collect();
        let mut kept = Vec::new();
        for (link, heed) in listeners {
            tasks.spawn(watch(heed, Arc::clone(&course), link.heard));
            kept.push((link.send, link.connection));
        }
        tell(format_args!("measuring process {}", daemon.process()));
        let used = daemon.usage();
        let connections_kept = drive(&course, links, pace, &mut tasks);
        let seconds = finish(&course, &daemon, &heeds, &mut tasks).await?;
        let after = daemon.usage();
        let metrics = daemon.metrics().await?;
        drop((kept, connections_kept));
        Ok(Measured::new(
            args,
            &course,
            &heeds,
            &Counters {
                seconds,
                connections,
                usage: since(&after, &used),
                idle_bytes: connected.resident_bytes.saturating_sub(idle.resident_bytes),
                resident_bytes: after.resident_bytes,
                before,
                after: metrics,
            },
        ))
    }
}

/// Says every frame in its time; gives what must live as long as the streams.
fn drive(
    course: &Arc<Course>,
    links: Vec<(Link, Instant, i64)>,
    pace: Pace,
    tasks: &mut Tasks,
) -> Vec<quinn::Connection> {
    let (mut pacers, mut kept) = (Vec::new(), Vec::new());
    for (at, (link, ..)) in links.into_iter().enumerate() {
        let due: Option<UnboundedReceiver<u32>> = pace.rate.map(|_| {
            let (pacer, due) = unbounded_channel();
            pacers.push(pacer);
            due
        });
        let (said, heard) = (Arc::clone(course), Arc::clone(course));
        tasks.spawn(hear(heard, at, link.heard));
        let send = link.send;
        kept.push(link.connection);
        tasks.spawn(async move {
            let _stream = say(said, at, send, due).await?;
            // The stream stays open: its end would end the acks.
            core::future::pending().await
        });
    }
    if pace.rate.is_some() {
        let course = Arc::clone(course);
        // A thread of its own sleeps more exactly than the runtime's timer does.
        std::thread::spawn(move || keep_pace(&course, &pacers));
    }
    kept
}

/// Names every frame to its sender when it is due.
fn keep_pace(course: &Course, pacers: &[UnboundedSender<u32>]) {
    let mut plan: Vec<(f64, u32, u32)> = Vec::new();
    for (at, sender) in course.frames.senders.iter().enumerate() {
        let frames = sender.frames.iter().enumerate();
        plan.extend(frames.map(|(number, frame)| (frame.due_s, at as u32, number as u32)));
    }
    plan.sort_by(|a, b| a.0.total_cmp(&b.0));
    for (due_s, at, number) in plan {
        let left_s = due_s - course.began.elapsed().as_secs_f64();
        if left_s > 0.0 {
            std::thread::sleep(Duration::from_secs_f64(left_s));
        }
        if pacers[at as usize].send(number).is_err() {
            return;
        }
    }
}

/// Waits until everything is acked and told, and gives the seconds until the last ack.
async fn finish(
    course: &Arc<Course>,
    daemon: &Daemon,
    heeds: &[Arc<Heed>],
    tasks: &mut Tasks,
) -> Result<f64, CliError> {
    let paced_s = course.frames.senders.iter().filter_map(|sender| sender.frames.last());
    let paced_s = paced_s.map(|frame| frame.due_s).fold(0.0, f64::max);
    let mut moved = (Instant::now() + Duration::from_secs_f64(paced_s), 0);
    while !course.is_acked() && moved.0.elapsed() < DRAIN {
        if let Some(Ok(Err(error))) = tasks.try_join_next() {
            return Err(error.into());
        }
        sleep(LOOK_AGAIN).await;
        let acked = course.acked();
        if acked > moved.1 {
            moved = (moved.0.max(Instant::now()), acked);
        }
    }
    let seconds = course.began.elapsed().as_secs_f64();
    let drained_by = Instant::now() + DRAIN;
    while Instant::now() < drained_by {
        let head = daemon.metrics().await?.get("feed_position").map_or(0, |&place| place as u64);
        if heeds.iter().all(|heed| heed.place.load(Ordering::Relaxed) >= head) {
            break;
        }
        sleep(LOOK_AGAIN).await;
    }
    Ok(seconds)
}

/// Opens a stream for every sender; with each, when it was welcomed and the daemon's clock then.
async fn connect(
    args: &PipelineBenchArgs,
    prepared: &Prepared,
    daemon: &Daemon,
    endpoint: &quinn::Endpoint,
) -> Result<Vec<(Link, Instant, i64)>, CliError> {
    let senders = if args.devices { args.couriers } else { args.gateways } as usize;
    let mut links: Vec<Option<(Link, Instant, i64)>> = (0..senders).map(|_| None).collect();
    let mut opening = JoinSet::new();
    let mut next = 0;
    while next < senders || !opening.is_empty() {
        while next < senders && opening.len() < OPENING_MAX {
            let token = prepared.tokens.devices.get(next).unwrap_or(&prepared.tokens.gateway);
            let (token, target) = (token.clone(), daemon.target.clone());
            let (endpoint, at) = (endpoint.clone(), next);
            opening.spawn(async move {
                let device = Some(format!("bench-{at}"));
                let options = HelloOptions { device, boot: Some(1), ..HelloOptions::default() };
                let mut opened = Link::open(&target, &endpoint, &token, &options).await;
                for _ in 1..OPEN_TRIES_MAX {
                    if opened.is_ok() {
                        break;
                    }
                    opened = Link::open(&target, &endpoint, &token, &options).await;
                }
                (at, opened)
            });
            next += 1;
        }
        if let Some(opened) = opening.join_next().await {
            let (at, link) = opened.map_err(|error| ClientError::System(error.into()))?;
            let link = link?;
            let server_ms = link.welcome.server_time;
            links[at] = Some((link, Instant::now(), server_ms));
        }
    }
    Ok(links.into_iter().flatten().collect())
}

fn since(after: &Usage, before: &Usage) -> Usage {
    let by_thread_s = after.by_thread_s.iter().map(|(name, cpu_s)| {
        (name.clone(), cpu_s - before.by_thread_s.get(name).copied().unwrap_or(0.0))
    });
    Usage {
        cpu_s: after.cpu_s - before.cpu_s,
        by_thread_s: by_thread_s.collect(),
        resident_bytes: after.resident_bytes,
    }
}

const LOOK_AGAIN: Duration = Duration::from_millis(5);
/// A handshake may be late where many come at once on a busy machine.
const OPEN_TRIES_MAX: u32 = 5;
/// Handshakes of ours at once.
const OPENING_MAX: usize = 64;
