//! What stands between the outside and the engine: partitions and their stamps, local times. Later
//! rooms: shards, admission, committer, clock.

pub mod access;
pub mod documents;
pub mod error;
pub mod local_time;
pub mod partition;
