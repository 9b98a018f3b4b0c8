//! Positions over QUIC: frames, the endpoint and its certificate, and the sessions of devices,
//! gateways and subscribers.

pub mod wire;
