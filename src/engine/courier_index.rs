//! Which couriers are near, nearest or within bounds: an R-tree over their anchors.
//!
//! A courier's *anchor* is a point at most [`PADDING_M`] from where the courier is. The tree holds
//! anchors, so a position touches it only when the courier has left the padding around its own; a
//! query widens by the padding and refines every candidate against the live position with the one
//! distance of [`crate::domain::geo`]. Anchors are points in space (metres from the earth's
//! centre), so that the poles and the antimeridian are ordinary places.
//!
//! Knows slots, not couriers: anchors and live positions are kept by the owner of the courier
//! lines. Neither slots nor the shape of the tree reach a result.

pub mod bounds;
mod padding;
mod smallest;
mod space;

use core::cmp::Ordering;

use rstar::primitives::GeomWithData;
use rstar::{AABB, Envelope, RStarInsertionStrategy, RTree, RTreeParams, SelectionFunction};

use crate::domain::geo::{Centre, Point};
use crate::domain::ids::CourierId;
use bounds::Bounds;
pub use padding::PADDING_M;
use smallest::Smallest;
use space::Place;

/// The index of one shard's couriers by place.
///
/// Per slot the order of calls is [`Self::place`] (or [`Self::bulk_load`]), any number of
/// [`Self::moved`], [`Self::remove`]; the owner keeps the anchor that the last call returned. The
/// queries' `live` gives the courier and the live position of a slot that is placed, or `None` for
/// one that the query is not about.
pub struct CourierIndex {
    tree: RTree<Anchored, Nodes>,
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
        Self { tree: RTree::new_with_params() }
    }

    /// The index of many couriers at once, and their anchors in the order given. Faster than one
    /// by one, and the tree is half the size.
    #[must_use]
    pub fn bulk_load(couriers: impl IntoIterator<Item = (u32, Point)>) -> (Self, Vec<Point>) {
        let (anchored, anchors) = couriers
            .into_iter()
            .map(|(slot, point)| {
                let anchor = padding::first_anchor(slot, point);
                (Anchored::new(space::place(anchor), slot), anchor)
            })
            .unzip();
        (Self { tree: RTree::bulk_load_with_params(anchored) }, anchors)
    }

    /// Number of couriers placed.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tree.size()
    }

    /// Whether nobody is placed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds a courier who is not placed, and returns the anchor.
    pub fn place(&mut self, slot: u32, point: Point) -> Point {
        let anchor = padding::first_anchor(slot, point);
        self.tree.insert(Anchored::new(space::place(anchor), slot));
        anchor
    }

    /// Follows a placed courier to `now`. The new anchor, if it had to change: rarely.
    #[inline]
    pub fn moved(&mut self, slot: u32, anchor: Point, now: Point) -> Option<Point> {
        if padding::covers(anchor, now) {
            return None;
        }
        let next = padding::next_anchor(anchor, now);
        self.remove(slot, anchor);
        self.tree.insert(Anchored::new(space::place(next), slot));
        Some(next)
    }

    /// Takes a placed courier out.
    ///
    /// # Panics
    /// If the slot is not placed with that anchor.
    pub fn remove(&mut self, slot: u32, anchor: Point) {
        self.tree
            .remove_with_selection_function(SlotAt { slot, place: space::place(anchor) })
            .expect("a placed courier is in the tree under the anchor it was given");
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
        for anchored in self.tree.locate_within_distance(space::place(around), reach_2(radius_m)) {
            if let Some(live) = live(anchored.data) {
                let nearby = Nearby::at(&centre, live);
                if nearby.distance_m <= radius_m {
                    found.offer(nearby);
                }
            }
        }
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
        let mut found = Smallest::new(nearby_max);
        let mut farthest_2 = f32::INFINITY;
        let by_anchor = self.tree.nearest_neighbor_iter_with_distance_2(space::place(around));
        for (anchored, anchor_2) in by_anchor {
            if anchor_2 > farthest_2 {
                break;
            }
            let Some(live) = live(anchored.data) else { continue };
            found.offer(Nearby::at(&centre, live));
            if let Some(last) = found.last_if_full() {
                farthest_2 = reach_2(last.distance_m);
            }
        }
        found.into_sorted()
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
        let Some((lower, upper)) = space::extent(&bounds, PADDING_M) else {
            return Vec::new();
        };
        for anchored in self.tree.locate_in_envelope(AABB::from_bounds(lower, upper)) {
            if let Some((courier, point)) = live(anchored.data)
                && bounds.contains(point)
            {
                found.offer(courier);
            }
        }
        found.into_sorted()
    }
}

impl Default for CourierIndex {
    fn default() -> Self {
        Self::new()
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

/// Square of how far an anchor may lie whose courier is at most `distance_m` away.
fn reach_2(distance_m: f64) -> f32 {
    let reach_m = space::chord_max_m(distance_m) + PADDING_M;
    (reach_m * reach_m) as f32
}

/// A slot at its anchor's place: 16 bytes.
type Anchored = GeomWithData<Place, u32>;

/// Selects the leaf of one slot by its anchor's place.
struct SlotAt {
    slot: u32,
    place: Place,
}

impl SelectionFunction<Anchored> for SlotAt {
    fn should_unpack_parent(&self, envelope: &AABB<Place>) -> bool {
        envelope.contains_point(&self.place)
    }

    fn should_unpack_leaf(&self, leaf: &Anchored) -> bool {
        leaf.data == self.slot
    }
}

/// Node sizes of the tree. One below a power of two, since a node holds one child too many before
/// it splits and its vector doubles. Reinsertion gains nothing measurable here.
struct Nodes;

impl RTreeParams for Nodes {
    const MIN_SIZE: usize = 10;
    const MAX_SIZE: usize = 31;
    const REINSERTION_COUNT: usize = 0;
    type DefaultInsertionStrategy = RStarInsertionStrategy;
}
