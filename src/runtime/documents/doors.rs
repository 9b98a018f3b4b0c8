//! Doors too close for fences that count each by itself (behaviour 4.4).

use crate::domain::depot::DepotPlan;
use crate::domain::geo::Centre;
use crate::domain::ids::OrderId;
use crate::domain::order::OrderPlan;
use crate::domain::policy::{OverlapPolicy, Policy, Radius};
use crate::domain::route::RoutePlan;

/// The first two orders of a route, at different doors, that lie within each other's radius, if
/// the policy counts each by itself.
pub(crate) fn overlapping(route: &RoutePlan, policy: &Policy) -> Option<(OrderId, OrderId)> {
    if policy.overlap_policy == OverlapPolicy::Nearest {
        return None;
    }
    let depot = route.depot.as_ref();
    let doors: Vec<_> = route.orders().filter_map(|order| door(order, depot, policy)).collect();
    doors.iter().enumerate().find_map(|(at, first)| {
        let other = doors[at + 1..].iter().find(|other| first.overlaps(other))?;
        Some((first.order, other.order))
    })
}

/// An order's point with its effective radius.
pub(crate) struct Door {
    /// The order.
    pub(crate) order: OrderId,
    /// Its point.
    pub(crate) centre: Centre,
    /// The radius that counts.
    pub(crate) radius: Radius,
}

fn door(order: &OrderPlan, depot: Option<&DepotPlan>, policy: &Policy) -> Option<Door> {
    let of_depot = depot.and_then(|depot| depot.mark_delivered_radius);
    let radius = policy.radius(order.mark_delivered_radius, of_depot);
    Some(Door { order: order.id, centre: Centre::new(order.point?), radius })
}

impl Door {
    /// Whether two doors lie within each other's radius and are not one.
    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        let reach_m = self.radius.min(other.radius).metres();
        // Most doors are far, and that is seen at once.
        let north_m = self.centre.plane_m(other.centre.point).1.abs();
        north_m * NORTH_SHARE <= reach_m
            && !self.centre.point.is_same_place(other.centre.point)
            && self.centre.distance_m(other.centre.point) <= reach_m
    }
}

/// No distance is shorter than this share of its northward part as the local plane has it.
const NORTH_SHARE: f64 = 0.97;
