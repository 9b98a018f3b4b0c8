//! Where the daemon is and how it is known: the arguments that every client command shares.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use quinn::{
    ClientConfig, Endpoint, EndpointConfig, MtuDiscoveryConfig, TokioRuntime, TransportConfig,
};
use tokio::net::lookup_host;

use super::error::ClientError;
use super::http::Http;
use super::trust::Trust;
use crate::ingest::quic::settings::PACKET_BYTES_MAX;

/// Which daemon
#[derive(Args, Clone, Debug)]
pub struct TargetArgs {
    /// The daemon's HTTP URL; its /v1/info tells QUIC address and fingerprint
    #[arg(long, value_name = "URL", required_unless_present = "quic")]
    into: Option<String>,
    /// The token of who speaks
    #[arg(long, value_name = "TOKEN")]
    pub(crate) token: String,
    /// The daemon's QUIC address, where /v1/info is not to be asked
    #[arg(long, value_name = "HOST:PORT")]
    quic: Option<String>,
    #[command(flatten)]
    trust: TrustArgs,
}

/// Which daemon, where HTTP is enough
#[derive(Args, Clone, Debug)]
pub struct HttpArgs {
    /// The daemon's HTTP URL
    #[arg(long, value_name = "URL")]
    into: String,
    /// The token of who asks
    #[arg(long, value_name = "TOKEN")]
    token: String,
}

impl HttpArgs {
    /// The daemon.
    ///
    /// # Errors
    /// The URL is none.
    pub fn http(&self) -> Result<Http, ClientError> {
        Http::new(&self.into, Some(self.token.clone()))
    }
}

/// What makes a daemon trustworthy
#[derive(Args, Clone, Debug, Default)]
pub struct TrustArgs {
    /// SHA-256 of the daemon's certificate
    #[arg(long, value_name = "HEX")]
    fingerprint: Option<String>,
    /// Certificates that may have signed the daemon's, or its own
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// The daemon's data directory, which holds the fingerprint
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

/// A daemon that can be connected to.
#[derive(Clone, Debug)]
pub struct Target {
    /// Where it listens.
    pub address: SocketAddr,
    /// The name its certificate is checked against, with `--ca`.
    pub name: String,
    /// Its HTTP side, if it was named.
    pub http: Option<Http>,
    config: ClientConfig,
}

impl TargetArgs {
    /// The daemon at an HTTP URL.
    #[must_use]
    pub const fn new(into: String, token: String, trust: TrustArgs) -> Self {
        Self { into: Some(into), token, quic: None, trust }
    }

    /// Finds the daemon and what makes it trustworthy.
    ///
    /// # Errors
    /// It cannot be found, or nothing makes it trustworthy.
    pub async fn resolve(&self) -> Result<Target, ClientError> {
        let http = self.into.as_deref().map(|url| Http::new(url, Some(self.token.clone())));
        let http = http.transpose()?;
        let mut trust = self.trust.trust()?;
        let mut quic = self.quic.clone();
        if let Some(http) = http.as_ref().filter(|_| quic.is_none() || trust.is_none()) {
            let told = http.get("/v1/info").await?;
            let text = |key: &str| Some(told.get("quic")?.get(key)?.as_str()?.to_owned());
            quic = quic.or_else(|| text("address").map(|address| beside(http, &address)));
            // What plain HTTP tells can be trusted only where nobody stands between.
            let is_here = is_loopback(http.authority()).await;
            if let Some(fingerprint) = text("fingerprint").filter(|_| trust.is_none() && is_here) {
                trust = Some(Trust::fingerprint(&fingerprint)?);
            }
        }
        let trust = trust.ok_or(ClientError::NoTrust)?;
        let quic = quic.ok_or_else(|| {
            ClientError::Argument("/v1/info tells no QUIC address: give --quic".to_owned())
        })?;
        let config = ClientConfig::new(Arc::new(trust.config()?));
        let name = host(&quic).to_owned();
        Ok(Target { address: look_up(&quic).await?, name, http, config })
    }
}

impl TrustArgs {
    fn trust(&self) -> Result<Option<Trust>, ClientError> {
        if let Some(fingerprint) = &self.fingerprint {
            return Trust::fingerprint(fingerprint).map(Some);
        }
        if let Some(file) = &self.ca {
            return Trust::authorities(file).map(Some);
        }
        let Some(directory) = &self.data_dir else { return Ok(None) };
        let path = directory.join(FINGERPRINT_FILE);
        let text = std::fs::read_to_string(&path)
            .map_err(|error| ClientError::Argument(format!("{}: {error}", path.display())))?;
        Trust::fingerprint(&text).map(Some)
    }
}

impl Target {
    /// The daemon at an address, known by its fingerprint.
    ///
    /// # Errors
    /// The fingerprint is none.
    pub fn pinned(address: SocketAddr, fingerprint: &str) -> Result<Self, ClientError> {
        let config = ClientConfig::new(Arc::new(Trust::fingerprint(fingerprint)?.config()?));
        Ok(Self { address, name: address.ip().to_string(), http: None, config })
    }

    /// A socket that connects to the daemon, for devices: its packets are as small as every path
    /// takes, and none are spent on finding out what this one takes.
    ///
    /// # Errors
    /// There is no socket.
    pub fn endpoint(&self) -> Result<Endpoint, ClientError> {
        self.endpoint_of(PACKET_BYTES_MIN, None)
    }

    /// The same for those who say or hear much, fleets and subscribers: packets become as large as
    /// the path and the daemon take.
    ///
    /// # Errors
    /// There is no socket.
    pub fn wide_endpoint(&self) -> Result<Endpoint, ClientError> {
        let mut tried = MtuDiscoveryConfig::default();
        tried.upper_bound(PACKET_BYTES_MAX);
        self.endpoint_of(PACKET_BYTES_MAX, Some(tried))
    }

    #[expect(clippy::disallowed_types, reason = "clients have sockets of their own")]
    fn endpoint_of(
        &self,
        packet_bytes_max: u16,
        tried: Option<MtuDiscoveryConfig>,
    ) -> Result<Endpoint, ClientError> {
        let any: SocketAddr = match self.address.ip() {
            IpAddr::V4(_) => ([0, 0, 0, 0], 0).into(),
            IpAddr::V6(_) => ([0_u16; 8], 0).into(),
        };
        let mut config = EndpointConfig::default();
        config.max_udp_payload_size(packet_bytes_max).expect("a packet holds 1,200 bytes");
        let (socket, runtime) = (std::net::UdpSocket::bind(any)?, Arc::new(TokioRuntime));
        let mut endpoint = Endpoint::new(config, None, socket, runtime)?;
        let mut transport = TransportConfig::default();
        transport.keep_alive_interval(Some(KEEP_ALIVE)).mtu_discovery_config(tried);
        let mut client = self.config.clone();
        client.transport_config(Arc::new(transport));
        endpoint.set_default_client_config(client);
        Ok(endpoint)
    }
}

/// An address without a host, or with any, is on the host that told it.
fn beside(http: &Http, address: &str) -> String {
    match address.parse::<SocketAddr>() {
        Ok(parsed) if parsed.ip().is_unspecified() => {
            format!("{}:{}", host(http.authority()), parsed.port())
        }
        _ => address.to_owned(),
    }
}

fn host(authority: &str) -> &str {
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
    host.trim_start_matches('[').trim_end_matches(']')
}

async fn look_up(authority: &str) -> Result<SocketAddr, ClientError> {
    let refused = |problem: String| ClientError::Argument(format!("{authority}: {problem}"));
    let mut found = lookup_host(authority).await.map_err(|error| refused(error.to_string()))?;
    found.next().ok_or_else(|| refused("no such host".to_owned()))
}

async fn is_loopback(authority: &str) -> bool {
    look_up(authority).await.is_ok_and(|address| address.ip().is_loopback())
}

const FINGERPRINT_FILE: &str = "quic-fingerprint.txt";
/// What QUIC demands of every path.
const PACKET_BYTES_MIN: u16 = 1_200;
const KEEP_ALIVE: core::time::Duration = core::time::Duration::from_secs(15);
