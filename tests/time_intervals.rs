//! `time_interval` in every form, in three zones and on the days on which their clocks change,
//! against a second reading of the rules: wall clocks are looked up, not computed.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

use doorstep::runtime::local_time::{LocalDay, date, interval_seconds, zone};
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use proptest::prelude::*;

/// Zones and days: clocks forward, clocks back, an ordinary one. Lord Howe changes by half an hour,
/// Santiago at midnight.
const DAYS: [(&str, [&str; 3]); 3] = [
    ("Europe/Berlin", ["2026-03-29", "2026-10-25", "2026-05-04"]),
    ("Australia/Lord_Howe", ["2026-10-04", "2026-04-05", "2026-05-04"]),
    ("America/Santiago", ["2026-09-06", "2026-04-05", "2026-05-04"]),
];

/// A time of day as somebody may write it, and its seconds from midnight.
#[derive(Clone, Debug)]
struct Written {
    text: String,
    second: i64,
}

/// `[d.]H`, `[d.]HH`, `[d.]HH:MM`, `[d.]HH:MM:SS`.
fn written() -> impl Strategy<Value = Written> {
    let parts = (0_i64..24, 0_i64..60, 0_i64..60, 0_usize..4, prop::option::of(0_i64..3));
    parts.prop_map(|(hour, minute, second, form, days)| {
        let (time, rest) = match form {
            0 => (format!("{hour}"), 0),
            1 => (format!("{hour:02}"), 0),
            2 => (format!("{hour:02}:{minute:02}"), minute * 60),
            _ => (format!("{hour:02}:{minute:02}:{second:02}"), minute * 60 + second),
        };
        let prefix = days.map_or(String::new(), |days| format!("{days}."));
        let second = days.unwrap_or(0) * 86_400 + hour * 3_600 + rest;
        Written { text: format!("{prefix}{time}"), second }
    })
}

fn place() -> impl Strategy<Value = (&'static str, &'static str)> {
    (0_usize..3, 0_usize..3).prop_map(|(zone, day)| (DAYS[zone].0, DAYS[zone].1[day]))
}

/// Unix milliseconds at which the wall clock of a zone shows a time: the first, where it does so
/// twice; where it never does, as far past the gap as the time is past the gap's beginning. Every
/// second of the clock around is looked at.
fn wall(zone: &TimeZone, day: Date, second: i64) -> i64 {
    let midnight = day.at(0, 0, 0, 0);
    let wanted: DateTime = midnight.checked_add(jiff::Span::new().seconds(second)).unwrap();
    let near = wanted.to_zoned(TimeZone::UTC).unwrap().timestamp().as_second();
    let shows = |at: i64| zone.to_datetime(Timestamp::from_second(at).unwrap());
    // Zones lie within 14 hours of UTC; offsets are whole minutes, and so are their changes.
    let candidates = (-14 * 60..=14 * 60).map(|minutes| near + minutes * 60);
    let exact = candidates.clone().find(|at| shows(*at) == wanted);
    let at = exact.unwrap_or_else(|| {
        let after = candidates.clone().find(|at| shows(*at) > wanted).unwrap();
        let before = after - 60;
        // The clock jumps between the two by the gap; the time moves on by as much.
        let gap = shows(after).since(shows(before)).unwrap().total(jiff::Unit::Second).unwrap();
        let past = wanted.since(shows(before)).unwrap().total(jiff::Unit::Second).unwrap();
        debug_assert!(gap > 60.0);
        before + past as i64
    });
    at * 1_000
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn every_form_means_what_the_wall_clock_shows(
        (zone_name, day) in place(),
        start in written(),
        end in written(),
        spaces in 0_usize..3,
    ) {
        let space = ["", " ", "  "][spaces];
        let text = format!("{}{space}-{space}{}", start.text, end.text);
        let (zone, civil) = (zone(zone_name).unwrap(), date(day).unwrap());
        let local = LocalDay::new(civil, zone.clone());
        let next_day = if end.second <= start.second { 86_400 } else { 0 };
        let ends = end.second + next_day;
        match local.window(&text) {
            Err(_) => prop_assert!(ends <= start.second, "{} was refused", text),
            Ok(window) => {
                prop_assert!(ends > start.second, "{} ends before it starts", text);
                let (from, to) = (wall(&zone, civil, start.second), wall(&zone, civil, ends));
                prop_assert_eq!(window.start.ms(), from, "start of {} on {}", &text, day);
                prop_assert_eq!(window.end.ms(), to.max(from), "end of {} on {}", &text, day);
                let seconds = interval_seconds(&text).unwrap();
                prop_assert_eq!((seconds.start, seconds.end), (start.second, ends));
            }
        }
    }

    #[test]
    fn twenty_four_is_an_end_only(
        (zone_name, day) in place(),
        hour in 0_i64..24,
        form in 0_usize..3,
    ) {
        let midnight = ["24", "24:00", "24:00:00"][form];
        let (zone, civil) = (zone(zone_name).unwrap(), date(day).unwrap());
        let local = LocalDay::new(civil, zone.clone());
        let window = local.window(&format!("{hour}-{midnight}")).unwrap();
        prop_assert_eq!(window.end.ms(), wall(&zone, civil, 86_400));
        let refused = [
            format!("{midnight}-{hour}"),
            format!("{hour}-24:00:01"),
            format!("{hour}-25"),
        ];
        for text in &refused {
            prop_assert!(local.window(text).is_err(), "{} was taken", text);
        }
    }

    #[test]
    fn two_instants_need_no_day(
        (zone_name, day) in place(),
        from in -2_000_000_000_i64..4_000_000_000,
        length in -100_i64..1_000_000,
        offset_min in -840_i64..=840,
    ) {
        let offset = jiff::tz::Offset::from_seconds((offset_min * 60) as i32).unwrap();
        let written = |second: i64| {
            let at = Timestamp::from_second(second).unwrap();
            at.display_with_offset(offset).to_string()
        };
        let text = format!("{}/{}", written(from), written(from + length));
        let local = LocalDay::new(date(day).unwrap(), zone(zone_name).unwrap());
        match local.window(&text) {
            Ok(window) => {
                prop_assert!(length >= 0);
                let ms = (window.start.ms(), window.end.ms());
                prop_assert_eq!(ms, (from * 1_000, (from + length) * 1_000));
            }
            Err(_) => prop_assert!(length < 0, "{} was refused", text),
        }
    }

    #[test]
    fn garbage_is_refused_or_runs_forward(
        (zone_name, day) in place(),
        text in "[0-9:.\\- /TZ+ax]{0,24}|.{0,12}",
    ) {
        let local = LocalDay::new(date(day).unwrap(), zone(zone_name).unwrap());
        if let Ok(window) = local.window(&text) {
            prop_assert!(window.start <= window.end);
        }
    }
}

#[test]
fn a_night_on_which_the_clocks_change_is_an_hour_shorter_or_longer() {
    // Zone, the day of the evening, and how long 22-02 lasts until the next day's 04.
    let table = [
        ("Europe/Berlin", "2026-03-28", "22-1.04", 5.0),
        ("Europe/Berlin", "2026-10-24", "22-1.04", 7.0),
        ("Europe/Berlin", "2026-05-04", "22-02", 4.0),
        ("Australia/Lord_Howe", "2026-10-03", "22-04", 5.5),
        ("Australia/Lord_Howe", "2026-04-04", "22-04", 6.5),
        ("America/Santiago", "2026-09-05", "22-02", 3.0),
        ("America/Santiago", "2026-04-04", "22-02", 5.0),
    ];
    for (zone_name, day, text, hours) in table {
        let local = LocalDay::new(date(day).unwrap(), zone(zone_name).unwrap());
        let window = local.window(text).unwrap();
        let lasts = (window.end - window.start) as f64 / 3_600_000.0;
        assert!((lasts - hours).abs() < 1e-9, "{text} on {day} in {zone_name}: {lasts} h");
    }
}
