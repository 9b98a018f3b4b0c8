//! A depot: where routes start, pass or end.

use super::geo::Point;
use super::ids::DepotId;
use super::policy::Radius;

/// A depot as a route sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DepotPlan {
    /// The depot.
    pub id: DepotId,
    /// Where it is.
    pub point: Point,
    /// Radius for the orders of its routes that have none of their own.
    pub mark_delivered_radius: Option<Radius>,
    /// The depot's own fence; `None` or 0: the route starts as one without a depot.
    pub mark_route_started_radius: Option<Radius>,
    /// Fixed loading time, seconds.
    pub service_duration_s: u32,
    /// Loading time per order of the route, seconds.
    pub order_service_duration_s: u32,
}
