//! One sender of the day. A session states source and `silent_when_still` once, so there is a lane
//! for each pair that occurs. It keeps what is not acked and, after a lost connection, says it
//! again.

use std::sync::Arc;

use quinn::Endpoint;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::clock::DaemonClock;
use super::report::Counts;
use crate::cli::client::error::ClientError;
use crate::cli::client::frame::{HelloOptions, WireFix};
use crate::cli::client::link::Link;
use crate::cli::client::outbox::{Outbox, Settled};
use crate::cli::client::reconnect::Reconnect;
use crate::cli::client::target::Target;
use crate::domain::position::Source;
use crate::domain::time::Time;

/// What all lanes share.
pub(super) struct Field {
    pub(super) target: Target,
    pub(super) endpoint: Endpoint,
    /// Of a gateway.
    pub(super) token: String,
    pub(super) boot: u64,
    pub(super) clock: DaemonClock,
    pub(super) counts: Counts,
}

/// What a session says of all its positions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Origin {
    pub(super) source: Source,
    pub(super) silent_when_still: bool,
}

/// Rows that go in one frame, or in as few as hold them.
pub(super) struct Parcel {
    pub(super) fixes: Vec<(u32, WireFix)>,
    /// When the last of them was received.
    pub(super) received: Time,
}

/// The way into a lane.
pub(super) struct Lane {
    parcels: Sender<Parcel>,
    /// Up to where everything is settled.
    settled: watch::Receiver<u64>,
    task: JoinHandle<Result<(), ClientError>>,
    /// How many fixes were handed over.
    handed_over: u64,
}

impl Lane {
    pub(super) fn new(field: Arc<Field>, origin: Origin) -> Self {
        let (parcels, waiting) = channel(PARCELS_MAX);
        let (told, settled) = watch::channel(0);
        let run = Run {
            field,
            origin,
            waiting,
            told,
            outbox: Outbox::new(true),
            newest: None,
            has_ended: false,
        };
        Self { parcels, settled, task: tokio::spawn(run.run()), handed_over: 0 }
    }

    /// Hands fixes over; gives the number of the last one, or nothing if the lane has ended.
    pub(super) async fn send(&mut self, parcel: Parcel) -> Option<u64> {
        self.handed_over += parcel.fixes.len() as u64;
        self.parcels.send(parcel).await.ok()?;
        Some(self.handed_over)
    }

    /// Waits until everything up to that number is settled, or the lane has ended.
    pub(super) async fn wait_for(&mut self, seq: u64) {
        // An error says that the lane has ended.
        let _ = self.settled.wait_for(|settled| *settled >= seq).await;
    }

    /// Waits for the last acks.
    pub(super) async fn end(self) -> Result<(), ClientError> {
        drop(self.parcels);
        self.task.await.unwrap_or_else(|error| Err(ClientError::Lost(error.to_string())))
    }
}

struct Run {
    field: Arc<Field>,
    origin: Origin,
    waiting: Receiver<Parcel>,
    told: watch::Sender<u64>,
    outbox: Outbox,
    newest: Option<Time>,
    has_ended: bool,
}

impl Run {
    async fn run(mut self) -> Result<(), ClientError> {
        let options = HelloOptions {
            source: Some(self.origin.source.name()),
            silent_when_still: self.origin.silent_when_still,
            device: Some(format!(
                "replay-{}{}",
                self.origin.source.name(),
                if self.origin.silent_when_still { "-silent" } else { "" }
            )),
            boot: Some(self.field.boot),
        };
        let mut again = Reconnect::new();
        // The daemon has answered before: the first try may fail as any other.
        again.connected();
        let field = Arc::clone(&self.field);
        loop {
            let error =
                match Link::open(&field.target, &field.endpoint, &field.token, &options).await {
                    Ok(mut link) => {
                        again.connected();
                        match self.on(&mut link).await {
                            Ok(()) => return Ok(()),
                            Err(error) => {
                                link.connection.close(0_u32.into(), b"");
                                error
                            }
                        }
                    }
                    Err(error) => error,
                };
            field.counts.not_connected(error.to_string());
            if let Err(error) = again.after(error).await {
                field.counts.left_unacked(self.outbox.len() as u64);
                return Err(error);
            }
        }
    }

    /// Works on one connection until everything is settled.
    async fn on(&mut self, link: &mut Link) -> Result<(), ClientError> {
        let field = Arc::clone(&self.field);
        field.clock.set(&link.welcome);
        let (settled, again) = self.outbox.connected(link.welcome.acked);
        field.counts.connected(again);
        self.settled(&settled);
        // A daemon that was started again may have its clock behind what it is to hear.
        if let Some(newest) = self.newest.filter(|_| !self.outbox.is_empty()) {
            field.clock.wait_for(newest).await;
        }
        self.outbox.send(link).await?;
        while !self.has_ended || !self.outbox.is_empty() {
            tokio::select! {
                parcel = self.waiting.recv(), if !self.has_ended && self.outbox.len() < UNACKED_MAX => {
                    let Some(parcel) = parcel else {
                        self.has_ended = true;
                        continue;
                    };
                    // It may have been handed over by the clock of a daemon that is gone.
                    field.clock.wait_for(parcel.received).await;
                    self.newest = self.newest.max(Some(parcel.received));
                    for (courier, fix) in parcel.fixes {
                        self.outbox.push(courier, fix);
                    }
                    field.counts.sent(self.outbox.cut() as u64);
                    self.outbox.send(link).await?;
                }
                frame = link.heard.next() => {
                    let settled = self.outbox.hear(frame?)?;
                    self.settled(&settled);
                }
                error = self.outbox.silence() => return Err(error),
            }
        }
        let _ = link.send.finish();
        Ok(())
    }

    fn settled(&self, settled: &Settled) {
        self.field.counts.settled(settled);
        self.told.send_replace(self.outbox.settled_seq());
    }
}

/// Parcels that wait for a lane.
const PARCELS_MAX: usize = 256;
/// Fixes that a lane keeps; while it has so many it takes no new ones.
const UNACKED_MAX: usize = 20_000;
