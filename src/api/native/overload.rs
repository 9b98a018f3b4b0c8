//! What gave way to overload, for the metrics.

use std::sync::atomic::{AtomicI64, Ordering};

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::runtime::counters::Counts;
use crate::runtime::overload::Stage;

/// The counters of overload, in the order in which things give way.
#[derive(Default)]
pub(super) struct OverloadMetrics {
    stage: Gauge<i64, AtomicI64>,
    eta_shed_positions: Counter,
    sessions_refused: Counter,
    frames_refused: Counter,
    datagrams_dropped: Counter,
}

impl OverloadMetrics {
    /// Nothing counted yet.
    pub(super) fn new(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        let help = "0 keeps up, 1 sheds ETA refreshes, 2 refuses sessions too, 3 frames too";
        registry.register("overload_stage", help, metrics.stage.clone());
        let counters = [
            (
                "eta_shed_positions",
                "Positions stepped without refreshing ETAs, because of overload",
                &metrics.eta_shed_positions,
            ),
            (
                "sessions_refused",
                "QUIC sessions refused because of overload",
                &metrics.sessions_refused,
            ),
            (
                "frames_refused",
                "Frames and pushes of positions refused because of overload",
                &metrics.frames_refused,
            ),
            (
                "datagrams_dropped",
                "Positions in datagrams dropped because of overload",
                &metrics.datagrams_dropped,
            ),
        ];
        for (name, help, counter) in counters {
            registry.register(name, help, counter.clone());
        }
        metrics
    }

    /// Takes what the node has counted.
    pub(super) fn follow(&self, stage: Stage, counts: &Counts) {
        self.stage.set(stage as i64);
        let set = |counter: &Counter, count| counter.inner().store(count, Ordering::Relaxed);
        set(&self.eta_shed_positions, counts.eta_shed_positions);
        set(&self.sessions_refused, counts.sessions_refused);
        set(&self.frames_refused, counts.frames_refused);
        set(&self.datagrams_dropped, counts.datagrams_dropped);
    }
}
