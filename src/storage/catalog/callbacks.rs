//! Callbacks in the catalog: where each company wants them, which deliveries the API has written,
//! what was last told of each delivery, and what waits to be sent.

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::change::{DeliveryWrite, StoredCallback};
use super::error::CatalogError;
use super::{Catalog, set_counter, sql, unsql};

/// A callback that is made and waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCallback {
    /// Whose it is.
    pub company: u64,
    /// The order of the delivery.
    pub order: u64,
    /// Its identity: the same however often it is made.
    pub event: String,
    /// The bytes to be sent, the same each time.
    pub body: String,
    /// Stands for what is told of the delivery.
    pub digest: [u8; 32],
    /// When it was made, Unix milliseconds.
    pub made_ms: i64,
}

/// A callback to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingCallback {
    /// Its place in the queue.
    pub id: u64,
    /// The order of the delivery.
    pub order: u64,
    /// The bytes to be sent.
    pub body: String,
    /// When it was made, Unix milliseconds.
    pub made_ms: i64,
    /// How often it was sent in vain.
    pub attempts: u32,
}

/// How far the makers of callbacks have read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CallbackCursor {
    /// Position in the feed.
    pub feed: u64,
    /// Number of the API's last write.
    pub write: u64,
}

/// The line of one company.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CallbackLine {
    /// How many wait.
    pub waiting: u64,
    /// When the oldest of them was made, Unix milliseconds.
    pub oldest_ms: Option<i64>,
}

impl Catalog {
    /// Where companies want their callbacks, by company.
    ///
    /// # Errors
    /// The database refused.
    pub fn callbacks(&self) -> Result<Vec<StoredCallback>, CatalogError> {
        let query = "SELECT company, url, secret, created_ms FROM callbacks ORDER BY company";
        let mut statement = self.connection.prepare_cached(query)?;
        let rows = statement.query_map([], |row| {
            Ok(StoredCallback {
                company: unsql(row.get(0)?),
                url: row.get(1)?,
                secret: row.get::<_, String>(2)?.into(),
                created_ms: row.get(3)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// How far the makers of callbacks have read.
    ///
    /// # Errors
    /// The database refused.
    pub fn callback_cursor(&self) -> Result<CallbackCursor, CatalogError> {
        Ok(CallbackCursor { feed: self.counter(FEED_CURSOR)?, write: self.counter(WRITE_CURSOR)? })
    }

    /// The API's writes of deliveries after the cursor, with their numbers.
    ///
    /// # Errors
    /// The database refused.
    pub fn delivery_writes(
        &self,
        after: u64,
        count_max: u64,
    ) -> Result<Vec<(u64, DeliveryWrite)>, CatalogError> {
        let query = "SELECT id, place, order_id, company, is_new, at_ms FROM delivery_writes
            WHERE id > ?1 ORDER BY id LIMIT ?2";
        let mut statement = self.connection.prepare_cached(query)?;
        let rows = statement.query_map(params![sql(after), sql(count_max)], |row| {
            let write = DeliveryWrite {
                place: unsql(row.get(1)?),
                order: unsql(row.get(2)?),
                company: unsql(row.get(3)?),
                is_new: row.get(4)?,
                at_ms: row.get(5)?,
            };
            Ok((unsql(row.get(0)?), write))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// What was last told of a delivery.
    ///
    /// # Errors
    /// The database refused.
    pub fn told_delivery(&self, order: u64) -> Result<Option<[u8; 32]>, CatalogError> {
        let query = "SELECT digest FROM delivery_told WHERE order_id = ?1";
        let mut statement = self.connection.prepare_cached(query)?;
        Ok(statement.query_row([sql(order)], |row| row.get(0)).optional()?)
    }

    /// Puts callbacks into the line and moves the cursor, all or none; gives how many of the oldest
    /// had to go because a company's line was longer than `line_max`.
    ///
    /// # Errors
    /// The database refused.
    pub fn queue_callbacks(
        &mut self,
        new: &[NewCallback],
        cursor: CallbackCursor,
        line_max: u64,
    ) -> Result<u64, CatalogError> {
        let transaction = self.connection.transaction()?;
        let mut gone = 0;
        for callback in new {
            queue(&transaction, callback)?;
            gone += trim(&transaction, callback.company, line_max)?;
        }
        set_counter(&transaction, FEED_CURSOR, cursor.feed)?;
        set_counter(&transaction, WRITE_CURSOR, cursor.write)?;
        transaction
            .prepare_cached("DELETE FROM delivery_writes WHERE id <= ?1")?
            .execute([sql(cursor.write)])?;
        transaction.commit()?;
        Ok(gone)
    }

    /// A company's callbacks that are due, of each delivery the first, oldest first.
    ///
    /// # Errors
    /// The database refused.
    pub fn due_callbacks(
        &self,
        company: u64,
        now_ms: i64,
        count_max: u64,
    ) -> Result<Vec<WaitingCallback>, CatalogError> {
        let query = "SELECT id, order_id, body, made_ms, attempts FROM callback_queue AS q
            WHERE company = ?1 AND next_ms <= ?2 AND NOT EXISTS (
                SELECT 1 FROM callback_queue AS e WHERE e.order_id = q.order_id AND e.id < q.id)
            ORDER BY id LIMIT ?3";
        let mut statement = self.connection.prepare_cached(query)?;
        let rows = statement.query_map(params![sql(company), now_ms, sql(count_max)], |row| {
            Ok(WaitingCallback {
                id: unsql(row.get(0)?),
                order: unsql(row.get(1)?),
                body: row.get(2)?,
                made_ms: row.get(3)?,
                attempts: row.get(4)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// A callback is out of the line: it has arrived, or is given up.
    ///
    /// # Errors
    /// The database refused.
    pub fn end_callback(&self, id: u64) -> Result<(), CatalogError> {
        let mut statement =
            self.connection.prepare_cached("DELETE FROM callback_queue WHERE id = ?1")?;
        statement.execute([sql(id)])?;
        Ok(())
    }

    /// A callback has been sent in vain and is due again later.
    ///
    /// # Errors
    /// The database refused.
    pub fn put_off_callback(&self, id: u64, next_ms: i64) -> Result<(), CatalogError> {
        let query = "UPDATE callback_queue SET attempts = attempts + 1, next_ms = ?2 WHERE id = ?1";
        self.connection.prepare_cached(query)?.execute(params![sql(id), next_ms])?;
        Ok(())
    }

    /// The line of one company, or of all.
    ///
    /// # Errors
    /// The database refused.
    pub fn callback_line(&self, company: Option<u64>) -> Result<CallbackLine, CatalogError> {
        let query = "SELECT count(*), min(made_ms) FROM callback_queue
            WHERE ?1 IS NULL OR company = ?1";
        let mut statement = self.connection.prepare_cached(query)?;
        Ok(statement.query_row([company.map(sql)], |row| {
            Ok(CallbackLine { waiting: unsql(row.get(0)?), oldest_ms: row.get(1)? })
        })?)
    }
}

/// Stores where a company wants its callbacks.
pub(super) fn put(connection: &Connection, callback: &StoredCallback) -> Result<(), CatalogError> {
    let query = "INSERT OR REPLACE INTO callbacks (company, url, secret, created_ms)
        VALUES (?1, ?2, ?3, ?4)";
    connection.prepare_cached(query)?.execute(params![
        sql(callback.company),
        callback.url,
        callback.secret.text(),
        callback.created_ms,
    ])?;
    Ok(())
}

/// A company wants none any more: what waits goes too.
pub(super) fn delete(connection: &Connection, company: u64) -> Result<(), CatalogError> {
    for table in ["callbacks", "callback_queue", "delivery_writes"] {
        let query = format!("DELETE FROM {table} WHERE company = ?1");
        connection.prepare_cached(&query)?.execute([sql(company)])?;
    }
    Ok(())
}

/// Notes a write of a delivery, if its company wants callbacks.
pub(super) fn note_write(
    connection: &Connection,
    write: &DeliveryWrite,
) -> Result<(), CatalogError> {
    let query = "INSERT INTO delivery_writes (place, order_id, company, is_new, at_ms)
        SELECT ?1, ?2, ?3, ?4, ?5 WHERE EXISTS (SELECT 1 FROM callbacks WHERE company = ?3)";
    connection.prepare_cached(query)?.execute(params![
        sql(write.place),
        sql(write.order),
        sql(write.company),
        write.is_new,
        write.at_ms,
    ])?;
    Ok(())
}

fn queue(connection: &Transaction<'_>, new: &NewCallback) -> Result<(), CatalogError> {
    let query = "INSERT OR IGNORE INTO callback_queue
         (company, order_id, event, body, made_ms, attempts, next_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, 0, ?5)";
    connection.prepare_cached(query)?.execute(params![
        sql(new.company),
        sql(new.order),
        new.event,
        new.body,
        new.made_ms,
    ])?;
    let query = "INSERT OR REPLACE INTO delivery_told (order_id, digest) VALUES (?1, ?2)";
    connection.prepare_cached(query)?.execute(params![sql(new.order), new.digest])?;
    Ok(())
}

fn trim(connection: &Transaction<'_>, company: u64, line_max: u64) -> Result<u64, CatalogError> {
    let count = "SELECT count(*) FROM callback_queue WHERE company = ?1";
    let mut count = connection.prepare_cached(count)?;
    let count: u64 = count.query_row([sql(company)], |row| row.get(0).map(unsql))?;
    if count <= line_max {
        return Ok(0);
    }
    let query = "DELETE FROM callback_queue WHERE id IN (
        SELECT id FROM callback_queue WHERE company = ?1 ORDER BY id LIMIT ?2)";
    let over = sql(count - line_max);
    Ok(connection.prepare_cached(query)?.execute(params![sql(company), over])? as u64)
}

/// The tables.
pub(super) const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS callbacks (
        company INTEGER PRIMARY KEY, url TEXT NOT NULL, secret TEXT NOT NULL,
        created_ms INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS delivery_writes (
        id INTEGER PRIMARY KEY AUTOINCREMENT, place INTEGER NOT NULL, order_id INTEGER NOT NULL,
        company INTEGER NOT NULL, is_new INTEGER NOT NULL, at_ms INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS delivery_told (
        order_id INTEGER PRIMARY KEY, digest BLOB NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS callback_queue (
        id INTEGER PRIMARY KEY AUTOINCREMENT, company INTEGER NOT NULL, order_id INTEGER NOT NULL,
        event TEXT NOT NULL UNIQUE, body TEXT NOT NULL, made_ms INTEGER NOT NULL,
        attempts INTEGER NOT NULL, next_ms INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX IF NOT EXISTS callback_queue_company ON callback_queue (company, id);
    CREATE INDEX IF NOT EXISTS callback_queue_order ON callback_queue (order_id, id);
";

const FEED_CURSOR: &str = "callbacks_feed_cursor";
const WRITE_CURSOR: &str = "callbacks_write_cursor";
