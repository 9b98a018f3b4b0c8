//! The documented fields of a tracker with their types and limits, as a table.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::api::description::forms::{self, or_null};
use crate::api::error::Problem;
use crate::runtime::admission::Item;

/// Checks a request against the document: what is missing is answered 400, what is wrong 422.
pub(super) fn check(item: &Item) -> Result<(), Problem> {
    let mut errors = Vec::new();
    object(item, &TRACKER, "", &mut errors);
    if serde_json::to_string(item).map_or(0, |text| text.len()) > REQUEST_BYTES_MAX {
        errors.push((String::new(), format!("is longer than {REQUEST_BYTES_MAX} bytes")));
    }
    if !errors.is_empty() {
        return Err(Problem::all_invalid(errors));
    }
    let given = |key: &str| item.get(key).is_some_and(|value| !value.is_null());
    if !given("locationExternalId") && !given("pickup") {
        return Err(missing("either locationExternalId or pickup is mandatory"));
    }
    let is_pickup = item.get("type").and_then(Value::as_str) == Some("pickup");
    if !given("deliveryAddress") && !is_pickup {
        return Err(missing("deliveryAddress is missing"));
    }
    Ok(())
}

fn missing(problem: &str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, problem)
}

fn object(item: &Item, fields: &[Field], at: &str, errors: &mut Vec<(String, String)>) {
    for (key, value) in item {
        let pointer = format!("{at}/{key}");
        match fields.iter().find(|(name, _)| name == key) {
            None => errors.push((pointer, "is not a documented field".to_owned())),
            Some((_, form)) => value_of(*form, value, &pointer, errors),
        }
    }
}

fn value_of(form: Form, value: &Value, at: &str, errors: &mut Vec<(String, String)>) {
    let problem = match (form, value) {
        (_, Value::Null) => None,
        (Form::Text(chars_max), Value::String(text)) => {
            let chars = text.chars().count();
            let problem = format!("{chars} characters: at most {chars_max} are allowed");
            (chars > chars_max).then_some(problem)
        }
        (Form::Word(words), Value::String(text)) => {
            let problem = format!("\"{text}\" is not one of {}", words.join(", "));
            (!words.contains(&text.as_str())).then_some(problem)
        }
        (Form::Amount, Value::Number(amount)) => {
            let is_good = amount.as_f64().is_some_and(|amount| amount >= 0.0);
            (!is_good).then(|| "expected a number of 0 or more".to_owned())
        }
        (Form::Number { most }, Value::Number(number)) => {
            let is_good = number.as_f64().is_some_and(|number| number.abs() <= most);
            (!is_good).then(|| format!("expected a number from -{most} to {most}"))
        }
        (Form::Millis, Value::Number(ms)) => {
            let is_good = ms.as_i64().is_some_and(|ms| (0..=MILLIS_MAX).contains(&ms));
            (!is_good).then(|| "expected Unix time in milliseconds".to_owned())
        }
        (Form::Object(fields), Value::Object(item)) => {
            object(item, fields, at, errors);
            None
        }
        (Form::AnyObject, Value::Object(_)) => None,
        (Form::Texts, Value::Array(list)) => {
            let is_text = |entry: &Value| {
                entry.as_str().is_some_and(|text| text.chars().count() <= TEXT_CHARS_MAX)
            };
            let is_good = list.len() <= ENTRIES_MAX && list.iter().all(is_text);
            let expected =
                || format!("expected at most {ENTRIES_MAX} texts of {TEXT_CHARS_MAX} characters");
            (!is_good).then(expected)
        }
        (Form::AnyObjects, Value::Array(list)) => {
            let is_good = list.len() <= ENTRIES_MAX && list.iter().all(Value::is_object);
            (!is_good).then(|| format!("expected at most {ENTRIES_MAX} objects"))
        }
        (form, _) => Some(format!("expected {}", form.name())),
    };
    errors.extend(problem.map(|problem| (at.to_owned(), problem)));
}

/// The request as others are told of it.
pub(in crate::api) fn schema() -> Value {
    let mut schema = described(&TRACKER);
    // What is missing is answered apart, with 400; null is the same as missing.
    let given = |key: &str| json!({ "required": [key], "properties": { key: { "not": { "type": "null" } } } });
    let is_pickup =
        json!({ "required": ["type"], "properties": { "type": { "const": "pickup" } } });
    schema["allOf"] = json!([
        { "anyOf": [given("locationExternalId"), given("pickup")] },
        { "anyOf": [given("deliveryAddress"), is_pickup] },
    ]);
    schema
}

fn described(fields: &[Field]) -> Value {
    let fields = fields.iter().map(|(key, form)| ((*key).to_owned(), or_null(form.schema())));
    let fields: Item = fields.collect();
    json!({ "type": "object", "properties": fields, "additionalProperties": false })
}

type Field = (&'static str, Form);

/// The type and the limit of a field. Null is allowed everywhere and the same as absent.
#[derive(Clone, Copy)]
enum Form {
    /// At most so many characters.
    Text(usize),
    /// One of these.
    Word(&'static [&'static str]),
    /// 0 or more.
    Amount,
    /// At most so far from 0.
    Number { most: f64 },
    /// Unix milliseconds.
    Millis,
    /// These fields.
    Object(&'static [Field]),
    /// Any fields.
    AnyObject,
    /// A list of texts.
    Texts,
    /// A list of objects with any fields.
    AnyObjects,
}

impl Form {
    fn schema(self) -> Value {
        match self {
            Self::Text(chars_max) => forms::text(chars_max),
            Self::Word(words) => forms::one_of(words.iter().copied()),
            Self::Amount => forms::not_negative(),
            Self::Number { most } => forms::number(-most, most),
            Self::Millis => forms::whole(0, MILLIS_MAX),
            Self::Object(fields) => described(fields),
            Self::AnyObject => forms::any_object(),
            Self::Texts => forms::list(forms::text(TEXT_CHARS_MAX), Some(ENTRIES_MAX)),
            Self::AnyObjects => forms::list(forms::any_object(), Some(ENTRIES_MAX)),
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Text(_) | Self::Word(_) => "a text",
            Self::Amount | Self::Number { .. } => "a number",
            Self::Millis => "Unix time in milliseconds",
            Self::Object(_) | Self::AnyObject => "an object",
            Self::Texts => "a list of texts",
            Self::AnyObjects => "a list of objects",
        }
    }
}

const TRACKER: [Field; 20] = [
    ("locationExternalId", Form::Text(100)),
    ("trackingId", Form::Text(100)),
    ("type", Form::Word(&["delivery", "pickup", "shipping"])),
    ("groupId", Form::Text(100)),
    ("orderAttributes", Form::AnyObject),
    ("orderValue", Form::Amount),
    ("pickupTime", Form::Object(&WINDOW)),
    ("deliveryTime", Form::Object(&WINDOW)),
    ("deliveryContact", Form::Object(&CONTACT)),
    ("deliveryAddress", Form::Object(&ADDRESS)),
    ("pickupInstructions", Form::Text(10_000)),
    ("deliveryInstructions", Form::Text(10_000)),
    ("packages", Form::AnyObjects),
    ("trackerExternalId", Form::Text(100)),
    ("barcodes", Form::Texts),
    ("createdDate", Form::Millis),
    ("items", Form::AnyObjects),
    ("locale", Form::Text(100)),
    ("pickup", Form::Object(&PICKUP)),
    ("provider", Form::Text(100)),
];

const WINDOW: [Field; 2] = [("startsAt", Form::Millis), ("endsAt", Form::Millis)];
const CONTACT: [Field; 3] = [
    ("name", Form::Text(TEXT_CHARS_MAX)),
    ("phone", Form::Text(TEXT_CHARS_MAX)),
    ("email", Form::Text(TEXT_CHARS_MAX)),
];
const ADDRESS: [Field; 9] = [
    ("street1", Form::Text(TEXT_CHARS_MAX)),
    ("street2", Form::Text(TEXT_CHARS_MAX)),
    ("city", Form::Text(TEXT_CHARS_MAX)),
    ("state", Form::Text(TEXT_CHARS_MAX)),
    ("countryCode", Form::Text(TEXT_CHARS_MAX)),
    ("postalCode", Form::Text(TEXT_CHARS_MAX)),
    ("latitude", Form::Number { most: 90.0 }),
    ("longitude", Form::Number { most: 180.0 }),
    ("apartmentNumber", Form::Text(TEXT_CHARS_MAX)),
];
/// The document names the object and not its fields: these are those of the response.
const PICKUP: [Field; 2] =
    [("contact", Form::Object(&CONTACT)), ("address", Form::Object(&ADDRESS))];

/// Longest text without a documented limit: that of an order's customer.
const TEXT_CHARS_MAX: usize = 1_023;
/// Most entries of a list.
const ENTRIES_MAX: usize = 1_000;
/// Longest request: it is kept with the order.
const REQUEST_BYTES_MAX: usize = 256 << 10;
/// The last millisecond of the year 9999.
const MILLIS_MAX: i64 = 253_402_300_799_999;
