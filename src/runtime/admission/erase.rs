//! What an erasure changes in the documents: the courier goes with its routes, whose orders are then
//! on no route; the orders stay.

use std::collections::BTreeSet;

use super::draft::Draft;
use super::request::{Accepted, Refusal};
use super::rules::route::orders_of;
use super::store::Stop;
use crate::domain::command::Command;
use crate::domain::ids::{CompanyId, CourierId, PartitionId};
use crate::runtime::partition::partition_of;
use crate::storage::catalog::change::{Change, Kind};

/// What is to be done beside what the draft holds.
pub(super) struct Erased {
    pub(super) accepted: Accepted,
    /// The last change of the catalog.
    pub(super) change: Change,
    /// The last command.
    pub(super) part: (PartitionId, Command),
}

/// Takes a courier of a company out of the documents.
pub(super) fn courier(
    draft: &mut Draft<'_>,
    company: CompanyId,
    courier: CourierId,
    orders: &[u64],
) -> Result<Erased, Stop> {
    let id = u64::from(courier.0);
    if draft.own(Kind::Courier, u64::from(company.0), id)?.is_none() {
        return Err(Stop::Refused(Refusal::NotFound(Kind::Courier.name())));
    }
    let mut orders: BTreeSet<u64> = orders.iter().copied().collect();
    for route in draft.routes_of(id)? {
        let Some(document) = draft.document(Kind::Route, route)?.map(|route| route.clone()) else {
            continue;
        };
        for order in orders_of(&document) {
            orders.insert(order);
            if let Some(order) = draft.document(Kind::Order, order)? {
                order.parent = None;
            }
        }
        draft.delete(Kind::Route, route)?;
    }
    draft.delete(Kind::Courier, id)?;
    Ok(Erased {
        accepted: Accepted { updated: 1, ids: vec![id], ..Accepted::default() },
        change: Change::EraseCourier { courier: id, orders: orders.into_iter().collect() },
        part: (partition_of(company, courier), Command::EraseCourier { courier }),
    })
}
