//! Asks the memory for what the positions of couriers to come will touch, while those before them
//! are stepped: a courier's line, its route's line and its stay depend on one another, and each is
//! a miss of its own in a large fleet. Changes no state; what is asked for in vain costs a slot of
//! the memory's queue. The one file with unsafe code.

use super::Engine;
use super::route::{RouteLine, RouteSlot};
use super::stay::Stay;
use crate::domain::geo::Point;
use crate::domain::ids::CourierId;

impl Engine {
    /// Called before the position at `at` of a batch is stepped; `position_at` names the courier
    /// and the point of another place of the batch, if there is one.
    pub fn look_ahead(&self, at: usize, position_at: impl Fn(usize) -> Option<(CourierId, Point)>) {
        if let Some((courier, _)) = position_at(at + SLOT_AHEAD) {
            self.couriers.prefetch_slot(courier);
        }
        if let Some((courier, _)) = position_at(at + LINE_AHEAD) {
            self.couriers.prefetch_line(courier);
        }
        let route_at = |ahead: usize| {
            let (courier, point) = position_at(at + ahead)?;
            let slot = self.couriers.slot(courier)?;
            let route = self.couriers.line(slot).first_route;
            route.is_some().then_some((route, point))
        };
        if let Some((route, _)) = route_at(ROUTE_AHEAD) {
            self.routes.prefetch_line(route);
        }
        if let Some((route, point)) = route_at(STAY_AHEAD) {
            self.look_at_stay(route, point);
        }
        if let Some((route, point)) = route_at(ORDERS_AHEAD) {
            self.look_at_orders(route, point);
        }
        if let Some((route, _)) = route_at(VISIT_AHEAD) {
            let line = self.routes.line(route);
            if let Some(stay) = self.stays.of(line.first_stay).filter(|stay| is_due(line, stay)) {
                self.routes.prefetch_orders(route, stay.at);
            }
        }
    }

    fn look_at_stay(&self, route: RouteSlot, point: Point) {
        let line = self.routes.line(route);
        if line.first_stay.is_some() {
            self.stays.prefetch(line.first_stay);
        }
        if !line.clearance.covers(point) {
            self.routes.prefetch_rest(route);
        }
    }

    fn look_at_orders(&self, route: RouteSlot, point: Point) {
        let line = self.routes.line(route);
        let stay = self.stays.of(line.first_stay);
        if !line.clearance.covers(point) {
            self.routes.prefetch_orders(
                route,
                stay.map_or_else(|| self.routes.route(route).head_at, |stay| stay.at),
            );
        } else if stay.is_some_and(|stay| is_due(line, stay)) {
            self.routes.prefetch_rest(route);
        }
    }
}

/// Whether the next position at a stay is likely to visit its order. Parked couriers look at no
/// order otherwise.
fn is_due(line: &RouteLine, stay: &Stay) -> bool {
    stay.may_visit
        && !stay.has_visited
        && stay.presence.dwelt_ms(line.last_t, None) + NEXT_MS >= stay.required_ms
}

/// Asks for every cache line of an element; nothing happens if it is not there.
pub fn prefetch<T>(list: &[T], at: usize) {
    let Some(element) = list.get(at) else { return };
    for offset in (0..size_of::<T>()).step_by(CACHE_LINE_BYTES) {
        prefetch_line(core::ptr::from_ref(element).cast::<i8>().wrapping_add(offset));
    }
}

/// Asks for the cache line in which a value begins.
pub fn prefetch_head<T>(value: &T) {
    prefetch_line(core::ptr::from_ref(value).cast());
}

#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "the processor's prefetch has no safe form")]
fn prefetch_line(address: *const i8) {
    use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    // SAFETY: a prefetch neither reads nor writes as the program sees it, at any address.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(address) };
}

/// Other processors are left to find out themselves.
#[cfg(not(target_arch = "x86_64"))]
fn prefetch_line(_address: *const i8) {}

/// How many positions ahead each line is asked for: far enough that it has come when the next one
/// is looked up in it.
const SLOT_AHEAD: usize = 16;
const LINE_AHEAD: usize = 13;
const ROUTE_AHEAD: usize = 10;
const STAY_AHEAD: usize = 7;
const ORDERS_AHEAD: usize = 4;
const VISIT_AHEAD: usize = 2;
/// A courier's next position is likely to be no more than so much later.
const NEXT_MS: i64 = 10_000;
const CACHE_LINE_BYTES: usize = 64;
