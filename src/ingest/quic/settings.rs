//! What may be set about the endpoint, and the limits of what one peer may cost.

use core::time::Duration;

/// The endpoint's settings.
#[derive(Clone, Debug, PartialEq)]
pub struct QuicSettings {
    /// Connections at once; more are refused.
    pub connections_max: usize,
    /// TLS sessions kept for 0-RTT.
    pub tls_sessions_max: usize,
    /// Frames of one stream on their way to the journal; the stream is not read on meanwhile.
    pub in_flight_frames_max: usize,
    /// Positions of one stream on their way, but for the last frame: no stream fills a mailbox.
    pub in_flight_fixes_max: usize,
    /// A connection without a hello is closed, and so is a stream.
    pub hello_within: Duration,
    /// Silence after which a connection is given up.
    pub idle_timeout: Duration,
    /// Least time between two looks at the routes of a device that speaks; one that is silent is
    /// looked at [`ROUTE_IDLE_LOOKS`] times as seldom.
    pub routes_every: Duration,
    /// Writes a line on stderr just before an ack frame is handed to QUIC.
    pub trace_acks: bool,
}

impl Default for QuicSettings {
    fn default() -> Self {
        Self {
            connections_max: 200_000,
            tls_sessions_max: 100_000,
            in_flight_frames_max: 256,
            in_flight_fixes_max: 8_192,
            hello_within: Duration::from_secs(5),
            idle_timeout: Duration::from_secs(60),
            routes_every: Duration::from_secs(10),
            trace_acks: false,
        }
    }
}

/// Streams of one connection at once.
pub(super) const STREAMS_MAX: u32 = 4;
/// Bytes of one stream that the peer may send ahead of our reading.
pub(super) const STREAM_WINDOW_MAX: u32 = 64 * 1_024;
/// Bytes of one connection that wait to be sent or to be acknowledged by the peer.
pub(super) const SEND_WINDOW_MAX: u64 = 128 * 1_024;
/// Bytes of datagrams of one connection that wait for us.
pub(super) const DATAGRAM_BYTES_MAX: usize = 16 * 1_024;
/// Bytes of a packet at most, where the path and the peer take that. A fleet's frames and pages of
/// events cost as much as their packets. Ten of them are handed to the system at once, which takes
/// no more than 65,507 bytes, the most of a UDP datagram.
pub const PACKET_BYTES_MAX: u16 = 6_500;
/// As [`SEND_WINDOW_MAX`], for peers to whom packets may be large: with twenty of them on their way a
/// subscriber would wait for acks instead of events.
pub(super) const NEAR_SEND_WINDOW_MAX: u64 = 320 * 1_024;
/// Time until the sizes that a path takes are tried again: it seldom comes to take larger ones.
pub(super) const PATH_TRIED_EVERY: Duration = Duration::from_secs(24 * 60 * 60);
/// Time between two stateless resets, so that garbage cannot keep the socket busy and 100,000 peers
/// of a daemon that was killed still hear of it within a round of their keep-alives.
pub(super) const RESET_EVERY: Duration = Duration::from_micros(100);
/// Handshakes at once: more wait in the endpoint's own bounded queue.
pub(super) const HANDSHAKES_MAX: usize = 512;
/// Hellos of one connection that may be refused before it is closed.
pub(super) const HELLOS_REFUSED_MAX: u32 = 3;
/// Orders of a route frame: the next ones.
pub(super) const ROUTE_ORDERS_MAX: usize = 5;
/// Times between two looks at the routes of a silent device, by [`QuicSettings::routes_every`].
pub const ROUTE_IDLE_LOOKS: u32 = 6;
/// Frames that may become durable before an ack is due.
pub(super) const ACK_FRAMES_MAX: u32 = 64;
/// Time that may pass before an ack is due.
pub(super) const ACK_WITHIN: Duration = Duration::from_millis(250);
/// How long a peer has to take a last error frame before its stream is reset.
pub(super) const ERROR_LINGER_MAX: Duration = Duration::from_millis(500);
