//! What the HTTP surface does with clients that are slow, many, or send what nobody should: each
//! costs a bounded amount and gets the documented answer.

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

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use doorstep::api::limits::Limits;
use doorstep::daemon::http_tls::HttpTls;
use doorstep::runtime::clock::Clock;
use doorstep::storage::sim_disk::SimDisk;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use serde_json::{Value, json};
use support::delivery::{C, with_route};
use support::http::{Answer, Asked, answer, ask_with};
use support::serving::{Place, Serving, morning};

fn start(place: &Place, limits: Limits) -> Serving {
    Serving::start_with(place, &SimDisk::default(), &Clock::manual(morning()), limits, None)
}

const SHORT: Duration = Duration::from_millis(100);

/// Reads to the end, which comes although nothing more is sent.
fn rest(mut stream: TcpStream) -> String {
    let mut text = String::new();
    // A connection may end with a reset as well.
    let _ = stream.read_to_string(&mut text);
    text
}

#[test]
fn slow_clients_are_let_go() {
    let place = Place::new();
    let limits = Limits { head_timeout: SHORT, body_timeout: SHORT, ..Limits::default() };
    let serving = start(&place, limits);
    let silent = TcpStream::connect(serving.address).unwrap();
    assert_eq!(rest(silent), "");
    let mut half = TcpStream::connect(serving.address).unwrap();
    half.write_all(b"GET /livez HTTP/1.1\r\nHost: a\r\nX-Slow: ").unwrap();
    assert!(!rest(half).contains("200"));
    let mut idle = TcpStream::connect(serving.address).unwrap();
    idle.write_all(b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    assert!(rest(idle).contains("200 OK"), "answered, and then not kept for ever");
    let mut body = TcpStream::connect(serving.address).unwrap();
    let head = format!(
        "POST {C}/couriers HTTP/1.1\r\nHost: a\r\nAuthorization: OAuth {}\r\n\
         Content-Length: 100\r\n\r\n{{\"number\": ",
        serving.token
    );
    body.write_all(head.as_bytes()).unwrap();
    let late = answer(body);
    assert_eq!(late.status, 408, "{}", late.body);
    serving.stop();
}

#[test]
fn connections_are_counted() {
    let place = Place::new();
    let serving = start(&place, Limits { connections_max: 2, ..Limits::default() });
    let ask_on = |stream: &mut TcpStream| {
        stream.write_all(b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n").ok()?;
        let mut buffer = [0; 15];
        stream.read_exact(&mut buffer).ok()?;
        Some(buffer.ends_with(b"200 OK"))
    };
    let mut first = TcpStream::connect(serving.address).unwrap();
    let mut second = TcpStream::connect(serving.address).unwrap();
    assert_eq!((ask_on(&mut first), ask_on(&mut second)), (Some(true), Some(true)));
    let third = TcpStream::connect(serving.address).unwrap();
    assert_eq!(rest(third), "", "closed at once");
    drop(first);
    while TcpStream::connect(serving.address).map(|mut next| ask_on(&mut next)).unwrap().is_none() {
    }
    drop(second);
    serving.stop();
}

#[test]
fn bodies_beyond_the_limits_are_refused_in_words() {
    let place = Place::new();
    let serving = start(&place, Limits::default());
    let (courier, route, _) = with_route(&serving);
    let couriers = format!("{C}/couriers");
    let push = format!("/api/v1/couriers/{courier}/routes/{route}/push-positions-v3");
    let refused = |path: &str, body: &str, status: u16| -> (String, String) {
        let asked = Asked { method: "POST", path, token: Some(&serving.token), body: body.into() };
        let answer = serving.ask_raw(&asked);
        let problem = answer.expect(status);
        for leak in ["u64", "f64", "struct", "String", "expected value", "map"] {
            assert!(!answer.body.contains(leak) || status == 400, "{leak}: {}", answer.body);
        }
        let error = &problem["errors"][0];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        (text(&error["pointer"]), text(&error["detail"]))
    };
    let zeros = format!("[{}0]", "0,".repeat(4_000_000));
    assert_eq!(refused(&format!("{couriers}-batch"), &zeros, 422).0, "");
    assert_eq!(refused(&couriers, r#"{"number": "a", "number": "b"}"#, 422).0, "/number");
    assert_eq!(refused(&couriers, "{\"number\": \"a\\u0000\"}", 422).0, "/number");
    assert_eq!(refused(&couriers, r#"{"number": 7}"#, 422).1, "expected a text that names it");
    assert!(refused(&couriers, "{}", 422).1.starts_with("is missing"));
    assert_eq!(refused(&couriers, &"[".repeat(100_000), 422).0, "/0".repeat(16));
    refused(&couriers, "{\"number\": ", 400);
    let role = |body: &str| refused("/v1/tokens", body, 422);
    assert_eq!(role(r#"{"role": 7}"#), ("/role".to_owned(), "expected a text".to_owned()));
    assert_eq!(role("{}"), ("/role".to_owned(), "is missing".to_owned()));
    assert_eq!(role(r#"{"role": "king"}"#).0, "/role");
    assert_eq!(role(r#"{"role": "read", "rank": 1}"#).0, "/rank");
    assert_eq!(role(r#"{"role": "device", "courier_id": "x"}"#).0, "/courier_id");
    assert_eq!(role("[]").1, "expected an object");
    let fix = |change: &str, value: Value| {
        let mut fix = json!({"timestamp": 1_777_881_600, "point": {"lat": 52.5, "lon": 13.0}});
        match change.strip_prefix("point.") {
            Some(key) => fix["point"][key] = value,
            None => fix[change] = value,
        }
        refused(&push, &json!({"positions": [fix]}).to_string(), 422)
    };
    assert_eq!(fix("timestamp", json!("now")).0, "/positions/0/timestamp");
    assert_eq!(fix("timestamp", json!(-1)).0, "/positions/0/timestamp");
    assert_eq!(fix("point", Value::Null), ("/positions/0/point".to_owned(), "is missing".into()));
    assert_eq!(fix("point.lat", json!("north")).0, "/positions/0/point/lat");
    assert_eq!(fix("point.lat", json!(91)).0, "/positions/0/point");
    assert_eq!(fix("speed", json!([])).0, "/positions/0/speed");
    assert_eq!(refused(&push, "{}", 422), ("/positions".to_owned(), "is missing".to_owned()));
    serving.stop();
}

#[test]
fn metrics_come_in_the_form_that_is_accepted() {
    let place = Place::new();
    let serving = start(&place, Limits::default());
    let read = |accept: &str| {
        let asked = Asked { method: "GET", path: "/metrics", token: None, body: vec![] };
        ask_with(serving.address, &asked, accept)
    };
    let plain = read("");
    assert!(plain.headers.contains("content-type: text/plain; version=0.0.4"), "{}", plain.headers);
    assert!(plain.body.contains("# TYPE doorstep_inputs_total counter\ndoorstep_inputs_total "));
    assert!(!plain.body.contains("# EOF"));
    let open = read("Accept: application/openmetrics-text;version=1.0.0\r\n");
    assert!(open.headers.contains("content-type: application/openmetrics-text"));
    assert!(open.body.contains("# TYPE doorstep_inputs counter\n"));
    assert!(open.body.ends_with("# EOF\n"));
    for line in plain.body.lines().filter(|line| line.contains('{')) {
        assert!(line.starts_with("doorstep_http_answers_total{status="), "{line}");
    }
    serving.stop();
}

#[test]
fn a_bad_token_is_told_from_no_other() {
    let place = Place::new();
    let serving = start(&place, Limits::default());
    let made = serving.post("/v1/tokens", &json!({"role": "read"}));
    let revoked = made["token"].as_str().unwrap().to_owned();
    serving.ask("DELETE", &format!("/v1/tokens/{}", made["id"]), &Value::Null).expect(204);
    let asked = |header: String| {
        let asked = Asked { method: "GET", path: "/v1/tokens", token: None, body: vec![] };
        let Answer { status, headers, body } = ask_with(serving.address, &asked, &header);
        let headers: Vec<String> =
            headers.lines().filter(|line| !line.starts_with("date")).map(str::to_owned).collect();
        (status, headers, body)
    };
    let without = asked(String::new());
    assert_eq!(without.0, 401);
    assert!(without.1.contains(&"www-authenticate: OAuth, Bearer".to_owned()), "{without:?}");
    let unknown = "0".repeat(64);
    for header in [
        format!("Authorization: OAuth {revoked}\r\n"),
        format!("Authorization: OAuth {unknown}\r\n"),
        "Authorization: Bearer x\r\n".to_owned(),
        "Authorization: Basic eDp5\r\n".to_owned(),
        format!("Authorization: {}\r\n", serving.token),
    ] {
        assert_eq!(asked(header.clone()), without, "{header}");
    }
    serving.stop();
}

#[test]
fn a_token_is_held_to_its_quota() {
    let place = Place::new();
    let serving = start(&place, Limits { requests_max: 3, ..Limits::default() });
    let ask = || serving.ask("GET", "/v1/tokens", &Value::Null);
    let first = ask();
    assert_eq!(first.status, 200);
    let headers = &first.headers;
    assert!(headers.contains("ratelimit-policy: \"requests\";q=3;w=10"), "{headers}");
    assert!(headers.contains("ratelimit: \"requests\";r="), "{headers}");
    // A window may end meanwhile, but not after every third request.
    let refused = (0..100).map(|_| ask()).find(|answer| answer.status == 429).unwrap();
    assert!(refused.headers.contains("retry-after: "), "{}", refused.headers);
    assert_eq!(refused.json()["severity"], "transient");
    let open = serving.ask_as(None, "GET", "/livez", &Value::Null);
    assert_eq!(open.status, 200);
    assert!(!open.headers.contains("ratelimit"));
    serving.stop();
}

#[test]
fn writes_are_audited_without_their_content() {
    let place = Place::new();
    let serving = start(&place, Limits::default());
    serving.post(&format!("{C}/couriers"), &json!({"number": "ann", "phone": "+49 30 1234"}));
    serving.get(&format!("{C}/couriers"));
    serving.ask("POST", &format!("{C}/couriers?apikey=secret"), &json!({})).expect(422);
    serving.ask_as(None, "POST", &format!("{C}/couriers"), &json!({})).expect(401);
    let log = std::fs::read_to_string(place.0.join("audit.jsonl")).unwrap();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let expected = |status: u16| {
        json!({"time": "2026-05-04T08:00:00.000Z", "token_id": 1, "company_id": 1,
            "role": "admin", "method": "POST", "path": format!("{C}/couriers"), "status": status})
    };
    assert_eq!(lines, [expected(201), expected(422)]);
    let tokens = serving.get("/v1/tokens");
    assert_eq!(tokens[0]["last_used_at"], "2026-05-04T08:00:00.000Z");
    serving.stop();
}

#[test]
fn http_is_encrypted_where_it_is_configured() {
    let place = Place::new();
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let files = HttpTls { certificate: place.0.join("a.pem"), key: place.0.join("a.key") };
    std::fs::write(&files.certificate, made.cert.pem()).unwrap();
    assert!(files.config().is_err(), "there is no key");
    std::fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
    let tls = Some(files.config().unwrap());
    let limits = Limits { head_timeout: SHORT * 20, ..Limits::default() };
    let clock = Clock::manual(morning());
    let serving = Serving::start_with(&place, &SimDisk::default(), &clock, limits, tls);
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(made.cert.pem().as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let client = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let mut session = rustls::ClientConnection::new(Arc::new(client), name).unwrap();
    let mut stream = TcpStream::connect(serving.address).unwrap();
    let mut tls = rustls::Stream::new(&mut session, &mut stream);
    tls.write_all(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    let _ = tls.read_to_string(&mut text);
    assert!(text.starts_with("HTTP/1.1 200 OK") && text.ends_with("ok\n"), "{text}");
    let mut plain = TcpStream::connect(serving.address).unwrap();
    plain.write_all(b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    let mut answered = Vec::new();
    let _ = plain.read_to_end(&mut answered);
    assert!(!String::from_utf8_lossy(&answered).contains("HTTP/1.1"));
    serving.stop();
}
