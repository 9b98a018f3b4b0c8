//! What the API asks of a courier's routes, after admission: validated, ids drawn, times in UTC.

use super::courier::CourierPlan;
use super::depot::DepotPlan;
use super::event::EndReason;
use super::ids::{CompanyId, CourierId, OrderId, RouteId};
use super::order::{Initiator, OrderPlan, OrderStatus};
use super::policy::Policy;
use super::route::RoutePlan;

/// A change of the documents that the engine follows.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// A company's settings; goes to every partition.
    PutPolicy {
        /// The company.
        company: CompanyId,
        /// Its settings from now on.
        policy: Policy,
    },
    /// A depot changed; goes to every partition that has a route of it.
    PutDepot {
        /// The company that owns it.
        company: CompanyId,
        /// The depot from now on.
        depot: DepotPlan,
    },
    /// A courier is new or changed.
    PutCourier(CourierPlan),
    /// A route is new, or is stored anew as a whole: nodes, times and mode. This sets the sequence
    /// anew. Orders that are kept keep their state; those that are gone end their stays as removed.
    PutRoute(RoutePlan),
    /// A route is gone from this courier.
    RemoveRoute {
        /// The courier.
        courier: CourierId,
        /// The route.
        route: RouteId,
        /// Why.
        reason: EndReason,
    },
    /// An order is new (appended to its route) or edited in place.
    PutOrder {
        /// The courier.
        courier: CourierId,
        /// The route.
        route: RouteId,
        /// The order.
        order: OrderPlan,
    },
    /// An order leaves its route.
    RemoveOrder {
        /// The courier.
        courier: CourierId,
        /// The route.
        route: RouteId,
        /// The order.
        order: OrderId,
        /// Why.
        reason: EndReason,
    },
    /// An order's status is set.
    SetStatus {
        /// The courier.
        courier: CourierId,
        /// The route.
        route: RouteId,
        /// The order.
        order: OrderId,
        /// The new status.
        status: OrderStatus,
        /// Who sets it.
        initiator: Initiator,
    },
    /// A courier is quarantined: evaluating it failed twice. Positions are stored only, other
    /// commands wait, and no deadline of it is due.
    Quarantine(CourierId),
    /// A courier's quarantine ends: what waited is done at once.
    Release(CourierId),
    /// All that is known of a courier is forgotten; there is no such courier any more. Its routes
    /// were removed before.
    EraseCourier {
        /// The courier.
        courier: CourierId,
    },
}

impl Command {
    /// The courier that it is about, if it is one.
    #[must_use]
    pub const fn courier(&self) -> Option<CourierId> {
        match self {
            Self::PutPolicy { .. } | Self::PutDepot { .. } => None,
            Self::PutCourier(plan) => Some(plan.id),
            Self::PutRoute(plan) => Some(plan.courier),
            Self::RemoveRoute { courier, .. }
            | Self::PutOrder { courier, .. }
            | Self::RemoveOrder { courier, .. }
            | Self::SetStatus { courier, .. }
            | Self::EraseCourier { courier }
            | Self::Quarantine(courier)
            | Self::Release(courier) => Some(*courier),
        }
    }
}
