//! The rules of jumps, evidence and stays once more, as plainly as they are written (behaviour 3.4,
//! 3.5, 4.1, 4.2): one order by itself, told in full (`arrival_scope: any`), its status untouched.
//! Slow, and written without a look at the engine.

use doorstep::domain::geo::distance_m;
use doorstep::domain::order::{EtaType, OrderPlan};
use doorstep::domain::policy::Policy;
use doorstep::domain::position::Position;
use doorstep::domain::time::Time;

/// Name and time of each event of the stays of one order.
pub fn stays_of(
    policy: &Policy,
    order: &OrderPlan,
    accepted: &[Position],
) -> Vec<(&'static str, Time)> {
    let mut machine = Machine::new(policy, order);
    accepted.iter().for_each(|position| machine.step(position));
    machine.told
}

/// The positions that are evaluated, of a list that rises in time: jumps and coarse ones are gone.
pub fn accepted(positions: &[Position]) -> Vec<Position> {
    let fine = positions.iter().filter(|p| p.accuracy_m.is_none_or(|a| a.metres() <= 1000.0));
    let mut accepted: Vec<Position> = Vec::new();
    let mut held: Option<Position> = None;
    for position in fine {
        let agrees = |base: &Position| {
            let dt_s = (position.device_time - base.device_time) as f64 / 1e3;
            distance_m(base.point, position.point) / dt_s.max(1.0) <= 70.0
        };
        if accepted.last().is_none_or(agrees) {
            held = None;
        } else if held.as_ref().is_some_and(agrees) {
            accepted.extend(held.take());
        } else {
            held = Some(*position);
            continue;
        }
        accepted.push(*position);
    }
    accepted
}

#[derive(Clone, Copy, PartialEq)]
enum Evidence {
    Inside,
    Outside,
    Beyond,
    None,
}

struct Machine<'a> {
    order: &'a OrderPlan,
    radius_m: f64,
    required_ms: i64,
    max_gap_ms: i64,
    not_before: Time,
    visited: bool,
    stay: Option<Stay>,
    told: Vec<(&'static str, Time)>,
}

struct Stay {
    dwell_from: Time,
    last_inside: Time,
    away: Vec<(Time, Evidence)>,
}

impl<'a> Machine<'a> {
    fn new(policy: &Policy, order: &'a OrderPlan) -> Self {
        let delivery_time = policy.eta_type_of(order) == EtaType::DeliveryTime;
        let window = order.window.filter(|_| delivery_time);
        Self {
            order,
            radius_m: policy.radius(order.mark_delivered_radius, None).metres(),
            required_ms: policy
                .dwell_required_ms(order.service_duration_s, order.shared_service_duration_s),
            max_gap_ms: policy.max_gap_ms,
            not_before: window.map_or(Time::DISTANT_PAST, |window| window.start),
            visited: false,
            stay: None,
            told: Vec::new(),
        }
    }

    fn evidence(&self, position: &Position) -> Evidence {
        let point = self.order.point.expect("these orders have one");
        let (d, r) = (distance_m(point, position.point), self.radius_m);
        let r_exit = r + (r / 10.0).clamp(20.0, 100.0);
        let accuracy = position.accuracy_m.map(|accuracy| f64::from(accuracy.metres()));
        let a = accuracy.unwrap_or(0.0);
        let within = |limit: f64| accuracy.is_none_or(|a| a <= limit);
        if d <= r && (within(f64::max(50.0, r / 2.0)) || d + a <= r) {
            Evidence::Inside
        } else if d - a.min(100.0) > r_exit && (within(250.0) || d - a > r_exit) {
            Evidence::Outside
        } else if within(250.0) && d - a.min(100.0) / 2.0 > r {
            Evidence::Beyond
        } else {
            Evidence::None
        }
    }

    fn step(&mut self, position: &Position) {
        let t = position.device_time;
        match self.evidence(position) {
            Evidence::None => {}
            Evidence::Inside if self.radius_m > 0.0 => self.inside(t),
            Evidence::Inside => {}
            away => self.away(t, away),
        }
    }

    fn inside(&mut self, t: Time) {
        let stay = self.stay.get_or_insert_with(|| {
            self.told.push(("ARRIVAL", t));
            Stay { dwell_from: t, last_inside: t, away: Vec::new() }
        });
        if t - stay.last_inside > self.max_gap_ms {
            stay.dwell_from = t;
        }
        stay.last_inside = t;
        stay.away.clear();
        if !self.visited && t - stay.dwell_from.max(self.not_before) >= self.required_ms {
            self.visited = true;
            self.told.push(("ORDER_VISIT", t));
        }
    }

    fn away(&mut self, t: Time, evidence: Evidence) {
        let Some(stay) = &mut self.stay else { return };
        stay.away.push((t, evidence));
        let first = stay.away[0].0;
        let left = match stay.away[..] {
            [.., (row, Evidence::Outside), (_, Evidence::Outside)] => Some(row),
            [_, _, _, ..] if t - first >= 45_000 => Some(first),
            _ => None,
        };
        if let Some(left) = left {
            self.told.push(("DEPARTURE", left));
            self.stay = None;
        }
    }
}
