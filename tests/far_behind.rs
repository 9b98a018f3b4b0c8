//! A subscriber over QUIC that comes late: it is told every event there ever was, once and in order,
//! and costs the daemon no more than one that is up to date. `tools/prove_behind` does it with a
//! million events.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    reason = "it owns its directories and processes, and may panic"
)]

#[expect(dead_code, reason = "other tests use the rest")]
mod support {
    pub mod http;
    pub mod many_orders;
    pub mod process;
}

use doorstep::cli::client::frame::{HelloOptions, ServerFrame};
use doorstep::cli::client::link::Link;
use doorstep::cli::client::target::Target;
use serde_json::{Value, json};
use support::many_orders;
use support::process::{Process, admin_token, directory};

/// A daemon with many events.
fn begun(data: &std::path::Path) -> (Process, String) {
    let daemon = Process::start_anywhere(data);
    let admin = admin_token(data);
    let post = |path: &str, body: &Value| {
        let answer = daemon.ask(&admin, "POST", path, body);
        assert!(answer.status < 300, "{}", answer.body);
        answer.json()
    };
    many_orders::of_ada(EVENTS, post);
    (daemon, admin)
}

/// Number and id of an event, as every reader is told them.
fn name(event: &Value) -> (u64, String) {
    let sequence = event["sequence"].as_str().unwrap().parse().unwrap();
    (sequence, event["id"].as_str().unwrap().to_owned())
}

/// The feed as pages.
fn paged(daemon: &Process, admin: &str) -> Vec<(u64, String)> {
    let (mut after, mut names) = ("0".to_owned(), Vec::new());
    loop {
        let path = format!("/v1/events?limit=1000&after={after}");
        let page = daemon.ask(admin, "GET", &path, &Value::Null).expect(200);
        names.extend(page["events"].as_array().unwrap().iter().map(name));
        page["cursor"].as_str().unwrap().clone_into(&mut after);
        if page["has_more"] == false {
            return names;
        }
    }
}

fn resident_kib(daemon: &Process) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", daemon.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Everything from the start, as one subscriber hears it.
async fn subscribed(daemon: &Process, admin: &str, head: u64) -> Vec<(u64, String)> {
    let target = Target::pinned(daemon.quic, &daemon.fingerprint).unwrap();
    let endpoint = target.endpoint().unwrap();
    let mut link = Link::open(&target, &endpoint, admin, &HelloOptions::default()).await.unwrap();
    link.say(&(16, json!({"after": "0"}))).await.unwrap();
    let mut names = Vec::new();
    while names.last().is_none_or(|(sequence, _)| *sequence < head) {
        match link.heard.next().await.unwrap() {
            ServerFrame::Events { events, .. } => names.extend(events.iter().map(name)),
            other => panic!("{other:?}"),
        }
    }
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_late_is_told_everything_once() {
    let directory = directory("far-behind");
    let (daemon, admin) = begun(&directory);
    let all = paged(&daemon, &admin);
    assert!(all.len() >= EVENTS, "{}", all.len());
    assert!(all.iter().zip(1..).all(|((sequence, _), place)| *sequence == place));
    let head = all.len() as u64;
    // The first warms up what serves all.
    assert_eq!(subscribed(&daemon, &admin, head).await, all);
    let before = resident_kib(&daemon);
    for _ in 0..READERS {
        assert_eq!(subscribed(&daemon, &admin, head).await, all);
    }
    let grown = resident_kib(&daemon).saturating_sub(before);
    println!("{READERS} readers of {head} events: {grown} KiB, of at most {GROWN_KIB_MAX}");
    assert!(grown <= GROWN_KIB_MAX, "{grown} KiB");
}

const EVENTS: usize = 12_000;
const READERS: usize = 5;
/// What docs/data_path.md says of one that reads no more, for one at a time.
const GROWN_KIB_MAX: u64 = 2_048;
