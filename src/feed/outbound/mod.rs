//! One HTTP request to an address that a customer chose: where it may go, how long it may take, and
//! what came of it. Follows no redirects, reads no bodies, keeps no connections, and goes through no
//! proxy. Knows nothing of what it sends.

mod address;
mod reach;

use std::fmt::Display;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST, HeaderName, HeaderValue, RETRY_AFTER, USER_AGENT};
use hyper::{HeaderMap, Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

pub use self::address::{ADDRESS_CHARS_MAX, Address, AddressError};
pub use self::reach::{Network, NetworkError, Reach};

/// Sends requests.
#[derive(Clone)]
pub struct Outbound {
    reach: Reach,
    tls: Arc<ClientConfig>,
    timeout: Duration,
}

/// What is sent.
#[derive(Clone, Debug)]
pub struct Post {
    /// Headers beside `Content-Type: application/json`.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The bytes of the body.
    pub body: String,
}

/// The head of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answered {
    /// Its status.
    pub status: u16,
    /// Seconds after which it may be tried again, where the answer says so.
    pub retry_after_s: Option<u64>,
}

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum OutboundError {
    /// The host has no address.
    #[error("failed to find the host: {0}")]
    Unknown(#[source] io::Error),
    /// The host's addresses are none that may be reached.
    #[error(
        "the address is none that may be reached: expected https and a public address, or one of \
         callbacks.allow_networks"
    )]
    Forbidden,
    /// No connection.
    #[error("failed to connect: {0}")]
    Connect(#[source] io::Error),
    /// The connection broke, or what came is not HTTP.
    #[error("failed to get an answer: {0}")]
    Broken(#[source] hyper::Error),
    /// It took too long.
    #[error("there was no answer in time")]
    Late,
    /// The request cannot be written.
    #[error("failed to write the request")]
    Unwritable,
}

impl Outbound {
    /// A sender that reaches what it may and trusts what the TLS configuration trusts.
    #[must_use]
    pub const fn new(reach: Reach, tls: Arc<ClientConfig>, timeout: Duration) -> Self {
        Self { reach, tls, timeout }
    }

    /// Whether the host of an address that is an IP address may be reached, and without TLS: what
    /// can be told without asking for names.
    ///
    /// # Errors
    /// It may not.
    pub fn check(&self, to: &Address) -> Result<(), OutboundError> {
        if !to.is_encrypted() && self.reach.allowed.is_empty() {
            return Err(OutboundError::Forbidden);
        }
        match to.ip() {
            Some(ip) if !self.reach.allows(ip, to.is_encrypted()) => Err(OutboundError::Forbidden),
            Some(_) | None => Ok(()),
        }
    }

    /// Posts, and reads the head of the answer.
    ///
    /// # Errors
    /// There is no answer, or the address may not be reached.
    pub async fn post(&self, to: &Address, post: &Post) -> Result<Answered, OutboundError> {
        timeout(self.timeout, self.exchange(to, post)).await.map_err(|_| OutboundError::Late)?
    }

    async fn exchange(&self, to: &Address, post: &Post) -> Result<Answered, OutboundError> {
        let stream = self.connect(to).await?;
        if !to.is_encrypted() {
            return answered(stream, request(to, post)?).await;
        }
        let name = ServerName::try_from(to.host().to_owned());
        let name = name.map_err(|error| OutboundError::Connect(other(&error)))?;
        let connector = TlsConnector::from(Arc::clone(&self.tls));
        let stream = connector.connect(name, stream).await.map_err(OutboundError::Connect)?;
        answered(stream, request(to, post)?).await
    }

    /// Connects to the very address that was checked: a name that says something else the next time
    /// gains nothing.
    async fn connect(&self, to: &Address) -> Result<TcpStream, OutboundError> {
        let found: Vec<SocketAddr> = match to.ip() {
            Some(ip) => vec![SocketAddr::new(ip, to.port())],
            None => {
                let found = lookup_host((to.host(), to.port())).await;
                found.map_err(OutboundError::Unknown)?.collect()
            }
        };
        let mut last = OutboundError::Forbidden;
        let allowed = found.iter().filter(|at| self.reach.allows(at.ip(), to.is_encrypted()));
        for address in allowed.take(ADDRESSES_MAX) {
            match TcpStream::connect(address).await {
                Ok(stream) => return Ok(stream),
                Err(error) => last = OutboundError::Connect(error),
            }
        }
        Err(last)
    }
}

fn request(to: &Address, post: &Post) -> Result<Request<Body>, OutboundError> {
    let mut request = Request::builder()
        .method(Method::POST)
        .uri(to.path())
        .header(HOST, to.authority())
        .header(USER_AGENT, AGENT)
        .header(CONTENT_TYPE, "application/json");
    for (name, value) in &post.headers {
        request = request.header(name, value);
    }
    request.body(Body::from(post.body.clone())).map_err(|_| OutboundError::Unwritable)
}

async fn answered(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send,
    request: Request<Body>,
) -> Result<Answered, OutboundError> {
    let shaken =
        http1::Builder::new().max_buf_size(HEAD_BYTES_MAX).handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = shaken.map_err(OutboundError::Broken)?;
    let answer = async {
        let answer = sender.send_request(request).await.map_err(OutboundError::Broken)?;
        Ok(head(answer.status(), answer.headers()))
    };
    let mut answer = std::pin::pin!(answer);
    tokio::select! {
        biased;
        answer = answer.as_mut() => answer,
        // The answer may have come with the end of the connection, which says less than it does.
        _ = connection => answer.await,
    }
}

fn head(status: StatusCode, headers: &HeaderMap) -> Answered {
    let seconds = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    Answered { status: status.as_u16(), retry_after_s: seconds }
}

fn other(error: &dyn Display) -> io::Error {
    io::Error::other(error.to_string())
}

/// What servers are told of us.
const AGENT: &str = concat!("doorstep/", env!("CARGO_PKG_VERSION"));
/// Most addresses of a host that are tried.
const ADDRESSES_MAX: usize = 4;
/// Longest head of an answer.
const HEAD_BYTES_MAX: usize = 16 << 10;
