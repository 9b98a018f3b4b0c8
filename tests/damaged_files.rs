//! Starts that must be refused, and those that must not: a data directory in use, one that cannot
//! be written, and files whose head is no longer what was written. Each refusal names the file and
//! says what to do; what is said there helps.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    reason = "it owns its directories and processes, says when it skips, and may panic"
)]

#[expect(dead_code, reason = "other tests use the rest")]
mod support {
    pub mod http;
    pub mod process;
}

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use support::process::{Process, admin_token};

/// A directory of one test, empty.
fn directory(name: &str) -> PathBuf {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    // It may be left over from an earlier run.
    let _ = fs::remove_dir_all(&directory);
    directory
}

/// A directory in which a daemon has worked, and what it told: an order, and the feed.
fn lived_in(name: &str) -> (PathBuf, Told) {
    let directory = directory(name);
    let daemon = Process::start_anywhere(&directory);
    let admin = admin_token(&directory);
    let courier = json!({"number": "ada"});
    daemon.ask(&admin, "POST", "/api/v1/companies/1/couriers", &courier).expect(201);
    let route = json!({"number": "tour", "courier_number": "ada", "date": "2026-11-22"});
    daemon.ask(&admin, "POST", "/api/v1/companies/1/routes", &route).expect(201);
    let order = json!({"number": "A-1", "route_number": "tour", "lat": 52.5, "lon": 13.4});
    daemon.ask(&admin, "POST", "/api/v1/companies/1/orders", &order).expect(201);
    let told = told(&daemon, &admin);
    daemon.kill();
    (directory, told)
}

type Told = (Value, String);

fn told(daemon: &Process, admin: &str) -> Told {
    let orders = daemon.ask(admin, "GET", "/api/v1/companies/1/orders", &Value::Null).expect(200);
    let feed = daemon.ask(admin, "GET", "/v1/events", &Value::Null);
    assert!(!feed.expect(200)["events"].as_array().unwrap().is_empty());
    (orders, feed.body)
}

/// What a start says that ends at once.
fn refusal(directory: &Path) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_doorstep"));
    command.arg("serve").arg("--data-dir").arg(directory);
    let output = command.args(["--http", "127.0.0.1:0", "--quic", "127.0.0.1:0"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

fn says(said: &str, parts: &[&str]) {
    assert!(parts.iter().all(|part| said.contains(part)), "{said}");
    assert!(!said.contains("panicked"), "{said}");
}

fn spoil(path: &Path, from: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[from..from + 16].copy_from_slice(b"not what it was!");
    fs::write(path, bytes).unwrap();
}

/// Spoils a database's head; its write-ahead log would mend it.
fn spoil_database(directory: &Path, name: &str) {
    for end in ["-wal", "-shm"] {
        // There may be none.
        let _ = fs::remove_file(directory.join(format!("{name}{end}")));
    }
    fs::write(directory.join(name), b"this is no database, and it never was one").unwrap();
}

fn starts_with(directory: &Path, expected: &Told) {
    let daemon = Process::start_anywhere(directory);
    assert_eq!(told(&daemon, &admin_token(directory)), *expected);
}

#[test]
fn a_second_daemon_is_refused_and_the_first_goes_on() {
    let directory = directory("damaged-second");
    let daemon = Process::start_anywhere(&directory);
    let named = directory.display().to_string();
    says(&refusal(&directory), &[&named, "another daemon is running", "--data-dir"]);
    let admin = admin_token(&directory);
    daemon.ask(&admin, "GET", "/api/v1/companies/1", &Value::Null).expect(200);
}

#[test]
fn a_directory_that_cannot_be_written_is_refused() {
    let directory = directory("damaged-read-only");
    fs::create_dir_all(&directory).unwrap();
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o500)).unwrap();
    if fs::write(directory.join("probe"), b"").is_ok() {
        println!("skipped: this user may write everywhere");
        return;
    }
    let named = directory.display().to_string();
    says(&refusal(&directory), &[&named, "cannot be written", "must belong to"]);
}

#[test]
fn a_directory_that_is_a_file_is_refused() {
    let directory = directory("damaged-file");
    fs::create_dir_all(&directory).unwrap();
    let file = directory.join("data");
    fs::write(&file, b"").unwrap();
    says(&refusal(&file), &[&file.display().to_string(), "cannot be written"]);
}

#[test]
fn a_spoilt_head_of_the_journal_is_refused_and_changes_nothing() {
    let (directory, told) = lived_in("damaged-journal");
    let journal = directory.join("journal-00000000000000000001.seg");
    let whole = fs::read(&journal).unwrap();
    spoil(&journal, 0);
    let spoilt = fs::read(&journal).unwrap();
    let parts = ["journal-00000000000000000001.seg is corrupt at byte 0", "put back a copy"];
    says(&refusal(&directory), &parts);
    says(&refusal(&directory), &parts);
    assert!(fs::read(&journal).unwrap() == spoilt);
    fs::write(&journal, whole).unwrap();
    starts_with(&directory, &told);
}

#[test]
fn a_spoilt_feed_log_is_written_again() {
    let (directory, told) = lived_in("damaged-feed");
    let feed = directory.join("feed-00000000000000000001.seg");
    spoil(&feed, 0);
    starts_with(&directory, &told);
    fs::remove_file(&feed).unwrap();
    starts_with(&directory, &told);
}

#[test]
fn a_spoilt_catalog_is_refused_and_made_anew_once_it_is_moved_away() {
    let (directory, told) = lived_in("damaged-catalog");
    spoil_database(&directory, "catalog.sqlite");
    says(&refusal(&directory), &["catalog.sqlite: ", "move it away", "from the journal"]);
    fs::rename(directory.join("catalog.sqlite"), directory.join("spoilt")).unwrap();
    starts_with(&directory, &told);
}

#[test]
fn a_spoilt_ledger_is_refused_and_begins_anew_once_it_is_moved_away() {
    let (directory, told) = lived_in("damaged-ledger");
    spoil_database(&directory, "ledger.sqlite");
    says(&refusal(&directory), &["ledger.sqlite: ", "move it away", "repeated requests"]);
    fs::rename(directory.join("ledger.sqlite"), directory.join("spoilt")).unwrap();
    starts_with(&directory, &told);
}
