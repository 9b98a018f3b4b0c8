//! What every request is served from, and how the daemon puts it together.

use std::sync::Arc;

use super::native::metrics::Metrics;
use crate::domain::ids::{DepotId, OrderId, RouteId};
use crate::feed::names::Names;
use crate::runtime::access::Access;
use crate::runtime::admission::{Admission, DEPOT};
use crate::runtime::clock::Clock;
use crate::runtime::counters::Counters;
use crate::runtime::fault::Fault;
use crate::runtime::feed_reader::Feed;
use crate::runtime::intake::Intake;
use crate::runtime::notifications::Notifications;
use crate::runtime::readers::Readers;
use crate::runtime::views::Views;
use crate::storage::catalog::change::Kind;
use crate::storage::catalog::error::CatalogError;

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
    /// The present state.
    pub views: Views,
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
    pub(super) clock: Clock,
    pub(super) fault: Fault,
    pub(super) names: Arc<Names>,
    pub(super) site: Site,
    pub(super) readers: Readers,
    pub(super) notifications: Notifications,
    pub(super) metrics: Metrics,
}

impl Api {
    /// Puts it together.
    ///
    /// # Errors
    /// The catalog cannot be opened.
    pub fn new(parts: ApiParts) -> Result<Self, CatalogError> {
        let readers = parts.admission.readers();
        let metrics = Metrics::new(parts.feed.clone(), parts.intake.clone(), parts.counters);
        Ok(Self {
            notifications: Notifications::new(readers.open()?, parts.feed.clone()),
            metrics,
            readers,
            admission: parts.admission,
            access: parts.access,
            intake: parts.intake,
            feed: parts.feed,
            views: parts.views,
            clock: parts.clock,
            fault: parts.fault,
            names: parts.names,
            site: parts.site,
        })
    }
}

/// The look-ups that events need, for the API and for QUIC subscribers.
#[must_use]
pub fn names(readers: &Readers) -> Names {
    let (orders, routes) = (readers.clone(), readers.clone());
    // What cannot be read is unknown: the event is told all the same.
    let order_number = move |id: OrderId| orders.order_number(id);
    let depot = move |id: RouteId| {
        let route = routes.read(|catalog| catalog.document_ever(Kind::Route, id.0)).ok()??;
        let depot = route.field(DEPOT)?.as_u64()?;
        Some(DepotId(depot as u32))
    };
    Names { order_number: Box::new(order_number), depot: Box::new(depot) }
}
