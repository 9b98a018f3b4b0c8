//! The random worlds hold what the finer rules of detection need: long brackets with and without
//! movement at either end, exits by rows of every kind, visits told on the way out, and stands near a border.

use std::collections::BTreeMap;

use doorstep::cli::bench::oracle::ToldBody;
use doorstep::domain::event::{EndReason, EventKind, StayPoint};
use doorstep::domain::ids::{CourierId, OrderId};
use doorstep::domain::position::Position;

use crate::drive::{Fact, Item, OracleSide};
use crate::world;

#[test]
fn every_kind_of_crossing_and_exit_occurs_in_three_hundred_worlds() {
    let mut counts = BTreeMap::new();
    for seed in 0..300 {
        count(&world::script(seed), &mut counts);
    }
    println!("{counts:?}");
    for name in EXPECTED {
        assert!(counts.get(name).is_some_and(|count| *count >= 10), "{name}: {counts:?}");
    }
}

const EXPECTED: [&str; 14] = [
    "entry false false",
    "entry false true",
    "entry true false",
    "entry true true",
    "exit false false",
    "exit false true",
    "exit true false",
    "exit true true",
    "row under 20 s",
    "row under 45 s",
    "visit on the way in",
    "visit on the way out",
    "visit by a silence",
    "visit after a doubtful stand",
];

fn count(script: &[Item], counts: &mut BTreeMap<String, u32>) {
    let mut oracle = OracleSide::new();
    let mut entries: BTreeMap<OrderId, StayPoint> = BTreeMap::new();
    let mut see = |name: String| *counts.entry(name).or_insert(0) += 1;
    for item in script {
        for told in oracle.step(item) {
            let ToldBody::Event(event) = &told.body else { continue };
            let long = |at| bracket(script, told.courier, at);
            match &event.kind {
                EventKind::Arrival(at) => {
                    entries.insert(event.order, *at);
                    long(at).into_iter().for_each(|kind| see(format!("entry {kind}")));
                }
                EventKind::OrderVisit(at) => {
                    let kind = entries.get(&event.order).and_then(|entry| visit(entry, at));
                    let kind = kind.or_else(|| late(item, at));
                    kind.into_iter().for_each(|kind| see(kind.into()));
                }
                EventKind::Departure { at, reason: EndReason::Left, .. } => {
                    long(at).into_iter().for_each(|kind| see(format!("exit {kind}")));
                    row(item, at).into_iter().for_each(|kind| see(kind.into()));
                }
                _ => {}
            }
        }
    }
}

/// On the way in: its dwell began before the entry, or with the window.
fn visit(entry: &StayPoint, at: &StayPoint) -> Option<&'static str> {
    let required = at.estimated_time - entry.estimated_time;
    match (entry.interpolated, at.interpolated, at.inferred) {
        (_, _, true) => Some("visit by a silence"),
        (false, true, _) => Some("visit on the way out"),
        (false, false, _) if at.device_time - entry.device_time < required => {
            Some("visit on the way in")
        }
        _ => None,
    }
}

/// Told with the exit, of a dwell that positions inside had met.
fn late(item: &Item, at: &StayPoint) -> Option<&'static str> {
    let Fact::Position { position, .. } = &item.fact else { return None };
    let is_late = at.device_time < position.device_time && !at.interpolated && !at.inferred;
    is_late.then_some("visit after a doubtful stand")
}

/// How long after the first of its row the position at work came.
fn row(item: &Item, at: &StayPoint) -> Option<&'static str> {
    let Fact::Position { position, .. } = &item.fact else { return None };
    match position.device_time - at.device_time {
        0..20_000 if !at.interpolated => Some("row under 20 s"),
        20_000..45_000 => Some("row under 45 s"),
        _ => None,
    }
}

/// Whether the courier's positions at the ends of a bracket over 60 s state a movement.
fn bracket(script: &[Item], courier: CourierId, at: &StayPoint) -> Option<String> {
    let of_courier = |item: &Item| match item.fact {
        Fact::Position { courier: id, position, .. } if id == courier => Some(position),
        _ => None,
    };
    let positions = || script.iter().filter_map(of_courier);
    let second = positions().find(|p| p.device_time == at.device_time && p.point == at.point)?;
    let first =
        positions().filter(|p| p.device_time < at.device_time).max_by_key(|p| p.device_time)?;
    let moves = |position: &Position| position.speed_mps.is_some_and(|speed| speed > 2.0);
    let is_long = second.device_time - first.device_time > 60_000;
    (is_long && at.estimated_time != at.device_time)
        .then(|| format!("{} {}", moves(&first), moves(&second)))
}
