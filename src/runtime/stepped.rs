//! A node without threads: whoever holds it says which part works next, and nothing happens
//! otherwise. The same shards and the same committer as in [`super::node::Node`], one turn at a
//! time; a turn that would block cannot be taken. Simulations run it.

use std::sync::Arc;
use std::sync::mpsc::sync_channel;

use crossbeam_channel::Receiver;

use super::clock::Clock;
use super::commands::{Commands, Note};
use super::counters::Counts;
use super::error::RuntimeError;
use super::fault::Fault;
use super::feed_reader::Feed;
use super::intake::Intake;
use super::mailbox::{Mail, Weight};
use super::message::Message;
use super::node::{Around, NodeSettings, Parts, RecoveryReport, ShardLine, Shared, TravelFactory};
use super::retainers::Retainers;
use super::room::Wait;
use super::rounds::Wanted;
use super::shard::Stepping;
use super::snapshot_writer::{SnapshotWriterThread, ToWriter};
use super::tracks::{Keeping, Swept, TrackMail, TrackWriter, Tracks};
use super::views::Views;
use crate::storage::disk::Disk;
use crate::storage::spare::Spare;

/// The node. Its handles are those of any other.
///
/// Order of calls: any; [`Self::end`] puts an end into every mailbox, and after it the turns of
/// all parts lead to [`Self::has_ended`].
pub struct SteppedNode {
    shared: Arc<Shared>,
    report: RecoveryReport,
    shards: Vec<SteppedShard>,
    committer: super::committer::Committer,
    committer_has_ended: bool,
    track_writer: TrackWriter,
    track_mail: Receiver<TrackMail>,
    snapshot_writer: SnapshotWriterThread,
    pictures: Receiver<ToWriter>,
    spare: Arc<Spare>,
}

struct SteppedShard {
    line: ShardLine,
    stepping: Stepping,
    has_ended: bool,
}

impl SteppedNode {
    /// Recovers what the disk holds, and hands every committed note to `on_note` in order. What a
    /// write does that finds no room on the disk, `on_full` says; who may hold segments of the
    /// journal back, `retainers`. A shard takes at most `TURN_MAIL_MAX` things in one turn, and
    /// pictures of about `TURN_PICTURE_BYTES`.
    ///
    /// # Errors
    /// As [`super::node::Node::start`].
    pub fn start(
        settings: &NodeSettings,
        disk: &Arc<dyn Disk>,
        clock: Clock,
        travel: &TravelFactory,
        retainers: Retainers,
        on_note: &mut dyn FnMut(Note),
        on_full: &dyn Fn() -> Box<Wait>,
    ) -> Result<Self, RuntimeError> {
        let wait = |_: &Fault| on_full();
        let around = Around { retainers, ..Around::default() };
        let parts = Parts::recover(settings, disk, clock, travel, around, on_note, &wait)?;
        let Parts { shared, report, shards, committer, track_writer, track_mail, .. } = parts;
        let (mut snapshot_writer, pictures) = (parts.snapshot_writer, parts.pictures);
        // Nobody else works while it waits.
        snapshot_writer.holder_tries = 0;
        let stepped = |mut line: ShardLine| {
            line.shard.batch_mail_max = TURN_MAIL_MAX;
            line.shard.camera.part_bytes = TURN_PICTURE_BYTES;
            SteppedShard { line, stepping: Stepping::default(), has_ended: false }
        };
        let shards = shards.into_iter().map(stepped).collect();
        Ok(Self {
            shared,
            report,
            shards,
            committer,
            committer_has_ended: false,
            track_writer,
            track_mail,
            snapshot_writer,
            pictures,
            spare: parts.spare,
        })
    }

    /// How many shards there are.
    #[must_use]
    pub const fn shards(&self) -> usize {
        self.shards.len()
    }

    /// Whether something waits in front of a shard, or a picture is to be taken.
    #[must_use]
    pub fn shard_has_work(&self, shard: usize) -> bool {
        let SteppedShard { line, has_ended, .. } = &self.shards[shard];
        let has_mail = !line.inbox.is_empty();
        !has_ended && (has_mail || line.shard.camera.may_take(&self.shared.rounds))
    }

    /// Whether a shard can take a turn, which may hand on several messages, without waiting for
    /// room behind it.
    #[must_use]
    pub fn shard_has_room(&self, shard: usize) -> bool {
        self.shards[shard].line.outbox.has_room(TURN_MESSAGES_MAX)
    }

    /// One turn of a shard: what is there, or its deadlines. A panic fails the node, as that of a
    /// thread does.
    pub fn step_shard(&mut self, shard: usize) {
        let number = shard;
        let SteppedShard { line: ShardLine { shard, inbox, outbox }, stepping, has_ended } =
            &mut self.shards[shard];
        if *has_ended {
            return;
        }
        let first = inbox.next();
        match shard.turn(first, inbox, outbox, stepping) {
            Ok(is_on) => *has_ended = !is_on,
            Err(_) => {
                *has_ended = true;
                self.shared.fault.fail(format!("shard-{number} panicked"));
            }
        }
        if *has_ended {
            // Nobody takes it once the committer has failed.
            outbox.offer(Message::End);
        }
    }

    /// Whether there is anything for the committer to do.
    #[must_use]
    pub fn committer_has_work(&self) -> bool {
        let is_last = !self.committer_has_ended && self.committer.has_ended();
        is_last || !self.shared.fault.has_failed() && self.committer.has_work()
    }

    /// One turn of the committer. An error fails the node, as that of the thread does.
    pub fn step_committer(&mut self) {
        if self.shared.fault.has_failed() || self.committer_has_ended {
            return;
        }
        let is_last = self.committer.has_ended();
        let done = if is_last { self.committer.end() } else { self.committer.turn() };
        self.committer_has_ended = is_last;
        if let Err(error) = done {
            self.shared.fault.fail(error.to_string());
        }
    }

    /// One turn of the writer of tracks; its last, once the committer has ended. An error fails
    /// the node, as that of the thread does.
    pub fn step_tracks(&mut self) {
        if self.shared.fault.has_failed() {
            return;
        }
        let done = if self.committer_has_ended {
            self.track_writer.end()
        } else {
            self.track_writer.turn(self.track_mail.try_recv().ok())
        };
        if let Err(error) = done {
            self.shared.fault.fail(error.to_string());
        }
    }

    /// Asks for a snapshot; `is_alone`: beside which nothing older stays. `false`: the node takes
    /// nothing more, or has no room. Where a round is under way, none begins.
    #[must_use]
    pub fn ask_for_snapshot(&self, is_alone: bool) -> bool {
        let mailbox = &self.shared.mailboxes[0];
        // Nobody listens to which round it is.
        let (reply, _) = sync_channel(1);
        mailbox.reserve(Weight::Others(1))
            && mailbox.put(Mail::Snapshot(Wanted { is_alone, reply }))
    }

    /// Asks for a sweep of what companies keep no more; `false`: too much waits for the writer of
    /// tracks.
    #[must_use]
    pub fn ask_for_sweep(&self, keeping: Keeping) -> bool {
        // Nobody listens to what it changed.
        self.tracks().sweep(Swept::Old(keeping)).is_ok()
    }

    /// Whether pictures wait for the writer of snapshots.
    #[must_use]
    pub fn snapshots_have_work(&self) -> bool {
        !self.pictures.is_empty()
    }

    /// One turn of the writer of snapshots, if pictures have come.
    pub fn step_snapshots(&mut self) {
        if let Ok(message) = self.pictures.try_recv() {
            self.snapshot_writer.turn(message);
        }
    }

    /// Whether the journal wants its next segment made.
    #[must_use]
    pub fn spare_has_work(&self) -> bool {
        self.spare.is_wanted()
    }

    /// Makes the journal's next segment, if it is wanted. What fails there is the journal's to meet.
    pub fn step_spare(&self) {
        let _ = self.spare.make();
    }

    /// Takes nothing more, and tells the shards that nothing more will come.
    pub fn end(&self) {
        self.shared.fault.end();
        for mailbox in &self.shared.mailboxes {
            // A shard that is gone needs not be told.
            let _ = mailbox.put(Mail::Stop);
        }
    }

    /// Whether everything is worked off and synced.
    #[must_use]
    pub const fn has_ended(&self) -> bool {
        self.committer_has_ended
    }

    /// The way in for positions.
    #[must_use]
    pub fn intake(&self) -> Intake {
        Intake::new(Arc::clone(&self.shared))
    }

    /// The way in for commands.
    #[must_use]
    pub fn commands(&self) -> Commands {
        Commands::new(Arc::clone(&self.shared))
    }

    /// The feed.
    #[must_use]
    pub fn feed(&self) -> Feed {
        Feed::new(Arc::clone(&self.shared))
    }

    /// The present state.
    #[must_use]
    pub fn views(&self) -> Views {
        Views::new(Arc::clone(&self.shared))
    }

    /// Where couriers were.
    #[must_use]
    pub fn tracks(&self) -> Tracks {
        Tracks::new(Arc::clone(&self.shared))
    }

    /// Whether and of what the node has failed.
    #[must_use]
    pub fn fault(&self) -> Fault {
        self.shared.fault.clone()
    }

    /// What the node has done since it started.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.shared.counters.counts()
    }

    /// What recovery found.
    #[must_use]
    pub const fn recovered(&self) -> &RecoveryReport {
        &self.report
    }
}

/// A shard pictures so many bytes in one turn, about: some of its partitions.
const TURN_PICTURE_BYTES: usize = 4 << 10;
/// Most things of one turn of a shard.
const TURN_MAIL_MAX: usize = 8;
/// Most messages of one turn: two for each command, one for the deadlines after them, and one for
/// the last picture of a round.
const TURN_MESSAGES_MAX: usize = 2 * TURN_MAIL_MAX + 2;
