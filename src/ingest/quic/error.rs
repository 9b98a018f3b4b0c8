//! Why the endpoint cannot serve.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// What keeps the endpoint from starting.
#[derive(Debug, Error)]
pub enum QuicError {
    /// The socket cannot be had.
    #[error("failed to listen: {0}")]
    Listen(#[source] io::Error),
    /// A file of the certificate or the reset key cannot be read or written.
    #[error("{path}: failed to keep what identifies the endpoint: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file holds no certificate with its key.
    #[error("{path}: no certificate with its key: {problem}")]
    Pem {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// A certificate cannot be made for these names.
    #[error("failed to make a certificate: {0}")]
    Make(#[from] rcgen::Error),
    /// The system gives no random bytes.
    #[error("failed to draw the key of stateless resets: the system has no randomness")]
    Randomness,
    /// The TLS library refuses the certificate or the settings.
    #[error("failed to set up TLS: {0}")]
    Tls(String),
}
