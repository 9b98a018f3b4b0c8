//! The depots of a route: the one it starts from, whose fence holds back START, and those it
//! passes, which only cost time (behaviour 1, 5.2).

use super::fence::{Evidence, Fence};
use super::fix::Fix;
use super::presence::{Change, Presence};
use super::state::kept;
use crate::domain::depot::DepotPlan;
use crate::domain::geo::Centre;
use crate::domain::policy::{Policy, Radius};
use crate::domain::time::SECOND_MS;

/// A depot that the courier must visit and leave before the route starts.
#[derive(Clone, Debug)]
pub struct StartingDepot {
    /// The depot as it was stored.
    pub plan: DepotPlan,
    centre: Centre,
    presence: Option<Loading>,
    is_visited: bool,
    is_left: bool,
}

kept!(StartingDepot { plan, centre, presence, is_visited, is_left });

/// The courier is in the depot.
#[derive(Clone, Copy, Debug)]
struct Loading {
    presence: Presence,
    /// Frozen at entry: they do not follow edits.
    fence: Fence,
    required_ms: i64,
}

kept!(Loading { presence, fence, required_ms });

impl StartingDepot {
    /// A starting depot where nobody has been.
    pub fn new(plan: DepotPlan) -> Self {
        let centre = Centre::new(plan.point);
        Self { plan, centre, presence: None, is_visited: false, is_left: false }
    }

    /// Takes over what the document says. Where the depot moved, a stay at the old place ends;
    /// that it was visited and left still holds.
    pub fn edit(&mut self, plan: DepotPlan) {
        if self.plan.point != plan.point {
            self.centre = Centre::new(plan.point);
            self.presence = None;
        }
        self.plan = plan;
    }

    /// Whether the depot holds back START: its fence may be off, and be switched on again.
    pub fn has_fence(&self) -> bool {
        self.plan.mark_route_started_radius.is_some_and(|radius| radius != Radius::OFF)
    }

    /// Visited, and the exit is confirmed.
    pub fn is_left(&self) -> bool {
        self.is_left
    }

    /// Follows one position; `orders` is the number of orders to load.
    pub fn step(&mut self, fix: &Fix, orders: usize, policy: &Policy) {
        let Some(radius) = self.plan.mark_route_started_radius else { return };
        let distance_m = self.centre.distance_m(fix.seen.point);
        let fence = self.presence.map_or_else(|| Fence::new(radius), |loading| loading.fence);
        let reading = fence.read(distance_m, fix.accuracy);
        if let Some(loading) = &mut self.presence {
            match loading.presence.step(reading, fix, None, policy.max_gap_ms) {
                Change::None => return,
                Change::Stayed { .. } => {}
                Change::Left(_) => {
                    self.presence = None;
                    self.is_left = self.is_visited;
                    return;
                }
            }
        } else if reading.evidence == Evidence::Inside {
            let required_ms = self.required_ms(orders);
            self.presence = Some(Loading { presence: Presence::enter(fix), fence, required_ms });
            self.is_left = false;
        }
        if let Some(loading) = &self.presence {
            self.is_visited |= loading.presence.dwelt_ms(fix.seen.t, None) >= loading.required_ms;
        }
    }

    fn required_ms(&self, orders: usize) -> i64 {
        let per_order_s = i64::from(self.plan.order_service_duration_s);
        (i64::from(self.plan.service_duration_s) + orders as i64 * per_order_s) * SECOND_MS
    }
}

/// A node behind the first one that is no order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeBetween {
    /// The depot; `None`: a garage, which costs an order nothing.
    pub depot: Option<DepotPlan>,
    /// Place in the sequence of the order it stands before.
    pub before: usize,
}

kept!(NodeBetween { depot, before });
