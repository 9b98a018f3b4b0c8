//! The feed over HTTP: as a stream of server-sent events, or in JSON pages.

use std::convert::Infallible;
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::stream::{Stream, unfold};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::api::body::Parameters;
use crate::api::caller::Caller;
use crate::api::error::Problem;
use crate::api::state::Api;
use crate::api::streams::OpenStream;
use crate::feed::cursor::Cursor;
use crate::feed::filter::Filter;
use crate::feed::press::{Batch, Press};
use crate::feed::subscription::Subscription;
use crate::runtime::access::Role;
use crate::runtime::feed_reader::{Feed, FeedGap};

pub(super) fn routes() -> Router<Arc<Api>> {
    Router::new().route("/v1/events", get(read))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    types: Option<String>,
    after: Option<String>,
    limit: Option<u64>,
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
    let after = after.map_or(Ok(Cursor::default()), Cursor::parse)?;
    let subscription = Subscription::new(Arc::clone(&api.press), filter, after)?;
    let (filter, after) = subscription.into_parts();
    let filter = Arc::new(filter);
    let accepts = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or("");
    if !accepts.contains("text/event-stream") {
        return page(&api, &filter, after, wanted.limit.unwrap_or(PAGE_DEFAULT)).await;
    }
    let line = Line {
        open: api.streams.open(caller.grant.token)?,
        press: Arc::clone(&api.press),
        feed: api.feed.clone(),
        stopping: api.stopping.subscribe(),
        filter,
        cursor: after,
        has_begun: false,
    };
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((headers, Body::from_stream(stream(line))).into_response())
}

/// One page: what there is now, and where to read on.
async fn page(
    api: &Api,
    filter: &Arc<Filter>,
    after: Cursor,
    limit: u64,
) -> Result<Response, Problem> {
    if !(1..=EVENTS_MAX).contains(&limit) {
        return Err(Problem::invalid("/limit", format!("expected 1 to {EVENTS_MAX}")));
    }
    let limit = limit as usize;
    let mut body = String::from("{\"events\":[");
    let (mut cursor, mut gap) = (after, None);
    let (mut told, mut looked_at) = (0, 0);
    while told < limit && looked_at < LOOKED_AT_MAX {
        let batch = api.press.batch(filter, cursor).await?;
        gap = gap.or(batch.gap);
        if batch.looked_at == 0 {
            cursor = batch.cursor;
            break;
        }
        looked_at += batch.looked_at;
        let room = limit - told;
        for line in batch.lines.iter().take(room) {
            if told > 0 {
                body.push(',');
            }
            body.push_str(&line.json);
            told += 1;
        }
        let is_cut = batch.lines.len() > room;
        cursor = if is_cut { batch.lines[room - 1].cursor } else { batch.cursor };
    }
    let rest = json!({
        "cursor": cursor.to_string(),
        "has_more": cursor.0 < api.feed.head(),
        "gap": gap.map(gap_told),
    });
    body.push_str("],");
    body.push_str(&rest.to_string()[1..]);
    Ok(([(CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response())
}

/// What a connection holds: its place; what is being sent is one batch.
struct Line {
    /// Counted while it is there.
    #[expect(dead_code, reason = "its end is what counts")]
    open: OpenStream,
    press: Arc<Press>,
    feed: Feed,
    stopping: watch::Receiver<bool>,
    filter: Arc<Filter>,
    cursor: Cursor,
    has_begun: bool,
}

/// Frames as they are asked for: a slow reader holds one batch and is waited for by nobody.
fn stream(line: Line) -> impl Stream<Item = Result<Bytes, Infallible>> {
    unfold(line, |mut line| async move {
        if !line.has_begun {
            line.has_begun = true;
            return Some((Ok(Bytes::from(format!("retry: {RETRY_MS}\n\n"))), line));
        }
        let mut stopping = line.stopping.clone();
        let frames = tokio::select! {
            biased;
            _ = stopping.wait_for(|stopping| *stopping) => None,
            frames = next_frames(&mut line) => frames,
        };
        frames.map(|frames| (Ok(Bytes::from(frames)), line))
    })
}

/// The next frames, or a comment if it is quiet; `None`: the stream ends with the node, and the
/// client comes back with its last id.
async fn next_frames(line: &mut Line) -> Option<String> {
    loop {
        let batch = line.press.batch(&line.filter, line.cursor).await.ok()?;
        line.cursor = batch.cursor;
        if batch.gap.is_some() || !batch.lines.is_empty() {
            return Some(frames(&batch));
        }
        if batch.looked_at == 0 {
            let beyond = line.feed.wait_beyond(line.cursor.0);
            match timeout(Duration::from_secs(COMMENT_S), beyond).await {
                Ok(beyond) => drop(beyond?),
                Err(_) => return Some(":\n\n".to_owned()),
            }
        }
        tokio::task::yield_now().await;
    }
}

fn frames(batch: &Batch) -> String {
    let mut frames = String::new();
    if let Some(gap) = batch.gap {
        let _ = write!(frames, "event: gap\ndata: {}\n\n", gap_told(gap));
    }
    for line in &batch.lines {
        let _ =
            write!(frames, "id: {}\nevent: {}\ndata: {}\n\n", line.cursor, line.kind, line.json);
    }
    frames
}

fn gap_told(gap: FeedGap) -> serde_json::Value {
    json!({
        "first_missing": Cursor(gap.first_missing).to_string(),
        "first_available": Cursor(gap.first_available).to_string(),
    })
}

const PAGE_DEFAULT: u64 = 100;
/// Most events of one page.
pub(in crate::api) const EVENTS_MAX: u64 = 1_000;
/// Most events of the feed that one page looks at.
const LOOKED_AT_MAX: usize = 100_000;
/// Seconds between comments on a quiet stream.
const COMMENT_S: u64 = 15;
/// Milliseconds that a client waits before it comes back.
const RETRY_MS: u64 = 3_000;
