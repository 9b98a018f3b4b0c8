//! The comparison of what was told with the truth: what counts as a match, and every figure of
//! the report but those of the ETA.

use std::collections::BTreeMap;

use serde::Serialize;

use super::eta_score::{EtaScore, flicker};
use super::observed::{Observed, OrderSeen, Seen};
use super::spread::{Spread, share};
use super::truth::TruthRow;
use crate::cli::plan::Plan;
use crate::cli::replay::Tally;
use crate::domain::ids::OrderId;
use crate::domain::order::EtaType;
use crate::domain::time::{SECOND_MS, Time};

/// The figures of a day.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Score {
    /// How far a visit may lie from the truth and still match.
    pub tolerance_s: f64,
    /// Rows of truth.
    pub truth: usize,
    /// ORDER_VISITs told.
    pub reported: usize,
    /// ORDER_VISITs told within the tolerance of `started` + required of a row.
    pub matched: usize,
    /// matched / reported.
    pub precision: Option<f64>,
    /// matched / truth.
    pub recall: Option<f64>,
    /// Nearest ARRIVAL of the order, estimated, against `started`.
    pub arrival_error_s: Spread,
    /// Nearest DEPARTURE of the order, estimated, against `ended`.
    pub departure_error_s: Spread,
    /// Matched ORDER_VISIT, estimated, against `started` + required.
    pub visit_error_s: Spread,
    /// ARRIVALs whose estimated entry lies over the tolerance outside every row of their order.
    pub false_arrivals: usize,
    /// Share of the stops long enough whose ORDER_VISIT fell into the stop; null without stops.
    pub right_door: Option<f64>,
    /// Stops long enough, the whole of `right_door`.
    pub right_door_stops: usize,
    /// What the ETA is measured against: the `started` of `stops`, or of `truth`.
    pub eta_against: &'static str,
    /// Errors of the ETA by horizon.
    pub eta: EtaScore,
    /// ETA changes of 60 s or more per order and hour in which it had an ETA.
    pub eta_flicker: Option<f64>,
    /// The same for the stays of which nothing was missed; null unless asked for.
    pub seen: Option<Box<Self>>,
    /// What became of the rows.
    pub run: Tally,
}

impl Score {
    /// Compares a day with its truth.
    #[must_use]
    pub fn of(
        plan: &Plan,
        observed: &Observed,
        truth: &[TruthRow],
        stops: Option<&[TruthRow]>,
        tolerance_ms: i64,
    ) -> Self {
        let known = Known::of(plan, observed, tolerance_ms);
        let visit_errors = known.matched_visits(truth);
        let reported = observed.orders().map(|(_, seen)| seen.visits.len()).sum();
        let (matched, rows) = (visit_errors.len(), truth.len());
        let (right_door, right_door_stops) = known.right_door(stops.unwrap_or_default());
        let actual = actual_starts(plan, stops.unwrap_or(truth));
        Self {
            tolerance_s: tolerance_ms as f64 / SECOND_MS as f64,
            truth: rows,
            reported,
            matched,
            precision: share(matched as f64, reported as f64),
            recall: share(matched as f64, rows as f64),
            arrival_error_s: known.arrival_errors(truth),
            departure_error_s: known.departure_errors(truth),
            visit_error_s: Spread::of_ms(&visit_errors),
            false_arrivals: known.false_arrivals(truth),
            right_door,
            right_door_stops,
            eta_against: if stops.is_some() { "stops" } else { "truth" },
            eta: EtaScore::of(observed, &actual),
            eta_flicker: flicker(observed),
            seen: None,
            run: Tally::default(),
        }
    }
}

/// What both sides are compared by.
struct Known<'a> {
    observed: &'a Observed,
    required_ms: BTreeMap<OrderId, i64>,
    tolerance_ms: i64,
}

impl<'a> Known<'a> {
    fn of(plan: &Plan, observed: &'a Observed, tolerance_ms: i64) -> Self {
        let required = |service_s, shared_s| plan.policy.dwell_required_ms(service_s, shared_s);
        let required_ms = plan
            .orders()
            .map(|(_, order)| {
                let (own, shared) = (order.service_duration_s, order.shared_service_duration_s);
                (order.id, required(own, shared))
            })
            .collect();
        Self { observed, required_ms, tolerance_ms }
    }

    fn required_ms(&self, row: &TruthRow) -> i64 {
        self.required_ms.get(&row.order).copied().unwrap_or(0)
    }

    fn seen(&self, row: &TruthRow) -> Option<&'a OrderSeen> {
        self.observed.order(row.order)
    }

    /// The error of each matched visit. A visit matches at most one row, a row at most one visit.
    fn matched_visits(&self, truth: &[TruthRow]) -> Vec<i64> {
        let mut taken: BTreeMap<OrderId, Vec<bool>> = BTreeMap::new();
        let mut errors = Vec::new();
        for row in truth {
            let Some(seen) = self.seen(row) else { continue };
            let due = row.started + self.required_ms(row);
            let taken = taken.entry(row.order).or_insert_with(|| vec![false; seen.visits.len()]);
            let nearest = (0..seen.visits.len())
                .filter(|index| !taken[*index])
                .map(|index| (nearest_ms(seen.visits[index], due), index))
                .filter(|(distance_ms, _)| *distance_ms <= self.tolerance_ms)
                .min();
            if let Some((_, index)) = nearest {
                taken[index] = true;
                errors.push(seen.visits[index].estimated - due);
            }
        }
        errors
    }

    fn arrival_errors(&self, truth: &[TruthRow]) -> Spread {
        let errors = truth
            .iter()
            .filter(|row| row.clear_start)
            .filter_map(|row| nearest_error_ms(&self.seen(row)?.arrivals, row.started));
        Spread::of_ms(&errors.collect::<Vec<_>>())
    }

    fn departure_errors(&self, truth: &[TruthRow]) -> Spread {
        let errors = truth
            .iter()
            .filter(|row| row.clear_end)
            .filter_map(|row| nearest_error_ms(&self.seen(row)?.departures, row.ended));
        Spread::of_ms(&errors.collect::<Vec<_>>())
    }

    fn false_arrivals(&self, truth: &[TruthRow]) -> usize {
        let mut rows: BTreeMap<OrderId, Vec<&TruthRow>> = BTreeMap::new();
        for row in truth {
            rows.entry(row.order).or_default().push(row);
        }
        let is_true = |order: OrderId, entry: Time| {
            rows.get(&order).into_iter().flatten().any(|row| {
                row.started - self.tolerance_ms <= entry && entry <= row.ended + self.tolerance_ms
            })
        };
        let arrivals = self.observed.orders().flat_map(|(order, seen)| {
            seen.arrivals.iter().map(move |arrival| (order, arrival.estimated))
        });
        arrivals.filter(|(order, entry)| !is_true(*order, *entry)).count()
    }

    fn right_door(&self, stops: &[TruthRow]) -> (Option<f64>, usize) {
        let long_enough = |row: &&TruthRow| row.ended - row.started >= self.required_ms(row);
        let (mut right, mut count) = (0_usize, 0_usize);
        for row in stops.iter().filter(long_enough) {
            let from = row.started - DOOR_SLACK_MS;
            let to = row.ended + self.required_ms(row) + DOOR_SLACK_MS;
            let visits = self.seen(row).map_or(&[][..], |seen| &seen.visits);
            count += 1;
            right += usize::from(
                visits.iter().any(|visit| from <= visit.estimated && visit.estimated <= to),
            );
        }
        (share(right as f64, count as f64), count)
    }
}

/// How far a visit is from an instant, by whichever of its two times is nearer.
fn nearest_ms(seen: Seen, due: Time) -> i64 {
    (seen.t - due).abs().min((seen.estimated - due).abs())
}

fn nearest_error_ms(seen: &[Seen], truth: Time) -> Option<i64> {
    seen.iter().map(|seen| seen.estimated - truth).min_by_key(|error| error.abs())
}

/// When each order's service really could begin: the earliest start, for `delivery_time` not
/// before the window, which is what the ETA tells.
fn actual_starts(plan: &Plan, rows: &[TruthRow]) -> BTreeMap<OrderId, Time> {
    let mut starts: BTreeMap<OrderId, Time> = BTreeMap::new();
    for row in rows {
        let start = starts.entry(row.order).or_insert(row.started);
        *start = row.started.min(*start);
    }
    for (_, order) in plan.orders() {
        if let (EtaType::DeliveryTime, Some(window), Some(start)) =
            (plan.policy.eta_type_of(order), order.window, starts.get_mut(&order.id))
        {
            *start = window.start.max(*start);
        }
    }
    starts
}

/// A visit may lie so far outside its stop and still be at the right door.
const DOOR_SLACK_MS: i64 = 5 * SECOND_MS;
