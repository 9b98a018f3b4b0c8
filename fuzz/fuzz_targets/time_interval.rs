//! Written times: no text panics, a window never ends before it starts, and the seconds of a
//! `time_interval` are those of its window where the clocks do not change.

#![no_main]

use doorstep::runtime::local_time::{
    LocalDay, absolute_window, date, instant, interval_seconds, utc_date, with_offset, zone,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let _ = (zone(text), date(text), absolute_window(text));
    if let Ok(time) = instant(text) {
        // The clock's form has whole seconds.
        let written = with_offset(time, &zone("UTC").expect("it is built in"));
        let again = instant(&written).unwrap_or_else(|error| panic!("{error}: {text}"));
        assert!((0..1_000).contains(&(time - again)), "{text}: {written}");
        assert_eq!(utc_date(time), utc_date(again));
    }
    for (name, day) in DAYS {
        let zone = zone(name).expect("it is built in");
        let day = LocalDay::new(date(day).expect("it is one"), zone);
        let _ = (day.route_start(text), day.route_finish(text));
        let window = day.window(text);
        if let Ok(window) = window {
            assert!(window.start <= window.end, "{text}");
        }
        if name == "UTC" && let (Ok(window), Ok(seconds)) = (window, interval_seconds(text)) {
            assert_eq!(window.end - window.start, (seconds.end - seconds.start) * 1_000, "{text}");
        }
    }
});

/// A common day, both changes of the clocks, a day that is missing, and the ends of the calendar.
const DAYS: [(&str, &str); 6] = [
    ("UTC", "2026-05-04"),
    ("Europe/Berlin", "2026-03-29"),
    ("Europe/Berlin", "2026-10-25"),
    ("Pacific/Apia", "2011-12-29"),
    ("America/New_York", "9999-12-31"),
    ("Asia/Tokyo", "0001-01-01"),
];
