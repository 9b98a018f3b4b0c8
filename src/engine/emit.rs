//! Gives every output its identity: partition, sequence and ordinal of the input that made it.

use super::input::Input;
use super::output::{DropReason, Output, OutputBody, Outputs};
use crate::domain::event::{EventKind, OrderEvent};
use crate::domain::ids::{CourierId, EventId, OrderId, PartitionId, RouteId};
use crate::domain::notification::Notification;
use crate::domain::time::Time;

/// The outputs of one input, on their way into the caller's buffer.
pub struct Emit<'a> {
    out: &'a mut Outputs,
    partition: PartitionId,
    sequence: u64,
    ordinal: u32,
    recorded_at: Time,
    /// The courier the outputs are about.
    pub courier: CourierId,
    /// The position that is being stepped is not fresh.
    pub backfilled: bool,
}

impl<'a> Emit<'a> {
    /// The outputs of `input`; the courier is set as soon as it is known.
    pub fn new(input: &Input, out: &'a mut Outputs) -> Self {
        Self {
            out,
            partition: input.partition,
            sequence: input.sequence,
            ordinal: 0,
            recorded_at: input.received_at,
            courier: CourierId(0),
            backfilled: false,
        }
    }

    /// Receive time of the input.
    pub fn received_at(&self) -> Time {
        self.recorded_at
    }

    /// Tells an entry of an order's history.
    pub fn event(&mut self, route: RouteId, order: OrderId, t: Time, kind: EventKind) {
        self.tell(OutputBody::Event(OrderEvent { order, route, t, kind }));
    }

    /// Tells a message for a customer.
    pub fn notification(&mut self, notification: Notification) {
        self.tell(OutputBody::Notification(notification));
    }

    /// Tells that a position was not evaluated.
    pub fn dropped(&mut self, route: Option<RouteId>, t: Time, reason: DropReason) {
        self.tell(OutputBody::Dropped { route, t, reason });
    }

    /// Tells anything.
    pub fn tell(&mut self, body: OutputBody) {
        let id =
            EventId { partition: self.partition, sequence: self.sequence, ordinal: self.ordinal };
        self.ordinal += 1;
        self.out.push(Output {
            id,
            courier: self.courier,
            recorded_at: self.recorded_at,
            backfilled: self.backfilled,
            body,
        });
    }

    /// The buffer, for runs of changed ETAs.
    pub fn buffer(&mut self) -> &mut Outputs {
        self.out
    }
}
