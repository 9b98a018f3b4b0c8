//! One subscriber of a run: checks that it hears every event once, and how long it took since the
//! deciding position was sent.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use hdrhistogram::Histogram;
use jiff::Timestamp;
use serde::Deserialize;

use super::sender::Course;
use crate::cli::client::error::ClientError;
use crate::cli::client::frame::ServerFrame;
use crate::cli::client::link::Heard;

/// What one subscriber has heard.
pub(super) struct Heed {
    /// Place of the last event.
    pub(super) place: AtomicU64,
    pub(super) tally: Mutex<Tally>,
}

/// Counts of one subscriber.
pub(super) struct Tally {
    pub(super) lost: u64,
    pub(super) duplicated: u64,
    pub(super) by_type: BTreeMap<String, u64>,
    pub(super) latency_us: Histogram<u64>,
}

/// Kind, cursor, events.
type Events<'a> = (u64, &'a str, Vec<Event<'a>>);

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    sequence: &'a str,
    #[serde(borrow)]
    data: Item<'a>,
}

#[derive(Deserialize)]
struct Item<'a> {
    courier_id: u32,
    #[serde(borrow, default)]
    position: Option<Place<'a>>,
    #[serde(default)]
    inferred: bool,
}

#[derive(Deserialize)]
struct Place<'a> {
    time: &'a str,
}

impl Heed {
    /// A subscriber who has heard everything up to a place.
    pub(super) fn new(place: u64) -> Self {
        let latency_us = Histogram::new(3).expect("three digits are allowed");
        let tally = Tally { lost: 0, duplicated: 0, by_type: BTreeMap::new(), latency_us };
        Self { place: AtomicU64::new(place), tally: Mutex::new(tally) }
    }

    fn batch(&self, events: &[Event<'_>], course: &Course) {
        let now_ns = course.now_ns();
        let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        for event in events {
            let last = self.place.load(Ordering::Relaxed);
            let place = event.sequence.parse().unwrap_or(0);
            if place <= last {
                tally.duplicated += 1;
                continue;
            }
            tally.lost += place - last - 1;
            self.place.store(place, Ordering::Relaxed);
            match tally.by_type.get_mut(event.kind) {
                Some(count) => *count += 1,
                None => drop(tally.by_type.insert(event.kind.to_owned(), 1)),
            }
            if let Some(sent_ns) = sent_ns(event, course) {
                let latency_us = now_ns.saturating_sub(sent_ns) / 1_000;
                tally.latency_us.record(latency_us).expect("a histogram grows by itself");
            }
        }
    }
}

/// When the position that decided the event was sent. Only a visit always tells that one's time: a
/// departure tells that of an earlier position, and so does an arrival that is told late.
fn sent_ns(event: &Event<'_>, course: &Course) -> Option<u64> {
    if event.kind != ORDER_VISIT || event.data.inferred {
        return None;
    }
    let time: Timestamp = event.data.position.as_ref()?.time.parse().ok()?;
    let ms = time.as_millisecond() - course.first_tick_ms;
    let (sender, frame) = course.frames.frame_of(event.data.courier_id, ms)?;
    let sent_ns = course.progress[sender].sent_ns[frame].load(Ordering::Relaxed);
    (sent_ns > 0).then_some(sent_ns)
}

/// Hears events until the stream ends.
pub(super) async fn watch(
    heed: Arc<Heed>,
    course: Arc<Course>,
    mut heard: Heard,
) -> Result<(), ClientError> {
    loop {
        let body = heard.next_body().await?;
        let frame = |error: rmp_serde::decode::Error| ClientError::Frame(error.to_string());
        if body.starts_with(&EVENTS_START) {
            let (_, _, events): Events<'_> = rmp_serde::from_slice(&body).map_err(frame)?;
            heed.batch(&events, &course);
            continue;
        }
        match rmp_serde::from_slice(&body).map_err(frame)? {
            ServerFrame::Error { code, text, is_transient } => {
                return Err(ClientError::Refused { code, text, is_transient });
            }
            ServerFrame::Welcome(_)
            | ServerFrame::Ack(_)
            | ServerFrame::Refused { .. }
            | ServerFrame::Events { .. }
            | ServerFrame::Gap { .. }
            | ServerFrame::Route(_)
            | ServerFrame::Other(_) => {}
        }
    }
}

const ORDER_VISIT: &str = "doorstep.order.order_visit.v1";
/// An array of three that begins with kind 17.
const EVENTS_START: [u8; 2] = [0x93, 17];
