//! What may happen to snapshots: bytes that turn, files that are cut or gone, a later format; what
//! is dropped once they are there; and fixtures of every format there ever was, read for ever.
//! `DOORSTEP_FIXTURE=DIR cargo test --test snapshots` writes the fixture of the present format.

#![expect(clippy::disallowed_methods, reason = "fixtures are files")]

mod support {
    pub mod fleet;
    pub mod simulated;
    pub mod world;
}

use std::path::{Path, PathBuf};
use std::sync::Arc;

use doorstep::domain::ids::{CourierId, OrderId};
use doorstep::runtime::clock::Clock;
use doorstep::runtime::error::RuntimeError;
use doorstep::runtime::feed_reader::FeedEvent;
use doorstep::runtime::intake::{Delivery, Sender, SenderId};
use doorstep::runtime::node::{Node, NodeSettings};
use doorstep::storage::disk::Disk;
use doorstep::storage::error::StorageError;
use doorstep::storage::manifest::Manifest;
use doorstep::storage::segment::{
    journal_name, journal_number, manifest_name, manifest_number, snapshot_name, snapshot_number,
};
use doorstep::storage::sim_disk::SimDisk;
use doorstep::storage::snapshot::read_pieces;
use support::fleet::{fix, planned};
use support::simulated::{held, settings, start, whole_feed};
use support::world::ZERO;
use tokio::sync::mpsc::unbounded_channel;

/// A life with two snapshots, and the journal kept whole.
struct Lived {
    disk: SimDisk,
    clock: Clock,
    feed: Vec<FeedEvent>,
}

fn keeping() -> NodeSettings {
    NodeSettings { keep_journal: true, ..settings(2) }
}

fn live(node: &Node, clock: &Clock, ticks: core::ops::Range<u64>) {
    for tick in ticks {
        clock.advance(8_000);
        for courier in 0..COURIERS {
            let (reply, mut receiver) = unbounded_channel();
            let sender = Some(Sender { id: SenderId(courier.into()), boot: 1 });
            let fixes = vec![fix(CourierId(courier), tick, clock.now(), tick)];
            let delivery = Delivery { sender, frame: tick, fixes, reply };
            for _ in 0..node.intake().submit(delivery).expect("it has room") {
                assert!(receiver.blocking_recv().is_some(), "it lives");
            }
        }
    }
}

/// A node with a plan, and a command with a note of so many bytes.
fn begun(settings: &NodeSettings, note: usize) -> (SimDisk, Clock, Node) {
    let (disk, clock) = (SimDisk::new(), Clock::manual(ZERO));
    let (node, _) = start(&disk, settings, &clock).expect("it starts");
    let parts = (0..COURIERS).map(CourierId).flat_map(|courier| planned(courier, 3)).collect();
    node.commands().commit_blocking(parts, vec![7; note]).expect("it has room");
    (disk, clock, node)
}

fn lived(settings: &NodeSettings) -> Lived {
    let (disk, clock, node) = begun(settings, NOTE_BYTES);
    live(&node, &clock, 1..8);
    node.snapshots().take().expect("the disk lives");
    live(&node, &clock, 8..14);
    node.snapshots().take().expect("the disk lives");
    live(&node, &clock, 14..20);
    let feed = whole_feed(&node);
    node.stop().expect("it stops");
    Lived { disk: disk.after_crash(0, 100), clock, feed }
}

impl Lived {
    /// The same disk with other bytes in a file.
    fn with(&self, name: &str, change: impl FnOnce(&mut Vec<u8>)) -> SimDisk {
        let disk = self.disk.after_crash(0, 100);
        let mut bytes = disk.bytes(name);
        change(&mut bytes);
        let file = disk.open(name).expect("it lives");
        file.cut(0).expect("it lives");
        file.write_at(&bytes, 0).and_then(|()| file.sync()).expect("it lives");
        disk
    }

    /// It begins with a snapshot of that number, or none, tells the same, and goes on.
    fn judge(&self, disk: &SimDisk, snapshot: Option<u64>, what: &str) {
        let clock = Clock::manual(self.clock.now());
        let (node, _) =
            start(disk, &keeping(), &clock).unwrap_or_else(|error| panic!("{what}: {error}"));
        let found = node.recovered().clone();
        assert_eq!(found.snapshot, snapshot, "{what}: {:?}", found.damaged);
        assert_eq!(found.feed_rewritten_bytes, 0, "{what}");
        assert_eq!(whole_feed(&node), self.feed, "{what}");
        for courier in 0..COURIERS {
            let sender = Sender { id: SenderId(courier.into()), boot: 1 };
            assert_eq!(node.intake().acked(sender), 19, "{what}");
            let order = OrderId(u64::from(courier) * 1_000);
            assert!(!node.feed().history(order).expect("it is there").is_empty(), "{what}");
        }
        // What was sent is sent again, and passed over.
        live(&node, &clock, 18..20);
        assert_eq!(whole_feed(&node), self.feed, "{what}");
        node.stop().unwrap_or_else(|error| panic!("{what}: {error}"));
    }
}

#[test]
fn a_start_begins_with_the_newest_snapshot_and_tells_the_same() {
    let lived = lived(&keeping());
    lived.judge(&lived.disk.after_crash(0, 100), Some(2), "as it is");
    let names = lived.disk.names().expect("it lives");
    let whole = lived.disk.after_crash(0, 100);
    for name in names.iter().filter(|name| journal_number(name).is_none()) {
        whole.remove(name).expect("it lives");
    }
    let (node, _) = start(&whole, &settings(1), &lived.clock).expect("it starts");
    assert_eq!(whole_feed(&node), lived.feed, "the whole journal tells the same");
}

/// Any byte of the newest snapshot or its manifest: it is not taken for whole.
#[test]
fn a_byte_of_a_snapshot_that_turned_shows() {
    let lived = lived(&keeping());
    let (manifest, snapshot) = (manifest_name(2), snapshot_name(2));
    let size = lived.disk.bytes(&snapshot).len() as u64;
    let is_whole = |disk: &SimDisk| {
        Manifest::read(disk, &manifest).is_ok()
            && read_pieces(disk, &snapshot, size, &mut |_| Ok(())).is_ok()
    };
    assert!(is_whole(&lived.disk));
    for name in [&manifest, &snapshot] {
        let disk = lived.disk.after_crash(0, 100);
        let file = disk.open(name).expect("it lives");
        // All of the manifest and of the first frames; of the others, which are alike, some.
        let counts = |at: usize| name == &manifest || at < 200 || at % 61 == 0;
        let bytes = lived.disk.bytes(name).into_iter().enumerate();
        for (at, byte) in bytes.filter(|(at, _)| counts(*at)) {
            let turned = byte ^ 1 << (at % 8);
            file.write_at(&[turned], at as u64).expect("it lives");
            assert!(!is_whole(&disk), "{name}, byte {at}");
            file.write_at(&[byte], at as u64).expect("it lives");
        }
        assert!(is_whole(&disk));
        for end in 0..lived.disk.bytes(name).len().min(200) {
            let disk = lived.with(name, |bytes| bytes.truncate(end));
            assert!(!is_whole(&disk), "{name} cut at {end}");
        }
    }
}

/// A snapshot that is not whole: the one before is taken.
#[test]
fn a_damaged_snapshot_is_passed_over() {
    let lived = lived(&keeping());
    for name in [manifest_name(2), snapshot_name(2)] {
        let bytes = lived.disk.bytes(&name).len();
        for at in [0, 5, 9, 30, bytes / 2, bytes - 1] {
            let disk = lived.with(&name, |bytes| bytes[at] ^= 1 << (at % 8));
            lived.judge(&disk, Some(1), &format!("{name}, byte {at}"));
        }
        for cut in [0, 11, bytes - 1] {
            let disk = lived.with(&name, |bytes| bytes.truncate(cut));
            lived.judge(&disk, Some(1), &format!("{name} cut at {cut}"));
        }
        let disk = lived.disk.after_crash(0, 100);
        disk.remove(&name).expect("it lives");
        lived.judge(&disk, Some(1), &format!("{name} gone"));
    }
}

#[test]
fn without_a_whole_snapshot_the_whole_journal_is_read() {
    let lived = lived(&keeping());
    let disk = lived.with(&snapshot_name(2), |bytes| bytes[40] ^= 4);
    disk.flip(&manifest_name(1), 20);
    lived.judge(&disk, None, "both are damaged, the journal is whole");
}

#[test]
fn without_a_whole_snapshot_and_the_journals_beginning_a_start_is_refused() {
    let lived = lived(&settings(2));
    let disk = lived.with(&snapshot_name(2), |bytes| bytes[40] ^= 4);
    disk.flip(&manifest_name(1), 20);
    disk.remove(&journal_name(1)).expect("it lives");
    let found = start(&disk, &settings(1), &lived.clock).map(|_| ());
    let error = found.expect_err("it is refused");
    assert!(matches!(error, RuntimeError::NoSnapshot { .. }), "{error}");
    let text = error.to_string();
    for part in [&*snapshot_name(2), &*manifest_name(1), "put back a copy"] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn a_snapshot_of_a_later_format_is_refused() {
    let lived = lived(&keeping());
    let with_version = |name: &str| {
        lived.with(name, |bytes| {
            // It is not under the checksum, as in a frame of the journal.
            bytes[VERSION_BYTE] = 9;
        })
    };
    for name in [manifest_name(2), snapshot_name(2)] {
        let found = start(&with_version(&name), &settings(1), &lived.clock).map(|_| ());
        let error = found.expect_err("it is refused");
        let RuntimeError::Storage(StorageError::LaterVersion { name: file, version, .. }) = &error
        else {
            panic!("{error}");
        };
        assert_eq!((file, *version), (&name, 9));
    }
}

/// The journal lost what a snapshot says was synced: nothing goes on from there.
#[test]
fn a_journal_that_ends_before_the_snapshot_is_refused() {
    let lived = lived(&keeping());
    let disk = lived.disk.after_crash(0, 100);
    let name = manifest_name(2);
    let mut manifest = Manifest::read(&disk, &name).expect("it is whole");
    manifest.told_before += 1_000;
    disk.remove(&name).expect("it lives");
    manifest.write(&(Arc::new(disk.clone()) as Arc<dyn Disk>)).expect("it lives");
    let error = start(&disk, &settings(1), &lived.clock).map(|_| ()).expect_err("it is refused");
    let found = error.to_string();
    assert!(found.contains("put back a copy") && found.contains("a snapshot says"), "{found}");
}

/// Older snapshots and the journal before are gone when a forced snapshot is done, and nothing that
/// was told is lost.
#[test]
fn a_forced_snapshot_leaves_nothing_older() {
    let (disk, clock, node) = begun(&settings(2), NOTE_BYTES);
    live(&node, &clock, 1..9);
    node.snapshots().take().expect("the disk lives");
    live(&node, &clock, 9..12);
    forced(&node);
    let names = disk.names().expect("it lives");
    let count =
        |is: fn(&str) -> Option<u64>| names.iter().filter(|name| is(name).is_some()).count();
    assert_eq!((count(manifest_number), count(snapshot_number)), (1, 1), "{names:?}");
    assert_eq!(count(journal_number), 1, "{names:?}");
    assert!(held(&disk).expect("it is whole").frames.is_empty(), "the segment is a new one");
    live(&node, &clock, 12..20);
    let feed = whole_feed(&node);
    node.stop().expect("it stops");
    let lived = Lived { disk: disk.after_crash(0, 100), clock, feed };
    let number = names.iter().find_map(|name| manifest_number(name));
    lived.judge(&lived.disk.after_crash(0, 100), number, "after a forced one");
}

/// The tracks may have to be written first.
fn forced(node: &Node) {
    node.snapshots().force().expect("the disk lives, and nobody holds segments back for long");
}

/// A disk that gets full in the middle of a snapshot: the snapshot is given up, the node goes on.
#[test]
fn a_snapshot_that_finds_no_room_is_given_up() {
    let (disk, clock, node) = begun(&settings(1), NOTE_BYTES);
    live(&node, &clock, 1..6);
    disk.fill_at(disk.used() + 100);
    assert!(node.snapshots().take().is_err());
    assert_eq!((node.counts().snapshots, node.counts().snapshots_failed), (0, 1));
    disk.make_room();
    live(&node, &clock, 6..9);
    node.snapshots().take().expect("there is room");
    node.stop().expect("it stops");
}

/// Fixtures: what the format of each version left behind is read for ever.
#[test]
fn snapshots_of_every_format_are_read() {
    if let Some(directory) = std::env::var_os("DOORSTEP_FIXTURE") {
        write_fixture(Path::new(&directory));
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    for version in 1..=FORMATS {
        let from = folder.join(format!("snapshot_format_{version}"));
        let disk = SimDisk::new();
        for name in ["manifest", "snapshot", "journal", "feed"] {
            let (name, bytes) = fixture(&from, name);
            let file = disk.open(&name).expect("it lives");
            file.write_at(&bytes, 0).and_then(|()| file.sync()).expect("it lives");
        }
        let clock = Clock::manual(ZERO);
        let (node, notes) = start(&disk, &settings(1), &clock).expect("it is read");
        let found = node.recovered();
        assert_eq!((found.snapshot, notes.len()), (Some(1), 0), "version {version}");
        assert_eq!(found.damaged, Vec::<String>::new());
        assert_eq!(found.feed_rewritten_bytes, 0, "the same is told");
        let sender = Sender { id: SenderId(0), boot: 1 };
        assert_eq!(node.intake().acked(sender), 13, "version {version}");
    }
}

/// The one file of a kind, and its name on the disk.
fn fixture(from: &Path, kind: &str) -> (String, Vec<u8>) {
    let entries = std::fs::read_dir(from).expect("the fixture is there");
    let mut names = entries.map(|entry| entry.expect("it can be read").file_name());
    let name = names.find(|name| name.to_string_lossy().starts_with(kind)).expect("it has one");
    let bytes = std::fs::read(from.join(&name)).expect("it can be read");
    (name.to_string_lossy().into_owned(), bytes)
}

/// A day's end, and what came after the snapshot; the journal's zeros are left out.
fn write_fixture(directory: &Path) {
    let big = NodeSettings { feed_segment_bytes: 1 << 20, ..settings(1) };
    let (disk, clock, node) = begun(&big, 4);
    live(&node, &clock, 1..9);
    node.snapshots().take().expect("the disk lives");
    live(&node, &clock, 9..14);
    node.stop().expect("it stops");
    std::fs::create_dir_all(directory).expect("it can be made");
    for name in disk.names().expect("it lives") {
        let path: PathBuf = directory.join(&name);
        let mut bytes = disk.bytes(&name);
        if journal_number(&name).is_none() {
            std::fs::write(path, bytes).expect("it can be written");
            continue;
        }
        let used = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
        bytes.truncate(used.next_multiple_of(8).min(bytes.len()));
        std::fs::write(path, bytes).expect("it can be written");
    }
}

/// The place of the version in a manifest, and in the first frame of a snapshot.
const VERSION_BYTE: usize = 3;
const COURIERS: u32 = 4;
/// Little else has room in a segment of 64 KiB.
const NOTE_BYTES: usize = 60_000;
/// Formats of snapshots there ever were.
const FORMATS: u32 = 1;
