//! The tokens in the catalog: hashes only.

use rusqlite::{Connection, Row, params};

use super::change::StoredToken;
use super::error::CatalogError;
use super::{Catalog, set_counter, sql, unsql};

impl Catalog {
    /// Every token that is in force.
    ///
    /// # Errors
    /// The database refused.
    pub fn tokens_in_force(&self) -> Result<Vec<StoredToken>, CatalogError> {
        self.tokens("revoked_ms IS NULL ORDER BY id", params![])
    }

    /// A page of a company's tokens, revoked ones too, by id.
    ///
    /// # Errors
    /// The database refused.
    pub fn tokens_of(
        &self,
        company: u64,
        skipped: u64,
        page_max: u64,
    ) -> Result<Vec<StoredToken>, CatalogError> {
        let values = params![sql(company), sql(skipped), sql(page_max)];
        self.tokens("company = ?1 ORDER BY id LIMIT ?3 OFFSET ?2", values)
    }

    /// The tokens of a courier's devices that are in force.
    ///
    /// # Errors
    /// The database refused.
    pub fn tokens_of_courier(&self, courier: u64) -> Result<Vec<StoredToken>, CatalogError> {
        let rule = "courier = ?1 AND revoked_ms IS NULL ORDER BY id";
        self.tokens(rule, params![sql(courier)])
    }

    /// A token by its id.
    ///
    /// # Errors
    /// The database refused.
    pub fn token(&self, id: u64) -> Result<Option<StoredToken>, CatalogError> {
        Ok(self.tokens("id = ?1", params![sql(id)])?.pop())
    }

    /// The last id drawn for a token; 0: none.
    ///
    /// # Errors
    /// The database refused.
    pub fn last_token(&self) -> Result<u64, CatalogError> {
        self.counter(TOKENS)
    }

    fn tokens(
        &self,
        rule: &str,
        values: impl rusqlite::Params,
    ) -> Result<Vec<StoredToken>, CatalogError> {
        let query = format!(
            "SELECT id, hash, company, role, courier, created_ms, revoked_ms, depot
             FROM tokens WHERE {rule}"
        );
        let mut statement = self.connection.prepare_cached(&query)?;
        let rows = statement.query_map(values, written)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

/// Stores a token, new or revoked.
pub(super) fn put(connection: &Connection, token: &StoredToken) -> Result<(), CatalogError> {
    let query = "INSERT INTO tokens
         (id, hash, company, role, courier, created_ms, revoked_ms, depot)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT (id) DO UPDATE SET revoked_ms = ?7";
    connection.prepare_cached(query)?.execute(params![
        sql(token.id),
        token.hash,
        sql(token.company),
        token.role,
        token.courier.map(sql),
        token.created_ms,
        token.revoked_ms,
        token.depot.map(sql),
    ])?;
    set_counter(connection, TOKENS, token.id)
}

fn written(row: &Row<'_>) -> rusqlite::Result<StoredToken> {
    Ok(StoredToken {
        id: unsql(row.get(0)?),
        hash: row.get(1)?,
        company: unsql(row.get(2)?),
        role: row.get(3)?,
        courier: row.get::<_, Option<i64>>(4)?.map(unsql),
        created_ms: row.get(5)?,
        revoked_ms: row.get(6)?,
        depot: row.get::<_, Option<i64>>(7)?.map(unsql),
    })
}

const TOKENS: &str = "tokens";
