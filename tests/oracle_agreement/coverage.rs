//! The random worlds are dense enough: whatever the rules can tell occurs in them.

use std::collections::{BTreeMap, BTreeSet};

use doorstep::cli::bench::oracle::{Told, ToldBody};
use doorstep::domain::command::Command;
use doorstep::domain::eta::EtaCause;
use doorstep::domain::event::{EndReason, EventKind};
use doorstep::domain::policy::{InferredVisits, OverlapPolicy};
use doorstep::domain::position::SourceSet;
use doorstep::runtime::partition::partition_of;

use crate::drive::{COMPANY, COURIERS, Fact, Item, OracleSide};
use crate::world;

#[test]
fn every_kind_of_telling_occurs_in_two_hundred_worlds() {
    let mut seen = BTreeSet::new();
    for seed in 0..200 {
        let mut oracle = OracleSide::new();
        for item in world::script(seed) {
            for told in oracle.step(&item) {
                names(&told, &mut seen);
            }
        }
    }
    let missing: Vec<_> = EXPECTED.iter().filter(|name| !seen.contains(**name)).collect();
    assert!(missing.is_empty(), "never told: {missing:?}");
}

/// Each rule decides something often: worlds without it tell otherwise.
#[test]
fn every_rule_makes_a_difference_in_many_of_two_hundred_worlds() {
    let mut counts = BTreeMap::new();
    for seed in 0..200 {
        let script = world::script(seed);
        let told = telling(&script);
        let mut fired = BTreeSet::new();
        for (name, neutralise) in NEUTRAL {
            let mut without = script.clone();
            without.iter_mut().for_each(|item| neutralise(&mut item.fact));
            if telling(&without) != told {
                fired.insert(name);
            }
        }
        fired.extend(flags(&told));
        if is_outranked(&script) {
            fired.insert("source priority");
        }
        for name in fired {
            *counts.entry(name).or_insert(0) += 1;
        }
    }
    println!("{counts:?}");
    let names = NEUTRAL.iter().map(|(name, _)| *name);
    for name in names.chain(["inferred", "interpolated", "source priority"]) {
        assert!(counts.get(name).is_some_and(|count| *count >= 20), "{name}: {counts:?}");
    }
}

fn telling(script: &[Item]) -> Vec<Told> {
    let mut oracle = OracleSide::new();
    script.iter().flat_map(|item| oracle.step(item)).collect()
}

type Neutralise = fn(&mut Fact);

const NEUTRAL: [(&str, Neutralise); 4] = [
    ("nearest", |fact| {
        if let Fact::Command(Command::PutPolicy { policy, .. }) = fact {
            policy.overlap_policy = OverlapPolicy::Parallel;
        }
    }),
    ("inferred visits", |fact| {
        if let Fact::Command(Command::PutPolicy { policy, .. }) = fact {
            policy.inferred_visits = InferredVisits::Off;
        }
    }),
    ("silent devices", |fact| {
        if let Fact::Position { position, .. } = fact {
            position.silent_when_still = false;
        }
    }),
    ("frozen receivers", |fact| {
        if let Fact::Position { position, .. } = fact {
            position.speed_mps = None;
        }
    }),
];

fn flags(told: &[Told]) -> BTreeSet<&'static str> {
    let mut flags = BTreeSet::new();
    for told in told {
        if let ToldBody::Event(event) = &told.body
            && let EventKind::OrderVisit(at) = event.kind
        {
            flags.extend(at.inferred.then_some("inferred"));
            flags.extend(at.interpolated.then_some("interpolated"));
        }
    }
    flags
}

/// Whether a position was dropped for its source although all its sources are allowed.
fn is_outranked(script: &[Item]) -> bool {
    let mut allowing = script.to_vec();
    for item in &mut allowing {
        match &mut item.fact {
            Fact::Command(Command::PutPolicy { policy, .. }) => {
                policy.allowed_courier_position_sources = SourceSet::ALL;
            }
            Fact::Command(Command::PutCourier(plan)) => {
                plan.allowed_courier_position_sources = None;
            }
            Fact::Command(_) | Fact::Position { .. } | Fact::Clock => {}
        }
    }
    telling(&allowing)
        .iter()
        .any(|told| matches!(told.body, ToldBody::Dropped { reason: "source", .. }))
}

#[test]
fn couriers_live_in_different_partitions() {
    let partitions: BTreeSet<_> = COURIERS.iter().map(|id| partition_of(COMPANY, *id)).collect();
    assert_eq!(partitions.len(), COURIERS.len());
}

fn names(told: &Told, seen: &mut BTreeSet<String>) {
    let mut see = |name: &str| {
        if told.backfilled {
            seen.insert(format!("{name} backfilled"));
        }
        seen.insert(name.into());
    };
    match &told.body {
        ToldBody::Event(event) => {
            see(event.kind.name());
            match event.kind {
                EventKind::Departure { reason, visited, .. } => {
                    see(&format!("{} {visited}", reason.name()));
                    if reason == EndReason::Left {
                        see("left");
                    }
                    see(reason.name());
                }
                EventKind::StatusUpdate { initiator, .. } => see(initiator.name()),
                EventKind::Arrival(at) if at.stay > 1 => see("further stay"),
                EventKind::OrderVisit(at) if at.inferred => see("inferred"),
                EventKind::OrderVisit(at) if at.interpolated => see("interpolated"),
                _ => {}
            }
        }
        ToldBody::Notification(note) => see(&format!("{:?}", note.kind)),
        ToldBody::Eta { change, orders } => {
            see(change.cause.name());
            if change.cause == EtaCause::Timer {
                see(match orders.first().map(|order| order.eta.is_some()) {
                    None => "stale",
                    Some(true) => "clamped",
                    Some(false) => "nulled",
                });
            }
        }
        ToldBody::RouteViolated { .. } => see("violated"),
        ToldBody::Dropped { reason, .. } => see(reason),
    }
}

const EXPECTED: [&str; 54] = [
    "ORDER_CREATED",
    "START",
    "START backfilled",
    "ORDER_BECAME_NEXT",
    "STATUS_UPDATE",
    "INTERVAL_UPDATE",
    "ARRIVAL",
    "ARRIVAL backfilled",
    "ORDER_VISIT",
    "inferred",
    "interpolated",
    "ORDER_VISIT backfilled",
    "DEPARTURE",
    "DEPARTURE backfilled",
    "further stay",
    "left",
    "left false",
    "left true",
    "cancelled",
    "removed",
    "moved_route",
    "moved_point",
    "courier_changed",
    "tracking_over",
    "tracking_over false",
    "tracking_over true",
    "yandex",
    "app",
    "user_api",
    "ShiftStart",
    "Nearby(Eta(0))",
    "Nearby(Eta(1))",
    "Nearby(Eta(2))",
    "Nearby(Eta(3))",
    "Nearby(Distance)",
    "Nearby(Arrival)",
    "fix",
    "fix backfilled",
    "visit",
    "visit backfilled",
    "status",
    "sequence",
    "timer",
    "stale",
    "clamped",
    "nulled",
    "violated",
    "too_old",
    "future",
    "route",
    "source",
    "inactive",
    "late",
    "jump",
];
