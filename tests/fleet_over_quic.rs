//! The whole way with admission: `simulate` makes its couriers, routes and tokens over HTTP and
//! streams over QUIC, `tail` prints what they did. Both know the daemon by its `/v1/info` alone.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]
#![expect(clippy::disallowed_methods, reason = "the daemon keeps its files in a directory")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use doorstep::api::limits::Limits;
use doorstep::api::server::serve;
use doorstep::api::{Api, ApiParts, QuicAddress, Site, names};
use doorstep::daemon::outbound::CallbackSettings;
use doorstep::feed::press::Press;
use doorstep::ingest::quic::certificate::Certificate;
use doorstep::ingest::quic::endpoint::QuicEndpoint;
use doorstep::ingest::quic::reset_key::ResetKey;
use doorstep::ingest::quic::services::QuicServices;
use doorstep::ingest::quic::settings::QuicSettings;
use doorstep::runtime::access::Access;
use doorstep::runtime::admission::{Admission, Recovery, Surroundings};
use doorstep::runtime::clock::Clock;
use doorstep::runtime::node::{Node, NodeSettings};
use doorstep::storage::audit_log::AuditLog;
use doorstep::storage::disk::Disk;
use doorstep::storage::ledger::Ledger;
use doorstep::storage::sim_disk::SimDisk;
use doorstep::travel::straight_line::StraightLine;
use serde_json::Value;
use tokio::net::TcpListener;

/// A daemon's URL and first token; it runs until the process ends.
struct Daemon {
    url: String,
    token: String,
    directory: PathBuf,
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // What is left is the system's to tidy.
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

/// Everything of a daemon, with a clock that runs so many times as fast.
async fn start(time_scale: f64) -> Daemon {
    let directory = std::env::temp_dir().join(format!("doorstep-fleet-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let (node, admission, access, token) = node(&directory, Clock::scaled(time_scale, None)).await;
    let names = Arc::new(names(&admission.labels()));
    let press = Arc::new(Press::new(node.feed(), Arc::clone(&names)));
    let certificate = Certificate::keep(&directory, &[]).unwrap();
    let reset_key = ResetKey::keep(&directory).unwrap();
    let local = ([127, 0, 0, 1], 0).into();
    let endpoint =
        QuicEndpoint::bind(local, certificate, reset_key, QuicSettings::default()).unwrap();
    let services = QuicServices {
        access: Arc::clone(&access),
        intake: node.intake(),
        press: Arc::clone(&press),
        views: node.views(),
        clock: node.clock(),
        statuses: None,
    };
    let quic = QuicAddress {
        address: endpoint.local_address().unwrap().to_string(),
        fingerprint: endpoint.fingerprint().to_owned(),
    };
    tokio::spawn(async move { endpoint.serve(services).await });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let api = Api::new(ApiParts {
        admission,
        access,
        intake: node.intake(),
        feed: node.feed(),
        press,
        views: node.views(),
        tracks: node.tracks(),
        snapshots: node.snapshots(),
        clock: node.clock(),
        fault: node.fault(),
        counters: node.counters(),
        names,
        site: Site { public_url: url.clone(), quic: Some(quic) },
        limits: Limits::default(),
        audit: AuditLog::open(&directory, 1 << 20).unwrap(),
        ledger: Ledger::open(&directory).unwrap(),
        outbound: CallbackSettings::default().outbound().unwrap(),
        retry_clock: Clock::real(),
    });
    tokio::spawn(async move {
        serve(listener, None, Arc::new(api.unwrap())).await;
        drop(node);
    });
    Daemon { url, token, directory }
}

async fn node(directory: &Path, clock: Clock) -> (Node, Admission, Arc<Access>, String) {
    let (directory, runtime) = (directory.to_owned(), tokio::runtime::Handle::current());
    let started = tokio::task::spawn_blocking(move || {
        let mut recovery = Recovery::open(&directory).unwrap();
        let settings = NodeSettings { shards: 2, ..NodeSettings::default() };
        let travel = || Box::new(StraightLine::default()) as _;
        let disk: Arc<dyn Disk> = Arc::new(SimDisk::new());
        let node = Node::start(&settings, &disk, clock.clone(), &travel, &mut |n| recovery.redo(n));
        let (node, access) = (node.unwrap(), Arc::new(Access::default()));
        let around = Surroundings {
            fault: node.fault(),
            commands: node.commands(),
            views: node.views(),
            clock,
            access: Arc::clone(&access),
            runtime,
        };
        let admission = Admission::start(recovery, around).unwrap();
        let (token, _) = admission.first_start().unwrap().unwrap().token.unwrap();
        (node, admission, access, token)
    });
    started.await.unwrap()
}

/// Runs the binary and gives what it printed.
async fn run(daemon: &Daemon, arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_doorstep"));
    command.args(arguments).args(["--into", &daemon.url, "--token", &daemon.token]);
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}\n{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fleet_streams_and_its_visits_are_printed() {
    let daemon = start(100.0).await;
    let arguments =
        ["simulate", "--couriers", "6", "--cadence-s", "0.05", "--seconds", "4", "--json"];
    let report: Value = serde_json::from_str(&run(&daemon, &arguments).await).unwrap();
    assert_eq!(report["acked"], report["sent"], "{report}");
    assert_eq!((&report["refused"], &report["connections"]), (&0.into(), &6.into()), "{report}");
    for (kind, count) in [
        ("order.created", "120"),
        ("order.start", "6"),
        ("order.arrival", "6"),
        ("order.order_visit", "6"),
        ("order.departure", "3"),
        ("eta.changed", "6"),
        ("notification.nearby", "3"),
    ] {
        let printed = run(&daemon, &["tail", "--json", "--type", kind, "--count", count]).await;
        assert_eq!(printed.lines().count().to_string(), count, "{kind}");
        assert!(printed.contains("sim-") || kind == "eta.changed", "{printed}");
    }
    // Again, as a company's own server would report them: the couriers are known by now.
    let arguments = [
        "simulate",
        "--gateway",
        "--couriers",
        "6",
        "--cadence-s",
        "0.05",
        "--seconds",
        "1",
        "--json",
    ];
    let report: Value = serde_json::from_str(&run(&daemon, &arguments).await).unwrap();
    assert_eq!(report["acked"], report["sent"], "{report}");
    assert_eq!(report["connections"], 1, "{report}");
}
