//! Lays the engine's outputs beside the oracle's, in the same words.

use super::oracle::{Told, ToldBody};
use crate::domain::ids::CourierId;
use crate::engine::output::{Output, OutputBody, Outputs};

/// What the engine told, in the oracle's words.
#[must_use]
pub fn told_by(outputs: &Outputs) -> Vec<Told> {
    outputs.list().iter().map(|output| translated(output, outputs)).collect()
}

fn translated(output: &Output, outputs: &Outputs) -> Told {
    let body = match output.body {
        OutputBody::Event(event) => ToldBody::Event(event),
        OutputBody::Notification(notification) => ToldBody::Notification(notification),
        OutputBody::Eta { change, orders } => {
            ToldBody::Eta { change, orders: outputs.order_etas(orders).to_vec() }
        }
        OutputBody::RouteViolated { route, t } => ToldBody::RouteViolated { route, t },
        OutputBody::Dropped { route, t, reason } => {
            ToldBody::Dropped { route, t, reason: reason.name() }
        }
    };
    Told { courier: output.courier, backfilled: output.backfilled, body }
}

/// The first courier for whom two tellings differ, with both sides; each courier's own order
/// counts, not the order between couriers.
#[must_use]
pub fn first_difference(
    mut left: Vec<Told>,
    mut right: Vec<Told>,
) -> Option<(CourierId, Vec<Told>, Vec<Told>)> {
    left.sort_by_key(|told| told.courier);
    right.sort_by_key(|told| told.courier);
    if left == right {
        return None;
    }
    let place = left.iter().zip(&right).take_while(|(left, right)| left == right).count();
    let courier =
        left.get(place).into_iter().chain(right.get(place)).map(|told| told.courier).min()?;
    let only = |side: Vec<Told>| side.into_iter().filter(|told| told.courier == courier).collect();
    Some((courier, only(left), only(right)))
}
