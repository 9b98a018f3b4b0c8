//! The settings that are valid: what the parts are made from.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::config::{Config, DurabilityConfig};
use super::error::DaemonError;
use crate::domain::time::Time;
use crate::ingest::quic::settings::QuicSettings;
use crate::runtime::clock::Clock;
use crate::runtime::node::{Durability, NodeSettings};

/// Everything the daemon needs to know.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where everything is kept.
    pub data_dir: PathBuf,
    /// Where HTTP listens; port 0 takes a free one.
    pub http: SocketAddr,
    /// Where the outside finds HTTP; empty: where it listens.
    pub public_url: String,
    /// Where QUIC listens; port 0 takes a free one.
    pub quic: SocketAddr,
    /// Names in the self-signed certificate beside localhost.
    pub names: Vec<String>,
    /// The QUIC endpoint.
    pub quic_settings: QuicSettings,
    /// The node.
    pub node: NodeSettings,
    /// The clock.
    pub clock: Clock,
    /// How much faster than real time it runs.
    pub time_scale: f64,
}

impl Settings {
    /// Settings from what was written.
    ///
    /// # Errors
    /// HTTP would be open to others without TLS.
    pub fn new(config: Config) -> Result<Self, DaemonError> {
        if !config.http.listen.ip().is_loopback() && !config.http.allow_plain {
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
            quic: config.quic.listen,
            names: config.quic.names,
            quic_settings: QuicSettings {
                connections_max: config.quic.connections_max,
                tls_sessions_max: config.quic.tls_sessions_max,
                trace_acks: config.quic.trace_acks,
                ..QuicSettings::default()
            },
            node: NodeSettings {
                shards,
                durability,
                mailbox_max: config.node.mailbox_max,
                ..NodeSettings::default()
            },
            clock: Clock::real(),
            time_scale: 1.0,
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
