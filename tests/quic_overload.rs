//! What peers over QUIC are told when a shard stands: newcomers are refused, those who are in wait,
//! and once as much waits as may, frames are answered with `503 transient`. Nothing that was taken
//! in is lost.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]
#![expect(clippy::disallowed_methods, reason = "certificates are kept in a temporary directory")]
#![expect(clippy::await_holding_lock, reason = "the shard stands at the gate while others wait")]

#[path = "support/gated.rs"]
mod gated;
#[expect(dead_code, reason = "other tests use the rest")]
#[path = "support/quic_client.rs"]
mod quic_client;
#[expect(dead_code, reason = "other tests use the rest")]
#[path = "support/quic_daemon.rs"]
mod quic_daemon;

use std::sync::{Arc, Mutex};

use doorstep::cli::client::error::ClientError;
use doorstep::cli::client::frame::{HelloOptions, ServerFrame, WireFix};
use doorstep::cli::client::link::{Heard, Link, write};
use doorstep::ingest::quic::settings::QuicSettings;
use doorstep::runtime::intake::Intake;
use doorstep::runtime::node::NodeSettings;
use doorstep::runtime::overload::Stage;
use doorstep::storage::disk::Disk;
use doorstep::storage::sim_disk::SimDisk;

use gated::{Gated, hold};
use quic_client::{Client, acked, at, heard, now_ms, soon};
use quic_daemon::{Daemon, Place};

const MAILBOX_MAX: usize = 64;
const OVERLOADED: &str = "overloaded: send it again after a pause that grows";

async fn start(gate: &Arc<Mutex<()>>) -> Daemon {
    let disk: Arc<dyn Disk> = Arc::new(SimDisk::new());
    let node = NodeSettings {
        mailbox_max: MAILBOX_MAX,
        segment_bytes: 4 << 20,
        ..NodeSettings::default()
    };
    let gate = Arc::clone(gate);
    let travel = move || Box::new(Gated(Arc::clone(&gate))) as _;
    Daemon::start_node(&disk, (&node, &travel), QuicSettings::default(), Place::free()).await
}

/// A gateway that speaks for itself.
async fn gateway(client: &Client, device: &str) -> Link {
    let options = HelloOptions { device: Some(device.to_owned()), ..HelloOptions::default() };
    client.open_with("gateway", &options).await.unwrap()
}

/// So many positions of courier 1, the last of them of this second.
fn fixes(count: usize) -> Vec<(u32, Option<u64>, WireFix)> {
    let first = now_ms() - count as i64 * 100;
    (0..count as i64).map(|n| (1, None, at(1, 2, first + n * 100))).collect()
}

async fn until(intake: &Intake, is_there: impl Fn(Stage) -> bool) {
    soon(async {
        while !is_there(intake.stage()) {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// What an error frame says that is transient and of code 503.
fn overloaded(answer: ServerFrame) -> String {
    match answer {
        ServerFrame::Error { code: 503, is_transient: true, text } => text,
        other => panic!("expected an error, got {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn newcomers_are_refused_first_then_frames_and_what_was_taken_in_is_acknowledged() {
    let gate = Arc::new(Mutex::new(()));
    let daemon = start(&gate).await;
    let (client, intake) = (Client::of(&daemon), daemon.node.intake());
    let mut filling = gateway(&client, "filling").await;
    let mut waiting = [gateway(&client, "first").await, gateway(&client, "second").await];
    let mut late = gateway(&client, "late").await;

    let held = hold(&gate);
    filling.say(&(6, 1, fixes(MAILBOX_MAX))).await.unwrap();
    until(&intake, |stage| stage == Stage::Crowded).await;
    // A newcomer is refused before there is a handshake, so that it costs nothing.
    let options = HelloOptions::default();
    let newcomer = client.open_with("device-1", &options).await;
    assert!(matches!(&newcomer, Err(error @ ClientError::Connect { .. }) if error.may_pass()));
    // So is a new stream of a connection that is in, which is told why.
    let (mut send, receive) = filling.connection.open_bi().await.unwrap();
    write(&mut send, &(0, 1, "device-1", &options)).await.unwrap();
    assert_eq!(overloaded(soon(Heard::new(receive).next()).await.unwrap()), OVERLOADED);

    // Those who are in wait until as much waits as may.
    for link in &mut waiting {
        link.say(&(6, 1, fixes(MAILBOX_MAX))).await.unwrap();
    }
    until(&intake, |stage| stage == Stage::Full).await;
    late.say(&(6, 1, fixes(1))).await.unwrap();
    assert_eq!(overloaded(heard(&mut late).await), OVERLOADED);

    drop(held);
    for link in [&mut filling].into_iter().chain(&mut waiting) {
        assert_eq!(acked(link, MAILBOX_MAX as u64).await, []);
    }
    // The last ack may come a moment before the shard says that it has room again.
    until(&intake, |stage| stage == Stage::Even).await;
    let mut late = gateway(&client, "late").await;
    assert_eq!(late.welcome.acked, 0, "what was refused was not taken");
    late.say(&(6, 1, fixes(1))).await.unwrap();
    assert_eq!(acked(&mut late, 1).await, []);
    let counts = daemon.node.counts();
    assert_eq!((counts.frames_refused, counts.sessions_refused), (1, 2));
    daemon.stop().await;
}
