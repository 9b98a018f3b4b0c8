//! What stands between the outside and the engine: partitions and their stamps. Later rooms:
//! shards, admission, committer, clock.

pub mod partition;
