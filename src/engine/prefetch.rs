//! Asks the memory for what the positions of couriers to come will touch, while those before them
//! are stepped: a courier's line, its route's line and its stay depend on one another, and each is
//! a miss of its own in a large fleet. Decides nothing; what is asked for in vain costs a slot of
//! the memory's queue. The one file with unsafe code.

use super::couriers::CourierSlot;
use super::route::RouteSlot;
use super::route_line::RouteLine;
use super::stay::Stay;
use super::{Engine, NOBODY};
use crate::domain::geo::Point;
use crate::domain::ids::CourierId;
use crate::domain::time::Time;

/// What is known of the positions to come of a batch, by place in the batch.
#[derive(Debug)]
pub struct Ahead {
    coming: [Coming; RING],
}

#[derive(Clone, Copy, Debug)]
struct Coming {
    courier: CourierId,
    /// Where that courier lives, once its slot was asked for.
    slot: Option<CourierSlot>,
    /// The first of its routes, once its line was asked for.
    route: RouteSlot,
    point: Point,
    t: Time,
    /// Orders will be looked at.
    is_near: bool,
    /// Orders may be looked at though none is near.
    is_due: bool,
}

impl Ahead {
    /// Nothing is known.
    pub const NOTHING: Self = Self { coming: [Coming::NOBODY; RING] };

    fn at(&mut self, at: usize) -> &mut Coming {
        &mut self.coming[at % RING]
    }
}

impl Coming {
    const NOBODY: Self = Self {
        courier: NOBODY,
        slot: None,
        route: RouteSlot::NONE,
        point: Point::ANYWHERE,
        t: Time::DISTANT_PAST,
        is_near: false,
        is_due: false,
    };
}

/// A position to come: whose, where, and its device time.
pub type PositionAhead = (CourierId, Point, Time);

impl Engine {
    /// Called before the position at `at` of a batch is stepped, for every place in it from 0 on;
    /// `position_at` tells of another place of the batch, if there is one.
    #[inline]
    pub fn look_ahead(&mut self, at: usize, position_at: impl Fn(usize) -> Option<PositionAhead>) {
        if at == 0 {
            for first in 0..SLOT_AHEAD {
                self.meet(first, position_at(first));
                if first < LINE_AHEAD {
                    self.find_line(first);
                }
                if first < ROUTE_AHEAD {
                    self.find_route(first);
                }
            }
        }
        self.meet(at + SLOT_AHEAD, position_at(at + SLOT_AHEAD));
        self.find_line(at + LINE_AHEAD);
        self.find_route(at + ROUTE_AHEAD);
        self.look_at_route(at + STAY_AHEAD);
        self.look_at_stay(at + ORDERS_AHEAD);
        let coming = *self.ahead.at(at + VISIT_AHEAD);
        if coming.is_due {
            let route = self.routes.route(coming.route);
            let stay = self.stays.of(self.routes.line(coming.route).first_stay);
            let from = stay.map_or(route.swept_at, |stay| stay.at().min(route.head_at));
            self.routes.prefetch_orders(coming.route, from);
        }
    }

    fn meet(&mut self, at: usize, position: Option<PositionAhead>) {
        *self.ahead.at(at) = position.map_or(Coming::NOBODY, |(courier, point, t)| {
            self.couriers.prefetch_slot(courier);
            Coming { courier, point, t, ..Coming::NOBODY }
        });
    }

    fn find_line(&mut self, at: usize) {
        let coming = self.ahead.at(at);
        coming.slot = self.couriers.slot(coming.courier);
        if let Some(slot) = coming.slot {
            self.couriers.prefetch_line(slot);
        }
    }

    fn find_route(&mut self, at: usize) {
        let coming = self.ahead.at(at);
        if let Some(slot) = coming.slot {
            coming.route = self.couriers.line(slot).first_route;
            self.routes.prefetch_line(coming.route);
        }
    }

    /// Asks for what the line of a route says that its position touches.
    fn look_at_route(&mut self, at: usize) {
        let coming = self.ahead.at(at);
        if !coming.route.is_some() {
            return;
        }
        let line = self.routes.line(coming.route);
        coming.is_near = !line.clearance.covers(coming.point);
        self.stays.prefetch(line.first_stay);
        if coming.is_near {
            self.routes.prefetch_rest(coming.route);
        } else if coming.t >= line.quiet_until {
            self.routes.prefetch_eta(coming.route);
        }
    }

    /// Asks for the orders that a position is near to, or finds out whether others may be looked at:
    /// a stay that visits or ends, or `nearby` that falls due.
    fn look_at_stay(&mut self, at: usize) {
        let coming = self.ahead.at(at);
        if !coming.route.is_some() {
            return;
        }
        let (line, route) = (self.routes.line(coming.route), coming.route);
        let stay = self.stays.of(line.first_stay);
        if coming.is_near {
            let head_at = || self.routes.route(route).head_at;
            self.routes.prefetch_orders(route, stay.map_or_else(head_at, Stay::at));
            return;
        }
        coming.is_due = stay.is_some_and(|stay| is_due(line, stay) || is_away(stay, coming.point))
            || (coming.t >= line.quiet_until && coming.t + SHORTLY_MS > line.eta.nearby_due);
        if coming.is_due {
            self.routes.prefetch_rest(route);
        }
    }
}

/// Whether the next position at a stay is likely to be away; no more than a guess.
fn is_away(stay: &Stay, point: Point) -> bool {
    let (east_m, north_m) = stay.centre.plane_m(point);
    east_m * east_m + north_m * north_m > stay.fence.radius_m * stay.fence.radius_m
}

/// Whether the next position at a stay is likely to visit its order. Parked couriers look at no
/// order otherwise.
fn is_due(line: &RouteLine, stay: &Stay) -> bool {
    stay.may_visit
        && !stay.has_visited
        && stay.presence.dwelt_ms(line.last_t(), None) + NEXT_MS >= stay.required_ms
}

/// Asks for the cache line of an element that begins so many bytes behind its start, which lies
/// within it.
pub fn prefetch_part<T>(list: &[T], at: usize, offset: usize) {
    let Some(element) = list.get(at) else { return };
    prefetch_line(core::ptr::from_ref(element).cast::<i8>().wrapping_add(offset));
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
/// Places of a batch of which something is known.
const RING: usize = 32;
/// ETAs move by more between two positions.
const SHORTLY_MS: i64 = 5_000;
/// A courier's next position is likely to be no more than so much later.
const NEXT_MS: i64 = 10_000;
/// What the memory hands over at once.
pub const CACHE_LINE_BYTES: usize = 64;
