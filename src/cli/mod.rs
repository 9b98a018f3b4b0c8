//! The commands: what can be asked of the binary, and how a run ends.

pub mod error;
pub mod plan;
