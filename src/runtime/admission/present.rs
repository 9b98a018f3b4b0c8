//! What admission has to know of the engine's present: statuses of orders that move, places of
//! couriers when a status is set.

use super::request::Refusal;
use crate::domain::geo::Point;
use crate::domain::ids::{CourierId, OrderId, RouteId};
use crate::runtime::error::ViewError;
use crate::runtime::views::{OrderState, Views};

/// The views, asked by admission.
pub(super) struct Present {
    pub(super) views: Views,
}

impl Present {
    /// An order on its route.
    pub(super) async fn order(
        &self,
        courier: CourierId,
        route: RouteId,
        order: OrderId,
    ) -> Result<Option<OrderState>, Refusal> {
        self.views.order(courier, route, order).await.map_err(refusal)
    }

    /// Where a courier is.
    pub(super) async fn place(&self, courier: CourierId) -> Result<Option<Point>, Refusal> {
        let last = self.views.last_position(courier).await.map_err(refusal)?;
        Ok(last.map(|last| last.point))
    }
}

fn refusal(error: ViewError) -> Refusal {
    match error {
        ViewError::Busy => Refusal::Busy,
        ViewError::Stopped => Refusal::Stopped(error.to_string()),
    }
}
