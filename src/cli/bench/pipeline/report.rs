//! The result of a trial, for people and as JSON.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use hdrhistogram::Histogram;
use serde::Serialize;

use super::PipelineBenchArgs;
use super::child::Usage;
use super::sender::Course;
use super::watcher::Heed;

/// What was counted beside the clients.
pub(super) struct Counters {
    /// Until the last ack.
    pub(super) seconds: f64,
    pub(super) connections: usize,
    pub(super) usage: Usage,
    /// Memory that the idle connections took.
    pub(super) idle_bytes: u64,
    pub(super) resident_bytes: u64,
    pub(super) before: BTreeMap<String, f64>,
    pub(super) after: BTreeMap<String, f64>,
}

/// The result, in the form of `--json`.
#[derive(Clone, Debug, Serialize)]
pub(in crate::cli::bench) struct Measured {
    couriers: u32,
    connections: usize,
    durability: &'static str,
    positions: u64,
    seconds: f64,
    pub(in crate::cli::bench) positions_per_s: f64,
    pub(in crate::cli::bench) server_cpu_s_per_million: f64,
    /// The same by thread: `quic` is all input and output but HTTP's.
    cpu_s_per_million_by_thread: BTreeMap<String, f64>,
    latency_us: Quantiles,
    unacked: u64,
    refused: u64,
    /// Positions stepped without refreshing ETAs, since more came than was held.
    eta_shed_positions: u64,
    lost: u64,
    duplicated: u64,
    syncs: u64,
    mean_group: f64,
    bytes_written: u64,
    server_rss_bytes: u64,
    server_rss_per_connection: u64,
    events: u64,
    /// Per position.
    events_per_position: BTreeMap<String, f64>,
}

/// From the sending of the position that decided a visit to the event at the subscriber.
#[derive(Clone, Debug, Serialize)]
struct Quantiles {
    p50: u64,
    p99: u64,
    p999: u64,
    samples: u64,
}

impl Measured {
    pub(super) fn new(
        args: &PipelineBenchArgs,
        course: &Course,
        heeds: &[Arc<Heed>],
        counters: &Counters,
    ) -> Self {
        let Counters { seconds, connections, usage, before, after, .. } = counters;
        let positions = course.acked();
        let per_million = 1e6 / (positions.max(1) as f64);
        let grown = |name: &str| {
            let of = |counters: &BTreeMap<String, f64>| counters.get(name).copied().unwrap_or(0.0);
            (of(after) - of(before)).max(0.0)
        };
        let mut latency_us = Histogram::<u64>::new(3).expect("three digits are allowed");
        let (mut lost, mut duplicated, mut by_type) = (0, 0, BTreeMap::new());
        for heed in heeds {
            let tally = heed.tally.lock().unwrap_or_else(PoisonError::into_inner);
            (lost, duplicated) = (lost + tally.lost, duplicated + tally.duplicated);
            let head = after.get("feed_position").map_or(0, |&place| place as u64);
            lost += head.saturating_sub(heed.place.load(Ordering::Relaxed));
            by_type.clone_from(&tally.by_type);
            latency_us.add(&tally.latency_us).expect("a histogram grows by itself");
        }
        let at = |quantile| latency_us.value_at_quantile(quantile);
        let events_per_position =
            by_type.iter().map(|(name, &n)| (name.clone(), n as f64 / positions.max(1) as f64));
        let by_thread = usage.by_thread_s.iter().map(|(name, s)| (name.clone(), s * per_million));
        Self {
            couriers: args.couriers,
            connections: *connections,
            durability: args.durability.name(),
            positions,
            seconds: *seconds,
            positions_per_s: positions as f64 / seconds.max(1e-9),
            server_cpu_s_per_million: usage.cpu_s * per_million,
            cpu_s_per_million_by_thread: by_thread.collect(),
            latency_us: Quantiles {
                p50: at(0.5),
                p99: at(0.99),
                p999: at(0.999),
                samples: latency_us.len(),
            },
            unacked: course.frames.positions.saturating_sub(positions),
            refused: course.refused.load(Ordering::Relaxed),
            eta_shed_positions: grown("eta_shed_positions_total") as u64,
            lost,
            duplicated,
            syncs: grown("journal_syncs_total") as u64,
            mean_group: grown("inputs_total") / grown("journal_groups_total").max(1.0),
            bytes_written: grown("journal_bytes_total") as u64,
            server_rss_bytes: counters.resident_bytes,
            server_rss_per_connection: counters.idle_bytes / (*connections).max(1) as u64,
            events: by_type.values().sum(),
            events_per_position: events_per_position.collect(),
        }
    }

    /// Whether everything was acked and told once.
    pub(super) const fn is_whole(&self) -> bool {
        self.unacked == 0 && self.refused == 0 && self.lost == 0 && self.duplicated == 0
    }

    pub(in crate::cli::bench) fn print(&self, out: &mut dyn Write) -> io::Result<()> {
        let Self { couriers, connections, durability, positions, seconds, .. } = self;
        let Quantiles { p50, p99, p999, samples } = self.latency_us;
        writeln!(
            out,
            "{couriers} couriers on {connections} connections, durability {durability}: \
             {positions} positions in {seconds:.1} s, {:.0} a second",
            self.positions_per_s
        )?;
        writeln!(out, "server cpu {:10.3} s per million positions", self.server_cpu_s_per_million)?;
        for (thread, cpu_s) in &self.cpu_s_per_million_by_thread {
            writeln!(out, "           {cpu_s:10.3} {thread}")?;
        }
        writeln!(out, "latency    p50 {p50}, p99 {p99}, p99.9 {p999} us ({samples} visits)")?;
        writeln!(
            out,
            "journal    {} syncs, mean group {:.1}, {} bytes",
            self.syncs, self.mean_group, self.bytes_written
        )?;
        writeln!(
            out,
            "memory     {} bytes, {} per connection when idle",
            self.server_rss_bytes, self.server_rss_per_connection
        )?;
        writeln!(
            out,
            "events     {} ({} lost, {} duplicated), positions {} refused, {} not acked, \
             {} without a refreshed ETA",
            self.events,
            self.lost,
            self.duplicated,
            self.refused,
            self.unacked,
            self.eta_shed_positions
        )?;
        for (name, per_position) in &self.events_per_position {
            writeln!(out, "           {per_position:10.4} {name} per position")?;
        }
        Ok(())
    }
}
