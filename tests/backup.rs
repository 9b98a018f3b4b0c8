//! A copy that is made while the daemon works is a data directory: a daemon on it has every order
//! and event that was told before, the same bytes, and goes on.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    reason = "it owns its directories, processes and threads, and may panic"
)]

#[expect(dead_code, reason = "other tests use the rest")]
mod support {
    pub mod http;
    pub mod process;
}

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use serde_json::{Value, json};
use support::http::{Asked, ask};
use support::process::{Process, admin_token};

const C: &str = "/api/v1/companies/1";

/// A directory of one test that is not there.
fn directory(name: &str) -> PathBuf {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    // It may be left over from an earlier run.
    let _ = fs::remove_dir_all(&directory);
    directory
}

fn backup(from: &Path, to: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_doorstep"));
    command.arg("backup").arg(to).arg("--data-dir").arg(from).arg("--json").output().unwrap()
}

fn orders(daemon: &Process, admin: &str) -> Vec<Value> {
    let path = format!("{C}/orders");
    daemon.ask(admin, "GET", &path, &Value::Null).expect(200).as_array().unwrap().clone()
}

/// The feed as its readers get it, from its start.
fn feed(daemon: &Process, admin: &str) -> Vec<String> {
    let (mut events, mut after) = (Vec::new(), String::new());
    loop {
        let path = format!("/v1/events?limit=1000{after}");
        let page = daemon.ask(admin, "GET", &path, &Value::Null).expect(200);
        events.extend(page["events"].as_array().unwrap().iter().map(Value::to_string));
        after = format!("&after={}", page["cursor"].as_str().unwrap());
        if page["has_more"] != true {
            return events;
        }
    }
}

#[test]
fn a_copy_under_load_is_a_data_directory() {
    let (from, to) = (directory("backup-from"), directory("backup-to"));
    let daemon = Process::start_anywhere(&from);
    let admin = admin_token(&from);
    let post = |path: &str, body: &Value| {
        daemon.ask(&admin, "POST", &format!("{C}{path}"), body).expect(201)
    };
    let courier = post("/couriers", &json!({"number": "ada", "name": "Ada"}))["id"].clone();
    let tour = json!({"number": "tour", "courier_number": "ada", "date": "2026-11-22"});
    let route = post("/routes", &tour)["id"].clone();
    let (is_over, stored) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let writer = {
        let (is_over, stored, http) = (Arc::clone(&is_over), Arc::clone(&stored), daemon.http);
        let (admin, push) = (admin.clone(), format!("/api/v1/couriers/{courier}/routes/{route}"));
        std::thread::spawn(move || {
            for number in 1_u32.. {
                let order = json!({"number": format!("A-{number}"), "route_number": "tour",
                    "lat": 52.5, "lon": 13.0 + f64::from(number) / 1e4});
                let now = std::time::SystemTime::now();
                let now = now.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
                let point = json!({"lat": 52.5, "lon": 13.0 + f64::from(number) / 1e4});
                let position = json!({"positions": [{"timestamp": now, "point": point}]});
                let push = format!("{push}/push-positions-v3");
                for (path, body) in [(format!("{C}/orders"), order), (push, position)] {
                    let (token, body) = (Some(&admin[..]), body.to_string().into_bytes());
                    let answer = ask(http, &Asked { method: "POST", path: &path, token, body });
                    assert!(matches!(answer.status, 200 | 201), "{}", answer.body);
                }
                stored.store(number.into(), Ordering::SeqCst);
                // A route takes 500 orders.
                if is_over.load(Ordering::SeqCst) || number == 450 {
                    return;
                }
            }
        })
    };
    while stored.load(Ordering::SeqCst) < 20 {
        std::thread::yield_now();
    }
    let before = (stored.load(Ordering::SeqCst) as usize, feed(&daemon, &admin));
    let output = backup(&from, &to);
    is_over.store(true, Ordering::SeqCst);
    assert!(output.status.success(), "{output:?}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(report["last_frame"].as_u64().unwrap() > 20, "{report}");
    writer.join().unwrap();
    let whole = (orders(&daemon, &admin), feed(&daemon, &admin));
    assert_eq!(fs::metadata(&to).unwrap().permissions().mode() & 0o777, 0o700);
    let second = backup(&from, &to);
    assert_eq!(second.status.code(), Some(1), "it is not empty: {second:?}");
    let restored = Process::start_anywhere(&to);
    let copied = (orders(&restored, &admin), feed(&restored, &admin));
    assert!(copied.0.len() >= before.0 && copied.1.len() >= before.1.len());
    assert_eq!(copied.1, whole.1[..copied.1.len()], "the same bytes");
    let numbers = |orders: &[Value]| -> Vec<Value> {
        orders.iter().map(|order| json!([order["id"], order["number"], order["lon"]])).collect()
    };
    assert_eq!(numbers(&copied.0), numbers(&whole.0[..copied.0.len()]));
    let next = json!({"number": "next", "route_number": "tour", "lat": 52.5, "lon": 13.4});
    let next = restored.ask(&admin, "POST", &format!("{C}/orders"), &next).expect(201);
    assert_eq!(next["id"], copied.0.len() + 1, "it goes on where the copy ends");
    fs::remove_dir_all(&from).unwrap();
    fs::remove_dir_all(&to).unwrap();
}

#[test]
fn what_cannot_be_copied_is_named() {
    let (from, to) = (directory("backup-nothing"), directory("backup-nowhere"));
    let output = backup(&from, &to);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains("backup-nothing") && said.lines().count() == 1, "{said}");
}
