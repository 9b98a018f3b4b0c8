//! A daemon whose data directory is a small file system of its own that somebody else fills: what is
//! new is refused with a word that says so, over HTTP and QUIC, and once there is room everything goes
//! on; nothing that was acknowledged is lost, also after a kill. `tests/full_disk.rs` does the same at
//! every write of a simulated disk.

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

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use doorstep::cli::client::error::ClientError;
use doorstep::cli::client::frame::{HelloOptions, ServerFrame, WireFix};
use doorstep::cli::client::link::Link;
use doorstep::cli::client::target::Target;
use serde_json::{Value, json};
use support::http::{Answer, Asked, ask};
use support::process::{Process, admin_token, directory};

/// A file system in memory, unmounted when it is dropped.
struct Mount(PathBuf);

impl Mount {
    /// The system's own words, if it cannot be mounted: root may, in most containers nobody may.
    fn small(at: PathBuf) -> Result<Self, String> {
        std::fs::create_dir_all(&at).unwrap();
        let size = format!("size={SIZE_MIB}m");
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "-o", &size, "doorstep-test"]).arg(&at);
        let said = command.output().map_err(|error| error.to_string())?;
        if said.status.success() {
            Ok(Self(at))
        } else {
            Err(String::from_utf8_lossy(&said.stderr).trim().to_owned())
        }
    }

    /// Takes all the room there is; gives the file that has it.
    fn fill(&self) -> PathBuf {
        let path = self.0.join("ballast");
        let mut ballast = File::create(&path).unwrap();
        for piece in [1 << 16, 1 << 10] {
            let piece = vec![1; piece];
            let error = loop {
                if let Err(error) = ballast.write_all(&piece) {
                    break error;
                }
            };
            assert_eq!(error.kind(), ErrorKind::StorageFull, "{error}");
        }
        path
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // A lazy one: it goes once nobody has a file in it open.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

struct Scene {
    daemon: Process,
    admin: String,
    device: String,
    order: String,
}

impl Scene {
    fn begin(data: &Path) -> Self {
        let daemon = Process::start_anywhere(data);
        let admin = admin_token(data);
        let post = |path: &str, body: &Value| daemon.ask(&admin, "POST", path, body).expect(201);
        let courier = post("/api/v1/companies/1/couriers", &json!({"number": "ada"}));
        let wish = json!({"role": "device", "courier_id": courier["id"]});
        let device = post("/v1/tokens", &wish)["token"].as_str().unwrap().to_owned();
        let route = json!({"number": "tour", "courier_number": "ada", "date": "2026-11-22"});
        post("/api/v1/companies/1/routes", &route);
        let order = json!({"number": "A-1", "route_number": "tour", "lat": 52.5, "lon": 13.4});
        let order = post("/api/v1/companies/1/orders", &order)["id"].clone();
        let order = format!("/api/v1/companies/1/orders/{order}");
        Self { daemon, admin, device, order }
    }

    async fn link(&self) -> Result<Link, ClientError> {
        let target = Target::pinned(self.daemon.quic, &self.daemon.fingerprint).unwrap();
        let endpoint = target.endpoint().unwrap();
        let options = HelloOptions { boot: Some(1), ..HelloOptions::default() };
        Link::open(&target, &endpoint, &self.device, &options).await
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.daemon.ask(&self.admin, method, path, body)
    }

    /// Killed, and started again.
    fn begin_again(self, data: &Path) -> Self {
        self.daemon.kill();
        Self { daemon: Process::start_anywhere(data), ..self }
    }

    /// The order, and the whole feed.
    fn told(&self) -> (Value, Value) {
        let order = self.ask("GET", &self.order, &Value::Null).expect(200);
        let feed = self.ask("GET", "/v1/events?limit=1000", &Value::Null).expect(200);
        (order, feed["events"].clone())
    }

    /// Changes the order until that is refused, or it is told to stop; gives the last name that was
    /// accepted.
    fn change(&self, is_over: &Arc<AtomicBool>) -> JoinHandle<u64> {
        let (http, token, path) = (self.daemon.http, self.admin.clone(), self.order.clone());
        let is_over = Arc::clone(is_over);
        std::thread::spawn(move || {
            let mut accepted = 0;
            while !is_over.load(Ordering::Relaxed) {
                let status = if accepted % 2 == 0 { "confirmed" } else { "new" };
                let body = json!({"status": status, "customer_name": (accepted + 1).to_string()});
                let body = body.to_string().into_bytes();
                let asked = Asked { method: "PATCH", path: &path, token: Some(&token), body };
                let answer = ask(http, &asked);
                if answer.status != 200 {
                    assert!(is_refused(&answer), "{answer:?}");
                    break;
                }
                accepted += 1;
            }
            accepted
        })
    }
}

fn is_refused(answer: &Answer) -> bool {
    answer.status == 503 && answer.body.contains("the disk is full")
}

/// Ten fixes from a number on.
async fn say_ten(link: &mut Link, first: u64) -> Result<ServerFrame, ClientError> {
    let t = link.welcome.server_time;
    let fix = |n: i64| WireFix(t - 1_000 + n, 525_000_000, 134_000_000, None, None, None, None);
    let fixes: Vec<WireFix> = (0..10).map(fix).collect();
    link.say(&(2, first, None::<u64>, &fixes)).await?;
    loop {
        match link.heard.next().await? {
            // What the device has ahead.
            ServerFrame::Route(_) => {}
            other => return Ok(other),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_somebody_fills_costs_nothing_that_was_acknowledged() {
    let mount = match Mount::small(directory("small-disk")) {
        Ok(mount) => mount,
        Err(why) => return println!("skipped: a file system cannot be mounted here: {why}"),
    };
    let data = mount.0.join("data");
    let scene = Scene::begin(&data);
    let first = say_ten(&mut scene.link().await.unwrap(), 1).await.unwrap();
    assert!(matches!(first, ServerFrame::Ack(10)), "{first:?}");

    let ballast = mount.fill();
    let is_over = Arc::new(AtomicBool::new(false));
    let changing = scene.change(&is_over);
    // What finds no room first waits for it.
    while scene.ask("GET", "/readyz", &Value::Null).status == 200 {
        tokio::task::yield_now().await;
    }
    let unready = scene.ask("GET", "/readyz", &Value::Null);
    assert!(is_refused(&unready), "{unready:?}");
    let refused = scene.ask("POST", COURIERS, &json!({"number": "bob"}));
    assert!(is_refused(&refused), "{refused:?}");
    match say_ten(&mut scene.link().await.unwrap(), 11).await {
        Ok(ServerFrame::Error { code: 503, text, is_transient: true }) => {
            assert!(text.contains("the disk is full"), "{text}");
        }
        other => panic!("{other:?}"),
    }
    // Who reads is served.
    scene.ask("GET", &scene.order, &Value::Null).expect(200);

    std::fs::remove_file(ballast).unwrap();
    is_over.store(true, Ordering::Relaxed);
    let name = changing.join().unwrap().to_string();
    while scene.ask("GET", "/readyz", &Value::Null).status != 200 {
        tokio::task::yield_now().await;
    }
    let again = say_ten(&mut scene.link().await.unwrap(), 11).await.unwrap();
    assert!(matches!(again, ServerFrame::Ack(20)), "{again:?}");
    scene.ask("POST", COURIERS, &json!({"number": "bob"})).expect(201);
    let (order, feed) = scene.told();
    assert_eq!(order["customer_name"], *name);

    let scene = scene.begin_again(&data);
    assert_eq!(scene.link().await.unwrap().welcome.acked, 20);
    assert_eq!(scene.told(), (order, feed));
    scene.ask("POST", COURIERS, &json!({"number": "bob"})).expect(422);
}

const COURIERS: &str = "/api/v1/companies/1/couriers";
/// Room for a segment of the journal, and some more.
const SIZE_MIB: u32 = 64;
