//! What stands between the outside and the engine: the clock, partitions and their stamps, shards
//! that step, the committer that makes durable, and the handles to all of it: [`intake::Intake`],
//! [`commands::Commands`], [`feed_reader::Feed`], [`views::Views`] of a [`node::Node`]. Local times
//! too.

#![expect(clippy::disallowed_methods, reason = "this layer owns the clock and the threads")]

pub mod access;
mod acks;
pub mod admission;
mod bell;
pub mod clock;
pub mod commands;
mod committer;
pub mod counters;
mod directory;
pub mod documents;
pub mod erasure;
pub mod error;
pub mod fault;
pub mod feed_reader;
mod feed_writer;
pub mod intake;
pub mod labels;
mod loading;
pub mod local_time;
mod mailbox;
mod message;
pub mod node;
pub mod notifications;
mod old_feed;
mod order_chain;
mod outbox;
pub mod overload;

pub mod partition;
mod picture;
pub mod progress;
pub mod readers;
mod recovery;
pub mod retainers;
pub mod retention;
mod room;
pub mod rounds;
mod seen;
mod shard;
mod snapshot_writer;
pub mod stepped;
pub mod tracks;
pub mod views;
