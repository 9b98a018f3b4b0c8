//! Doorstep knows when a courier is at the doorstep.

#[cfg(feature = "daemon")]
pub mod cli;
pub mod domain;
pub mod engine;
#[cfg(feature = "daemon")]
pub mod runtime;
pub mod travel;
