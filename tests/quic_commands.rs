//! `simulate` and `tail` as processes of their own against a daemon on loopback: what they report,
//! and that they talk to nobody they cannot trust.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]
#![expect(clippy::disallowed_methods, reason = "certificates are kept in a temporary directory")]

#[path = "support/quic_daemon.rs"]
mod quic_daemon;

use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Duration;

use doorstep::ingest::quic::certificate::CERTIFICATE_FILE;
use doorstep::ingest::quic::settings::QuicSettings;
use doorstep::storage::disk::Disk;
use doorstep::storage::sim_disk::SimDisk;
use serde_json::Value;
use tokio::time::timeout;

use quic_daemon::{COURIERS, Daemon};

/// Runs the binary with these arguments and the daemon's address.
async fn run(daemon: &Daemon, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_doorstep"));
    command.args(arguments).args(["--quic", &daemon.address.to_string()]);
    tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap()
}

fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn simulated_gateways_and_devices_get_everything_acknowledged() {
    let daemon = Daemon::start(2, QuicSettings::default()).await;
    let fingerprint = daemon.endpoint.fingerprint().to_owned();
    let couriers = COURIERS.to_string();
    let fleet = ["simulate", "--gateway", "--couriers", &couriers, "--token", "gateway", "--json"];
    let pace = ["--cadence-s", "0.05", "--seconds", "1", "--fingerprint", &fingerprint];
    let report = json(&run(&daemon, &[&fleet[..], &pace[..]].concat()).await);
    let sent = report["sent"].as_u64().unwrap();
    assert!(sent >= 5 * u64::from(COURIERS), "{report}");
    assert_eq!((&report["acked"], &report["unacked"]), (&sent.into(), &0.into()), "{report}");
    assert_eq!((&report["refused"], &report["connections"]), (&0.into(), &1.into()), "{report}");
    assert!(report["ack_latency_ms"]["p99"].as_f64().unwrap() > 0.0);

    // A courier nobody knows: refused, and said so.
    let stranger = ["simulate", "--gateway", "--couriers", "1", "--token", "gateway", "--json"];
    let arguments = [&stranger[..], &pace[..], &["--first-courier", "9999"]].concat();
    let report = json(&run(&daemon, &arguments).await);
    assert_eq!(report["refused"], report["sent"]);
    assert_eq!(report["refused_by_reason"]["unknown_courier"], report["sent"]);

    // A device knows the daemon by the directory in which it keeps its certificate.
    let directory = daemon.directory.to_str().unwrap();
    let device = ["simulate", "--couriers", "1", "--token", "device-1", "--json", "--batch", "3"];
    let pace = ["--cadence-s", "0.05", "--seconds", "1", "--data-dir", directory];
    let report = json(&run(&daemon, &[&device[..], &pace[..]].concat()).await);
    assert_eq!(report["acked"], report["sent"], "{report}");
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tail_prints_one_event_a_line() {
    let daemon = Daemon::start(1, QuicSettings::default()).await;
    // By the certificate itself, which the name in it must fit.
    let certificate = daemon.directory.join(CERTIFICATE_FILE);
    let certificate = certificate.to_str().unwrap();
    let arguments =
        ["tail", "--json", "--token", "subscriber", "--count", "3", "--ca", certificate];
    let output = run(&daemon, &[&arguments[..], &["--type", "order.created"]].concat()).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines: Vec<Value> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 3);
    assert!(lines.iter().all(|event| event["type"] == "doorstep.order.created.v1"));
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_they_cannot_trust_they_do_not_talk_to() {
    let daemon = Daemon::start(1, QuicSettings::default()).await;
    let output = run(&daemon, &["tail", "--token", "subscriber"]).await;
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1));
    for way in ["--fingerprint", "--ca", "--data-dir", "--into"] {
        assert!(told.contains(way), "{told}");
    }
    let output = run(&daemon, &["tail", "--token", "x", "--fingerprint", &"0".repeat(64)]).await;
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.starts_with("failed to connect"), "{told}");
    let right = daemon.endpoint.fingerprint();
    let output = run(&daemon, &["tail", "--token", "x", "--fingerprint", right]).await;
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(
        (output.status.code(), told.trim()),
        (Some(1), "the daemon answered 401: unknown token")
    );
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fleet_comes_back_after_the_daemon_did_and_nothing_is_lost() {
    let disk = Arc::new(SimDisk::new());
    let settings = QuicSettings::default();
    let daemon = Daemon::start_on(Arc::clone(&disk) as Arc<dyn Disk>, 1, settings.clone()).await;
    let (address, fingerprint) =
        (daemon.address.to_string(), daemon.endpoint.fingerprint().to_owned());
    let mut command = Command::new(env!("CARGO_BIN_EXE_doorstep"));
    command.args(["simulate", "--gateway", "--couriers", "8", "--token", "gateway", "--json"]);
    command.args(["--cadence-s", "0.02", "--seconds", "4", "--quic", &address]);
    command.args(["--fingerprint", &fingerprint]);
    let fleet = tokio::task::spawn_blocking(move || command.output());
    // Somewhere in the middle of it: once the first events of the couriers' ways are there.
    let created = daemon.node.feed().head();
    let feed = daemon.node.feed();
    timeout(Duration::from_secs(20), feed.wait_beyond(created)).await.unwrap().unwrap();
    drop(feed);
    let place = daemon.leave().await;
    let disk = Arc::new(disk.after_crash(42, 0));
    let daemon = Daemon::start_at(disk, 3, settings, place).await;
    let report = json(&fleet.await.unwrap().unwrap());
    assert_eq!((&report["acked"], &report["unacked"]), (&report["sent"], &0.into()), "{report}");
    assert!(report["connections"].as_u64().unwrap() >= 2, "{report}");
    daemon.stop().await;
}
