//! What became of the day's rows.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use crate::cli::client::outbox::Settled;
use crate::cli::client::wire_tally::WireTally;
use crate::cli::replay::tally::Tally;

/// Counts that all lanes share.
#[derive(Debug, Default)]
pub(super) struct Counts(Mutex<WireTally>);

/// The plan in the daemon.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Stored {
    pub(super) company_id: u32,
    pub(super) couriers: u64,
    pub(super) routes: u64,
    /// Routes that were there before.
    pub(super) routes_known: u64,
    pub(super) orders: u64,
}

/// The report, as `--json` prints it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Report {
    stored: Stored,
    rows: u64,
    bad: u64,
    thinned: u64,
    /// Rows that were not sent, by reason: `invalid`, `too_old`, `future`, `unknown_courier`.
    not_sent: BTreeMap<&'static str, u64>,
    #[serde(flatten)]
    wire: WireTally,
}

impl Counts {
    pub(super) fn sent(&self, fixes: u64) {
        self.lock().sent += fixes;
    }

    pub(super) fn connected(&self, resent: u64) {
        self.lock().connected(resent);
    }

    pub(super) fn not_connected(&self, problem: String) {
        self.lock().not_connected(problem);
    }

    pub(super) fn settled(&self, settled: &Settled) {
        self.lock().settled(settled);
    }

    pub(super) fn left_unacked(&self, fixes: u64) {
        self.lock().unacked += fixes;
    }

    pub(super) fn report(&self, tally: &Tally, stored: Stored) -> Report {
        let mut not_sent = tally.refused.clone();
        for (reason, rows) in &tally.dropped {
            *not_sent.entry(reason).or_default() += rows;
        }
        let (rows, bad, thinned) = (tally.rows, tally.bad, tally.thinned);
        Report { stored, rows, bad, thinned, not_sent, wire: self.lock().clone() }
    }

    fn lock(&self) -> MutexGuard<'_, WireTally> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Report {
    pub(super) fn text(&self) -> String {
        let Self { stored, rows, bad, thinned, not_sent, wire } = self;
        let mut text = format!(
            "company {}: {} couriers, {} routes, {} orders\n\
             rows {rows}, sent {}, acked {}, refused {}, not acked {}\n\
             connections {}, resent {}\n",
            stored.company_id,
            stored.couriers,
            stored.routes,
            stored.orders,
            wire.sent,
            wire.acked,
            wire.refused,
            wire.unacked,
            wire.connections,
            wire.resent,
        );
        let passed_over = [("bad", bad), ("thinned out", thinned)].into_iter();
        let passed_over = passed_over.filter(|(_, count)| **count > 0);
        for (what, count) in passed_over.chain(not_sent.iter().map(|(what, count)| (*what, count)))
        {
            text.push_str(&format!("not sent, {what}: {count}\n"));
        }
        text + &wire.problems()
    }

    /// Whether everything that was sent is settled.
    pub(super) const fn is_good(&self) -> bool {
        self.wire.unacked == 0 && self.wire.acked == self.wire.sent
    }
}
