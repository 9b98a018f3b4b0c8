//! How inputs and outputs are written as bytes. Every enum's variants have numbers that never
//! change; a new variant takes a new number, a changed layout a new frame version.

pub mod commands;
pub mod input;
pub mod outputs;
pub(in crate::storage) mod words;
