//! What one client may take of the HTTP surface.

use std::time::Duration;

/// The limits of connections and tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most connections at once; more are closed at once.
    pub connections_max: usize,
    /// Longest wait for the head of a request, and how long an idle connection is kept.
    pub head_timeout: Duration,
    /// Longest time that a request's body may take to arrive.
    pub body_timeout: Duration,
    /// Longest time that a client may read nothing while an answer waits for it.
    pub write_timeout: Duration,
    /// Most streams of events that one token has open.
    pub streams_max: usize,
    /// Most requests of one token within [`WINDOW_S`] seconds; 0: any number.
    pub requests_max: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 4_096,
            head_timeout: Duration::from_secs(30),
            body_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(30),
            streams_max: 100,
            requests_max: 10_000,
        }
    }
}

/// Seconds over which requests are counted.
pub const WINDOW_S: u64 = 10;
