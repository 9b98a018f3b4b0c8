//! What is counted, in Prometheus' text form. No label ever holds an id.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

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
    events: Gauge<i64, AtomicI64>,
    waiting: Gauge<i64, AtomicI64>,
    pushed: Counter,
    refused: Counter,
    answers: Family<Answer, Counter>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answer {
    status: u16,
}

impl Metrics {
    /// Nothing counted yet.
    pub(in crate::api) fn new(feed: Feed, intake: Intake, node: Arc<Counters>) -> Self {
        let mut registry = Registry::with_prefix("doorstep");
        let (events, waiting) = (Gauge::default(), Gauge::default());
        let (pushed, refused) = (Counter::default(), Counter::default());
        let answers = Family::<Answer, Counter>::default();
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
            registry,
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

    fn text(&self) -> Result<String, std::fmt::Error> {
        self.events.set(self.feed.head() as i64);
        self.waiting.set(self.intake.waiting() as i64);
        let counts = self.node.counts();
        let set = |counter: &Counter, count| counter.inner().store(count, Ordering::Relaxed);
        set(&self.inputs, counts.inputs);
        set(&self.groups, counts.groups);
        set(&self.syncs, counts.syncs);
        set(&self.journal_bytes, counts.journal_bytes);
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

async fn read(State(api): State<Arc<Api>>) -> Result<impl IntoResponse, Problem> {
    let text = api.metrics.text().map_err(|_| Problem::failed("the metrics cannot be written"))?;
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(CONTENT_TYPE, kind)], text))
}
