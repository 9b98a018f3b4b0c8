//! The description of the HTTP surface: it names every path and method that is served and no other,
//! is served as it is checked in, and refers to nothing that is not there.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    reason = "it owns its directories, threads and connections, and may panic"
)]

#[expect(dead_code, reason = "other tests use the rest")]
mod support {
    pub mod http;
    pub mod serving;
}

use std::collections::BTreeSet;

use doorstep::api::openapi;
use doorstep::runtime::clock::Clock;
use doorstep::storage::sim_disk::SimDisk;
use serde_json::Value;
use support::serving::{Place, Serving, morning};

const FILE: &str = "docs/openapi.json";

fn document() -> Value {
    serde_json::from_str(openapi()).unwrap()
}

#[test]
fn what_is_checked_in_is_up_to_date() {
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(FILE, openapi()).unwrap();
    }
    let kept = std::fs::read_to_string(FILE).unwrap();
    assert!(kept == openapi(), "{FILE} is old: UPDATE=1 cargo test --test openapi writes it anew");
}

#[test]
fn it_describes_what_is_served() {
    let place = Place::new();
    let serving = Serving::start(&place, &SimDisk::default(), &Clock::manual(morning()));
    let served = serving.ask_as(None, "GET", "/openapi.json", &Value::Null);
    let document = document();
    assert_eq!(served.expect(200), document);
    let paths = document["paths"].as_object().unwrap();
    let described: BTreeSet<String> = paths.keys().cloned().collect();
    assert_eq!(described, serving.paths());
    for (path, item) in paths {
        let methods: BTreeSet<String> = item.as_object().unwrap().keys().cloned().collect();
        let methods = methods.iter().filter(|key| *key != "parameters");
        let methods: BTreeSet<String> = methods.map(|method| method.to_uppercase()).collect();
        assert_eq!(methods, serving.methods(&path.replace(['{', '}'], "")), "{path}");
    }
    serving.stop();
}

#[test]
fn it_refers_to_what_is_there() {
    let document = document();
    let mut operations = BTreeSet::new();
    let mut values = vec![&document];
    while let Some(value) = values.pop() {
        match value {
            Value::Object(object) => {
                if let Some(to) = object.get("$ref").and_then(Value::as_str) {
                    let pointer = to.strip_prefix('#').unwrap();
                    assert!(document.pointer(pointer).is_some(), "{to} is not there");
                }
                if let Some(id) = object.get("operationId") {
                    assert!(operations.insert(id.as_str().unwrap()), "{id} is there twice");
                }
                values.extend(object.values());
            }
            Value::Array(list) => values.extend(list),
            _ => {}
        }
    }
    assert!(operations.len() > 40, "{operations:?}");
}
