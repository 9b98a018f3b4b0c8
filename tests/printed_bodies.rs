//! Every JSON body that the API documents print: that `tests/printed` has it, as it stands there,
//! and that the description of this surface describes it.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    reason = "it reads files, owns a daemon, and may panic"
)]

#[expect(dead_code, reason = "other tests use the rest")]
mod support {
    pub mod delivery;
    pub mod http;
    pub mod schema;
    pub mod serving;
    pub mod shape;
}

use std::collections::BTreeMap;
use std::path::Path;

use doorstep::api::openapi;
use doorstep::runtime::clock::Clock;
use doorstep::storage::sim_disk::SimDisk;
use serde_json::{Value, json};
use support::delivery::{C, VISIT, drive, with_route};
use support::schema::violations;
use support::serving::{Place, Serving, morning};
use support::shape::printed;

/// Document, lines, and the schema that describes the body, if it holds values and not types.
const PRINTED: [(&str, usize, usize, Option<&str>); 7] = [
    ("001", 60, 74, None),
    ("002", 38, 116, None),
    ("003", 63, 92, Some("TrackerWrite")),
    ("003", 97, 166, Some("Tracker")),
    ("004", 39, 39, Some("DeliveryWrite")),
    ("004", 61, 61, Some("Delivery")),
    ("004", 74, 74, Some("DeliveryChange")),
];

#[test]
fn every_body_of_the_documents_is_kept_as_it_stands_there() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/seeds");
    let seeds = [seeds, "/work/shared/seeds".into()].into_iter().find(|path| path.is_dir());
    let Some(seeds) = seeds else {
        println!("skipped: the API documents are not beside the tree");
        return;
    };
    let documents: BTreeMap<String, String> = std::fs::read_dir(seeds)
        .unwrap()
        .map(|file| file.unwrap().path())
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap()[..3].to_owned();
            (name, std::fs::read_to_string(&path).unwrap())
        })
        .collect();
    let mut found = Vec::new();
    for (name, text) in &documents {
        found.extend(bodies(text).into_iter().map(|(first, last, body)| (name, first, last, body)));
    }
    let listed: Vec<_> =
        PRINTED.iter().map(|(name, first, last, _)| (*name, *first, *last)).collect();
    let places: Vec<_> =
        found.iter().map(|(name, first, last, _)| (name.as_str(), *first, *last)).collect();
    assert_eq!(places, listed, "what the documents print");
    for (name, first, last, body) in found {
        assert_eq!(body, printed(&file(name, first, last)), "{name}, lines {first} to {last}");
    }
}

#[test]
fn the_description_describes_them() {
    let document: Value = serde_json::from_str(openapi()).unwrap();
    for (name, first, last, schema) in PRINTED {
        let Some(schema) = schema else { continue };
        let body = printed(&file(name, first, last));
        let found = violations(&document, schema, &body);
        assert_eq!(found, Vec::<String>::new(), "{name}, lines {first} to {last}");
    }
}

/// Documents 001 and 002 print types: their bodies are held against the description by answers,
/// key by key.
#[test]
fn what_is_answered_is_described_and_printed() {
    let document: Value = serde_json::from_str(openapi()).unwrap();
    let (place, clock) = (Place::new(), Clock::manual(morning()));
    let serving = Serving::start(&place, &SimDisk::default(), &clock);
    let (courier, route, order) = with_route(&serving);
    let other = serving.post("/api/v1/companies", &json!({"number": "others", "name": "O"}));
    let full = json!({
        "shared_with_company_ids": [other["id"]], "status": "confirmed", "status_comment": "called",
        "refined_lat": 52.5, "refined_lon": 13.4, "payment_type": "cash", "payment_status": "paid",
    });
    serving.ask("PATCH", &format!("{C}/orders/{order}"), &full).expect(200);
    drive(&serving, courier, route, &VISIT);
    let read = serving.get(&format!("{C}/orders/{order}"));
    assert_eq!(violations(&document, "Order", &read), Vec::<String>::new());
    described(&document, "Order", &printed(&file("002", 38, 116)), "");
    let span = "from=2026-05-04T08:00:00Z&to=2026-05-04T08:10:00Z";
    let listed = serving.get(&format!("{C}/order-notifications?{span}"));
    assert!(!listed.as_array().unwrap().is_empty());
    for notification in listed.as_array().unwrap() {
        assert_eq!(violations(&document, "Notification", notification), Vec::<String>::new());
    }
    described(&document, "Notification", &printed(&file("001", 60, 74))[0], "");
    for (path, schema) in [
        (format!("{C}/orders/{order}/order-info"), "OrderInfo"),
        (format!("{C}/routes/{route}/route-info"), "RouteInfo"),
        (format!("{C}/routes/{route}/plan-fact"), "PlanFact"),
        (format!("{C}/routes/{route}"), "Route"),
        (format!("{C}/couriers/{courier}"), "Courier"),
        (C.to_owned(), "Company"),
        ("/v1/info".to_owned(), "Info"),
        ("/v1/events".to_owned(), "Events"),
    ] {
        let found = violations(&document, schema, &serving.get(&path));
        assert_eq!(found, Vec::<String>::new(), "{path}");
    }
    serving.stop();
}

/// Every key of a printed body stands in the description, however deep.
fn described(document: &Value, name: &str, printed: &Value, at: &str) {
    let schema = &document["components"]["schemas"][name];
    keys(schema, printed, at);
}

fn keys(schema: &Value, printed: &Value, at: &str) {
    match printed {
        Value::Object(printed) => {
            for (key, value) in printed {
                let below = &schema["properties"][key];
                assert!(below.is_object(), "{at}/{key} is not described");
                keys(below, value, &format!("{at}/{key}"));
            }
        }
        Value::Array(printed) => {
            for value in printed {
                keys(&schema["items"], value, at);
            }
        }
        _ => {}
    }
}

fn file(name: &str, first: usize, last: usize) -> String {
    if first == last {
        format!("{name}_line_{first:03}.json")
    } else {
        format!("{name}_lines_{first:03}_{last:03}.json")
    }
}

/// Every JSON object or list that begins a line, with its first and its last line. The marks that a
/// page puts before its lines are passed over.
fn bodies(text: &str) -> Vec<(usize, usize, Value)> {
    let lines: Vec<&str> = text.lines().collect();
    let (mut found, mut at) = (Vec::new(), 0);
    while at < lines.len() {
        let begins = lines[at].starts_with('{') || lines[at].starts_with('[');
        let body = begins.then(|| body(&lines[at..])).flatten();
        match body {
            Some((count, value)) => {
                found.push((at + 1, at + count, value));
                at += count;
            }
            None => at += 1,
        }
    }
    found
}

fn body(lines: &[&str]) -> Option<(usize, Value)> {
    let mut text = String::new();
    for (index, line) in lines.iter().enumerate() {
        let plain = line.strip_prefix("- ").unwrap_or(line);
        text.push_str(&plain.replace("{- ", "{").replace("[- ", "[").replace(", - ", ", "));
        let mut values = serde_json::Deserializer::from_str(&text).into_iter::<Value>();
        match values.next() {
            Some(Ok(value)) => return Some((index + 1, value)),
            Some(Err(error)) if error.is_eof() => {}
            Some(Err(_)) | None => return None,
        }
    }
    None
}
