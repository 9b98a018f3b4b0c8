//! JSON Schema for the few forms that values have.

use serde_json::{Map, Value, json};

/// A text of at most so many characters.
pub(in crate::api) fn text(chars_max: usize) -> Value {
    json!({ "type": "string", "maxLength": chars_max })
}

/// Any text.
pub(in crate::api) fn any_text() -> Value {
    json!({ "type": "string" })
}

/// A number from one to the other.
pub(in crate::api) fn number(from: f64, to: f64) -> Value {
    json!({ "type": "number", "minimum": from, "maximum": to })
}

/// A number of 0 or more.
pub(in crate::api) fn not_negative() -> Value {
    json!({ "type": "number", "minimum": 0 })
}

/// Any number.
pub(in crate::api) fn any_number() -> Value {
    json!({ "type": "number" })
}

/// A whole number from one to the other.
pub(in crate::api) fn whole(from: i64, to: i64) -> Value {
    json!({ "type": "integer", "minimum": from, "maximum": to })
}

/// A whole number that is not below.
pub(in crate::api) fn at_least(from: i64) -> Value {
    json!({ "type": "integer", "minimum": from })
}

/// An id.
pub(in crate::api) fn id() -> Value {
    at_least(1)
}

/// True or false.
pub(in crate::api) fn flag() -> Value {
    json!({ "type": "boolean" })
}

/// An instant, ISO 8601 with an offset or `Z`.
pub(in crate::api) fn time() -> Value {
    json!({ "type": "string", "format": "date-time" })
}

/// One of the words of a table.
pub(in crate::api) fn words<T>(table: &[(&'static str, T)]) -> Value {
    one_of(table.iter().map(|(word, _)| *word))
}

/// One of the words.
pub(in crate::api) fn one_of(words: impl IntoIterator<Item = &'static str>) -> Value {
    json!({ "type": "string", "enum": words.into_iter().collect::<Vec<_>>() })
}

/// A list, of at most so many.
pub(in crate::api) fn list(of: Value, count_max: Option<usize>) -> Value {
    let mut list = json!({ "type": "array" });
    list["items"] = of;
    if let Some(count_max) = count_max {
        list["maxItems"] = count_max.into();
    }
    list
}

/// The same, or null.
pub(in crate::api) fn or_null(mut schema: Value) -> Value {
    let Some(kind) = schema.get("type").cloned() else {
        return json!({ "oneOf": [schema, { "type": "null" }] });
    };
    schema["type"] = json!([kind, "null"]);
    if let Some(Value::Array(words)) = schema.get_mut("enum") {
        words.push(Value::Null);
    }
    schema
}

/// An object whose fields are all there.
pub(in crate::api) fn object<const N: usize>(fields: [(&'static str, Value); N]) -> Value {
    let keys: Vec<_> = fields.iter().map(|(key, _)| *key).collect();
    json!({ "type": "object", "properties": properties(fields), "required": keys })
}

/// An object whose fields are all there, and no other.
pub(in crate::api) fn closed<const N: usize>(fields: [(&'static str, Value); N]) -> Value {
    let mut closed = object(fields);
    closed["additionalProperties"] = false.into();
    closed
}

/// An object of which some fields may be missing, and that has no other.
pub(in crate::api) fn optional<const N: usize>(fields: [(&'static str, Value); N]) -> Value {
    let properties = properties(fields);
    json!({ "type": "object", "properties": properties, "additionalProperties": false })
}

/// An object with any fields.
pub(in crate::api) fn any_object() -> Value {
    json!({ "type": "object" })
}

/// Fields by their keys.
pub(in crate::api) fn properties(fields: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    let fields = fields.into_iter().map(|(key, schema)| (key.to_owned(), schema));
    Value::Object(fields.collect::<Map<_, _>>())
}
