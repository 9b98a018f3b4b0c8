//! How much may wait for the end of a quarantine: what waits is kept in memory and in every snapshot.

use crate::domain::command::Command;
use crate::domain::ids::{CourierId, PartitionId};
use crate::runtime::documents::findings::{Finding, Place};

/// Why commands cannot be taken: about a courier in quarantine as many wait as may. An erasure or a
/// release is always taken.
pub(super) fn full(
    parts: &[(PartitionId, Command)],
    waiting: impl Fn(CourierId) -> usize,
) -> Option<Finding> {
    let is_end =
        |command: &Command| matches!(command, Command::EraseCourier { .. } | Command::Release(_));
    if parts.iter().any(|(_, command)| is_end(command)) {
        return None;
    }
    let couriers = parts.iter().filter_map(|(_, command)| command.courier());
    let full = couriers.into_iter().find(|courier| waiting(*courier) >= WAITING_MAX)?;
    let problem = format!(
        "courier {} is quarantined, and {WAITING_MAX} changes wait for its release: release it \
         (doorstep quarantine release), or erase it",
        full.0
    );
    Some(Finding::new(&Place::object(), problem))
}

/// Most commands about one courier that wait, but for those of a single request.
const WAITING_MAX: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::{WAITING_MAX, full};
    use crate::domain::command::Command;
    use crate::domain::event::EndReason;
    use crate::domain::ids::{CourierId, OrderId, PartitionId, RouteId};

    #[test]
    fn what_waits_has_a_limit_and_the_end_of_it_none() {
        let courier = CourierId(3);
        let (route, order, reason) = (RouteId(1), OrderId(2), EndReason::Removed);
        let change = Command::RemoveOrder { courier, route, order, reason };
        let parts = |command: &Command| vec![(PartitionId(1), command.clone())];
        assert!(full(&parts(&change), |_| WAITING_MAX - 1).is_none());
        let found = full(&parts(&change), |_| WAITING_MAX).expect("it is full");
        assert!(found.detail.contains("courier 3 is quarantined"), "{}", found.detail);
        for end in [Command::Release(courier), Command::EraseCourier { courier }] {
            let both = [parts(&change), parts(&end)].concat();
            assert!(full(&both, |_| WAITING_MAX).is_none());
        }
    }
}
