//! Which couriers are near, nearest or within bounds: a grid over their last positions.
//!
//! A position touches the grid only when it lies in another cell than the one before, which is one
//! in forty; that costs two look-ups of cells and four links, where a tree of boxes that must stay
//! balanced costs microseconds. A query looks at the cells it touches and judges every courier in
//! them by the one distance of [`crate::domain::geo`].
//!
//! Knows slots, not couriers: live positions are kept by the owner of the courier lines. Neither
//! slots nor the order within a cell reach a result.

pub mod bounds;
mod cells;
mod reach;
mod smallest;

use core::cmp::Ordering;

use crate::domain::geo::{Centre, Point};
use crate::domain::ids::CourierId;
use bounds::Bounds;
use cells::{Cell, Cells};
use reach::{is_everywhere, reach};
use smallest::Smallest;

/// The index of one shard's couriers by place.
///
/// Per slot the order of calls is [`Self::place`], any number of [`Self::moved`], [`Self::remove`],
/// each with the place that the call before it named. The queries' `live` gives the courier and the
/// place of a slot, or `None` for one that the query is not about.
#[derive(Debug, Default)]
pub struct CourierIndex {
    cells: Cells,
}

/// A courier found around a point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Nearby {
    /// Metres from the centre of the query to the live position.
    pub distance_m: f64,
    /// Who.
    pub courier: CourierId,
}

impl CourierIndex {
    /// An index of nobody.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Number of couriers placed.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.cells.len()
    }

    /// Whether nobody is placed.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds a courier who is not placed.
    pub fn place(&mut self, slot: u32, at: Point) {
        self.cells.insert(slot, Cell::of(at));
    }

    /// Follows a placed courier. Tells whether the grid had to change: rarely.
    #[inline]
    pub fn moved(&mut self, slot: u32, from: Point, to: Point) -> bool {
        let (left, entered) = (Cell::of(from), Cell::of(to));
        if left == entered {
            return false;
        }
        self.cells.remove(slot, left);
        self.cells.insert(slot, entered);
        true
    }

    /// Takes a placed courier out.
    ///
    /// # Panics
    /// If that is seen not to be where the courier was placed.
    pub fn remove(&mut self, slot: u32, at: Point) {
        self.cells.remove(slot, Cell::of(at));
    }

    /// The couriers at most `radius_m` from a point, border included, by (distance, courier). If
    /// there are more than `nearby_max`, the first so many of that order.
    #[must_use]
    pub fn near(
        &self,
        around: Point,
        radius_m: f64,
        nearby_max: usize,
        live: impl Fn(u32) -> Option<(CourierId, Point)>,
    ) -> Vec<Nearby> {
        let centre = Centre::new(around);
        let mut found = Smallest::new(nearby_max);
        self.cells.each_in(&reach(&centre, radius_m), |slot| {
            if let Some(live) = live(slot) {
                let nearby = Nearby::at(&centre, live);
                if nearby.distance_m <= radius_m {
                    found.offer(nearby);
                }
            }
        });
        found.into_sorted()
    }

    /// The `nearby_max` couriers nearest to a point (all, if there are fewer), by (distance,
    /// courier); of equally distant ones the lower courier ids are kept.
    #[must_use]
    pub fn nearest(
        &self,
        around: Point,
        nearby_max: usize,
        live: impl Fn(u32) -> Option<(CourierId, Point)>,
    ) -> Vec<Nearby> {
        if nearby_max == 0 {
            return Vec::new();
        }
        let centre = Centre::new(around);
        let mut radius_m = FIRST_REACH_M;
        loop {
            let bounds = reach(&centre, radius_m);
            let mut found = Smallest::new(nearby_max);
            self.cells.each_in(&bounds, |slot| {
                if let Some(live) = live(slot) {
                    found.offer(Nearby::at(&centre, live));
                }
            });
            // Nobody beyond the reach is nearer than the reach.
            let farthest_m = found.last_if_full().map(|last| last.distance_m);
            if is_everywhere(&bounds) || farthest_m.is_some_and(|last_m| last_m <= radius_m) {
                return found.into_sorted();
            }
            radius_m = farthest_m.unwrap_or(2.0 * radius_m);
        }
    }

    /// The couriers within bounds, by courier id. If there are more than `inside_max`, the lowest
    /// ids.
    #[must_use]
    pub fn within(
        &self,
        bounds: Bounds,
        inside_max: usize,
        live: impl Fn(u32) -> Option<(CourierId, Point)>,
    ) -> Vec<CourierId> {
        let mut found = Smallest::new(inside_max);
        self.cells.each_in(&bounds, |slot| {
            if let Some((courier, point)) = live(slot)
                && bounds.contains(point)
            {
                found.offer(courier);
            }
        });
        found.into_sorted()
    }
}

impl Nearby {
    fn at(centre: &Centre, (courier, point): (CourierId, Point)) -> Self {
        Self { distance_m: centre.distance_m(point), courier }
    }
}

impl Eq for Nearby {}

impl PartialOrd for Nearby {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Nearby {
    /// By distance, then by courier. A distance is never NaN nor negative.
    fn cmp(&self, other: &Self) -> Ordering {
        self.distance_m.total_cmp(&other.distance_m).then(self.courier.cmp(&other.courier))
    }
}

/// So far the search for the nearest begins: a few cells.
const FIRST_REACH_M: f64 = 1_000.0;
