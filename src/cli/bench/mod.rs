//! `doorstep bench`: the canonical workload, and the plain second program that judges the engine.

pub mod compare;
pub mod oracle;
