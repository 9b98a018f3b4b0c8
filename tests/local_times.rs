//! Local times of the API documents: every documented form, the next day, and the days on which
//! the clocks change.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

use doorstep::runtime::local_time::{LocalDay, date, instant, interval_seconds, zone};

const BERLIN: &str = "Europe/Berlin";

fn day(date_text: &str, zone_name: &str) -> LocalDay {
    LocalDay::new(date(date_text).unwrap(), zone(zone_name).unwrap())
}

#[test]
fn windows_resolve_from_the_date_in_the_zone() {
    let table = [
        ("2026-05-04", "10:15 - 12:45", "2026-05-04T10:15:00+02:00", "2026-05-04T12:45:00+02:00"),
        ("2026-05-04", "10:15-12:45", "2026-05-04T10:15:00+02:00", "2026-05-04T12:45:00+02:00"),
        ("2026-05-04", "9-18", "2026-05-04T09:00:00+02:00", "2026-05-04T18:00:00+02:00"),
        ("2026-05-04", "09:00:30-18", "2026-05-04T09:00:30+02:00", "2026-05-04T18:00:00+02:00"),
        ("2026-05-04", "00-24", "2026-05-04T00:00:00+02:00", "2026-05-05T00:00:00+02:00"),
        ("2026-05-04", "00:00-24:00:00", "2026-05-04T00:00:00+02:00", "2026-05-05T00:00:00+02:00"),
        // An end not after its start means the next day.
        ("2026-05-04", "22-02", "2026-05-04T22:00:00+02:00", "2026-05-05T02:00:00+02:00"),
        ("2026-05-04", "10-10", "2026-05-04T10:00:00+02:00", "2026-05-05T10:00:00+02:00"),
        ("2026-05-04", "1.01-1.03", "2026-05-05T01:00:00+02:00", "2026-05-05T03:00:00+02:00"),
        ("2026-05-04", "23-1.03:30", "2026-05-04T23:00:00+02:00", "2026-05-05T03:30:00+02:00"),
        // Spring: 02:00 to 03:00 does not exist and moves forward.
        ("2026-03-29", "02:30-04:00", "2026-03-29T03:30:00+02:00", "2026-03-29T04:00:00+02:00"),
        ("2026-03-29", "01:30-02:15", "2026-03-29T01:30:00+01:00", "2026-03-29T03:15:00+02:00"),
        // A start moved past its end leaves an empty window, never one that runs backwards.
        ("2026-03-29", "02:30-03:00", "2026-03-29T03:30:00+02:00", "2026-03-29T03:30:00+02:00"),
        // The night before the clocks change is 23 hours long.
        ("2026-03-28", "12-1.12", "2026-03-28T12:00:00+01:00", "2026-03-29T12:00:00+02:00"),
        // Autumn: 02:00 to 03:00 comes twice, the first counts.
        ("2026-10-25", "02:30-03:30", "2026-10-25T02:30:00+02:00", "2026-10-25T03:30:00+01:00"),
    ];
    for (date, text, start, end) in table {
        let window = day(date, BERLIN).window(text).unwrap();
        assert_eq!(window.start, instant(start).unwrap(), "start of {text} on {date}");
        assert_eq!(window.end, instant(end).unwrap(), "end of {text} on {date}");
    }
}

#[test]
fn absolute_windows_do_not_depend_on_the_day() {
    let window = day("2000-01-01", "Asia/Tokyo")
        .window("2018-09-06T10:15:00+03:00/2018-09-06T12:45:00+03:00")
        .unwrap();
    assert_eq!(window.start, instant("2018-09-06T07:15:00Z").unwrap());
    assert_eq!(window.end, instant("2018-09-06T09:45:00Z").unwrap());
}

#[test]
fn windows_say_what_was_expected() {
    let table = [
        ("", "is not a time interval"),
        ("10", "is not a time interval"),
        ("10-25", "is not a time interval"),
        ("10:60-12", "is not a time interval"),
        ("10:5-12", "is not a time interval"),
        ("24:01-25", "is not a time interval"),
        ("10-12-14", "is not a time interval"),
        ("ten-twelve", "is not a time interval"),
        ("+1-12", "is not a time interval"),
        ("24-02", "24 is allowed as an end only"),
        ("3.10-12", "ends before it starts"),
        ("2018-09-06T10:15:00/2018-09-06T12:45:00", "is not a time interval"),
        ("2018-09-06T12:45:00Z/2018-09-06T10:15:00Z", "ends before it starts"),
    ];
    for (text, expected) in table {
        let error = day("2026-05-04", BERLIN).window(text).unwrap_err().to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
}

#[test]
fn route_times_count_days_from_the_date() {
    let monday = day("2026-05-04", BERLIN);
    let table = [
        ("08:00", "2026-05-04T08:00:00+02:00"),
        ("08:00:15", "2026-05-04T08:00:15+02:00"),
        ("1.5:00:00", "2026-05-05T05:00:00+02:00"),
        ("0.23:59", "2026-05-04T23:59:00+02:00"),
    ];
    for (text, expected) in table {
        assert_eq!(monday.route_start(text).unwrap(), instant(expected).unwrap(), "{text}");
    }
    let midnight = instant("2026-05-05T00:00:00+02:00").unwrap();
    assert_eq!(monday.route_finish("24:00").unwrap(), midnight);
    assert!(monday.route_start("24:00").is_err());
    assert!(monday.route_start("8").is_err(), "minutes are needed");
    assert!(monday.route_start("1.").is_err());
}

#[test]
fn wall_seconds_go_past_a_day() {
    let seconds = interval_seconds("22-02").unwrap();
    assert_eq!((seconds.start, seconds.end), (79_200, 93_600));
    let seconds = interval_seconds("00:00 - 24:00").unwrap();
    assert_eq!((seconds.start, seconds.end), (0, 86_400));
}

#[test]
fn dates_zones_and_instants_are_strict() {
    assert!(date("2026-02-29").is_err());
    assert!(date("2026-5-4").is_err());
    assert!(date("2026-05-04T10:00").is_err());
    assert!(zone("Europe/Nowhere").is_err());
    assert!(instant("2026-05-04T10:00:00").is_err(), "an offset is needed");
    // Found by the fuzz target `time_interval`: it was taken, and written so that nobody reads it.
    assert!(instant("-000038-09-06T10:15:00+03").is_err(), "before the year 1");
    assert_eq!(instant("0001-01-01T00:00:00Z").unwrap().ms(), -62_135_596_800_000);
    assert_eq!(instant("1970-01-01T00:00:00.0005Z").unwrap().ms(), 1, "rounded to milliseconds");
}

#[test]
fn a_day_is_that_of_the_zone() {
    let late = instant("2026-05-04T23:30:00Z").unwrap();
    let tokyo = LocalDay::containing(late, zone("Asia/Tokyo").unwrap()).unwrap();
    assert_eq!(tokyo.route_start("10:00").unwrap(), instant("2026-05-05T10:00:00+09:00").unwrap());
}
