//! Asks the memory for what the positions of couriers to come will touch, while those before them
//! are stepped: a courier's line, its route's line and its stay depend on one another, and each is
//! a miss of its own in a large fleet. Changes no state; what is asked for in vain costs a slot of
//! the memory's queue. The one file with unsafe code.

use super::Engine;
use crate::domain::ids::CourierId;

impl Engine {
    /// Called before the position at `at` of a batch is stepped; `courier_at` names the courier of
    /// another place of the batch, if there is one.
    pub fn look_ahead(&self, at: usize, courier_at: impl Fn(usize) -> Option<CourierId>) {
        if let Some(courier) = courier_at(at + SLOT_AHEAD) {
            self.couriers.prefetch_slot(courier);
        }
        if let Some(courier) = courier_at(at + LINE_AHEAD) {
            self.couriers.prefetch_line(courier);
        }
        let route_at = |ahead: usize| {
            let slot = self.couriers.slot(courier_at(at + ahead)?)?;
            let route = self.couriers.line(slot).first_route;
            route.is_some().then_some(route)
        };
        if let Some(route) = route_at(ROUTE_AHEAD) {
            self.routes.prefetch(route);
        }
        if let Some(route) = route_at(STAY_AHEAD) {
            let stay = self.routes.line(route).first_stay;
            if stay.is_some() {
                self.stays.prefetch(stay);
            }
        }
    }
}

/// Asks for every cache line of an element; nothing happens if it is not there.
#[allow(unsafe_code, reason = "the processor's prefetch has no safe form")]
pub fn prefetch<T>(list: &[T], at: usize) {
    let Some(element) = list.get(at) else { return };
    #[cfg(target_arch = "x86_64")]
    for offset in (0..size_of::<T>()).step_by(CACHE_LINE_BYTES) {
        use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        let line = core::ptr::from_ref(element).cast::<i8>().wrapping_add(offset);
        // SAFETY: a prefetch neither reads nor writes as the program sees it, at any address.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(line) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = element;
}

/// How many positions ahead each line is asked for: far enough that it has come when the next one
/// is looked up in it.
const SLOT_AHEAD: usize = 16;
const LINE_AHEAD: usize = 12;
const ROUTE_AHEAD: usize = 8;
const STAY_AHEAD: usize = 4;
#[cfg(target_arch = "x86_64")]
const CACHE_LINE_BYTES: usize = 64;
