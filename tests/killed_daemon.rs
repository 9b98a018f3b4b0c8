//! A daemon that is killed with SIGKILL and started again in its data directory, as processes of
//! their own. `tools/prove_crashes` does the same under load, again and again.

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

use std::time::Duration;

use doorstep::cli::client::frame::{HelloOptions, ServerFrame, WireFix};
use doorstep::cli::client::link::Link;
use doorstep::cli::client::target::Target;
use quinn::ConnectionError;
use serde_json::{Value, json};
use support::process::{Process, admin_token, directory};
use tokio::time::timeout;

/// A courier with a device; gives the device's token.
fn device(daemon: &Process, admin: &str) -> String {
    let courier = json!({"number": "ada"});
    let courier = daemon.ask(admin, "POST", "/api/v1/companies/1/couriers", &courier).expect(201);
    let wish = json!({"role": "device", "courier_id": courier["id"]});
    let made = daemon.ask(admin, "POST", "/v1/tokens", &wish).expect(201);
    made["token"].as_str().unwrap().to_owned()
}

async fn open(daemon: &Process, token: &str) -> Link {
    let target = Target::pinned(daemon.quic, &daemon.fingerprint).unwrap();
    let endpoint = target.endpoint().unwrap();
    soon(Link::open(&target, &endpoint, token, &HelloOptions::default())).await.unwrap()
}

/// Bounds how long a failing test takes.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(20), future).await.expect("it takes far too long")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_of_a_killed_daemon_hears_from_the_next_that_its_connection_is_gone() {
    let directory = directory("killed-reset");
    let daemon = Process::start_anywhere(&directory);
    let token = device(&daemon, &admin_token(&directory));
    let mut link = open(&daemon, &token).await;
    let (http, quic) = daemon.kill();
    let (http, quic) = (http.to_string(), quic.to_string());
    let daemon = Process::start(&directory, &["--http", &http, "--quic", &quic]);
    // Whoever says something hears at once; who has nothing to say, with its next keep-alive. What was
    // on its way when the daemon was killed is said again, so that it may have heard already.
    let _ = link.say(&(2, 1, None::<u64>, [WireFix(1, 1, 1, None, None, None, None)])).await;
    let closed = soon(link.connection.closed()).await;
    assert!(matches!(closed, ConnectionError::Reset), "{closed}");
    drop(daemon);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_and_answered_is_there_after_a_kill() {
    let directory = directory("killed-acked");
    let daemon = Process::start_anywhere(&directory);
    let admin = admin_token(&directory);
    let token = device(&daemon, &admin);
    let mut link = open(&daemon, &token).await;
    let t = link.welcome.server_time;
    let fixes: Vec<WireFix> = (0..10)
        .map(|n| WireFix(t - 1_000 + n, 525_000_000, 134_000_000, None, None, None, None))
        .collect();
    link.say(&(2, 1, None::<u64>, &fixes)).await.unwrap();
    assert!(matches!(soon(link.heard.next()).await.unwrap(), ServerFrame::Ack(10)));
    let orders = "/api/v1/companies/1/orders";
    let route = json!({"number": "tour", "courier_number": "ada", "date": "2026-11-22"});
    daemon.ask(&admin, "POST", "/api/v1/companies/1/routes", &route).expect(201);
    let order = json!({"number": "A-1", "route_number": "tour", "lat": 52.5, "lon": 13.4});
    let made = daemon.ask(&admin, "POST", orders, &order).expect(201);
    let path = format!("{orders}/{}", made["id"]);
    daemon.ask(&admin, "PATCH", &path, &json!({"customer_name": "Ada"})).expect(200);
    let (page, before) = feed(&daemon, &admin);
    daemon.kill();

    let daemon = Process::start_anywhere(&directory);
    assert_eq!(open(&daemon, &token).await.welcome.acked, 10);
    assert_eq!(daemon.ask(&admin, "GET", &path, &Value::Null).expect(200)["customer_name"], "Ada");
    assert_eq!(feed(&daemon, &admin), (page, before));
}

/// The feed from the start, as it is written; and how many events there are.
fn feed(daemon: &Process, admin: &str) -> (String, usize) {
    let page = daemon.ask(admin, "GET", "/v1/events", &Value::Null);
    let events = page.expect(200)["events"].as_array().map_or(0, Vec::len);
    assert!(events > 0, "{}", page.body);
    (page.body, events)
}
