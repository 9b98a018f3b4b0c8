//! The parts put together, in the order in which they need each other: disk, catalog, node,
//! admission, endpoints. Ends in the opposite order.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::core::{Core, stop};
use super::error::DaemonError;
use super::http_tls::HttpTls;
use super::open_files::connections_within;
use super::quic_threads::QuicThreads;
use super::settings::Settings;
use super::statuses::forward;
use crate::api::limits::Limits;
use crate::api::server::{serve, serve_progress};
use crate::api::{Api, ApiParts, QuicAddress, Site, names, send_callbacks};
use crate::feed::names::Names;
use crate::feed::press::Press;
use crate::ingest::quic::certificate::Certificate;
use crate::ingest::quic::endpoint::QuicEndpoint;
use crate::ingest::quic::reset_key::ResetKey;
use crate::ingest::quic::services::QuicServices;
use crate::runtime::access::Access;
use crate::runtime::admission::Admission;
use crate::runtime::clock::Clock;
use crate::runtime::node::{Node, RecoveryReport};
use crate::runtime::retention::Retention;
use crate::storage::audit_log::{AUDIT_FILE, AuditLog};
use crate::storage::catalog::Catalog;
use crate::storage::ledger::Ledger;

/// A daemon that serves. [`Self::stop`] ends it in order.
pub struct Daemon {
    node: Node,
    admission: Admission,
    quic: QuicEndpoint,
    quic_threads: QuicThreads,
    served: Option<(Arc<Api>, JoinHandle<()>)>,
    is_encrypted: bool,
    tasks: Vec<JoinHandle<()>>,
    /// Where HTTP listens.
    pub http: SocketAddr,
    /// Where QUIC listens.
    pub quic_address: SocketAddr,
    /// The admin token of company 1, on the first start of a data directory only.
    pub first_token: Option<String>,
    /// How many requests the catalog had missed.
    pub redone: u64,
}

impl Daemon {
    /// Recovers what the data directory holds, and serves. Must be called on a multi-threaded
    /// tokio runtime.
    ///
    /// # Errors
    /// The directory is in use, damaged or cannot be written, or an address cannot be had.
    pub async fn start(settings: &Settings) -> Result<Self, DaemonError> {
        let listener = TcpListener::bind(settings.http).await;
        let early = Early::begin(settings, listener)?;
        let opened = Core::open(settings).await;
        let listener = early.end().await;
        // What is wrong with the directory is said first: another daemon may have address and all.
        let Core { node, admission, access, first_token, redone } = opened?;
        let quic_threads = QuicThreads::start(settings.node.durability)?;
        let quic = bind_quic(settings, &quic_threads)?;
        let quic_address = quic.local_address()?;
        let listener =
            listener.map_err(|source| DaemonError::Listen { address: settings.http, source })?;
        let http = listener.local_addr().map_err(DaemonError::System)?;
        let mut daemon = Self {
            node,
            admission,
            quic,
            quic_threads,
            served: None,
            is_encrypted: settings.http_tls.is_some(),
            tasks: Vec::new(),
            http,
            quic_address,
            first_token,
            redone,
        };
        settings.clock.begin();
        daemon.serve(settings, listener, &access)?;
        Ok(daemon)
    }

    fn serve(
        &mut self,
        settings: &Settings,
        listener: TcpListener,
        access: &Arc<Access>,
    ) -> Result<(), DaemonError> {
        let names = Arc::new(names(&self.admission.labels()));
        let press = Arc::new(Press::new(self.node.feed(), Arc::clone(&names)));
        let (sender, statuses) = mpsc::channel(STATUSES_MAX);
        let services = QuicServices {
            access: Arc::clone(access),
            intake: self.node.intake(),
            press: Arc::clone(&press),
            views: self.node.views(),
            clock: self.node.clock(),
            statuses: Some(sender),
        };
        let quic = self.quic.clone();
        self.tasks.push(self.quic_threads.spawn(async move { quic.serve(services).await }));
        let (clock, readers) = (self.node.clock(), self.admission.readers());
        let (tracks, feed) = (self.node.tracks(), self.node.feed());
        let retention = Retention::new(settings.retention, clock, readers, tracks, feed);
        self.tasks.push(tokio::spawn(let_go(retention)));
        let api = Arc::new(self.api(settings, access, (names, press))?);
        let erasing = Arc::clone(&api);
        // What fails here is tried again at the next start.
        self.tasks.push(tokio::task::spawn_blocking(move || drop(erasing.finish_erasures())));
        let forwarded = forward(statuses, self.admission.clone(), Arc::clone(&api));
        self.tasks.push(tokio::spawn(forwarded));
        let tls = settings.http_tls.as_ref().map(HttpTls::config).transpose()?;
        self.tasks.push(tokio::spawn(send_callbacks(Arc::clone(&api))));
        let server = tokio::spawn(serve(listener, tls, Arc::clone(&api)));
        self.served = Some((api, server));
        Ok(())
    }

    fn api(
        &self,
        settings: &Settings,
        access: &Arc<Access>,
        (names, press): (Arc<Names>, Arc<Press>),
    ) -> Result<Api, DaemonError> {
        let public_url = if settings.public_url.is_empty() {
            self.url()
        } else {
            settings.public_url.trim_end_matches('/').to_owned()
        };
        let quic = QuicAddress {
            address: self.quic_address.to_string(),
            fingerprint: self.quic.fingerprint().to_owned(),
        };
        let connections_max = connections_within(settings.http_limits.connections_max);
        let limits = Limits { connections_max, ..settings.http_limits.clone() };
        let directory = &settings.data_dir;
        let audit = AuditLog::open(directory, AUDIT_BYTES_MAX)
            .map_err(|source| DaemonError::File { path: directory.join(AUDIT_FILE), source })?;
        let api = Api::new(ApiParts {
            admission: self.admission.clone(),
            access: Arc::clone(access),
            intake: self.node.intake(),
            feed: self.node.feed(),
            press,
            views: self.node.views(),
            tracks: self.node.tracks(),
            snapshots: self.node.snapshots(),
            clock: self.node.clock(),
            fault: self.node.fault(),
            counters: self.node.counters(),
            names,
            limits,
            audit,
            ledger: Ledger::open(directory)?,
            site: Site { public_url, quic: Some(quic) },
            outbound: settings.callbacks.outbound()?,
            retry_clock: Clock::real(),
        });
        Ok(api.map_err(|error| Catalog::damaged(error, directory))?)
    }

    /// Where HTTP is found on this machine.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.is_encrypted { "https" } else { "http" };
        format!("{scheme}://{}", self.http)
    }

    /// SHA-256 of the certificate that QUIC peers see.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        self.quic.fingerprint()
    }

    /// What recovery found.
    #[must_use]
    pub const fn recovered(&self) -> &RecoveryReport {
        self.node.recovered()
    }

    /// Returns when the node has failed, with the cause.
    pub async fn failed(&self) -> String {
        let fault = self.node.fault();
        // A node that is gone has failed too.
        let _ = fault.watch().wait_for(|failed| *failed).await;
        fault.cause().unwrap_or("the node has ended").to_owned()
    }

    /// Takes nothing more in, works off what has come, syncs, and ends.
    ///
    /// # Errors
    /// The node had failed, or fails now.
    pub async fn stop(self) -> Result<(), DaemonError> {
        if let Some((api, server)) = self.served {
            api.stop();
            // A panic there has been reported already.
            let _ = server.await;
        }
        self.quic.close().await;
        for task in self.tasks {
            task.abort();
            // Aborted or done: both are the end.
            let _ = task.await;
        }
        stop(self.node, self.admission).await
    }
}

/// Lets go what is too old whenever it is due. What fails is tried again.
async fn let_go(mut retention: Retention) {
    let mut wakes = tokio::time::interval(RETENTION_PACE);
    loop {
        wakes.tick().await;
        let done = tokio::task::spawn_blocking(move || {
            let _ = retention.run_if_due();
            retention
        });
        let Ok(again) = done.await else { return };
        retention = again;
    }
}

/// The HTTP listener while the daemon recovers: says how far that is.
struct Early {
    listener: std::io::Result<Arc<TcpListener>>,
    task: Option<JoinHandle<()>>,
}

impl Early {
    fn begin(
        settings: &Settings,
        listener: std::io::Result<TcpListener>,
    ) -> Result<Self, DaemonError> {
        let tls = settings.http_tls.as_ref().map(HttpTls::config).transpose()?;
        let listener = listener.map(Arc::new);
        let task = listener.as_ref().ok().map(|listener| {
            let (listener, limits) = (Arc::clone(listener), settings.http_limits.clone());
            let progress = Arc::clone(&settings.progress);
            tokio::spawn(async move { serve_progress(&listener, tls, &limits, progress).await })
        });
        Ok(Self { listener, task })
    }

    /// Gives the listener back.
    async fn end(self) -> std::io::Result<TcpListener> {
        if let Some(task) = self.task {
            task.abort();
            // Aborted or done: both are the end, and drop its share of the listener.
            let _ = task.await;
        }
        Arc::try_unwrap(self.listener?).map_err(|_| std::io::ErrorKind::AddrInUse.into())
    }
}

fn bind_quic(settings: &Settings, threads: &QuicThreads) -> Result<QuicEndpoint, DaemonError> {
    let _on_them = threads.enter();
    let certificate = Certificate::keep(&settings.data_dir, &settings.names)?;
    let reset_key = ResetKey::keep(&settings.data_dir)?;
    Ok(QuicEndpoint::bind(settings.quic, certificate, reset_key, settings.quic_settings.clone())?)
}

/// Bytes of the audit log before it is set aside.
const AUDIT_BYTES_MAX: u64 = 16 << 20;
/// So often is looked whether something is to be let go.
const RETENTION_PACE: Duration = Duration::from_secs(30);
/// Statuses that wait for admission.
const STATUSES_MAX: usize = 1_024;
