//! The feed over HTTP: as a stream of server-sent events, or in JSON pages.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::ACCEPT;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::stream::{Stream, unfold};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::api::body::Parameters;
use crate::api::caller::Caller;
use crate::api::error::Problem;
use crate::api::state::Api;
use crate::feed::cloud_event::CloudEvent;
use crate::feed::cursor::Cursor;
use crate::feed::filter::Filter;
use crate::feed::names::Names;
use crate::feed::subscription::{News, Subscription};
use crate::runtime::access::Role;

pub(super) fn routes() -> Router<Arc<Api>> {
    Router::new().route("/v1/events", get(read))
}

#[derive(Deserialize)]
struct Wanted {
    types: Option<String>,
    after: Option<String>,
    limit: Option<usize>,
}

async fn read(
    State(api): State<Arc<Api>>,
    caller: Caller,
    headers: HeaderMap,
    Parameters(wanted): Parameters<Wanted>,
) -> Result<Response, Problem> {
    let company = caller.company(Role::listens)?;
    let types = wanted.types.as_ref().map(|types| {
        Filter::types_of(types.split(',').map(str::trim).filter(|name| !name.is_empty()))
    });
    let filter = Filter { types: types.transpose()?, ..Filter::all(company) };
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let after = last.or(wanted.after.as_deref());
    let after = after.map_or(Ok(Cursor::default()), Cursor::parse)?.within(api.feed.head())?;
    let accepts = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or("");
    if !accepts.contains("text/event-stream") {
        let page = page(&api, &filter, after, wanted.limit.unwrap_or(PAGE_DEFAULT))?;
        return Ok(axum::Json(page).into_response());
    }
    let names = Arc::clone(&api.names);
    let subscription = Subscription::new(api.feed.clone(), names, filter, after)?;
    let keep_alive = KeepAlive::new().interval(Duration::from_secs(COMMENT_S)).text("");
    Ok(Sse::new(stream(subscription)).keep_alive(keep_alive).into_response())
}

/// One page: what there is now, and where to read on.
fn page(api: &Api, filter: &Filter, after: Cursor, limit: usize) -> Result<Value, Problem> {
    if !(1..=PAGE_EVENTS_MAX).contains(&limit) {
        return Err(Problem::invalid("/limit", format!("expected 1 to {PAGE_EVENTS_MAX}")));
    }
    let mut events = Vec::new();
    let (mut cursor, mut gap) = (after.0, Value::Null);
    let mut looked_at = 0;
    while events.len() < limit && looked_at < LOOKED_AT_MAX {
        let read = api.feed.read(cursor, READ_MAX)?;
        if let Some(missing) = read.gap {
            gap = json!({
                "first_missing": Cursor(missing.first_missing).to_string(),
                "first_available": Cursor(missing.first_available).to_string(),
            });
            cursor = cursor.max(missing.first_available - 1);
        }
        if read.events.is_empty() {
            break;
        }
        looked_at += read.events.len();
        for event in &read.events {
            if events.len() == limit {
                break;
            }
            cursor = event.position;
            if filter.passes(event, &api.names) {
                events.push(CloudEvent::new(event, &api.names));
            }
        }
    }
    Ok(json!({
        "events": events,
        "cursor": Cursor(cursor).to_string(),
        "has_more": cursor < api.feed.head(),
        "gap": gap,
    }))
}

/// What a connection holds: at most one batch of the subscription.
struct Line {
    subscription: Subscription,
    waiting: VecDeque<Event>,
}

/// Frames as they are asked for: a slow reader holds one batch and is waited for by nobody.
fn stream(subscription: Subscription) -> impl Stream<Item = Result<Event, Infallible>> {
    let first = Event::default().retry(Duration::from_millis(RETRY_MS));
    let line = Line { subscription, waiting: VecDeque::from([first]) };
    unfold(line, |mut line| async move {
        loop {
            if let Some(event) = line.waiting.pop_front() {
                return Some((Ok(event), line));
            }
            // The stream ends with the node; the client comes back with its last id.
            let news = line.subscription.next().await.ok()?;
            line.waiting.extend(frames(&news, line.subscription.names()));
        }
    })
}

fn frames(news: &News, names: &Names) -> Vec<Event> {
    match news {
        News::Batch { events, .. } => events
            .iter()
            .map(|event| {
                let event = CloudEvent::new(event, names);
                let data = serde_json::to_string(&event).unwrap_or_default();
                Event::default().id(event.sequence).event(event.kind).data(data)
            })
            .collect(),
        News::Gap { first_missing, first_available } => {
            let data = json!({
                "first_missing": first_missing.to_string(),
                "first_available": first_available.to_string(),
            });
            vec![Event::default().event("gap").data(data.to_string())]
        }
    }
}

const PAGE_DEFAULT: usize = 100;
/// Most events of one page.
const PAGE_EVENTS_MAX: usize = 1_000;
/// Most events of the feed that one page looks at.
const LOOKED_AT_MAX: usize = 100_000;
/// Events read from the feed at once.
const READ_MAX: usize = 1_000;
/// Seconds between comments on a quiet stream.
const COMMENT_S: u64 = 15;
/// How long a client waits before it comes back.
const RETRY_MS: u64 = 3_000;
