//! The benchmarks of the canonical workload, and the plain second program that judges the engine.

pub mod compare;
pub mod engine_bench;
pub mod index_bench;
pub mod index_fleet;
mod measure;
pub mod oracle;
pub mod workload;
