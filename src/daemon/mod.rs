//! The daemon: what was configured, and the parts put together. Knows every layer below and none
//! of their work.

#![expect(
    clippy::disallowed_methods,
    reason = "the daemon reads its configuration and writes its first token"
)]

pub mod assemble;
pub mod config;
pub mod error;
mod first_start;
pub mod settings;
mod statuses;
