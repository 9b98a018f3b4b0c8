//! Admission: all writes of documents and tokens pass one thread. It validates each request
//! against the documents as its last accepted command left them, draws ids, commits the whole
//! request as one journal frame whose note holds the changed documents, waits for the sync, writes
//! the catalog and answers. What the journal holds and the catalog does not is redone at the start.

mod attach;
mod callbacks;
mod draft;
mod effects;
mod erase;
mod merge;
mod overlaps;
mod plans;
mod present;
mod quarantine;
mod replanned;
mod request;
mod rules;
mod store;
mod tokens;
mod version;
mod work;

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use tokio::runtime::Handle;
use tokio::sync::{oneshot, watch};

pub use self::attach::CHANGES;
pub use self::merge::{CREATED, DELIVERY, DEPOT, NODES, PLACED, STATUS_CHANGES, TRACKER};
pub use self::plans::{
    OrderTimes, Pickup, company_eta_type, company_zone, depot_zone, order_times, pickup,
    stored_route_plan,
};
pub use self::request::{
    Accepted, Attachment, Callback, Item, Mode, Refusal, Request, Target, View,
};
pub use self::rules::route::orders_of;
pub use self::version::{Condition, version};
use self::work::Work;
use super::access::{Access, Grant, Role};
use super::clock::Clock;
use super::commands::{Commands, Note};
use super::error::AdmissionError;
use super::fault::Fault;
use super::labels::Labels;
use super::readers::Readers;
use super::retainers::Boundary;
use super::room::Room;
use super::views::Views;
use crate::domain::ids::OrderId;
use crate::domain::order::{Initiator, OrderStatus};
use crate::storage::catalog::Catalog;
use crate::storage::catalog::change::{Kind, decode};

/// The catalog while the journal is being recovered: hand [`Self::redo`] to
/// [`super::node::Node::start`] as `on_note`, then [`Admission::start`].
#[derive(Debug)]
pub struct Recovery {
    catalog: Catalog,
    directory: PathBuf,
    applied: u64,
    redone: u64,
    failed: Option<AdmissionError>,
}

impl Recovery {
    /// Opens the catalog of a data directory.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn open(directory: &Path) -> Result<Self, AdmissionError> {
        Self::on(Catalog::open(directory)?, directory)
    }

    /// The same with a catalog that is open; readers open that of the directory.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn on(catalog: Catalog, directory: &Path) -> Result<Self, AdmissionError> {
        let applied = catalog.applied()?;
        Ok(Self { catalog, directory: directory.to_owned(), applied, redone: 0, failed: None })
    }

    /// Redoes a command that the journal holds and the catalog may not.
    #[expect(clippy::needless_pass_by_value, reason = "recovery gives its notes away")]
    pub fn redo(&mut self, note: Note) {
        if note.journal_place <= self.applied || self.failed.is_some() {
            return;
        }
        if note.journal_place > self.applied + 1 {
            let (applied, journal) = (self.applied, note.journal_place);
            self.failed = Some(AdmissionError::Behind { applied, journal });
            return;
        }
        let redone = decode(&note.bytes)
            .and_then(|changes| self.catalog.apply(note.journal_place, &changes));
        match redone {
            Ok(()) => {
                self.applied = note.journal_place;
                self.redone += 1;
            }
            Err(error) => self.failed = Some(error.into()),
        }
    }

    /// What is asked before segments of the journal are dropped: whether the catalog of a data
    /// directory holds all their commands, durably.
    pub fn retainer(directory: &Path) -> impl FnMut(Boundary) -> bool + Send + 'static {
        let directory = directory.to_owned();
        move |boundary| {
            // A catalog that cannot be asked holds the segments back, and fails elsewhere.
            let catalog = Catalog::open(&directory);
            catalog.and_then(|catalog| catalog.make_durable(boundary.command)).unwrap_or(false)
        }
    }

    /// How many commands were redone.
    #[must_use]
    pub const fn redone(&self) -> u64 {
        self.redone
    }
}

/// What admission works with, taken from a node.
pub struct Surroundings {
    /// The way into the journal.
    pub commands: Commands,
    /// The present state.
    pub views: Views,
    /// What fails when the catalog does.
    pub fault: Fault,
    /// The clock.
    pub clock: Clock,
    /// The table of tokens, filled at the start and kept up to date.
    pub access: Arc<Access>,
    /// The runtime on which views are asked.
    pub runtime: Handle,
}

/// The way in for writes. Cheap to clone; the thread ends when the last clone is gone.
#[derive(Clone, Debug)]
pub struct Admission {
    queue: SyncSender<Job>,
    thread: Arc<Mutex<Option<JoinHandle<()>>>>,
    readers: Readers,
    labels: Arc<Labels>,
    applied: watch::Receiver<u64>,
    room: Arc<Room>,
}

impl Admission {
    /// Starts the thread on a recovered catalog.
    ///
    /// # Errors
    /// Recovery failed, the catalog cannot be read, or a thread cannot be started.
    pub fn start(recovery: Recovery, around: Surroundings) -> Result<Self, AdmissionError> {
        let runtime = around.runtime.clone();
        let (admission, mut worker) = Self::assemble(recovery, around)?;
        let thread = std::thread::Builder::new()
            .name("admission".to_owned())
            .spawn(move || worker.run(&runtime))?;
        *admission.thread.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread);
        Ok(admission)
    }

    /// The way in and the work behind it, without a thread: whoever has the worker says when it
    /// works.
    ///
    /// # Errors
    /// Recovery failed, or the catalog cannot be read.
    pub fn assemble(
        recovery: Recovery,
        around: Surroundings,
    ) -> Result<(Self, Worker), AdmissionError> {
        if let Some(error) = recovery.failed {
            return Err(error);
        }
        let (applied, journal) = (recovery.applied, around.commands.last_place());
        if applied > journal {
            return Err(AdmissionError::Ahead { applied, journal });
        }
        if applied < journal {
            return Err(AdmissionError::Behind { applied, journal: journal + 1 });
        }
        let (queue, jobs) = sync_channel(QUEUE_MAX);
        let readers = Readers::new(recovery.directory.into());
        let labels = Arc::new(Labels::of(readers.clone(), around.clock.clone()));
        let (sender, applied) = watch::channel(applied);
        let room = Arc::clone(around.commands.room());
        let work = Work::new(recovery.catalog, around, Arc::clone(&labels), sender)?;
        let thread = Arc::default();
        Ok((Self { queue, thread, readers, labels, applied, room }, Worker { work, jobs }))
    }

    /// Asks for a change. It is durable and readable when it is accepted.
    ///
    /// # Errors
    /// It is refused, and nothing of it is stored; or the daemon is stopping.
    pub async fn ask(&self, request: Request) -> Result<Accepted, Refusal> {
        self.ask_if(request, None).await
    }

    /// Asks for a change that holds only under a condition.
    ///
    /// # Errors
    /// As [`Self::ask`], or the condition does not hold.
    pub async fn ask_if(
        &self,
        request: Request,
        condition: Option<Condition>,
    ) -> Result<Accepted, Refusal> {
        let receiver = self.send(request, condition)?;
        receiver.await.map_err(|_| stopped())?
    }

    /// Sets the status of an order for a session: a device's only on its own courier's routes.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub async fn set_status(
        &self,
        grant: &Grant,
        order: OrderId,
        status: OrderStatus,
        comment: Option<String>,
    ) -> Result<(), Refusal> {
        let initiator = match grant.role {
            Role::Device => Initiator::App,
            Role::Admin | Role::Backend => Initiator::UserApi,
            Role::Gateway | Role::Subscriber | Role::Read | Role::Location => {
                return Err(Refusal::Forbidden);
            }
        };
        let (company, courier) = (grant.company, grant.courier);
        let request = Request::SetStatus { company, order, courier, status, initiator, comment };
        self.ask(request).await.map(drop)
    }

    /// Asks on a plain thread. Panics inside an asynchronous task.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub fn ask_blocking(&self, request: Request) -> Result<Accepted, Refusal> {
        let receiver = self.send(request, None)?;
        receiver.blocking_recv().map_err(|_| stopped())?
    }

    /// Connections that read what was accepted.
    #[must_use]
    pub fn readers(&self) -> Readers {
        self.readers.clone()
    }

    /// What events are told with beside what the engine says.
    #[must_use]
    pub fn labels(&self) -> Arc<Labels> {
        Arc::clone(&self.labels)
    }

    /// Follows the journal place of the last command that is in the catalog. It closes when
    /// admission has stopped.
    #[must_use]
    pub fn applied(&self) -> watch::Receiver<u64> {
        self.applied.clone()
    }

    /// Makes company 1 with its admin token, if there is no company yet. Blocks.
    ///
    /// # Errors
    /// The catalog cannot be read, or admission has stopped.
    pub fn first_start(&self) -> Result<Option<Accepted>, Refusal> {
        let last = self.readers().read(|catalog| catalog.last_id(Kind::Company));
        match last {
            Ok(0) => self.ask_blocking(Request::CreateCompany { item: Item::new() }).map(Some),
            Ok(_) => Ok(None),
            Err(error) => Err(Refusal::Stopped(error.to_string())),
        }
    }

    /// Ends the thread once it has answered what is waiting, if this is the last clone.
    pub fn stop(self) {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(self.queue);
        if let Some(thread) = thread
            && Arc::strong_count(&self.thread) == 1
        {
            // A panic there has been reported already, and answered nobody.
            let _ = thread.join();
        }
    }

    fn send(
        &self,
        request: Request,
        condition: Option<Condition>,
    ) -> Result<oneshot::Receiver<Answer>, Refusal> {
        if self.room.is_full() {
            // What waits for the thread would wait for room.
            return Err(Refusal::DiskFull);
        }
        let (reply, receiver) = oneshot::channel();
        self.queue.try_send(Job { request, condition, reply }).map_err(|error| match error {
            TrySendError::Full(_) => Refusal::Busy,
            TrySendError::Disconnected(_) => stopped(),
        })?;
        Ok(receiver)
    }
}

type Answer = Result<Accepted, Refusal>;

#[derive(Debug)]
struct Job {
    request: Request,
    condition: Option<Condition>,
    reply: oneshot::Sender<Answer>,
}

/// Admission's work: one request after the other.
pub struct Worker {
    work: Work,
    jobs: Receiver<Job>,
}

impl Worker {
    /// Works until the last way in is gone.
    fn run(&mut self, runtime: &Handle) {
        while let Ok(job) = self.jobs.recv() {
            runtime.block_on(self.answer(job));
        }
    }

    /// Answers the request that has waited longest; `false`: none waits. Must be polled within a
    /// tokio runtime that has a timer.
    pub async fn next(&mut self) -> bool {
        let Ok(job) = self.jobs.try_recv() else { return false };
        self.answer(job).await;
        true
    }

    /// The documents as the last accepted request left them.
    #[must_use]
    pub const fn catalog(&mut self) -> &mut Catalog {
        &mut self.work.catalog
    }

    async fn answer(&mut self, job: Job) {
        let answer = self.work.answer(&job.request, job.condition.as_ref()).await;
        // Who has gone away wants no answer; what was accepted stands.
        let _ = job.reply.send(answer);
    }
}

fn stopped() -> Refusal {
    Refusal::Stopped("admission has stopped".to_owned())
}

/// Requests that wait for the thread.
const QUEUE_MAX: usize = 1_024;
/// Objects in one request.
pub const BATCH_MAX: usize = 1_000;
