//! What holds of every list of outputs, whatever came in (behaviour, section 8).

use std::collections::{BTreeMap, BTreeSet};

use doorstep::domain::event::{EventKind, OrderEvent, StayPoint};
use doorstep::domain::notification::{NearbyTrigger, NotificationKind};
use doorstep::engine::output::OutputBody;

use super::play::Told;

/// Every invariant that these outputs break, in words.
pub fn broken(told: &[Told]) -> Vec<String> {
    let mut faults = ids(told);
    faults.extend(broken_beyond_ids(told));
    faults
}

/// The same but for ids, whose ordinals have holes where positions were dropped.
pub fn broken_beyond_ids(told: &[Told]) -> Vec<String> {
    let mut faults = notifications(told);
    let mut histories: BTreeMap<_, Vec<OrderEvent>> = BTreeMap::new();
    for told in told {
        if let OutputBody::Event(event) = told.output.body {
            let key = (told.output.courier, event.order, event.route);
            histories.entry(key).or_default().push(event);
        }
    }
    for ((_, order, route), history) in histories {
        let faults_of = stays(&history).into_iter().chain(once(&history));
        faults.extend(faults_of.map(|fault| format!("order {order} on route {route}: {fault}")));
    }
    faults
}

/// Ids are unique, and the ordinals of one input count from 0 without a hole.
fn ids(told: &[Told]) -> Vec<String> {
    let mut next: BTreeMap<_, u32> = BTreeMap::new();
    let mut faults = Vec::new();
    for told in told {
        let id = told.output.id;
        let ordinal = next.entry((id.partition, id.sequence)).or_default();
        if id.ordinal != *ordinal {
            faults.push(format!("id {id} stands where ordinal {ordinal} is due"));
        }
        *ordinal += 1;
    }
    faults
}

/// At most one `shift_start` per order and route and one `nearby` per threshold.
fn notifications(told: &[Told]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let mut faults = Vec::new();
    for told in told {
        let OutputBody::Notification(notification) = told.output.body else { continue };
        let what = match notification.kind {
            NotificationKind::ShiftStart => "shift_start".to_owned(),
            NotificationKind::Nearby(NearbyTrigger::Eta(index)) => format!("nearby by eta {index}"),
            NotificationKind::Nearby(NearbyTrigger::Distance) => "nearby by distance".to_owned(),
            NotificationKind::Nearby(NearbyTrigger::Arrival) => "nearby by arrival".to_owned(),
        };
        let order = notification.order;
        if told.output.backfilled {
            faults.push(format!("order {order}: {what} is raised by a backfilled position"));
        }
        if !seen.insert((order, notification.route, what.clone())) {
            faults.push(format!("order {order}: {what} is raised twice"));
        }
    }
    faults
}

/// A told stay: one ARRIVAL, at most one ORDER_VISIT, one DEPARTURE, in this order. What nobody saw
/// is all of a stay, and only a visit is inferred.
fn stays(history: &[OrderEvent]) -> Vec<String> {
    let mut faults = Vec::new();
    let mut open: Option<Stay> = None;
    let mut stays = 0;
    for event in history {
        match event.kind {
            EventKind::Arrival(at) => {
                stays += 1;
                if open.is_some() {
                    faults.push(format!("ARRIVAL {stays} during the stay before"));
                }
                if at.inferred {
                    faults.push("an ARRIVAL is inferred".into());
                }
                open = Some(Stay { arrival: at, last: at, visits: 0 });
                numbered(&at, stays, &mut faults);
            }
            EventKind::OrderVisit(at) => match &mut open {
                None => faults.push("ORDER_VISIT without ARRIVAL".into()),
                Some(stay) => {
                    stay.visits += 1;
                    if stay.visits > 1 {
                        faults.push("two ORDER_VISIT in one stay".into());
                    }
                    if stay.arrival.interpolated && !at.interpolated {
                        faults.push("a passage is interpolated in part".into());
                    }
                    if at.inferred && at.interpolated {
                        faults.push("an ORDER_VISIT is known twice over".into());
                    }
                    stay.next(at, &mut faults);
                    numbered(&at, stays, &mut faults);
                }
            },
            EventKind::Departure { at, .. } => match open.take() {
                None => faults.push("DEPARTURE without ARRIVAL".into()),
                Some(mut stay) => {
                    stay.next(at, &mut faults);
                    if at.inferred {
                        faults.push("a DEPARTURE is inferred".into());
                    }
                    if at.interpolated && stay.visits == 0 {
                        faults.push("a passage without ORDER_VISIT".into());
                    }
                    if at.interpolated != stay.arrival.interpolated {
                        faults.push("a passage is interpolated in part".into());
                    }
                    numbered(&at, stays, &mut faults);
                }
            },
            EventKind::OrderCreated
            | EventKind::Start
            | EventKind::OrderBecameNext
            | EventKind::StatusUpdate { .. }
            | EventKind::IntervalUpdate { .. } => {}
        }
    }
    faults
}

/// What happens once per order and route.
fn once(history: &[OrderEvent]) -> Vec<String> {
    let count = |name: &str| history.iter().filter(|event| event.kind.name() == name).count();
    let twice = ["START", "ORDER_VISIT"].into_iter().filter(|name| count(name) > 1);
    let mut faults: Vec<_> = twice.map(|name| format!("more than one {name}")).collect();
    let place = |name: &str| history.iter().position(|event| event.kind.name() == name);
    if place("ORDER_BECAME_NEXT")
        .is_some_and(|next| place("START").is_none_or(|start| start > next))
    {
        faults.push("ORDER_BECAME_NEXT before START".into());
    }
    faults
}

struct Stay {
    arrival: StayPoint,
    last: StayPoint,
    visits: u32,
}

impl Stay {
    fn next(&mut self, at: StayPoint, faults: &mut Vec<String>) {
        if at.device_time < self.last.device_time {
            faults.push("times of a stay step back".into());
        }
        if at.estimated_time < self.last.estimated_time {
            faults.push("estimated times of a stay step back".into());
        }
        if at.used_mark_delivered_radius != self.arrival.used_mark_delivered_radius {
            faults.push("the radius changed during a stay".into());
        }
        self.last = at;
    }
}

fn numbered(at: &StayPoint, stay: u16, faults: &mut Vec<String>) {
    if at.stay != stay {
        faults.push(format!("stay {} is told where {stay} is due", at.stay));
    }
}
