//! The one task behind callbacks: what it waits for, and what it keeps in memory, which is nothing
//! that a crash may not take.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::sleep;

use super::sender::Sent;
use crate::api::error::Problem;
use crate::api::state::Api;
use crate::domain::time::Time;
use crate::storage::catalog::Catalog;
use crate::storage::catalog::change::StoredCallback;
use crate::storage::catalog::error::CatalogError;

/// Makes and sends callbacks until the API stops or the node fails.
pub async fn run(api: Arc<Api>) {
    let (mut stopping, mut fault) = (api.stopping.subscribe(), api.fault.watch());
    let worker = async {
        loop {
            let Err(_) = Worker::run(Arc::clone(&api)).await else { return };
            // What failed is tried again from what is kept.
            api.metrics.called_back("interrupted", 1);
            sleep(AGAIN).await;
        }
    };
    tokio::select! {
        () = worker => {}
        _ = stopping.wait_for(|stopping| *stopping) => {}
        _ = fault.wait_for(|failed| *failed) => {}
    }
}

/// What the task works with.
pub(super) struct Worker {
    pub(super) api: Arc<Api>,
    pub(super) catalog: Catalog,
    /// Who wants callbacks, by company.
    pub(super) wanted: BTreeMap<u64, Arc<StoredCallback>>,
    /// The time of the last of the API's writes that was read.
    pub(super) written_until: Time,
    pub(super) posts: JoinSet<Sent>,
    /// The company and the order of each post.
    pub(super) under_way: BTreeMap<Id, (u64, u64)>,
    applied: watch::Receiver<u64>,
}

impl Worker {
    /// Returns when admission has stopped.
    async fn run(api: Arc<Api>) -> Result<(), Problem> {
        let mut worker = Self {
            catalog: api.readers.open()?,
            wanted: BTreeMap::new(),
            written_until: Time::from_ms(0),
            posts: JoinSet::new(),
            under_way: BTreeMap::new(),
            applied: api.admission.applied(),
            api,
        };
        worker.learn()?;
        if worker.wanted.is_empty() {
            worker.skip()?;
        }
        loop {
            while worker.make().await? {
                worker.dispatch()?;
            }
            worker.dispatch()?;
            if !worker.wait().await? {
                return Ok(());
            }
        }
    }

    /// Reads who wants callbacks. What is written after it wakes the task again.
    fn learn(&mut self) -> Result<(), CatalogError> {
        self.applied.borrow_and_update();
        let wanted = self.catalog.callbacks()?.into_iter();
        self.wanted = wanted.map(|wanted| (wanted.company, Arc::new(wanted))).collect();
        Ok(())
    }

    /// Waits for something to do; false: there will be nothing more.
    async fn wait(&mut self) -> Result<bool, Problem> {
        let is_idle = self.wanted.is_empty();
        let cursor = self.catalog.callback_cursor()?.feed;
        let waits = !is_idle && self.catalog.callback_line(None)?.waiting > 0;
        let feed = self.api.feed.clone();
        tokio::select! {
            Some(done) = self.posts.join_next_with_id() => self.done(done)?,
            changed = self.applied.changed() => {
                if changed.is_err() {
                    return Ok(false);
                }
                self.learn()?;
            }
            beyond = feed.wait_beyond(cursor), if !is_idle => {
                if beyond.is_none() {
                    return Ok(false);
                }
                // A busy feed is read in batches at our own pace.
                sleep(PACE).await;
            }
            () = sleep(if waits { DUE_EACH } else { IDLE_EACH }) => {
                if is_idle {
                    self.skip()?;
                }
            }
        }
        Ok(true)
    }

    fn done(&mut self, done: Result<(Id, Sent), JoinError>) -> Result<(), CatalogError> {
        match done {
            Ok((id, sent)) => {
                self.under_way.remove(&id);
                self.settle(&sent)
            }
            // A panic there has been reported already.
            Err(error) => {
                self.under_way.remove(&error.id());
                Ok(())
            }
        }
    }
}

/// After a failure of the catalog or a busy shard the task begins again so much later.
const AGAIN: Duration = Duration::from_secs(1);
/// Between two readings of a feed that moves.
const PACE: Duration = Duration::from_millis(20);
/// Between two looks at what is due.
const DUE_EACH: Duration = Duration::from_millis(200);
/// Between two looks while nothing waits.
const IDLE_EACH: Duration = Duration::from_secs(60);
