//! What became of the fleet's positions.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::cli::client::outbox::Settled;

/// Counts that all sessions share.
#[derive(Debug)]
pub(super) struct Tally {
    counts: Mutex<Counts>,
}

#[derive(Debug)]
struct Counts {
    sent: u64,
    resent: u64,
    acked: u64,
    refused: BTreeMap<String, u64>,
    unacked: u64,
    connections: u64,
    connection_errors: BTreeMap<String, u64>,
    latency_us: Histogram<u64>,
}

/// The report, as `--json` prints it.
#[derive(Clone, Debug, Serialize)]
pub(in crate::cli) struct Report {
    couriers: u32,
    seconds: f64,
    sent: u64,
    resent: u64,
    acked: u64,
    unacked: u64,
    refused: u64,
    refused_by_reason: BTreeMap<String, u64>,
    connections: u64,
    connection_errors: BTreeMap<String, u64>,
    ack_latency_ms: Latency,
}

#[derive(Clone, Debug, Serialize)]
struct Latency {
    p50: f64,
    p99: f64,
    max: f64,
}

impl Tally {
    pub(super) fn new() -> Self {
        let latency_us = Histogram::new_with_bounds(1, LATENCY_US_MAX, 3)
            .expect("the bounds are in order and three digits are allowed");
        let counts = Counts {
            sent: 0,
            resent: 0,
            acked: 0,
            refused: BTreeMap::new(),
            unacked: 0,
            connections: 0,
            connection_errors: BTreeMap::new(),
            latency_us,
        };
        Self { counts: Mutex::new(counts) }
    }

    pub(super) fn connected(&self, resent: u64) {
        let mut counts = self.lock();
        counts.connections += 1;
        counts.resent += resent;
    }

    pub(super) fn not_connected(&self, problem: String) {
        let mut counts = self.lock();
        if counts.connection_errors.len() < PROBLEMS_MAX {
            *counts.connection_errors.entry(problem).or_default() += 1;
        }
    }

    pub(super) fn sent(&self, fixes: u64) {
        self.lock().sent += fixes;
    }

    pub(super) fn settled(&self, settled: Settled) {
        let mut counts = self.lock();
        counts.acked += settled.fixes.len() as u64;
        for (reason, fixes) in settled.refused {
            *counts.refused.entry(reason).or_default() += fixes;
        }
        for sent in settled.sent {
            counts.latency_us.saturating_record((sent.elapsed().as_micros() as u64).max(1));
        }
    }

    pub(super) fn left_unacked(&self, fixes: u64) {
        self.lock().unacked += fixes;
    }

    pub(super) fn report(&self, couriers: u32, seconds: f64) -> Report {
        let counts = self.lock();
        let ms = |quantile: f64| counts.latency_us.value_at_quantile(quantile) as f64 / 1e3;
        Report {
            couriers,
            seconds,
            sent: counts.sent,
            resent: counts.resent,
            acked: counts.acked,
            unacked: counts.unacked,
            refused: counts.refused.values().sum(),
            refused_by_reason: counts.refused.clone(),
            connections: counts.connections,
            connection_errors: counts.connection_errors.clone(),
            ack_latency_ms: Latency { p50: ms(0.5), p99: ms(0.99), max: ms(1.0) },
        }
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Report {
    pub(in crate::cli) fn text(&self) -> String {
        let mut text = format!(
            "couriers {}, {:.1} s\nsent {}, acked {}, refused {}, not acked {}\n\
             ack latency p50 {:.2} ms, p99 {:.2} ms, max {:.2} ms\n\
             connections {}, resent {}\n",
            self.couriers,
            self.seconds,
            self.sent,
            self.acked,
            self.refused,
            self.unacked,
            self.ack_latency_ms.p50,
            self.ack_latency_ms.p99,
            self.ack_latency_ms.max,
            self.connections,
            self.resent,
        );
        for (reason, count) in &self.refused_by_reason {
            text.push_str(&format!("refused as {reason}: {count}\n"));
        }
        for (problem, count) in &self.connection_errors {
            text.push_str(&format!("{count} x {problem}\n"));
        }
        text
    }

    /// Whether anything at all went through.
    pub(super) const fn is_good(&self) -> bool {
        self.connections > 0 && self.unacked == 0
    }
}

const PROBLEMS_MAX: usize = 100;

/// Longer waits count as this: ten minutes.
const LATENCY_US_MAX: u64 = 600_000_000;
