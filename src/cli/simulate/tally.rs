//! What became of the fleet's positions.

use std::sync::{Mutex, MutexGuard, PoisonError};

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::cli::client::outbox::Settled;
use crate::cli::client::wire_tally::WireTally;

/// Counts that all sessions share.
#[derive(Debug)]
pub(super) struct Tally {
    counts: Mutex<Counts>,
}

#[derive(Debug)]
struct Counts {
    wire: WireTally,
    latency_us: Histogram<u64>,
}

/// The report, as `--json` prints it.
#[derive(Clone, Debug, Serialize)]
pub(in crate::cli) struct Report {
    couriers: u32,
    seconds: f64,
    #[serde(flatten)]
    wire: WireTally,
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
        let counts = Counts { wire: WireTally::default(), latency_us };
        Self { counts: Mutex::new(counts) }
    }

    pub(super) fn connected(&self, resent: u64) {
        self.lock().wire.connected(resent);
    }

    pub(super) fn not_connected(&self, problem: String) {
        self.lock().wire.not_connected(problem);
    }

    pub(super) fn sent(&self, fixes: u64) {
        self.lock().wire.sent += fixes;
    }

    pub(super) fn settled(&self, settled: &Settled) {
        let mut counts = self.lock();
        counts.wire.settled(settled);
        for sent in &settled.sent {
            counts.latency_us.saturating_record((sent.elapsed().as_micros() as u64).max(1));
        }
    }

    pub(super) fn left_unacked(&self, fixes: u64) {
        self.lock().wire.unacked += fixes;
    }

    pub(super) fn report(&self, couriers: u32, seconds: f64) -> Report {
        let counts = self.lock();
        let ms = |quantile: f64| counts.latency_us.value_at_quantile(quantile) as f64 / 1e3;
        Report {
            couriers,
            seconds,
            wire: counts.wire.clone(),
            ack_latency_ms: Latency { p50: ms(0.5), p99: ms(0.99), max: ms(1.0) },
        }
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Report {
    pub(in crate::cli) fn text(&self) -> String {
        let wire = &self.wire;
        let text = format!(
            "couriers {}, {:.1} s\nsent {}, acked {}, refused {}, not acked {}\n\
             ack latency p50 {:.2} ms, p99 {:.2} ms, max {:.2} ms\n\
             connections {}, resent {}\n",
            self.couriers,
            self.seconds,
            wire.sent,
            wire.acked,
            wire.refused,
            wire.unacked,
            self.ack_latency_ms.p50,
            self.ack_latency_ms.p99,
            self.ack_latency_ms.max,
            wire.connections,
            wire.resent,
        );
        text + &wire.problems()
    }

    /// Whether anything at all went through.
    pub(super) const fn is_good(&self) -> bool {
        self.wire.connections > 0 && self.wire.unacked == 0
    }
}

/// Longer waits count as this: ten minutes.
const LATENCY_US_MAX: u64 = 600_000_000;
