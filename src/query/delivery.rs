//! The status of a delivery, folded from what was told of its order and what was set by hand.
//!
//! | what happens | the status becomes |
//! |---|---|
//! | START | dropoff_enroute |
//! | the order is next and nearby was raised | dropoff_approaching |
//! | ARRIVAL | dropoff_waiting |
//! | DEPARTURE without a visit | dropoff_enroute, if it was dropoff_waiting |
//! | finished, partially finished | delivered |
//! | cancelled | cancelled |
//! | any other status of the order | what it was, if it was delivered or cancelled |
//! | set by hand | that |
//!
//! But for the departure, the engine's steps only go forward. The pickup statuses are not told in
//! any event: [`Progress::reached`] adds them from the present.

use crate::domain::order::OrderStatus;
use crate::domain::time::Time;

/// Status of a delivery, in the order in which they follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeliveryStatus {
    /// Not started.
    Pending,
    /// En route to pickup.
    PickupEnroute,
    /// Nearing pickup.
    PickupApproaching,
    /// At pickup.
    PickupWaiting,
    /// En route to dropoff.
    DropoffEnroute,
    /// Nearing dropoff.
    DropoffApproaching,
    /// At dropoff.
    DropoffWaiting,
    /// Completed.
    Delivered,
    /// Cancelled.
    Cancelled,
}

impl DeliveryStatus {
    /// Every status.
    pub const ALL: [Self; 9] = [
        Self::Pending,
        Self::PickupEnroute,
        Self::PickupApproaching,
        Self::PickupWaiting,
        Self::DropoffEnroute,
        Self::DropoffApproaching,
        Self::DropoffWaiting,
        Self::Delivered,
        Self::Cancelled,
    ];

    /// The name used in the API documents.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::PickupEnroute => "pickup_enroute",
            Self::PickupApproaching => "pickup_approaching",
            Self::PickupWaiting => "pickup_waiting",
            Self::DropoffEnroute => "dropoff_enroute",
            Self::DropoffApproaching => "dropoff_approaching",
            Self::DropoffWaiting => "dropoff_waiting",
            Self::Delivered => "delivered",
            Self::Cancelled => "cancelled",
        }
    }

    /// The status of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }

    /// Delivered or cancelled.
    #[must_use]
    pub const fn is_closed(self) -> bool {
        matches!(self, Self::Delivered | Self::Cancelled)
    }
}

/// Something that moves a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// ORDER_CREATED: it came onto a route.
    Assigned,
    /// START.
    Start,
    /// ORDER_BECAME_NEXT.
    BecameNext,
    /// A `nearby` notification.
    Nearby,
    /// ARRIVAL.
    Arrival,
    /// DEPARTURE.
    Departure {
        /// The order has been visited.
        visited: bool,
    },
    /// The order's own status was set.
    Status(OrderStatus),
    /// The delivery's status was set by hand.
    ByHand(DeliveryStatus),
}

/// A delivery as its steps leave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The status now.
    pub status: DeliveryStatus,
    /// When it first became pickup_enroute; where the engine moved it, when it came onto its route.
    pub assigned_at: Option<Time>,
    /// When it first became dropoff_enroute.
    pub pickup_at: Option<Time>,
    /// When it first became delivered.
    pub delivered_at: Option<Time>,
    /// When it first became cancelled.
    pub cancelled_at: Option<Time>,
    /// What it was before it was closed.
    open_status: DeliveryStatus,
    placed_at: Option<Time>,
    is_next: bool,
    is_near: bool,
}

impl Progress {
    const NEW: Self = Self {
        status: DeliveryStatus::Pending,
        assigned_at: None,
        pickup_at: None,
        delivered_at: None,
        cancelled_at: None,
        open_status: DeliveryStatus::Pending,
        placed_at: None,
        is_next: false,
        is_near: false,
    };

    /// Folds steps, oldest first.
    #[must_use]
    pub fn of(steps: impl IntoIterator<Item = (Time, Step)>) -> Self {
        steps.into_iter().fold(Self::NEW, |progress, (at, step)| progress.after(at, step))
    }

    /// With a status that the present shows, if that is forward.
    #[must_use]
    pub fn reached(mut self, status: DeliveryStatus, at: Time) -> Self {
        self.forward(at, status);
        self
    }

    fn after(mut self, at: Time, step: Step) -> Self {
        match step {
            Step::Assigned => self.placed_at = self.placed_at.or(Some(at)),
            Step::Start => self.forward(at, DeliveryStatus::DropoffEnroute),
            Step::BecameNext | Step::Nearby => {
                self.is_next |= step == Step::BecameNext;
                self.is_near |= step == Step::Nearby;
                if self.is_next && self.is_near {
                    self.forward(at, DeliveryStatus::DropoffApproaching);
                }
            }
            Step::Arrival => self.forward(at, DeliveryStatus::DropoffWaiting),
            Step::Departure { visited } => {
                if !visited && self.status == DeliveryStatus::DropoffWaiting {
                    self.enter(at, DeliveryStatus::DropoffEnroute);
                }
            }
            Step::Status(OrderStatus::Finished | OrderStatus::PartiallyFinished) => {
                self.enter(at, DeliveryStatus::Delivered);
            }
            Step::Status(OrderStatus::Cancelled) => self.enter(at, DeliveryStatus::Cancelled),
            Step::Status(OrderStatus::New | OrderStatus::Confirmed | OrderStatus::Postponed) => {
                if self.status.is_closed() {
                    self.enter(at, self.open_status);
                }
            }
            Step::ByHand(status) => self.enter(at, status),
        }
        self
    }

    fn forward(&mut self, at: Time, status: DeliveryStatus) {
        if status > self.status {
            self.assigned_at = self.assigned_at.or(self.placed_at);
            self.enter(at, status);
        }
    }

    fn enter(&mut self, at: Time, status: DeliveryStatus) {
        self.status = status;
        if !status.is_closed() {
            self.open_status = status;
        }
        let stamp = match status {
            DeliveryStatus::PickupEnroute => &mut self.assigned_at,
            DeliveryStatus::DropoffEnroute => &mut self.pickup_at,
            DeliveryStatus::Delivered => &mut self.delivered_at,
            DeliveryStatus::Cancelled => &mut self.cancelled_at,
            DeliveryStatus::Pending
            | DeliveryStatus::PickupApproaching
            | DeliveryStatus::PickupWaiting
            | DeliveryStatus::DropoffApproaching
            | DeliveryStatus::DropoffWaiting => return,
        };
        *stamp = stamp.or(Some(at));
    }
}

#[cfg(test)]
mod tests {
    use super::{DeliveryStatus, Progress, Step};
    use crate::domain::order::OrderStatus;
    use crate::domain::time::Time;

    fn folded(steps: &[Step]) -> Progress {
        let timed = steps.iter().enumerate();
        Progress::of(timed.map(|(at, step)| (Time::from_ms(at as i64), *step)))
    }

    #[test]
    fn a_delivery_follows_its_order() {
        let visit = [
            Step::Start,
            Step::Nearby,
            Step::BecameNext,
            Step::Arrival,
            Step::Status(OrderStatus::Finished),
            Step::Departure { visited: true },
        ];
        let statuses = (0..=visit.len()).map(|count| folded(&visit[..count]).status.name());
        let expected = [
            "pending",
            "dropoff_enroute",
            "dropoff_enroute",
            "dropoff_approaching",
            "dropoff_waiting",
            "delivered",
            "delivered",
        ];
        assert_eq!(statuses.collect::<Vec<_>>(), expected);
        let progress = folded(&visit);
        assert_eq!(progress.pickup_at, Some(Time::from_ms(0)));
        assert_eq!(progress.delivered_at, Some(Time::from_ms(4)));
    }

    #[test]
    fn only_an_unvisited_departure_goes_back() {
        let gone = [Step::Start, Step::Arrival, Step::Departure { visited: false }];
        assert_eq!(folded(&gone).status, DeliveryStatus::DropoffEnroute);
        assert_eq!(folded(&gone).pickup_at, Some(Time::from_ms(0)), "the first stamp stays");
        let by_hand = [Step::Arrival, Step::ByHand(DeliveryStatus::Pending), Step::Start];
        assert_eq!(folded(&by_hand).status, DeliveryStatus::DropoffEnroute);
        let ahead = [Step::ByHand(DeliveryStatus::DropoffWaiting), Step::Start];
        assert_eq!(folded(&ahead).status, DeliveryStatus::DropoffWaiting, "held");
        let reopened =
            [Step::Start, Step::Status(OrderStatus::Cancelled), Step::Status(OrderStatus::New)];
        assert_eq!(folded(&reopened).status, DeliveryStatus::DropoffEnroute);
    }
}
