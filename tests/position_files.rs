//! Positions in files: the same track in every form gives the same rows, and what is wrong with a
//! row is said with file, line and field.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    reason = "writes files to read, and may fail where it stands"
)]

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use doorstep::ingest::error::FileError;
use doorstep::ingest::files::{Origin, Row, Rows};
use flate2::Compression;
use flate2::write::GzEncoder;

/// A file of that name in a folder of this test alone.
fn file(test: &str, name: &str, text: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("position_files").join(test);
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join(name);
    let mut out = fs::File::create(&path).unwrap();
    if name.ends_with(".gz") {
        let mut packed = GzEncoder::new(out, Compression::fast());
        packed.write_all(text.as_bytes()).unwrap();
        packed.finish().unwrap();
    } else {
        out.write_all(text.as_bytes()).unwrap();
    }
    path
}

fn origin() -> Origin {
    Origin { epoch_ms: 1_777_881_600_000, sole_courier: Some("ada".to_owned()) }
}

fn read(test: &str, name: &str, text: &str) -> Vec<Result<Row, FileError>> {
    Rows::open(&file(test, name, text), origin()).unwrap().collect()
}

/// Rows without their lines, which differ between formats.
fn good(test: &str, name: &str, text: &str) -> Vec<Row> {
    let rows = read(test, name, text).into_iter();
    rows.map(|row| Row { line: 0, ..row.unwrap() }).collect()
}

fn problems(test: &str, name: &str, text: &str) -> Vec<String> {
    let folder = format!("{}/", file(test, name, text).parent().unwrap().display());
    let rows = read(test, name, text).into_iter();
    rows.filter_map(|row| row.err().map(|error| error.to_string().replacen(&folder, "", 1)))
        .collect()
}

fn refused(test: &str, name: &str, text: &str, origin: Origin) -> String {
    Rows::open(&file(test, name, text), origin).err().unwrap().to_string()
}

const CSV: &str = "\
time,lat,lon,speed_mps,heading_deg
2026-05-04T08:00:00Z,52.52,13.405,7.5,90
2026-05-04T08:00:10.250Z,52.5200001,13.4061,0,359.5
2026-05-04T10:00:20+02:00,-0.1,0,,
";
const GPX: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<gpx version="1.1" creator="test" xmlns="http://www.topografix.com/GPX/1/1">
  <metadata><time>2020-01-01T00:00:00Z</time></metadata>
  <trk><name>a &amp; b</name><trkseg>
    <trkpt lat="52.52" lon="13.405"><ele>34</ele><time>2026-05-04T08:00:00Z</time>
      <extensions><x:speed>7.5</x:speed><x:course>90</x:course></extensions></trkpt>
    <trkpt lat="52.5200001" lon="13.4061"><time> 2026-05-04T08:00:10.250Z </time>
      <speed>0</speed><course>359.5</course></trkpt></trkseg>
    <trkseg><trkpt lat="-0.1" lon="0"><time>2026-05-04T10:00:20+02:00</time></trkpt></trkseg>
  </trk>
</gpx>"#;
const JSONL: &str = r#"{"time": "2026-05-04T08:00:00Z", "lat": 52.52, "lon": 13.405, "speed_mps": 7.5, "heading_deg": 90, "extra": [1]}

{"t_s": 10.25, "lat": 52.5200001, "lon": 13.4061, "speed_mps": 0, "heading_deg": 359.5, "courier": "ada"}
{"timestamp": 1777881620, "lat": -0.1, "lon": 0, "speed_mps": null}
"#;
const GEOJSON: &str = r#"{"type": "FeatureCollection", "features": [
  {"type": "Feature", "geometry": {"type": "LineString",
     "coordinates": [[13.405, 52.52, 34], [13.4061, 52.5200001]]},
   "properties": {"coordTimes": ["2026-05-04T08:00:00Z", "2026-05-04T08:00:10.250Z"]}},
  {"type": "Feature", "geometry": {"type": "LineString", "coordinates": [[0, -0.1]]},
   "properties": {"courier": "ada", "times": ["2026-05-04T10:00:20+02:00"]}}]}"#;

#[test]
fn every_form_gives_the_same_rows() {
    let test = "same_rows";
    let rows = good(test, "a.csv", CSV);
    assert_eq!(rows.len(), 3);
    assert_eq!(rows[1].position.device_time.ms(), 1_777_881_610_250);
    assert_eq!(rows[1].position.point.lat_e7(), 525_200_001);
    assert_eq!(rows[2].position.speed_mps, None);
    assert_eq!(good(test, "a.csv.gz", CSV), rows);
    assert_eq!(good(test, "bom.csv", &format!("\u{feff}{CSV}")), rows);
    assert_eq!(good(test, "crlf.csv", &CSV.replace('\n', "\r\n")), rows);
    assert_eq!(good(test, "a.gpx", GPX), rows);
    assert_eq!(good(test, "a.gpx.gz", GPX), rows);
    assert_eq!(good(test, "a.jsonl", JSONL), rows);
    assert_eq!(good(test, "a.ndjson.gz", JSONL), rows);
    let bare: Vec<Row> = rows
        .into_iter()
        .map(|mut row| {
            row.position.speed_mps = None;
            row.position.heading_deg = None;
            row
        })
        .collect();
    assert_eq!(good(test, "a.geojson", GEOJSON), bare);
    assert_eq!(good(test, "a.json", GEOJSON), bare);
}

#[test]
fn rows_know_how_they_came() {
    let text = "courier,t,lat,lon,accuracy,source,received,batch,colour\n\
                eve,5,1,2,-3,gps_tracker,12.5,b1,red\n\
                ada,6,1,2,4.5,,,,\n";
    let rows = good("how_they_came", "a.csv", text);
    assert_eq!(rows[0].courier, "eve");
    assert_eq!(rows[0].received.unwrap().ms(), 1_777_881_612_500);
    assert_eq!(rows[0].batch.as_deref(), Some("b1"));
    assert_eq!(rows[0].position.source.name(), "gps_tracker");
    assert_eq!(rows[0].position.accuracy_m, None, "not over 0 is unknown");
    assert_eq!(rows[1].position.accuracy_m.unwrap().metres(), 4.5);
    assert_eq!((rows[1].received, &rows[1].batch), (None, &None));
}

#[test]
fn a_bad_row_names_file_line_and_field_and_ends_nothing() {
    let text = "t,lat,lon,source\n0,1,2,\n1,abc,2,\n2,,2,\n3,91,2,\n4,0,0,\n5,nan,1,\n6,1\n7,1,2,fax\n\
                later,1,2,\n9,1,2,\n";
    let expected = [
        "a.csv:3: lat: \"abc\" is not a number",
        "a.csv:4: lat: is missing",
        "a.csv:5: lat: invalid: latitude is outside -90..90",
        "a.csv:6: lat, lon: invalid: coordinates are exactly (0, 0), which receivers report when they have \
         no fix",
        "a.csv:7: lat: invalid: coordinate is not a finite number",
        "a.csv:8: row: 2 fields, the header has 4",
        "a.csv:9: source: \"fax\" is not one of app, gps_tracker, s2s_api, yanavi",
        "a.csv:10: t: \"later\" is not a number",
    ];
    assert_eq!(problems("bad_csv", "a.csv", text), expected);
    assert_eq!(read("bad_csv", "b.csv", text).iter().filter(|row| row.is_ok()).count(), 2);
}

#[test]
fn other_forms_name_their_places_too() {
    let jsonl = "{\"t\": 0, \"lat\": 1, \"lon\": 2}\n\n[1]\n{\"t\": 0, \"lat\": 1}\n\
                 {\"lat\": 1, \"lon\": 2}\n{\"t\": 1, \"t_s\": 1, \"lat\": 1, \"lon\": 2}\n\
                 {\"t\": [], \"lat\": 1, \"lon\": 2}\n";
    let lines = problems("bad_other", "a.jsonl", jsonl);
    assert!(lines[0].starts_with("a.jsonl:3: row: not a JSON object"), "{}", lines[0]);
    assert_eq!(lines[1], "a.jsonl:4: lon: is missing");
    assert!(lines[2].starts_with("a.jsonl:5: row: has no time"), "{}", lines[2]);
    assert!(lines[3].starts_with("a.jsonl:6: row: has several times"), "{}", lines[3]);
    assert_eq!(lines[4], "a.jsonl:7: t: is neither a number nor a text");
    let gpx = "<gpx><trk><trkseg>\n<trkpt lat='1' lon='2'/>\n\
               <trkpt lat='1'><time>2026-05-04T08:00:00Z</time></trkpt>\n\
               <trkpt lat='1' lon='2'><time>today</time></trkpt>\n</trkseg></trk></gpx>";
    let lines = problems("bad_other", "a.gpx", gpx);
    assert_eq!(lines[..2], ["a.gpx:2: time: is missing", "a.gpx:3: lon: is missing"]);
    assert!(lines[2].starts_with("a.gpx:4: time: \"today\" is not a time"), "{}", lines[2]);
    let broken = problems("bad_other", "b.gpx", "<gpx>\n<trk></gpx>");
    assert!(broken[0].starts_with("b.gpx: line 2: not XML"), "{}", broken[0]);
    // What holds no recording is no good file of no rows.
    let waypoint = "<gpx><wpt lat='1' lon='2'><time>2026-05-04T08:00:00Z</time></wpt></gpx>";
    for (text, expected) in [
        ("", "c.gpx: not GPX: there is no <gpx> in it"),
        ("some words", "c.gpx: not GPX: there is no <gpx> in it"),
        ("<html><trkpt/></html>", "c.gpx: not GPX: the file begins with <html>"),
        ("<gpx/>", "c.gpx: there is no track point (<trkpt>) in it"),
        (waypoint, "c.gpx: there is no track point (<trkpt>) in it"),
    ] {
        assert_eq!(problems("bad_other", "c.gpx", text), [expected], "{text}");
    }
}

#[test]
fn a_file_without_what_every_row_needs_is_refused_at_once() {
    let nobody = Origin { epoch_ms: 0, sole_courier: None };
    let table = [
        ("a.csv", "lat,lon\n", "no time: one of t, t_s, time, timestamp is needed; known columns"),
        ("b.csv", "t,lat\n", "header has no lon; known columns are courier, t | t_s | time"),
        ("c.csv", "t,time,lat,lon\n", "several times"),
        ("d.csv", "t,lat,lat,lon\n", "lat twice"),
        ("e.csv", "", "no time"),
        ("a.txt", "", "unknown ending; known are .csv"),
        ("a.geojson", "{\"type\": \"Feature\"}", "feature 0 has no geometry"),
        ("b.geojson", "{\"type\": \"Point\"}", "not GeoJSON"),
        ("d.geojson", "3", "not GeoJSON: invalid type: integer `3`, expected an object"),
        (
            "c.geojson",
            "{\"type\": \"Feature\", \"geometry\": {\"type\": \"LineString\", \"coordinates\": []}}",
            "has no times: expected properties.coordTimes",
        ),
    ];
    for (name, text, expected) in table {
        let problem = refused("refused", name, text, origin());
        assert!(problem.contains(expected), "{name}: {problem}");
    }
    for (name, text) in [("n.csv", "t,lat,lon\n"), ("n.gpx", GPX)] {
        let problem = refused("refused", name, text, nobody.clone());
        assert!(problem.contains("names no courier"), "{name}: {problem}");
    }
    let missing = Rows::open(&PathBuf::from("nowhere.csv"), origin()).err().unwrap().to_string();
    assert!(missing.starts_with("nowhere.csv: cannot open"), "{missing}");
}
