//! The description of this surface, OpenAPI 3.1, made from what the surface is made from: limits and
//! words from `runtime::documents::limits`, the fields of trackers and deliveries from the tables
//! that check them, the fields of documents from their types (a test holds the two together), and
//! one row for each path and method. `docs/openapi.json` is what comes of it.

mod answers;
mod documents;
pub(super) mod forms;
mod operations;
mod parameters;
mod refusals;

use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use serde_json::{Map, Value, json};

use self::operations::{Ask, Give, Operation, Room};
use super::body::PAGE_MAX;
use super::state::Api;
use crate::runtime::admission::BATCH_MAX;

pub(super) fn routes() -> Router<Arc<Api>> {
    let read = || async { ([(CONTENT_TYPE, "application/json")], TEXT.as_str()) };
    Router::new().route("/openapi.json", get(read))
}

/// The description as it is checked in and served: JSON with a line for each value.
#[must_use]
pub fn openapi() -> &'static str {
    &TEXT
}

static TEXT: LazyLock<String> = LazyLock::new(|| {
    // A tree of texts and numbers can be written.
    let mut text = serde_json::to_string_pretty(&document()).unwrap_or_default();
    text.push('\n');
    text
});

fn document() -> Value {
    let mut paths = Map::new();
    for operation in operations::all() {
        let path = paths.entry(operation.path).or_insert_with(|| {
            let of_path = parameters::of_path(operation.path);
            if of_path.is_empty() { json!({}) } else { json!({ "parameters": of_path }) }
        });
        path[operation.method] = described(operation);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Doorstep",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Positions of couriers in, arrivals, visits, departures and ETAs out. \
                            docs/http.md says what is not in a schema.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "http://127.0.0.1:8080" }],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "token": {
                    "type": "http", "scheme": "bearer",
                    "description": "`OAuth` and the header `X-Access-Token` are known too.",
                },
                "apikey": { "type": "apiKey", "in": "query", "name": "apikey" },
            },
            "parameters": parameters::shared(),
            "responses": refusals::all(),
            "schemas": schemas(),
        },
    })
}

fn schemas() -> Value {
    let mut schemas = Map::new();
    for (name, schema) in documents::schemas().into_iter().chain(answers::schemas()) {
        schemas.insert(name.to_owned(), schema);
    }
    Value::Object(schemas)
}

fn described(operation: &Operation) -> Value {
    let mut described = json!({
        "operationId": operation.id,
        "summary": operation.summary,
        "tags": [operation.room.name()],
        "responses": responses(operation),
        "security": security(operation),
    });
    let parameters = parameters::of(operation);
    if !parameters.is_empty() {
        described["parameters"] = parameters.into();
    }
    let asked = match operation.asks {
        Ask::Nothing => return described,
        Ask::One(name) => reference(name),
        Ask::List(name) => forms::list(reference(name), Some(BATCH_MAX)),
    };
    described["requestBody"] = json!({
        "required": true, "content": { "application/json": { "schema": asked } },
    });
    described
}

fn responses(operation: &Operation) -> Value {
    let mut responses = Map::new();
    let (status, description, content) = match operation.gives {
        Give::One(name) => (200, "As asked", in_json(reference(name))),
        Give::Made(name) => (201, "Made", in_json(reference(name))),
        Give::List(name) => {
            let page = forms::list(reference(name), Some(PAGE_MAX as usize));
            (200, "At most a page", in_json(page))
        }
        Give::Text(kinds) => {
            let kinds = kinds.iter().map(|kind| (*kind, json!({ "schema": { "type": "string" } })));
            (200, "As asked", Some(kinds.collect()))
        }
        Give::Nothing => (204, "Done", None),
    };
    let mut good = json!({ "description": description });
    if let Some(content) = content {
        good["content"] = content;
    }
    if operation.has_tag() {
        good["headers"] = json!({
            "ETag": { "description": "Version of the stored object", "schema": { "type": "string" } },
        });
    }
    responses.insert(status.to_string(), good);
    for status in operation.refuses {
        let response = if *status == 404 && operation.gives_page() {
            refusals::page()
        } else {
            refusals::reference(operation.room, *status)
        };
        responses.insert(status.to_string(), response);
    }
    Value::Object(responses)
}

fn security(operation: &Operation) -> Value {
    if !operation.refuses.contains(&401) {
        json!([])
    } else if operation.id == "pushPositions" {
        json!([{ "token": [] }, { "apikey": [] }])
    } else {
        json!([{ "token": [] }])
    }
}

fn in_json(schema: Value) -> Option<Value> {
    let mut content = json!({ "application/json": {} });
    content["application/json"]["schema"] = schema;
    Some(content)
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

impl Room {
    const fn name(self) -> &'static str {
        match self {
            Self::TrackAndTrace => "Track & Trace",
            Self::Deliveries => "Deliveries",
            Self::Tracker => "Tracker",
            Self::Native => "Native",
            Self::Operation => "Operation",
            Self::Page => "Customer's page",
        }
    }
}
