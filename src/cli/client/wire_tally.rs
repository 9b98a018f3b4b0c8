//! What became of positions on their way over QUIC, as every command that sends some counts it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::outbox::Settled;

/// The counts, in the form in which reports print them.
#[derive(Clone, Debug, Default, Serialize)]
pub struct WireTally {
    /// Positions sent for the first time.
    pub sent: u64,
    /// Positions sent again after a lost connection.
    pub resent: u64,
    /// Positions that are durable or refused for good.
    pub acked: u64,
    /// Positions that were not acked in the end.
    pub unacked: u64,
    /// Of the acked ones, by the daemon.
    pub refused: u64,
    /// The same, by reason.
    pub refused_by_reason: BTreeMap<String, u64>,
    /// Connections that were made.
    pub connections: u64,
    /// Connections that were not, or were lost, by what went wrong.
    pub connection_errors: BTreeMap<String, u64>,
}

impl WireTally {
    /// A connection was made, and so many positions are sent again on it.
    pub fn connected(&mut self, resent: u64) {
        self.connections += 1;
        self.resent += resent;
    }

    /// A connection was not made, or was lost.
    pub fn not_connected(&mut self, problem: String) {
        if self.connection_errors.len() < PROBLEMS_MAX {
            *self.connection_errors.entry(problem).or_default() += 1;
        }
    }

    /// An ack settled so much.
    pub fn settled(&mut self, settled: &Settled) {
        self.acked += settled.fixes.len() as u64;
        for (reason, fixes) in &settled.refused {
            self.refused += fixes;
            *self.refused_by_reason.entry(reason.clone()).or_default() += fixes;
        }
    }

    /// What was refused and what went wrong, a line each.
    #[must_use]
    pub fn problems(&self) -> String {
        let refused = self.refused_by_reason.iter();
        let refused = refused.map(|(reason, count)| format!("refused as {reason}: {count}\n"));
        let errors = self.connection_errors.iter();
        refused.chain(errors.map(|(problem, count)| format!("{count} x {problem}\n"))).collect()
    }
}

/// Different problems that are kept.
const PROBLEMS_MAX: usize = 100;
