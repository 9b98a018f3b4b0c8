//! The tracks: a reader of the journal that keeps every courier's positions for those who ask where
//! one was. It works at its own pace, and never holds up an acknowledgement; who asks gets what
//! was acknowledged before, from disk and from what is not on disk yet.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::error::{TracksError, ViewError};
use super::node::Shared;
use crate::domain::ids::{CompanyId, CourierId};
use crate::domain::time::{DAY_MS, SECOND_MS, Time};
use crate::storage::codec::input::ChunkReader;
use crate::storage::disk::Disk;
use crate::storage::error::StorageError;
use crate::storage::frame::FrameKind;
use crate::storage::journal_reader::JournalReader;
pub use crate::storage::tracks::TrackSpan;
pub use crate::storage::tracks::chunk::TrackPoint;
use crate::storage::tracks::look::each_tracked;
use crate::storage::tracks::open::{OpenTracks, hour_of};

/// The tracks for those who ask. Cheap to clone. Must be asked within a tokio runtime that has a
/// timer.
#[derive(Clone)]
pub struct Tracks {
    shared: Arc<Shared>,
}

/// What is asked of the thread.
pub(super) enum TrackMail {
    /// What is not on disk yet of a courier.
    Tail { courier: CourierId, reply: oneshot::Sender<Tail> },
    /// What was acknowledged before is to be on disk.
    Write,
    /// Chunks go.
    Sweep(Sweep),
    /// The node ends.
    End,
}

/// Takes chunks out of the tracks, a file at a time, so that those who ask need not wait for all.
pub(super) struct Sweep {
    what: Swept,
    reply: oneshot::Sender<u64>,
    /// The hours that are to be looked at; `None`: not known yet.
    hours: Option<VecDeque<u64>>,
    /// How many files were written anew or removed.
    changed: u64,
}

/// What goes.
pub(super) enum Swept {
    /// What is older than its company keeps it.
    Old(Keeping),
    /// All of one courier.
    Courier(CourierId),
}

/// How long positions are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keeping {
    /// The present.
    pub now: Time,
    /// Days for which a company keeps them.
    pub days: BTreeMap<CompanyId, u32>,
    /// Days for a company that is not among these.
    pub days_default: u32,
}

impl Keeping {
    /// Whether a company still keeps what came in an hour, or later.
    fn keeps(&self, company: CompanyId, hour: u64) -> bool {
        let days = self.days.get(&company).copied().unwrap_or(self.days_default);
        hour >= self.first_hour(days)
    }

    /// Whether any company may have to give up what came in an hour.
    fn may_end(&self, hour: u64) -> bool {
        let shortest = self.days.values().copied().fold(self.days_default, u32::min);
        hour < self.first_hour(shortest)
    }

    /// The first hour that is kept for so many days: the last of what came in it may be younger.
    fn first_hour(&self, days: u32) -> u64 {
        hour_of(self.now + -i64::from(days) * DAY_MS)
    }
}

/// What is not on disk of a courier.
pub(super) struct Tail {
    /// As a chunk's bytes.
    points: Vec<u8>,
    /// All frames before this one are on disk.
    next: u64,
}

impl Tracks {
    pub(super) const fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// The positions of a span by device time, at most `points_max` of them after the first
    /// `skipped`. What was acknowledged before is among them.
    ///
    /// # Errors
    /// No answer within the node's `answer_ms_max`, the node has stopped, or the tracks cannot be
    /// read.
    pub async fn read(
        &self,
        span: TrackSpan,
        is_wanted: impl Fn(&TrackPoint) -> bool + Send + 'static,
        (skipped, points_max): (usize, usize),
    ) -> Result<Vec<TrackPoint>, TracksError> {
        let (reply, tail) = oneshot::channel();
        let mail = TrackMail::Tail { courier: span.courier, reply };
        post(&self.shared.tracks, mail)?;
        let tail = timeout(Duration::from_millis(self.shared.answer_ms_max), tail).await;
        let tail = tail.map_err(|_| ViewError::Busy)?.map_err(|_| ViewError::Stopped)?;
        let log = Arc::clone(&self.shared.track_log);
        let read = tokio::task::spawn_blocking(move || {
            let mut page = Page::new(skipped.saturating_add(points_max));
            let mut tell = |point: TrackPoint| {
                if is_wanted(&point) {
                    page.put(point);
                }
            };
            log.read(&span, tail.next, &mut tell)?;
            span.each_in(&tail.points, &mut tell);
            let mut points = page.finish();
            points.drain(..skipped.min(points.len()));
            Ok(points)
        });
        read.await.map_err(|_| ViewError::Stopped)?
    }
}

impl Tracks {
    /// Takes out what is older than its company keeps it, and says how many files that changed.
    ///
    /// # Errors
    /// The node has stopped, or fails meanwhile.
    pub fn sweep_old_blocking(&self, keeping: Keeping) -> Result<u64, ViewError> {
        self.sweep_blocking(Swept::Old(keeping))
    }

    /// Takes out all of a courier that was acknowledged before, and says how many files that
    /// changed. More must not come.
    ///
    /// # Errors
    /// The node has stopped, or fails meanwhile.
    pub fn forget_blocking(&self, courier: CourierId) -> Result<u64, ViewError> {
        self.sweep_blocking(Swept::Courier(courier))
    }

    /// Has what is open written, soon.
    pub(super) fn write_soon(&self) {
        // A busy writer writes anyway.
        let _ = post(&self.shared.tracks, TrackMail::Write);
    }

    fn sweep_blocking(&self, what: Swept) -> Result<u64, ViewError> {
        self.sweep(what)?.blocking_recv().map_err(|_| ViewError::Stopped)
    }

    /// Asks for a sweep, and gives who tells how many files it changed.
    pub(super) fn sweep(&self, what: Swept) -> Result<oneshot::Receiver<u64>, ViewError> {
        let (reply, done) = oneshot::channel();
        let sweep = Sweep { what, reply, hours: None, changed: 0 };
        post(&self.shared.tracks, TrackMail::Sweep(sweep))?;
        Ok(done)
    }
}

/// The way to the writer: one that forgets what waits when the writer ends, so that nobody waits for
/// an answer that never comes.
pub(super) fn track_mailbox() -> (Sender<TrackMail>, Receiver<TrackMail>) {
    // A bounded one would keep it for as long as somebody could send more.
    crossbeam_channel::unbounded()
}

/// Asks the writer, unless too much waits for it.
pub(super) fn post(to: &Sender<TrackMail>, mail: TrackMail) -> Result<(), ViewError> {
    if to.len() >= TRACK_MAIL_MAX {
        return Err(ViewError::Busy);
    }
    to.send(mail).map_err(|_| ViewError::Stopped)
}

/// The first positions by device time, of any number.
struct Page {
    points: Vec<TrackPoint>,
    points_max: usize,
}

impl Page {
    const fn new(points_max: usize) -> Self {
        Self { points: Vec::new(), points_max }
    }

    fn put(&mut self, point: TrackPoint) {
        if self.points.len() >= self.points_max.saturating_mul(2).max(POINTS_MIN) {
            self.keep_first();
        }
        self.points.push(point);
    }

    fn keep_first(&mut self) {
        // Stable: what came first stays first.
        self.points.sort_by_key(|point| (point.position.device_time, point.received_at));
        self.points.truncate(self.points_max);
    }

    fn finish(mut self) -> Vec<TrackPoint> {
        self.keep_first();
        self.points
    }
}

/// The thread that writes them.
pub(super) struct TrackWriter {
    shared: Arc<Shared>,
    reader: JournalReader,
    open: OpenTracks,
    /// All frames before this one are on disk.
    written: u64,
    limits: TrackLimits,
    sweeps: VecDeque<Sweep>,
    /// The disk was too full for the last piece of a sweep.
    lacks_room: bool,
}

/// How much of the tracks is only in memory; the journal has all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrackLimits {
    /// Bytes: when there are so many, all is written.
    pub open_bytes_max: usize,
    /// Milliseconds of the clock, about, until it is written.
    pub open_ms_max: i64,
}

impl Default for TrackLimits {
    fn default() -> Self {
        Self { open_bytes_max: 128 << 20, open_ms_max: 5 * 60 * SECOND_MS }
    }
}

impl TrackWriter {
    /// A writer that goes on where the tracks on disk end.
    ///
    /// # Errors
    /// The disk fails.
    pub(super) fn new(
        shared: Arc<Shared>,
        disk: Arc<dyn Disk>,
        limits: TrackLimits,
    ) -> Result<Self, StorageError> {
        let written = shared.track_log.next();
        let end = shared.journalled.load(Ordering::Acquire);
        let reader = JournalReader::open(disk, written, end)?;
        let (open, sweeps) = (OpenTracks::default(), VecDeque::new());
        Ok(Self { shared, reader, open, written, limits, sweeps, lacks_room: false })
    }

    /// Works until the node ends.
    ///
    /// # Errors
    /// The disk fails, or the journal is not what was written.
    pub(super) fn run(&mut self, mail: &Receiver<TrackMail>) -> Result<(), StorageError> {
        loop {
            let has_nothing_to_do = self.sweeps.is_empty() || self.lacks_room;
            let patience = if has_nothing_to_do { PACE } else { Duration::ZERO };
            match mail.recv_timeout(patience) {
                Ok(TrackMail::End) | Err(RecvTimeoutError::Disconnected) => break,
                Ok(mail) => self.turn(Some(mail))?,
                Err(RecvTimeoutError::Timeout) => self.turn(None)?,
            }
        }
        self.end()
    }

    /// One turn of its work: reads what the journal holds by now, and answers who asks.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub(super) fn turn(&mut self, mail: Option<TrackMail>) -> Result<(), StorageError> {
        match mail {
            Some(TrackMail::Tail { courier, reply }) => {
                self.catch_up()?;
                let points = self.open.of(courier).unwrap_or_default().to_vec();
                // Who has stopped waiting wants no answer.
                let _ = reply.send(Tail { points, next: self.written });
            }
            Some(TrackMail::Write) => {
                self.catch_up()?;
                self.flush_if_room()?;
            }
            Some(TrackMail::Sweep(sweep)) => self.sweeps.push_back(sweep),
            Some(TrackMail::End) | None => self.catch_up()?,
        }
        self.flush_if_old()?;
        self.sweep()
    }

    /// The node ends: writes what is open, where there is room.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub(super) fn end(&mut self) -> Result<(), StorageError> {
        self.catch_up()?;
        self.flush_if_room().map(drop)
    }

    /// Reads what the journal holds by now.
    fn catch_up(&mut self) -> Result<(), StorageError> {
        let until = self.shared.journalled.load(Ordering::Acquire);
        let mut is_of_later = false;
        loop {
            let is_full = self.open.bytes() >= self.limits.open_bytes_max;
            if (is_full || is_of_later) && !self.flush_if_room()? {
                return Ok(());
            }
            let (shared, open) = (&self.shared, &mut self.open);
            is_of_later = false;
            let has_read = self.reader.step(until, &mut |kind, payload| {
                if kind == FrameKind::Positions {
                    // What came in another hour goes into that one's file, and stays as long.
                    let hour = open.hour();
                    is_of_later = hour.is_some_and(|hour| !is_of_hour(hour, payload));
                    if !is_of_later {
                        put(shared, open, payload);
                    }
                }
                !is_of_later
            })?;
            if !has_read && !is_of_later {
                return Ok(());
            }
        }
    }

    /// Does a piece of the first sweep.
    fn sweep(&mut self) -> Result<(), StorageError> {
        self.lacks_room = false;
        let Some(mut sweep) = self.sweeps.pop_front() else { return Ok(()) };
        if sweep.hours.is_none()
            && let Swept::Courier(courier) = sweep.what
        {
            self.catch_up()?;
            self.open.forget(courier);
        }
        let log = &self.shared.track_log;
        let hours = sweep.hours.get_or_insert_with(|| sweep.what.hours(log.hours()));
        let Some(hour) = hours.pop_front() else {
            // Who has stopped waiting wants no answer.
            let _ = sweep.reply.send(sweep.changed);
            return Ok(());
        };
        let is_changed = match &sweep.what {
            Swept::Old(keeping) => log.keep_only(hour, &|entry| keeping.keeps(entry.company, hour)),
            Swept::Courier(courier) => log.keep_only(hour, &|entry| entry.courier != *courier),
        };
        match is_changed {
            Ok(is_changed) => sweep.changed += u64::from(is_changed),
            Err(StorageError::Full { .. }) => {
                hours.push_front(hour);
                self.lacks_room = true;
            }
            Err(other) => return Err(other),
        }
        self.sweeps.push_front(sweep);
        Ok(())
    }

    fn flush_if_old(&mut self) -> Result<(), StorageError> {
        let is_old = |since| self.shared.clock.now() - since >= self.limits.open_ms_max;
        if self.open.since().is_some_and(is_old) { self.flush_if_room().map(drop) } else { Ok(()) }
    }

    /// `false`: the disk is full. The journal keeps what is open, and room may come.
    fn flush_if_room(&mut self) -> Result<bool, StorageError> {
        match self.flush() {
            Ok(()) => Ok(true),
            Err(StorageError::Full { .. }) => Ok(false),
            Err(other) => Err(other),
        }
    }

    /// Writes what is open to the disk. What is there is never ahead of the journal's durable end.
    fn flush(&mut self) -> Result<(), StorageError> {
        if !self.open.is_empty() {
            self.reader.sync()?;
            self.shared.track_log.append(&self.open, self.reader.next())?;
        }
        self.open.clear();
        self.written = self.reader.next();
        self.shared.tracked.store(self.written, Ordering::Release);
        Ok(())
    }
}

impl Swept {
    /// Those of the hours in which something may go.
    fn hours(&self, all: Vec<u64>) -> VecDeque<u64> {
        let may_go = |hour: &u64| match self {
            Self::Old(keeping) => keeping.may_end(*hour),
            Self::Courier(_) => true,
        };
        all.into_iter().filter(may_go).collect()
    }
}

/// Whether a frame's first position came in an hour; a frame without any is of each.
fn is_of_hour(hour: u64, payload: &[u8]) -> bool {
    let first = ChunkReader::new(payload).next_position();
    first.is_none_or(|reported| hour_of(reported.received_at) == hour)
}

/// Adds the positions of a frame that are part of a track.
fn put(shared: &Shared, open: &mut OpenTracks, payload: &[u8]) {
    let directory = shared.directory.open();
    // The frame was made by this version, or recovery has read it.
    let mut points = Vec::with_capacity(POINTS_AT_ONCE);
    each_tracked(payload, |courier, point| {
        if let Some(company) = directory.company(courier) {
            points.push((courier, company, point));
            if points.len() == POINTS_AT_ONCE {
                open.put_each(&points);
                points.clear();
            }
        }
    });
    open.put_each(&points);
}

/// The journal is looked at this often where nobody asks.
const PACE: Duration = Duration::from_secs(1);
/// Positions of an answer are sorted when there are at least so many.
const POINTS_MIN: usize = 4_096;
/// So many positions of a frame are put into chunks at once.
const POINTS_AT_ONCE: usize = 256;
/// So many questions wait for the thread.
const TRACK_MAIL_MAX: usize = 1_024;
