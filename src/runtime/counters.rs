//! What the node has done since it started, for the metrics.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Counts that only rise.
#[derive(Debug, Default)]
pub struct Counters {
    inputs: AtomicU64,
    groups: AtomicU64,
    syncs: AtomicU64,
    journal_bytes: AtomicU64,
    quarantined: AtomicU64,
    snapshots: AtomicU64,
    snapshots_failed: AtomicU64,
    picture_us_max: AtomicU64,
    eta_shed_positions: AtomicU64,
    sessions_refused: AtomicU64,
    frames_refused: AtomicU64,
    datagrams_dropped: AtomicU64,
}

/// The counts at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Inputs journalled: positions, commands' parts, ticks.
    pub inputs: u64,
    /// Writes of the journal, each of a group of inputs.
    pub groups: u64,
    /// Syncs of the journal.
    pub syncs: u64,
    /// Bytes written to the journal.
    pub journal_bytes: u64,
    /// Positions of quarantined couriers, stored and not evaluated.
    pub quarantined: u64,
    /// Snapshots taken.
    pub snapshots: u64,
    /// Snapshots that were given up.
    pub snapshots_failed: u64,
    /// The longest that a shard took for the picture of one partition, microseconds.
    pub picture_us_max: u64,
    /// Positions stepped without a regular evaluation of the ETA, because their shard was behind.
    pub eta_shed_positions: u64,
    /// Sessions refused because a shard was too far behind.
    pub sessions_refused: u64,
    /// Frames, and positions pushed by HTTP, refused because too much waited already.
    pub frames_refused: u64,
    /// Datagrams dropped because there was no room.
    pub datagrams_dropped: u64,
}

impl Counters {
    /// A group of so many inputs was written.
    pub fn group(&self, inputs: u64, bytes: u64) {
        self.inputs.fetch_add(inputs, Ordering::Relaxed);
        self.groups.fetch_add(1, Ordering::Relaxed);
        self.journal_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// The journal was synced so many times by now.
    pub fn synced(&self, syncs: u64) {
        self.syncs.store(syncs, Ordering::Relaxed);
    }

    /// So many positions of quarantined couriers were stored.
    pub fn quarantined(&self, positions: u64) {
        self.quarantined.fetch_add(positions, Ordering::Relaxed);
    }

    /// A snapshot was taken, or given up.
    pub fn snapshot(&self, is_taken: bool) {
        let count = if is_taken { &self.snapshots } else { &self.snapshots_failed };
        count.fetch_add(1, Ordering::Relaxed);
    }

    /// A shard stood still for the picture of a partition.
    pub fn pictured(&self, took: Duration) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.picture_us_max.fetch_max(us, Ordering::Relaxed);
    }

    /// So many positions were stepped without a regular evaluation of the ETA.
    pub fn eta_shed(&self, positions: u64) {
        self.eta_shed_positions.fetch_add(positions, Ordering::Relaxed);
    }

    /// A session was refused because of overload.
    pub fn session_refused(&self) {
        self.sessions_refused.fetch_add(1, Ordering::Relaxed);
    }

    /// A frame was refused because of overload.
    pub fn frame_refused(&self) {
        self.frames_refused.fetch_add(1, Ordering::Relaxed);
    }

    /// A datagram was dropped because of overload.
    pub fn datagram_dropped(&self) {
        self.datagrams_dropped.fetch_add(1, Ordering::Relaxed);
    }

    /// The counts.
    #[must_use]
    pub fn counts(&self) -> Counts {
        Counts {
            inputs: self.inputs.load(Ordering::Relaxed),
            groups: self.groups.load(Ordering::Relaxed),
            syncs: self.syncs.load(Ordering::Relaxed),
            journal_bytes: self.journal_bytes.load(Ordering::Relaxed),
            quarantined: self.quarantined.load(Ordering::Relaxed),
            snapshots: self.snapshots.load(Ordering::Relaxed),
            snapshots_failed: self.snapshots_failed.load(Ordering::Relaxed),
            picture_us_max: self.picture_us_max.load(Ordering::Relaxed),
            eta_shed_positions: self.eta_shed_positions.load(Ordering::Relaxed),
            sessions_refused: self.sessions_refused.load(Ordering::Relaxed),
            frames_refused: self.frames_refused.load(Ordering::Relaxed),
            datagrams_dropped: self.datagrams_dropped.load(Ordering::Relaxed),
        }
    }
}
