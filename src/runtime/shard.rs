//! A shard: the one thread that owns some partitions and their engine. It takes a batch from its
//! mailbox, steps it, and hands what came of it to the committer; between batches it answers
//! questions and steps deadlines that the clock has passed.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::RecvTimeoutError;

use super::clock::Clock;
use super::intake::{PartDone, Refused, SentFix, partitions_of};
use super::mailbox::{CommandsMail, Inbox, Mail, PositionsMail};
use super::message::{Batch, Message, Part, Waiting};
use super::node::Shared;
use super::outbox::Outbox;
use super::partition::{Fact, Partitions};
use super::picture::{Camera, Sitter, Taken};
use super::seen::Seen;
use crate::domain::ids::PartitionId;
use crate::domain::time::Time;
use crate::engine::Engine;
use crate::engine::input::InputBody;
use crate::engine::output::{DropReason, OutputBody, Outputs};
use crate::storage::codec::input::{ChunkWriter, SentBy};
use crate::storage::disk::Disk;
use crate::storage::panic_notes::{PanicNote, PanicNotes};

/// A shard as recovery left it.
pub struct Shard {
    /// The engine of its partitions.
    pub engine: Engine,
    /// Their stamps; others' are not used.
    pub partitions: Partitions,
    /// What they have seen of senders.
    pub seen: Seen,
    /// Which shard it is, of how many.
    pub place: (usize, usize),
    /// The clock.
    pub clock: Clock,
    /// A chunk is full at so many bytes.
    pub chunk_bytes_max: usize,
    /// Where panics are noted.
    pub disk: Arc<dyn Disk>,
    /// Most things of one batch.
    pub batch_mail_max: usize,
    /// When it last looked at all deadlines. Real time, however fast the clock runs.
    pub woke_at: Duration,
    /// It is behind with what it has to do: ETAs that are only to be refreshed wait.
    pub sheds_eta: bool,
    /// Takes its pictures for snapshots.
    pub camera: Camera,
    /// What all threads of the node know.
    pub shared: Arc<Shared>,
}

/// What is being stepped.
#[derive(Default)]
pub struct Stepping {
    chunk: ChunkWriter,
    told: Outputs,
    done: Vec<Waiting>,
}

impl Stepping {
    /// An empty one with room for as much as this one holds: one batch is much like the next.
    fn sibling(&self) -> Self {
        Self {
            chunk: ChunkWriter::with_capacity(self.chunk.len()),
            told: self.told.sibling(),
            done: Vec::with_capacity(self.done.len()),
        }
    }
}

impl Shard {
    /// Works until it is told to stop, or nobody takes what it has done.
    pub fn run(mut self, inbox: &Inbox, outbox: &Outbox) {
        let mut stepping = Stepping::default();
        loop {
            let wake = Duration::from_millis(WAKE_MS);
            let patience = self.camera.patience(&self.shared.rounds, &self.clock);
            let mail = inbox.wait(patience.map_or(wake, |short| short.min(wake)));
            let is_on = match mail {
                Ok(first) => self.turn(Some(first), inbox, outbox, &mut stepping),
                Err(RecvTimeoutError::Timeout) => self.turn(None, inbox, outbox, &mut stepping),
                Err(RecvTimeoutError::Disconnected) => Ok(false),
            };
            match is_on {
                Ok(true) => {}
                Ok(false) => break,
                // Nothing of the batch is handed on: it is neither journalled nor acknowledged.
                Err(panic) => resume_unwind(panic),
            }
        }
        // The committer may be gone already.
        let _ = outbox.send(Message::End);
    }

    /// One turn of its work: what is there, from `first` on, or the deadlines where nothing came;
    /// `false`: it is over.
    ///
    /// # Errors
    /// It panicked, which is noted. It must do nothing more.
    pub fn turn(
        &mut self,
        first: Option<Mail>,
        inbox: &Inbox,
        outbox: &Outbox,
        stepping: &mut Stepping,
    ) -> Result<bool, Box<dyn Any + Send>> {
        let turn = catch_unwind(AssertUnwindSafe(|| {
            let is_on = match first {
                Some(first) => self.batch(first, inbox, outbox, stepping),
                None if self.camera.is_taking(&self.shared.rounds) => self.settle(outbox, stepping),
                None => self.wake(outbox, stepping),
            };
            is_on && self.picture(outbox)
        }));
        if turn.is_err()
            && let Some(courier) = self.engine.at_work()
        {
            // A disk that takes no note fails the node in its own way; what panicked comes again.
            let _ = PanicNotes::add(&*self.disk, PanicNote { courier, replayed: None });
        }
        turn
    }

    /// Works off what is there, up to `batch_mail_max`; `false`: it is over.
    fn batch(
        &mut self,
        first: Mail,
        inbox: &Inbox,
        outbox: &Outbox,
        stepping: &mut Stepping,
    ) -> bool {
        let mut next = Some(first);
        let mut count = 0;
        while let Some(mail) = next {
            let weight = mail.weight();
            self.sheds_eta = inbox.is_behind(weight);
            let is_on = self.mail(mail, outbox, stepping);
            inbox.done(weight);
            if !is_on {
                return false;
            }
            count += 1;
            next = if count < self.batch_mail_max { inbox.next() } else { None };
        }
        self.settle(outbox, stepping)
    }

    /// Hands on what was stepped. Under load the deadlines are looked at as often as without.
    fn settle(&mut self, outbox: &Outbox, stepping: &mut Stepping) -> bool {
        let since = self.clock.real_time().saturating_sub(self.woke_at);
        if since < Duration::from_millis(WAKE_MS) {
            return flush(stepping, outbox);
        }
        self.wake(outbox, stepping)
    }

    /// Takes the next picture for a snapshot, if there is one to take.
    fn picture(&mut self, outbox: &Outbox) -> bool {
        let Self { engine, partitions, seen, shared, clock, .. } = self;
        let sitter = Sitter { engine, partitions, seen };
        let took = match self.camera.next(&shared.rounds, clock, sitter) {
            Taken::Nothing | Taken::NotYet => return true,
            Taken::Some(took) => took,
            Taken::Last(took) => {
                if outbox.send(Message::Pictured(self.camera.round())).is_err() {
                    return false;
                }
                took
            }
        };
        shared.counters.pictured(took);
        true
    }

    fn mail(&mut self, mail: Mail, outbox: &Outbox, stepping: &mut Stepping) -> bool {
        match mail {
            Mail::Positions(mail) => {
                self.positions(mail, stepping);
                stepping.chunk.len() < self.chunk_bytes_max || flush(stepping, outbox)
            }
            Mail::Commands(mail) => {
                // Deadlines long due do not swell the command's frame.
                for (_, partition, _) in &mail.parts {
                    self.tick(*partition, mail.frame.at, stepping);
                }
                flush(stepping, outbox) && outbox.send(self.commands(mail)).is_ok()
            }
            Mail::Ask(question) => {
                question(&self.engine);
                true
            }
            Mail::Snapshot(wanted) => {
                flush(stepping, outbox) && outbox.send(Message::Snapshot(wanted)).is_ok()
            }
            Mail::Stop => {
                flush(stepping, outbox);
                false
            }
        }
    }

    /// Steps the deadlines that the clock has passed.
    fn wake(&mut self, outbox: &Outbox, stepping: &mut Stepping) -> bool {
        let now = self.clock.now();
        self.woke_at = self.clock.real_time();
        for partition in partitions_of(self.place.0, self.place.1) {
            self.tick(partition, now, stepping);
            if stepping.chunk.len() >= self.chunk_bytes_max && !flush(stepping, outbox) {
                return false;
            }
        }
        flush(stepping, outbox)
    }

    fn tick(&mut self, partition: PartitionId, now: Time, stepping: &mut Stepping) {
        let Stepping { chunk, told, .. } = stepping;
        self.partitions.tick_each(&mut self.engine, partition, now, told, |input| {
            chunk.put(input, None);
        });
    }

    /// Steps one delivery. All of it gets into one chunk: the highest number seen of a sender
    /// must never be durable without the lower ones.
    fn positions(&mut self, mail: PositionsMail, stepping: &mut Stepping) {
        let now = self.clock.now();
        let mut refused = Vec::new();
        let ticket = mail.ticket;
        // Older boots are journalled whole: what of theirs was seen is not known any more.
        let followed = ticket.filter(|ticket| ticket.number > 0);
        let by = |fix: &SentFix| {
            followed.map(|ticket| SentBy {
                sender: ticket.sender.id.0,
                boot: ticket.sender.boot,
                settles: ticket.settles,
                seq: fix.seq,
            })
        };
        let mut unseen = mail.fixes;
        unseen.retain(|(partition, fix)| {
            followed.is_none_or(|ticket| fix.seq > self.seen.highest(*partition, ticket.sender))
        });
        if self.sheds_eta {
            self.shared.counters.eta_shed(unseen.len() as u64);
        }
        for (at, (partition, fix)) in unseen.iter().enumerate() {
            self.engine.look_ahead(at, |at| {
                let fix = &unseen.get(at)?.1;
                Some((fix.courier, fix.position.point, fix.position.device_time))
            });
            self.position(*partition, now, fix, by(fix).as_ref(), stepping, &mut refused);
        }
        if let Some(ticket) = followed {
            for (partition, fix) in &unseen {
                self.seen.follow(*partition, ticket.sender, fix.seq, ticket.settles);
            }
        }
        let done = PartDone { frame: mail.frame, refused };
        stepping.done.push(Waiting { ticket: followed, done, reply: mail.reply });
    }

    fn position(
        &mut self,
        partition: PartitionId,
        now: Time,
        fix: &SentFix,
        by: Option<&SentBy>,
        stepping: &mut Stepping,
        refused: &mut Vec<Refused>,
    ) {
        let Stepping { chunk, told, .. } = stepping;
        let (courier, route) = (fix.courier, fix.route);
        let (position, sheds_eta) = (fix.position, self.sheds_eta);
        let body = InputBody::Position { courier, route, position, sheds_eta };
        let before = told.list().len();
        let fact = Fact { now, body };
        self.partitions.step_each(&mut self.engine, partition, fact, told, |input| {
            chunk.put(input, if input.body == InputBody::Tick { None } else { by });
        });
        refused.extend(told.list()[before..].iter().filter_map(|output| match output.body {
            OutputBody::Dropped { reason, .. } if is_refusal(reason) => {
                Some(Refused { seq: fix.seq, courier, reason })
            }
            OutputBody::Dropped { .. }
            | OutputBody::Event(_)
            | OutputBody::Notification(_)
            | OutputBody::Eta { .. }
            | OutputBody::RouteViolated { .. } => None,
        }));
    }

    /// Steps this shard's parts of a command frame.
    fn commands(&mut self, mail: CommandsMail) -> Message {
        let at = mail.frame.at;
        let parts = mail.parts.into_iter().map(|(place, partition, command)| {
            let (mut chunk, mut told) = (ChunkWriter::default(), Outputs::default());
            let body = InputBody::Command(Box::new(command.clone()));
            let (engine, fact) = (&mut self.engine, Fact { now: at, body });
            self.partitions.step_each(engine, partition, fact, &mut told, |input| {
                chunk.put(input, None);
            });
            Part { at: place, command, chunk: chunk.finish(), told }
        });
        let parts = parts.collect();
        Message::Command { frame: Arc::clone(&mail.frame), parts }
    }
}

/// Hands on what was stepped; `false`: the committer is gone.
fn flush(stepping: &mut Stepping, outbox: &Outbox) -> bool {
    if stepping.chunk.is_empty() && stepping.done.is_empty() {
        stepping.told.clear();
        return true;
    }
    let next = stepping.sibling();
    let Stepping { chunk, told, done } = core::mem::replace(stepping, next);
    outbox.send(Message::Batch(Batch { chunk: chunk.finish(), told, done })).is_ok()
}

/// What a sender is told of; other positions that move nothing are stored.
const fn is_refusal(reason: DropReason) -> bool {
    match reason {
        DropReason::TooOld
        | DropReason::Future
        | DropReason::UnknownCourier
        | DropReason::Route => true,
        DropReason::Source
        | DropReason::Inactive
        | DropReason::Duplicate
        | DropReason::Late
        | DropReason::Jump
        | DropReason::Quarantined => false,
    }
}

/// The clock is looked at this often where nothing comes.
const WAKE_MS: u64 = 50;
/// Most things of one batch.
pub const BATCH_MAIL_MAX: usize = 256;
