//! A subscriber's stream: batches of events, cut to the size of frames, each with the cursor of its
//! end. Writing waits for the reader, so that a slow one costs one batch and nothing else.

use std::collections::BTreeSet;

use super::connection::Peer;
use super::frames::Came;
use super::session::{Session, Speaker};
use super::speech::{End, Speech};
use super::status::handshake_done;
use super::wire::FRAME_BODY_MAX;
use super::wire::client_frame::Subscribe;
use crate::feed::cursor::Cursor;
use crate::feed::error::FeedError;
use crate::feed::filter::Filter;
use crate::feed::packed::Packer;
use crate::feed::press::Press;
use crate::feed::subscription::{News, Subscription};
use crate::runtime::feed_reader::FeedEvent;

/// The subscription that was asked for.
pub(super) fn subscribe(
    peer: &Peer,
    speaker: &Speaker,
    wanted: &Subscribe<'_>,
) -> Result<Subscription, End> {
    if !speaker.grant.role.listens() {
        return Err(End::hard(403, "only a subscriber reads events"));
    }
    let types = wanted.types.as_ref();
    let filter = Filter {
        types: types.map(|types| Filter::types_of(types.iter().copied())).transpose()?,
        courier_ids: ids(wanted.courier_ids.as_deref()),
        route_ids: ids(wanted.route_ids.as_deref()),
        order_ids: ids(wanted.order_ids.as_deref()),
        depot_ids: ids(wanted.depot_ids.as_deref()),
        ..Filter::all(speaker.grant.company)
    };
    let after = wanted.after.map_or(Ok(Cursor::default()), Cursor::parse)?;
    Ok(Subscription::new(peer.services.press.clone(), filter, after)?)
}

fn ids(ids: Option<&[u64]>) -> Option<BTreeSet<u64>> {
    ids.map(|ids| ids.iter().copied().collect())
}

/// Tells events until the subscriber goes.
pub(super) async fn serve_subscriber(session: &mut Session, mut subscription: Subscription) -> End {
    if let Err(end) = handshake_done(&session.peer).await {
        return end;
    }
    let Session { heard, speech, .. } = session;
    let mut packer = Packer::default();
    loop {
        let told = tokio::select! {
            news = subscription.next() => tell(speech, &mut packer, news, subscription.press()),
            came = heard.ready() => return match came {
                Came::Frame => End::hard(422, "a subscriber has nothing to say after it subscribed"),
                Came::Bad(error) => error.into(),
                Came::End | Came::Gone => End::Quiet,
            },
        };
        let sent = match told {
            Ok(()) => speech.flush().await,
            Err(end) => Err(end),
        };
        if let Err(end) = sent {
            return end;
        }
    }
}

fn tell(
    speech: &mut Speech,
    packer: &mut Packer,
    news: Result<News, FeedError>,
    press: &Press,
) -> Result<(), End> {
    match news? {
        News::Gap { first_missing, first_available } => {
            let (missing, available) = (first_missing.to_string(), first_available.to_string());
            speech.frames.gap(&missing, &available, &mut speech.buffer);
        }
        News::Batch { cursor, events } => {
            press.pack(&events, packer);
            let events = events.iter().map(|printed| (&printed.event, printed.packed()));
            tell_batch(speech, cursor, events);
        }
    }
    Ok(())
}

/// As few frames as hold the events.
fn tell_batch<'a>(
    speech: &mut Speech,
    cursor: Cursor,
    events: impl ExactSizeIterator<Item = (&'a FeedEvent, &'a [u8])>,
) {
    let (mut packed, mut bytes, mut last) = (Vec::with_capacity(events.len()), 0, cursor);
    for (event, event_bytes) in events {
        if bytes + event_bytes.len() > EVENTS_BYTES_MAX && !packed.is_empty() {
            speech.frames.events(&last.to_string(), &packed, &mut speech.buffer);
            packed.clear();
            bytes = 0;
        }
        packed.push(event_bytes);
        (bytes, last) = (bytes + event_bytes.len(), Cursor(event.position));
    }
    speech.frames.events(&cursor.to_string(), &packed, &mut speech.buffer);
}

/// Bytes of events in one frame, beside its kind, cursor and lengths.
const EVENTS_BYTES_MAX: usize = FRAME_BODY_MAX - 64;
