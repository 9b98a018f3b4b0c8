//! One route's own fields: its times and how its courier travels.

use super::findings::{Findings, Place};
use crate::domain::route::RoutingMode;
use crate::domain::time::Time;
use crate::runtime::local_time::LocalDay;

/// The times of a route as written.
pub(crate) struct RouteTimes<'a> {
    /// `[d.]HH:MM[:SS]`.
    pub(crate) route_start: Option<&'a str>,
    /// `[d.]HH:MM[:SS]`.
    pub(crate) route_finish: Option<&'a str>,
}

/// When the route is planned to start and to end.
pub(crate) fn route_times(
    times: &RouteTimes<'_>,
    day: Option<&LocalDay>,
    at: &Place,
    findings: &mut Findings,
) -> (Option<Time>, Option<Time>) {
    let Some(day) = day else { return (None, None) };
    let finish_place = at.key("route_finish");
    let start = times
        .route_start
        .and_then(|text| findings.good(&at.key("route_start"), day.route_start(text)));
    let finish =
        times.route_finish.and_then(|text| findings.good(&finish_place, day.route_finish(text)));
    if start.zip(finish).is_some_and(|(start, finish)| finish <= start) {
        let problem = "is not after route_start; a time on the next day is written 1.HH:MM";
        findings.error(&finish_place, problem);
    }
    (start, finish)
}

/// How the courier travels: by car where nothing is said.
pub(crate) fn routing_mode(
    written: Option<&str>,
    at: &Place,
    findings: &mut Findings,
) -> RoutingMode {
    let choices = RoutingMode::ALL.map(|mode| (mode.name(), mode));
    written
        .and_then(|word| findings.choice(&at.key("routing_mode"), word, &choices))
        .unwrap_or(RoutingMode::Driving)
}
