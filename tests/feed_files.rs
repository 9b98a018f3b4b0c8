//! The feed log keeps few files open, however many segments there are, and reads them all.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "it looks at its own directory, and may panic"
)]

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use doorstep::domain::ids::{CompanyId, CourierId, EventId, PartitionId, RouteId};
use doorstep::domain::time::Time;
use doorstep::storage::disk::{Disk, RealDisk};
use doorstep::storage::feed_event::{FeedBody, FeedEvent};
use doorstep::storage::feed_log::FeedLog;
use doorstep::storage::feed_log::erase::FeedKeeping;
use doorstep::storage::segment::feed_first;

const EVENTS: u64 = 2_000;
const SEGMENT_BYTES: u64 = 2_048;

fn event(position: u64) -> FeedEvent {
    let t = Time::from_ms(1_000 * position as i64);
    FeedEvent {
        position,
        id: EventId { partition: PartitionId(3), sequence: position, ordinal: 0 },
        courier: CourierId(1 + position as u32 % 2),
        company: CompanyId(7),
        recorded_at: t,
        backfilled: false,
        previous: None,
        body: FeedBody::RouteViolated { route: RouteId(5), t },
    }
}

fn directory(name: &str) -> (PathBuf, Arc<dyn Disk>) {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&directory);
    let disk = Arc::new(RealDisk::open(&directory).unwrap());
    (directory, disk)
}

/// The segments of the feed, in order.
fn segments(disk: &dyn Disk) -> Vec<String> {
    disk.names().unwrap().into_iter().filter(|name| feed_first(name).is_some()).collect()
}

/// How many files of the directory this process has open, but for its lock.
fn open_files(directory: &PathBuf) -> usize {
    let links = fs::read_dir("/proc/self/fd").unwrap();
    let opened = links.filter_map(|link| fs::read_link(link.unwrap().path()).ok());
    opened.filter(|path| path.starts_with(directory) && !path.ends_with("lock")).count()
}

fn all(log: &FeedLog) -> Vec<FeedEvent> {
    let mut events: Vec<FeedEvent> = Vec::new();
    loop {
        let page = log.read(events.last().map_or(0, |last| last.position), 300).unwrap();
        if page.is_empty() {
            return events;
        }
        events.extend(page);
    }
}

fn append(log: &FeedLog, positions: std::ops::RangeInclusive<u64>) {
    let events: Vec<_> = positions.map(event).collect();
    for run in events.chunks(50) {
        log.append(run).unwrap();
    }
}

#[test]
fn segments_that_are_full_and_durable_are_closed() {
    let (directory, disk) = directory("feed-files");
    let told: Vec<_> = (1..=EVENTS).map(event).collect();
    let log = FeedLog::open(Arc::clone(&disk), SEGMENT_BYTES);
    log.recovered().unwrap();
    append(&log, 1..=EVENTS / 2);
    assert!(open_files(&directory) > 10, "what is not durable stays open");
    log.sync().unwrap();
    assert_eq!(open_files(&directory), 1, "the last");
    assert_eq!(all(&log).len(), told.len() / 2);
    // The last was durable when the next began.
    log.begin_anew().unwrap();
    assert_eq!(open_files(&directory), 1);
    append(&log, EVENTS / 2 + 1..=EVENTS);
    log.sync().unwrap();
    assert_eq!(all(&log), told);
    assert_eq!(open_files(&directory), 1);
    let place = log.place();
    drop(log);
    let log = FeedLog::resume(disk, SEGMENT_BYTES, place).unwrap();
    assert_eq!(log.recovered().unwrap(), 0);
    assert_eq!(all(&log), told);
    assert_eq!(open_files(&directory), 1);
}

#[test]
fn a_reader_misses_nothing_while_segments_are_written_anew_and_go() {
    let (directory, disk) = directory("feed-files-anew");
    let log = FeedLog::open(disk, SEGMENT_BYTES);
    log.recovered().unwrap();
    append(&log, 1..=EVENTS);
    log.sync().unwrap();
    log.begin_anew().unwrap();
    let is_dense = |events: &[FeedEvent]| {
        let first = events.first().map_or(1, |first| first.position);
        events.iter().map(|event| event.position).eq(first..=EVENTS)
    };
    // Who is overtaken goes on at what is left.
    let is_sorted = |events: &[FeedEvent]| {
        events.is_sorted_by_key(|event| event.position) && events.last().unwrap().position == EVENTS
    };
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| (0..40).all(|_| is_dense(&all(&log))));
        assert_eq!(log.erase_courier(CourierId(1)).unwrap(), EVENTS / 2);
        assert!(reader.join().unwrap());
        let keeping = FeedKeeping {
            since: event(EVENTS / 2).recorded_at,
            bytes_max: 1 << 30,
            needed_from: 1 << 30,
        };
        let reader = scope.spawn(|| (0..40).all(|_| is_sorted(&all(&log))));
        assert!(log.let_go(&keeping).unwrap() > 10);
        assert!(reader.join().unwrap());
    });
    let left = all(&log);
    assert!(left.first().is_some_and(|first| first.position > EVENTS / 2 - 100));
    assert!(left.iter().all(|event| event.courier != CourierId(1)));
    assert_eq!(open_files(&directory), 1);
}

#[test]
fn a_segment_that_is_too_short_is_said_to_be_and_hides_no_other() {
    for kept in [0, 1, 3] {
        let (_, disk) = directory("feed-files-short");
        let log = FeedLog::open(Arc::clone(&disk), SEGMENT_BYTES);
        log.recovered().unwrap();
        append(&log, 1..=EVENTS);
        log.sync().unwrap();
        let (place, names) = (log.place(), segments(&*disk));
        drop(log);
        // It ends with a whole record, as if the file system had lost the rest.
        let (short, next) = (&names[4], feed_first(&names[5]).unwrap());
        let file = disk.open(short).unwrap();
        let mut head = [0; 4];
        let mut size = 0;
        for _ in 0..kept {
            file.read_at(&mut head, size).unwrap();
            size += 8 + u64::from(u32::from_le_bytes(head));
        }
        file.cut(size).unwrap();
        let log = FeedLog::resume(disk, SEGMENT_BYTES, place).unwrap();
        log.recovered().unwrap();
        let first = feed_first(short).unwrap();
        for after in [first - 1 + kept, first + kept, next - 2] {
            let error = log.read(after, 10).unwrap_err().to_string();
            assert!(error.contains(short.as_str()), "{error}");
        }
        assert_eq!(log.read(next - 1, 1).unwrap(), [event(next)]);
        let before = log.read(first - 3, 2).unwrap();
        assert_eq!(before, [event(first - 2), event(first - 1)]);
    }
}
