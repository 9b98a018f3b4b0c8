//! The rules of jumps, evidence and stays once more, as plainly as they are written (behaviour 3.4,
//! 3.5, 4.1, 4.2, 4.6): one order by itself, told in full (`arrival_scope: any`), its status untouched.
//! Slow, and written without a look at the engine.

use doorstep::domain::geo::{Centre, Point, distance_m};
use doorstep::domain::order::{EtaType, OrderPlan};
use doorstep::domain::policy::Policy;
use doorstep::domain::position::Position;
use doorstep::domain::time::Time;

/// An event of a stay: its name, its time and its estimated time.
pub type StayEvent = (&'static str, Time, Time);

/// Each event of the stays of one order.
pub fn stays_of(policy: &Policy, order: &OrderPlan, accepted: &[Position]) -> Vec<StayEvent> {
    let mut machine = Machine::new(policy, order);
    let mut before = None;
    for position in accepted {
        machine.step(before, position);
        before = Some(position);
    }
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
    /// The mean of the positions since the device states that it stands, and of how many.
    stand: Option<(Point, i64)>,
    stay: Option<Stay>,
    told: Vec<StayEvent>,
}

struct Stay {
    dwell_from: Time,
    estimated_from: Time,
    last_inside: Position,
    away: Vec<(Position, Evidence)>,
    /// Since the dwell began, each position with evidence: whether it is near.
    near: Vec<bool>,
    /// How many of them are near, of how many, up to the last one inside.
    within: (usize, usize),
    /// Nothing was accepted between the last one inside and the first one away.
    is_straight: bool,
}

impl Stay {
    fn is_mostly_near(&self) -> bool {
        let (near, all) = self.within;
        100 * near >= 55 * all
    }
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
            stand: None,
            stay: None,
            told: Vec::new(),
        }
    }

    fn evidence(&self, position: &Position) -> Evidence {
        let (d, r, r_exit) = (self.distance_m(position), self.radius_m, self.exit_m());
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

    fn step(&mut self, before: Option<&Position>, position: &Position) {
        self.stand(before, position);
        let stands_inside =
            self.stand.is_some_and(|(mean, _)| self.metres_to(mean) <= self.radius_m);
        match self.evidence(position) {
            Evidence::None => {}
            Evidence::Outside | Evidence::Beyond if stands_inside => {}
            Evidence::Inside if self.radius_m > 0.0 => self.inside(before, position),
            Evidence::Inside => {}
            away => self.away(before, position, away),
        }
    }

    fn stand(&mut self, before: Option<&Position>, position: &Position) {
        let states_rest = position.speed_mps.is_some_and(|speed| speed <= 1.0);
        let goes_on = states_rest
            && before.is_some_and(|before| position.device_time - before.device_time <= 60_000);
        let begun = self.stand.filter(|_| goes_on);
        if !states_rest || position.accuracy_m.is_some_and(|accuracy| accuracy.metres() > 50.0) {
            self.stand = begun;
            return;
        }
        let (mean, count) = begun.unwrap_or((position.point, 0));
        let (lat, lon) = mean.offset_e7(position.point);
        self.stand = Some(if lat.abs() <= 15_000 && lon.abs() <= 15_000 {
            let count = (count + 1).min(64);
            let part = |way: i64| i32::try_from(way / count).expect("it is small");
            let (lat_e7, lon_e7) = (mean.lat_e7() + part(lat), mean.lon_e7() + part(lon));
            (Point::from_e7(lat_e7, lon_e7).expect("these tracks stay on the map"), count)
        } else {
            (position.point, 1)
        });
    }

    /// Whether a courier who is where it stands, or at the position, is well inside; at the border is
    /// enough 5 minutes after the dwell was met.
    fn is_sure(&self, stay: &Stay, position: &Position) -> bool {
        let d = self.metres_to(self.stand.map_or(position.point, |(mean, _)| mean));
        let dwelt_ms = position.device_time - stay.dwell_from.max(self.not_before);
        let is_long = dwelt_ms - self.required_ms >= 300_000;
        let margin_m = f64::min(10.0, 0.2 * self.radius_m);
        self.required_ms == 0 || d <= self.near_m() - margin_m || (is_long && d <= self.radius_m)
    }

    fn inside(&mut self, before: Option<&Position>, position: &Position) {
        let t = position.device_time;
        if self.stay.is_none() {
            let estimated_from = before.map_or(t, |before| self.estimated_entry(before, position));
            self.told.push(("ARRIVAL", t, estimated_from));
            let away = Vec::new();
            let is_close = before.is_some_and(|before| t - before.device_time <= 60_000);
            self.stay = Some(Stay {
                dwell_from: if is_close { estimated_from } else { t },
                estimated_from,
                last_inside: *position,
                away,
                near: Vec::new(),
                within: (0, 0),
                is_straight: false,
            });
        }
        let stay = self.stay.as_mut().expect("it has begun");
        if t - stay.last_inside.device_time > self.max_gap_ms {
            (stay.dwell_from, stay.estimated_from) = (t, t);
            stay.near.clear();
        }
        stay.near.push(true);
        stay.within = (stay.near.iter().filter(|near| **near).count(), stay.near.len());
        stay.last_inside = *position;
        stay.away.clear();
        if self.stay.as_ref().is_some_and(|stay| self.is_sure(stay, position)) {
            self.test_visit();
        }
    }

    /// The dwell up to the last position inside.
    fn test_visit(&mut self) {
        let Some(stay) = &self.stay else { return };
        let t = stay.last_inside.device_time;
        let dwelt_ms = t - stay.dwell_from.max(self.not_before);
        if !self.visited && dwelt_ms >= self.required_ms && stay.is_mostly_near() {
            self.visited = true;
            let estimated = stay.estimated_from.max(self.not_before) + self.required_ms;
            self.told.push(("ORDER_VISIT", t, estimated));
        }
    }

    fn away(&mut self, before: Option<&Position>, position: &Position, evidence: Evidence) {
        let is_far = self.distance_m(position) > self.exit_m() + 60.0;
        let is_near = self.distance_m(position) <= self.near_m();
        let Some(stay) = &mut self.stay else { return };
        if stay.away.is_empty() {
            let inside_t = stay.last_inside.device_time;
            stay.is_straight = before.is_some_and(|before| before.device_time == inside_t);
        }
        stay.away.push((*position, evidence));
        stay.near.push(is_near);
        let first = stay.away[0].0;
        let row = stay.away.rsplit(|(_, evidence)| *evidence == Evidence::Beyond).next();
        let begun = match row {
            Some([(begun, _), _, ..])
                if position.device_time - begun.device_time >= 20_000 || is_far =>
            {
                Some(begun.device_time)
            }
            _ => None,
        };
        let is_long = stay.away.len() >= 3 && position.device_time - first.device_time >= 45_000;
        let left = begun.or(is_long.then_some(first.device_time));
        if left.is_some() {
            self.test_visit();
        }
        if let (Some(left), Some(stay)) = (left, left.and_then(|_| self.stay.take())) {
            self.leave(left, &stay, &first);
        }
    }

    fn leave(&mut self, left: Time, stay: &Stay, first: &Position) {
        let crossed = self.estimated_exit(&stay.last_inside, first);
        let met = stay.dwell_from.max(self.not_before) + self.required_ms;
        let is_short = first.device_time - stay.last_inside.device_time <= 60_000;
        let may_visit = !self.visited && stay.is_straight && is_short;
        if may_visit && stay.is_mostly_near() && met <= crossed {
            self.visited = true;
            self.told.push(("ORDER_VISIT", met, met));
        }
        self.told.push(("DEPARTURE", left, crossed));
    }

    fn estimated_entry(&self, before: &Position, entry: &Position) -> Time {
        let Some(part) = self.outside_part(before, entry) else { return entry.device_time };
        self.estimated_crossing(before, entry, part)
    }

    fn estimated_exit(&self, last_inside: &Position, away: &Position) -> Time {
        let Some(part) = self.outside_part(away, last_inside) else { return away.device_time };
        self.estimated_crossing(last_inside, away, 1.0 - part)
    }

    /// When the border was crossed that lies `part` of the way from `a` to `b`.
    fn estimated_crossing(&self, a: &Position, b: &Position, part: f64) -> Time {
        let span_s = (b.device_time - a.device_time) as f64 / 1e3;
        let drives = |p: &Position| p.speed_mps.is_some_and(|speed| speed > 2.0);
        let way_m = self.way_m(a, b);
        let first_drove_s = part * way_m / 7.0;
        let last_drove_s = span_s - (1.0 - part) * way_m / 7.0;
        let crossed_s = if span_s <= 60.0 || (drives(a) && drives(b)) {
            part * span_s
        } else if drives(a) {
            first_drove_s
        } else if drives(b) || a.silent_when_still {
            first_drove_s.max(last_drove_s)
        } else {
            (first_drove_s + last_drove_s) / 2.0
        };
        a.device_time + (crossed_s.clamp(0.0, span_s) * 1e3).round() as i64
    }

    /// Which part of the way from `out` to `inside` lies outside the circle, found by halving.
    fn outside_part(&self, out: &Position, inside: &Position) -> Option<f64> {
        let ((x0, y0), (x1, y1)) = (self.plane_m(out), self.plane_m(inside));
        let is_outside = |part: f64| {
            let (x, y) = (x0 + part * (x1 - x0), y0 + part * (y1 - y0));
            x * x + y * y > self.radius_m * self.radius_m
        };
        let (mut low, mut high) = (0.0, 1.0);
        if !is_outside(low) {
            return None;
        }
        for _ in 0..60 {
            let middle = (low + high) / 2.0;
            if is_outside(middle) { low = middle } else { high = middle }
        }
        Some(high)
    }

    fn distance_m(&self, position: &Position) -> f64 {
        self.metres_to(position.point)
    }

    fn metres_to(&self, point: Point) -> f64 {
        distance_m(self.order.point.expect("these orders have one"), point)
    }

    fn exit_m(&self) -> f64 {
        self.radius_m + (self.radius_m / 10.0).clamp(20.0, 100.0)
    }

    fn near_m(&self) -> f64 {
        self.radius_m + f64::max(0.0, 0.04 * (self.radius_m - 250.0))
    }

    fn way_m(&self, a: &Position, b: &Position) -> f64 {
        let ((x0, y0), (x1, y1)) = (self.plane_m(a), self.plane_m(b));
        libm::hypot(x1 - x0, y1 - y0)
    }

    fn plane_m(&self, position: &Position) -> (f64, f64) {
        Centre::new(self.order.point.expect("these orders have one")).plane_m(position.point)
    }
}
