//! Makes callbacks: follows the feed and the API's own writes, in the order of their times, and
//! tells of a delivery when what is told has changed. Cursor and callbacks are kept together, so a
//! crash loses none, and what is made again has the same identity.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::worker::Worker;
use crate::api::deliveries::view::{self, Moment};
use crate::api::error::Problem;
use crate::domain::event::EventKind;
use crate::domain::notification::NotificationKind;
use crate::domain::time::Time;
use crate::runtime::admission::{DELIVERY, depot_zone};
use crate::runtime::feed_reader::{FeedBody, FeedEvent};
use crate::runtime::local_time::with_offset;
use crate::storage::catalog::callbacks::{CallbackCursor, NewCallback};
use crate::storage::catalog::change::{DeliveryWrite, Document, Kind};
use crate::storage::catalog::error::CatalogError;

/// Something that may have changed a delivery.
struct News {
    company: u64,
    order: u64,
    /// The identity of the callback, if one comes of it.
    event: String,
    is_new: bool,
    at: Time,
    moment: Moment,
}

impl Worker {
    /// Makes the callbacks of one page; true: there is more to read.
    pub(super) async fn make(&mut self) -> Result<bool, Problem> {
        if self.wanted.is_empty() {
            return Ok(false);
        }
        let cursor = self.catalog.callback_cursor()?;
        let head = self.api.feed.head();
        let page = self.api.feed.read(cursor.feed, PAGE_MAX)?;
        let read = page.gap.map_or(page.next, |gap| page.next.max(gap.first_available - 1));
        let is_last = read >= head || page.events.is_empty();
        let writes = self.catalog.delivery_writes(cursor.write, PAGE_MAX as u64)?;
        let end = page.events.last().map(|event| event.recorded_at.ms()).filter(|_| !is_last);
        let is_due = |write: &DeliveryWrite| end.is_none_or(|end| write.at_ms <= end);
        let mut writes = writes.into_iter().filter(|(_, write)| is_due(write)).peekable();
        let (mut news, mut last_write) = (Vec::new(), cursor.write);
        for event in &page.events {
            while let Some((id, write)) =
                writes.next_if(|(_, write)| write.at_ms <= event.recorded_at.ms())
            {
                last_write = id;
                news.extend(self.of_write(&write));
            }
            news.extend(self.of_event(event));
        }
        for (id, write) in writes {
            last_write = id;
            news.extend(self.of_write(&write));
        }
        let mut told = BTreeMap::new();
        let mut made = Vec::new();
        for news in news {
            if let Some(callback) = self.callback(&news, &told).await? {
                told.insert(callback.order, callback.digest);
                made.push(callback);
            }
        }
        let cursor = CallbackCursor { feed: read.max(cursor.feed), write: last_write };
        let gone = self.catalog.queue_callbacks(&made, cursor, LINE_MAX)?;
        self.api.metrics.called_back("given_up", gone);
        Ok(!is_last)
    }

    /// Nobody wants callbacks: what happened meanwhile is not read later.
    pub(super) fn skip(&mut self) -> Result<(), CatalogError> {
        let (feed, cursor) = (self.api.feed.head(), self.catalog.callback_cursor()?);
        if feed > cursor.feed {
            self.catalog.queue_callbacks(&[], CallbackCursor { feed, ..cursor }, LINE_MAX)?;
        }
        Ok(())
    }

    fn of_write(&mut self, write: &DeliveryWrite) -> Option<News> {
        let at = Time::from_ms(write.at_ms);
        self.written_until = self.written_until.max(at);
        self.wanted.contains_key(&write.company).then(|| News {
            company: write.company,
            order: write.order,
            event: format!("w-{}-{}", write.place, write.order),
            is_new: write.is_new,
            at,
            moment: Moment { until: at, position: None },
        })
    }

    fn of_event(&self, event: &FeedEvent) -> Option<News> {
        let company = u64::from(event.company.0);
        let wanted = self.wanted.get(&company)?;
        let is_old = self.api.clock.now() - event.recorded_at > AGE_MS_MAX;
        if event.recorded_at.ms() < wanted.created_ms || is_old {
            return None;
        }
        let (order, at) = match &event.body {
            FeedBody::Event(told) => match &told.kind {
                EventKind::OrderCreated
                | EventKind::Start
                | EventKind::OrderBecameNext
                | EventKind::Arrival(_)
                | EventKind::Departure { .. }
                | EventKind::StatusUpdate { .. } => (told.order, event.recorded_at),
                EventKind::IntervalUpdate { .. } | EventKind::OrderVisit(_) => return None,
            },
            FeedBody::Notification { notification, time, .. } => match notification.kind {
                NotificationKind::Nearby(_) => (notification.order, *time),
                NotificationKind::ShiftStart => return None,
            },
            FeedBody::Eta { .. } | FeedBody::RouteViolated { .. } => return None,
        };
        // A write that was told already is not taken back by what came before it.
        let until = at.max(self.written_until);
        let moment = Moment { until, position: Some(event.position) };
        Some(News {
            company,
            order: order.0,
            event: event.id.to_string(),
            is_new: false,
            at,
            moment,
        })
    }

    /// The callback of some news; `None`: nothing of it is to be told.
    async fn callback(
        &mut self,
        news: &News,
        told: &BTreeMap<u64, [u8; 32]>,
    ) -> Result<Option<NewCallback>, Problem> {
        let Some((order, location)) = self.delivery(news)? else { return Ok(None) };
        let state = view::rendered_at(&self.api, &order, &location, news.moment).await?;
        let digest = digest(&order, &state);
        let last = match told.get(&news.order) {
            Some(last) => Some(*last),
            None => self.catalog.told_delivery(news.order)?,
        };
        if last == Some(digest) && !news.is_new {
            return Ok(None);
        }
        let zone = depot_zone(&self.catalog, &location)?;
        let body = json!({
            "id": news.event,
            "resource_type": "delivery",
            "event_type": if news.is_new { "create" } else { "update" },
            "created_at": with_offset(news.at, &zone),
            "location_id": state["location_id"],
            "order_id": state["order_id"],
            "new_state": state,
        });
        Ok(Some(NewCallback {
            company: news.company,
            order: news.order,
            event: news.event.clone(),
            body: body.to_string(),
            digest,
            made_ms: self.api.retry_clock.now().ms(),
        }))
    }

    /// The order and its delivery's location; `None`: there is no delivery.
    fn delivery(&self, news: &News) -> Result<Option<(Document, Document)>, Problem> {
        let order = self.catalog.document(Kind::Order, news.order)?;
        let order = order.filter(|order| order.company == news.company);
        let location = order.as_ref().and_then(|order| order.field(DELIVERY)?.get(view::LOCATION));
        let Some(location) = location.and_then(Value::as_u64) else { return Ok(None) };
        Ok(order.zip(self.catalog.document_ever(Kind::Depot, location)?))
    }
}

/// Stands for what is told: what the engine says all the time counts only where it was set by hand.
fn digest(order: &Document, state: &Value) -> [u8; 32] {
    let mut state = state.clone();
    for key in ["estimated_dropoff_at", "driver_latitude", "driver_longitude"] {
        if order.field(DELIVERY).is_none_or(|kept| kept.get(key).is_none()) {
            state[key] = Value::Null;
        }
    }
    Sha256::digest(state.to_string()).into()
}

/// Events read at once: keeps each transaction short.
const PAGE_MAX: usize = 200;
/// What happened longer ago is not told any more, and what was not taken for so long is given up.
pub(super) const AGE_MS_MAX: i64 = 86_400_000;
/// Callbacks that wait for one company; beyond them the oldest go.
pub(super) const LINE_MAX: u64 = 10_000;
