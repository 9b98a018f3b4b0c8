//! The words of the field as types: what a courier, an order, a route, a position and an event
//! are. Knows no engine, no file, no clock and no wire form.

pub mod command;
pub mod courier;
pub mod depot;
pub mod eta;
pub mod event;
pub mod geo;
pub mod ids;
pub mod notification;
pub mod order;
pub mod policy;
pub mod position;
pub mod route;
pub mod time;
