//! The visit that an unseen dwell before a confirmed exit proves: over a silence (4.2), or up to
//! the crossing between two positions close in time.

use super::distance::metres;
use super::route::Route;
use super::scene::{Scene, stay_point};
use super::stay::Fix;
use crate::domain::policy::{InferredVisits, OverlapPolicy};
use crate::domain::time::Time;

impl Scene<'_> {
    /// `parallel`: the visit of a stay whose exit was just confirmed, if its dwell was met by the last
    /// inside position, while it was not sure where the courier stood; its time.
    pub fn visit_late(&mut self, route: &mut Route, index: usize) -> Option<Time> {
        let order = route.order(index)?;
        let stay = order.stay.as_ref()?;
        let (last, waits_until) = (stay.last_inside, order.waits_until(self.policy));
        let is_due = self.policy.overlap_policy == OverlapPolicy::Parallel
            && !stay.is_further
            && !order.visited
            && stay.is_met(last.t, waits_until)
            && stay.is_presence();
        if !is_due {
            return None;
        }
        let at = stay_point(stay, &last, stay.visit_estimate(waits_until));
        self.visit(route, index, last.t, at);
        Some(last.t)
    }

    /// The visit of a stay whose exit was just confirmed, if the silence between its last inside
    /// position and `out`, the first one away, is credited and long enough; its time.
    pub fn infer_visit(&mut self, route: &mut Route, index: usize, out: &Fix) -> Option<Time> {
        let order = route.order(index)?;
        let stay = order.stay.as_ref()?;
        let last = stay.last_inside;
        if stay.is_further || order.visited || !self.is_credited(&last, out) {
            return None;
        }
        let drive_ms = libm::round(1e3 * metres(last.point, out.point) / 7.0) as i64;
        let credit_end = out.t - drive_ms;
        let no_earlier = |than: Time| order.waits_until(self.policy).max(Some(than));
        let met_at = match self.policy.overlap_policy {
            OverlapPolicy::Parallel => no_earlier(stay.dwell_from)
                .filter(|_| stay.is_presence())
                .map(|start| start + stay.required_ms),
            OverlapPolicy::Nearest => no_earlier(last.t)
                .filter(|start| stay.is_claimed && credit_end > *start)
                .map(|start| start + (stay.required_ms - stay.credit_ms)),
        };
        let t = met_at.filter(|met_at| credit_end >= *met_at)?;
        let mut at = stay_point(stay, &last, t);
        at.inferred = true;
        self.visit(route, index, t, at);
        Some(t)
    }

    /// `parallel`: the same for a dwell that is met between the last inside position and the exit.
    pub fn interpolate_visit(
        &mut self,
        route: &mut Route,
        index: usize,
        out: &Fix,
        exit: Time,
    ) -> Option<Time> {
        let order = route.order(index)?;
        let stay = order.stay.as_ref()?;
        let last = stay.last_inside;
        let may_visit = self.policy.overlap_policy == OverlapPolicy::Parallel
            && !stay.is_further
            && !order.visited
            && out.t - last.t <= 60_000
            && stay.is_presence()
            && stay.is_met(exit, order.waits_until(self.policy));
        if !may_visit {
            return None;
        }
        let start = order.waits_until(self.policy).max(Some(stay.dwell_from))?;
        let t = start + stay.required_ms;
        let mut at = stay_point(stay, &last, t);
        at.interpolated = true;
        self.visit(route, index, t, at);
        Some(t)
    }

    fn is_credited(&self, last: &Fix, out: &Fix) -> bool {
        let (silence, max_gap_ms) = (out.t - last.t, self.policy.max_gap_ms);
        let declared = last.silent_when_still && silence <= last.longest_gap_ms(max_gap_ms);
        match self.policy.inferred_visits {
            InferredVisits::Off => false,
            InferredVisits::SilentDevices => declared,
            InferredVisits::AnyGap => declared || silence <= 2 * max_gap_ms,
        }
    }
}
