//! Why a command cannot talk to the daemon.

use std::io;

use thiserror::Error;

/// What went wrong between us and the daemon.
#[derive(Debug, Error)]
pub enum ClientError {
    /// No way to know that the daemon is the one that was meant.
    #[error(
        "no way to trust the daemon's certificate: give --fingerprint HEX, --ca FILE or \
         --data-dir D, or an --into URL of this machine whose /v1/info tells the fingerprint"
    )]
    NoTrust,
    /// An argument that cannot be used.
    #[error("{0}")]
    Argument(String),
    /// The HTTP side does not answer as documented.
    #[error("{url}: {problem}")]
    Http {
        /// What was asked.
        url: String,
        /// What came of it.
        problem: String,
    },
    /// There is no QUIC connection.
    #[error("failed to connect to {address} over QUIC: {problem}")]
    Connect {
        /// Where to.
        address: String,
        /// What came of it.
        problem: String,
    },
    /// The daemon said no.
    #[error("the daemon answered {code}: {text}")]
    Refused {
        /// The code of its error frame.
        code: u16,
        /// Its words.
        text: String,
        /// Trying again may help.
        is_transient: bool,
    },
    /// The connection is gone.
    #[error("the connection was lost: {0}")]
    Lost(String),
    /// The daemon said something that is not in its protocol.
    #[error("the daemon sent what is no frame: {0}")]
    Frame(String),
    /// It was tried again and again, and for too long.
    #[error("gave up after {} s without a connection: {last}", .tried.as_secs())]
    GaveUp {
        /// For how long.
        tried: core::time::Duration,
        /// What came of the last try.
        last: String,
    },
    /// This machine's own trouble.
    #[error("failed to start: {0}")]
    System(#[from] io::Error),
}

impl ClientError {
    /// Whether a new connection may do what this one did not.
    #[must_use]
    pub const fn may_pass(&self) -> bool {
        match self {
            Self::Connect { .. } | Self::Lost(_) => true,
            Self::Refused { is_transient, .. } => *is_transient,
            Self::NoTrust
            | Self::Argument(_)
            | Self::Http { .. }
            | Self::Frame(_)
            | Self::GaveUp { .. }
            | Self::System(_) => false,
        }
    }
}
