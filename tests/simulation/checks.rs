//! The judges: what must hold of a recovered process, and of a run as a whole.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use doorstep::domain::ids::{CourierId, OrderId};
use doorstep::domain::position::{AGE_MAX_MS, LEAD_MAX_MS};
use doorstep::domain::time::{HOUR_MS, Time};
use doorstep::engine::output::{Output, OutputBody};
use doorstep::runtime::commands::Note;
use doorstep::runtime::feed_reader::{Feed, FeedBody, FeedEvent};
use doorstep::runtime::notifications::Notifications;
use doorstep::storage::catalog::Catalog;
use doorstep::storage::catalog::change::decode;
use doorstep::storage::catalog::notifications::NotificationSpan;
use doorstep::storage::disk::Disk;
use doorstep::storage::segment::feed_first;
use doorstep::storage::sim_disk::SimDisk;
use doorstep::storage::tracks::{TrackLog, TrackSpan};

use super::documents::Documents;
use super::held::{Held, Tracked};
use super::senders::Numbered;
use crate::support::invariants::broken_beyond_ids;
use crate::support::play::Told;

/// What was acknowledged is in the journal, once, and nothing is there twice.
pub fn judge_acknowledged(held: &Held, acked: impl Iterator<Item = Numbered>) {
    for (key, count) in &held.positions {
        assert_eq!(*count, 1, "(sender, boot, number) {key:?} is in the journal twice");
    }
    for key in acked {
        assert!(held.positions.contains_key(&key), "acknowledged and lost: {key:?}");
    }
}

/// The feed after a position, to where it ends or cannot be read.
pub fn feed_after(feed: &Feed, mut after: u64) -> Vec<FeedEvent> {
    let mut events = Vec::new();
    loop {
        let Ok(page) = feed.read(after, 50) else { return events };
        if page.events.is_empty() {
            return events;
        }
        after = page.next;
        events.extend(page.events);
    }
}

/// Positions are dense, ids unique, and what was published is still there.
pub fn judge_feed(feed: &[FeedEvent], published: &[FeedEvent]) {
    assert!(feed.iter().map(|event| event.position).eq(1..=feed.len() as u64), "not dense");
    let ids: BTreeSet<_> = feed.iter().map(|event| event.id).collect();
    assert_eq!(ids.len(), feed.len(), "ids are unique");
    assert!(feed.len() >= published.len(), "what was published is gone");
    for (now, before) in feed.iter().zip(published) {
        assert_eq!(now, before, "the feed that was published, and that of the replay");
    }
}

/// Every order's chain is what a fold of the feed makes of it, as far back as that is there.
pub fn judge_chains(feed: &Feed, events: &[FeedEvent]) {
    let mut histories: BTreeMap<OrderId, Vec<FeedEvent>> = BTreeMap::new();
    for event in &events[feed.first() as usize - 1..] {
        if let FeedBody::Event(told) = &event.body {
            histories.entry(told.order).or_default().push(event.clone());
        }
    }
    for (order, history) in histories {
        assert_eq!(feed.history(order).expect("it can be read"), history, "order {order}");
    }
}

/// The list of notifications is a fold of the feed; their numbers are dense, their times in order.
pub fn judge_notifications(feed: &Feed, events: &[FeedEvent]) {
    let list = Notifications::new(Catalog::in_memory(&[]).expect("it opens"), feed.clone());
    list.catch_up().expect("it can be listed");
    let mut found = Vec::new();
    for event in events {
        if let FeedBody::Notification { notification, id, time } = &event.body {
            found.push((*id, time.ms(), notification.order.0));
        }
    }
    assert!(found.iter().map(|(id, ..)| *id).eq(1..=found.len() as u64), "{found:?}");
    assert!(found.is_sorted_by_key(|(_, time, _)| *time), "{found:?}");
    let span = NotificationSpan {
        company: 1,
        from_ms: i64::MIN,
        to_ms: i64::MAX,
        skipped: 0,
        page_max: 10_000,
    };
    let listed = list.listed(&span).expect("it can be read");
    let listed: Vec<_> = listed.iter().map(|row| (row.id, row.time_ms, row.order)).collect();
    // The list begins where the feed does.
    assert!(found.ends_with(&listed), "{listed:?}, of {found:?}");
    let is_there = |event: &&FeedEvent| matches!(event.body, FeedBody::Notification { .. });
    let there = events[feed.first() as usize - 1..].iter().filter(is_there).count();
    assert_eq!(listed.len(), there);
}

/// The invariants of behaviour, section 8.
pub fn judge_invariants(events: &[FeedEvent]) {
    let told = events.iter().filter_map(|event| {
        let body = match &event.body {
            FeedBody::Event(event) => OutputBody::Event(*event),
            FeedBody::Notification { notification, .. } => OutputBody::Notification(*notification),
            FeedBody::Eta { .. } | FeedBody::RouteViolated { .. } => return None,
        };
        let output = Output {
            id: event.id,
            courier: event.courier,
            recorded_at: event.recorded_at,
            backfilled: event.backfilled,
            body,
        };
        Some(Told { output, etas: Vec::new() })
    });
    let broken = broken_beyond_ids(&told.collect::<Vec<_>>());
    assert!(broken.is_empty(), "{broken:#?}");
}

/// The catalog is what a fresh one becomes of the journal's notes.
pub fn judge_documents(catalog: &Catalog, notes: &[Note]) {
    let mut fresh = Catalog::in_memory(&[]).expect("it opens");
    for note in notes {
        let changes = decode(&note.bytes).expect("it was written so");
        fresh.apply(note.journal_place, &changes).expect("it can be applied");
    }
    assert_eq!(Documents::of(catalog), Documents::of(&fresh));
    assert_eq!(catalog.applied().ok(), fresh.applied().ok());
}

/// The tracks on disk are what a fold makes of the journal's positions up to a frame, and what came
/// after is still in the journal; up to its end, if the process ended in order. Only what came before
/// the hour of `kept_from` may be gone.
pub fn judge_tracks(
    disk: &SimDisk,
    held: &Held,
    (couriers, kept_from): (&[u64], Option<Time>),
    has_ended: bool,
) {
    let log = TrackLog::open(Arc::new(disk.after_kill()), held.next.max(1));
    let log = log.expect("they can be read");
    let next = if has_ended { held.next } else { log.next() };
    let (from, to) = (Time::DISTANT_PAST, Time::DISTANT_FUTURE);
    for &courier in couriers {
        let courier = CourierId(courier as u32);
        let mut found = Vec::new();
        let span = TrackSpan { courier, from, to };
        log.read(&span, held.next, &mut |point| {
            found.push((point.received_at.ms(), point.position.device_time.ms()));
        })
        .expect("they can be read");
        let is_its = |point: &&Tracked| {
            let age_ms = point.received_ms - point.device_ms;
            point.courier == courier.0 && (-LEAD_MAX_MS..=AGE_MAX_MS).contains(&age_ms)
        };
        let mut missing = BTreeMap::<_, i64>::new();
        for point in held.tracked.iter().filter(is_its) {
            let is_kept =
                kept_from.is_none_or(|kept| hour_of_ms(point.came_ms) >= hour_of_ms(kept.ms()));
            let key = (point.received_ms, point.device_ms);
            if point.frame < next {
                let is_found = found.contains(&key);
                assert!(is_found || !is_kept, "not in the track of courier {courier}: {point:?}");
                *missing.entry(key).or_default() += 1;
            } else {
                // Where every file of the tracks has gone, they begin anew at the first frame.
                assert!(
                    point.frame >= held.first_living || !is_kept,
                    "neither in track nor journal: {point:?}"
                );
            }
        }
        for key in found {
            let count = missing.entry(key).or_default();
            *count -= 1;
            assert!(*count >= 0, "twice, or of nobody, in the track of courier {courier}: {key:?}");
        }
    }
}

const fn hour_of_ms(ms: i64) -> i64 {
    ms.div_euclid(HOUR_MS)
}

/// All bytes of the feed log, file by file.
pub fn feed_bytes(disk: &SimDisk) -> BTreeMap<String, Vec<u8>> {
    let names = disk.names().expect("the disk lives");
    let names = names.into_iter().filter(|name| feed_first(name).is_some());
    names.map(|name| (name.clone(), disk.bytes(&name))).collect()
}
