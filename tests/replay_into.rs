//! A recorded day streamed into a daemon tells what it tells in process, whatever becomes of the
//! connection; and a day that the daemon's clock is not near is refused with what to do.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]
#![expect(clippy::disallowed_methods, reason = "the daemon keeps its files in a directory")]

#[path = "support/whole.rs"]
mod whole;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use doorstep::domain::time::Time;
use serde_json::Value;
use whole::{Scaled, Whole, anywhere, good};

const DAY: [&str; 4] =
    ["--plan", "configs/demo/plan.json", "--positions", "configs/demo/positions.csv"];
/// The epoch of the day, in seconds.
const EPOCH: i64 = 1_777_881_600;
const FLAGS: [&str; 5] = ["visited", "reason", "inferred", "interpolated", "status"];

fn directory(test: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("replay_into").join(test);
    // Of an earlier run.
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).unwrap();
    path
}

/// A clock that shows the hour before the day and runs through the day in seconds.
fn clock() -> Scaled {
    Scaled(600.0, Time::from_ms((EPOCH - 600) * 1_000))
}

/// Events of orders as both sides tell them, courier by courier.
type Told = BTreeMap<String, Vec<String>>;

fn in_process() -> Told {
    let mut command = Command::new(env!("CARGO_BIN_EXE_doorstep"));
    let printed = good(command.arg("replay").args(DAY).arg("--json").output().unwrap());
    let mut told = Told::new();
    for line in printed.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
        if line["kind"] != "event" {
            continue;
        }
        let ms = |key: &str| line[key].as_f64().map(|seconds| (seconds * 1e3).round() as i64);
        let position = (&line["position"]["lat"], &line["position"]["lon"]);
        let flags = FLAGS.map(|flag| &line[flag]);
        let text = format!(
            "{} {} {} {:?} {:?} {position:?} {} {flags:?}",
            line["name"],
            line["order_number"],
            line["route_number"],
            ms("t"),
            ms("estimated_t"),
            line["used_mark_delivered_radius"],
        );
        told.entry(line["courier"].as_str().unwrap().to_owned()).or_default().push(text);
    }
    told
}

fn in_feed(daemon: &Whole) -> Told {
    let numbers = |kind: &str| -> BTreeMap<u64, Value> {
        let list = daemon.get(&format!("/api/v1/companies/1/{kind}"));
        let list = list.as_array().unwrap().iter();
        list.map(|one| (one["id"].as_u64().unwrap(), one["number"].clone())).collect()
    };
    let (couriers, routes) = (numbers("couriers"), numbers("routes"));
    let page = daemon.get("/v1/events?limit=1000");
    assert_eq!(page["has_more"], false);
    let mut told = Told::new();
    for event in page["events"].as_array().unwrap() {
        let data = &event["data"];
        let is_order = event["type"].as_str().unwrap().starts_with("doorstep.order.");
        if !is_order || data["event"] == "ORDER_CREATED" {
            continue;
        }
        let ms = |text: &Value| {
            let time = text.as_str()?.parse::<jiff::Timestamp>();
            Some(time.unwrap().as_millisecond())
        };
        let position = (&data["position"]["lat"], &data["position"]["lon"]);
        let flags = FLAGS.map(|flag| &data[flag]);
        let text = format!(
            "{} {} {} {:?} {:?} {position:?} {} {flags:?}",
            data["event"],
            data["order_number"],
            routes[&data["route_id"].as_u64().unwrap()],
            ms(&event["time"]),
            ms(&data["estimated_time"]),
            data["used_mark_delivered_radius"],
        );
        let courier = couriers[&data["courier_id"].as_u64().unwrap()].as_str().unwrap();
        told.entry(courier.to_owned()).or_default().push(text);
    }
    told
}

/// Fails at the first event that is told otherwise.
#[track_caller]
fn assert_same(told: &Told, expected: &Told) {
    let couriers = |told: &Told| told.keys().cloned().collect::<Vec<_>>();
    assert_eq!(couriers(told), couriers(expected));
    for (courier, expected) in expected {
        let told = &told[courier];
        for (at, expected) in expected.iter().enumerate() {
            assert_eq!(told.get(at), Some(expected), "event {at} of {courier}");
        }
        assert_eq!(told.len(), expected.len(), "{courier}");
    }
}

#[test]
fn a_day_tells_the_same_in_a_daemon_as_in_process() {
    let directory = directory("same");
    let daemon = Whole::start(&directory, anywhere(), Some(clock()));
    let report = daemon.run(&[&["replay"], &DAY[..], &["--json"]].concat());
    let report: Value = serde_json::from_str(&report).unwrap();
    for key in ["rows", "sent", "acked"] {
        assert_eq!(report[key], 643, "{key}: {report}");
    }
    assert_eq!((&report["refused"], &report["unacked"]), (&0.into(), &0.into()), "{report}");
    let (expected, told) = (in_process(), in_feed(&daemon));
    assert_eq!(expected.len(), 3);
    assert_same(&told, &expected);

    // Once more: the routes are known, and what happened on them stands.
    let output = daemon.command(&[&["replay"], &DAY[..]].concat()).output().unwrap();
    let warning = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(warning.contains("3 of 3 routes were in company 1 before"), "{warning}");
    assert_same(&in_feed(&daemon), &expected);
    daemon.stop();
}

#[test]
fn a_daemon_that_ends_in_the_middle_of_a_day_misses_and_doubles_nothing() {
    let directory = directory("again");
    let daemon = Whole::start(&directory, anywhere(), Some(clock()));
    let at = (daemon.http, daemon.quic);
    let day = daemon.command(&[&["replay"], &DAY[..], &["--json"]].concat()).spawn().unwrap();
    // In the middle: once some of the visits are there.
    daemon.run(&["tail", "--type", "order.order_visit", "--count", "4"]);
    daemon.stop();
    let daemon = Whole::start(&directory, at, Some(clock()));
    let report: Value = serde_json::from_str(&good(day.wait_with_output().unwrap())).unwrap();
    assert_eq!((&report["sent"], &report["acked"]), (&643.into(), &643.into()), "{report}");
    assert!(report["connections"].as_u64().unwrap() >= 2, "{report}");
    assert_eq!(report["refused"], 0, "{report}");
    assert_same(&in_feed(&daemon), &in_process());
    daemon.stop();
}

#[test]
fn a_clock_that_is_not_near_the_day_is_refused_with_what_to_do() {
    let directory = directory("clock");
    let daemon = Whole::start(&directory, anywhere(), None);
    let (code, told) = daemon.fail(&[&["replay"], &DAY[..]].concat());
    assert_eq!(code, Some(1));
    assert!(told.contains("would be too_old"), "{told}");
    assert!(told.contains("--time-scale 100 --time-start 2026-05-04T07:10:00Z"), "{told}");
    assert_eq!(daemon.get("/api/v1/companies/1/routes"), Value::Array(Vec::new()));

    let arguments = ["token", "create", "--role", "subscriber", "--json"];
    let made: Value = serde_json::from_str(&daemon.run(&arguments)).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_doorstep"));
    command.arg("replay").args(DAY).args(["--into", &daemon.url()]);
    let output = command.args(["--token", made["token"].as_str().unwrap()]).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains("the token of an admin or a backend, not of a subscriber"), "{told}");
    daemon.stop();
}
