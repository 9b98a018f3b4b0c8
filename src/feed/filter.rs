//! Which events a subscriber wants to hear. Every list that is given must hold the event.

use std::collections::BTreeSet;

use super::cloud_event::{TYPES, event_type};
use super::error::FeedError;
use super::names::Names;
use crate::domain::ids::{CompanyId, OrderId, RouteId};
use crate::runtime::feed_reader::{FeedBody, FeedEvent};

/// A company's events, or some of them; `None`: all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// The company: others' events are never told.
    pub company: CompanyId,
    /// By type.
    pub types: Option<BTreeSet<String>>,
    /// By courier.
    pub courier_ids: Option<BTreeSet<u64>>,
    /// By route.
    pub route_ids: Option<BTreeSet<u64>>,
    /// By order; an ETA change passes if it is about one of them.
    pub order_ids: Option<BTreeSet<u64>>,
    /// By the depot of the event's route.
    pub depot_ids: Option<BTreeSet<u64>>,
}

impl Filter {
    /// Everything of a company.
    #[must_use]
    pub const fn all(company: CompanyId) -> Self {
        Self {
            company,
            types: None,
            courier_ids: None,
            route_ids: None,
            order_ids: None,
            depot_ids: None,
        }
    }

    /// The types of these names: whole, as in `doorstep.order.arrival.v1`, or short, as in
    /// `order.arrival`.
    ///
    /// # Errors
    /// The first name that is no type's.
    pub fn types_of<'a>(
        names: impl IntoIterator<Item = &'a str>,
    ) -> Result<BTreeSet<String>, FeedError> {
        let names = names.into_iter().map(|name| {
            let is_named = |kind: &&&str| **kind == name || short(kind) == name;
            let found = TYPES.iter().find(is_named);
            found.map(|kind| (*kind).to_owned()).ok_or_else(|| FeedError::Type(name.to_owned()))
        });
        names.collect()
    }

    /// Refuses types that no event has.
    ///
    /// # Errors
    /// The first such type.
    pub fn check(&self) -> Result<(), FeedError> {
        let mut types = self.types.iter().flatten();
        match types.find(|name| !TYPES.contains(&name.as_str())) {
            Some(unknown) => Err(FeedError::Type(unknown.clone())),
            None => Ok(()),
        }
    }

    /// Whether the event is told.
    #[must_use]
    pub fn passes(&self, event: &FeedEvent, names: &Names) -> bool {
        let route = route_of(&event.body);
        event.company == self.company
            && self.types.as_ref().is_none_or(|types| types.contains(event_type(&event.body)))
            && holds(self.courier_ids.as_ref(), u64::from(event.courier.0))
            && holds(self.route_ids.as_ref(), route.0)
            && self.order_ids.as_ref().is_none_or(|ids| is_about(&event.body, ids))
            && self.depot_ids.as_ref().is_none_or(|ids| {
                (names.depot)(route).is_some_and(|depot| ids.contains(&u64::from(depot.0)))
            })
    }
}

/// A type without what all types share.
fn short(kind: &str) -> &str {
    let bare = kind.strip_prefix("doorstep.").and_then(|kind| kind.strip_suffix(".v1"));
    bare.unwrap_or(kind)
}

fn holds(ids: Option<&BTreeSet<u64>>, id: u64) -> bool {
    ids.is_none_or(|ids| ids.contains(&id))
}

/// The route an event happened on.
#[must_use]
pub const fn route_of(body: &FeedBody) -> RouteId {
    match body {
        FeedBody::Event(event) => event.route,
        FeedBody::Notification { notification, .. } => notification.route,
        FeedBody::Eta { change, .. } => change.route,
        FeedBody::RouteViolated { route, .. } => *route,
    }
}

fn is_about(body: &FeedBody, ids: &BTreeSet<u64>) -> bool {
    let holds = |order: OrderId| ids.contains(&order.0);
    match body {
        FeedBody::Event(event) => holds(event.order),
        FeedBody::Notification { notification, .. } => holds(notification.order),
        FeedBody::Eta { orders, .. } => orders.iter().any(|eta| holds(eta.order)),
        FeedBody::RouteViolated { .. } => false,
    }
}
