//! A node with admission and the HTTP surface, in this process, on a free port.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use doorstep::api::limits::Limits;
use doorstep::api::server::serve;
use doorstep::api::{Api, ApiParts, QuicAddress, Site, names, router, send_callbacks};
use doorstep::domain::ids::OrderId;
use doorstep::domain::order::OrderStatus;
use doorstep::domain::time::Time;
use doorstep::feed::outbound::{Outbound, Reach};
use doorstep::feed::press::Press;
use doorstep::runtime::access::Access;
use doorstep::runtime::admission::{Admission, Recovery, Refusal, Surroundings};
use doorstep::runtime::clock::Clock;
use doorstep::runtime::node::{Node, NodeSettings};
use doorstep::runtime::retention::{Retention, RetentionSettings};
use doorstep::storage::audit_log::AuditLog;
use doorstep::storage::disk::Disk;
use doorstep::storage::ledger::Ledger;
use doorstep::storage::sim_disk::SimDisk;
use doorstep::travel::straight_line::StraightLine;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use super::http::{Answer, Asked, ask};

/// A directory of one test, gone with it.
pub struct Place(pub PathBuf);

impl Place {
    pub fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("doorstep-test-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// Another directory with the same files, as they were at one instant: what somebody who is not
    /// gone yet changes meanwhile (SQLite's side files go with its last connection) is copied anew.
    pub fn copy(&self) -> Self {
        loop {
            let (before, copy) = (self.listing(), Self::new());
            let copied = before.iter().all(|(path, ..)| {
                std::fs::copy(path, copy.0.join(path.file_name().unwrap())).is_ok()
            });
            if copied && self.listing() == before {
                return copy;
            }
        }
    }

    fn listing(&self) -> Vec<(PathBuf, u64, SystemTime)> {
        let files = std::fs::read_dir(&self.0).unwrap().map(Result::unwrap);
        let mut files: Vec<_> = files
            .filter_map(|file| {
                let about = file.metadata().ok()?;
                Some((file.path(), about.len(), about.modified().unwrap()))
            })
            .collect();
        files.sort();
        files
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // What is left is the system's to tidy.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn site() -> Site {
    let (address, fingerprint) = ("127.0.0.1:4433".to_owned(), "ab".to_owned());
    let quic = Some(QuicAddress { address, fingerprint });
    Site { public_url: "http://localhost".to_owned(), quic }
}

/// What sends callbacks to where it may, and trusts these certificates alone.
pub fn outbound(reach: Reach, trusted: &[CertificateDer<'static>]) -> Outbound {
    let mut roots = RootCertStore::empty();
    for certificate in trusted {
        roots.add(certificate.clone()).unwrap();
    }
    let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Outbound::new(reach, Arc::new(tls), Duration::from_secs(30))
}

fn settings() -> NodeSettings {
    NodeSettings {
        shards: 2,
        segment_bytes: 4 << 20,
        feed_segment_bytes: 4 << 10,
        // A machine that is busy with other tests makes no 504.
        answer_ms_max: 30_000,
        ..NodeSettings::default()
    }
}

/// A running daemon but for its QUIC side.
pub struct Serving {
    pub address: SocketAddr,
    pub clock: Clock,
    pub redone: u64,
    /// The first admin token, where this start made it.
    pub token: String,
    pub admission: Admission,
    pub access: Arc<Access>,
    api: Option<(Arc<Api>, JoinHandle<()>)>,
    callbacks: Option<JoinHandle<()>>,
    node: Option<Node>,
    runtime: Option<Runtime>,
}

impl Serving {
    /// Starts on a disk and a directory, both of which may have been used before.
    pub fn start(place: &Place, disk: &SimDisk, clock: &Clock) -> Self {
        Self::start_with(place, disk, clock, Limits::default(), None)
    }

    /// The same with what sends callbacks.
    pub fn start_calling(place: &Place, disk: &SimDisk, clock: &Clock, outbound: Outbound) -> Self {
        Self::start_all(place, disk, clock, Limits::default(), None, outbound)
    }

    /// The same with other limits, and with TLS if it is given.
    pub fn start_with(
        place: &Place,
        disk: &SimDisk,
        clock: &Clock,
        limits: Limits,
        tls: Option<Arc<rustls::ServerConfig>>,
    ) -> Self {
        let outbound = outbound(Reach::default(), &[]);
        Self::start_all(place, disk, clock, limits, tls, outbound)
    }

    fn start_all(
        place: &Place,
        disk: &SimDisk,
        clock: &Clock,
        limits: Limits,
        tls: Option<Arc<rustls::ServerConfig>>,
        outbound: Outbound,
    ) -> Self {
        let runtime = Runtime::new().unwrap();
        let mut recovery = Recovery::open(&place.0).unwrap();
        let settings = settings();
        let travel = || Box::new(StraightLine::default()) as _;
        let shared: Arc<dyn Disk> = Arc::new(disk.clone());
        let node = Node::start(&settings, &shared, clock.clone(), &travel, &mut |note| {
            recovery.redo(note);
        })
        .unwrap();
        let redone = recovery.redone();
        let access = Arc::new(Access::default());
        let around = Surroundings {
            commands: node.commands(),
            views: node.views(),
            fault: node.fault(),
            clock: clock.clone(),
            access: Arc::clone(&access),
            runtime: runtime.handle().clone(),
        };
        let admission = Admission::start(recovery, around).unwrap();
        let first = admission.first_start().unwrap();
        let token = first.and_then(|first| first.token).map(|(token, _)| token);
        let names = Arc::new(names(&admission.labels()));
        let api = Api::new(ApiParts {
            admission: admission.clone(),
            access: Arc::clone(&access),
            intake: node.intake(),
            feed: node.feed(),
            press: Arc::new(Press::new(node.feed(), Arc::clone(&names))),
            views: node.views(),
            tracks: node.tracks(),
            snapshots: node.snapshots(),
            clock: clock.clone(),
            fault: node.fault(),
            counters: node.counters(),
            names,
            site: site(),
            limits,
            audit: AuditLog::open(&place.0, 1 << 20).unwrap(),
            ledger: Ledger::open(&place.0).unwrap(),
            outbound,
            retry_clock: clock.clone(),
        })
        .unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let api = Arc::new(api);
        let callbacks = Some(runtime.spawn(send_callbacks(Arc::clone(&api))));
        let server = runtime.spawn(serve(listener, tls, Arc::clone(&api)));
        Self {
            address,
            clock: clock.clone(),
            redone,
            token: token.unwrap_or_default(),
            admission,
            access,
            api: Some((api, server)),
            callbacks,
            node: Some(node),
            runtime: Some(runtime),
        }
    }

    /// What lets go what is too old: due at once.
    pub fn retention(&self) -> Retention {
        self.retention_of(RetentionSettings::default())
    }

    /// The same with settings of one's own.
    pub fn retention_of(&self, settings: RetentionSettings) -> Retention {
        let readers = self.admission.readers();
        let node = self.node.as_ref().unwrap();
        Retention::new(settings, self.clock.clone(), readers, node.tracks(), node.feed())
    }

    /// Ends what a crash broke off of an erasure.
    pub fn finish_erasures(&self) {
        self.api.as_ref().unwrap().0.finish_erasures().unwrap();
    }

    /// Takes a snapshot, so that what is older may go.
    pub fn snapshot(&self) {
        self.node.as_ref().unwrap().snapshots().take().unwrap();
    }

    /// Asks with the admin token.
    pub fn ask(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.ask_as(Some(&self.token), method, path, body)
    }

    /// Asks with any token, or none.
    pub fn ask_as(&self, token: Option<&str>, method: &str, path: &str, body: &Value) -> Answer {
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        self.ask_raw(&Asked { method, path, token, body })
    }

    /// Asks with any bytes.
    pub fn ask_raw(&self, asked: &Asked<'_>) -> Answer {
        ask(self.address, asked)
    }

    #[track_caller]
    pub fn get(&self, path: &str) -> Value {
        self.ask("GET", path, &Value::Null).expect(200)
    }

    #[track_caller]
    pub fn post(&self, path: &str, body: &Value) -> Value {
        self.ask("POST", path, body).expect(201)
    }

    /// Sets a status as a device does.
    pub fn set_status(&self, token: &str, order: u64, comment: &str) -> Result<(), Refusal> {
        let grant = self.access.authenticate(token).expect("a good token");
        let comment = Some(comment.to_owned());
        let asked =
            self.admission.set_status(&grant, OrderId(order), OrderStatus::Postponed, comment);
        self.runtime.as_ref().unwrap().block_on(asked)
    }

    /// Every path that is served, as the router knows it.
    pub fn paths(&self) -> BTreeSet<String> {
        let (api, _) = self.api.as_ref().unwrap();
        let written = format!("{:?}", router(Arc::clone(api)));
        let texts = written.split('"').skip(1).step_by(2);
        // The fallback has routes of its own.
        let paths = texts.filter(|text| text.starts_with('/') && *text != "/");
        paths.filter(|path| !path.contains("__private")).map(str::to_owned).collect()
    }

    /// The methods of a path: what a method that is nobody's is told.
    pub fn methods(&self, path: &str) -> BTreeSet<String> {
        let answer = self.ask_as(None, "TRACE", path, &Value::Null);
        let headers = answer.expect_headers(405);
        let allow = headers.lines().find_map(|line| line.strip_prefix("allow: "));
        let methods = allow.unwrap_or_else(|| panic!("{path}: {headers}")).split(',');
        methods.filter(|&method| method != "HEAD").map(str::to_owned).collect()
    }

    /// Ends what is left when the disk has failed.
    pub fn abandon(mut self) {
        self.runtime.take().unwrap().shutdown_background();
        self.admission.stop();
        // It may have failed, and says so.
        let _ = self.node.take().unwrap().stop();
    }

    /// Ends everything in order.
    pub fn stop(mut self) {
        let runtime = self.runtime.take().unwrap();
        let (api, server) = self.api.take().unwrap();
        api.stop();
        runtime.block_on(server).unwrap();
        runtime.block_on(self.callbacks.take().unwrap()).unwrap();
        drop(api);
        self.admission.stop();
        self.node.take().unwrap().stop().unwrap();
    }
}

/// 2026-05-04T08:00:00Z, a Monday.
pub fn morning() -> Time {
    Time::from_ms(1_777_881_600_000)
}
