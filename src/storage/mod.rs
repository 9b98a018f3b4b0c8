//! What is kept: the catalog of documents. Takes its directory as an argument.

pub mod catalog;
