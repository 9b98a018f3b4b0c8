//! Why the daemon does not start, or ended.

use std::net::SocketAddr;
use std::path::PathBuf;

use thiserror::Error;

use crate::ingest::quic::error::QuicError;
use crate::runtime::admission::Refusal;
use crate::runtime::error::{AdmissionError, RuntimeError};
use crate::storage::catalog::error::CatalogError;

/// What went wrong.
#[derive(Debug, Error)]
pub enum DaemonError {
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The data directory cannot be written.
    #[error(
        "{}: the data directory cannot be written: {source}: it must belong to the user that runs \
         doorstep",
        path.display()
    )]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Another process has the data directory.
    #[error(
        "{}: another daemon is running on this data directory: stop it, or name another with \
         --data-dir",
        path.display()
    )]
    InUse {
        /// The directory.
        path: PathBuf,
    },
    /// The configuration cannot be read.
    #[error("{}: {problem}", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// Which key, and what is expected.
        problem: String,
    },
    /// HTTP is not encrypted, so it stays on this machine.
    #[error(
        "http.listen: {0} is not a loopback address, and HTTP is not encrypted: set \
         http.tls_certificate and http.tls_key, or put a TLS proxy in front and set \
         http.allow_plain = true"
    )]
    PlainHttp(SocketAddr),
    /// A value of the configuration is not allowed.
    #[error("{key}: {problem}")]
    Setting {
        /// The key.
        key: &'static str,
        /// What is expected.
        problem: &'static str,
    },
    /// The certificate of HTTP cannot be used.
    #[error("failed to use the certificate of HTTP: {}: {problem}", path.display())]
    Tls {
        /// The file.
        path: PathBuf,
        /// Why.
        problem: String,
    },
    /// The certificates that callbacks trust cannot be used.
    #[error("failed to use callbacks.ca_file: {}: {problem}", path.display())]
    CallbackTls {
        /// The file.
        path: PathBuf,
        /// Why.
        problem: String,
    },
    /// An address cannot be had.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The node does not start, or has failed.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// Admission does not start.
    #[error(transparent)]
    Admission(#[from] AdmissionError),
    /// The first company cannot be made.
    #[error("failed to make the first company: {0}")]
    FirstStart(Refusal),
    /// The catalog cannot be used.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// QUIC does not start.
    #[error(transparent)]
    Quic(#[from] QuicError),
    /// The operating system refuses.
    #[error("failed to start: {0}")]
    System(std::io::Error),
}
