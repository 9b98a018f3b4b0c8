//! The frames of ALPN `doorstep/1`: a QUIC variable-length integer with the body's length, then the
//! body, one MessagePack array `[kind, ...]`. Bytes become domain types here and nowhere else; what
//! a frame means to a session is not known here.

pub mod client_frame;
pub mod error;
pub mod fix;
pub mod length;
pub mod reader;
pub mod server_frame;

/// Body bytes of one frame, at most.
pub const FRAME_BODY_MAX: usize = 65_536;
/// Fixes of one frame, at most: what the welcome says as `batch_max`.
pub const BATCH_MAX: usize = 1_000;
/// Values that one filter of a subscription may list, at most.
pub const FILTER_VALUES_MAX: usize = 1_000;
/// Bytes of a text in a frame (token, device, comment, cursor, type), at most.
pub const TEXT_BYTES_MAX: usize = 4_096;

/// The first element of a body.
pub mod kind {
    /// Client: token and options, first on each stream.
    pub const HELLO: u64 = 0;
    /// Server: answer to the hello.
    pub const WELCOME: u64 = 1;
    /// Device: a run of its fixes.
    pub const POSITIONS: u64 = 2;
    /// Server: durable up to and including.
    pub const ACK: u64 = 3;
    /// Server: fixes that were refused.
    pub const REFUSED: u64 = 4;
    /// Device: the courier's app sets an order's status.
    pub const STATUS: u64 = 5;
    /// Gateway: a run of many couriers' fixes.
    pub const GATEWAY_POSITIONS: u64 = 6;
    /// Server: answer to a status.
    pub const REPLY: u64 = 7;
    /// Server: what a device has ahead.
    pub const ROUTE: u64 = 8;
    /// Server: what was wrong.
    pub const ERROR: u64 = 9;
    /// Subscriber: what it wants to hear, and from where.
    pub const SUBSCRIBE: u64 = 16;
    /// Server: a batch of events.
    pub const EVENTS: u64 = 17;
    /// Server: events that are gone.
    pub const GAP: u64 = 18;
}
