//! The daemon: what was configured, and the parts put together. Knows every layer below and none
//! of their work.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the daemon reads its configuration and writes its first token"
)]

pub mod assemble;
pub mod config;
pub mod config_check;
pub mod core;
pub mod error;
mod first_start;
pub mod http_tls;
pub mod huge_pages;
mod open_files;
pub mod outbound;
mod quic_threads;
pub mod settings;
mod statuses;
