//! What the documents know and an event needs: asked for when the event is written.

use core::fmt;

use crate::domain::ids::{DepotId, OrderId, RouteId};

/// Look-ups into the documents. Must not wait.
pub struct Names {
    /// The customer-side number of an order.
    pub order_number: Box<dyn Fn(OrderId) -> Option<String> + Send + Sync>,
    /// The depot of a route.
    pub depot: Box<dyn Fn(RouteId) -> Option<DepotId> + Send + Sync>,
}

impl Names {
    /// Knows no document: numbers are null, and no route has a depot.
    #[must_use]
    pub fn none() -> Self {
        Self { order_number: Box::new(|_| None), depot: Box::new(|_| None) }
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Names").finish_non_exhaustive()
    }
}
