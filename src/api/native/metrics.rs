//! What is counted: in Prometheus' text form, or as OpenMetrics for those who accept it. No label
//! ever holds an id.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::routing::get;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::overload::OverloadMetrics;
use crate::api::error::Problem;
use crate::api::state::Api;
use crate::runtime::counters::Counters;
use crate::runtime::feed_reader::Feed;
use crate::runtime::intake::Intake;

pub(super) fn routes() -> Router<Arc<Api>> {
    Router::new().route("/metrics", get(read))
}

/// The counters of this surface, and gauges of the node that are read when asked.
pub(in crate::api) struct Metrics {
    registry: Registry,
    feed: Feed,
    intake: Intake,
    node: Arc<Counters>,
    inputs: Counter,
    groups: Counter,
    syncs: Counter,
    journal_bytes: Counter,
    quarantined: Counter,
    quarantined_couriers: Gauge<i64, AtomicI64>,
    overload: OverloadMetrics,
    snapshots: Counter,
    snapshots_failed: Counter,
    picture_us_max: Gauge<i64, AtomicI64>,
    events: Gauge<i64, AtomicI64>,
    waiting: Gauge<i64, AtomicI64>,
    pushed: Counter,
    refused: Counter,
    answers: Family<Answer, Counter>,
    turned_away: Counter,
    unaudited: Counter,
    streams: Gauge<i64, AtomicI64>,
    printed: Counter,
    callbacks: Family<Callback, Counter>,
    callbacks_waiting: Gauge<i64, AtomicI64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Callback {
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answer {
    status: u16,
}

impl Metrics {
    /// Nothing counted yet.
    pub(in crate::api) fn new(feed: Feed, intake: Intake, node: Arc<Counters>) -> Self {
        let mut registry = Registry::with_prefix("doorstep");
        let (events, waiting, streams) = (Gauge::default(), Gauge::default(), Gauge::default());
        let picture_us_max = Gauge::default();
        let help = "Longest pause of a shard for a snapshot, microseconds";
        registry.register("snapshot_pause_max_us", help, picture_us_max.clone());
        registry.register("event_streams", "Streams of events that are open", streams.clone());
        let quarantined_couriers = Gauge::<i64, AtomicI64>::default();
        let couriers = quarantined_couriers.clone();
        registry.register("quarantined_couriers", "Couriers in quarantine", couriers);
        let (pushed, refused) = (Counter::default(), Counter::default());
        let answers = Family::<Answer, Counter>::default();
        let callbacks = Family::<Callback, Counter>::default();
        let callbacks_waiting = Gauge::default();
        registry.register("callbacks", "Callbacks of deliveries by outcome", callbacks.clone());
        registry.register("callbacks_waiting", "Callbacks to be sent", callbacks_waiting.clone());
        registry.register("feed_position", "Events in the feed", events.clone());
        registry.register(
            "mailbox_waiting",
            "Positions and command parts in front of the shards",
            waiting.clone(),
        );
        registry.register("http_positions", "Positions pushed by HTTP", pushed.clone());
        registry.register("http_positions_refused", "Those that were refused", refused.clone());
        registry.register("http_answers", "Answers by status", answers.clone());
        let counter = |registry: &mut Registry, name: &str, help: &str| {
            let counter = Counter::default();
            registry.register(name, help, counter.clone());
            counter
        };
        Self {
            inputs: counter(&mut registry, "inputs", "Positions, commands and ticks journalled"),
            groups: counter(&mut registry, "journal_groups", "Writes of the journal"),
            syncs: counter(&mut registry, "journal_syncs", "Syncs of the journal"),
            journal_bytes: counter(&mut registry, "journal_bytes", "Bytes of the journal"),
            quarantined: counter(&mut registry, "quarantined_positions", "Not evaluated for now"),
            quarantined_couriers,
            overload: OverloadMetrics::new(&mut registry),
            snapshots: counter(&mut registry, "snapshots", "Snapshots taken"),
            snapshots_failed: counter(&mut registry, "snapshots_failed", "Snapshots given up"),
            turned_away: counter(
                &mut registry,
                "http_connections_turned_away",
                "Connections closed because there were too many",
            ),
            unaudited: counter(
                &mut registry,
                "audit_lines_lost",
                "Writes that the audit log could not take",
            ),
            printed: counter(
                &mut registry,
                "events_written",
                "Events written as JSON, each recent one once for all its readers",
            ),
            registry,
            callbacks,
            callbacks_waiting,
            picture_us_max,
            streams,
            feed,
            intake,
            node,
            events,
            waiting,
            pushed,
            refused,
            answers,
        }
    }

    /// Positions came by HTTP.
    pub(in crate::api) fn pushed(&self, count: u64, refused: u64) {
        self.pushed.inc_by(count);
        self.refused.inc_by(refused);
    }

    /// A request was answered.
    pub(in crate::api) fn answered(&self, status: StatusCode) {
        self.answers.get_or_create(&Answer { status: status.as_u16() }).inc();
    }

    /// A write could not be noted in the audit log.
    pub(in crate::api) fn unaudited(&self) {
        self.unaudited.inc();
    }

    /// A connection was closed because there were too many.
    pub(in crate::api) fn turned_away(&self) {
        self.turned_away.inc();
    }

    /// Something came of callbacks.
    pub(in crate::api) fn called_back(&self, outcome: &'static str, count: u64) {
        self.callbacks.get_or_create(&Callback { outcome }).inc_by(count);
    }

    fn text(&self, api: &Api) -> Result<String, std::fmt::Error> {
        // A catalog that cannot be read is told elsewhere; the last count stands.
        if let Ok(line) = api.readers.read(|catalog| catalog.callback_line(None)) {
            self.callbacks_waiting.set(line.waiting as i64);
        }
        self.streams.set(api.streams.count() as i64);
        self.events.set(self.feed.head() as i64);
        self.waiting.set(self.intake.waiting() as i64);
        let counts = self.node.counts();
        let set = |counter: &Counter, count| counter.inner().store(count, Ordering::Relaxed);
        set(&self.printed, api.press.printed());
        set(&self.inputs, counts.inputs);
        set(&self.groups, counts.groups);
        set(&self.syncs, counts.syncs);
        set(&self.journal_bytes, counts.journal_bytes);
        set(&self.quarantined, counts.quarantined);
        self.quarantined_couriers.set(api.views.quarantined().len() as i64);
        self.overload.follow(self.intake.stage(), &counts);
        set(&self.snapshots, counts.snapshots);
        set(&self.snapshots_failed, counts.snapshots_failed);
        self.picture_us_max.set(counts.picture_us_max as i64);
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

async fn read(
    State(api): State<Arc<Api>>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, Problem> {
    let text = api.metrics.text(&api);
    let text = text.map_err(|_| Problem::failed("the metrics cannot be written"))?;
    let accepts = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or("");
    Ok(if accepts.contains("application/openmetrics-text") {
        ([(CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text)
    } else {
        ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], prometheus(&text))
    })
}

/// OpenMetrics as Prometheus' own text form has it: a counter is described under the name that its
/// samples have, and nothing marks the end.
fn prometheus(text: &str) -> String {
    let lines = || text.lines().map(|line| line.splitn(4, ' ').collect::<Vec<_>>());
    let counters: BTreeSet<&str> = lines()
        .filter(|words| words.starts_with(&["#", "TYPE"]) && words.last() == Some(&"counter"))
        .filter_map(|words| words.get(2).copied())
        .collect();
    let mut out = String::with_capacity(text.len());
    for line in lines() {
        match line[..] {
            ["#", "EOF"] | ["#", "UNIT", ..] => continue,
            ["#", what, name, rest] if counters.contains(name) => {
                let _ = write!(out, "# {what} {name}_total {rest}");
            }
            _ => out.push_str(&line.join(" ")),
        }
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::prometheus;

    #[test]
    fn counters_are_described_as_they_are_written() {
        let text = "# HELP doorstep_syncs Syncs of the journal.\n# TYPE doorstep_syncs counter\n\
                    doorstep_syncs_total 7\n# TYPE doorstep_x gauge\ndoorstep_x{a=\"b c\"} 1\n# EOF\n";
        let expected = "# HELP doorstep_syncs_total Syncs of the journal.\n\
                        # TYPE doorstep_syncs_total counter\ndoorstep_syncs_total 7\n\
                        # TYPE doorstep_x gauge\ndoorstep_x{a=\"b c\"} 1\n";
        assert_eq!(prometheus(text), expected);
    }
}
