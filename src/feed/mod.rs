//! Readers of the feed on their way out: how an event is written for others, and the subscription
//! that follows the feed with a cursor. A reader's lag costs nobody anything.

pub mod cloud_event;
pub mod cursor;
pub mod error;
pub mod filter;
pub mod names;
pub mod outbound;
pub mod packed;
pub mod press;
pub mod subscription;
