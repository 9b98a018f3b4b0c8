//! What is erased is in no byte of the data directory any more, in no form in which it was ever
//! written; the neighbours' data stand, the daemon runs on, and what a crash breaks off is finished
//! at the next start.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    reason = "it owns its directories, threads and connections, and may panic"
)]

#[expect(dead_code, reason = "other tests use the rest")]
mod support {
    pub mod delivery;
    pub mod http;
    pub mod serving;
}

use std::collections::{BTreeMap, BTreeSet};

use doorstep::runtime::clock::Clock;
use doorstep::storage::disk::Disk;
use doorstep::storage::sim_disk::SimDisk;
use serde_json::{Value, json};
use support::delivery::{C, VISIT, drive, with_route};
use support::http::{Asked, ask_with};
use support::serving::{Place, Serving, morning};

const NAME: &str = "Zebediah Quux";
const PHONES: [&str; 2] = ["+4917600000042", "+4917600000043"];
const NUMBER: &str = "zeb-7731";
const IMEI: &str = "356938035643809";
/// Where the courier's order is: the customer's datum, which stays.
const DOOR: (f64, f64) = (48.137_154, 11.576_124);

/// Where the courier was, in 1e-7 degrees: comes, stays, leaves.
fn places() -> Vec<(i64, i32, i32)> {
    let metres = [900, 700, 400, 150, 12, 9, 11, 8, 10, 300, 600];
    let seconds = [300, 330, 360, 390, 420, 440, 460, 480, 500, 520, 540];
    let places = seconds.into_iter().zip(metres).enumerate();
    places
        .map(|(at, (second, metres))| {
            let lat = (DOOR.0 + f64::from(metres) / 111_267.0) * 1e7;
            let lon = DOOR.1 * 1e7 + 77.0 + at as f64 * 13.0;
            (second, lat.round() as i32, lon.round() as i32)
        })
        .collect()
}

/// What must not be found, by its name.
fn needles() -> Vec<(String, Vec<u8>)> {
    let mut needles: Vec<_> = [NAME, PHONES[0], PHONES[1], NUMBER, IMEI]
        .iter()
        .map(|text| (format!("text {text}"), text.as_bytes().to_vec()))
        .collect();
    for (second, lat_e7, lon_e7) in places() {
        for (axis, e7) in [("lat", lat_e7), ("lon", lon_e7)] {
            let degrees = f64::from(e7) / 1e7;
            let mut add = |form: &str, bytes: Vec<u8>| {
                needles.push((format!("{form} {axis} at {second}"), bytes));
            };
            add("text", degrees.to_string().into_bytes());
            add("i32", e7.to_le_bytes().to_vec());
            add("messagepack", [&[0xd2], &e7.to_be_bytes()[..]].concat());
            add("f64", degrees.to_bits().to_le_bytes().to_vec());
            add("f64 messagepack", degrees.to_bits().to_be_bytes().to_vec());
            add("first of a track", zigzag(i64::from(e7) - 1));
            add("varint", zigzag(e7.into()));
        }
    }
    needles
}

fn zigzag(value: i64) -> Vec<u8> {
    let (mut rest, mut bytes) = ((value << 1 ^ value >> 63) as u64, Vec::new());
    while rest >= 0x80 {
        bytes.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    bytes.push(rest as u8);
    bytes
}

/// Every file of a data directory: those on the simulated disk, and the databases beside them.
fn files(place: &Place, disk: &SimDisk) -> Vec<(String, Vec<u8>)> {
    let names = disk.names().unwrap().into_iter();
    let mut files: Vec<_> = names.map(|name| (name.clone(), disk.bytes(&name))).collect();
    for file in std::fs::read_dir(&place.0).unwrap() {
        let path = file.unwrap().path();
        files.push((path.display().to_string(), std::fs::read(&path).unwrap()));
    }
    files
}

/// Which needles are found, and where.
fn found(place: &Place, disk: &SimDisk) -> Vec<String> {
    let mut by_start: BTreeMap<[u8; 4], Vec<(String, Vec<u8>)>> = BTreeMap::new();
    for (needle, bytes) in needles() {
        let start = *bytes.first_chunk().unwrap();
        by_start.entry(start).or_default().push((needle, bytes));
    }
    let mut found = BTreeSet::new();
    for (name, content) in files(place, disk) {
        for at in 0..content.len().saturating_sub(3) {
            // Most of a journal is zeros.
            if content[at] == 0 {
                continue;
            }
            let here = by_start.get(content[at..].first_chunk::<4>().unwrap());
            for (needle, bytes) in here.into_iter().flatten() {
                if content[at..].starts_with(bytes) {
                    found.insert(format!("{needle} in {name}"));
                }
            }
        }
    }
    found.into_iter().collect()
}

/// A courier to be erased with a visit, and Ann as her neighbour.
struct Scene {
    place: Place,
    disk: SimDisk,
    clock: Clock,
    token: String,
    courier: u64,
    route: u64,
    order: u64,
    neighbour: (u64, u64),
}

impl Scene {
    fn new() -> (Self, Serving) {
        let (place, disk) = (Place::new(), SimDisk::default());
        let clock = Clock::manual(morning());
        let serving = Serving::start(&place, &disk, &clock);
        let (ann, her_route, her_order) = with_route(&serving);
        drive(&serving, ann, her_route, &VISIT);
        let courier = json!({"number": NUMBER, "name": NAME, "phone": PHONES[0]});
        let path = format!("{C}/couriers");
        let (token, body) = (Some(&serving.token[..]), courier.to_string().into_bytes());
        let asked = Asked { method: "POST", path: &path, token, body };
        let made = ask_with(serving.address, &asked, "Idempotency-Key: made-once\r\n").expect(201);
        let courier = made["id"].as_u64().unwrap();
        let phone = json!({"phone": PHONES[1]});
        serving.ask("PATCH", &format!("{C}/couriers/{courier}"), &phone).expect(200);
        serving.post("/v1/tokens", &json!({"role": "device", "courier_id": courier}));
        let route = json!({"number": "south", "courier_number": NUMBER, "date": "2026-05-04",
            "route_start": "10:00", "route_finish": "18:00", "imei": IMEI.parse::<u64>().unwrap()});
        let route = serving.post(&format!("{C}/routes"), &route)["id"].as_u64().unwrap();
        let order = json!({"number": "Z-1", "route_id": route, "lat": DOOR.0, "lon": DOOR.1,
            "service_duration_s": 60, "customer_name": "Cora"});
        let order = serving.post(&format!("{C}/orders"), &order)["id"].as_u64().unwrap();
        let token = serving.token.clone();
        let neighbour = (her_route, her_order);
        let scene = Self { place, disk, clock, token, courier, route, order, neighbour };
        scene.drive(&serving);
        (scene, serving)
    }

    fn drive(&self, serving: &Serving) {
        for (at, (second, lat_e7, lon_e7)) in places().into_iter().enumerate() {
            let timestamp = morning().ms() / 1_000 + second;
            self.clock.advance(timestamp * 1_000 - self.clock.now().ms());
            let point = json!({"lat": f64::from(lat_e7) / 1e7, "lon": f64::from(lon_e7) / 1e7});
            let position = json!({"timestamp": timestamp, "accuracy": 5, "point": point});
            let (courier, route) = (self.courier, self.route);
            let path = format!("/api/v1/couriers/{courier}/routes/{route}/push-positions-v3");
            serving.ask("POST", &path, &json!({"positions": [position]})).expect(200);
            if at == 6 {
                let status = json!({"status": "confirmed"});
                serving.ask("PATCH", &format!("{C}/orders/{}", self.order), &status).expect(200);
            }
        }
    }

    fn get(&self, serving: &Serving, path: &str) -> Value {
        serving.ask_as(Some(&self.token), "GET", path, &Value::Null).expect(200)
    }

    /// All that the neighbour has.
    fn neighbours(&self, serving: &Serving) -> Vec<Value> {
        let (route, order) = self.neighbour;
        let from = morning().ms() / 1_000;
        let span = format!("from={from}&to={}", from + 7_200);
        let positions = format!("/api/v2/companies/1/routes/{route}/courier-positions?{span}");
        let paths = [
            format!("{C}/orders/{order}"),
            format!("{C}/routes/{route}/plan-fact"),
            format!("{C}/couriers?number=ann"),
            positions,
        ];
        paths.iter().map(|path| self.get(serving, path)).collect()
    }

    fn feed(&self, serving: &Serving) -> Vec<Value> {
        let page = self.get(serving, "/v1/events?limit=1000");
        assert_eq!(page["gap"], Value::Null);
        page["events"].as_array().unwrap().clone()
    }

    /// What is left once the courier is erased.
    fn check(&self, serving: &Serving, before: &[Value], neighbours: &[Value]) {
        assert_eq!(found(&self.place, &self.disk), Vec::<String>::new());
        assert_eq!(self.neighbours(serving), neighbours);
        let after = self.feed(serving);
        assert!(after.len() >= before.len());
        let mut blanked = 0;
        for (was, is) in before.iter().zip(&after) {
            let courier = self.courier.to_string();
            let is_erased = was["partitionkey"].as_str() == Some(courier.as_str());
            assert_eq!(was["sequence"], is["sequence"]);
            assert_eq!((&was["id"], &was["type"]), (&is["id"], &is["type"]));
            if is_erased {
                assert_eq!(is["partitionkey"], "0");
                assert!(is["data"]["position"].is_null(), "{is}");
                assert_eq!(was["time"], is["time"]);
                blanked += 1;
            } else {
                assert_eq!(was, is);
            }
        }
        assert!(blanked > 4, "{blanked}");
        let gone = format!("{C}/couriers/{}", self.courier);
        let gone = serving.ask_as(Some(&self.token), "GET", &gone, &Value::Null);
        assert_eq!(gone.status, 404);
        let order = self.get(serving, &format!("{C}/orders/{}", self.order));
        assert_eq!((&order["customer_name"], &order["route_id"]), (&"Cora".into(), &Value::Null));
        let history = order["history"].as_array().unwrap();
        let arrival = history.iter().find(|item| item["event"] == "ARRIVAL").unwrap();
        assert!(arrival["position"].is_null() && arrival["estimated_time"].is_string());
    }
}

#[test]
fn no_byte_of_a_courier_is_left() {
    let (scene, serving) = Scene::new();
    serving.snapshot();
    let (before, neighbours) = (scene.feed(&serving), scene.neighbours(&serving));
    let kinds = found(&scene.place, &scene.disk);
    let is_found = |kind: &str, file: &str| {
        kinds.iter().any(|found| found.starts_with(kind) && found.contains(file))
    };
    for (kind, file) in [
        ("text Zeb", "journal-"),
        ("text Zeb", "catalog.sqlite"),
        ("text Zeb", "ledger.sqlite"),
        ("text 35693", "catalog.sqlite"),
        ("i32 lat", "journal-"),
        ("i32 lat", "snapshot-"),
        ("i32 lat", "feed-"),
    ] {
        assert!(is_found(kind, file), "{kind} {file}: {kinds:#?}");
    }
    let asked = json!({"courier_id": scene.courier});
    let erased = serving.ask("POST", "/v1/erasures", &asked).expect(200);
    assert!(erased["events"].as_u64().unwrap() > 4, "{erased}");
    scene.check(&serving, &before, &neighbours);
    assert_eq!(serving.ask("POST", "/v1/erasures", &asked).status, 404, "it is gone");
    // The daemon runs on: the neighbour drives, and the erased courier's positions are nobody's.
    let (her_route, _) = scene.neighbour;
    drive(&serving, 1, her_route, &[(700, 900.0), (710, 950.0)]);
    let push = format!("/api/v1/couriers/{}/routes/{}", scene.courier, scene.route);
    let point = json!({"lat": 48.0, "lon": 11.0});
    let position = json!({"positions": [{"timestamp": 1_777_882_310, "point": point}]});
    let refused = serving.ask("POST", &format!("{push}/push-positions-v3"), &position);
    assert_eq!(refused.status, 404, "{}", refused.body);
    let neighbours = scene.neighbours(&serving);
    serving.stop();
    let disk = scene.disk.after_crash(0, 0);
    let scene = Scene { disk: disk.clone(), ..scene };
    let serving = Serving::start(&scene.place, &disk, &scene.clock);
    scene.check(&serving, &before, &neighbours);
    serving.stop();
}

/// Wherever it is broken off: what was begun is finished at the next start, and what was not begun
/// is whole.
#[test]
fn a_broken_off_erasure_is_finished_at_the_next_start() {
    let mut finished = 0;
    for steps in (1..200).step_by(18) {
        let (scene, serving) = Scene::new();
        serving.snapshot();
        let (before, neighbours) = (scene.feed(&serving), scene.neighbours(&serving));
        scene.disk.die_after(steps);
        let asked = json!({"courier_id": scene.courier});
        let answer = serving.ask("POST", "/v1/erasures", &asked);
        let (disk, place) = (scene.disk.after_crash(steps, 50), scene.place.copy());
        serving.abandon();
        let scene = Scene { place, disk: disk.clone(), ..scene };
        let serving = Serving::start(&scene.place, &disk, &scene.clock);
        serving.finish_erasures();
        let courier = format!("{C}/couriers/{}", scene.courier);
        let is_there = serving.ask_as(Some(&scene.token), "GET", &courier, &Value::Null);
        if is_there.status == 200 {
            assert_ne!(answer.status, 200, "after {steps} steps");
            assert_eq!(scene.feed(&serving), before);
        } else {
            scene.check(&serving, &before, &neighbours);
            finished += 1;
        }
        serving.stop();
    }
    assert!(finished > 3, "{finished}");
}
