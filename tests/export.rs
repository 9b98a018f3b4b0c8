//! `doorstep export` on directories in which a daemon is at work, has been killed, or has ended:
//! everything that was acknowledged and told is in the files, once; and a refusal says why.

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

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};
use support::process::{Process, admin_token, directory};

fn run(directory: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_doorstep"));
    command.arg("export").args(arguments).arg("--data-dir").arg(directory);
    command.output().unwrap()
}

fn exported(directory: &Path, arguments: &[&str]) -> Vec<String> {
    let output = run(directory, arguments);
    assert!(output.status.success(), "{output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

fn parsed(lines: &[String]) -> Vec<Value> {
    lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn refusal(directory: &Path, arguments: &[&str], parts: &[&str]) {
    let output = run(directory, arguments);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(output.stdout.is_empty(), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(parts.iter().all(|part| said.contains(part)), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
}

/// A daemon with two couriers of a route and an order each, the second with a number that CSV has to
/// quote; and a third without positions.
fn begun(directory: &Path) -> (Process, String) {
    let daemon = Process::start_anywhere(directory);
    let admin = admin_token(directory);
    let put = |path: &str, body: &Value| {
        let path = format!("/api/v1/companies/1/{path}");
        daemon.ask(&admin, "POST", &path, body).expect(201)
    };
    for (courier, route, order) in [("ada", "east", "A-1"), ("bob, jr", "west", "B-1")] {
        put("couriers", &json!({"number": courier}));
        put("routes", &json!({"number": route, "courier_number": courier, "date": "2026-11-22"}));
        let order = json!({"number": order, "route_number": route, "lat": 52.5, "lon": 13.4});
        put("orders", &order);
    }
    put("couriers", &json!({"number": "eve"}));
    (daemon, admin)
}

/// Pushes positions of both couriers, some metres apart; `from` numbers them. Gives their times.
fn push(daemon: &Process, admin: &str, from: u32, count: u32) -> Vec<i64> {
    let times = times(from, count);
    push_to(daemon, admin, 1, from, &times);
    push_to(daemon, admin, 2, from, &times);
    times
}

/// Times of so many positions, seconds.
fn times(from: u32, count: u32) -> Vec<i64> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let begin = now.as_secs() as i64 - 3_000;
    (from..from + count).map(|at| begin + i64::from(at) * 7).collect()
}

fn push_to(daemon: &Process, admin: &str, courier: u32, from: u32, times: &[i64]) {
    let position = |(at, t): (u32, &i64)| {
        let lat = 52.5 + f64::from(at) * 1e-4;
        json!({"accuracy": 5, "point": {"lat": lat, "lon": 13.4}, "timestamp": t, "speed": 3.5})
    };
    let positions: Vec<Value> = (from..).zip(times).map(position).collect();
    let path = format!("/api/v1/couriers/{courier}/routes/{courier}/push-positions-v3");
    daemon.ask(admin, "POST", &path, &json!({"positions": positions})).expect(200);
}

fn feed(daemon: &Process, admin: &str) -> Vec<Value> {
    let page = daemon.ask(admin, "GET", "/v1/events?limit=1000", &Value::Null).expect(200);
    page["events"].as_array().unwrap().clone()
}

#[test]
fn everything_acknowledged_is_exported_whatever_became_of_the_daemon() {
    let directory = directory("export-whole");
    let (daemon, admin) = begun(&directory);
    let mut times = push(&daemon, &admin, 0, 20);
    let positions = |arguments: &[&str]| {
        let all = [&["positions"], arguments].concat();
        parsed(&exported(&directory, &all))
    };
    let of_times = |rows: &[Value], times: &[i64]| {
        let found: Vec<i64> = rows.iter().map(|row| seconds(&row["time"])).collect();
        assert_eq!(found, times);
    };
    of_times(&positions(&["--courier", "ada"]), &times);
    // What is only in the journal, then, after another start, in the tracks too.
    daemon.kill();
    of_times(&positions(&["--courier", "ada"]), &times);
    let daemon = Process::start_anywhere(&directory);
    times.extend(push(&daemon, &admin, 20, 5));
    let rows = positions(&["--courier", "ada"]);
    of_times(&rows, &times);
    let (first, last) = (&rows[0], &rows[24]);
    assert_eq!((&first["courier"], &first["courier_id"]), (&json!("ada"), &json!(1)));
    assert_eq!((&last["lat"], &last["accuracy"]), (&json!(52.5024), &json!(5.0)));
    assert_eq!((&last["speed_mps"], &last["source"]), (&json!(3.5), &json!("s2s_api")));
    assert_eq!(last["route_id"], 1);
    assert_eq!(positions(&[]).len(), 50, "both couriers");
    assert_eq!(positions(&["--courier", "eve"]).len(), 0);
    let events = parsed(&exported(&directory, &["events"]));
    assert_eq!(events, feed(&daemon, &admin));
    assert!(!events.is_empty());
    let of_order = parsed(&exported(&directory, &["events", "--order", "B-1"]));
    assert!(!of_order.is_empty());
    for event in &of_order {
        let named = event["data"].to_string();
        assert!(named.contains("\"order_id\":2"), "{named}");
    }
    let of_courier = parsed(&exported(&directory, &["events", "--courier", "bob, jr"]));
    let of_bob = events.iter().filter(|event| event["partitionkey"] == "2");
    assert_eq!(of_courier, of_bob.cloned().collect::<Vec<_>>());
}

fn seconds(time: &Value) -> i64 {
    time.as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_second()
}

#[test]
fn a_span_and_a_file_are_kept_to() {
    let directory = directory("export-span");
    let (daemon, admin) = begun(&directory);
    let times = push(&daemon, &admin, 0, 10);
    let at = |index: usize| jiff::Timestamp::from_second(times[index]).unwrap().to_string();
    let (from, to) = (at(3), at(7));
    let span = ["positions", "--courier", "ada", "--from", &from, "--to", &to];
    assert_eq!(exported(&directory, &span).len(), 4);
    let none = ["events", "--from", "2100-01-01T00:00:00Z"];
    assert_eq!(exported(&directory, &none), Vec::<String>::new());
    let file = directory.join("out.csv");
    let named = file.display().to_string();
    let csv = ["positions", "--format", "csv", "--output", &named];
    assert_eq!(exported(&directory, &csv), Vec::<String>::new());
    let text = std::fs::read_to_string(&file).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 21);
    assert_eq!(lines[0], "courier,time,lat,lon,accuracy,speed_mps,heading_deg,source,received");
    assert!(lines.iter().filter(|line| line.starts_with("\"bob, jr\",")).count() == 10, "{text}");
    refusal(&directory, &csv, &["--output", &named]);
    // The daemon is not disturbed.
    push(&daemon, &admin, 10, 2);
}

/// A CSV that was exported is a file of positions.
#[test]
fn replay_reads_what_was_exported() {
    let directory = directory("export-replay");
    let (daemon, admin) = begun(&directory);
    push(&daemon, &admin, 0, 30);
    let csv = directory.join("positions.csv").display().to_string();
    exported(&directory, &["positions", "--format", "csv", "--output", &csv]);
    let plan = directory.join("plan.json");
    let route = |number: &str, courier: &str, order: &str| {
        json!({"number": number, "courier": courier, "date": "2026-11-22",
               "orders": [{"number": order, "lat": 52.5, "lon": 13.4}]})
    };
    let routes = [route("east", "ada", "A-1"), route("west", "bob, jr", "B-1")];
    let now = jiff::Timestamp::now().as_second();
    let text = json!({"epoch": now - 3_600, "company": {"mark_delivered_radius": 100},
                      "routes": routes});
    std::fs::write(&plan, text.to_string()).unwrap();
    let mut replay = Command::new(env!("CARGO_BIN_EXE_doorstep"));
    replay.arg("replay").arg("--plan").arg(&plan).args(["--positions", &csv, "--json"]);
    let output = replay.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.contains("\"ARRIVAL\"") && told.contains("\"B-1\""), "{told}");
}

#[test]
fn a_refusal_says_why() {
    let directory = directory("export-refused");
    let (daemon, _) = begun(&directory);
    let refused = |arguments: &[&str], parts: &[&str]| refusal(&directory, arguments, parts);
    refused(&["positions", "--courier", "nobody"], &["--courier", "no courier", "\"nobody\""]);
    refused(&["events", "--order", "none"], &["--order", "no order", "\"none\""]);
    refused(&["events", "--company", "9"], &["--company", "no company 9"]);
    refused(&["events", "--from", "soon"], &["--from", "soon"]);
    refused(&["events", "--format", "csv"], &["--format csv", "JSON Lines only"]);
    refused(&["positions", "--order", "A-1"], &["--order", "couriers'"]);
    drop(daemon);
    let empty = directory.join("empty");
    std::fs::create_dir_all(&empty).unwrap();
    refusal(&empty, &["events"], &["catalog.sqlite", "no data directory"]);
    refusal(&directory.join("gone"), &["events"], &["gone"]);
    assert_eq!(std::fs::read_dir(&empty).unwrap().count(), 0, "nothing is made there");
}

/// `doorstep erase` on a daemon at work, and what is exported after it.
#[test]
fn what_was_erased_is_not_exported() {
    let directory = directory("export-erased");
    let (daemon, admin) = begun(&directory);
    push(&daemon, &admin, 0, 10);
    let url = format!("http://{}", daemon.http);
    let erase = |courier: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_doorstep"));
        command.args(["erase", "--courier", courier, "--into", &url, "--token", &admin]);
        command.output().unwrap()
    };
    let output = erase("ada");
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.starts_with("courier 1 is erased: "), "{said}");
    let again = erase("ada");
    assert_eq!(again.status.code(), Some(1), "{again:?}");
    let said = String::from_utf8(again.stderr).unwrap();
    assert!(said.contains("no courier of the number \"ada\""), "{said}");
    let arguments = ["positions", "--courier", "ada"];
    refusal(&directory, &arguments, &["no courier of the number \"ada\""]);
    let left = parsed(&exported(&directory, &["positions"]));
    assert!(left.len() == 10 && left.iter().all(|row| row["courier"] == "bob, jr"));
    let events = parsed(&exported(&directory, &["events"]));
    assert!(events.iter().any(|event| event["data"]["order_number"] == "A-1"), "orders stay");
    assert!(
        events.iter().all(|event| event["partitionkey"] != "1"),
        "nobody knows whose they were"
    );
    // Others go on.
    push_to(&daemon, &admin, 2, 10, &times(10, 2));
}
