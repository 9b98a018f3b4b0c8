//! One gateway or device of a run: says its frames in time, and counts what is acked.

use core::time::Duration;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use quinn::SendStream;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, sleep};

use super::frames::Frames;
use crate::cli::client::error::ClientError;
use crate::cli::client::frame::ServerFrame;
use crate::cli::client::link::Heard;

/// What all senders and subscribers of a run share.
pub(super) struct Course {
    pub(super) frames: Frames,
    /// By sender.
    pub(super) progress: Vec<Progress>,
    pub(super) began: Instant,
    /// The daemon's clock then, and how fast it runs.
    pub(super) first_tick_ms: i64,
    pub(super) time_scale: f64,
    pub(super) refused: AtomicU64,
}

/// Where one sender stands.
pub(super) struct Progress {
    pub(super) acked: AtomicU64,
    /// By frame: nanoseconds after the start at which it was sent, or was to be sent; 0: not yet.
    pub(super) sent_ns: Vec<AtomicU64>,
}

impl Course {
    /// Nanoseconds since the start.
    pub(super) fn now_ns(&self) -> u64 {
        self.began.elapsed().as_nanos() as u64
    }

    /// Whether every sender has heard that all it sent is durable.
    pub(super) fn is_acked(&self) -> bool {
        self.frames.senders.iter().zip(&self.progress).all(|(sender, progress)| {
            let last = sender.frames.last().map_or(0, |frame| frame.last_seq);
            progress.acked.load(Ordering::Relaxed) >= last
        })
    }

    /// Positions of which it is known that they are durable.
    pub(super) fn acked(&self) -> u64 {
        self.progress.iter().map(|progress| progress.acked.load(Ordering::Relaxed)).sum()
    }

    /// Waits while a position would be ahead of the daemon's clock.
    async fn wait_for_clock(&self, ms: i64) {
        let ahead_ms = ms - AHEAD_MS_MAX;
        let at_s = ahead_ms as f64 / 1e3 / self.time_scale;
        let now_s = self.began.elapsed().as_secs_f64();
        if at_s > now_s {
            sleep(Duration::from_secs_f64(at_s - now_s)).await;
        }
    }
}

/// Says every frame: when `due` names it, or one after the other.
pub(super) async fn say(
    course: Arc<Course>,
    at: usize,
    mut send: SendStream,
    mut due: Option<UnboundedReceiver<u32>>,
) -> Result<SendStream, ClientError> {
    let sender = &course.frames.senders[at];
    let mut bytes = Vec::new();
    let mut next = 0;
    loop {
        let number = match &mut due {
            None => next,
            Some(due) => match due.recv().await {
                Some(number) => number as usize,
                None => return Ok(send),
            },
        };
        let Some(frame) = sender.frames.get(number) else { return Ok(send) };
        next = number + 1;
        let sent_ns = if due.is_some() {
            (frame.due_s * 1e9) as u64
        } else {
            course.wait_for_clock(frame.last_ms).await;
            course.now_ns()
        };
        course.progress[at].sent_ns[number].store(sent_ns.max(1), Ordering::Relaxed);
        sender.bytes(frame, course.first_tick_ms, &mut bytes);
        let sent = send.write_all(&bytes).await;
        sent.map_err(|error| ClientError::Lost(error.to_string()))?;
    }
}

/// Hears acks until the stream ends.
pub(super) async fn hear(
    course: Arc<Course>,
    at: usize,
    mut heard: Heard,
) -> Result<(), ClientError> {
    loop {
        match heard.next().await? {
            ServerFrame::Ack(seq) => {
                course.progress[at].acked.fetch_max(seq, Ordering::Relaxed);
            }
            ServerFrame::Refused { count, .. } => {
                course.refused.fetch_add(count, Ordering::Relaxed);
            }
            ServerFrame::Error { code, text, is_transient } => {
                return Err(ClientError::Refused { code, text, is_transient });
            }
            ServerFrame::Welcome(_)
            | ServerFrame::Events { .. }
            | ServerFrame::Gap { .. }
            | ServerFrame::Route(_)
            | ServerFrame::Other(_) => {}
        }
    }
}

/// Positions more than 60 s ahead of the daemon's clock are refused.
const AHEAD_MS_MAX: i64 = 40_000;
