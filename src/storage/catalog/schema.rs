//! The tables. A file of an older version is brought up to date, one of a newer version is refused.

use rusqlite::Connection;

use super::callbacks;
use super::change::Kind;
use super::error::CatalogError;

/// Makes the tables where they are not there yet.
pub(super) fn prepare(connection: &Connection) -> Result<(), CatalogError> {
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // The journal's notes redo what a power cut takes: no sync per transaction.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "secure_delete", true)?;
    let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if !(0..=VERSION).contains(&found) {
        return Err(CatalogError::Version { found, expected: VERSION });
    }
    if found == VERSION {
        // The one index that came later without a change of the tables.
        return Ok(connection.execute_batch(SILENT_INDEX)?);
    }
    if found == 1 {
        connection.execute_batch("ALTER TABLE tokens ADD COLUMN depot INTEGER")?;
    }
    for kind in Kind::ALL {
        let table = kind.table();
        connection.execute_batch(&format!(
            "CREATE TABLE IF NOT EXISTS {table} (
                id INTEGER PRIMARY KEY, company INTEGER NOT NULL, number TEXT NOT NULL,
                parent INTEGER, deleted INTEGER NOT NULL DEFAULT 0, body TEXT NOT NULL
            ) STRICT;
            CREATE UNIQUE INDEX IF NOT EXISTS {table}_number
                ON {table} (company, number) WHERE deleted = 0;
            CREATE INDEX IF NOT EXISTS {table}_company ON {table} (company, id) WHERE deleted = 0;
            CREATE INDEX IF NOT EXISTS {table}_parent ON {table} (parent) WHERE deleted = 0;"
        ))?;
    }
    connection.execute_batch(
        "CREATE UNIQUE INDEX IF NOT EXISTS companies_numbers ON companies (number)
            WHERE deleted = 0",
    )?;
    connection.execute_batch(OTHER_TABLES)?;
    connection.execute_batch(TRACKERS_INDEX)?;
    connection.execute_batch(SILENT_INDEX)?;
    connection.execute_batch(callbacks::TABLES)?;
    connection.pragma_update(None, "user_version", VERSION)?;
    Ok(())
}

const VERSION: i64 = 3;

/// Couriers whose devices fall silent: every start asks for them.
const SILENT_INDEX: &str = "CREATE INDEX IF NOT EXISTS couriers_silent ON couriers (id)
    WHERE deleted = 0 AND json_extract(body, '$.silent_when_still') = 1";

/// Orders that a Tracker stands for.
const TRACKERS_INDEX: &str = "CREATE INDEX IF NOT EXISTS orders_trackers ON orders (company, id)
    WHERE deleted = 0 AND json_extract(body, '$.tracker') IS NOT NULL";

const OTHER_TABLES: &str = "
    CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
    CREATE TABLE IF NOT EXISTS secrets (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
    CREATE TABLE IF NOT EXISTS shares (
        order_id INTEGER NOT NULL, company INTEGER NOT NULL, PRIMARY KEY (order_id, company)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS shares_company ON shares (company, order_id);
    CREATE TABLE IF NOT EXISTS tokens (
        id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, company INTEGER NOT NULL,
        role TEXT NOT NULL, courier INTEGER, created_ms INTEGER NOT NULL, revoked_ms INTEGER,
        depot INTEGER
    ) STRICT;
    CREATE INDEX IF NOT EXISTS tokens_company ON tokens (company, id);
    CREATE TABLE IF NOT EXISTS notifications (
        place INTEGER PRIMARY KEY, company INTEGER NOT NULL, id INTEGER NOT NULL,
        time_ms INTEGER NOT NULL, kind TEXT NOT NULL, order_id INTEGER NOT NULL,
        route_id INTEGER NOT NULL, eta_ms INTEGER
    ) STRICT;
    CREATE INDEX IF NOT EXISTS notifications_time ON notifications (time_ms);
    CREATE INDEX IF NOT EXISTS notifications_company ON notifications (company, id);
    CREATE INDEX IF NOT EXISTS notifications_order ON notifications (order_id, place);
";
