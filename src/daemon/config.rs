//! The configuration as it is written: TOML, every key optional, unknown keys refused.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::DaemonError;
use crate::api::limits::Limits;
use crate::runtime::retention::RetentionSettings;

/// A configuration file. What is left out has the default that `configs/doorstep.toml` shows.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where everything is kept.
    pub data_dir: PathBuf,
    /// The HTTP listener.
    pub http: HttpConfig,
    /// The QUIC listener.
    pub quic: QuicConfig,
    /// The callbacks of deliveries.
    pub callbacks: CallbacksConfig,
    /// The node.
    pub node: NodeConfig,
    /// What is kept for how long.
    pub retention: RetentionConfig,
}

/// The HTTP listener.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct HttpConfig {
    /// Address and port.
    pub listen: SocketAddr,
    /// Where the outside finds it; empty: `http://` and the address.
    pub public_url: String,
    /// Whether a listener that is not on loopback may go without TLS.
    pub allow_plain: bool,
    /// The certificate's chain, PEM; empty: no TLS.
    pub tls_certificate: PathBuf,
    /// The certificate's key, PEM.
    pub tls_key: PathBuf,
    /// Most connections at once.
    pub connections_max: usize,
    /// Seconds for the head of a request, and for which an idle connection is kept.
    pub head_timeout_s: u64,
    /// Seconds for the body of a request.
    pub body_timeout_s: u64,
    /// Seconds for which a client may read nothing while an answer waits.
    pub write_timeout_s: u64,
    /// Most streams of events of one token.
    pub streams_max: usize,
    /// Most requests of one token within ten seconds; 0: any number.
    pub requests_max: u64,
}

/// The QUIC listener.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct QuicConfig {
    /// Address and UDP port.
    pub listen: SocketAddr,
    /// Names in the self-signed certificate beside localhost.
    pub names: Vec<String>,
    /// Most connections at once.
    pub connections_max: usize,
    /// TLS sessions kept for 0-RTT.
    pub tls_sessions_max: usize,
    /// Writes a line on stderr just before each ack.
    pub trace_acks: bool,
}

/// The callbacks of deliveries.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct CallbacksConfig {
    /// Networks that are not public and may be reached all the same, without TLS too.
    pub allow_networks: Vec<String>,
    /// Networks that may not be reached.
    pub deny_networks: Vec<String>,
    /// Certificates that are trusted beside the system's, PEM; empty: none.
    pub ca_file: PathBuf,
}

/// The node.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct NodeConfig {
    /// Threads that own couriers; 0: half the cores, at least one.
    pub shards: usize,
    /// What an acknowledgement means: sync, relaxed or none.
    pub durability: DurabilityConfig,
    /// Most positions that wait in front of one shard, and a quarter as many commands and questions.
    pub mailbox_max: usize,
    /// Huge pages of memory: auto, on or off.
    pub huge_pages: HugePagesConfig,
    /// Snapshots and what they make room for.
    pub snapshots: SnapshotsConfig,
}

/// Snapshots and what they make room for.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct SnapshotsConfig {
    /// A snapshot is taken after so many MiB of journal; 0: only when one is asked for.
    pub journal_mib: u64,
    /// Segments of the journal are kept where no snapshot needs them any more.
    pub keep_journal: bool,
}

/// What is kept for how long. Positions are kept as each company's `retention_days` says.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct RetentionConfig {
    /// The hour of UTC in which the rest goes.
    pub hour: u8,
    /// Days for which events are kept.
    pub feed_days: u32,
    /// Most MiB of events, as far as whole segments of 64 MiB go.
    pub feed_mb_max: u64,
}

/// What an acknowledgement means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DurabilityConfig {
    /// Synced to disk.
    Sync,
    /// Written, and synced within 100 ms.
    Relaxed,
    /// Written. For benchmarks.
    None,
}

/// Whether the engine's memory comes in huge pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum HugePagesConfig {
    /// For a large fleet, from the start after its first large snapshot on.
    Auto,
    /// Always.
    On,
    /// Never.
    Off,
}

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read, or does not hold a configuration: the error names the key.
    pub fn read(path: &Path) -> Result<Self, DaemonError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| DaemonError::File { path: path.to_owned(), source })?;
        toml::from_str(&text).map_err(|error| DaemonError::Config {
            path: path.to_owned(),
            problem: error.to_string(),
        })
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("doorstep-data"),
            http: HttpConfig::default(),
            quic: QuicConfig::default(),
            callbacks: CallbacksConfig::default(),
            node: NodeConfig::default(),
            retention: RetentionConfig::default(),
        }
    }
}

impl Default for HttpConfig {
    fn default() -> Self {
        let listen = SocketAddr::from(([127, 0, 0, 1], 8080));
        let Limits {
            connections_max,
            head_timeout,
            body_timeout,
            write_timeout,
            streams_max,
            requests_max,
        } = Limits::default();
        Self {
            listen,
            public_url: String::new(),
            allow_plain: false,
            tls_certificate: PathBuf::new(),
            tls_key: PathBuf::new(),
            connections_max,
            head_timeout_s: head_timeout.as_secs(),
            body_timeout_s: body_timeout.as_secs(),
            write_timeout_s: write_timeout.as_secs(),
            streams_max,
            requests_max,
        }
    }
}

impl Default for QuicConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 4433)),
            names: Vec::new(),
            connections_max: 200_000,
            tls_sessions_max: 100_000,
            trace_acks: false,
        }
    }
}

impl Default for NodeConfig {
    fn default() -> Self {
        Self {
            shards: 0,
            durability: DurabilityConfig::Sync,
            mailbox_max: 65_536,
            huge_pages: HugePagesConfig::Auto,
            snapshots: SnapshotsConfig::default(),
        }
    }
}

impl Default for SnapshotsConfig {
    fn default() -> Self {
        Self { journal_mib: 256, keep_journal: false }
    }
}

impl Default for RetentionConfig {
    fn default() -> Self {
        let RetentionSettings { hour, feed_days, .. } = RetentionSettings::default();
        Self { hour, feed_days, feed_mb_max: 1 << 20 }
    }
}
