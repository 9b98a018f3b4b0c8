//! The commands on recorded days: what is printed, what is refused, how a run ends.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "writes files to read, runs the binary, and may fail where it stands"
)]

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// One order that needs 60 s within 100 m, at 52.52, 13.405; the day is that of the epoch.
const PLAN: &str = r#"{"epoch": 1777881600, "company": {"mark_delivered_radius": 100,
    "mark_delivered_enabled": true},
  "routes": [{"number": "r1", "courier": "ada", "route_start": "08:00", "orders": [
    {"number": "a", "lat": 52.52, "lon": 13.405, "service_duration_s": 120},
    {"number": "b", "lat": 52.56, "lon": 13.405, "service_duration_s": 120}]}]}"#;
const EPOCH: f64 = 1_777_881_600.0;

/// A folder with the plan and positions of one test.
struct Day(PathBuf);

impl Day {
    fn new(test: &str, positions: &str) -> Self {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("recorded_days").join(test);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("plan.json"), PLAN).unwrap();
        fs::write(folder.join("p.csv"), positions).unwrap();
        Self(folder)
    }

    fn command(&self, name: &str, more: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_doorstep"));
        command.current_dir(&self.0).args([name, "--plan", "plan.json", "--positions", "p.csv"]);
        command.args(more);
        command
    }

    fn replay(&self, more: &[&str]) -> Output {
        self.command("replay", more).output().unwrap()
    }

    fn json(&self, more: &[&str]) -> Vec<Value> {
        let output = self.replay(&[&["--json"], more].concat());
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// `name order@t` of every event of a stay, seconds since the epoch.
    fn stays(&self, more: &[&str]) -> Vec<String> {
        let lines = self.json(more).into_iter();
        let stays = lines.filter(|line| line["stay"].is_number());
        stays
            .map(|line| {
                let t = line["t"].as_f64().unwrap() - EPOCH;
                let word = |key: &str| line[key].as_str().unwrap().to_owned();
                format!("{} {}@{t}", word("name"), word("order_number"))
            })
            .collect()
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Stands at a from 600 to 720, every 20 s, then is far away.
fn visit() -> String {
    let mut rows = String::from("t,lat,lon\n0,52.50,13.405\n300,52.51,13.405\n");
    for t in (600..=720).step_by(20) {
        rows += &format!("{t},52.5201,13.405\n");
    }
    rows + "840,52.53,13.405\n900,52.531,13.405\n"
}

const VISITED: [&str; 3] = ["ARRIVAL a@600", "ORDER_VISIT a@660", "DEPARTURE a@840"];

#[test]
fn a_day_is_told_in_text_and_json() {
    let day = Day::new("told", &visit());
    assert_eq!(day.stays(&[]), VISITED);
    let lines = day.json(&[]);
    let visit = lines.iter().find(|line| line["name"] == "ORDER_VISIT").unwrap();
    assert_eq!(visit["kind"], "event");
    assert_eq!(visit["route_number"], "r1");
    assert_eq!(visit["courier"], "ada");
    assert_eq!(visit["position"], serde_json::json!({"lat": 52.5201, "lon": 13.405}));
    assert_eq!(visit["used_mark_delivered_radius"], 100.0);
    assert!(visit["estimated_t"].as_f64().unwrap() < visit["t"].as_f64().unwrap());
    let names = |kind: &str| lines.iter().filter(|line| line["kind"] == kind).count();
    assert!(names("eta") > 0 && names("notification") > 0);
    assert!(
        lines.iter().any(|line| line["name"] == "STATUS_UPDATE" && line["status"] == "finished")
    );
    let output = day.replay(&[]);
    let shown = text(&output.stdout);
    assert!(shown.contains("2026-05-04 08:11:00"), "{shown}");
    assert!(shown.lines().all(|line| line.trim_end() == line));
    assert!(text(&output.stderr).contains("11 read, 0 bad, 0 refused"));
    assert_eq!(output.stdout, day.replay(&[]).stdout, "byte-equal from run to run");
}

#[test]
fn batches_and_shuffles_change_nothing() {
    let plain = Day::new("plain", &visit());
    let mut rows: Vec<String> = visit().lines().skip(1).map(|row| format!("{row},x")).collect();
    rows.reverse();
    let shuffled = format!("t,lat,lon,batch\n{}\n", rows.join("\n"));
    let batch = Day::new("batch", &shuffled);
    assert_eq!(batch.json(&[]), plain.json(&[]));
}

#[test]
fn refused_rows_are_told_and_do_not_move_the_clock() {
    let mut lines: Vec<String> = visit().lines().map(|line| format!("{line},")).collect();
    lines[0] = "t,lat,lon,received".to_owned();
    lines.insert(3, "310,0,0,".to_owned());
    lines.insert(4, "310,52.51,13.405,200000".to_owned());
    lines.insert(5, "900000,52.51,13.405,320".to_owned());
    lines.insert(6, "900000,52.51,13.405,".to_owned());
    let day = Day::new("refused", &(lines.join("\n") + "\n"));
    assert_eq!(day.stays(&[]), VISITED);
    assert_eq!(day.json(&[]), Day::new("not_refused", &visit()).json(&[]));
    let stderr = text(&day.replay(&[]).stderr);
    let expected =
        ["4: lat, lon: invalid: ", "5: time: too_old: ", "6: time: future: ", "7: time: future: "];
    for (line, expected) in stderr.lines().zip(expected) {
        assert!(line.starts_with(&format!("p.csv:{expected}")), "{line}");
    }
    assert!(stderr.contains("4 refused (future 2, invalid 1, too_old 1)"), "{stderr}");
}

#[test]
fn a_leap_counts_where_the_next_row_agrees() {
    let day = Day::new("leap", "t,lat,lon\n0,52.5,13.4\n100000,52.5,13.4\n100020,52.5,13.4\n");
    assert!(text(&day.replay(&[]).stderr).contains("3 read, 0 bad, 0 refused"));
    let day = Day::new("last", "t,lat,lon\n0,52.5,13.4\n20,52.5,13.4\n100020,52.5,13.4\n");
    assert!(text(&day.replay(&[]).stderr).contains("1 refused (future 1)"));
}

#[test]
fn late_rows_are_received_when_the_clock_stands() {
    // The stay at a comes an hour late: its events are told, and marked.
    let mut rows: Vec<String> = visit().lines().skip(1).map(|row| format!("{row},4500")).collect();
    rows[0] = rows[0].replace(",4500", ",0");
    let day = Day::new("late", &format!("t,lat,lon,received\n{}\n", rows.join("\n")));
    assert_eq!(day.stays(&[]), VISITED);
    let lines = day.json(&[]);
    let arrival = lines.iter().find(|line| line["name"] == "ARRIVAL").unwrap();
    assert_eq!(arrival["backfilled"], true);
    assert_eq!(arrival["received"].as_f64().unwrap() - EPOCH, 4500.0);
    assert!(!lines.iter().any(|line| line["name"] == "nearby"));
}

#[test]
fn a_bad_row_stops_the_run_unless_passed_over() {
    let rows = visit().replacen("300,52.51", "300,north", 1);
    let day = Day::new("bad", &rows);
    let output = day.replay(&[]);
    assert_eq!(output.status.code(), Some(1));
    let stderr = text(&output.stderr);
    assert_eq!(
        stderr,
        "p.csv:3: lat: \"north\" is not a number (--skip-bad passes over such rows)\n"
    );
    let stderr = text(&day.replay(&["--skip-bad"]).stderr);
    assert!(stderr.starts_with("p.csv:3: lat: \"north\" is not a number\n"), "{stderr}");
    assert!(stderr.contains("11 read, 1 bad"), "{stderr}");
    assert_eq!(day.stays(&["--skip-bad"]), VISITED);
}

#[test]
fn cadence_thins_each_courier() {
    let day = Day::new("cadence", &visit());
    assert_eq!(day.stays(&["--cadence-s", "60"]), VISITED);
    assert!(text(&day.replay(&["--cadence-s", "60"]).stderr).contains("4 thinned out"));
}

#[test]
fn strangers_are_counted() {
    let rows = visit().replacen("t,lat", "courier,t,lat", 1);
    let rows: Vec<String> = rows
        .lines()
        .enumerate()
        .map(|(index, row)| if index == 0 { row.to_owned() } else { format!("eve,{row}") })
        .collect();
    let output = Day::new("strangers", &rows.join("\n")).replay(&[]);
    assert!(output.status.success());
    assert!(text(&output.stderr).contains("dropped  unknown_courier 11"));
}

#[test]
fn a_closed_pipe_ends_quietly() {
    let day = Day::new("pipe", &visit());
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output =
        day.command("replay", &["--json"]).stdout(writer).stderr(Stdio::piped()).output().unwrap();
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()));
}

#[test]
fn evaluate_prints_one_object() {
    let day = Day::new("evaluate", &visit());
    fs::write(
        day.0.join("truth.csv"),
        "courier,sequence,started_s,ended_s\nada,0,600,720\nada,1,5000,5100\n",
    )
    .unwrap();
    let output = day.command("evaluate", &["--truth", "truth.csv", "--json"]).output().unwrap();
    let score: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&score["truth"], &score["reported"], &score["matched"]),
        (&2.into(), &1.into(), &1.into())
    );
    assert_eq!((&score["precision"], &score["recall"]), (&1.0.into(), &0.5.into()));
    assert_eq!(score["right_door"], Value::Null);
    assert_eq!(score["eta"]["0-5"]["coverage_p10_p90"], Value::Null);
    assert_eq!(score["run"]["rows"], 11);
    let output = day.command("evaluate", &["--truth", "truth.csv"]).output().unwrap();
    assert!(text(&output.stdout).contains("precision         1.0000"));
}

#[test]
fn truth_that_does_not_fit_is_named() {
    let day = Day::new("truth", &visit());
    let table = [
        ("courier,started_s,ended_s\n", "t.csv: no column order_number or sequence"),
        ("sequence,started_s,ended_s\n", "t.csv: no column courier"),
        ("courier,sequence,started_s,ended_s\nada,2,0,1\n", "t.csv:2: sequence: 2 of 2 orders"),
        ("courier,sequence,started_s,ended_s\neve,0,0,1\n", "t.csv:2: courier: \"eve\" is not"),
        ("order_number,started_s,ended_s\na,0,1\nz,0,1\n", "t.csv:3: order_number: \"z\" is not"),
        ("order_number,started_s,ended_s\na,2,1\n", "t.csv:2: ended_s: is before started_s"),
        ("order_number,started_s,ended_s\na,x,1\n", "t.csv:2: started_s: \"x\" is not a time"),
    ];
    for (truth, expected) in table {
        fs::write(day.0.join("t.csv"), truth).unwrap();
        let output = day.command("evaluate", &["--truth", "t.csv"]).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(text(&output.stderr).starts_with(expected), "{}", text(&output.stderr));
    }
}

#[test]
fn check_config_reads_everything() {
    let day = Day::new("check", &visit());
    let output = day.command("check-config", &[]).output().unwrap();
    assert!(output.status.success());
    let shown = text(&output.stdout);
    assert!(shown.contains("plan.json: good: 1 couriers, 1 routes, 2 orders"), "{shown}");
    assert!(shown.contains("p.csv: good: 11 rows, 2026-05-04 08:00:00 to 2026-05-04 08:15:00 UTC"));
    fs::write(day.0.join("p.csv"), "t,lat,lon\n0,x,1\n1,1,x\n2,1,1\n").unwrap();
    let output = day.command("check-config", &[]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).ends_with("p.csv: 2 of 3 rows are not good\n"));
}

#[test]
fn wrong_usage_exits_2_and_help_shows_examples() {
    let run =
        |args: &[&str]| Command::new(env!("CARGO_BIN_EXE_doorstep")).args(args).output().unwrap();
    assert_eq!(run(&["replay"]).status.code(), Some(2));
    assert_eq!(run(&["fly"]).status.code(), Some(2));
    for command in ["replay", "evaluate", "check-config"] {
        let help = run(&[command, "--help"]);
        assert!(help.status.success());
        assert!(text(&help.stdout).contains(&format!("Examples:\n  doorstep {command} ")));
    }
}
