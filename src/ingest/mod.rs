//! Positions from the outside: parsed into domain types at once, refused with their place.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "this layer opens the files it is named, keeps the certificate, and owns the sockets"
)]

pub mod error;
pub mod files;
pub mod quic;
