//! The benchmarks of the canonical workload.

pub mod index_bench;
pub mod index_fleet;
