//! What the document says of an order, apart from where it is. The orders of a route mostly say the
//! same, so that each distinct set of terms is kept once a route.

use super::order::Order;
use super::prefetch::prefetch_part;
use crate::domain::depot::DepotPlan;
use crate::domain::order::{EtaType, OrderPlan};
use crate::domain::policy::{Policy, Radius};
use crate::domain::time::{SECOND_MS, Time, TimeWindow};

/// How and when an order is to be served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// When the visit is allowed.
    pub window: Option<TimeWindow>,
    /// Own radius.
    pub radius: Option<Radius>,
    /// Handover time, seconds.
    pub service_s: u32,
    /// Handover time shared at the stop, seconds.
    pub shared_service_s: u32,
    /// Own ETA type.
    pub eta_type: Option<EtaType>,
}

impl Terms {
    /// The terms of a document.
    pub fn of(plan: &OrderPlan) -> Self {
        Self {
            window: plan.window,
            radius: plan.mark_delivered_radius,
            service_s: plan.service_duration_s,
            shared_service_s: plan.shared_service_duration_s,
            eta_type: plan.eta_type,
        }
    }

    /// The radius in force.
    pub fn radius(&self, policy: &Policy, depot: Option<&DepotPlan>) -> Radius {
        policy.radius(self.radius, depot.and_then(|depot| depot.mark_delivered_radius))
    }

    /// The dwell that makes a visit, milliseconds.
    pub fn dwell_required_ms(&self, policy: &Policy) -> i64 {
        policy.dwell_required_ms(self.service_s, self.shared_service_s)
    }

    /// From when the dwell may count, if not from the entry on.
    pub fn dwell_not_before(&self, policy: &Policy) -> Option<Time> {
        match self.eta_type.unwrap_or(policy.eta_type) {
            EtaType::ArrivalTime => None,
            EtaType::DeliveryTime => self.window.map(|window| window.start),
        }
    }

    /// When the service can begin for a courier who arrives at `arrival`.
    pub fn service_start(&self, policy: &Policy, arrival: Time) -> Time {
        self.dwell_not_before(policy).map_or(arrival, |start| start.max(arrival))
    }

    /// How long the service of an order takes that is a stop of its own, milliseconds.
    pub fn service_ms(&self) -> i64 {
        (i64::from(self.service_s) + i64::from(self.shared_service_s)) * SECOND_MS
    }
}

/// The distinct terms of a route's orders.
#[derive(Clone, Debug, Default)]
pub struct TermsTable {
    list: Vec<Terms>,
    /// No order's own radius was larger since the last sweep.
    radius_max: Option<Radius>,
}

/// Where the terms of an order stand in its route's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TermsSlot(u16);

impl TermsTable {
    /// The terms of an order of the route.
    pub fn of(&self, order: &Order) -> &Terms {
        &self.list[usize::from(order.terms.0)]
    }

    /// Asks for the first terms ahead of their use.
    pub fn prefetch(&self) {
        prefetch_part(&self.list, 0, 0);
    }

    /// The largest own radius of an order is not larger.
    pub fn radius_max(&self) -> Radius {
        self.radius_max.unwrap_or(Radius::OFF)
    }

    /// Where such terms stand, which are added if they are none of the table's yet.
    ///
    /// # Panics
    /// If the table [`Self::is_full`]: [`Self::sweep`] keeps it as short as the orders are many.
    pub fn intern(&mut self, terms: Terms) -> TermsSlot {
        let known = self.list.iter().position(|known| *known == terms);
        let at = known.unwrap_or_else(|| {
            // Most tables stay at one or a few.
            if self.list.len() < SMALL {
                self.list.reserve_exact(1);
            }
            self.list.push(terms);
            self.radius_max = self.radius_max.max(terms.radius);
            self.list.len() - 1
        });
        TermsSlot(u16::try_from(at).expect("a route has less than 65,536 orders"))
    }

    /// Drops the terms that none of these orders, all that there are, has any more.
    pub fn sweep<'a>(&mut self, orders: impl Iterator<Item = &'a mut Order>) {
        let old = core::mem::take(self);
        for order in orders {
            order.terms = self.intern(*old.of(order));
        }
    }

    /// How many distinct terms there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// No other terms can be added.
    pub fn is_full(&self) -> bool {
        self.len() > usize::from(u16::MAX)
    }
}

/// Tables of fewer terms take no more memory than their terms.
const SMALL: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::OrderId;
    use crate::domain::order::OrderStatus;

    fn plan(id: u64, radius_mm: Option<u32>, service_s: u32) -> OrderPlan {
        OrderPlan {
            id: OrderId(id),
            point: None,
            mark_delivered_radius: radius_mm.and_then(Radius::from_mm),
            service_duration_s: service_s,
            shared_service_duration_s: 0,
            window: None,
            eta_type: None,
            status: OrderStatus::New,
            created: true,
        }
    }

    #[test]
    fn orders_that_say_the_same_share_their_terms() {
        let mut table = TermsTable::default();
        let plans = [plan(1, None, 60), plan(2, Some(200_000), 60), plan(3, None, 60)];
        let orders = plans.each_ref().map(|plan| Order::new(plan, &mut table));
        assert_eq!(table.len(), 2, "the first and the third say the same");
        for (order, plan) in orders.iter().zip(&plans) {
            assert_eq!(*table.of(order), Terms::of(plan));
        }
    }

    #[test]
    fn a_sweep_keeps_what_orders_have_and_forgets_the_largest_radius() {
        let mut table = TermsTable::default();
        let mut order = Order::new(&plan(1, Some(300_000), 60), &mut table);
        order.edit(&plan(1, Some(50_000), 90), &mut table);
        assert_eq!((table.len(), table.radius_max().mm()), (2, 300_000), "no radius was larger");
        table.sweep([&mut order].into_iter());
        assert_eq!((table.len(), table.radius_max().mm()), (1, 50_000));
        assert_eq!(*table.of(&order), Terms::of(&plan(1, Some(50_000), 90)));
    }
}
