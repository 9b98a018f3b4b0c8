//! Tracks hold every position that was acknowledged, each once, whatever happens: crashes, torn
//! writes, full memory, hours that pass. `DOORSTEP_SEEDS=2000 cargo test --test tracks` looks for
//! more; a failure prints its seed.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "the number of seeds comes from the environment, a fixture from its file"
)]

#[expect(dead_code, reason = "other tests use the rest")]
mod support {
    pub mod fleet;
    pub mod simulated;
    pub mod world;
}

use std::collections::BTreeMap;
use std::sync::Arc;

use doorstep::domain::geo::Point;
use doorstep::domain::ids::{CompanyId, CourierId, RouteId};
use doorstep::domain::position::{Accuracy, Position, Source};
use doorstep::domain::time::{HOUR_MS, Time};
use doorstep::engine::input::InputBody;
use doorstep::runtime::clock::Clock;
use doorstep::runtime::intake::{Delivery, SentFix};
use doorstep::runtime::node::{Node, NodeSettings};
use doorstep::runtime::tracks::{TrackLimits, TrackPoint, TrackSpan};
use doorstep::storage::codec::input::ChunkReader;
use doorstep::storage::disk::Disk;
use doorstep::storage::error::StorageError;
use doorstep::storage::frame::FrameKind;
use doorstep::storage::replay::replay;
use doorstep::storage::sim_disk::SimDisk;
use doorstep::storage::tracks::TrackLog;
use doorstep::storage::tracks::open::OpenTracks;
use support::fleet::{COMPANY, fix, planned};
use support::simulated::start;
use support::world::{ZERO, moved, origin};
use tokio::runtime::Runtime;
use tokio::sync::mpsc::unbounded_channel;

const COURIERS: u32 = 5;

/// Small segments and blocks, so that many are written.
fn settings(limits: TrackLimits) -> NodeSettings {
    NodeSettings { tracks: limits, answer_ms_max: 30_000, ..support::simulated::settings(2) }
}

/// Nothing is written before the end.
fn all_open() -> TrackLimits {
    TrackLimits { open_bytes_max: usize::MAX, open_ms_max: i64::MAX }
}

/// A block every few positions.
fn tiny() -> TrackLimits {
    TrackLimits { open_bytes_max: 3_000, open_ms_max: 20_000 }
}

/// Puts the couriers where they are not there yet.
fn plan(node: &Node) -> bool {
    let parts = (0..COURIERS).flat_map(|id| planned(CourierId(id), 3)).collect();
    node.commands().commit_blocking(parts, Vec::new()).is_ok()
}

/// Sends positions and waits until they are durable; `false`: the node died.
fn send(node: &Node, fixes: Vec<SentFix>) -> bool {
    let (reply, mut done) = unbounded_channel();
    let Ok(parts) = node.intake().submit(Delivery { sender: None, frame: 0, fixes, reply }) else {
        return false;
    };
    (0..parts).all(|_| done.blocking_recv().is_some())
}

/// Everybody moves on by a tick of 5 s; what was acknowledged is added to `acked`.
fn drive(node: &Node, clock: &Clock, ticks: u64, acked: &mut Vec<SentFix>) {
    for _ in 0..ticks {
        clock.advance(5_000);
        let tick = ((clock.now() - ZERO) / 5_000) as u64;
        let fixes: Vec<_> =
            (0..COURIERS).map(|id| fix(CourierId(id), tick, clock.now(), tick)).collect();
        if !send(node, fixes.clone()) {
            return;
        }
        acked.extend(fixes);
    }
}

fn everything(courier: CourierId) -> TrackSpan {
    TrackSpan { courier, from: Time::DISTANT_PAST, to: Time::DISTANT_FUTURE }
}

/// The whole track of a courier.
fn track(node: &Node, courier: CourierId) -> Vec<TrackPoint> {
    let tracks = node.tracks();
    let read = tracks.read(everything(courier), |_| true, (0, usize::MAX));
    Runtime::new().unwrap().block_on(read).unwrap()
}

fn tracks(node: &Node) -> BTreeMap<CourierId, Vec<TrackPoint>> {
    (0..COURIERS).map(CourierId).map(|id| (id, track(node, id))).collect()
}

/// What the journal holds of every courier, by device time.
fn journalled(disk: &SimDisk) -> BTreeMap<CourierId, Vec<TrackPoint>> {
    let mut held: BTreeMap<_, Vec<_>> = (0..COURIERS).map(|id| (CourierId(id), vec![])).collect();
    replay(disk, &mut |frame, _, _| {
        if frame.kind == FrameKind::Positions {
            for record in ChunkReader::new(frame.payload) {
                let input = record.unwrap().input;
                if let InputBody::Position { courier, route, position, .. } = input.body {
                    let received_at = input.received_at;
                    let point = TrackPoint { route, received_at, position };
                    held.get_mut(&courier).unwrap().push(point);
                }
            }
        }
        Ok::<_, StorageError>(())
    })
    .unwrap();
    for points in held.values_mut() {
        points.sort_by_key(|point| (point.position.device_time, point.received_at));
    }
    held
}

fn names(disk: &SimDisk, prefix: &str) -> Vec<String> {
    let names = disk.names().unwrap().into_iter();
    names.filter(|name| name.starts_with(prefix)).collect()
}

#[test]
fn what_is_acknowledged_is_read_at_once_and_whole() {
    let (disk, clock) = (SimDisk::new(), Clock::manual(ZERO));
    let (node, _) = start(&disk, &settings(all_open()), &clock).unwrap();
    assert!(plan(&node));
    let position = Position {
        accuracy_m: Accuracy::new(4.25),
        speed_mps: Some(7.5),
        heading_deg: Some(359.5),
        battery_pct: Some(81),
        source: Source::GpsTracker,
        silent_when_still: true,
        ..Position::bare(ZERO, moved(origin(), 3.0, 4.0))
    };
    let routes = [None, Some(RouteId(1)), None];
    let fixes = routes.into_iter().zip(1..).map(|(route, seq)| {
        let device_time = ZERO + seq as i64 * 1_000;
        let position = Position { device_time, ..position };
        SentFix { seq, courier: CourierId(0), company: COMPANY, route, position }
    });
    let fixes: Vec<_> = fixes.collect();
    clock.advance(5_000);
    assert!(send(&node, fixes.clone()));
    let expected: Vec<_> = fixes
        .iter()
        .map(|fix| TrackPoint {
            route: fix.route,
            received_at: clock.now(),
            position: fix.position,
        })
        .collect();
    assert_eq!(track(&node, CourierId(0)), expected);
    assert_eq!(track(&node, CourierId(1)), []);
    assert!(names(&disk, "tracks-").is_empty(), "nothing is on disk yet");
    node.stop().unwrap();
    assert_eq!(names(&disk, "tracks-").len(), 1);
    let disk = disk.after_crash(0, 0);
    let (node, _) = start(&disk, &settings(all_open()), &clock).unwrap();
    assert_eq!(track(&node, CourierId(0)), expected);
}

#[test]
fn a_span_is_by_device_time_and_pages_do_not_overlap() {
    let (disk, clock) = (SimDisk::new(), Clock::manual(ZERO));
    let (node, _) = start(&disk, &settings(tiny()), &clock).unwrap();
    assert!(plan(&node));
    let mut acked = Vec::new();
    drive(&node, &clock, 60, &mut acked);
    // Late by an hour.
    let late = fix(CourierId(1), 9, ZERO + 7_500, 9);
    clock.advance(HOUR_MS);
    assert!(send(&node, vec![late.clone()]));
    let span = TrackSpan { courier: CourierId(1), from: ZERO + 5_000, to: ZERO + 15_000 };
    let runtime = Runtime::new().unwrap();
    let tracks = node.tracks();
    let read = |span, page| {
        let read = tracks.read(span, |_| true, page);
        let points = runtime.block_on(read).unwrap().into_iter();
        points.map(|point| point.position.device_time - ZERO).collect::<Vec<_>>()
    };
    assert_eq!(read(span, (0, 10)), [5_000, 7_500, 10_000]);
    assert_eq!(read(span, (1, 1)), [7_500]);
    assert_eq!(read(span, (3, 10)), Vec::<i64>::new());
    let whole = read(everything(CourierId(1)), (0, 1_000));
    let paged: Vec<_> =
        (0..7).flat_map(|page| read(everything(CourierId(1)), (page * 10, 10))).collect();
    assert_eq!(whole.len(), 61);
    assert_eq!(paged, whole);
}

/// What the engine refuses for its age is no part of a track; what comes late or again is.
#[test]
fn what_is_refused_for_its_age_is_not_kept() {
    let (disk, clock) = (SimDisk::new(), Clock::manual(ZERO));
    let (node, _) = start(&disk, &settings(all_open()), &clock).unwrap();
    assert!(plan(&node));
    let day = 24 * HOUR_MS;
    for t in [0, -day, -day - 1, 60_000, 60_001, 0] {
        assert!(send(&node, vec![fix(CourierId(0), 1, ZERO + t, 1)]));
    }
    let kept: Vec<_> = track(&node, CourierId(0));
    let kept: Vec<_> = kept.iter().map(|point| point.position.device_time - ZERO).collect();
    assert_eq!(kept, [-day, 0, 0, 60_000]);
}

#[test]
fn there_is_one_file_an_hour_however_many_couriers() {
    let (disk, clock) = (SimDisk::new(), Clock::manual(ZERO));
    let (node, _) = start(&disk, &settings(TrackLimits::default()), &clock).unwrap();
    assert!(plan(&node));
    let mut acked = Vec::new();
    for _ in 0..3 {
        drive(&node, &clock, 12, &mut acked);
        clock.advance(HOUR_MS);
    }
    let before = tracks(&node);
    assert_eq!(before.values().map(Vec::len).sum::<usize>(), acked.len());
    node.stop().unwrap();
    let hours = [0, 1, 2].map(|hour| format!("tracks-{:020}.seg", ZERO.ms() / HOUR_MS + hour));
    assert_eq!(names(&disk, "tracks-"), hours);
    let (node, _) = start(&disk.after_crash(0, 0), &settings(tiny()), &clock).unwrap();
    assert_eq!(tracks(&node), before);
}

#[test]
fn a_crash_neither_loses_nor_doubles_a_position() {
    let seeds = std::env::var("DOORSTEP_SEEDS").ok().and_then(|seeds| seeds.parse().ok());
    for seed in 0..seeds.unwrap_or(40) {
        println!("seed {seed}");
        let (mut disk, clock) = (SimDisk::new(), Clock::manual(ZERO));
        let mut acked = Vec::new();
        for life in 0..4 {
            if life > 0 {
                disk = disk.after_crash(seed * 7 + life, [0, 50, 90, 100][seed as usize % 4]);
            }
            disk.die_after(40 + (seed * 37 + life * 61) % 160);
            let Ok((node, _)) = start(&disk, &settings(tiny()), &clock) else { continue };
            if plan(&node) {
                drive(&node, &clock, 40, &mut acked);
            }
            // It may have died, and says so.
            let _ = node.stop();
        }
        let disk = disk.after_crash(seed, 50);
        let (node, _) = start(&disk, &settings(tiny()), &clock).unwrap();
        let kept = tracks(&node);
        assert_eq!(kept, journalled(&disk));
        for sent in &acked {
            let is_same = |point: &&TrackPoint| point.position == sent.position;
            assert_eq!(kept[&sent.courier].iter().filter(is_same).count(), 1, "{sent:?}");
        }
    }
}

/// A tail that is torn, or was never synced, is read again from the journal.
#[test]
fn a_torn_block_is_written_again() {
    let (disk, clock) = (SimDisk::new(), Clock::manual(ZERO));
    let (node, _) = start(&disk, &settings(tiny()), &clock).unwrap();
    assert!(plan(&node));
    drive(&node, &clock, 60, &mut Vec::new());
    let whole = tracks(&node);
    node.stop().unwrap();
    let file = names(&disk, "tracks-").remove(0);
    let size = disk.bytes(&file).len();
    for from in [0, 1, 47, 48, 200, size / 2, size - 1] {
        for is_cut in [true, false] {
            let torn = disk.after_crash(0, 0);
            if is_cut {
                let file = torn.open(&file).unwrap();
                file.cut(from as u64).unwrap();
            } else {
                torn.blank(&file, from);
            }
            let (node, _) = start(&torn, &settings(tiny()), &clock).unwrap();
            assert_eq!(tracks(&node), whole, "from {from}");
            node.stop().unwrap();
            let again = torn.after_crash(0, 0);
            let (node, _) = start(&again, &settings(tiny()), &clock).unwrap();
            assert_eq!(tracks(&node), whole, "from {from}, once more");
        }
    }
}

/// Bytes that rot are refused, or they are the last block's and written again: they are never taken
/// for positions.
#[test]
fn bytes_that_rot_are_never_taken_for_positions() {
    let (disk, clock) = (SimDisk::new(), Clock::manual(ZERO));
    let (node, _) = start(&disk, &settings(tiny()), &clock).unwrap();
    assert!(plan(&node));
    drive(&node, &clock, 12, &mut Vec::new());
    clock.advance(HOUR_MS);
    drive(&node, &clock, 12, &mut Vec::new());
    let whole = tracks(&node);
    node.stop().unwrap();
    let runtime = Runtime::new().unwrap();
    let (mut refused, mut good) = (0, 0);
    let file = names(&disk, "tracks-").remove(0);
    for at in (0..disk.bytes(&file).len()).step_by(29) {
        let rotten = disk.after_crash(0, 0);
        rotten.flip(&file, at);
        let Ok((node, _)) = start(&rotten, &settings(tiny()), &clock) else {
            refused += 1;
            continue;
        };
        let tracks = node.tracks();
        for (&courier, points) in &whole {
            let read = tracks.read(everything(courier), |_| true, (0, usize::MAX));
            match runtime.block_on(read) {
                Ok(read) if read == *points => good += 1,
                Ok(read) => panic!("byte {at}: {read:?}"),
                Err(_) => refused += 1,
            }
        }
    }
    assert!(refused > 10 && good > 10, "{refused} {good}");
}

#[test]
fn full_memory_is_written_out() {
    let (disk, clock) = (SimDisk::new(), Clock::manual(ZERO));
    let limits = TrackLimits { open_bytes_max: 2_000, ..all_open() };
    let (node, _) = start(&disk, &settings(limits), &clock).unwrap();
    assert!(plan(&node));
    drive(&node, &clock, 100, &mut Vec::new());
    let whole = tracks(&node);
    assert_eq!(names(&disk, "tracks-").len(), 1, "most of it is on disk");
    assert_eq!(whole, journalled(&disk));
}

/// Wherever a rewrite is broken off: what is to be kept is there, once, and a second try ends it.
#[test]
fn a_rewrite_that_is_broken_off_loses_nothing() {
    let (disk, clock) = (SimDisk::new(), Clock::manual(ZERO));
    let (node, _) = start(&disk, &settings(tiny()), &clock).unwrap();
    assert!(plan(&node));
    for _ in 0..2 {
        drive(&node, &clock, 30, &mut Vec::new());
        clock.advance(HOUR_MS);
    }
    let whole = tracks(&node);
    node.stop().unwrap();
    let (gone, hours) = (CourierId(2), [0, 1].map(|hour| (ZERO.ms() / HOUR_MS) as u64 + hour));
    let open = |disk: &SimDisk| TrackLog::open(Arc::new(disk.clone()), u64::MAX).unwrap();
    let next = open(&disk).next();
    let forget = |log: &TrackLog| {
        let forgotten = hours
            .iter()
            .try_for_each(|&hour| log.keep_only(hour, &|entry| entry.courier != gone).map(drop));
        forgotten.is_ok()
    };
    let mut is_done = false;
    for steps in 0.. {
        let broken = disk.after_crash(0, 0);
        let log = open(&broken);
        broken.die_after(steps);
        is_done = forget(&log);
        for kept_pct in [0, 50, 100] {
            let broken = broken.after_crash(steps, kept_pct);
            for is_second in [false, true] {
                let log = open(&broken);
                assert!(!is_second || forget(&log));
                assert_eq!(log.next(), next);
                for (&courier, expected) in &whole {
                    let mut points = Vec::new();
                    let read = log.read(&everything(courier), u64::MAX, &mut |point| {
                        points.push(point);
                    });
                    read.unwrap();
                    let may_be_gone = courier == gone && !is_second && !points.is_empty();
                    match courier == gone && (is_second || is_done) {
                        true => assert_eq!(points, []),
                        false if may_be_gone => assert!(expected.ends_with(&points)),
                        false if courier == gone => {}
                        false => assert_eq!(&points, expected, "after {steps} steps"),
                    }
                }
            }
        }
        if is_done {
            break;
        }
    }
    assert!(is_done);
}

/// The layout of version 1, as it was written once; it is never written anew.
#[test]
fn tracks_of_version_1_are_read() {
    let file = "tracks-00000000000000492342.seg";
    let bytes = std::fs::read(format!("tests/fixtures/tracks_v1/{file}")).unwrap();
    let disk = SimDisk::new();
    disk.open(file).unwrap().write_at(&bytes, 0).unwrap();
    let log = TrackLog::open(Arc::new(disk.clone()), 100).unwrap();
    assert_eq!(log.next(), 12);
    for (courier, expected) in fixture() {
        let mut points = Vec::new();
        log.read(&everything(courier), 100, &mut |point| points.push(point)).unwrap();
        assert_eq!(points, expected);
    }
    let again = SimDisk::new();
    let log = TrackLog::open(Arc::new(again.clone()), 1).unwrap();
    for (next, points) in [(5, 0..2), (12, 2..4)] {
        let mut open = OpenTracks::default();
        for (courier, all) in fixture() {
            for point in &all[points.clone()] {
                open.put(courier, CompanyId(3), point);
            }
        }
        log.append(&open, next).unwrap();
    }
    assert_eq!(again.bytes(file), bytes, "this version writes the same");
    disk.flip(file, 3);
    let later = TrackLog::open(Arc::new(disk), 100).map(drop);
    assert!(matches!(later, Err(StorageError::LaterVersion { version: 0x54, .. })));
}

fn fixture() -> BTreeMap<CourierId, Vec<TrackPoint>> {
    let at = |s: i64, lat_e7: i32, lon_e7: i32| TrackPoint {
        route: None,
        received_at: ZERO + s * 1_000 + 321,
        position: Position::bare(ZERO + s * 1_000, Point::from_e7(lat_e7, lon_e7).unwrap()),
    };
    let mut full = at(10, 557_558_100, 376_173_200);
    full.route = Some(RouteId(77));
    full.position = Position {
        accuracy_m: Accuracy::new(12.5),
        speed_mps: Some(3.25),
        heading_deg: Some(0.0),
        battery_pct: Some(0),
        source: Source::Yanavi,
        silent_when_still: true,
        ..full.position
    };
    let west = [at(0, -338_688_000, 1_512_093_000), at(5, -338_688_001, 1_512_092_999)];
    let ours = [at(5, 557_558_000, 376_173_000), full];
    BTreeMap::from([
        (CourierId(4), [ours, [TrackPoint { route: Some(RouteId(78)), ..full }, ours[0]]].concat()),
        (CourierId(70_000), [west, [west[0], west[1]]].concat()),
    ])
}
