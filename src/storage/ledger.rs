//! What the edge remembers beside the documents: answers to requests that may be sent again, and
//! when tokens were used. In SQLite, which does its own input and output; synced, because an answer
//! that was given must be given again after a crash. Nothing here is in the journal.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use rusqlite::{Connection, OptionalExtension, params};

use super::catalog::erasures::scrub;
use super::catalog::error::CatalogError;

/// The ledger of a data directory.
#[derive(Debug)]
pub struct Ledger {
    connection: Mutex<Connection>,
}

/// An answer as it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptAnswer {
    /// SHA-256 of the request it answers.
    pub request: [u8; 32],
    /// When, Unix milliseconds.
    pub at_ms: i64,
    /// Its status.
    pub status: u16,
    /// Its content type.
    pub kind: String,
    /// Its body; `None`: it showed a secret, which is kept nowhere.
    pub body: Option<Vec<u8>>,
}

impl Ledger {
    /// Opens, and where it is missing makes, the ledger of a data directory.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn open(directory: &Path) -> Result<Self, CatalogError> {
        let path = directory.join(FILE_NAME);
        let connection = Connection::open(&path)?;
        let prepared = prepare(&connection).map_err(CatalogError::from);
        prepared.map_err(|error| error.in_file(&path, REMEDY))?;
        Ok(Self { connection: Mutex::new(connection) })
    }

    /// The answer that was given to a token's key since a moment.
    ///
    /// # Errors
    /// The database refused.
    pub fn answer(
        &self,
        token: u64,
        key: &str,
        since_ms: i64,
    ) -> Result<Option<KeptAnswer>, CatalogError> {
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let mut statement = connection.prepare_cached(
            "SELECT request, at_ms, status, kind, body FROM answers
             WHERE token = ?1 AND key = ?2 AND at_ms >= ?3",
        )?;
        let found = statement.query_row(params![token as i64, key, since_ms], |row| {
            Ok(KeptAnswer {
                request: row.get(0)?,
                at_ms: row.get(1)?,
                status: row.get(2)?,
                kind: row.get(3)?,
                body: row.get(4)?,
            })
        });
        Ok(found.optional()?)
    }

    /// Keeps an answer; those from before a moment go, and of the rest the oldest beyond
    /// `ANSWERS_MAX`.
    ///
    /// # Errors
    /// The database refused.
    pub fn keep(
        &self,
        token: u64,
        key: &str,
        answer: &KeptAnswer,
        since_ms: i64,
    ) -> Result<(), CatalogError> {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let transaction = connection.transaction()?;
        transaction.prepare_cached("DELETE FROM answers WHERE at_ms < ?1")?.execute([since_ms])?;
        transaction
            .prepare_cached(
                "INSERT OR REPLACE INTO answers (token, key, request, at_ms, status, kind, body)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![
                token as i64,
                key,
                answer.request,
                answer.at_ms,
                answer.status,
                answer.kind,
                answer.body
            ])?;
        transaction
            .prepare_cached("DELETE FROM answers WHERE id <= (SELECT max(id) FROM answers) - ?1")?
            .execute([ANSWERS_MAX])?;
        transaction.commit()?;
        Ok(())
    }

    /// Forgets every answer that was given to some tokens, and leaves no byte of them.
    ///
    /// # Errors
    /// The database refused, or a reader stands in the way for too long.
    pub fn forget_answers(&self, tokens: &[u64]) -> Result<(), CatalogError> {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let transaction = connection.transaction()?;
        for token in tokens {
            let query = "DELETE FROM answers WHERE token = ?1";
            transaction.prepare_cached(query)?.execute([*token as i64])?;
        }
        transaction.commit()?;
        scrub(&connection)
    }

    /// When each token was used, as it was noted last: identity and Unix milliseconds.
    ///
    /// # Errors
    /// The database refused.
    pub fn uses(&self) -> Result<Vec<(u64, i64)>, CatalogError> {
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        // Every start asks for them: where the file is damaged, it says which file.
        uses(&connection).map_err(|error| error.in_file(Path::new(FILE_NAME), REMEDY))
    }

    /// Notes when tokens were used.
    ///
    /// # Errors
    /// The database refused.
    pub fn note_uses(&self, uses: &[(u64, i64)]) -> Result<(), CatalogError> {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let transaction = connection.transaction()?;
        for (token, at_ms) in uses {
            let query = "INSERT INTO uses (token, at_ms) VALUES (?1, ?2)
                 ON CONFLICT (token) DO UPDATE SET at_ms = ?2 WHERE at_ms <> ?2";
            transaction.prepare_cached(query)?.execute(params![*token as i64, at_ms])?;
        }
        transaction.commit()?;
        Ok(())
    }
}

fn uses(connection: &Connection) -> Result<Vec<(u64, i64)>, CatalogError> {
    let mut statement = connection.prepare("SELECT token, at_ms FROM uses")?;
    let rows = statement.query_map([], |row| Ok((row.get::<_, i64>(0)? as u64, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "secure_delete", true)?;
    connection.execute_batch(TABLES)
}

const REMEDY: &str = "move it away, with the files of its name that end in -wal and -shm, and start \
                      again: only the answers kept for repeated requests and the times at which \
                      tokens were used are lost";
/// The one file, beside its write-ahead log.
const FILE_NAME: &str = "ledger.sqlite";
/// Most answers that are kept.
const ANSWERS_MAX: i64 = 50_000;
const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS answers (
        id INTEGER PRIMARY KEY AUTOINCREMENT, token INTEGER NOT NULL, key TEXT NOT NULL,
        request BLOB NOT NULL, at_ms INTEGER NOT NULL, status INTEGER NOT NULL,
        kind TEXT NOT NULL, body BLOB, UNIQUE (token, key)
    ) STRICT;
    CREATE INDEX IF NOT EXISTS answers_at ON answers (at_ms);
    CREATE TABLE IF NOT EXISTS uses (token INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL) STRICT;
";
