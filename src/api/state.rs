//! What every request is served from, and how the daemon puts it together.

use std::sync::Arc;

use axum::http::{Method, StatusCode};
use serde_json::json;
use tokio::sync::{Semaphore, watch};

use super::body::body_room;
use super::error::Problem;
use super::idempotency::InFlight;
use super::limits::Limits;
use super::native::metrics::Metrics;
use super::quotas::Quotas;
use super::streams::Streams;
use crate::domain::ids::OrderId;
use crate::domain::time::Time;
use crate::feed::cloud_event::iso;
use crate::feed::names::Names;
use crate::feed::outbound::Outbound;
use crate::feed::press::Press;
use crate::runtime::access::{Access, Grant, TokenId};
use crate::runtime::admission::{Admission, Refusal};
use crate::runtime::clock::Clock;
use crate::runtime::counters::Counters;
use crate::runtime::erasure::Erasure;
use crate::runtime::error::ErasureError;
use crate::runtime::fault::Fault;
use crate::runtime::feed_reader::Feed;
use crate::runtime::intake::Intake;
use crate::runtime::labels::Labels;
use crate::runtime::notifications::Notifications;
use crate::runtime::readers::Readers;
use crate::runtime::rounds::Snapshots;
use crate::runtime::tracks::Tracks;
use crate::runtime::views::Views;
use crate::storage::audit_log::AuditLog;
use crate::storage::catalog::error::CatalogError;
use crate::storage::ledger::Ledger;

/// The handles that the daemon hands over.
pub struct ApiParts {
    /// The way in for writes.
    pub admission: Admission,
    /// Who may come in.
    pub access: Arc<Access>,
    /// The way in for positions.
    pub intake: Intake,
    /// The feed.
    pub feed: Feed,
    /// What writes its events for readers.
    pub press: Arc<Press>,
    /// The present state.
    pub views: Views,
    /// Where couriers were.
    pub tracks: Tracks,
    /// The snapshots.
    pub snapshots: Snapshots,
    /// The clock.
    pub clock: Clock,
    /// Whether the node has failed.
    pub fault: Fault,
    /// What the node counts.
    pub counters: Arc<Counters>,
    /// Look-ups into the documents: see [`names`].
    pub names: Arc<Names>,
    /// What the outside sees of the daemon.
    pub site: Site,
    /// What one client may take.
    pub limits: Limits,
    /// Where writes are noted.
    pub audit: AuditLog,
    /// What is remembered beside the documents.
    pub ledger: Ledger,
    /// What sends callbacks.
    pub outbound: Outbound,
    /// The clock by which callbacks are sent again.
    pub retry_clock: Clock,
}

/// What the outside sees of the daemon.
#[derive(Clone, Debug, Default)]
pub struct Site {
    /// Where the pages of customers are found, without a slash at the end.
    pub public_url: String,
    /// Where devices connect; `None`: nowhere.
    pub quic: Option<QuicAddress>,
}

/// Where devices connect.
#[derive(Clone, Debug)]
pub struct QuicAddress {
    /// Host and port.
    pub address: String,
    /// SHA-256 of the certificate, in hexadecimal.
    pub fingerprint: String,
}

/// What every request is served from.
pub struct Api {
    pub(super) admission: Admission,
    pub(super) access: Arc<Access>,
    pub(super) intake: Intake,
    pub(super) feed: Feed,
    pub(super) views: Views,
    pub(super) tracks: Tracks,
    pub(super) snapshots: Snapshots,
    pub(super) clock: Clock,
    pub(super) fault: Fault,
    pub(super) names: Arc<Names>,
    pub(super) site: Site,
    pub(super) readers: Readers,
    pub(super) notifications: Notifications,
    pub(super) metrics: Metrics,
    pub(super) press: Arc<Press>,
    pub(super) streams: Streams,
    pub(super) quotas: Quotas,
    pub(super) bodies: Semaphore,
    pub(super) limits: Limits,
    pub(super) audit: AuditLog,
    pub(super) ledger: Ledger,
    pub(super) outbound: Outbound,
    pub(super) retry_clock: Clock,
    pub(super) in_flight: InFlight,
    pub(super) stopping: watch::Sender<bool>,
}

impl Api {
    /// Puts it together.
    ///
    /// # Errors
    /// The catalog cannot be opened.
    pub fn new(parts: ApiParts) -> Result<Self, CatalogError> {
        let readers = parts.admission.readers();
        let metrics = Metrics::new(parts.feed.clone(), parts.intake.clone(), parts.counters);
        for (token, at_ms) in parts.ledger.uses()? {
            parts.access.used(TokenId(token), Time::from_ms(at_ms));
        }
        Ok(Self {
            press: parts.press,
            streams: Streams::new(parts.limits.streams_max),
            quotas: Quotas::new(parts.limits.requests_max),
            bodies: body_room(),
            stopping: watch::Sender::new(false),
            limits: parts.limits,
            audit: parts.audit,
            ledger: parts.ledger,
            outbound: parts.outbound,
            retry_clock: parts.retry_clock,
            in_flight: InFlight::default(),
            notifications: Notifications::new(readers.open()?, parts.feed.clone()),
            metrics,
            readers,
            admission: parts.admission,
            access: parts.access,
            intake: parts.intake,
            feed: parts.feed,
            views: parts.views,
            tracks: parts.tracks,
            snapshots: parts.snapshots,
            clock: parts.clock,
            fault: parts.fault,
            names: parts.names,
            site: parts.site,
        })
    }

    /// Notes a write: who, what, when and what came of it. Ids only, no word of its content.
    pub(super) fn audit(&self, grant: &Grant, method: &Method, path: &str, status: u16) {
        self.note(grant, method.as_str(), path, status);
    }

    fn note(&self, grant: &Grant, method: &str, path: &str, status: u16) {
        let line = json!({
            "time": iso(self.clock.now()), "token_id": grant.token.0,
            "company_id": grant.company.0, "role": grant.role.name(),
            "method": method, "path": path, "status": status,
        });
        if self.audit.append(&line.to_string()).is_err() {
            self.metrics.unaudited();
        }
    }

    /// Notes a status that was set over QUIC, in the form of a request by HTTP.
    pub fn audit_status(&self, grant: &Grant, order: OrderId, answer: &Result<(), Refusal>) {
        let status = match answer {
            Ok(()) => StatusCode::OK,
            Err(refusal) => Problem::from(refusal.clone()).status(),
        };
        let (method, path) = ("QUIC", format!("/orders/{}/status", order.0));
        self.note(grant, method, &path, status.as_u16());
    }

    /// Keeps when tokens were used. Blocks.
    pub(super) fn note_uses(&self) {
        let uses = self.access.uses().into_iter();
        let uses: Vec<_> = uses.map(|(token, at)| (token.0, at.ms())).collect();
        // It is told again a minute later.
        let _ = self.ledger.note_uses(&uses);
    }

    /// Those who take part in an erasure.
    pub(super) const fn erasure(&self) -> Erasure<'_> {
        Erasure {
            admission: &self.admission,
            feed: &self.feed,
            tracks: &self.tracks,
            snapshots: &self.snapshots,
            ledger: &self.ledger,
        }
    }

    /// Finishes every erasure that a crash broke off. Blocks.
    ///
    /// # Errors
    /// A step failed: it is tried again at the next start.
    pub fn finish_erasures(&self) -> Result<(), ErasureError> {
        self.erasure().finish_open_blocking()
    }

    /// Ends the streams of events and lets [`super::server::serve`] return.
    pub fn stop(&self) {
        self.stopping.send_replace(true);
    }
}

/// The look-ups that events need, for the API and for QUIC subscribers.
#[must_use]
pub fn names(labels: &Arc<Labels>) -> Names {
    let (numbers, depots) = (Arc::clone(labels), Arc::clone(labels));
    Names {
        order_number: Box::new(move |order| numbers.order_number(order)),
        depot: Box::new(move |route| depots.depot(route)),
    }
}
