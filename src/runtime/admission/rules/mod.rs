//! The rules of each kind of document: which values it may hold and whom it may name.

pub(super) mod company;
pub(super) mod courier;
pub(super) mod depot;
pub(super) mod order;
pub(super) mod references;
pub(super) mod route;
