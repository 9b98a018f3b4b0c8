//! Callbacks of deliveries over real HTTP: what they tell, how they are signed, that none is lost,
//! and where they do not go.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    reason = "it owns its directories, threads and connections, and may panic"
)]

#[expect(dead_code, reason = "other tests use the rest")]
mod support {
    pub mod delivery;
    pub mod endpoint;
    pub mod hmac;
    pub mod http;
    pub mod serving;
}

use std::sync::Arc;

use doorstep::feed::outbound::Reach;
use doorstep::runtime::clock::Clock;
use doorstep::storage::sim_disk::SimDisk;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};
use support::delivery::{C, VISIT, drive, with_route};
use support::endpoint::{Endpoint, Received};
use support::hmac::hmac_sha256;
use support::serving::{Place, Serving, morning, outbound};

const CALLBACK: &str = "/v1/deliveries/callback";
const SECRET: &str = "a secret of some length";

#[test]
fn every_change_of_a_delivery_is_told_and_signed() {
    let (place, disk, clock) = (Place::new(), SimDisk::default(), Clock::manual(morning()));
    let (serving, endpoint) = (start(&place, &disk, &clock), Endpoint::start(None));
    let scene = Scene::new(&serving);
    let set = json!({"url": endpoint.url(), "secret": SECRET});
    let shown = serving.ask("PUT", CALLBACK, &set).expect(200);
    assert_eq!((&shown["url"], &shown["secret"]), (&set["url"], &set["secret"]));
    assert!(serving.get(CALLBACK).get("secret").is_none(), "it is shown once");

    let made = serving.ask("POST", &scene.path, &a_delivery("pending")).expect(201);
    let told = endpoint.next();
    assert_eq!(told.line, "POST /hook?shop=1 HTTP/1.1");
    assert_eq!(told.header("content-type"), Some("application/json"));
    let body = told.json();
    assert_eq!(
        (&body["resource_type"], &body["event_type"]),
        (&json!("delivery"), &json!("create"))
    );
    assert_eq!(body["new_state"], made, "as GET has it");
    assert_eq!(body["order_id"], made["order_id"]);
    assert_eq!(body["location_id"], made["location_id"]);
    assert_eq!(body["created_at"], "2026-05-04T10:00:00+02:00", "in the zone of the location");

    let change = json!({"driver_latitude": "48.856614", "driver_longitude": "2.3522219"});
    serving.ask("PATCH", &scene.path, &change).expect(200);
    let told = tell(&endpoint, "update");
    assert_eq!(told["new_state"]["driver_latitude"], "48.856614");
    serving.ask("PATCH", &scene.path, &change).expect(200);

    // The same again says nothing; the engine's steps each say one thing.
    drive(&serving, scene.courier, scene.route, &VISIT);
    let statuses = std::iter::from_fn(|| {
        let told = tell(&endpoint, "update");
        let status = told["new_state"]["status"].as_str().unwrap().to_owned();
        Some(status)
    });
    let mut seen: Vec<String> = Vec::new();
    for status in statuses {
        seen.push(status);
        if seen.last().unwrap() == "delivered" {
            break;
        }
    }
    let expected =
        ["pending", "dropoff_enroute", "dropoff_approaching", "dropoff_waiting", "delivered"];
    seen.dedup();
    let first = usize::from(seen[0] != "pending");
    assert_eq!(seen, expected[first..]);
    let read = serving.get(&scene.path);
    assert_eq!(read["status"], "delivered");
    let metrics = serving.ask_as(None, "GET", "/metrics", &Value::Null).body;
    assert!(metrics.contains("doorstep_callbacks_total{outcome=\"delivered\"}"), "{metrics}");
    serving.stop();
}

#[test]
fn what_is_not_taken_comes_again_later_each_time() {
    let (place, disk, clock) = (Place::new(), SimDisk::default(), Clock::manual(morning()));
    let (serving, endpoint) = (start(&place, &disk, &clock), Endpoint::start(None));
    let scene = Scene::new(&serving);
    serving.ask("PUT", CALLBACK, &json!({"url": endpoint.url(), "secret": SECRET})).expect(200);
    let answers = [
        ("500 Broken", 5),
        ("302 Found\r\nLocation: http://127.0.0.1:1/", 30),
        ("429 Slow down\r\nRetry-After: 300", 300),
        ("410 Gone", 600),
    ];
    for (answer, _) in answers {
        endpoint.answer(answer);
    }
    serving.ask("POST", &scene.path, &a_delivery("pending")).expect(201);
    serving.ask("PATCH", &scene.path, &json!({"driver_name": "Bo"})).expect(200);
    let first = endpoint.next();
    until(|| serving.get(CALLBACK)["waiting"] == 2);
    for (answer, delay_s) in answers {
        until(|| {
            attempts(&place)
                == Some(answers.iter().position(|(a, _)| *a == answer).unwrap() as u32 + 1)
        });
        clock.advance(delay_s * 1_000 - 1);
        let line = serving.get(CALLBACK);
        assert_eq!(line["waiting"], 2, "{line}");
        assert!(endpoint.is_quiet(), "not before its time, and no other before it");
        clock.advance(1);
        assert_eq!(endpoint.next(), first, "after {answer}: the same bytes");
    }
    let second = endpoint.next().json();
    assert_eq!(second["new_state"]["driver_name"], "Bo");
    assert_ne!(second["id"], first.json()["id"]);
    until(|| serving.get(CALLBACK)["waiting"] == 0);
    serving.stop();
}

#[test]
fn a_crash_loses_none_and_changes_no_identity() {
    let (place, disk, clock) = (Place::new(), SimDisk::default(), Clock::manual(morning()));
    let (serving, endpoint) = (start(&place, &disk, &clock), Endpoint::start(None));
    let scene = Scene::new(&serving);
    serving.ask("PUT", CALLBACK, &json!({"url": endpoint.url(), "secret": SECRET})).expect(200);
    endpoint.answer("503 Later");
    serving.ask("POST", &scene.path, &a_delivery("pending")).expect(201);
    let first = endpoint.next();
    until(|| attempts(&place) == Some(1));
    serving.ask("PATCH", &scene.path, &json!({"driver_name": "Bo"})).expect(200);
    let (copy, image) = (place.copy(), disk.after_crash(1, 0));
    serving.abandon();

    clock.advance(5_000);
    let serving = start(&copy, &image, &clock);
    assert_eq!(endpoint.next(), first, "what waited is sent as it was");
    assert_eq!(endpoint.next().json()["new_state"]["driver_name"], "Bo");
    serving.stop();
}

#[test]
fn a_catalog_that_is_made_anew_tells_again_under_the_same_identities() {
    let (place, disk, clock) = (Place::new(), SimDisk::default(), Clock::manual(morning()));
    let (serving, endpoint) = (start(&place, &disk, &clock), Endpoint::start(None));
    let scene = Scene::new(&serving);
    serving.ask("PUT", CALLBACK, &json!({"url": endpoint.url(), "secret": SECRET})).expect(200);
    serving.ask("POST", &scene.path, &a_delivery("pending")).expect(201);
    let first = endpoint.next().json();
    serving.stop();
    let anew = Place::new();
    let serving = start(&anew, &disk.after_crash(1, 100), &clock);
    assert_eq!(endpoint.next().json()["id"], first["id"]);
    serving.stop();
}

#[test]
fn one_endpoint_that_does_not_answer_holds_up_nobody_else() {
    let (place, disk, clock) = (Place::new(), SimDisk::default(), Clock::manual(morning()));
    let (serving, endpoint) = (start(&place, &disk, &clock), Endpoint::start(None));
    let scene = Scene::new(&serving);
    // It takes connections and says nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", silent.local_addr().unwrap());
    serving.ask("PUT", CALLBACK, &json!({"url": url, "secret": SECRET})).expect(200);
    serving.ask("POST", &scene.path, &a_delivery("pending")).expect(201);

    let other = serving.post("/api/v1/companies", &json!({"number": "others"}));
    let (token, company) = (other["admin_token"].as_str().unwrap(), &other["id"]);
    let ask = |method: &str, path: &str, body: Value| {
        let answer = serving.ask_as(Some(token), method, path, &body);
        assert!((200..300).contains(&answer.status), "{path}: {}", answer.body);
        answer.json()
    };
    ask("PUT", CALLBACK, json!({"url": endpoint.url(), "secret": "another secret of theirs"}));
    let of = format!("/api/v1/companies/{company}");
    let depot = ask("POST", &format!("{of}/depots"), json!({"number": "d", "lat": 1, "lon": 1}));
    let order = ask("POST", &format!("{of}/orders"), json!({"number": "o"}));
    let path = format!("/locations/{}/orders/{}/delivery", depot["id"], order["id"]);
    ask("POST", &path, a_delivery("pending"));
    let told = endpoint.next();
    assert_eq!(told.json()["order_id"], order["id"].to_string(), "its own, and no other company's");
    assert_eq!(serving.get(CALLBACK)["waiting"], 1);
    serving.stop();
}

#[test]
fn addresses_that_may_not_be_reached_are_refused() {
    let (place, disk, clock) = (Place::new(), SimDisk::default(), Clock::manual(morning()));
    let endpoint = Endpoint::start(None);
    // Loopback is not allowed here.
    let serving = Serving::start(&place, &disk, &clock);
    for url in [
        endpoint.url(),
        format!("https://{}/", endpoint.address),
        "http://example.com/".to_owned(),
        "https://169.254.169.254/latest".to_owned(),
        "https://[::1]/".to_owned(),
        "https://[::ffff:10.0.0.1]/".to_owned(),
        "ftp://example.com/".to_owned(),
        "https://user:word@example.com/".to_owned(),
        "/hook".to_owned(),
        String::new(),
    ] {
        let answer = serving.ask("PUT", CALLBACK, &json!({"url": url})).expect(422);
        assert_eq!(answer["errors"][0]["pointer"], "/url", "{url}: {answer}");
    }
    for secret in [json!("short"), json!("x".repeat(256)), json!(7)] {
        let body = json!({"url": "https://example.com/", "secret": secret});
        let answer = serving.ask("PUT", CALLBACK, &body).expect(422);
        assert_eq!(answer["errors"][0]["pointer"], "/secret");
    }
    assert_eq!(serving.ask("GET", CALLBACK, &Value::Null).status, 404);
    assert_eq!(serving.ask("DELETE", CALLBACK, &Value::Null).status, 404);
    // A name is judged by its address when it is used: nothing is sent to this machine.
    let scene = Scene::new(&serving);
    let url = format!("https://localhost:{}/", endpoint.address.port());
    let shown = serving.ask("PUT", CALLBACK, &json!({"url": url})).expect(200);
    assert_eq!(shown["secret"].as_str().unwrap().len(), 64, "drawn");
    serving.ask("POST", &scene.path, &a_delivery("pending")).expect(201);
    until(|| attempts(&place) == Some(1));
    assert!(endpoint.is_quiet());
    serving.ask("DELETE", CALLBACK, &Value::Null).expect(204);
    assert_eq!(attempts(&place), None, "what waited goes too");
    serving.stop();
}

#[test]
fn over_tls_the_certificate_must_be_trusted() {
    let (place, disk, clock) = (Place::new(), SimDisk::default(), Clock::manual(morning()));
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let certificate = CertificateDer::from(made.cert.der().to_vec());
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    let endpoint = Endpoint::start(Some(Arc::new(tls)));
    let url = format!("https://localhost:{}/hook", endpoint.address.port());
    // Without trust there is no request.
    let serving = start(&place, &disk, &clock);
    let scene = Scene::new(&serving);
    serving.ask("PUT", CALLBACK, &json!({"url": url, "secret": SECRET})).expect(200);
    serving.ask("POST", &scene.path, &a_delivery("pending")).expect(201);
    until(|| attempts(&place) == Some(1));
    assert!(endpoint.is_quiet());
    serving.stop();
    clock.advance(5_000);
    let trusting = outbound(loopback(), &[certificate]);
    let disk = disk.after_crash(1, 100);
    let serving = Serving::start_calling(&place, &disk, &clock, trusting);
    tell(&endpoint, "create");
    serving.stop();
}

fn start(place: &Place, disk: &SimDisk, clock: &Clock) -> Serving {
    let mut serving = Serving::start_calling(place, disk, clock, outbound(loopback(), &[]));
    if serving.token.is_empty() {
        serving.token = std::fs::read_to_string(place.0.join("token")).unwrap_or_default();
    } else {
        std::fs::write(place.0.join("token"), &serving.token).unwrap();
    }
    serving
}

fn loopback() -> Reach {
    let allowed = ["127.0.0.0/8", "::1"].map(|network| network.parse().unwrap());
    Reach { allowed: allowed.into(), denied: Vec::new() }
}

/// The next callback, if it is signed with the secret and of that type.
#[track_caller]
fn tell(endpoint: &Endpoint, kind: &str) -> Value {
    let told: Received = endpoint.next();
    let signature = hmac_sha256(SECRET.as_bytes(), told.body.as_bytes());
    assert_eq!(told.header("X-HubRise-Hmac-SHA256"), Some(signature.as_str()));
    let body = told.json();
    assert_eq!(body["event_type"], kind, "{body}");
    body
}

/// How often the first callback was sent in vain; `None`: none waits.
fn attempts(place: &Place) -> Option<u32> {
    let catalog = doorstep::storage::catalog::Catalog::open(&place.0).unwrap();
    let due = catalog.due_callbacks(1, i64::MAX, 1).unwrap();
    due.first().map(|callback| callback.attempts)
}

/// Waits for what another thread is about to do.
#[track_caller]
fn until(happened: impl Fn() -> bool) {
    for _ in 0..1_000_000 {
        if happened() {
            return;
        }
        std::thread::yield_now();
    }
    panic!("it does not happen");
}

struct Scene {
    courier: u64,
    route: u64,
    path: String,
}

impl Scene {
    fn new(serving: &Serving) -> Self {
        let (courier, route, order) = with_route(serving);
        let depot =
            json!({"number": "hub", "lat": 52.4, "lon": 13.4, "time_zone": "Europe/Berlin"});
        let location = serving.post(&format!("{C}/depots"), &depot)["id"].clone();
        let path = format!("/locations/{location}/orders/{order}/delivery");
        Self { courier, route, path }
    }
}

fn a_delivery(status: &str) -> Value {
    json!({"carrier": "UPS", "status": status})
}
