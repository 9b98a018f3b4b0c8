//! Turns outputs, in journal order, into events of the feed: gives each its position, its company,
//! its place in its order's chain, and notifications their number and time (behaviour 7). A pure
//! function of the journal, the same live and in recovery.

use std::collections::BTreeMap;

use super::directory::Directory;
use super::order_chain::OrderChain;
use crate::domain::ids::CompanyId;
use crate::domain::time::Time;
use crate::engine::output::{DropReason, Output, OutputBody, Outputs};
use crate::storage::error::StorageError;
use crate::storage::feed_event::{FeedBody, FeedEvent};
use crate::storage::feed_log::FeedLog;
use crate::storage::manifest::Notified;

/// Where the feed stands.
#[derive(Debug, Default)]
pub struct FeedWriter {
    position: u64,
    notified: BTreeMap<CompanyId, Notified>,
    events: Vec<FeedEvent>,
    quarantined: u64,
}

impl FeedWriter {
    /// A writer that goes on after a position.
    #[must_use]
    pub fn after(position: u64, notified: &[(CompanyId, Notified)]) -> Self {
        Self { position, notified: notified.iter().copied().collect(), ..Self::default() }
    }

    /// The last notification of every company.
    #[must_use]
    pub fn notified(&self) -> Vec<(CompanyId, Notified)> {
        self.notified.iter().map(|(&company, &notified)| (company, notified)).collect()
    }

    /// Position of the last event.
    #[must_use]
    pub const fn position(&self) -> u64 {
        self.position
    }

    /// Adds what one step told.
    pub fn tell(&mut self, told: &Outputs, directory: &Directory, chain: &OrderChain) {
        self.tell_after(0, told, directory, chain);
    }

    /// Adds what one step told, but for its first few events.
    pub fn tell_after(
        &mut self,
        first: usize,
        told: &Outputs,
        directory: &Directory,
        chain: &OrderChain,
    ) {
        let directory = directory.open();
        let mut chain = chain.open();
        let mut before = first;
        for output in told.list() {
            if before > 0 && !output.is_dropped() {
                before -= 1;
                continue;
            }
            // Every courier that tells something has been put, so there is a company.
            let company = directory.company(output.courier).unwrap_or(CompanyId(0));
            let (body, previous) = match output.body {
                OutputBody::Dropped { reason, .. } => {
                    self.quarantined += u64::from(reason == DropReason::Quarantined);
                    continue;
                }
                OutputBody::Event(event) => {
                    (FeedBody::Event(event), chain.follow(event.order, self.position + 1))
                }
                OutputBody::Notification(notification) => {
                    let Notified { id, time } = self.notify(company, output.recorded_at);
                    (FeedBody::Notification { notification, id, time }, None)
                }
                OutputBody::Eta { change, orders } => {
                    let orders = told.order_etas(orders).to_vec();
                    (FeedBody::Eta { change, orders }, None)
                }
                OutputBody::RouteViolated { route, t } => {
                    (FeedBody::RouteViolated { route, t }, None)
                }
            };
            self.push(output, company, previous, body);
        }
    }

    /// Adds an event as it was told before, at the position where it was.
    pub fn keep(&mut self, event: FeedEvent, chain: &OrderChain) {
        self.position = event.position;
        match &event.body {
            FeedBody::Event(told) => {
                chain.open().follow(told.order, event.position);
            }
            FeedBody::Notification { id, time, .. } => {
                self.notified.insert(event.company, Notified { id: *id, time: *time });
            }
            FeedBody::Eta { .. } | FeedBody::RouteViolated { .. } => {}
        }
        self.events.push(event);
    }

    /// Appends what was told to the log, and gives the head.
    ///
    /// # Errors
    /// The disk fails.
    pub fn flush(&mut self, log: &FeedLog) -> Result<u64, StorageError> {
        log.append(&self.events)?;
        self.events.clear();
        Ok(self.position)
    }

    /// How many events wait for [`Self::flush`].
    #[must_use]
    pub const fn waiting(&self) -> usize {
        self.events.len()
    }

    /// How many positions of quarantined couriers passed since this was asked last.
    pub const fn take_quarantined(&mut self) -> u64 {
        core::mem::replace(&mut self.quarantined, 0)
    }

    fn push(&mut self, output: &Output, company: CompanyId, previous: Option<u64>, body: FeedBody) {
        self.position += 1;
        self.events.push(FeedEvent {
            position: self.position,
            id: output.id,
            courier: output.courier,
            company,
            recorded_at: output.recorded_at,
            backfilled: output.backfilled,
            previous,
            body,
        });
    }

    fn notify(&mut self, company: CompanyId, recorded_at: Time) -> Notified {
        let first = Notified { id: 0, time: recorded_at };
        let last = self.notified.entry(company).or_insert(first);
        *last = Notified { id: last.id + 1, time: last.time.max(recorded_at) };
        *last
    }
}
