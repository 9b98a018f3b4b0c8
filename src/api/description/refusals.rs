//! The answers that refuse: RFC 9457 problems, and the forms of the Deliveries and Tracker documents.

use serde_json::{Map, Value, json};

use super::operations::Room;

/// Every refusal, by form and status.
pub(super) fn all() -> Value {
    let mut all = Map::new();
    for (form, schema) in [
        ("Problem", None),
        ("Deliveries", Some("DeliveriesError")),
        ("Tracker", Some("TrackerError")),
    ] {
        for (status, description) in STATUSES {
            let mut content = json!({
                "application/problem+json": { "schema": super::reference("Problem") },
            });
            if let Some(schema) = schema {
                // What is decided before the room is reached is a problem there too.
                content["application/json"] = json!({ "schema": super::reference(schema) });
            }
            let refusal = json!({ "description": description, "content": content });
            all.insert(format!("{form}{status}"), refusal);
        }
    }
    Value::Object(all)
}

/// A refusal in the form of its room.
pub(super) fn reference(room: Room, status: u16) -> Value {
    let form = match room {
        Room::Deliveries => "Deliveries",
        Room::Tracker => "Tracker",
        Room::TrackAndTrace | Room::Native | Room::Operation | Room::Page => "Problem",
    };
    json!({ "$ref": format!("#/components/responses/{form}{status}") })
}

/// What a person sees who has a wrong link.
pub(super) fn page() -> Value {
    json!({
        "description": "There is no such link",
        "content": {
            "text/html": { "schema": { "type": "string" } },
            "application/problem+json": { "schema": super::reference("Problem") },
        },
    })
}

const STATUSES: [(u16, &str); 13] = [
    (400, "It cannot be read"),
    (401, "No token, or none in force"),
    (403, "The token may not"),
    (404, "There is no such object"),
    (408, "The body did not arrive in time"),
    (409, "The Idempotency-Key is in use"),
    (412, "The object has another version"),
    (413, "The body is too large"),
    (422, "The request is not valid"),
    (429, "Too many requests"),
    (500, "Something failed"),
    (503, "Overloaded, or stopping: try again"),
    (504, "No answer in time: try again"),
];
