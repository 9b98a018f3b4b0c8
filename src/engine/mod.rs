//! The deterministic engine: stamped inputs in, told outputs out, the same for the same.

pub mod courier_index;
pub mod input;
pub mod output;
pub mod travel_time;

use crate::domain::ids::PartitionId;
use crate::domain::time::Time;
use input::Input;
use output::Outputs;
use travel_time::TravelTime;

/// The state machine of all couriers of one shard.
pub struct Engine {
    #[expect(dead_code, reason = "built next")]
    travel: Box<dyn TravelTime>,
}

impl Engine {
    /// An engine that knows nobody yet.
    #[must_use]
    pub fn new(travel: Box<dyn TravelTime>) -> Self {
        Self { travel }
    }

    /// Steps over one input. The partition's deadlines up to its receive time must have been
    /// stepped before: see [`Self::next_deadline`].
    pub fn handle(&mut self, _input: &Input, _out: &mut Outputs) {}

    /// The earliest deadline of a partition that is due at or before `now`: the caller makes an
    /// [`input::InputBody::Tick`] with that very receive time, and asks again.
    pub fn next_deadline(&mut self, _partition: PartitionId, _now: Time) -> Option<Time> {
        None
    }
}
