//! What is erased for good: rows are blanked, not marked, and the file is written anew, so that no
//! free page keeps what was in it. An erasure stays open until everything else has followed.

use rusqlite::{Connection, params};
use serde_json::{Map, Value};

use super::error::CatalogError;
use super::{Catalog, set_counter, sql};

impl Catalog {
    /// The couriers whose erasure is not finished.
    ///
    /// # Errors
    /// The database refused.
    pub fn open_erasures(&self) -> Result<Vec<u64>, CatalogError> {
        let query = "SELECT name FROM counters WHERE name LIKE ?1 AND value = ?2";
        let mut statement = self.connection.prepare_cached(query)?;
        let rows = statement
            .query_map(params![format!("{ERASURE}%"), sql(OPEN)], |row| row.get::<_, String>(0))?;
        let mut couriers = Vec::new();
        for name in rows {
            couriers.extend(name?.strip_prefix(ERASURE).and_then(|id| id.parse::<u64>().ok()));
        }
        Ok(couriers)
    }

    /// An erasure is finished.
    ///
    /// # Errors
    /// The database refused.
    pub fn finish_erasure(&self, courier: u64) -> Result<(), CatalogError> {
        set_counter(&self.connection, &format!("{ERASURE}{courier}"), FINISHED)
    }

    /// Writes the file anew, without anything that was deleted. Takes as long as copying it.
    ///
    /// # Errors
    /// The database refused, or a reader stands in the way for too long.
    pub fn scrub(&self) -> Result<(), CatalogError> {
        scrub(&self.connection)
    }
}

/// Writes a database anew, without anything that was deleted, and empties its write-ahead log.
pub(in crate::storage) fn scrub(connection: &Connection) -> Result<(), CatalogError> {
    connection.execute_batch("VACUUM")?;
    let query = "PRAGMA wal_checkpoint(TRUNCATE)";
    let is_busy: bool = connection.query_row(query, [], |row| row.get(0))?;
    if is_busy { Err(CatalogError::Busy) } else { Ok(()) }
}

/// Blanks everything that the catalog holds of a courier.
pub(super) fn erase_courier(
    connection: &Connection,
    courier: u64,
    orders: &[u64],
) -> Result<(), CatalogError> {
    let of_courier = [
        "UPDATE couriers SET number = '', body = '{}', deleted = 1 WHERE id = ?1",
        // The routes went with the courier; `imei` names its device.
        "UPDATE routes SET parent = NULL, body = json_remove(body, '$.imei') WHERE parent = ?1",
        "UPDATE tokens SET courier = NULL WHERE courier = ?1",
    ];
    for query in of_courier {
        connection.prepare_cached(query)?.execute([sql(courier)])?;
    }
    for order in orders {
        let found = connection
            .prepare_cached("SELECT body FROM orders WHERE id = ?1")?
            .query_map([sql(*order)], |row| row.get::<_, String>(0))?
            .next()
            .transpose()?;
        let Some(found) = found else { continue };
        let mut body: Map<String, Value> =
            serde_json::from_str(&found).map_err(|_| CatalogError::Note)?;
        // Callbacks that wait may say who comes, and where it is.
        let query = "DELETE FROM callback_queue WHERE order_id = ?1";
        connection.prepare_cached(query)?.execute([sql(*order)])?;
        if forget_places(&mut body) | forget_driver(&mut body) {
            let body = serde_json::to_string(&body).map_err(|_| CatalogError::Note)?;
            let query = "UPDATE orders SET body = ?2 WHERE id = ?1";
            connection.prepare_cached(query)?.execute(params![sql(*order), body])?;
        }
    }
    set_counter(connection, &format!("{ERASURE}{courier}"), OPEN)
}

/// Forgets where couriers were when statuses were set: every `point` within a list of the order.
fn forget_places(body: &mut Map<String, Value>) -> bool {
    let mut has_changed = false;
    for list in body.values_mut().filter_map(Value::as_array_mut) {
        for entry in list.iter_mut().filter_map(Value::as_object_mut) {
            if let Some(point) = entry.get_mut("point").filter(|point| !point.is_null()) {
                *point = Value::Null;
                has_changed = true;
            }
        }
    }
    has_changed
}

/// Forgets what the Deliveries view was told of the driver by hand.
fn forget_driver(body: &mut Map<String, Value>) -> bool {
    let delivery = body.get_mut("delivery").and_then(Value::as_object_mut);
    let Some(delivery) = delivery else { return false };
    let known = delivery.len();
    delivery.retain(|key, _| !key.starts_with("driver_"));
    delivery.len() < known
}

/// The names of the counters that say how far an erasure is, before the courier's id.
const ERASURE: &str = "erasure:";
const OPEN: u64 = 1;
const FINISHED: u64 = 2;
