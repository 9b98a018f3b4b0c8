//! The short way of a position that changes nothing but where its courier is: far from every fence,
//! or inside one with nothing due, and no ETA to be told. Decides exactly what the long way does;
//! whatever it is not sure of it leaves to that one, untouched.

use super::Engine;
use super::couriers::CourierSlot;
use super::eta::Due;
use super::fix::Fix;
use super::route_line::RouteLine;
use super::stay::Stay;
use super::track::is_next_door;
use crate::domain::policy::{OverlapPolicy, Policy};
use crate::domain::position::{LEAD_MAX_MS, Source};

impl Engine {
    /// Steps a position that names no route, if it changes nothing. Tells whether it did.
    pub(super) fn keep_calm(&mut self, slot: CourierSlot, source: Source, fix: &Fix) -> bool {
        let seen = fix.seen;
        let courier = self.couriers.line_mut(slot);
        if courier.heard.highest() != Some(source)
            || !courier.sources.contains(source)
            || !courier.first_route.is_some()
            || !fix.is_fresh()
            || seen.t - fix.received_at > LEAD_MAX_MS
        {
            return false;
        }
        let sheds_eta = self.sheds_eta;
        let line = self.routes.line_mut(courier.first_route);
        let Some(before) = courier.located.filter(|_| is_plain(line, fix)) else { return false };
        let is_quiet = seen.t < line.quiet_until;
        if !is_quiet && (seen.t > line.active_until || line.eta.has_shift_start_due) {
            return false;
        }
        let is_regular = !is_quiet && !sheds_eta && seen.t >= line.eta.regular_due;
        if is_regular && line.eta.due(&*self.travel, line.mode, fix) != Due::Nothing {
            return false;
        }
        if line.first_stay.is_some() {
            let policy = self.policies.policy(courier.policy);
            if !remains(self.stays.stay_mut(line.first_stay), policy, fix) {
                return false;
            }
        }
        if is_regular {
            line.eta.follow_regularly(seen);
        }
        if !is_quiet {
            line.set_quiet();
        }
        line.follow_calmly(fix);
        courier.heard_at = courier.heard_at.max(seen.t);
        if before.t < seen.t {
            courier.located = Some(seen);
            self.index.moved(slot.0, before.point, seen.point);
        }
        true
    }
}

/// Whether a position is accepted by a courier's only route, and is clear of all fences without a
/// stay. The clearance covers nothing before a position was accepted, so that tracking has begun.
fn is_plain(line: &RouteLine, fix: &Fix) -> bool {
    let t = fix.seen.t;
    let is_accepted = line.last().is_some_and(|last| {
        // One that moves and repeats its place may be a frozen receiver.
        let is_alive = last.point != fix.seen.point || !fix.is_moving;
        t > last.t && is_next_door(last, fix.seen) && is_alive
    });
    is_accepted
        && !line.next.is_some()
        && line.is_started
        && !line.is_over
        && !line.has_held
        && !line.has_later_t()
        && fix.is_sharp()
        && line.clearance.covers(fix.seen.point)
}

/// Follows a position at the only stay of a route, if nothing comes of it. Tells whether it did.
fn remains(stay: &mut Stay, policy: &Policy, fix: &Fix) -> bool {
    let is_due = stay.may_visit
        && !stay.has_visited
        && stay.presence.dwelt_ms(fix.seen.t, None) >= stay.required_ms;
    !is_due
        && !stay.next.is_some()
        && policy.overlap_policy == OverlapPolicy::Parallel
        && policy.nearby_distance_m.is_none()
        && stay.centre.distance_m(fix.seen.point) <= stay.fence.radius_m
        && stay.presence.remain(fix, policy.max_gap_ms)
}
