//! Visits that a confirmed exit tells: of a dwell that only the silence before it (behaviour 4.2) or
//! the way out (4.6) makes up, or that was met where it was not sure that the courier stood inside.

use super::crossing::{DRIVE_MPS, GAP_MAX_MS};
use super::presence::{Exit, Presence};
use super::stay::{Stay, StaySlot};
use super::step::RouteStep;
use super::visit::{Means, Visit};
use crate::domain::geo::distance_m;
use crate::domain::policy::InferredVisits;
use crate::domain::time::{SECOND_MS, Time};

impl RouteStep<'_, '_> {
    /// Visits the order of a stay that is left if its dwell was met at the last position inside, but
    /// it was not sure where the courier stood; tells when.
    pub fn visit_by_dwell(&mut self, slot: StaySlot) -> Option<Time> {
        let stay = self.stays.stay(slot);
        let seen = stay.presence.last_inside();
        if self.is_nearest_first() {
            return None;
        }
        let estimated = self.dwell_met(stay, seen.t)?;
        self.visit(slot, &Visit { t: seen.t, seen, estimated, means: Means::Seen });
        Some(seen.t)
    }

    /// Visits the order of a stay that is left if the silence before its exit makes up the dwell;
    /// tells when.
    pub fn infer_visit(&mut self, slot: StaySlot, exit: &Exit) -> Option<Time> {
        let stay = self.stays.stay(slot);
        let seen = stay.presence.last_inside();
        let silence_ms = exit.first_away.t - seen.t;
        if !exit.is_after_silence
            || !self.may_visit(stay)
            || !self.is_credited(&stay.presence, silence_ms)
        {
            return None;
        }
        let drive_m = distance_m(seen.point, exit.first_away.point);
        let drive_ms = libm::round(drive_m / DRIVE_MPS * SECOND_MS as f64) as i64;
        let t = self.met_until(stay, exit.first_away.t - drive_ms)?;
        self.visit(slot, &Visit { t, seen, estimated: t, means: Means::Inferred });
        Some(t)
    }

    /// Visits the order of a stay that is left if its dwell was met before the courier `crossed` the
    /// border on the way to the first position away; tells when.
    pub fn visit_by_exit(&mut self, slot: StaySlot, exit: &Exit, crossed: Time) -> Option<Time> {
        let stay = self.stays.stay(slot);
        let seen = stay.presence.last_inside();
        if self.is_nearest_first()
            || !exit.is_after_silence
            || exit.first_away.t - seen.t > GAP_MAX_MS
            || !self.may_visit(stay)
        {
            return None;
        }
        let t = self.met_until(stay, crossed)?;
        self.visit(slot, &Visit { t, seen, estimated: t, means: Means::Interpolated });
        Some(t)
    }

    /// Whether a silence after the last position inside may count up to the drive away.
    fn is_credited(&self, presence: &Presence, silence_ms: i64) -> bool {
        let max_gap_ms = self.policy.max_gap_ms;
        let is_still = presence.last_inside().is_silent_when_still
            && silence_ms <= presence.longest_gap_ms(max_gap_ms);
        match self.policy.inferred_visits {
            InferredVisits::Off => false,
            InferredVisits::SilentDevices => is_still,
            InferredVisits::AnyGap => is_still || silence_ms <= 2 * max_gap_ms,
        }
    }

    /// When the dwell was met, if it was for a courier who stood there until `until`.
    fn met_until(&self, stay: &Stay, until: Time) -> Option<Time> {
        let not_before = self.dwell_not_before(stay);
        let dwelt_ms = if self.is_nearest_first() {
            let inside_t = stay.presence.last_inside().t;
            let gain_ms = until - not_before.map_or(inside_t, |start| start.max(inside_t));
            if !stay.credit.is_claimed || gain_ms <= 0 {
                return None;
            }
            stay.credit.sum_ms + gain_ms
        } else if stay.presence.is_mostly_near() {
            stay.presence.dwelt_ms(until, not_before)
        } else {
            return None;
        };
        (dwelt_ms >= stay.required_ms).then(|| until - (dwelt_ms - stay.required_ms))
    }
}
