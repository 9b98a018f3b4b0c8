//! The list of notifications: a reader of the feed that writes what the API pages through. Asked
//! before each page, so the page is never behind the feed.

use std::sync::{Mutex, PoisonError};

use super::error::NotificationsError;
use super::feed_reader::{Feed, FeedBody, FeedEvent};
use crate::domain::time::Time;
use crate::storage::catalog::Catalog;
use crate::storage::catalog::notifications::{
    ListedNotification, NewNotification, NotificationSpan,
};

/// The list and its cursor.
pub struct Notifications {
    catalog: Mutex<Catalog>,
    feed: Feed,
}

impl Notifications {
    /// A list over its own connection.
    #[must_use]
    pub const fn new(catalog: Catalog, feed: Feed) -> Self {
        Self { catalog: Mutex::new(catalog), feed }
    }

    /// Lists everything that the feed holds by now.
    ///
    /// # Errors
    /// The feed or the catalog cannot be read or written.
    pub fn catch_up(&self) -> Result<(), NotificationsError> {
        let mut catalog = self.catalog.lock().unwrap_or_else(PoisonError::into_inner);
        let head = self.feed.head();
        let mut cursor = catalog.notifications_cursor()?;
        while cursor < head {
            let page = self.feed.read(cursor, PAGE_EVENTS_MAX)?;
            let next = page.gap.map_or(page.next, |gap| page.next.max(gap.first_available - 1));
            if next <= cursor {
                break;
            }
            let new: Vec<_> = page.events.iter().filter_map(listed).collect();
            catalog.list_notifications(&new, next)?;
            cursor = next;
        }
        Ok(())
    }

    /// A page of what is listed.
    ///
    /// # Errors
    /// The catalog cannot be read.
    pub fn listed(
        &self,
        span: &NotificationSpan,
    ) -> Result<Vec<ListedNotification>, NotificationsError> {
        let catalog = self.catalog.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(catalog.notifications(span)?)
    }
}

fn listed(event: &FeedEvent) -> Option<NewNotification> {
    let FeedBody::Notification { notification, id, time } = &event.body else { return None };
    Some(NewNotification {
        place: event.position,
        company: u64::from(event.company.0),
        id: *id,
        time_ms: time.ms(),
        kind: notification.kind.name(),
        order: notification.order.0,
        route: notification.route.0,
        eta_ms: notification.eta.map(Time::ms),
    })
}

/// Events read at once: keeps each transaction short.
const PAGE_EVENTS_MAX: usize = 1_000;
