//! One line as a person reads it: columns as wide as the plan's longest numbers, times in UTC.

use std::fmt::Write;

use jiff::Timestamp;

use super::line::{Line, Seconds};
use crate::cli::plan::Plan;
use crate::domain::time::{SECOND_MS, Time};

/// Widths of the columns of names.
pub(super) struct Columns {
    courier: usize,
    route: usize,
    order: usize,
}

impl Columns {
    /// As wide as the plan needs.
    pub(super) fn of(plan: &Plan) -> Self {
        Self {
            courier: plan.courier_names.width(),
            route: plan.route_names.width(),
            order: plan.order_names.width(),
        }
    }

    /// The line, without its end.
    pub(super) fn format(&self, line: &Line<'_>) -> String {
        let Self { courier, route, order } = *self;
        let mut text = format!(
            "{:TIME_WIDTH$}  {:courier$}  {:route$}  {:order$}  {:NAME_WIDTH$}",
            date_time(line.t.0),
            line.courier,
            line.route_number,
            line.order_number.unwrap_or(""),
            if line.kind == "eta" { line.kind } else { line.name },
        );
        for detail in details(line) {
            let _ = write!(text, "  {detail}");
        }
        text.truncate(text.trim_end().len());
        text
    }
}

/// `2019-02-18 07:46:12`, with milliseconds only where there are any. UTC.
pub(in crate::cli) fn date_time(time: Time) -> String {
    written(time, "%Y-%m-%d %H:%M:%S")
}

fn details(line: &Line<'_>) -> Vec<String> {
    let mut details = Vec::new();
    let mut add = |detail: Option<String>| details.extend(detail);
    add(line.estimated_t.map(|t| format!("est {}", clock(t))));
    add(line.position.map(|at| format!("at {:.6},{:.6}", at.lat, at.lon)));
    add(line.used_mark_delivered_radius.map(|metres| format!("r {metres} m")));
    add(line.stay.map(|stay| format!("stay {stay}")));
    add(line.visited.map(|visited| if visited { "visited" } else { "not visited" }.to_owned()));
    add(line.reason.map(str::to_owned));
    add(line.status.map(str::to_owned));
    add(line.initiator.map(|initiator| format!("by {initiator}")));
    add(line.time_window.map(|window| match window {
        Some(window) => format!("{} - {}", date_time(window.start.0), date_time(window.end.0)),
        None => "no window".to_owned(),
    }));
    add(line.eta.map(|eta| match eta {
        None => "no eta".to_owned(),
        Some(eta) if line.kind == "eta" => whole_clock(eta),
        Some(eta) => format!("eta {}", whole_clock(eta)),
    }));
    add(line.arrival.map(|t| format!("arrival {}", whole_clock(t))));
    add(line.completion.map(|t| format!("leaves {}", whole_clock(t))));
    add(line.cause.map(|cause| format!("by {cause}")));
    add(line.trigger.map(|trigger| format!("by {trigger}")));
    add(line.threshold_s.map(|seconds| format!("within {seconds} s")));
    let flags = [
        (line.stale, "stale"),
        (line.inferred, "inferred"),
        (line.interpolated, "interpolated"),
        (Some(line.backfilled), "backfilled"),
    ];
    for (flag, word) in flags {
        add((flag == Some(true)).then(|| word.to_owned()));
    }
    details
}

/// The time of day. UTC.
fn clock(seconds: Seconds) -> String {
    written(seconds.0, "%H:%M:%S")
}

/// The time of day to the second: what is expected is not known better. UTC.
fn whole_clock(seconds: Seconds) -> String {
    let half_s = SECOND_MS / 2;
    let second = (seconds.0 + half_s).ms().div_euclid(SECOND_MS);
    written(Time::from_ms(second * SECOND_MS), "%H:%M:%S")
}

fn written(time: Time, format: &str) -> String {
    let Ok(timestamp) = Timestamp::from_millisecond(time.ms()) else {
        return format!("{} ms", time.ms());
    };
    let text = timestamp.strftime(format).to_string();
    match time.ms().rem_euclid(SECOND_MS) {
        0 => text,
        ms => format!("{text}.{ms:03}"),
    }
}

/// `2019-02-18 07:46:12.345`.
const TIME_WIDTH: usize = 23;
/// `ORDER_BECAME_NEXT`.
const NAME_WIDTH: usize = 17;
