//! The question the engine asks about travel; layer `travel` answers it.

use crate::domain::geo::Point;
use crate::domain::route::RoutingMode;

/// How long a courier takes between two points. Pure: equal questions get equal answers.
pub trait TravelTime: Send {
    /// Milliseconds from one point to another, 0 or more.
    fn travel_ms(&self, from: Point, to: Point, mode: RoutingMode) -> i64;
}
