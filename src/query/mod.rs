//! Pure folds over plans and what was told: what a reader wants to know and nobody stores.

pub mod delivery;
pub mod plan_fact;
