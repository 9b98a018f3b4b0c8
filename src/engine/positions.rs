//! A position's way to the routes it moves: the checks of behaviour 3 that come before any route.

use super::Engine;
use super::couriers::{CourierLine, CourierSlot};
use super::emit::Emit;
use super::fix::Fix;
use super::output::DropReason;
use super::route::RouteSlot;
use crate::domain::ids::{CourierId, RouteId};
use crate::domain::position::{AGE_MAX_MS, LEAD_MAX_MS, Position, Source};

impl Engine {
    /// Steps over one position.
    pub(super) fn position(
        &mut self,
        courier: CourierId,
        route: Option<RouteId>,
        position: &Position,
        emit: &mut Emit,
    ) {
        let t = position.device_time;
        let fix = Fix::new(position, emit.received_at());
        emit.courier = courier;
        emit.backfilled = !fix.is_fresh();
        let Some(slot) = self.couriers.slot(courier) else {
            emit.dropped(route, t, DropReason::UnknownCourier);
            return;
        };
        if route.is_none() && self.keep_calm(slot, position.source, &fix) {
            return;
        }
        let named = route.map(|id| self.route_of(slot, id));
        if let Some(reason) = refusal(&fix)
            .or_else(|| matches!(named, Some(None)).then_some(DropReason::Route))
            .or_else(|| disallowed(self.couriers.line(slot), position))
            .or_else(|| self.outranked(slot, &fix, position.source))
        {
            let is_held = reason == DropReason::Source && self.is_quarantined(courier);
            emit.dropped(route, t, if is_held { DropReason::Quarantined } else { reason });
            return;
        }
        let mut moved = Moved::default();
        match named.flatten() {
            None => self.move_routes(slot, &fix, emit, &mut moved),
            Some(named) => self.move_route(slot, named, &fix, emit, &mut moved),
        }
        if moved.active == 0 {
            emit.dropped(route, t, DropReason::Inactive);
        }
        if moved.active == 0 || moved.accepted > 0 {
            self.locate(slot, &fix);
        }
    }

    /// A better source speaks for the courier. What is too inaccurate outranks nobody.
    fn outranked(&mut self, courier: CourierSlot, fix: &Fix, source: Source) -> Option<DropReason> {
        let t = fix.seen.t;
        let is_outranked = self.couriers.is_outranked(courier, source, t);
        if !fix.is_coarse() {
            self.couriers.hear(courier, source, t);
        }
        is_outranked.then_some(DropReason::Source)
    }

    /// Moves every active route of a courier, by id.
    fn move_routes(&mut self, courier: CourierSlot, fix: &Fix, emit: &mut Emit, moved: &mut Moved) {
        let mut slot = self.couriers.line(courier).first_route;
        while slot.is_some() && moved.active < ROUTES_MOVED_MAX {
            let next = self.routes.line(slot).next;
            self.move_route(courier, slot, fix, emit, moved);
            slot = next;
        }
    }

    fn move_route(
        &mut self,
        courier: CourierSlot,
        slot: RouteSlot,
        fix: &Fix,
        emit: &mut Emit,
        moved: &mut Moved,
    ) {
        if self.is_active(slot, fix) {
            moved.active += 1;
            moved.accepted += usize::from(self.step(courier, slot, emit).position(fix));
        }
    }

    /// Whether a route may be moved; that its end has passed, it finds out itself.
    fn is_active(&self, slot: RouteSlot, fix: &Fix) -> bool {
        let line = self.routes.line(slot);
        !line.is_over && fix.seen.t >= line.active_from
    }

    /// Keeps the last known position of a courier, and the index in step with it.
    fn locate(&mut self, courier: CourierSlot, fix: &Fix) {
        let line = self.couriers.line_mut(courier);
        if fix.is_coarse() {
            return;
        }
        let last = fix.seen;
        let Some(before) = line.located else {
            line.located = Some(last);
            self.index.place(courier.0, last.point);
            return;
        };
        if before.t < last.t {
            line.located = Some(last);
            self.index.moved(courier.0, before.point, last.point);
        }
    }
}

/// What became of a position on its courier's routes.
#[derive(Default)]
struct Moved {
    /// Routes that judged it.
    active: usize,
    /// Routes that accepted it.
    accepted: usize,
}

/// Why a position is refused for its age.
fn refusal(fix: &Fix) -> Option<DropReason> {
    let age_ms = fix.received_at - fix.seen.t;
    if age_ms > AGE_MAX_MS {
        Some(DropReason::TooOld)
    } else {
        (age_ms < -LEAD_MAX_MS).then_some(DropReason::Future)
    }
}

fn disallowed(line: &CourierLine, position: &Position) -> Option<DropReason> {
    (!line.sources.contains(position.source)).then_some(DropReason::Source)
}

/// One position moves at most so many routes.
const ROUTES_MOVED_MAX: usize = 8;
