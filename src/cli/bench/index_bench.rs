//! `doorstep bench index`: what it costs to keep couriers in the index, and to ask it.
//!
//! Time is the process's own CPU time, so that a busy machine disturbs less. Knows the index only
//! by its public calls.

use std::io::{self, Write};

use clap::Args;
use serde::Serialize;

use super::index_fleet::{CITY_COURIERS, CYCLE_STEPS, FLEET_COURIERS_MAX, IndexFleet};
use super::measure::{cpu_s_of, resident_bytes};
use crate::domain::geo::{Point, Scale};
use crate::domain::ids::CourierId;
use crate::engine::courier_index::CourierIndex;
use crate::engine::courier_index::bounds::Bounds;

/// Measures the index of couriers: moves, queries, memory.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example: doorstep bench index --couriers 100000 --json")]
pub struct IndexBenchArgs {
    /// Couriers, 10,000 per city.
    #[arg(long, value_name = "N", default_value_t = 100_000,
        value_parser = clap::value_parser!(u32).range(1..=i64::from(FLEET_COURIERS_MAX)))]
    pub couriers: u32,
    /// Seed of the couriers' ways and of the queries' places.
    #[arg(long, default_value_t = 42)]
    pub seed: u64,
    /// Prints one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// Runs the benchmark and prints its result.
///
/// # Errors
/// If the result cannot be written.
pub fn run(args: &IndexBenchArgs, out: &mut dyn Write) -> io::Result<()> {
    let report = measure(args);
    if args.json {
        serde_json::to_writer(&mut *out, &report)?;
        return writeln!(out);
    }
    report.print(out)
}

/// The couriers of a fleet in an index, with what an engine would keep in their lines.
pub struct IndexedFleet {
    /// Who moves.
    pub fleet: IndexFleet,
    /// What is measured.
    pub index: CourierIndex,
    /// By slot: live position.
    pub lines: Vec<Point>,
}

impl IndexedFleet {
    /// A fleet whose index is still empty.
    #[must_use]
    pub fn new(couriers: u32, seed: u64) -> Self {
        let fleet = IndexFleet::new(couriers, seed);
        let lines = fleet.points();
        Self { fleet, index: CourierIndex::new(), lines }
    }

    /// Loads the index with everybody where they stand.
    pub fn load(&mut self) {
        for (slot, &live) in (0..).zip(&self.lines) {
            self.index.place(slot, live);
        }
    }

    /// Gives every courier's report to the index. Returns how many changed their cell.
    pub fn report_all(&mut self) -> u64 {
        let mut changed = 0;
        for (slot, now) in self.fleet.reports() {
            let line = &mut self.lines[slot as usize];
            let before = core::mem::replace(line, now);
            changed += u64::from(self.index.moved(slot, before, now));
        }
        changed
    }

    /// Courier and live position of a slot.
    #[must_use]
    pub fn live(&self, slot: u32) -> Option<(CourierId, Point)> {
        Some((CourierId(slot), self.lines[slot as usize]))
    }
}

fn measure(args: &IndexBenchArgs) -> Report {
    let mut indexed = IndexedFleet::new(args.couriers, args.seed);
    let resident_before = resident_bytes();
    let load_s = cpu_s_of(|| indexed.load());
    let resident_loaded = resident_bytes();
    let moves = measure_moves(&mut indexed);
    let resident_after = resident_bytes();
    let places: Vec<Point> = (0..QUERIES).map(|_| indexed.fleet.somewhere()).collect();
    let live = |slot| indexed.live(slot);
    let per_courier = |resident: Option<f64>| {
        Some((resident? - resident_before?).max(0.0) / f64::from(args.couriers))
    };
    let near = |radius_m| {
        Queries::measure(&places, |&place| {
            indexed.index.near(place, radius_m, HITS_MAX, live).len()
        })
    };
    Report {
        couriers: args.couriers,
        cities: args.couriers.div_ceil(CITY_COURIERS),
        seed: args.seed,
        load_s,
        moves: moves.moves,
        ns_per_move: moves.cpu_s * 1e9 / moves.moves as f64,
        cells_per_move: moves.cells as f64 / moves.moves as f64,
        near_500_m: near(500.0),
        near_900_m: near(900.0),
        nearest_10: Queries::measure(&places, |&place| {
            indexed.index.nearest(place, 10, live).len()
        }),
        within_1_km: Queries::measure(&places, |&place| {
            indexed.index.within(square(place, 1_000.0), HITS_MAX, live).len()
        }),
        bytes_per_courier_loaded: per_courier(resident_loaded),
        bytes_per_courier: per_courier(resident_after),
    }
}

struct Moves {
    moves: u64,
    cells: u64,
    cpu_s: f64,
}

/// Lets the fleet and the tree settle for one cycle, then measures two.
fn measure_moves(indexed: &mut IndexedFleet) -> Moves {
    for _ in 0..CYCLE_STEPS {
        indexed.fleet.step();
        indexed.report_all();
    }
    let mut measured = Moves { moves: 0, cells: 0, cpu_s: 0.0 };
    for _ in 0..2 * CYCLE_STEPS {
        indexed.fleet.step();
        let mut cells = 0;
        measured.cpu_s += cpu_s_of(|| cells = indexed.report_all());
        measured.cells += cells;
        measured.moves += indexed.lines.len() as u64;
    }
    measured
}

/// The square of that side around a point.
fn square(centre: Point, side_m: f64) -> Bounds {
    let scale = Scale::at(centre);
    let (lat_e7, lon_e7) =
        ((side_m / 2.0 / scale.lat_m) as i32, (side_m / 2.0 / scale.lon_m) as i32);
    Bounds {
        west_e7: centre.lon_e7() - lon_e7,
        south_e7: centre.lat_e7() - lat_e7,
        east_e7: centre.lon_e7() + lon_e7,
        north_e7: centre.lat_e7() + lat_e7,
    }
}

#[derive(Serialize)]
struct Report {
    couriers: u32,
    cities: u32,
    seed: u64,
    load_s: f64,
    moves: u64,
    ns_per_move: f64,
    cells_per_move: f64,
    near_500_m: Queries,
    /// About sixteen couriers, at ten thousand a city.
    near_900_m: Queries,
    nearest_10: Queries,
    within_1_km: Queries,
    bytes_per_courier_loaded: Option<f64>,
    bytes_per_courier: Option<f64>,
}

impl Report {
    fn print(&self, out: &mut dyn Write) -> io::Result<()> {
        let Self { couriers, cities, seed, moves, .. } = self;
        writeln!(
            out,
            "{couriers} couriers, {cities} cities, {moves} moves, seed {seed}; CPU time"
        )?;
        writeln!(out, "load            {:9.3} s", self.load_s)?;
        writeln!(out, "move            {:9.1} ns", self.ns_per_move)?;
        writeln!(out, "cells changed   {:9.4} per move", self.cells_per_move)?;
        let queries = [
            ("near, 500 m", &self.near_500_m),
            ("near, 900 m", &self.near_900_m),
            ("nearest 10", &self.nearest_10),
            ("within 1x1 km", &self.within_1_km),
        ];
        for (name, Queries { us_per_query, mean_hits }) in queries {
            writeln!(out, "{name:<15} {us_per_query:9.2} us, {mean_hits:.2} hits")?;
        }
        if let (Some(loaded), Some(after)) = (self.bytes_per_courier_loaded, self.bytes_per_courier)
        {
            writeln!(
                out,
                "memory          {loaded:9.0} bytes per courier loaded, {after:.0} after moves"
            )?;
        }
        Ok(())
    }
}

#[derive(Serialize)]
struct Queries {
    us_per_query: f64,
    mean_hits: f64,
}

impl Queries {
    fn measure(places: &[Point], query: impl Fn(&Point) -> usize) -> Self {
        let mut hits = 0;
        let cpu_s = cpu_s_of(|| hits = places.iter().map(query).sum::<usize>());
        let number = places.len() as f64;
        Self { us_per_query: cpu_s * 1e6 / number, mean_hits: hits as f64 / number }
    }
}

/// Queries of each kind.
const QUERIES: usize = 20_000;
/// Hits of one query: more than any here has.
const HITS_MAX: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_one_json_object_and_counts_every_move() {
        let args = IndexBenchArgs { couriers: 500, seed: 42, json: true };
        let mut out = Vec::new();
        run(&args, &mut out).unwrap();
        let report: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(report["moves"], 500 * 62);
        assert_eq!(report["nearest_10"]["mean_hits"], 10.0);
    }
}
