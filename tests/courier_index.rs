//! The index of couriers against brute force over the live positions: near, nearest, within, in
//! cities, at the poles and across the antimeridian, with moves, jumps and removals.

use doorstep::domain::geo::{Point, distance_m};
use doorstep::domain::ids::CourierId;
use doorstep::engine::courier_index::bounds::Bounds;
use doorstep::engine::courier_index::{CourierIndex, Nearby};
use proptest::prelude::*;

/// The index beside the plain table it must agree with.
struct Couriers {
    index: CourierIndex,
    /// By slot: live position.
    lines: Vec<Option<Point>>,
}

impl Couriers {
    fn placed(points: &[Point]) -> Self {
        let mut couriers = Self { index: CourierIndex::new(), lines: Vec::new() };
        for (slot, &point) in points.iter().enumerate() {
            couriers.index.place(slot as u32, point);
            couriers.lines.push(Some(point));
        }
        couriers
    }

    fn change(&mut self, change: &Change) {
        let slot = change.slot % self.lines.len();
        let Some(live) = &mut self.lines[slot] else {
            self.index.place(slot as u32, change.to);
            self.lines[slot] = Some(change.to);
            return;
        };
        let before = *live;
        match change.kind {
            Kind::Remove => {
                self.index.remove(slot as u32, before);
                self.lines[slot] = None;
            }
            Kind::Step { lat_e7, lon_e7 } => {
                let lon_e7 = i64::from(live.lon_e7()) + i64::from(lon_e7);
                let lon_e7 = (lon_e7 + 1_800_000_000).rem_euclid(3_600_000_000) - 1_800_000_000;
                if let Ok(to) = Point::from_e7(live.lat_e7() + lat_e7, lon_e7 as i32) {
                    *live = to;
                }
            }
            Kind::Jump => *live = change.to,
        }
        if let Some(live) = self.lines[slot] {
            self.index.moved(slot as u32, before, live);
        }
    }

    /// Ids run against the slots, so that an order by slot shows.
    fn courier(slot: usize) -> CourierId {
        CourierId(1_000_000 - slot as u32)
    }

    fn live(&self, slot: u32) -> Option<(CourierId, Point)> {
        Some((Self::courier(slot as usize), self.lines[slot as usize].expect("placed")))
    }

    fn all(&self) -> impl Iterator<Item = (CourierId, Point)> {
        let placed =
            |(slot, line): (usize, &Option<Point>)| line.map(|live| (Self::courier(slot), live));
        self.lines.iter().enumerate().filter_map(placed)
    }

    fn by_distance(&self, around: Point) -> Vec<Nearby> {
        let mut all: Vec<Nearby> = self
            .all()
            .map(|(courier, live)| Nearby { distance_m: distance_m(around, live), courier })
            .collect();
        all.sort_by(|a, b| a.distance_m.total_cmp(&b.distance_m).then(a.courier.cmp(&b.courier)));
        all
    }

    fn check(&self, query: &Query) -> Result<(), TestCaseError> {
        prop_assert_eq!(self.index.len(), self.all().count());
        let sorted = self.by_distance(query.around);
        // Half of the radii are exactly the distance of some courier: the border.
        let radius_m = match query.border {
            Some(nth) if !sorted.is_empty() => sorted[nth % sorted.len()].distance_m,
            Some(_) | None => query.radius_m,
        };
        let live = |slot| self.live(slot);
        let mut near = sorted.clone();
        near.retain(|nearby| nearby.distance_m <= radius_m);
        near.truncate(query.len_max);
        prop_assert_eq!(self.index.near(query.around, radius_m, query.len_max, live), near);
        let mut nearest = sorted;
        nearest.truncate(query.len_max);
        prop_assert_eq!(self.index.nearest(query.around, query.len_max, live), nearest);
        let mut within: Vec<CourierId> = self
            .all()
            .filter(|&(_, live)| query.bounds.contains(live))
            .map(|(courier, _)| courier)
            .collect();
        within.sort();
        within.truncate(query.len_max);
        prop_assert_eq!(self.index.within(query.bounds, query.len_max, live), within);
        Ok(())
    }
}

#[derive(Clone, Debug)]
enum Kind {
    Step { lat_e7: i32, lon_e7: i32 },
    Jump,
    Remove,
}

#[derive(Clone, Debug)]
struct Change {
    slot: usize,
    kind: Kind,
    to: Point,
}

#[derive(Clone, Debug)]
struct Query {
    around: Point,
    radius_m: f64,
    border: Option<usize>,
    len_max: usize,
    bounds: Bounds,
}

fn point(lat_e7: i64, lon_e7: i64) -> Point {
    let lat_e7 = lat_e7.clamp(-900_000_000, 900_000_000);
    let lon_e7 = (lon_e7 + 1_800_000_000).rem_euclid(3_600_000_000) - 1_800_000_000;
    Point::from_e7(lat_e7 as i32, lon_e7 as i32).unwrap_or(Point::ANYWHERE)
}

/// Points about one centre, at a spread (in units of 1e-7 degrees) of a street to a continent.
fn cloud((lat, lon): (i64, i64), spread_e7: i64) -> BoxedStrategy<Point> {
    // Near a pole all longitudes are neighbours.
    let lon_e7 = if lat.abs() >= 89 { 1_800_000_000 } else { spread_e7 };
    (-spread_e7..=spread_e7, -lon_e7..=lon_e7)
        .prop_map(move |(dy, dx)| point(lat * 10_000_000 + dy, lon * 10_000_000 + dx))
        .boxed()
}

fn bounds(somewhere: BoxedStrategy<Point>) -> impl Strategy<Value = Bounds> {
    (somewhere.clone(), somewhere, any::<bool>()).prop_map(|(a, b, swap)| {
        let (south, north) = (a.lat_e7().min(b.lat_e7()), a.lat_e7().max(b.lat_e7()));
        let (west, east) = if swap { (b, a) } else { (a, b) };
        let (west_e7, east_e7) = (west.lon_e7(), east.lon_e7());
        Bounds { west_e7, south_e7: south, east_e7, north_e7: north }
    })
}

fn change(somewhere: BoxedStrategy<Point>) -> impl Strategy<Value = Change> {
    let step = 60_000;
    let kind = prop_oneof![
        8 => (-step..=step, -step..=step).prop_map(|(lat_e7, lon_e7)| Kind::Step { lat_e7, lon_e7 }),
        2 => Just(Kind::Jump),
        1 => Just(Kind::Remove),
    ];
    (any::<usize>(), kind, somewhere).prop_map(|(slot, kind, to)| Change { slot, kind, to })
}

fn query(somewhere: BoxedStrategy<Point>) -> impl Strategy<Value = Query> {
    let radius_m = prop_oneof![Just(0.0), 0.0..2_000.0_f64, 0.0..50_000.0_f64, 0.0..2e7_f64];
    let len_max = prop_oneof![0..5_usize, 5..400_usize];
    (somewhere.clone(), radius_m, any::<Option<usize>>(), len_max, bounds(somewhere)).prop_map(
        |(around, radius_m, border, len_max, bounds)| Query {
            around,
            radius_m,
            border,
            len_max,
            bounds,
        },
    )
}

fn day() -> impl Strategy<Value = (Vec<Point>, Vec<Change>, Vec<Query>)> {
    let centres = prop::sample::select(vec![
        (52, 13),
        (0, 0),
        (-33, 151),
        (69, 18),
        (75, 20),
        (90, 0),
        (-90, 0),
        (89, 179),
        (12, 180),
        (-17, -180),
        (74, 180),
        (40, 90),
        (1, -90),
    ]);
    let spread_e7 = prop::sample::select(vec![2_000, 60_000, 400_000, 3_000_000, 200_000_000]);
    (centres, spread_e7).prop_flat_map(|(centre, spread_e7)| {
        let somewhere = cloud(centre, spread_e7);
        (
            prop::collection::vec(somewhere.clone(), 1..300),
            prop::collection::vec(change(somewhere.clone()), 0..300),
            prop::collection::vec(query(somewhere), 1..12),
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(600)
    })]

    #[test]
    fn it_finds_what_brute_force_finds((points, changes, queries) in day()) {
        let mut couriers = Couriers::placed(&points);
        for query in &queries {
            couriers.check(query)?;
        }
        for changes in changes.chunks(40) {
            for change in changes {
                couriers.change(change);
            }
            for query in &queries {
                couriers.check(query)?;
            }
        }
    }
}

#[test]
fn couriers_who_start_in_one_spot_leave_it_without_a_search_of_all() {
    let depot = Point::from_degrees(48.2, 16.4).unwrap();
    let mut couriers = Couriers::placed(&vec![depot; 20_000]);
    let around = couriers.index.near(depot, 0.0, 30_000, |slot| couriers.live(slot));
    assert_eq!(around.len(), 20_000);
    assert!(around.is_sorted_by_key(|nearby| nearby.courier));
    for slot in 0..20_000 {
        let away = Kind::Step { lat_e7: 40_000, lon_e7: (slot as i32 % 200 - 100) * 1_000 };
        couriers.change(&Change { slot, kind: away, to: depot });
    }
    assert_eq!(couriers.index.near(depot, 440.0, 10, |slot| couriers.live(slot)), []);
    assert_eq!(couriers.index.nearest(depot, 10, |slot| couriers.live(slot)).len(), 10);
}

#[test]
fn a_courier_who_stays_in_a_cell_does_not_change_the_grid() {
    let start = Point::from_degrees(59.9, 10.7).unwrap();
    let mut index = CourierIndex::new();
    index.place(0, start);
    let near = Point::from_e7(start.lat_e7(), start.lon_e7() + 1_000).unwrap();
    assert!(!index.moved(0, start, near));
    let away = Point::from_e7(start.lat_e7() + 140_000, start.lon_e7()).unwrap();
    assert!(index.moved(0, near, away));
    index.remove(0, away);
    assert!(index.is_empty());
}
