//! The UDP socket and its connections: who is let in, how many at once, and how it ends.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;

use quinn::{Endpoint, Incoming, ServerConfig, TokioRuntime};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::certificate::Certificate;
use super::connection::serve_connection;
use super::error::QuicError;
use super::reset_key::ResetKey;
use super::services::QuicServices;
use super::settings::{HANDSHAKES_MAX, QuicSettings};
use super::tls::{endpoint_config, is_near, near_config, server_config};

/// A listening endpoint. [`Self::serve`] does the work; [`Self::close`] ends it.
#[derive(Clone, Debug)]
pub struct QuicEndpoint {
    endpoint: Endpoint,
    near: Arc<ServerConfig>,
    settings: Arc<QuicSettings>,
    fingerprint: String,
}

impl QuicEndpoint {
    /// Takes the socket. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// The address cannot be had, or TLS refuses the certificate.
    pub fn bind(
        address: SocketAddr,
        certificate: Certificate,
        reset_key: ResetKey,
        settings: QuicSettings,
    ) -> Result<Self, QuicError> {
        let fingerprint = certificate.fingerprint();
        let server = server_config(certificate, &settings)?;
        let near = Arc::new(near_config(&server, &settings)?);
        let socket = UdpSocket::bind(address).map_err(QuicError::Listen)?;
        let (config, runtime) = (endpoint_config(reset_key)?, Arc::new(TokioRuntime));
        let endpoint = Endpoint::new(config, Some(server), socket, runtime);
        let endpoint = endpoint.map_err(QuicError::Listen)?;
        Ok(Self { endpoint, near, settings: Arc::new(settings), fingerprint })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// The socket is gone.
    pub fn local_address(&self) -> Result<SocketAddr, QuicError> {
        self.endpoint.local_addr().map_err(QuicError::Listen)
    }

    /// SHA-256 of the certificate's DER, in lower-case hexadecimal.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// How many connections are open, handshakes included.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.endpoint.open_connections()
    }

    /// Serves connections until [`Self::close`].
    pub async fn serve(&self, services: QuicServices) {
        let services = Arc::new(services);
        let handshakes = Arc::new(Semaphore::new(HANDSHAKES_MAX));
        let mut connections = JoinSet::new();
        while let Some(incoming) = self.endpoint.accept().await {
            while connections.try_join_next().is_some() {}
            // Who is in already comes first: more senders would only lengthen the queues.
            let is_full = self.endpoint.open_connections() >= self.settings.connections_max;
            if is_full || services.intake.refuses_session() {
                incoming.refuse();
                continue;
            }
            // Forged addresses shall not take the places of real couriers.
            let is_busy = handshakes.available_permits() < HANDSHAKES_MAX / 2;
            if is_busy && !incoming.remote_address_validated() {
                // It was not validated, so a retry is still possible.
                let _ = incoming.retry();
                continue;
            }
            // A storm of reconnecting couriers waits in the endpoint's own queue.
            let Ok(permit) = Arc::clone(&handshakes).acquire_owned().await else { return };
            let (services, settings) = (Arc::clone(&services), Arc::clone(&self.settings));
            // What only the beginning needs shall not lie in the task for the connection's life.
            let near = is_near(incoming.remote_address().ip()).then(|| Arc::clone(&self.near));
            connections.spawn(admit(Box::new(incoming), near, services, settings, permit));
        }
        connections.shutdown().await;
    }

    /// Ends every connection, says why to the peers, and waits until they have been told.
    pub async fn close(&self) {
        self.endpoint.close(CLOSE_STOPPING.into(), b"the daemon is stopping");
        self.endpoint.wait_idle().await;
    }
}

async fn admit(
    incoming: Box<Incoming>,
    near: Option<Arc<ServerConfig>>,
    services: Arc<QuicServices>,
    settings: Arc<QuicSettings>,
    permit: tokio::sync::OwnedSemaphorePermit,
) {
    let connecting = match near {
        Some(near) => incoming.accept_with(near),
        None => incoming.accept(),
    };
    let Ok(connecting) = connecting else { return };
    // The server may always speak before the handshake is done; what came in 0-RTT is told apart
    // stream by stream.
    let Ok((connection, handshake)) = connecting.into_0rtt() else { return };
    serve_connection(connection, handshake, permit, &services, &settings).await;
}

/// Application code of a connection that ends because the daemon does.
const CLOSE_STOPPING: u16 = 503;
