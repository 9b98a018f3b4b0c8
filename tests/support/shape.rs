//! Compares an answer with a body printed in an API document: the same keys, the same types.

use serde_json::Value;

/// A body printed in a document, by the name of its file in `tests/printed`.
pub fn printed(name: &str) -> Value {
    let path = format!("{}/tests/printed/{name}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap()
}

/// What of an answer is not as printed: keys that are missing or more, values of another type. Null
/// is of every type; of a list every entry is held against the printed one. Below `optional` keys
/// may be missing, below `open` there may be more.
pub fn differences(
    printed: &Value,
    answer: &Value,
    optional: &[&str],
    open: &[&str],
) -> Vec<String> {
    let mut found = Vec::new();
    compare(&Shape { optional, open }, printed, answer, "", &mut found);
    found
}

struct Shape<'a> {
    optional: &'a [&'a str],
    open: &'a [&'a str],
}

fn compare(shape: &Shape<'_>, printed: &Value, answer: &Value, at: &str, found: &mut Vec<String>) {
    match (printed, answer) {
        (_, Value::Null) | (Value::Null, _) => {}
        (Value::Object(printed), Value::Object(answer)) => {
            for (key, value) in printed {
                let below = format!("{at}/{key}");
                match answer.get(key) {
                    Some(answer) => compare(shape, value, answer, &below, found),
                    None if shape.optional.contains(&at) => {}
                    None => found.push(format!("{below} is missing")),
                }
            }
            let more = answer.keys().filter(|key| !printed.contains_key(*key));
            if !shape.open.contains(&at) {
                found.extend(more.map(|key| format!("{at}/{key} is not printed")));
            }
        }
        (Value::Array(printed), Value::Array(answers)) => {
            let Some(printed) = printed.first() else { return };
            for answer in answers {
                compare(shape, printed, answer, &format!("{at}/*"), found);
            }
        }
        (Value::String(_), Value::String(_))
        | (Value::Number(_), Value::Number(_))
        | (Value::Bool(_), Value::Bool(_)) => {}
        _ => found.push(format!("{at} is {answer}, printed {printed}")),
    }
}
