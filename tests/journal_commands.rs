//! `doorstep journal verify` and `journal dump` on a directory that a node has left.

mod support {
    pub mod fleet;
    pub mod world;
}

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use doorstep::domain::ids::CourierId;
use doorstep::runtime::clock::Clock;
use doorstep::runtime::error::RuntimeError;
use doorstep::runtime::intake::{Delivery, Sender, SenderId};
use doorstep::runtime::node::{Node, NodeSettings};
use doorstep::storage::disk::{Disk, RealDisk};
use doorstep::storage::segment::journal_name;
use doorstep::travel::straight_line::StraightLine;
use serde_json::{Value, json};
use support::fleet::{fix, planned};
use support::world::ZERO;
use tokio::sync::mpsc::unbounded_channel;

/// A directory with one command frame and one position.
fn left(name: &str) -> PathBuf {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::open(&directory).expect("it can be made"));
    for name in disk.names().expect("it can be read") {
        disk.remove(&name).expect("it was there");
    }
    let node = start(&disk).expect("it starts");
    let parts = planned(CourierId(4), 2);
    node.commands().commit_blocking(parts, b"note".to_vec()).expect("it is committed");
    let (reply, mut receiver) = unbounded_channel();
    let sender = Some(Sender { id: SenderId(3), boot: 1 });
    let fixes = vec![fix(CourierId(4), 0, ZERO, 1)];
    node.intake().submit(Delivery { sender, frame: 1, fixes, reply }).expect("there is room");
    receiver.blocking_recv().expect("it is done");
    node.stop().expect("it stops");
    directory
}

fn start(disk: &Arc<dyn Disk>) -> Result<Node, RuntimeError> {
    let settings = NodeSettings { segment_bytes: 64 << 10, ..NodeSettings::default() };
    let travel = || Box::new(StraightLine::default()) as _;
    Node::start(&settings, disk, Clock::manual(ZERO), &travel, &mut |_| ())
}

fn journal(command: &str, directory: &Path) -> Output {
    let mut doorstep = Command::new(env!("CARGO_BIN_EXE_doorstep"));
    doorstep.arg("journal").args(command.split(' ')).arg("--data-dir").arg(directory);
    doorstep.output().expect("the binary runs")
}

#[test]
fn a_whole_journal_is_good() {
    let directory = left("journal-whole");
    let verified = journal("verify", &directory);
    let said = String::from_utf8_lossy(&verified.stdout);
    assert!(verified.status.success());
    assert!(
        said.starts_with("good: 2 frames in 1 segments, 1 positions, 3 commands, 0 ticks;"),
        "{said}"
    );
    let dumped = journal("dump", &directory);
    let lines = String::from_utf8_lossy(&dumped.stdout);
    assert!(lines.contains("command 1 at 2026-03-02 06:00:00, 4 bytes of note"), "{lines}");
    assert!(lines.contains("PutRoute"), "{lines}");
    assert!(lines.contains("position courier 4 t 2026-03-02 06:00:00"), "{lines}");
    assert!(lines.contains("sender 3 boot 1 number 1"), "{lines}");
}

#[test]
fn programs_are_told_what_is_where() {
    let directory = left("journal-json");
    let dumped = journal("dump --json", &directory);
    let lines = String::from_utf8_lossy(&dumped.stdout).into_owned();
    let lines: Vec<Value> =
        lines.lines().map(|line| serde_json::from_str(line).expect("it is JSON")).collect();
    assert_eq!(lines[0]["request"]["note_bytes"], 4, "{}", lines[0]);
    let last = lines.last().expect("there is a position");
    assert_eq!(last["by"], json!({"sender": 3, "boot": 1, "seq": 1}));
    assert_eq!(
        (&last["position"]["courier"], &last["position"]["t"]),
        (&4.into(), &ZERO.ms().into())
    );
    let (first, second) = (&lines[0]["in"], &last["in"]);
    assert_eq!((&first["frame"], &first["offset"]), (&1.into(), &0.into()));
    assert_eq!((&second["frame"], &second["offset"]), (&2.into(), &first["bytes"]));
    assert_eq!(second["file"], journal_name(1));
}

#[test]
fn a_corrupt_journal_is_named_with_its_place() {
    let directory = left("journal-corrupt");
    let disk = RealDisk::open(&directory).expect("it is there");
    let file = disk.open(&journal_name(1)).expect("it is there");
    file.write_at(b"!", 60).expect("it can be written");
    for command in ["verify", "dump"] {
        let found = journal(command, &directory);
        let said = String::from_utf8_lossy(&found.stderr).into_owned();
        assert_eq!(found.status.code(), Some(1));
        assert!(said.contains("journal-00000000000000000001.seg is corrupt at byte 0"), "{said}");
    }
}

#[test]
fn what_a_crash_cut_off_is_said() {
    let directory = left("journal-cut");
    let disk = RealDisk::open(&directory).expect("it is there");
    let name = journal_name(1);
    let file = disk.open(&name).expect("it is there");
    let dumped = journal("dump --json", &directory);
    let last = String::from_utf8_lossy(&dumped.stdout).lines().last().map(str::to_owned);
    let last: Value = serde_json::from_str(&last.expect("a line")).expect("it is JSON");
    let end = |key: &str| last["in"][key].as_u64().expect("a number");
    // Half a frame, as a crash in the middle of a write leaves it.
    let at = end("offset") + end("bytes");
    file.write_at(b"DSJ\x01 half", at).expect("it can be written");
    let found = journal("verify", &directory);
    let said = String::from_utf8_lossy(&found.stdout).into_owned();
    assert!(found.status.success(), "{said}");
    assert!(said.contains(&format!("cuts off 9 bytes of {name} from byte {at} on")), "{said}");
    assert!(said.contains("nothing says that they were synced"), "{said}");
    let node = start(&(Arc::new(disk) as Arc<dyn Disk>)).expect("it starts");
    let cut = node.recovered().cut.expect("it was there");
    assert_eq!((cut.bytes, cut.offset, cut.segment), (9, at, 1));
    node.stop().expect("it stops");
    assert!(!String::from_utf8_lossy(&journal("verify", &directory).stdout).contains("cuts off"));
}

#[test]
fn a_directory_whose_journal_is_gone_is_not_good() {
    let directory = left("journal-gone");
    let disk = RealDisk::open(&directory).expect("it is there");
    disk.remove(&journal_name(1)).expect("it was there");
    let gone = "the journal is gone: feed-00000000000000000001.seg is there";
    for command in ["verify", "dump"] {
        let found = journal(command, &directory);
        assert_eq!(found.status.code(), Some(1));
        let said = String::from_utf8_lossy(&found.stderr).into_owned();
        assert!(said.contains(gone), "{said}");
    }
    let disk: Arc<dyn Disk> = Arc::new(disk);
    let refused = start(&disk).err().expect("it does not start").to_string();
    assert!(refused.contains(gone), "{refused}");
    let names = disk.names().expect("it can be read");
    assert!(names.iter().any(|name| name.starts_with("feed-")), "nothing was removed: {names:?}");
    // Nor is one in which there never was anything.
    for name in names {
        disk.remove(&name).expect("it was there");
    }
    let found = journal("verify", &directory);
    let said = String::from_utf8_lossy(&found.stderr).into_owned();
    assert_eq!((found.status.code(), said.contains("no journal is there")), (Some(1), true));
}

#[test]
fn a_directory_that_is_not_there_is_not_made() {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("journal-absent");
    let found = journal("verify", &directory);
    assert_eq!(found.status.code(), Some(1));
    assert!(RealDisk::existing(&directory).is_err(), "it is still not there");
}
