//! The log of an order's statuses: those that the API and the app set, as admission noted them,
//! and those that the engine set, from the history; in the order in which they came about.

use std::collections::VecDeque;

use serde_json::{Value, json};

use crate::domain::event::EventKind;
use crate::domain::geo::Point;
use crate::domain::order::{Initiator, OrderStatus};
use crate::domain::time::{SECOND_MS, Time};
use crate::runtime::admission::STATUS_CHANGES;
use crate::runtime::feed_reader::{FeedBody, FeedEvent};
use crate::storage::catalog::change::Document;

/// A status that was set.
pub(super) struct StatusEntry {
    /// When the server got to know.
    pub(super) at: Time,
    /// The status.
    pub(super) status: OrderStatus,
    /// Who set it.
    pub(super) initiator: Initiator,
    /// The history does not tell it: the order was on no route.
    pub(super) is_off_route: bool,
    point: Value,
    comment: Option<String>,
}

impl StatusEntry {
    /// As the API document has it.
    pub(super) fn rendered(&self) -> Value {
        let timestamp = self.at.ms() as f64 / SECOND_MS as f64;
        json!({ "point": self.point, "status": self.status.name(), "timestamp": timestamp })
    }
}

/// The log, oldest first.
pub(super) fn of(order: &Document, history: &[FeedEvent]) -> Vec<StatusEntry> {
    let (mut told, mut log) = noted(order);
    let mut last_visit = None;
    // What was noted last stands at the end of the history: older notes may be gone.
    let mut set = Vec::new();
    for event in history {
        let FeedBody::Event(order_event) = &event.body else { continue };
        match &order_event.kind {
            EventKind::OrderVisit(at) => last_visit = at.place(),
            EventKind::StatusUpdate { status, initiator } => {
                set.push((event.recorded_at, *status, *initiator, last_visit));
            }
            _ => {}
        }
    }
    let by_hand = set.iter().filter(|(_, _, initiator, _)| *initiator != Initiator::Engine);
    let mut unnoted = by_hand.count().saturating_sub(told.len());
    for (at, status, initiator, visit) in set {
        let mut entry = StatusEntry {
            at,
            status,
            initiator,
            is_off_route: false,
            point: place(visit),
            comment: None,
        };
        if initiator != Initiator::Engine {
            entry.point = Value::Null;
            if unnoted > 0 {
                unnoted -= 1;
            } else if let Some(note) = told.pop_front() {
                (entry.point, entry.comment) = (note.point, note.comment);
            }
        }
        log.push(entry);
    }
    log.sort_by_key(|entry| entry.at);
    log
}

/// The comments that came with statuses.
pub(super) fn comments(log: &[StatusEntry]) -> Value {
    let numbered = log.iter().enumerate();
    numbered
        .filter_map(|(index, entry)| {
            let comment = entry.comment.as_ref()?;
            Some(json!({ "id": index + 1, "status": entry.status.name(), "comment": comment }))
        })
        .collect()
}

/// What admission noted: statuses set on a route, which the history tells too, and others.
fn noted(order: &Document) -> (VecDeque<StatusEntry>, Vec<StatusEntry>) {
    let (mut on_route, mut off_route) = (VecDeque::new(), Vec::new());
    let changes = order.field(STATUS_CHANGES).and_then(Value::as_array);
    for change in changes.into_iter().flatten() {
        let status = change.get("status").and_then(Value::as_str).and_then(OrderStatus::from_name);
        let Some(status) = status else { continue };
        let is_on_route = change.get("on_route").and_then(Value::as_bool) == Some(true);
        let initiator = change.get("initiator").and_then(Value::as_str);
        let is_app = initiator == Some(Initiator::App.name());
        let entry = StatusEntry {
            at: Time::from_ms(change.get("at_ms").and_then(Value::as_i64).unwrap_or(0)),
            status,
            initiator: if is_app { Initiator::App } else { Initiator::UserApi },
            is_off_route: !is_on_route,
            point: change.get("point").cloned().unwrap_or_default(),
            comment: change.get("comment").and_then(Value::as_str).map(str::to_owned),
        };
        if is_on_route {
            on_route.push_back(entry);
        } else {
            off_route.push(entry);
        }
    }
    (on_route, off_route)
}

fn place(point: Option<Point>) -> Value {
    point.map_or(Value::Null, |point| json!({ "lat": point.lat(), "lon": point.lon() }))
}
