//! The random worlds are dense enough: whatever the rules can tell occurs in them.

use std::collections::BTreeSet;

use doorstep::cli::bench::oracle::{Told, ToldBody};
use doorstep::domain::eta::EtaCause;
use doorstep::domain::event::{EndReason, EventKind};
use doorstep::runtime::partition::partition_of;

use crate::drive::{COMPANY, COURIERS, OracleSide};
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

const EXPECTED: [&str; 52] = [
    "ORDER_CREATED",
    "START",
    "START backfilled",
    "ORDER_BECAME_NEXT",
    "STATUS_UPDATE",
    "INTERVAL_UPDATE",
    "ARRIVAL",
    "ARRIVAL backfilled",
    "ORDER_VISIT",
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
