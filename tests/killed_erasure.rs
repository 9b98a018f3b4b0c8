//! A daemon that is killed in the middle of an erasure, and again while it goes on with it: the one
//! after that finishes, and no byte of the courier is left in the data directory. `tests/erasure.rs`
//! looks for every form in which anything is written, and breaks off a simulated disk.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    reason = "it owns its directories and processes, and may panic"
)]

#[expect(dead_code, reason = "other tests use the rest")]
mod support {
    pub mod http;
    pub mod process;
}

use std::collections::BTreeSet;
use std::io::Write;
use std::net::TcpStream;
use std::path::Path;
use std::thread::yield_now;

use serde_json::{Value, json};
use support::process::{Process, admin_token, directory};

const NAME: &str = "Zebediah Quux";
const PHONE: &str = "+4917600000042";
const NUMBER: &str = "zeb-7731";
/// Where the courier was, 1e-7 degrees.
const PLACES: [(i32, i32); 4] = [
    (481_371_977, 115_761_331),
    (481_371_613, 115_761_347),
    (481_371_547, 115_761_359),
    (481_379_173, 115_761_373),
];

/// What must not be found.
fn needles() -> Vec<Vec<u8>> {
    let texts = [NAME, PHONE, NUMBER].map(|text| text.as_bytes().to_vec());
    let axes = PLACES.iter().flat_map(|(lat, lon)| [*lat, *lon]);
    let places = axes.flat_map(|e7| {
        let degrees = f64::from(e7) / 1e7;
        [e7.to_le_bytes().to_vec(), degrees.to_le_bytes().to_vec(), degrees.to_string().into()]
    });
    texts.into_iter().chain(places).collect()
}

/// The files of a directory that hold any of it. One that goes away meanwhile holds nothing.
fn holders(data: &Path) -> Vec<String> {
    let needles = needles();
    let is_in = |content: &[u8]| {
        // Most of a journal is zeros.
        let starts = (0..content.len()).step_by(BLOCK.len());
        let blocks = starts.filter(|start| {
            !BLOCK.starts_with(&content[*start..][..BLOCK.len().min(content.len() - start)])
        });
        blocks
            .flat_map(|start| start..content.len().min(start + BLOCK.len()))
            .any(|at| needles.iter().any(|needle| content[at..].starts_with(needle)))
    };
    let files = std::fs::read_dir(data).unwrap().map(|file| file.unwrap().path());
    let holders = files.filter(|path| std::fs::read(path).is_ok_and(|content| is_in(&content)));
    holders.map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect()
}

/// The files that nobody but an erasure makes or removes here.
fn segments(data: &Path) -> BTreeSet<String> {
    let names = std::fs::read_dir(data).unwrap();
    let names = names.map(|file| file.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.contains(".seg")).collect()
}

/// A stopped daemon's directory with a courier who has visited an order; its id.
fn begun(data: &Path) -> u64 {
    let daemon = Process::start_anywhere(data);
    let admin = admin_token(data);
    let post = |path: &str, body: &Value| daemon.ask(&admin, "POST", path, body).expect(201);
    let courier = json!({"number": NUMBER, "name": NAME, "phone": PHONE});
    let courier = post("/api/v1/companies/1/couriers", &courier)["id"].as_u64().unwrap();
    let route = json!({"number": "south", "courier_number": NUMBER, "date": "2026-11-22"});
    let route = post("/api/v1/companies/1/routes", &route)["id"].clone();
    let order = json!({"number": "Z-1", "route_id": route, "lat": 48.137_154, "lon": 11.576_124,
                       "service_duration_s": 0});
    post("/api/v1/companies/1/orders", &order);
    let push = format!("/api/v1/couriers/{courier}/routes/{route}/push-positions-v3");
    let now_s = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
    for (at, (lat, lon)) in PLACES.into_iter().enumerate() {
        let point = json!({"lat": f64::from(lat) / 1e7, "lon": f64::from(lon) / 1e7});
        let position = json!({"timestamp": now_s + 1 + 10 * at as u64, "accuracy": 5,
                              "point": point});
        daemon.ask(&admin, "POST", &push, &json!({"positions": [position]})).expect(200);
    }
    daemon.stop();
    courier
}

fn copy(from: &Path, name: &str) -> std::path::PathBuf {
    let to = directory(name);
    std::fs::create_dir_all(&to).unwrap();
    for file in std::fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
    to
}

/// Waits until a directory's segments have changed so often since they were these, or it is over.
fn wait_for_changes(
    data: &Path,
    mut known: BTreeSet<String>,
    changes: usize,
    is_over: impl Fn() -> bool,
) {
    let mut seen = 0;
    while seen < changes && !is_over() {
        let now = segments(data);
        if now != known {
            (known, seen) = (now, seen + 1);
        }
    }
}

/// Asks for an erasure, and does not wait for the answer.
fn ask(daemon: &Process, admin: &str, courier: u64) -> TcpStream {
    let body = json!({"courier_id": courier}).to_string();
    let mut asking = TcpStream::connect(daemon.http).unwrap();
    let head = format!(
        "POST /v1/erasures HTTP/1.1\r\nHost: localhost\r\nAuthorization: OAuth {admin}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    asking.write_all(head.as_bytes()).unwrap();
    asking.set_nonblocking(true).unwrap();
    asking
}

#[test]
fn an_erasure_goes_on_after_a_kill_and_after_another() {
    let prepared = directory("killed-erasure");
    let courier = begun(&prepared);
    let kinds: BTreeSet<String> = holders(&prepared)
        .iter()
        .map(|name| name.split(['-', '.']).next().unwrap().into())
        .collect();
    for kind in ["journal", "catalog", "feed"] {
        assert!(kinds.contains(kind), "{kind}: {kinds:?}");
    }
    let mut broken_off = 0;
    for changes in KILLED_AFTER {
        let data = copy(&prepared, &format!("killed-erasure-{changes}"));
        let daemon = Process::start_anywhere(&data);
        let admin = admin_token(&data);
        let known = segments(&data);
        let asking = ask(&daemon, &admin, courier);
        wait_for_changes(&data, known, changes, || asking.peek(&mut [0]).is_ok());
        daemon.kill();
        let is_broken_off = !holders(&data).is_empty();

        let known = segments(&data);
        let daemon = Process::start_anywhere(&data);
        wait_for_changes(&data, known, 1, || !is_broken_off);
        daemon.kill();
        broken_off += usize::from(is_broken_off);
        let daemon = Process::start_anywhere(&data);
        while !holders(&data).is_empty() {
            yield_now();
        }
        let path = format!("/api/v1/companies/1/couriers/{courier}");
        assert_eq!(daemon.ask(&admin, "GET", &path, &Value::Null).status, 404);
        let page = daemon.ask(&admin, "GET", "/v1/events", &Value::Null).expect(200);
        let of_order = |event: &&Value| event["data"]["order_number"] == "Z-1";
        assert!(page["events"].as_array().unwrap().iter().filter(of_order).count() > 1, "{page}");
        daemon.stop();
        assert_eq!(holders(&data), Vec::<String>::new(), "after {changes} changes");
        std::fs::remove_dir_all(&data).unwrap();
    }
    assert!(broken_off >= 2, "only {broken_off} were in the middle");
}

/// Changes of the directory's segments after which the daemon is killed.
const KILLED_AFTER: [usize; 3] = [1, 2, 4];
const BLOCK: [u8; 4_096] = [0; 4_096];
