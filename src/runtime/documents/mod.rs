//! Documents as their users write them: what each field may hold, its default, and what the engine
//! takes of it. Plan files and requests share these rooms.

pub(crate) mod company;
pub(crate) mod depot;
pub(crate) mod doors;
pub(crate) mod dto;
pub(crate) mod findings;
pub(crate) mod limits;
pub(crate) mod order;
pub(crate) mod route;
pub(crate) mod words;
