//! A status that a courier's app sets over QUIC, against a whole daemon: it is the order's, and it
//! stands in the audit log beside what came by HTTP, good or refused, without what was said.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    reason = "it owns its directory and connections, and may panic"
)]

#[expect(dead_code, reason = "other tests use the rest")]
#[path = "support/http.rs"]
mod http;

use std::net::SocketAddr;
use std::path::PathBuf;

use doorstep::cli::client::frame::{HelloOptions, ServerFrame};
use doorstep::cli::client::link::Link;
use doorstep::cli::client::target::Target;
use doorstep::daemon::assemble::Daemon;
use doorstep::daemon::config::Config;
use doorstep::daemon::settings::Settings;
use http::{Asked, ask};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn it_is_audited() {
    let directory = Directory::new();
    let daemon = Daemon::start(&directory.settings()).await.unwrap();
    let (to, admin) = (daemon.http, daemon.first_token.clone().unwrap());
    let fingerprint = daemon.fingerprint().to_owned();
    let (order, device) = tokio::task::spawn_blocking(move || scene(to, &admin)).await.unwrap();
    let target = Target::pinned(daemon.quic_address, &fingerprint).unwrap();
    let endpoint = target.endpoint().unwrap();
    let options = HelloOptions::default();
    let mut link = Link::open(&target, &endpoint, &device, &options).await.unwrap();
    for (request, order) in [(1, order), (2, 77)] {
        link.say(&(5, request, order, "postponed", "nobody opens")).await.unwrap();
        // Its reply is of a kind that the commands have no use for.
        while !matches!(link.heard.next().await.unwrap(), ServerFrame::Other(REPLY)) {}
    }
    drop(link);
    daemon.stop().await.unwrap();
    let audit = std::fs::read_to_string(directory.0.join("audit.jsonl")).unwrap();
    assert!(!audit.contains("nobody opens") && !audit.contains(&device), "{audit}");
    let lines = audit.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let told: Vec<_> = lines
        .filter(|line| line["method"] == "QUIC")
        .map(|line| (line["role"].clone(), line["path"].clone(), line["status"].clone()))
        .collect();
    let line = |order: u64, status: u16| {
        (json!("device"), json!(format!("/orders/{order}/status")), json!(status))
    };
    assert_eq!(told, [line(order, 200), line(77, 404)]);
}

/// The kind of the answer to a status.
const REPLY: u64 = 7;

/// A courier's order, and the token of the courier's device.
fn scene(to: SocketAddr, admin: &str) -> (u64, String) {
    let post = |path: &str, body: Value| {
        let body = body.to_string().into_bytes();
        ask(to, &Asked { method: "POST", path, token: Some(admin), body }).expect(201)
    };
    let company = "/api/v1/companies/1";
    let courier = post(&format!("{company}/couriers"), json!({"number": "ann"}));
    let route = json!({"number": "r", "courier_number": "ann", "date": "2026-05-04"});
    post(&format!("{company}/routes"), route);
    let order = json!({"number": "o", "route_number": "r", "lat": 52.5, "lon": 13.4});
    let order = post(&format!("{company}/orders"), order);
    let wish = json!({"role": "device", "courier_id": courier["id"]});
    let token = post("/v1/tokens", wish)["token"].as_str().unwrap().to_owned();
    (order["id"].as_u64().unwrap(), token)
}

/// A directory that is gone with it.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("doorstep-statuses-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn settings(&self) -> Settings {
        let mut config = Config { data_dir: self.0.clone(), ..Config::default() };
        config.http.listen = SocketAddr::from(([127, 0, 0, 1], 0));
        config.quic.listen = SocketAddr::from(([127, 0, 0, 1], 0));
        Settings::new(config).unwrap()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // What is left is the system's to tidy.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
