//! The catalog: documents, tokens and notifications in SQLite, which does its own input and output.
//! One writer; readers have their own connections and see what was committed. It can always be
//! redone from the journal, so it never has to sync. Knows no rule of any document.

pub mod callbacks;
pub mod change;
pub(super) mod erasures;
pub mod error;
pub mod notifications;
mod schema;
pub mod tokens;

use core::ops::Range;
use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::{Connection, OptionalExtension, Row, params};

use self::change::{Change, DeliveryWrite, Document, Kind};
use self::error::CatalogError;

/// One connection to the catalog.
///
/// Order of calls of the writer: open; read [`Self::applied`]; [`Self::apply`] each note that the
/// journal holds beyond it; then each new command's changes in the journal's order.
#[derive(Debug)]
pub struct Catalog {
    connection: Connection,
}

impl Catalog {
    /// Opens, and where it is missing makes, the catalog of a data directory.
    ///
    /// # Errors
    /// The file cannot be opened or is of another version.
    pub fn open(directory: &Path) -> Result<Self, CatalogError> {
        let path = directory.join(FILE_NAME);
        let connection = Connection::open(&path)?;
        connection.busy_timeout(std::time::Duration::from_millis(BUSY_MS_MAX))?;
        schema::prepare(&connection).map_err(|error| error.in_file(&path, REMEDY))?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
        Ok(Self { connection })
    }

    /// Opens one that only reads. It keeps few pages of its own: the system has them all.
    ///
    /// # Errors
    /// The file cannot be opened or is of another version.
    pub fn open_to_read(directory: &Path) -> Result<Self, CatalogError> {
        let catalog = Self::open(directory)?;
        catalog.connection.pragma_update(None, "cache_size", -READER_CACHE_KIB)?;
        Ok(catalog)
    }

    /// The same error, with the file and what to do if the bytes of a directory's catalog are damaged.
    #[must_use]
    pub fn damaged(error: CatalogError, directory: &Path) -> CatalogError {
        error.in_file(&directory.join(FILE_NAME), REMEDY)
    }

    /// A catalog in memory, of an image that [`Self::image`] made or an empty one: for simulations.
    ///
    /// # Errors
    /// It is no image.
    pub fn in_memory(image: &[u8]) -> Result<Self, CatalogError> {
        let mut connection = Connection::open_in_memory()?;
        if !image.is_empty() {
            connection.deserialize_read_exact("main", image, image.len(), false)?;
        }
        schema::prepare(&connection)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
        Ok(Self { connection })
    }

    /// The catalog as bytes, as its last transaction left it.
    ///
    /// # Errors
    /// The database refused.
    pub fn image(&mut self) -> Result<Vec<u8>, CatalogError> {
        Ok(self.connection.serialize("main")?.to_vec())
    }

    /// Applies the changes of the command whose journal frame is at `place`, all or none.
    ///
    /// # Errors
    /// The database refused.
    pub fn apply(&mut self, place: u64, changes: &[Change]) -> Result<(), CatalogError> {
        let transaction = self.connection.transaction()?;
        // Rows that go make room for their numbers before others take them.
        for change in changes.iter().filter(|change| matches!(change, Change::Delete(..))) {
            apply_change(&transaction, place, change)?;
        }
        for change in changes.iter().filter(|change| !matches!(change, Change::Delete(..))) {
            apply_change(&transaction, place, change)?;
        }
        raise_counters(&transaction, changes)?;
        set_counter(&transaction, APPLIED, place)?;
        transaction.commit()?;
        Ok(())
    }

    /// The journal place of the last applied command; 0: none.
    ///
    /// # Errors
    /// The database refused.
    pub fn applied(&self) -> Result<u64, CatalogError> {
        self.counter(APPLIED)
    }

    /// Whether every command up to a journal place is applied and durable: makes it so, as far as
    /// no reader is in the way.
    ///
    /// # Errors
    /// The database refused.
    pub fn make_durable(&self, place: u64) -> Result<bool, CatalogError> {
        for _ in 0..CHECKPOINTS_MAX {
            if self.applied()? < place {
                return Ok(false);
            }
            // A checkpoint syncs the log before it moves it into the file, and then the file.
            let query = "PRAGMA wal_checkpoint(PASSIVE)";
            let (is_busy, logged, moved): (bool, i64, i64) =
                self.connection
                    .query_row(query, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
            if !is_busy && logged == moved {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The last id drawn for a kind; 0: none.
    ///
    /// # Errors
    /// The database refused.
    pub fn last_id(&self, kind: Kind) -> Result<u64, CatalogError> {
        self.counter(kind.table())
    }

    /// A document that is not deleted.
    ///
    /// # Errors
    /// The database refused.
    pub fn document(&self, kind: Kind, id: u64) -> Result<Option<Document>, CatalogError> {
        self.one(kind, "id = ?1 AND deleted = 0", params![sql(id)])
    }

    /// A document, be it deleted or not.
    ///
    /// # Errors
    /// The database refused.
    pub fn document_ever(&self, kind: Kind, id: u64) -> Result<Option<Document>, CatalogError> {
        self.one(kind, "id = ?1", params![sql(id)])
    }

    /// The document of a number.
    ///
    /// # Errors
    /// The database refused.
    pub fn by_number(
        &self,
        kind: Kind,
        company: u64,
        number: &str,
    ) -> Result<Option<Document>, CatalogError> {
        let rule = "company = ?1 AND number = ?2 AND deleted = 0";
        self.one(kind, rule, params![sql(company), number])
    }

    /// The id of the document of a number.
    ///
    /// # Errors
    /// The database refused.
    pub fn id_by_number(
        &self,
        kind: Kind,
        company: u64,
        number: &str,
    ) -> Result<Option<u64>, CatalogError> {
        let query = format!(
            "SELECT id FROM {} WHERE company = ?1 AND number = ?2 AND deleted = 0",
            kind.table()
        );
        let mut statement = self.connection.prepare_cached(&query)?;
        let found = statement.query_row(params![sql(company), number], |row| row.get(0));
        Ok(found.optional()?.map(unsql))
    }

    /// The company of a number; companies' numbers are unique among all.
    ///
    /// # Errors
    /// The database refused.
    pub fn company_by_number(&self, number: &str) -> Result<Option<Document>, CatalogError> {
        self.one(Kind::Company, "number = ?1 AND deleted = 0", params![number])
    }

    /// Whether a route of the company has this courier, or this depot among its nodes or its own.
    ///
    /// # Errors
    /// The database refused.
    pub fn is_named_by_routes(
        &self,
        kind: Kind,
        company: u64,
        id: u64,
    ) -> Result<bool, CatalogError> {
        let rule = match kind {
            Kind::Courier => "parent = ?2",
            Kind::Depot => {
                "(json_extract(body, '$.depot') = ?2 OR EXISTS (SELECT 1
                    FROM json_each(body, '$.nodes')
                    WHERE json_extract(json_each.value, '$.depot') = ?2))"
            }
            Kind::Company | Kind::Route | Kind::Order => return Ok(false),
        };
        let query = format!(
            "SELECT EXISTS (SELECT 1 FROM routes WHERE company = ?1 AND deleted = 0 AND {rule})"
        );
        let mut statement = self.connection.prepare_cached(&query)?;
        Ok(statement.query_row(params![sql(company), sql(id)], |row| row.get(0))?)
    }

    /// The id and the number of every document of a kind there ever was, of a span of ids.
    ///
    /// # Errors
    /// The database refused.
    pub fn each_number_ever(
        &self,
        kind: Kind,
        ids: Range<u64>,
        mut tell: impl FnMut(u64, &str),
    ) -> Result<(), CatalogError> {
        let query = format!("SELECT id, number FROM {} WHERE id >= ?1 AND id < ?2", kind.table());
        let mut statement = self.connection.prepare_cached(&query)?;
        let mut rows = statement.query(params![sql(ids.start), sql(ids.end)])?;
        while let Some(row) = rows.next()? {
            tell(unsql(row.get(0)?), row.get_ref(1)?.as_str().unwrap_or_default());
        }
        Ok(())
    }

    /// The id and a field that holds an id, of every document of a kind there ever was that has it,
    /// of a span of ids.
    ///
    /// # Errors
    /// The database refused.
    pub fn each_field_ever(
        &self,
        kind: Kind,
        field: &str,
        ids: Range<u64>,
        mut tell: impl FnMut(u64, u64),
    ) -> Result<(), CatalogError> {
        let query = format!(
            "SELECT id, json_extract(body, '$.' || ?3) FROM {} WHERE id >= ?1 AND id < ?2",
            kind.table()
        );
        let mut statement = self.connection.prepare_cached(&query)?;
        let mut rows = statement.query(params![sql(ids.start), sql(ids.end), field])?;
        while let Some(row) = rows.next()? {
            if let Some(id) = row.get::<_, Option<i64>>(1)? {
                tell(unsql(row.get(0)?), unsql(id));
            }
        }
        Ok(())
    }

    /// Whether a company shares an order of that company, on that route, or of that route's depot.
    ///
    /// # Errors
    /// The database refused.
    pub fn shares_with(&self, kind: Kind, id: u64, sharer: u64) -> Result<bool, CatalogError> {
        let rule = match kind {
            Kind::Company => "o.company = ?2",
            Kind::Route => "o.parent = ?2",
            Kind::Depot => {
                "EXISTS (SELECT 1 FROM routes r
                    WHERE r.id = o.parent AND json_extract(r.body, '$.depot') = ?2)"
            }
            Kind::Courier | Kind::Order => return Ok(false),
        };
        let query = format!(
            "SELECT EXISTS (SELECT 1 FROM shares s JOIN orders o ON o.id = s.order_id
             WHERE s.company = ?1 AND o.deleted = 0 AND {rule})"
        );
        let mut statement = self.connection.prepare_cached(&query)?;
        Ok(statement.query_row(params![sql(sharer), sql(id)], |row| row.get(0))?)
    }

    /// The couriers whose devices fall silent while they stand.
    ///
    /// # Errors
    /// The database refused.
    pub fn silent_couriers(&self) -> Result<Vec<Document>, CatalogError> {
        let rule = "deleted = 0 AND json_extract(body, '$.silent_when_still') = 1 ORDER BY id";
        self.many(Kind::Courier, rule, params![])
    }

    /// A page of a company's documents by id: at most `page_max` after skipping `skipped`.
    ///
    /// # Errors
    /// The database refused.
    pub fn page(
        &self,
        kind: Kind,
        company: u64,
        skipped: u64,
        page_max: u64,
    ) -> Result<Vec<Document>, CatalogError> {
        let rule = "company = ?1 AND deleted = 0 ORDER BY id LIMIT ?3 OFFSET ?2";
        self.many(kind, rule, params![sql(company), sql(skipped), sql(page_max)])
    }

    /// The ids of a company's routes from a date (`YYYY-MM-DD`) on; of those that name a depot as
    /// their own, where one is given.
    ///
    /// # Errors
    /// The database refused.
    pub fn routes_since(
        &self,
        company: u64,
        date: &str,
        depot: Option<u64>,
    ) -> Result<Vec<u64>, CatalogError> {
        let query = "SELECT id FROM routes WHERE company = ?1 AND deleted = 0
            AND json_extract(body, '$.date') >= ?2
            AND (?3 IS NULL OR json_extract(body, '$.depot') = ?3) ORDER BY id";
        let mut statement = self.connection.prepare_cached(query)?;
        let values = params![sql(company), date, depot.map(sql)];
        let rows = statement.query_map(values, |row| row.get(0).map(unsql))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// A page of a company's orders that trackers stand for, of one group or of all, by id.
    ///
    /// # Errors
    /// The database refused.
    pub fn trackers(
        &self,
        company: u64,
        group: Option<&str>,
        skipped: u64,
        page_max: u64,
    ) -> Result<Vec<Document>, CatalogError> {
        let rule = "company = ?1 AND deleted = 0 AND json_extract(body, '$.tracker') IS NOT NULL
            AND (?4 IS NULL OR json_extract(body, '$.tracker.groupId') = ?4)
            ORDER BY id LIMIT ?3 OFFSET ?2";
        let values = params![sql(company), sql(skipped), sql(page_max), group];
        self.many(Kind::Order, rule, values)
    }

    /// The documents that belong to a parent, by id.
    ///
    /// # Errors
    /// The database refused.
    pub fn children(&self, kind: Kind, parent: u64) -> Result<Vec<Document>, CatalogError> {
        self.many(kind, "parent = ?1 AND deleted = 0 ORDER BY id", params![sql(parent)])
    }

    /// A counter by its name; 0 if it was never set.
    ///
    /// # Errors
    /// The database refused.
    pub fn counter(&self, name: &str) -> Result<u64, CatalogError> {
        let mut statement =
            self.connection.prepare_cached("SELECT value FROM counters WHERE name = ?1")?;
        let value: Option<i64> = statement.query_row([name], |row| row.get(0)).optional()?;
        Ok(value.map_or(0, unsql))
    }

    /// The instance's secret, in hexadecimal; `None`: not drawn yet.
    ///
    /// # Errors
    /// The database refused.
    pub fn secret(&self) -> Result<Option<String>, CatalogError> {
        let mut statement =
            self.connection.prepare_cached("SELECT value FROM secrets WHERE name = ?1")?;
        Ok(statement.query_row([SECRET], |row| row.get(0)).optional()?)
    }

    fn one(
        &self,
        kind: Kind,
        rule: &str,
        values: impl rusqlite::Params,
    ) -> Result<Option<Document>, CatalogError> {
        Ok(self.many(kind, rule, values)?.pop())
    }

    fn many(
        &self,
        kind: Kind,
        rule: &str,
        values: impl rusqlite::Params,
    ) -> Result<Vec<Document>, CatalogError> {
        let table = kind.table();
        let query = format!("SELECT id, company, number, parent, body FROM {table} WHERE {rule}");
        let mut statement = self.connection.prepare_cached(&query)?;
        let rows = statement.query_map(values, written)?;
        let mut documents = Vec::new();
        for row in rows {
            let mut document = row??;
            if kind == Kind::Order {
                document.shared_with = self.shared_with(document.id)?;
            }
            documents.push(document);
        }
        Ok(documents)
    }

    fn shared_with(&self, order: u64) -> Result<Vec<u64>, CatalogError> {
        let query = "SELECT company FROM shares WHERE order_id = ?1 ORDER BY company";
        let mut statement = self.connection.prepare_cached(query)?;
        let rows = statement.query_map([sql(order)], |row| row.get(0).map(unsql))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

fn written(row: &Row<'_>) -> rusqlite::Result<Result<Document, CatalogError>> {
    let text: String = row.get(4)?;
    let Ok(body) = serde_json::from_str(&text) else { return Ok(Err(CatalogError::Note)) };
    Ok(Ok(Document {
        id: unsql(row.get(0)?),
        company: unsql(row.get(1)?),
        number: row.get(2)?,
        parent: row.get::<_, Option<i64>>(3)?.map(unsql),
        shared_with: Vec::new(),
        body,
    }))
}

fn apply_change(connection: &Connection, place: u64, change: &Change) -> Result<(), CatalogError> {
    match change {
        Change::Put(kind, document) => put(connection, *kind, document),
        Change::Delete(kind, id) => {
            let query = format!("UPDATE {} SET deleted = 1 WHERE id = ?1", kind.table());
            connection.prepare_cached(&query)?.execute([sql(*id)])?;
            Ok(())
        }
        Change::PutToken(token) => tokens::put(connection, token),
        Change::PutSecret(secret) => {
            let query = "INSERT OR IGNORE INTO secrets (name, value) VALUES (?1, ?2)";
            connection.prepare_cached(query)?.execute(params![SECRET, secret])?;
            Ok(())
        }
        Change::EraseCourier { courier, orders } => {
            erasures::erase_courier(connection, *courier, orders)
        }
        Change::PutCallback(callback) => callbacks::put(connection, callback),
        Change::DeleteCallback(company) => callbacks::delete(connection, *company),
        Change::NoteDelivery(write) => {
            callbacks::note_write(connection, &DeliveryWrite { place, ..*write })
        }
    }
}

fn put(connection: &Connection, kind: Kind, document: &Document) -> Result<(), CatalogError> {
    let body = serde_json::to_string(&document.body).map_err(|_| CatalogError::Note)?;
    let query = format!(
        "INSERT INTO {} (id, company, number, parent, body) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (id) DO UPDATE SET number = ?3, parent = ?4, body = ?5",
        kind.table()
    );
    connection.prepare_cached(&query)?.execute(params![
        sql(document.id),
        sql(document.company),
        document.number,
        document.parent.map(sql),
        body,
    ])?;
    if kind == Kind::Order {
        let mut forget = connection.prepare_cached("DELETE FROM shares WHERE order_id = ?1")?;
        forget.execute([sql(document.id)])?;
        let mut share =
            connection.prepare_cached("INSERT INTO shares (order_id, company) VALUES (?1, ?2)")?;
        for company in &document.shared_with {
            share.execute([sql(document.id), sql(*company)])?;
        }
    }
    Ok(())
}

/// Follows the ids of the documents that were put.
fn raise_counters(connection: &Connection, changes: &[Change]) -> Result<(), CatalogError> {
    let mut last = BTreeMap::new();
    for change in changes {
        if let Change::Put(kind, document) = change {
            let last = last.entry(*kind).or_insert(document.id);
            *last = document.id.max(*last);
        }
    }
    last.into_iter().try_for_each(|(kind, id)| set_counter(connection, kind.table(), id))
}

/// Raises a counter; it never falls.
fn set_counter(connection: &Connection, name: &str, value: u64) -> Result<(), CatalogError> {
    let query = "INSERT INTO counters (name, value) VALUES (?1, ?2)
         ON CONFLICT (name) DO UPDATE SET value = max(value, ?2)";
    connection.prepare_cached(query)?.execute(params![name, sql(value)])?;
    Ok(())
}

/// SQLite's integers are signed; ids and places stay far below their end.
const fn sql(value: u64) -> i64 {
    value as i64
}

const fn unsql(value: i64) -> u64 {
    value as u64
}

/// The one file, beside its write-ahead log.
const FILE_NAME: &str = "catalog.sqlite";
const REMEDY: &str = "move it away, with the files of its name that end in -wal and -shm, and start \
                      again: it is made anew from the journal, as long as that still has its first \
                      segment; else put back a copy of the data directory";
const SECRET: &str = "instance";
const APPLIED: &str = "applied_place";
/// How long a connection waits for another one's lock.
const BUSY_MS_MAX: u64 = 5_000;
/// What a connection that only reads keeps of the catalog's pages.
const READER_CACHE_KIB: i64 = 256;
/// A checkpoint that did not move everything is tried again so often.
const CHECKPOINTS_MAX: usize = 3;
/// Prepared statements kept by a connection.
const STATEMENTS_MAX: usize = 64;
