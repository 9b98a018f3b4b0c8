//! Holds values against the schemas of OpenAPI 3.1, as far as the description uses JSON Schema.

use serde_json::Value;

/// What of a value is not as a named schema of the document has it.
pub fn violations(document: &Value, name: &str, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let schema = &document["components"]["schemas"][name];
    assert!(schema.is_object(), "there is no schema {name}");
    hold(document, schema, value, name, &mut found);
    found
}

fn hold(document: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    let fits = |schema: &Value| {
        let mut found = Vec::new();
        hold(document, schema, value, at, &mut found);
        found.is_empty()
    };
    for (keyword, rule) in schema.as_object().unwrap() {
        let is_good = match keyword.as_str() {
            "$ref" => {
                let target = document.pointer(rule.as_str().unwrap().trim_start_matches('#'));
                hold(document, target.unwrap(), value, at, found);
                true
            }
            "type" => match rule {
                Value::Array(kinds) => kinds.iter().any(|kind| is_of(kind, value)),
                kind => is_of(kind, value),
            },
            "enum" => rule.as_array().unwrap().contains(value),
            "const" => rule == value,
            "minimum" => value.as_f64().is_none_or(|value| value >= rule.as_f64().unwrap()),
            "maximum" => value.as_f64().is_none_or(|value| value <= rule.as_f64().unwrap()),
            "minLength" => length(value).is_none_or(|chars| chars >= rule.as_u64().unwrap()),
            "maxLength" => length(value).is_none_or(|chars| chars <= rule.as_u64().unwrap()),
            "minItems" => count(value).is_none_or(|count| count >= rule.as_u64().unwrap()),
            "maxItems" => count(value).is_none_or(|count| count <= rule.as_u64().unwrap()),
            "format" => value.as_str().is_none_or(|text| is_formed(rule, text)),
            "oneOf" => rule.as_array().unwrap().iter().filter(|schema| fits(schema)).count() == 1,
            "anyOf" => rule.as_array().unwrap().iter().any(fits),
            "allOf" => rule.as_array().unwrap().iter().all(fits),
            "not" => !fits(rule),
            "required" => {
                let keys = rule.as_array().unwrap().iter().map(|key| key.as_str().unwrap());
                let missing = keys.filter(|key| value.is_object() && value.get(key).is_none());
                found.extend(missing.map(|key| format!("{at}/{key} is missing")));
                true
            }
            "additionalProperties" => {
                let known = schema.get("properties").and_then(Value::as_object);
                let keys = value.as_object().into_iter().flat_map(|object| object.keys());
                let more = keys.filter(|key| !known.is_some_and(|known| known.contains_key(*key)));
                found.extend(more.map(|key| format!("{at}/{key} is not described")));
                true
            }
            "properties" => {
                for (key, schema) in rule.as_object().unwrap() {
                    if let Some(value) = value.get(key) {
                        hold(document, schema, value, &format!("{at}/{key}"), found);
                    }
                }
                true
            }
            "items" => {
                for (index, value) in value.as_array().into_iter().flatten().enumerate() {
                    hold(document, rule, value, &format!("{at}/{index}"), found);
                }
                true
            }
            // Patterns are for generators; what they stand for has tests of its own.
            "pattern" | "description" | "readOnly" => true,
            other => panic!("{other} is not known here"),
        };
        if !is_good {
            found.push(format!("{at} is {value}: {keyword} is {rule}"));
        }
    }
}

fn is_of(kind: &Value, value: &Value) -> bool {
    match kind.as_str().unwrap() {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("{other} is not known here"),
    }
}

fn length(value: &Value) -> Option<u64> {
    value.as_str().map(|text| text.chars().count() as u64)
}

fn count(value: &Value) -> Option<u64> {
    value.as_array().map(|list| list.len() as u64)
}

fn is_formed(format: &Value, text: &str) -> bool {
    match format.as_str().unwrap() {
        "date-time" => text.parse::<jiff::Timestamp>().is_ok(),
        "date" => text.parse::<jiff::civil::Date>().is_ok(),
        other => panic!("{other} is not known here"),
    }
}
