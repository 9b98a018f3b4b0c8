//! Doorstep knows when a courier is at the doorstep.

pub mod domain;
pub mod engine;
#[cfg(feature = "daemon")]
pub mod ingest;
#[cfg(feature = "daemon")]
pub mod runtime;
pub mod travel;
