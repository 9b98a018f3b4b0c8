//! Section 7: `shift_start` and `nearby`.

use super::distance::metres;
use super::route::Route;
use super::scene::Scene;
use super::stay::Fix;
use super::told::ToldBody;
use crate::domain::ids::{OrderId, RouteId};
use crate::domain::notification::{NearbyTrigger, Notification, NotificationKind};
use crate::domain::time::Time;

impl Scene<'_> {
    fn notify(
        &mut self,
        (route, order): (RouteId, OrderId),
        kind: NotificationKind,
        eta: Option<Time>,
    ) {
        let notification = Notification { order, route, t: self.t, kind, eta };
        self.tell(false, ToldBody::Notification(notification));
    }

    /// The `shift_start` of every open order that is owed one.
    pub fn raise_shift_starts(&mut self, route: &mut Route) {
        let (id, policy) = (route.id, self.policy);
        let mut due = Vec::new();
        for order in route.orders_mut() {
            if order.shift_start_due && order.is_open(policy) {
                order.shift_start_due = false;
                due.push((order.plan.id, order.eta.map(|eta| eta.eta)));
            }
        }
        for (order, eta) in due {
            self.notify((id, order), NotificationKind::ShiftStart, eta);
        }
    }

    /// The `nearby` that comes with an ARRIVAL, and the end of all thresholds.
    pub fn force_nearby(&mut self, route: &mut Route, index: usize) {
        let (policy, broken, id) = (self.policy, route.is_broken(self.policy), route.id);
        let may = route.has_started && self.arrivals_are_fresh;
        let Some(order) = route.order_mut(index).filter(|order| may && order.is_open(policy))
        else {
            return;
        };
        let entered = order.stay.as_ref().map(|stay| stay.entered.t);
        let eta = entered.max(order.waits_until(policy)).filter(|_| !broken);
        let raised = order.near.raised;
        order.near.raised = true;
        order.near.latched = [true; 4];
        order.near.distance = true;
        let order = order.plan.id;
        if !raised {
            self.notify((id, order), NotificationKind::Nearby(NearbyTrigger::Arrival), eta);
        }
    }

    /// The thresholds after a fresh position.
    pub fn raise_nearby(&mut self, route: &mut Route, fix: &Fix, regular: bool) {
        let (id, policy, head) = (route.id, self.policy, route.head_ids(self.policy));
        let started = route.has_started;
        let skipped = route.orders().any(|order| order.skipped && order.is_open(policy));
        let mut due = Vec::new();
        for order in route.orders_mut() {
            let eta = order.eta.map(|eta| eta.eta);
            let in_reach = head.contains(&order.plan.id) || (!skipped && eta.is_some());
            let may = started && order.is_open(policy) && in_reach;
            for (index, &threshold) in policy.nearby_eta_ms.iter().enumerate().take(4) {
                let holds = may && eta.is_some_and(|eta| eta - fix.t <= threshold);
                let near = &mut order.near;
                if !regular || near.latched[index] {
                    continue;
                }
                if holds && near.primed[index] {
                    near.latched[index] = true;
                    near.raised = true;
                    due.push((order.plan.id, NearbyTrigger::Eta(index as u8), eta));
                }
                near.primed[index] = holds;
            }
            let distance = order.plan.point.map(|point| metres(point, fix.point));
            let close = distance.zip(policy.nearby_distance_m).is_some_and(|(d, most)| d <= most);
            if may && close && !order.near.distance {
                order.near.distance = true;
                order.near.raised = true;
                due.push((order.plan.id, NearbyTrigger::Distance, eta));
            }
        }
        for (order, trigger, eta) in due {
            self.notify((id, order), NotificationKind::Nearby(trigger), eta);
        }
    }
}
