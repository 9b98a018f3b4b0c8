//! Bytes on disk: the journal of inputs, the feed log of outputs, and what may be trusted of them
//! after a crash; the tracks of positions; and the catalog of documents. Knows files and codecs;
//! knows no clock, no thread and no wire form.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "this layer owns the files of the data directory"
)]

pub mod audit_log;
pub mod backup;
pub mod bytes;
pub mod catalog;
pub mod codec;
pub mod disk;
pub mod engine_note;
pub mod error;
pub mod feed_event;
pub mod feed_log;
pub mod frame;
pub mod journal;
pub mod journal_reader;
pub mod ledger;
pub mod manifest;
pub mod panic_notes;
pub mod replay;
pub mod segment;
pub mod sim_disk;
pub mod snapshot;
pub mod spare;
pub mod tracks;
