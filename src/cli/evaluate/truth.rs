//! Files of truth and of stops: per order when the courier really was there.

use std::collections::BTreeMap;
use std::path::Path;

use ::csv::{ReaderBuilder, StringRecord, Trim};

use crate::cli::error::CliError;
use crate::cli::plan::Plan;
use crate::domain::ids::{CourierId, OrderId};
use crate::domain::time::{SECOND_MS, Time};
use crate::ingest::files::open_text;

/// One stay that should be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TruthRow {
    /// The order.
    pub order: OrderId,
    /// The courier whose route has it.
    pub courier: CourierId,
    /// When the stay began.
    pub started: Time,
    /// When it ended.
    pub ended: Time,
    /// The beginning is no border case.
    pub clear_start: bool,
    /// The end is no border case.
    pub clear_end: bool,
}

/// Reads a file of truth or of stops: CSV with the columns `courier`, `order_number` or
/// `sequence`, `started_s`, `ended_s` (seconds since the plan's epoch) and maybe `clear_start`,
/// `clear_end`; others are ignored.
///
/// # Errors
/// The file cannot be read, lacks a column, or names what the plan does not have.
pub fn read_truth(path: &Path, plan: &Plan) -> Result<Vec<TruthRow>, CliError> {
    let file = path.display().to_string();
    let mut reader = ReaderBuilder::new().trim(Trim::All).from_reader(open_text(path)?);
    let unreadable = |error: ::csv::Error| CliError::Truth(format!("{file}: {error}"));
    let header = reader.headers().map_err(unreadable)?.clone();
    let sheet = Sheet::new(&header).map_err(|why| CliError::Truth(format!("{file}: {why}")))?;
    let orders = OrdersInSequence::of(plan);
    let mut rows = Vec::new();
    for record in reader.into_records() {
        let record = record.map_err(unreadable)?;
        let line = record.position().map_or(0, ::csv::Position::line);
        let row = sheet
            .row(&record, plan, &orders)
            .map_err(|why| CliError::Truth(format!("{file}:{line}: {why}")))?;
        rows.push(row);
    }
    Ok(rows)
}

/// Where the columns stand.
struct Sheet {
    courier: Option<usize>,
    order_number: Option<usize>,
    sequence: Option<usize>,
    started_s: usize,
    ended_s: usize,
    clear_start: Option<usize>,
    clear_end: Option<usize>,
}

impl Sheet {
    fn new(header: &StringRecord) -> Result<Self, String> {
        let column = |name: &str| header.iter().position(|column| column == name);
        let needed = |name| column(name).ok_or_else(|| format!("no column {name}; {COLUMNS}"));
        let sheet = Self {
            courier: column("courier"),
            order_number: column("order_number"),
            sequence: column("sequence"),
            started_s: needed("started_s")?,
            ended_s: needed("ended_s")?,
            clear_start: column("clear_start"),
            clear_end: column("clear_end"),
        };
        match (sheet.order_number, sheet.sequence, sheet.courier) {
            (Some(_), _, _) | (None, Some(_), Some(_)) => Ok(sheet),
            (None, None, _) => Err(format!("no column order_number or sequence; {COLUMNS}")),
            (None, Some(_), None) => Err(format!("no column courier; {COLUMNS}")),
        }
    }

    fn row(
        &self,
        record: &StringRecord,
        plan: &Plan,
        orders: &OrdersInSequence,
    ) -> Result<TruthRow, String> {
        let started = time(plan, "started_s", &record[self.started_s])?;
        let ended = time(plan, "ended_s", &record[self.ended_s])?;
        if ended < started {
            return Err("ended_s: is before started_s".to_owned());
        }
        let order = self.order(record, plan, orders)?;
        Ok(TruthRow {
            order,
            courier: orders.courier_of(order).ok_or("order_number: is on no route")?,
            started,
            ended,
            clear_start: is_clear("clear_start", self.clear_start, record)?,
            clear_end: is_clear("clear_end", self.clear_end, record)?,
        })
    }

    fn order(
        &self,
        record: &StringRecord,
        plan: &Plan,
        orders: &OrdersInSequence,
    ) -> Result<OrderId, String> {
        let text = |column: Option<usize>| {
            column.and_then(|column| record.get(column)).filter(|text| !text.is_empty())
        };
        let courier = match text(self.courier) {
            Some(number) => Some(
                plan.courier_names
                    .id(number)
                    .map(CourierId)
                    .ok_or_else(|| format!("courier: \"{number}\" is not in the plan"))?,
            ),
            None => None,
        };
        if let Some(number) = text(self.order_number) {
            let id = plan.order_names.id(number);
            let id = id.ok_or_else(|| format!("order_number: \"{number}\" is not in the plan"))?;
            let id = OrderId(u64::from(id));
            if courier.is_some_and(|courier| !orders.is_of(id, courier)) {
                return Err(format!("order_number: \"{number}\" is not on a route of the courier"));
            }
            return Ok(id);
        }
        let courier = courier.ok_or("courier: is missing")?;
        let sequence = text(self.sequence).ok_or("sequence: is missing")?;
        let index: usize = sequence
            .parse()
            .map_err(|_| format!("sequence: \"{sequence}\" is not a whole number from 0"))?;
        orders.at(courier, index)
    }
}

/// The orders of each courier's routes in their sequence.
struct OrdersInSequence(BTreeMap<CourierId, Vec<Vec<OrderId>>>);

impl OrdersInSequence {
    fn of(plan: &Plan) -> Self {
        let mut couriers: BTreeMap<CourierId, Vec<Vec<OrderId>>> = BTreeMap::new();
        for route in &plan.routes {
            let orders = route.orders().map(|order| order.id).collect();
            couriers.entry(route.courier).or_default().push(orders);
        }
        Self(couriers)
    }

    fn is_of(&self, order: OrderId, courier: CourierId) -> bool {
        self.0.get(&courier).is_some_and(|routes| routes.iter().flatten().any(|id| *id == order))
    }

    fn courier_of(&self, order: OrderId) -> Option<CourierId> {
        self.0.keys().copied().find(|courier| self.is_of(order, *courier))
    }

    fn at(&self, courier: CourierId, index: usize) -> Result<OrderId, String> {
        match self.0.get(&courier).map_or(&[][..], Vec::as_slice) {
            [] => Err("sequence: the courier has no route".to_owned()),
            [orders] => orders
                .get(index)
                .copied()
                .ok_or_else(|| format!("sequence: {index} of {} orders from 0", orders.len())),
            _ => Err("sequence: the courier has several routes, name the order_number".to_owned()),
        }
    }
}

fn time(plan: &Plan, column: &str, text: &str) -> Result<Time, String> {
    let seconds = text.parse().ok().filter(|seconds: &f64| seconds.abs() < SECONDS_MAX);
    let seconds =
        seconds.ok_or_else(|| format!("{column}: \"{text}\" is not a time in seconds"))?;
    Ok(plan.epoch + libm::round(seconds * SECOND_MS as f64) as i64)
}

/// Without the column every edge is clear.
fn is_clear(name: &str, column: Option<usize>, record: &StringRecord) -> Result<bool, String> {
    match column.map(|column| &record[column]) {
        None | Some("1") => Ok(true),
        Some("0" | "") => Ok(false),
        Some(text) => Err(format!("{name}: \"{text}\" is not 0 or 1")),
    }
}

const COLUMNS: &str = "expected are courier, order_number | sequence, started_s, ended_s, and \
                       maybe clear_start, clear_end";
const SECONDS_MAX: f64 = 253_402_300_799.0;
