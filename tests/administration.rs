//! The commands around a daemon: companies and tokens over HTTP, plans loaded offline, and `tail`,
//! which goes on where it was.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]
#![expect(clippy::disallowed_methods, reason = "the daemon keeps its files in a directory")]

#[path = "support/whole.rs"]
mod whole;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use doorstep::cli::client::error::ClientError;
use serde_json::{Value, json};
use whole::{Whole, anywhere, good};

const PLAN: &str = "configs/demo/plan.json";

fn directory(test: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("administration").join(test);
    // Of an earlier run.
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).unwrap();
    path
}

/// What the API answers to a token; an error begins with its status.
fn get(daemon: &Whole, token: &str, path: &str) -> Result<Value, String> {
    let answer = daemon.runtime.block_on(daemon.http_as(token).get(path));
    answer.map_err(|error| match error {
        ClientError::Http { problem, .. } => problem,
        other => other.to_string(),
    })
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn load(directory: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_doorstep"));
    command.args(["load", "--plan", PLAN, "--json", "--data-dir"]).arg(directory);
    command.output().unwrap()
}

#[test]
fn companies_and_tokens_are_made_listed_and_revoked() {
    let directory = directory("tokens");
    let daemon = Whole::start(&directory, anywhere(), None);
    let settings = directory.join("company.json");
    std::fs::write(&settings, r#"{"mark_delivered_radius": 80}"#).unwrap();
    let arguments = ["company", "create", "--name", "East", "--settings"];
    let made = daemon.run(&[&arguments[..], &[settings.to_str().unwrap(), "--json"]].concat());
    let company = parsed(&made);
    assert_eq!((&company["id"], &company["name"]), (&2.into(), &"East".into()));
    assert_eq!(company["mark_delivered_radius"], 80);
    let admin = company["admin_token"].as_str().unwrap();
    assert_eq!(get(&daemon, admin, "/api/v1/companies/2").unwrap()["name"], "East");
    let (code, told) = daemon.fail(&["company", "create", "--number", "2"]);
    assert_eq!(code, Some(1));
    assert!(told.contains("422") && told.contains("/number \"2\" is already used"), "{told}");

    let made = parsed(&daemon.run(&["token", "create", "--role", "read", "--json"]));
    let (id, token) = (made["id"].to_string(), made["token"].as_str().unwrap());
    assert!(get(&daemon, token, "/api/v1/companies/1").is_ok());
    let listed = daemon.run(&["token", "list", "--json"]);
    let listed: Vec<Value> = listed.lines().map(parsed).collect();
    assert_eq!(listed.len(), 2, "the admin's and this one");
    assert!(listed.iter().all(|token| token.get("token").is_none()));
    assert_eq!(daemon.run(&["token", "revoke", &id]), format!("token {id} is revoked\n"));
    let refused = get(&daemon, token, "/api/v1/companies/1").unwrap_err();
    assert!(refused.starts_with("401"), "{refused}");
    assert!(daemon.run(&["token", "list"]).contains("revoked"));
    let (code, told) = daemon.fail(&["token", "create", "--role", "device", "--courier", "nobody"]);
    assert_eq!(code, Some(1));
    assert!(told.contains("has no courier of the number \"nobody\""), "{told}");
    assert_eq!(daemon.fail(&["token", "create", "--role", "king"]).0, Some(2));
    daemon.stop();
}

#[test]
fn a_plan_is_loaded_offline_and_served() {
    let directory = directory("load");
    let report = parsed(&good(load(&directory)));
    assert_eq!((&report["inserted"], &report["updated"]), (&25.into(), &0.into()), "{report}");
    let report = parsed(&good(load(&directory)));
    assert_eq!((&report["inserted"], &report["updated"]), (&0.into(), &25.into()), "{report}");
    let daemon = Whole::start(&directory, anywhere(), None);
    let company = daemon.get("/api/v1/companies/1");
    assert_eq!(company["mark_delivered_radius"], 100);
    let routes = daemon.get("/api/v1/companies/1/routes?number=tour-ada");
    let nodes = routes[0]["nodes"].as_array().unwrap();
    assert_eq!(nodes.len(), 7, "the depot and six orders: {routes}");
    let arguments = ["token", "create", "--role", "device", "--courier", "ada", "--json"];
    assert_eq!(parsed(&daemon.run(&arguments))["role"], "device");
    // The daemon has it now.
    let output = load(&directory);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("another daemon is running"),
        "{output:?}"
    );
    daemon.stop();
}

#[test]
fn tail_goes_on_after_a_cursor_and_after_a_restart() {
    let directory = directory("tail");
    good(load(&directory));
    let daemon = Whole::start(&directory, anywhere(), None);
    let at = (daemon.http, daemon.quic);
    let tail = |daemon: &Whole, more: &[&str]| {
        let arguments = [&["tail", "--json", "--type", "order.created"], more].concat();
        let output = daemon.command(&arguments).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        let cursor = told.trim().strip_prefix("cursor ").map(str::to_owned);
        (good(output), cursor.unwrap_or(told))
    };
    let (all, _) = tail(&daemon, &["--count", "18"]);
    let (first, cursor) = tail(&daemon, &["--count", "5"]);
    let (rest, end) = tail(&daemon, &["--count", "13", "--after", &cursor]);
    assert_eq!(format!("{first}{rest}"), all);
    let text = daemon.run(&["tail", "--count", "1", "--type", "doorstep.order.created.v1"]);
    assert!(text.contains("order.created") && text.contains("ada-1"), "{text}");
    // Beyond the end nothing would ever come.
    let beyond = format!("{:020}", end.parse::<u64>().unwrap() + 1_000);
    let (code, told) = daemon.fail(&["tail", "--after", &beyond]);
    assert_eq!(code, Some(1));
    assert!(told.contains("422") && told.contains("beyond the feed's end"), "{told}");
    let (code, told) = daemon.fail(&["tail", "--type", "order.unheard"]);
    assert_eq!((code, told.contains("is not a type of event")), (Some(1), true), "{told}");

    // One that listens when the daemon goes, and what comes when it is there again.
    let mut listening = daemon
        .command(&["tail", "--json", "--type", "order.created", "--count", "19"])
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(listening.stdout.take().unwrap()).lines();
    let mut heard: Vec<String> = lines.by_ref().take(18).map(Result::unwrap).collect();
    daemon.stop();
    let daemon = Whole::start(&directory, at, None);
    let order = json!({"number": "late", "route_number": "tour-ada", "lat": 52.5, "lon": 13.4});
    let http = daemon.http_as(&daemon.token);
    daemon.runtime.block_on(http.post("/api/v1/companies/1/orders", &order)).unwrap();
    heard.extend(lines.map(Result::unwrap));
    assert!(listening.wait().unwrap().success());
    assert_eq!(heard.len(), 19);
    assert_eq!(heard[..18].join("\n"), all.trim_end());
    assert_eq!(parsed(&heard[18])["data"]["order_number"], "late");
    daemon.stop();
}
