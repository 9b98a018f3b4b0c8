//! A planned tour: nodes in a sequence, for one courier.

use super::depot::DepotPlan;
use super::geo::Point;
use super::ids::{CourierId, RouteId};
use super::order::OrderPlan;
use super::time::Time;

/// A whole route as it is stored: every time resolved to UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoutePlan {
    /// The route.
    pub id: RouteId,
    /// Its courier.
    pub courier: CourierId,
    /// How the courier travels.
    pub routing_mode: RoutingMode,
    /// When the route is planned to start.
    pub route_start: Option<Time>,
    /// When it is planned to end.
    pub route_finish: Option<Time>,
    /// The route's depot, whose `mark_delivered_radius` serves orders without their own. The route
    /// starts there only if its first node says so.
    pub depot: Option<DepotPlan>,
    /// The tour in its sequence, at most [`ROUTE_ORDERS_MAX`] orders.
    pub nodes: Vec<Node>,
}

impl RoutePlan {
    /// The orders in sequence.
    pub fn orders(&self) -> impl Iterator<Item = &OrderPlan> {
        self.nodes.iter().filter_map(|node| match node {
            Node::Order(order) => Some(order),
            Node::Depot(_) | Node::Garage(_) => None,
        })
    }

    /// The depot from which the route starts, if its first node is one.
    #[must_use]
    pub fn starting_depot(&self) -> Option<&DepotPlan> {
        match self.nodes.first() {
            Some(Node::Depot(depot)) => Some(depot),
            Some(Node::Order(_) | Node::Garage(_)) | None => None,
        }
    }
}

/// One entry of a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// A customer's order.
    Order(OrderPlan),
    /// A depot: at the start, between orders or at the end.
    Depot(DepotPlan),
    /// Where the vehicle is kept.
    Garage(Point),
}

/// How the courier travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RoutingMode {
    /// By car.
    Driving,
    /// On foot.
    Walking,
    /// By bicycle.
    Bicycle,
    /// By public transport.
    Transit,
}

impl RoutingMode {
    /// Every mode.
    pub const ALL: [Self; 4] = [Self::Driving, Self::Walking, Self::Bicycle, Self::Transit];

    /// The name used in the API documents.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Driving => "driving",
            Self::Walking => "walking",
            Self::Bicycle => "bicycle",
            Self::Transit => "transit",
        }
    }
}

/// Most orders on one route.
pub const ROUTE_ORDERS_MAX: usize = 500;
