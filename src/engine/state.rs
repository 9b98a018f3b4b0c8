//! The engine's state as bytes: one partition at a time, written between two inputs and read back
//! by a later process, with any number of shards. Knows no file: who keeps the bytes checks them.
//!
//! Every kept struct names all its fields in one place, mostly beside its definition, by `kept!`: a
//! field that is added without a word about it does not compile. Slots are not kept; neither are the grid
//! of couriers, the queue of deadlines and the tables by id, which are made again.
//!
//! A layout has a number. A field that comes later is read only from a layout that has it:
//! `since 2 { field = value before }`. What layout 1 wrote is read for ever.

mod field;
mod order;
mod partition;
mod route;
mod word;

pub(crate) use field::kept;
pub use field::{Kept, NotState, StateReader, StateWriter, Taken};

/// The layout that is written. What reads it knows every one from 1 on.
pub const LAYOUT: u16 = 1;
