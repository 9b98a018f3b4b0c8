//! The list of notifications as the API pages through it: engine-made rows, written by a reader of
//! the feed with its cursor in the same transaction, so that they can be redone at any time.

use rusqlite::{Connection, OptionalExtension, params};

use super::error::CatalogError;
use super::{Catalog, set_counter, sql, unsql};

/// A notification from the feed that is to be listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewNotification {
    /// Its place in the feed.
    pub place: u64,
    /// The company that owns the order.
    pub company: u64,
    /// Its number among the company's notifications, from 1.
    pub id: u64,
    /// Unix milliseconds; never steps back within a company.
    pub time_ms: i64,
    /// `shift_start` or `nearby`.
    pub kind: &'static str,
    /// The order.
    pub order: u64,
    /// Its route.
    pub route: u64,
    /// The ETA then, Unix milliseconds.
    pub eta_ms: Option<i64>,
}

/// A listed notification with what its order and route are called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedNotification {
    /// Its number among the company's notifications, from 1.
    pub id: u64,
    /// `shift_start` or `nearby`.
    pub kind: String,
    /// Unix milliseconds; never steps back within a company.
    pub time_ms: i64,
    /// The ETA then, Unix milliseconds.
    pub eta_ms: Option<i64>,
    /// The order.
    pub order: u64,
    /// The order's number.
    pub order_number: String,
    /// The route.
    pub route: u64,
    /// The route's number.
    pub route_number: String,
    /// The company that owns the order.
    pub company: u64,
}

/// Which notifications are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotificationSpan {
    /// The company that asks: it sees those of its own and of shared orders.
    pub company: u64,
    /// First instant, Unix milliseconds.
    pub from_ms: i64,
    /// First instant no more wanted, Unix milliseconds.
    pub to_ms: i64,
    /// How many to skip.
    pub skipped: u64,
    /// How many at most.
    pub page_max: u64,
}

impl Catalog {
    /// How far the feed has been listed.
    ///
    /// # Errors
    /// The database refused.
    pub fn notifications_cursor(&self) -> Result<u64, CatalogError> {
        self.counter(CURSOR)
    }

    /// Lists what the feed holds up to `cursor`. What is listed already stays as it is.
    ///
    /// # Errors
    /// The database refused.
    pub fn list_notifications(
        &mut self,
        new: &[NewNotification],
        cursor: u64,
    ) -> Result<(), CatalogError> {
        let transaction = self.connection.transaction()?;
        for notification in new {
            list(&transaction, notification)?;
        }
        set_counter(&transaction, CURSOR, cursor)?;
        transaction.commit()?;
        Ok(())
    }

    /// When the customer of an order was first told of something, Unix milliseconds.
    ///
    /// # Errors
    /// The database refused.
    pub fn first_notified(&self, order: u64, kind: &str) -> Result<Option<i64>, CatalogError> {
        let query = "SELECT time_ms FROM notifications WHERE order_id = ?1 AND kind = ?2
            ORDER BY place LIMIT 1";
        let mut statement = self.connection.prepare_cached(query)?;
        Ok(statement.query_row(params![sql(order), kind], |row| row.get(0)).optional()?)
    }

    /// A page of notifications in the order of the feed.
    ///
    /// # Errors
    /// The database refused.
    pub fn notifications(
        &self,
        span: &NotificationSpan,
    ) -> Result<Vec<ListedNotification>, CatalogError> {
        let query = "SELECT n.id, n.kind, n.time_ms, n.eta_ms, n.order_id, o.number, n.route_id,
                r.number, n.company
            FROM notifications n
            LEFT JOIN orders o ON o.id = n.order_id LEFT JOIN routes r ON r.id = n.route_id
            WHERE n.time_ms >= ?2 AND n.time_ms < ?3 AND (n.company = ?1 OR EXISTS (
                SELECT 1 FROM shares s WHERE s.company = ?1 AND s.order_id = n.order_id))
            ORDER BY n.place LIMIT ?5 OFFSET ?4";
        let values = params![
            sql(span.company),
            span.from_ms,
            span.to_ms,
            sql(span.skipped),
            sql(span.page_max)
        ];
        let mut statement = self.connection.prepare_cached(query)?;
        let rows = statement.query_map(values, |row| {
            Ok(ListedNotification {
                id: unsql(row.get(0)?),
                kind: row.get(1)?,
                time_ms: row.get(2)?,
                eta_ms: row.get(3)?,
                order: unsql(row.get(4)?),
                order_number: row.get::<_, Option<String>>(5)?.unwrap_or_default(),
                route: unsql(row.get(6)?),
                route_number: row.get::<_, Option<String>>(7)?.unwrap_or_default(),
                company: unsql(row.get(8)?),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

fn list(connection: &Connection, new: &NewNotification) -> Result<(), CatalogError> {
    let query = "INSERT OR IGNORE INTO notifications
         (place, company, id, time_ms, kind, order_id, route_id, eta_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    connection.prepare_cached(query)?.execute(params![
        sql(new.place),
        sql(new.company),
        sql(new.id),
        new.time_ms,
        new.kind,
        sql(new.order),
        sql(new.route),
        new.eta_ms,
    ])?;
    Ok(())
}

const CURSOR: &str = "notifications_cursor";
