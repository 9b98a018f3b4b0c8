//! A route in kept state: what its orders have in common is written with each of them.

use super::order::{put_orders, take_orders};
use super::{Kept, StateReader, StateWriter, Taken};
use crate::engine::route::{Rare, Route};
use crate::engine::terms::TermsTable;

impl Kept for Route {
    fn put(&self, to: &mut StateWriter) {
        let Self {
            orders,
            terms,
            head_at,
            swept_at: _,
            primed_end: _,
            next_end: _,
            id,
            courier,
            has_planned_end,
            is_violated,
            has_overdue: _,
            last_visited,
            rare: _,
            route_start,
            route_finish,
            created_at,
            first_moved,
            first_position,
        } = self;
        let Rare { nodes_between, depot, starting_depot, held, gone } = self.rare();
        id.put(to);
        courier.put(to);
        put_orders(orders, terms, to);
        put_orders(gone, terms, to);
        nodes_between.put(to);
        depot.put(to);
        starting_depot.put(to);
        route_start.put(to);
        route_finish.put(to);
        has_planned_end.put(to);
        created_at.put(to);
        first_moved.put(to);
        first_position.put(to);
        held.put(to);
        head_at.put(to);
        last_visited.put(to);
        is_violated.put(to);
    }

    fn take(from: &mut StateReader) -> Taken<Self> {
        let mut terms = TermsTable::default();
        let (id, courier) = (Kept::take(from)?, Kept::take(from)?);
        let orders = take_orders(&mut terms, from)?;
        let gone = take_orders(&mut terms, from)?;
        let nodes_between: Vec<_> = Kept::take(from)?;
        let (depot, starting_depot) = (Kept::take(from)?, Kept::take(from)?);
        let mut route = Self {
            id,
            courier,
            orders,
            terms,
            rare: None,
            route_start: Kept::take(from)?,
            route_finish: Kept::take(from)?,
            has_planned_end: Kept::take(from)?,
            created_at: Kept::take(from)?,
            first_moved: Kept::take(from)?,
            first_position: Kept::take(from)?,
            head_at: 0,
            last_visited: None,
            is_violated: false,
            swept_at: 0,
            primed_end: usize::MAX,
            next_end: usize::MAX,
            has_overdue: true,
        };
        let held = Kept::take(from)?;
        route.head_at = Kept::take(from)?;
        route.last_visited = Kept::take(from)?;
        route.is_violated = Kept::take(from)?;
        let rare = Rare { nodes_between, depot, starting_depot, held, gone };
        if !rare.is_none() {
            *route.rare_mut() = rare;
        }
        Ok(route)
    }
}
