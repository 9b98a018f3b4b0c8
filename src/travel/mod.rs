//! Travel times: models that answer [`crate::engine::travel_time::TravelTime`]. See arrays, never
//! files.

pub mod straight_line;
