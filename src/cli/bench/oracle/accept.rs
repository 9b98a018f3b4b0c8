//! Section 3: which positions count, route by route.

use std::collections::BTreeMap;

use super::Courier;
use super::route::Route;
use super::scene::Scene;
use super::stay::Fix;
use super::told::{Told, ToldBody};
use crate::domain::ids::{CourierId, RouteId};
use crate::domain::position::{Position, Source, SourceSet};
use crate::domain::time::{DAY_MS, Time};

/// A position that came to no courier.
pub(super) fn refuse(
    courier: CourierId,
    route: Option<RouteId>,
    position: &Position,
    received_at: Time,
    reason: &'static str,
    out: &mut Vec<Told>,
) {
    let t = position.device_time;
    let backfilled = received_at - t > 300_000;
    out.push(Told { courier, backfilled, body: ToldBody::Dropped { route, t, reason } });
}

pub(super) fn position(
    mut scene: Scene<'_>,
    courier: &mut Courier,
    allowed: SourceSet,
    named: Option<RouteId>,
    position: &Position,
) {
    let fix = Fix::new(position, scene.received_at);
    let age = fix.received_at - fix.t;
    let Courier { routes, seen, .. } = courier;
    let unknown_route = named.is_some_and(|route| !routes.contains_key(&route));
    let movable = movable(&scene, routes, named, fix.t);
    let refused = if age > DAY_MS {
        Some("too_old")
    } else if age < -60_000 {
        Some("future")
    } else if unknown_route {
        Some("route")
    } else if !allowed.contains(position.source) || seen.is_outranked(position.source, &fix) {
        Some("source")
    } else if movable.is_empty() {
        Some("inactive")
    } else {
        None
    };
    if let Some(reason) = refused {
        scene.drop_fix(named, &fix, reason);
        return;
    }
    for id in movable {
        let Some(route) = routes.get_mut(&id) else { continue };
        scene.enter(route);
        scene.accept(route, fix);
    }
}

/// The routes that a position of that time may move.
fn movable(
    scene: &Scene<'_>,
    routes: &BTreeMap<RouteId, Route>,
    named: Option<RouteId>,
    t: Time,
) -> Vec<RouteId> {
    let in_time = |route: &&Route| !route.has_ended && t >= route.tracking_begins(scene.policy);
    routes
        .values()
        .filter(|route| named.is_none_or(|named| named == route.id))
        .filter(in_time)
        .take(8)
        .map(|route| route.id)
        .collect()
}

/// The latest device time that each source of a courier was heard with, highest priority first.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen([Option<Time>; 4]);

impl Seen {
    /// Notes an allowed position; whether a source of higher priority has been heard just before.
    fn is_outranked(&mut self, source: Source, fix: &Fix) -> bool {
        let rank = match source {
            Source::GpsTracker => 0,
            Source::S2sApi => 1,
            Source::App => 2,
            Source::Yanavi => 3,
        };
        if !fix.is_coarse() {
            self.0[rank] = self.0[rank].max(Some(fix.t));
        }
        self.0[..rank].iter().flatten().any(|seen| fix.t - *seen <= 120_000)
    }
}

impl Scene<'_> {
    fn accept(&mut self, route: &mut Route, fix: Fix) {
        if route.last_t == Some(fix.t) {
            return self.drop_fix(Some(route.id), &fix, "duplicate");
        }
        let late = route.last_t.is_some_and(|last| fix.t < last)
            || route.held.is_some_and(|held| fix.t <= held.t);
        if late {
            return self.drop_fix(Some(route.id), &fix, "late");
        }
        if fix.is_coarse() {
            route.last_t = Some(fix.t);
            self.backfilled = !fix.is_fresh();
            if route.tracking_ends(self.policy).is_some_and(|end| fix.t > end) {
                self.end_tracking(route);
            }
            return;
        }
        let follows = route.last_fix.is_none_or(|last| fix.agrees_with(&last));
        match route.held.take() {
            None if follows => self.step(route, fix),
            None => route.held = Some(fix),
            Some(held) if follows => {
                self.drop_fix(Some(route.id), &held, "jump");
                self.step(route, fix);
            }
            Some(held) if fix.agrees_with(&held) => {
                self.step(route, held);
                self.step(route, fix);
            }
            Some(held) => {
                self.drop_fix(Some(route.id), &held, "jump");
                route.held = Some(fix);
            }
        }
    }
}
