//! A client of a running daemon, written from its documented wire forms alone: nothing here is
//! shared with the daemon's own reading and writing of them.

pub mod documents;
pub mod error;
pub mod frame;
pub mod http;
pub mod link;
pub mod outbox;
pub mod reconnect;
pub mod target;
mod trust;
pub mod wire_tally;
