//! TLS and transport as the endpoint offers them: lean, because an idle courier should cost little.

use core::net::IpAddr;
use core::time::Duration;
use std::sync::Arc;

use quinn::crypto::rustls::QuicServerConfig;
use quinn::{
    ConnectionId, ConnectionIdGenerator, EndpointConfig, IdleTimeout, MtuDiscoveryConfig,
    ServerConfig, TransportConfig, VarInt,
};
use rustls::crypto::ring;
use rustls::server::ServerSessionMemoryCache;

use super::certificate::Certificate;
use super::error::QuicError;
use super::reset_key::ResetKey;
use super::settings::{
    DATAGRAM_BYTES_MAX, NEAR_SEND_WINDOW_MAX, PACKET_BYTES_MAX, PATH_TRIED_EVERY, QuicSettings,
    RESET_EVERY, SEND_WINDOW_MAX, STREAM_WINDOW_MAX, STREAMS_MAX,
};

/// The protocol's name in TLS.
pub const ALPN: &[u8] = b"doorstep/1";

/// The endpoint's side of every connection.
pub fn server_config(
    certificate: Certificate,
    settings: &QuicSettings,
) -> Result<ServerConfig, QuicError> {
    let refused = |problem: String| QuicError::Tls(problem);
    let mut provider = ring::default_provider();
    provider.cipher_suites = vec![
        ring::cipher_suite::TLS13_AES_128_GCM_SHA256,
        ring::cipher_suite::TLS13_AES_256_GCM_SHA384,
        ring::cipher_suite::TLS13_CHACHA20_POLY1305_SHA256,
    ];
    let (chain, key) = certificate.into_parts();
    let mut tls = rustls::ServerConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|error| refused(error.to_string()))?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| refused(error.to_string()))?;
    // Ours is the cheapest first; most clients' is not.
    tls.ignore_client_order = true;
    tls.alpn_protocols = vec![ALPN.to_vec()];
    // QUIC bounds early data by its own windows; TLS must say all or nothing.
    tls.max_early_data_size = u32::MAX;
    // A courier has one connection, and comes back with one ticket.
    tls.send_tls13_tickets = 1;
    tls.session_storage = ServerSessionMemoryCache::new(settings.tls_sessions_max);
    let tls = QuicServerConfig::try_from(tls).map_err(|error| refused(error.to_string()))?;
    let mut server = ServerConfig::with_crypto(Arc::new(tls));
    server.transport_config(Arc::new(transport(settings)?));
    server.migration(true);
    Ok(server)
}

/// The same for peers in the networks of the operator, where packets may be larger than those that
/// every path takes: gateways and subscribers stand there.
pub fn near_config(
    server: &ServerConfig,
    settings: &QuicSettings,
) -> Result<ServerConfig, QuicError> {
    let (mut near, mut transport) = (server.clone(), transport(settings)?);
    let mut tried = MtuDiscoveryConfig::default();
    tried.upper_bound(PACKET_BYTES_MAX).interval(PATH_TRIED_EVERY);
    transport.mtu_discovery_config(Some(tried)).send_window(NEAR_SEND_WINDOW_MAX);
    near.transport_config(Arc::new(transport));
    Ok(near)
}

/// Whether an address is of this host or of a private network.
pub fn is_near(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            address.is_loopback() || address.is_private() || address.is_link_local()
        }
        IpAddr::V6(address) => {
            address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
        }
    }
}

/// What belongs to the socket.
pub fn endpoint_config(reset_key: ResetKey) -> Result<EndpointConfig, QuicError> {
    let mut config = EndpointConfig::new(Arc::new(reset_key));
    let too_small = |_| QuicError::Tls("packets must hold 1,200 bytes".to_owned());
    config.max_udp_payload_size(PACKET_BYTES_MAX).map_err(too_small)?;
    config.min_reset_interval(RESET_EVERY);
    config.cid_generator(|| Box::new(RandomIds));
    Ok(config)
}

/// Connection ids of nothing but chance. Marked as this start's own, those of an earlier start
/// would be passed over instead of getting their reset; and an id that returns would get the reset
/// of the connection that had it before.
struct RandomIds;

impl ConnectionIdGenerator for RandomIds {
    fn generate_cid(&mut self) -> ConnectionId {
        let mut id = [0; ID_BYTES];
        getrandom::fill(&mut id).expect("the system had randomness for the first handshake");
        ConnectionId::new(&id)
    }

    fn cid_len(&self) -> usize {
        ID_BYTES
    }

    fn cid_lifetime(&self) -> Option<Duration> {
        None
    }
}

fn transport(settings: &QuicSettings) -> Result<TransportConfig, QuicError> {
    let idle = IdleTimeout::try_from(settings.idle_timeout)
        .map_err(|_| QuicError::Tls("the idle timeout is too long".to_owned()))?;
    let mut transport = TransportConfig::default();
    transport
        .max_idle_timeout(Some(idle))
        .max_concurrent_bidi_streams(VarInt::from_u32(STREAMS_MAX))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .stream_receive_window(VarInt::from_u32(STREAM_WINDOW_MAX))
        .receive_window(VarInt::from_u32(STREAM_WINDOW_MAX * STREAMS_MAX))
        .send_window(SEND_WINDOW_MAX)
        .datagram_receive_buffer_size(Some(DATAGRAM_BYTES_MAX))
        .mtu_discovery_config(None);
    Ok(transport)
}

const ID_BYTES: usize = 8;

#[cfg(test)]
mod tests {
    use super::is_near;

    #[test]
    fn hosts_of_the_operator_are_near_and_those_of_the_internet_are_not() {
        let near = ["127.0.0.1", "::1", "::ffff:10.1.2.3", "192.168.0.9", "172.31.0.1", "fd12::7"];
        let far = ["203.0.113.9", "100.64.0.1", "2001:db8::1", "::ffff:8.8.8.8", "172.32.0.1"];
        assert!(near.iter().all(|address| is_near(address.parse().unwrap())));
        assert!(!far.iter().any(|address| is_near(address.parse().unwrap())));
    }
}
