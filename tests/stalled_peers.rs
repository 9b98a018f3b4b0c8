//! Peers that stop reading: a reader of events over SSE or QUIC, a client of the API, a device. Each
//! costs the daemon a constant amount of memory, however much there is to be told, and disturbs
//! nobody. The amounts are those of docs/data_path.md.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "it owns its directories and processes, says what it measured, and may panic"
)]

#[expect(dead_code, reason = "other tests use the rest")]
mod support {
    pub mod http;
    pub mod many_orders;
    pub mod process;
}

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use doorstep::cli::client::frame::{HelloOptions, WireFix};
use doorstep::cli::client::link::Link;
use doorstep::cli::client::target::Target;
use serde_json::{Value, json};
use support::many_orders;
use support::process::{Process, admin_token, directory};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

/// A daemon with a device's token, and many events.
fn begun(directory: &Path) -> (Process, String, String) {
    let daemon = Process::start_anywhere(directory);
    let admin = admin_token(directory);
    let post = |path: &str, body: &Value| {
        let answer = daemon.ask(&admin, "POST", path, body);
        assert!(answer.status < 300, "{}", answer.body);
        answer.json()
    };
    let courier = many_orders::of_ada(EVENTS, &post);
    let wish = json!({"role": "device", "courier_id": courier["id"]});
    let device = post("/v1/tokens", &wish)["token"].as_str().unwrap().to_owned();
    (daemon, admin, device)
}

/// Bytes of memory that a process has, in KiB.
fn resident_kib(daemon: &Process) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", daemon.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// What it costs a daemon, in KiB each, that peers do something and then read no more. Somebody else
/// reads the whole feed meanwhile: by then everybody was served as far as they can be.
async fn cost_kib<T, F: Future<Output = T>>(
    (daemon, admin): (&Process, &str),
    mut peer: impl FnMut() -> F,
) -> u64 {
    read_all(daemon, admin);
    let before = resident_kib(daemon);
    let mut peers = Vec::new();
    for _ in 0..PEERS {
        peers.push(timeout(WITHIN, peer()).await.expect("it is served"));
    }
    read_all(daemon, admin);
    let each = resident_kib(daemon).saturating_sub(before) / PEERS;
    drop(peers);
    each
}

/// Reads the feed as pages.
fn read_all(daemon: &Process, admin: &str) {
    let (mut after, mut count) = ("0".to_owned(), 0);
    loop {
        let path = format!("/v1/events?limit=1000&after={after}");
        let page = daemon.ask(admin, "GET", &path, &Value::Null).expect(200);
        count += page["events"].as_array().unwrap().len();
        page["cursor"].as_str().unwrap().clone_into(&mut after);
        if page["has_more"] == false {
            break;
        }
    }
    assert!(count >= EVENTS, "{count}");
}

/// A connection whose peer's system keeps little for it.
async fn connected(to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    socket.connect(to).await.unwrap()
}

fn request(path: &str, token: &str, accept: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: OAuth {token}\r\n\
         Accept: {accept}\r\n\r\n"
    )
}

async fn linked(daemon: &Process, token: &str) -> Link {
    let target = Target::pinned(daemon.quic, &daemon.fingerprint).unwrap();
    // The dearest: what it does not read waits in large packets.
    let endpoint = target.wide_endpoint().unwrap();
    Link::open(&target, &endpoint, token, &HelloOptions::default()).await.unwrap()
}

fn judge(what: &str, each: u64, max: u64) {
    println!("{what} that reads no more: {each} KiB, of at most {max}");
    assert!(each <= max, "{what}: {each} KiB each, more than {max}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reads_no_more_costs_a_constant_amount() {
    let directory = directory("stalled-peers");
    let (daemon, admin, device) = begun(&directory);
    let at = (&daemon, &*admin);
    let sse = request("/v1/events?after=0", &admin, "text/event-stream");
    let each = cost_kib(at, || async {
        let mut stream = connected(daemon.http).await;
        stream.write_all(sse.as_bytes()).await.unwrap();
        // It was answered.
        stream.read_exact(&mut [0; 12]).await.unwrap();
        stream
    });
    judge("a reader of SSE", each.await, SSE_KIB_MAX);
    let pages = request("/v1/events?limit=1000", &admin, "application/json").repeat(20);
    let each = cost_kib(at, || async {
        let mut stream = connected(daemon.http).await;
        stream.write_all(pages.as_bytes()).await.unwrap();
        stream.read_exact(&mut [0; 12]).await.unwrap();
        stream
    });
    judge("a client of the API", each.await, CLIENT_KIB_MAX);
    let each = cost_kib(at, || async {
        let mut link = linked(&daemon, &admin).await;
        link.say(&(16, json!({"after": "0"}))).await.unwrap();
        // It was answered.
        link.heard.next().await.unwrap();
        link
    });
    judge("a subscriber over QUIC", each.await, SUBSCRIBER_KIB_MAX);
    let each = cost_kib(at, || async {
        let mut link = linked(&daemon, &device).await;
        let t = link.welcome.server_time;
        for frame in 0..FRAMES {
            let fix = |n: i64| WireFix(t + n, 525_000_000, 134_000_000, None, None, None, None);
            let fixes: Vec<WireFix> = (frame * 100..(frame + 1) * 100).map(fix).collect();
            link.say(&(2, frame * 100 + 1, None::<u64>, &fixes)).await.unwrap();
        }
        link
    });
    judge("a device", each.await, DEVICE_KIB_MAX);
}

/// Peers of each kind.
const PEERS: u64 = 20;
/// Events that there are to read: 7 MB as JSON.
const EVENTS: usize = 12_000;
/// Frames of a device.
const FRAMES: i64 = 5;
const SSE_KIB_MAX: u64 = 512;
const CLIENT_KIB_MAX: u64 = 1_536;
const SUBSCRIBER_KIB_MAX: u64 = 512;
const DEVICE_KIB_MAX: u64 = 512;
/// Bounds how long a failing test takes.
const WITHIN: Duration = Duration::from_secs(60);
