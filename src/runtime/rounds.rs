//! Rounds of snapshots: which one has begun, how each ended, and the way to ask for one. The
//! committer begins them, shards take the pictures of their partitions, the snapshot writer ends
//! them.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::error::SnapshotError;
use super::mailbox::{Mail, Weight};
use super::node::Shared;

/// What shards, committer and snapshot writer know of the rounds.
#[derive(Debug, Default)]
pub struct Rounds {
    begun: AtomicU64,
    /// Nothing has to be spared any more: the node stops.
    is_hurried: AtomicBool,
    /// The round under way is not worth finishing.
    is_given_up: AtomicBool,
    /// Bytes journalled since the last round began.
    journalled: AtomicU64,
    ended: Mutex<Option<Ended>>,
    has_ended: Condvar,
}

/// How the last round ended.
#[derive(Clone, Debug)]
struct Ended {
    round: u64,
    outcome: Result<(), SnapshotError>,
}

/// Somebody wants a round now, and is told its number; `None`: one is under way.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Nothing older may be left when it is done.
    pub is_alone: bool,
    /// Whom to tell.
    pub reply: SyncSender<Option<u64>>,
}

impl Rounds {
    /// Rounds after those that there were before, and what was journalled since.
    #[must_use]
    pub fn after(round: u64, journalled: u64) -> Self {
        let ended = Some(Ended { round, outcome: Ok(()) });
        Self {
            begun: round.into(),
            journalled: journalled.into(),
            ended: Mutex::new(ended),
            ..Self::default()
        }
    }

    /// The last round that has begun; 0: none.
    #[must_use]
    pub fn begun(&self) -> u64 {
        self.begun.load(Ordering::Acquire)
    }

    /// Whether a round has begun and not ended.
    #[must_use]
    pub fn is_under_way(&self) -> bool {
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        ended.as_ref().is_some_and(|ended| ended.round < self.begun())
    }

    /// A round begins, unless one is under way. Whoever sees it pictures a state that holds all
    /// that the caller has journalled so far.
    #[must_use]
    pub fn begin(&self) -> Option<u64> {
        if self.is_under_way() {
            return None;
        }
        let begun = self.begun();
        self.journalled.store(0, Ordering::Relaxed);
        self.begun.store(begun + 1, Ordering::Release);
        Some(begun + 1)
    }

    /// A round has ended.
    pub fn end(&self, round: u64, outcome: Result<(), SnapshotError>) {
        *self.ended.lock().unwrap_or_else(PoisonError::into_inner) = Some(Ended { round, outcome });
        self.has_ended.notify_all();
    }

    /// Waits for the end of a round for so long at most.
    ///
    /// # Errors
    /// It failed, or did not end in time.
    pub fn wait(&self, round: u64, ms_max: u64) -> Result<(), SnapshotError> {
        let until = Instant::now() + Duration::from_millis(ms_max);
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(ended) = ended.as_ref().filter(|ended| ended.round >= round) {
                return ended.outcome.clone();
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(SnapshotError::Late);
            }
            let waited = self.has_ended.wait_timeout(ended, left);
            ended = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// So many bytes were journalled; gives all since the last round began.
    pub fn journalled(&self, bytes: u64) -> u64 {
        self.journalled.fetch_add(bytes, Ordering::Relaxed) + bytes
    }

    /// The node stops: no pause between pictures.
    pub fn hurry(&self) {
        self.is_hurried.store(true, Ordering::Relaxed);
    }

    /// Whether no pause is made between pictures.
    #[must_use]
    pub fn is_hurried(&self) -> bool {
        self.is_hurried.load(Ordering::Relaxed)
    }

    /// Nobody waits for the round under way any more.
    pub fn give_up(&self) {
        self.is_given_up.store(true, Ordering::Relaxed);
    }

    /// Whether nobody waits for the round under way any more.
    #[must_use]
    pub fn is_given_up(&self) -> bool {
        self.is_given_up.load(Ordering::Relaxed)
    }
}

/// The way to ask for a snapshot. Cheap to clone.
#[derive(Clone)]
pub struct Snapshots {
    shared: Arc<Shared>,
}

impl Snapshots {
    pub(super) const fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Takes a snapshot of everything that was committed before the call, and waits until it is
    /// durable. What older snapshots need stays. Blocks the thread.
    ///
    /// # Errors
    /// The disk fails or is full, or the node has stopped. Asking again is harmless.
    pub fn take(&self) -> Result<(), SnapshotError> {
        self.begin_and_wait(false)
    }

    /// Takes a snapshot of everything that was committed before the call. When it is done the
    /// snapshot is durable, and no older one is left, nor any journal segment with a frame from
    /// before: what was deleted by a command is then in none of them. Blocks the thread for as long
    /// as the disk takes: a second for every million couriers or so.
    ///
    /// # Errors
    /// The disk fails or is full, somebody holds journal segments back, or the node has stopped.
    /// Asking again is harmless.
    pub fn force(&self) -> Result<(), SnapshotError> {
        self.begin_and_wait(true)
    }

    fn begin_and_wait(&self, is_alone: bool) -> Result<(), SnapshotError> {
        for _ in 0..TRIES_MAX {
            match self.ask(is_alone)? {
                Some(round) => return self.shared.rounds.wait(round, FORCED_MS_MAX),
                // However that one ends, the next can begin.
                None => drop(self.shared.rounds.wait(self.shared.rounds.begun(), FORCED_MS_MAX)),
            }
        }
        Err(SnapshotError::Late)
    }

    /// Begins a snapshot, if none is under way. Nobody waits for it.
    pub(super) fn begin(&self) {
        // Without it the next start replays more.
        let _ = self.ask(false);
    }

    /// Takes a snapshot as the node stops, if it takes no longer than so.
    pub(super) fn last(&self, ms_max: u64) {
        let rounds = &self.shared.rounds;
        rounds.hurry();
        let round = match self.ask(false) {
            Ok(round) => round.unwrap_or_else(|| rounds.begun()),
            Err(_) => return,
        };
        // Without it the next start replays more.
        if rounds.wait(round, ms_max).is_err() {
            rounds.give_up();
        }
    }

    fn ask(&self, is_alone: bool) -> Result<Option<u64>, SnapshotError> {
        let mailbox = &self.shared.mailboxes[0];
        if self.shared.fault.has_failed() {
            return Err(SnapshotError::Stopped);
        }
        if !mailbox.reserve(Weight::Others(1)) {
            return Err(SnapshotError::Busy);
        }
        let (reply, answer) = std::sync::mpsc::sync_channel(1);
        if !mailbox.put(Mail::Snapshot(Wanted { is_alone, reply })) {
            return Err(SnapshotError::Stopped);
        }
        answer.recv().map_err(|_| SnapshotError::Stopped)
    }
}

/// Another round may be in the way so often.
const TRIES_MAX: usize = 8;
/// So long a snapshot that was asked for may take.
const FORCED_MS_MAX: u64 = 600_000;
