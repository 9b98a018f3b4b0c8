//! The arithmetic of `evaluate` on a hand-made day.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

use doorstep::cli::evaluate::{EtaScore, Observed, Score, Spread, TruthRow, flicker};
use doorstep::cli::plan::Plan;
use doorstep::domain::eta::{Eta, OrderEta};
use doorstep::domain::event::{EndReason, EventKind, OrderEvent, StayPoint};
use doorstep::domain::geo::Point;
use doorstep::domain::ids::{CourierId, OrderId, RouteId};
use doorstep::domain::policy::Radius;
use doorstep::domain::time::Time;

const TOLERANCE_MS: i64 = 60_000;

/// Three orders, a, b and c, that need 60 s each; c has a window from 3000 and counts from it.
fn plan() -> Plan {
    let order = |number: &str, more: &str| {
        format!(r#"{{"number": "{number}", "lat": 1, "lon": 1, "service_duration_s": 120{more}}}"#)
    };
    let window = r#", "eta_type": "delivery_time",
        "time_window": {"start": "1970-01-01T00:50:00Z", "end": "1970-01-01T02:00:00Z"}"#;
    let orders = [order("a", ""), order("b", ""), order("c", window)].join(",");
    let text =
        format!(r#"{{"routes": [{{"number": "r", "courier": "c", "orders": [{orders}]}}]}}"#);
    Plan::parse("plan.json", &text).unwrap()
}

fn at(seconds: f64) -> Time {
    Time::from_ms((seconds * 1e3).round() as i64)
}

fn row(order: u64, started_s: f64, ended_s: f64) -> TruthRow {
    TruthRow {
        order: OrderId(order),
        courier: CourierId(1),
        started: at(started_s),
        ended: at(ended_s),
        clear_start: true,
        clear_end: true,
    }
}

#[derive(Default)]
struct Day(Observed);

impl Day {
    fn arrival(mut self, order: u64, t: f64, estimated: f64) -> Self {
        self.event(order, t, EventKind::Arrival(stay(t, estimated)));
        self
    }

    fn visit(mut self, order: u64, t: f64, estimated: f64) -> Self {
        self.event(order, t, EventKind::OrderVisit(stay(t, estimated)));
        self
    }

    fn departure(mut self, order: u64, t: f64, estimated: f64) -> Self {
        let (at, reason) = (stay(t, estimated), EndReason::Left);
        self.event(order, t, EventKind::Departure { at, visited: true, reason });
        self
    }

    fn eta(mut self, order: u64, now: f64, eta: Option<f64>) -> Self {
        let eta = eta.map(|eta| Eta { eta: at(eta), arrival: at(eta), completion: at(eta) });
        self.0.hear_eta(at(now), &OrderEta { order: OrderId(order), eta });
        self
    }

    fn event(&mut self, order: u64, t: f64, kind: EventKind) {
        self.0.hear_event(&OrderEvent { order: OrderId(order), route: RouteId(1), t: at(t), kind });
    }

    fn score(&self, truth: &[TruthRow], stops: Option<&[TruthRow]>) -> Score {
        Score::of(&plan(), &self.0, truth, stops, TOLERANCE_MS)
    }
}

fn stay(t: f64, estimated: f64) -> StayPoint {
    StayPoint {
        stay: 1,
        point: Point::from_degrees(1.0, 1.0).unwrap(),
        device_time: at(t),
        estimated_time: at(estimated),
        used_mark_delivered_radius: Radius::from_metres(100.0).unwrap(),
        inferred: false,
        interpolated: false,
    }
}

#[test]
fn visits_match_by_either_time_within_the_tolerance() {
    let truth = [row(1, 100.0, 300.0), row(2, 1000.0, 1200.0), row(3, 5000.0, 5200.0)];
    // Due at 160, 1060 and 5060: a matches by its estimate, b by its t on the very border, c misses.
    let day =
        Day::default().visit(1, 300.0, 158.0).visit(2, 1120.0, 1200.0).visit(3, 5120.001, 5130.0);
    let score = day.score(&truth, None);
    assert_eq!((score.truth, score.reported, score.matched), (3, 3, 2));
    assert_eq!((score.precision, score.recall), (Some(0.6667), Some(0.6667)));
    // Errors are of the estimate: -2 and +140.
    let errors = score.visit_error_s;
    assert_eq!((errors.n, errors.p50, errors.p90), (2, Some(2.0), Some(140.0)));
    assert_eq!(errors.bias, Some(69.0));
}

#[test]
fn a_row_takes_one_visit_and_a_visit_one_row() {
    let truth = [row(1, 100.0, 200.0), row(1, 110.0, 300.0)];
    let one = Day::default().visit(1, 165.0, 165.0).score(&truth, None);
    assert_eq!((one.reported, one.matched, one.recall), (1, 1, Some(0.5)));
    let two = Day::default().visit(1, 165.0, 165.0).visit(1, 166.0, 166.0);
    assert_eq!(two.score(&truth[..1], None).matched, 1);
    assert_eq!(two.score(&truth, None).matched, 2);
    assert_eq!(Day::default().score(&[], None).precision, None);
}

#[test]
fn edges_are_measured_where_they_are_clear_against_the_nearest() {
    let mut truth = [row(1, 100.0, 300.0), row(2, 1000.0, 1200.0)];
    truth[1].clear_start = false;
    let day = Day::default()
        .arrival(1, 40.0, 30.0)
        .arrival(1, 105.0, 103.0)
        .departure(1, 320.0, 296.5)
        .departure(1, 500.0, 500.0)
        .arrival(2, 1500.0, 1500.0)
        .departure(2, 1210.0, 1205.5);
    let score = day.score(&truth, None);
    assert_eq!(score.arrival_error_s, Spread::of_ms(&[3_000]));
    assert_eq!(score.departure_error_s, Spread::of_ms(&[-3_500, 5_500]));
    assert_eq!(score.departure_error_s.bias, Some(1.0));
    // False: a's at 30 (100 - 60 = 40 is the border), and b's at 1500.
    assert_eq!(score.false_arrivals, 2);
}

#[test]
fn arrivals_of_orders_without_truth_are_false() {
    let day = Day::default().arrival(3, 10.0, 10.0).arrival(1, 40.0, 40.0).arrival(1, 360.0, 360.0);
    assert_eq!(day.score(&[row(1, 100.0, 300.0)], None).false_arrivals, 1);
}

#[test]
fn the_right_door_is_the_stop_itself() {
    let truth = [row(1, 100.0, 300.0)];
    // The second stop is shorter than the required 60 s and does not count.
    let stops = [row(1, 200.0, 290.0), row(2, 1000.0, 1059.0), row(3, 5000.0, 5060.0)];
    let door = |estimated| {
        let day = Day::default().visit(1, 260.0, estimated).visit(2, 1059.0, 1059.0);
        let score = day.score(&truth, Some(&stops));
        (score.right_door, score.right_door_stops)
    };
    assert_eq!(door(195.0), (Some(0.5), 2));
    assert_eq!(door(194.999), (Some(0.0), 2));
    assert_eq!(door(355.0), (Some(0.5), 2));
    assert_eq!(door(355.001), (Some(0.0), 2));
    assert_eq!(Day::default().score(&truth, None).right_door, None);
}

#[test]
fn the_eta_in_force_is_read_every_minute_until_the_courier_is_there() {
    // a is reached at 1000: 0 says 1060, 130 says 880, 300 says nothing, 900 says 1300.
    let day = Day::default()
        .eta(1, 0.0, Some(1060.0))
        .eta(1, 130.0, Some(880.0))
        .eta(1, 300.0, None)
        .eta(1, 900.0, Some(1300.5));
    let score = day.score(&[row(1, 1000.0, 1100.0)], None);
    let EtaScore { buckets: [near, far, ..] } = &score.eta;
    // Read at 900 and 960 with less than 5 minutes left, at 120, 180 and 240 with less than 15.
    assert_eq!((near.n, near.bias_s, near.within_5_min), (2, Some(300.5), Some(0.0)));
    assert_eq!((far.n, far.mae_s, far.median_ae_s), (3, Some(100.0), Some(120.0)));
    assert_eq!((far.bias_s, far.p90_ae_s, far.within_5_min), (Some(-60.0), Some(120.0), Some(1.0)));
    assert_eq!(score.eta.buckets[2].n, 2, "at 0 and 60 the courier is 15 minutes away or more");
    assert_eq!(score.eta_against, "truth");
    assert_eq!(far.coverage_p10_p90, None);
}

#[test]
fn the_eta_is_measured_against_the_stop_and_not_before_the_window() {
    let day = Day::default().eta(3, 2400.0, Some(3000.0)).eta(1, 0.0, Some(90.0));
    let truth = [row(3, 2500.0, 3500.0), row(1, 50.0, 300.0)];
    let stops = [row(3, 2700.0, 3500.0), row(1, 100.0, 300.0)];
    let score = day.score(&truth, Some(&stops));
    assert_eq!(score.eta_against, "stops");
    // c counts from its window at 3000: exact, read 6 times up to 5 minutes before and 4 times
    // after. a was told for 90 and reached at 100: read twice.
    let horizons: Vec<(usize, Option<f64>)> =
        score.eta.buckets.iter().map(|bucket| (bucket.n, bucket.bias_s)).collect();
    assert_eq!(horizons[..2], [(6, Some(-3.3333)), (6, Some(0.0))]);
}

#[test]
fn flicker_counts_large_changes_per_hour_with_an_eta() {
    // a has an ETA from 0 to 1800, and again from 3600 to its visit at 5400: one hour.
    let day = Day::default()
        .eta(1, 0.0, Some(6000.0))
        .eta(1, 100.0, Some(6059.0))
        .eta(1, 200.0, Some(5999.0))
        .eta(1, 1800.0, None)
        .eta(1, 3600.0, Some(6059.0))
        .visit(1, 5400.0, 5400.0);
    assert_eq!(flicker(&day.0), Some(2.0));
    assert_eq!(flicker(&Observed::default()), None);
    assert_eq!(flicker(&Day::default().visit(1, 5.0, 5.0).0), None);
}

#[test]
fn percentiles_are_nearest_ranks() {
    let errors: Vec<i64> = (1..=20).map(|error| error * -1_000).collect();
    let spread = Spread::of_ms(&errors);
    assert_eq!((spread.p50, spread.p90, spread.p95), (Some(10.0), Some(18.0), Some(19.0)));
    assert_eq!(spread.bias, Some(-10.5));
    assert_eq!(Spread::of_ms(&[]), Spread::default());
}
