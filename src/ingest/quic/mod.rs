//! Positions over QUIC: frames, the endpoint and its certificate, and the sessions of devices,
//! gateways and subscribers.
//!
//! A connection is one task and each of its streams another. A stream reads a frame only when
//! there is room for what it brings, so that a sender who is too fast is held back by QUIC itself.

pub mod ack_pace;
pub mod certificate;
mod connection;
pub mod endpoint;
pub mod error;
mod frames;
mod in_flight;
mod owner_file;
pub mod reset_key;
mod route_news;
pub mod services;
mod session;
pub mod settings;
mod speech;
mod status;
mod subscriber;
mod tls;
pub mod wire;
