//! Damage at the head, in the middle and at the tail of each kind of file in a data directory, as a
//! table: either a start tells the same as before, or it is refused with the file's name, or what is
//! damaged is said when somebody asks for it. Never is something else told.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    reason = "it owns its directories and processes, and may panic"
)]

#[expect(dead_code, reason = "other tests use the rest")]
mod support {
    pub mod http;
    pub mod process;
}

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use support::http::Answer;
use support::process::{Process, admin_token};

/// Where bytes are spoilt, among those that are not the zeros behind the journal's end.
#[derive(Clone, Copy, Debug)]
enum Place {
    Head,
    Middle,
    Tail,
}

/// What a start must make of it.
#[derive(Clone, Copy, Debug)]
enum Then {
    /// Everything is as it was.
    Same,
    /// Everything is as it was, and the start says this.
    Says(&'static str),
    /// The last frame, two positions, is cut off, and the start says so.
    LastFrameCut,
    /// The start is refused, and says the file's name and this.
    Refused(&'static str),
    /// All is as it was; or asking for documents fails, and events are without their orders'
    /// numbers; or the start is refused, as one with a damaged head.
    DocumentsOrError,
}
use Place::{Head, Middle, Tail};
use Then::{DocumentsOrError, LastFrameCut, Refused, Same, Says};

/// What becomes of each. The journal has one segment, and both snapshots begin in it.
const TABLE: &[(&str, Place, Then)] = &[
    // Nobody needs what lies before the snapshots.
    ("journal-", Head, Same),
    ("journal-", Middle, Refused("put back a copy")),
    // Nothing says that the last frame was synced: see `tests/torn_journal.rs`.
    ("journal-", Tail, LastFrameCut),
    ("snapshot-00000000000000000002", Head, Says("passed over")),
    ("snapshot-00000000000000000002", Middle, Says("passed over")),
    ("snapshot-00000000000000000002", Tail, Says("passed over")),
    ("manifest-00000000000000000002", Head, Says("passed over")),
    ("manifest-00000000000000000002", Middle, Says("passed over")),
    ("manifest-00000000000000000002", Tail, Says("passed over")),
    // The snapshots go on from a feed that is not there any more: the whole journal is.
    ("feed-", Head, Says("passed over")),
    ("feed-", Middle, Says("passed over")),
    ("feed-", Tail, Same),
    // The journal still has the positions.
    ("tracks-", Head, Same),
    ("tracks-", Middle, Same),
    ("tracks-", Tail, Same),
    ("catalog.sqlite", Head, Refused("move it away")),
    ("catalog.sqlite", Middle, DocumentsOrError),
    ("catalog.sqlite", Tail, DocumentsOrError),
    ("ledger.sqlite", Head, Refused("move it away")),
    ("ledger.sqlite", Middle, DocumentsOrError),
    ("ledger.sqlite", Tail, DocumentsOrError),
    // The snapshots say which engine told what follows.
    ("engine", Head, Same),
    ("quic-identity.pem", Head, Refused("quic-identity.pem")),
    ("quic-identity.pem", Middle, Refused("quic-identity.pem")),
    ("quic-identity.pem", Tail, Refused("quic-identity.pem")),
];

/// What can be asked of a daemon.
#[derive(Debug, PartialEq)]
struct Told {
    orders: Vec<Value>,
    feed: Vec<Value>,
    positions: Vec<Value>,
}

/// Asks again while shards are busy.
fn soon(daemon: &Process, admin: &str, path: &str) -> Answer {
    loop {
        let answer = daemon.ask(admin, "GET", path, &Value::Null);
        if ![503, 504].contains(&answer.status) {
            return answer;
        }
    }
}

/// What a daemon tells; the orders are none where asking for them fails.
fn told(daemon: &Process, admin: &str) -> Told {
    let (mut orders, mut feed, mut after) = (Vec::new(), Vec::new(), "0".to_owned());
    for page in 1.. {
        let path = format!("/api/v1/companies/1/orders?page={page}");
        let answer = soon(daemon, admin, &path);
        if answer.status == 500 {
            orders.clear();
            break;
        }
        let found = answer.expect(200).as_array().unwrap().clone();
        if found.is_empty() {
            break;
        }
        orders.extend(found);
    }
    loop {
        let path = format!("/v1/events?limit=1000&after={after}");
        let page = daemon.ask(admin, "GET", &path, &Value::Null).expect(200);
        feed.extend(page["events"].as_array().unwrap().clone());
        page["cursor"].as_str().unwrap().clone_into(&mut after);
        if page["has_more"] == false {
            break;
        }
    }
    Told { orders, feed, positions: positions(daemon, admin) }
}

fn positions(daemon: &Process, admin: &str) -> Vec<Value> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let (from, to) = (now.as_secs() - 7_000, now.as_secs() + 100);
    let path = format!("/api/v2/companies/1/routes/1/courier-positions?from={from}&to={to}");
    let found = soon(daemon, admin, &path).expect(200);
    let mut found = found.as_array().unwrap().clone();
    let received_ms = |point: &Value| (point["server_timestamp"].as_f64().unwrap() * 1e3) as i64;
    found.sort_by_key(received_ms);
    found
}

/// A directory with two snapshots and something of everything after them, and what it tells.
fn lived_in(directory: &Path) -> Told {
    // It may be left over from an earlier run.
    let _ = fs::remove_dir_all(directory);
    fs::create_dir_all(directory).unwrap();
    let config = directory.join("often.toml");
    fs::write(&config, "[node.snapshots]\njournal_mib = 1\n").unwrap();
    let config = config.display().to_string();
    let daemon = Process::start(
        directory,
        &["--config", &config, "--http", "127.0.0.1:0", "--quic", "127.0.0.1:0"],
    );
    let admin = admin_token(directory);
    let post = |path: &str, body: &Value| {
        let answer = daemon.ask(&admin, "POST", path, body);
        assert!(answer.status < 300, "{}", answer.body);
    };
    post("/api/v1/companies/1/couriers", &json!({"number": "ada"}));
    let routes: Vec<Value> = (0..6)
        .map(|n| json!({"number": format!("r{n}"), "courier_number": "ada", "date": "2026-11-22"}))
        .collect();
    post("/api/v1/companies/1/routes-batch", &json!(routes));
    let snapshot = |number: u64| directory.join(format!("manifest-{number:020}.seg"));
    let mut batch = 0;
    while !snapshot(2).exists() {
        let order = |n: u32| {
            json!({"number": format!("o{}-{n}", batch % 12), "route_number": format!("r{}", batch % 6),
                   "lat": 52.5, "lon": 13.4, "description": format!("{batch} ").repeat(300)})
        };
        let orders: Vec<Value> = (0..100).map(order).collect();
        post("/api/v1/companies/1/orders-batch", &json!(orders));
        batch += 1;
        assert!(batch < 400, "snapshots are taken");
    }
    push(&daemon, &admin);
    for n in 0..30 {
        let order = json!({"number": format!("o0-{n}"), "customer_name": format!("Ada {n}")});
        post("/api/v1/companies/1/orders-batch", &json!([order]));
    }
    // Twice, so that the engine tells nothing of the last frame.
    push(&daemon, &admin);
    push(&daemon, &admin);
    let lived = told(&daemon, &admin);
    assert!(lived.orders.len() >= 100 && lived.feed.len() > 100 && lived.positions.len() == 6);
    daemon.stop();
    lived
}

/// Two positions of now, which are where the courier stands.
fn push(daemon: &Process, admin: &str) {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let position =
        |t: u64| json!({"accuracy": 5, "point": {"lat": 53.5, "lon": 13.4}, "timestamp": t});
    let body = json!({"positions": [position(now - 20), position(now - 10)]});
    let path = "/api/v1/couriers/1/routes/1/push-positions-v3";
    daemon.ask(admin, "POST", path, &body).expect(200);
}

/// Spoils some bytes, whole pages of a database.
fn spoil(path: &Path, place: Place) {
    let mut bytes = fs::read(path).unwrap();
    let is_database = path.extension().is_some_and(|extension| extension == "sqlite");
    let size = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    let count = if is_database { 4_096 } else { 16 }.min(size);
    let at = match place {
        Head => 0,
        // Of the journal what comes after the snapshots.
        Middle if path.to_string_lossy().contains("journal-") => size - size / 200,
        Middle if is_database => size / 2 / 4_096 * 4_096,
        Middle => size / 2,
        Tail => size - count,
    };
    bytes[at..at + count].iter_mut().for_each(|byte| *byte ^= 0x5a);
    fs::write(path, bytes).unwrap();
}

fn copy_of(directory: &Path, to: &Path) {
    // It may be left over from an earlier run.
    let _ = fs::remove_dir_all(to);
    let copied = Command::new("cp").args(["-r", "--sparse=always"]).arg(directory).arg(to).status();
    assert!(copied.unwrap().success());
}

fn file(directory: &Path, prefix: &str) -> PathBuf {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    names.retain(|path| path.file_name().unwrap().to_string_lossy().starts_with(prefix));
    names.retain(|path| !path.to_string_lossy().ends_with("-wal"));
    names.retain(|path| !path.to_string_lossy().ends_with("-shm"));
    names.sort();
    names.remove(0)
}

/// What a start says that ends at once.
fn refusal(directory: &Path, what: &str) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_doorstep"));
    command.arg("serve").arg("--data-dir").arg(directory);
    let output = command.args(["--http", "127.0.0.1:0", "--quic", "127.0.0.1:0"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{what}: {output:?}");
    String::from_utf8(output.stderr).unwrap()
}

/// Says where two states differ.
fn assert_same(what: &str, greeting: &str, found: &Told, lived: &Told) {
    for (found, lived) in [
        (&found.orders, &lived.orders),
        (&found.feed, &lived.feed),
        (&found.positions, &lived.positions),
    ] {
        let at = found.iter().zip(lived).position(|(found, lived)| found != lived);
        let at = at.unwrap_or_else(|| found.len().min(lived.len()));
        let (is, was) = (found.get(at), lived.get(at));
        assert_eq!(is, was, "{what}: {} and {} items\n{greeting}", found.len(), lived.len());
    }
}

#[test]
fn damage_is_mended_or_said() {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("damaged-places");
    let lived = lived_in(&directory);
    let admin = admin_token(&directory);
    let spoilt = directory.with_extension("spoilt");
    for &(prefix, place, then) in TABLE {
        let what = format!("{prefix} {place:?}");
        copy_of(&directory, &spoilt);
        let path = file(&spoilt, prefix);
        spoil(&path, place);
        if let Refused(why) = then {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let before = fs::read(&path).unwrap();
            let said = refusal(&spoilt, &what);
            assert!(said.contains(&name) && said.contains(why), "{what}: {said}");
            assert!(!said.contains("panicked"), "{what}: {said}");
            assert!(fs::read(&path).unwrap() == before, "{what}: it is left as it was");
            continue;
        }
        let anywhere = ["--http", "127.0.0.1:0", "--quic", "127.0.0.1:0"];
        let daemon = match Process::try_start(&spoilt, &anywhere) {
            Ok(daemon) => daemon,
            Err(said) if matches!(then, DocumentsOrError) => {
                assert!(said.contains(prefix) && said.contains("move it away"), "{what}: {said}");
                continue;
            }
            Err(said) => panic!("{what}: {said}"),
        };
        let mut found = told(&daemon, &admin);
        // Deadlines that pass meanwhile add events.
        found.feed.truncate(lived.feed.len());
        let part = match then {
            Says(part) => part,
            LastFrameCut => "cut off",
            Same | Refused(_) | DocumentsOrError => "",
        };
        assert!(daemon.greeting.contains(part), "{what}: {}", daemon.greeting);
        if matches!(then, DocumentsOrError) && found.orders.is_empty() {
            found.orders.clone_from(&lived.orders);
            let pairs = found.feed.iter_mut().zip(&lived.feed);
            let is_null = |found: &Value| found["data"].get("order_number") == Some(&Value::Null);
            for (found, lived) in pairs.filter(|(found, _)| is_null(found)) {
                found["data"]["order_number"] = lived["data"]["order_number"].clone();
            }
        }
        if matches!(then, LastFrameCut) {
            assert_eq!(found.positions, lived.positions[..4], "{what}");
            found.positions.clone_from(&lived.positions);
        }
        assert_same(&what, &daemon.greeting, &found, &lived);
    }
}
