//! The settings that are valid: what the parts are made from.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::config::{Config, DurabilityConfig, HttpConfig, HugePagesConfig, RetentionConfig};
use super::error::DaemonError;
use super::http_tls::HttpTls;
use super::outbound::CallbackSettings;
use crate::api::limits::Limits;
use crate::domain::time::Time;
use crate::feed::outbound::{Network, NetworkError, Reach};
use crate::ingest::quic::settings::QuicSettings;
use crate::runtime::clock::Clock;
use crate::runtime::node::{Durability, NodeSettings};
use crate::runtime::progress::Progress;
use crate::runtime::retention::RetentionSettings;

/// Everything the daemon needs to know.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where everything is kept.
    pub data_dir: PathBuf,
    /// Where HTTP listens; port 0 takes a free one.
    pub http: SocketAddr,
    /// Where the outside finds HTTP; empty: where it listens.
    pub public_url: String,
    /// The certificate of HTTP; `None`: not encrypted.
    pub http_tls: Option<HttpTls>,
    /// What one client of HTTP may take.
    pub http_limits: Limits,
    /// Where QUIC listens; port 0 takes a free one.
    pub quic: SocketAddr,
    /// Names in the self-signed certificate beside localhost.
    pub names: Vec<String>,
    /// The QUIC endpoint.
    pub quic_settings: QuicSettings,
    /// What sends callbacks.
    pub callbacks: CallbackSettings,
    /// The node.
    pub node: NodeSettings,
    /// Whether its memory comes in huge pages.
    pub huge_pages: HugePagesConfig,
    /// When what is too old goes.
    pub retention: RetentionSettings,
    /// The clock.
    pub clock: Clock,
    /// How much faster than real time it runs.
    pub time_scale: f64,
    /// Where the start says how far it is.
    pub progress: Arc<Progress>,
}

impl Settings {
    /// Settings from what was written.
    ///
    /// # Errors
    /// HTTP would be open to others without TLS, or a value is out of its range.
    pub fn new(config: Config) -> Result<Self, DaemonError> {
        let (http_tls, http_limits) = (tls(&config.http)?, limits(&config.http)?);
        let is_safe = http_tls.is_some() || config.http.allow_plain;
        if !config.http.listen.ip().is_loopback() && !is_safe {
            return Err(DaemonError::PlainHttp(config.http.listen));
        }
        let shards = match config.node.shards {
            0 => std::thread::available_parallelism().map_or(1, |cores| (cores.get() / 2).max(1)),
            shards => shards,
        };
        let durability = match config.node.durability {
            DurabilityConfig::Sync => Durability::Sync,
            DurabilityConfig::Relaxed => Durability::Relaxed,
            DurabilityConfig::None => Durability::None,
        };
        Ok(Self {
            data_dir: config.data_dir,
            http: config.http.listen,
            public_url: config.http.public_url,
            http_tls,
            http_limits,
            quic: config.quic.listen,
            names: config.quic.names,
            quic_settings: QuicSettings {
                connections_max: config.quic.connections_max,
                tls_sessions_max: config.quic.tls_sessions_max,
                trace_acks: config.quic.trace_acks,
                ..QuicSettings::default()
            },
            callbacks: CallbackSettings {
                reach: Reach {
                    allowed: networks(
                        "callbacks.allow_networks",
                        &config.callbacks.allow_networks,
                    )?,
                    denied: networks("callbacks.deny_networks", &config.callbacks.deny_networks)?,
                },
                ca_file: config.callbacks.ca_file,
            },
            node: NodeSettings {
                shards,
                durability,
                mailbox_max: config.node.mailbox_max,
                snapshot_journal_bytes: config.node.snapshots.journal_mib.saturating_mul(MIB),
                keep_journal: config.node.snapshots.keep_journal,
                ..NodeSettings::default()
            },
            huge_pages: config.node.huge_pages,
            retention: retention(&config.retention)?,
            clock: Clock::real(),
            time_scale: 1.0,
            progress: Arc::default(),
        })
    }

    /// The same with a clock that runs `scale` times as fast from `start` on, once the daemon
    /// serves.
    #[must_use]
    pub fn with_time(mut self, scale: f64, start: Option<Time>) -> Self {
        self.clock = Clock::scaled_later(scale, start);
        self.time_scale = scale;
        self
    }
}

fn tls(config: &HttpConfig) -> Result<Option<HttpTls>, DaemonError> {
    let given = |path: &Path| !path.as_os_str().is_empty();
    match (given(&config.tls_certificate), given(&config.tls_key)) {
        (false, false) => Ok(None),
        (true, true) => Ok(Some(HttpTls {
            certificate: config.tls_certificate.clone(),
            key: config.tls_key.clone(),
        })),
        _ => Err(DaemonError::Setting {
            key: "http.tls_certificate",
            problem: "expected together with http.tls_key",
        }),
    }
}

fn retention(config: &RetentionConfig) -> Result<RetentionSettings, DaemonError> {
    if config.hour > 23 {
        let (key, problem) = ("retention.hour", "expected 0 to 23");
        return Err(DaemonError::Setting { key, problem });
    }
    let at_least_one = [
        ("retention.feed_days", u64::from(config.feed_days)),
        ("retention.feed_mb_max", config.feed_mb_max),
    ];
    if let Some((key, _)) = at_least_one.iter().find(|(_, value)| *value == 0) {
        return Err(DaemonError::Setting { key, problem: "expected 1 or more" });
    }
    Ok(RetentionSettings {
        hour: config.hour,
        feed_days: config.feed_days,
        feed_bytes_max: config.feed_mb_max.saturating_mul(1 << 20),
    })
}

fn networks(key: &'static str, texts: &[String]) -> Result<Vec<Network>, DaemonError> {
    let problem = "expected networks, such as \"10.0.0.0/8\" or \"::1\"";
    let networks = texts.iter().map(|text| text.parse());
    let networks: Result<_, NetworkError> = networks.collect();
    networks.map_err(|_| DaemonError::Setting { key, problem })
}

fn limits(config: &HttpConfig) -> Result<Limits, DaemonError> {
    let refused = |key| Err(DaemonError::Setting { key, problem: "expected 1 or more" });
    let at_least_one = [
        ("http.connections_max", config.connections_max as u64),
        ("http.head_timeout_s", config.head_timeout_s),
        ("http.body_timeout_s", config.body_timeout_s),
        ("http.write_timeout_s", config.write_timeout_s),
        ("http.streams_max", config.streams_max as u64),
    ];
    for (key, value) in at_least_one {
        if value == 0 {
            return refused(key);
        }
    }
    Ok(Limits {
        connections_max: config.connections_max,
        head_timeout: Duration::from_secs(config.head_timeout_s),
        body_timeout: Duration::from_secs(config.body_timeout_s),
        write_timeout: Duration::from_secs(config.write_timeout_s),
        streams_max: config.streams_max,
        requests_max: config.requests_max,
    })
}

const MIB: u64 = 1 << 20;
