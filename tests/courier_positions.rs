//! `courier-positions`: where a route's courier was, as wire.md has it: at most two hours, pages of
//! 1000, `lat`, `lon`, `timestamp`, `server_timestamp`; what was just acknowledged is there.

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

use doorstep::runtime::clock::Clock;
use doorstep::storage::sim_disk::SimDisk;
use serde_json::{Value, json};
use support::delivery::{C, VISIT, drive, with_route};
use support::serving::{Place, Serving, morning};

fn path(company: u64, route: u64, parameters: &str) -> String {
    format!("/api/v2/companies/{company}/routes/{route}/courier-positions?{parameters}")
}

/// Unix seconds so many after the morning.
fn at(second: i64) -> i64 {
    morning().ms() / 1_000 + second
}

#[test]
fn what_was_acknowledged_is_listed() {
    let place = Place::new();
    let (disk, clock) = (SimDisk::default(), Clock::manual(morning()));
    let serving = Serving::start(&place, &disk, &clock);
    let (courier, route, _) = with_route(&serving);
    drive(&serving, courier, route, &VISIT);
    let hour = format!("from={}&to={}", at(0), at(3_600));
    let list = serving.get(&path(1, route, &hour));
    let expected: Vec<Value> = VISIT
        .iter()
        .map(|(second, metres)| {
            let lat = ((52.5 + metres / 111_267.0) * 1e7_f64).round() / 1e7;
            let timestamp = at(*second) as f64;
            json!({"lat": lat, "lon": 13.4, "timestamp": timestamp, "server_timestamp": timestamp})
        })
        .collect();
    assert_eq!(list, Value::Array(expected.clone()));
    let iso = "from=2026-05-04T08:00:30Z&to=2026-05-04T10:01:30%2B02:00";
    assert_eq!(serving.get(&path(1, route, iso)), json!(expected[1..3]));
    let last = format!("from={}&to={}.5", at(240), at(240));
    assert_eq!(serving.get(&path(1, route, &last)), json!(expected[10..]));
    let token = serving.token.clone();
    serving.stop();
    let serving = Serving::start(&place, &disk.after_crash(0, 0), &clock);
    let answer = serving.ask_as(Some(&token), "GET", &path(1, route, &hour), &Value::Null);
    assert_eq!(answer.expect(200), json!(expected));
    serving.stop();
}

#[test]
fn only_positions_that_may_move_the_route_are_listed() {
    let place = Place::new();
    let serving = Serving::start(&place, &SimDisk::default(), &Clock::manual(morning()));
    let (courier, route, _) = with_route(&serving);
    let other = json!({"number": "evening", "courier_number": "ann", "date": "2026-05-04"});
    let other = serving.post(&format!("{C}/routes"), &other)["id"].as_u64().unwrap();
    let bare = json!({"number": "nobody's", "date": "2026-05-04"});
    let bare = serving.ask("POST", &format!("{C}/routes"), &bare);
    drive(&serving, courier, route, &[(10, 500.0), (20, 400.0)]);
    drive(&serving, courier, other, &[(30, 300.0)]);
    let hour = format!("from={}&to={}", at(0), at(3_600));
    let times = |route| {
        let list = serving.get(&path(1, route, &hour));
        let list = list.as_array().unwrap().clone();
        list.iter().map(|item| item["timestamp"].as_f64().unwrap() as i64).collect::<Vec<_>>()
    };
    assert_eq!(times(route), [at(10), at(20)]);
    assert_eq!(times(other), [at(30)]);
    if bare.status == 201 {
        let bare: Value = serde_json::from_str(&bare.body).unwrap();
        assert_eq!(times(bare["id"].as_u64().unwrap()), Vec::<i64>::new());
    }
    serving.stop();
}

#[test]
fn a_page_has_a_thousand() {
    let place = Place::new();
    let serving = Serving::start(&place, &SimDisk::default(), &Clock::manual(morning()));
    let (courier, route, _) = with_route(&serving);
    serving.clock.advance(4_000_000);
    let push = format!("/api/v1/couriers/{courier}/routes/{route}/push-positions-v3");
    for batch in 0..3 {
        let positions: Vec<Value> = (0..900)
            .map(|second| {
                let timestamp = at(batch * 900 + second);
                json!({"timestamp": timestamp, "point": {"lat": 52.4, "lon": 13.4}})
            })
            .collect();
        serving.ask("POST", &push, &json!({ "positions": positions })).expect(200);
    }
    let page = |page: u64| {
        let parameters = format!("from={}&to={}&page={page}", at(0), at(7_200));
        let list = serving.get(&path(1, route, &parameters));
        let list = list.as_array().unwrap().clone();
        list.iter().map(|item| item["timestamp"].as_f64().unwrap() as i64).collect::<Vec<_>>()
    };
    for (number, seconds) in [(1, 0..1_000), (2, 1_000..2_000), (3, 2_000..2_700), (4, 0..0)] {
        assert_eq!(page(number), seconds.map(at).collect::<Vec<_>>(), "page {number}");
    }
    serving.stop();
}

/// What is asked, and the answer.
const REFUSED: &[(u64, u64, &str, u16, &str)] = &[
    (1, 0, "from=1777881600&to=1777888800", 200, ""),
    (1, 0, "from=1777881600&to=1777888800.001", 422, "/to"),
    (1, 0, "from=1777881600&to=1777881600", 200, ""),
    (1, 0, "from=1777881600&to=1777881599", 422, "/to"),
    (1, 0, "to=1777888800", 422, "/from"),
    (1, 0, "from=1777888800", 422, "/to"),
    (1, 0, "from=&to=1777888800", 422, "/from"),
    (1, 0, "from=yesterday&to=1777888800", 422, "/from"),
    (1, 0, "from=nan&to=1777888800", 422, "/from"),
    (1, 0, "from=-1&to=1", 422, "/from"),
    (1, 0, "from=2026-05-04T08:00:00&to=2026-05-04T09:00:00Z", 422, "/from"),
    (1, 0, "from=2026-05-04T08:00:00Z&to=2026-05-04T10:00:00Z", 200, ""),
    (1, 0, "from=2026-05-04T08:00:00Z&to=2026-05-04T10:00:00.001Z", 422, "/to"),
    (1, 0, "from=1777881600&to=1777888800&page=0", 422, "/page"),
    (1, 0, "from=1777881600&to=1777888800&page=x", 422, "/page"),
    (1, 0, "from=1777881600&to=1777888800&page=1000000", 200, ""),
    (1, 0, "from=1777881600&to=1777888800&page=1000001", 422, "/page"),
    (1, 0, "from=1777881600&to=1777888800&limit=5", 422, "/limit"),
    (1, 999, "from=1777881600&to=1777888800", 404, ""),
    (2, 0, "from=1777881600&to=1777888800", 403, ""),
    (999, 0, "from=1777881600&to=1777888800", 403, ""),
];

#[test]
fn what_is_wrong_is_named() {
    let place = Place::new();
    let serving = Serving::start(&place, &SimDisk::default(), &Clock::manual(morning()));
    let (_, route, _) = with_route(&serving);
    for (company, added, parameters, status, pointer) in REFUSED {
        let asked = path(*company, route + added, parameters);
        let answer = serving.ask("GET", &asked, &Value::Null);
        assert_eq!(answer.status, *status, "{asked}: {}", answer.body);
        if *status == 422 {
            let problem: Value = serde_json::from_str(&answer.body).unwrap();
            assert_eq!(problem["errors"][0]["pointer"], *pointer, "{asked}: {problem}");
        }
    }
    let asked = path(1, route, "from=1777881600&to=1777888800");
    assert_eq!(serving.ask_as(None, "GET", &asked, &Value::Null).status, 401);
    serving.ask("DELETE", &format!("{C}/routes/{route}"), &Value::Null).expect(204);
    assert_eq!(serving.ask("GET", &asked, &Value::Null).status, 404);
    serving.stop();
}
