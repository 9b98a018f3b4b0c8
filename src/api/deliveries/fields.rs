//! The documented parameters of a delivery: their types, their limits, and which may be changed.

use serde_json::{Value, json};

use crate::api::description::forms::{self, or_null};
use crate::api::error::Problem;
use crate::query::delivery::DeliveryStatus;
use crate::runtime::admission::Item;
use crate::runtime::local_time;

/// Why a delivery is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// It is new: carrier and status must be there.
    Create,
    /// It is changed: carrier, carrier_ref and fee must not be there.
    Change,
}

/// A delivery's fields as they are kept.
#[derive(Debug)]
pub(super) struct Written {
    /// What changes; null resets.
    pub(super) fields: Item,
    /// The status, if it is set.
    pub(super) status: Option<DeliveryStatus>,
}

impl Written {
    /// Checks the fields of a request.
    pub(super) fn new(item: &Item, purpose: Use) -> Result<Self, Problem> {
        let mut errors = Vec::new();
        let (mut fields, mut status) = (Item::new(), None);
        for (key, value) in item {
            let field = FIELDS.iter().find(|field| field.key == key);
            let kept = match field {
                None => Err("is not a field of a delivery".to_owned()),
                Some(field) if field.is_fixed && purpose == Use::Change => {
                    Err("cannot be changed".to_owned())
                }
                Some(field) if value.is_null() && field.is_needed => {
                    Err("cannot be null".to_owned())
                }
                Some(_) if value.is_null() => Ok(Value::Null),
                Some(field) => kept(field.form, value),
            };
            match kept {
                Ok(kept) => {
                    if key == STATUS {
                        status = kept.as_str().and_then(DeliveryStatus::from_name);
                    }
                    fields.insert(key.clone(), kept);
                }
                Err(problem) => errors.push((format!("/{key}"), problem)),
            }
        }
        let needed = FIELDS.iter().filter(|field| field.is_needed && purpose == Use::Create);
        for field in needed.filter(|field| !item.contains_key(field.key)) {
            errors.push((format!("/{}", field.key), "is missing".to_owned()));
        }
        if errors.is_empty() {
            Ok(Self { fields, status })
        } else {
            Err(Problem::all_invalid(errors))
        }
    }
}

/// A value as it is kept: texts, decimals and money as they came, times in Unix milliseconds.
fn kept(form: Form, value: &Value) -> Result<Value, String> {
    let text = value.as_str();
    match (form, text) {
        (Form::Text, Some(text)) => {
            let chars = text.chars().count();
            if chars > TEXT_CHARS_MAX {
                return Err(format!("{chars} characters: at most {TEXT_CHARS_MAX} are allowed"));
            }
            Ok(text.into())
        }
        (Form::Status, Some(text)) => match DeliveryStatus::from_name(text) {
            Some(status) => Ok(status.name().into()),
            None => {
                let names = DeliveryStatus::ALL.map(DeliveryStatus::name).join(", ");
                Err(format!("\"{text}\" is not one of {names}"))
            }
        },
        (Form::Money, Some(text)) if is_money(text) => Ok(text.into()),
        (Form::Time, Some(text)) => match local_time::instant(text) {
            Ok(time) => Ok(time.ms().into()),
            Err(error) => Err(error.to_string()),
        },
        (Form::Degrees { most }, _) => {
            let written = text.map_or_else(|| decimal(value), str::to_owned);
            let is_decimal = is_decimal(written.trim_start_matches('-'));
            let degrees = written.parse::<f64>().ok().filter(|_| is_decimal);
            let within = degrees.is_some_and(|degrees| degrees.abs() <= most);
            let expected = || format!("expected a decimal from -{most} to {most}");
            if within { Ok(written.into()) } else { Err(expected()) }
        }
        (Form::Money, _) => Err("expected money, such as \"4.50 EUR\"".to_owned()),
        (Form::Text | Form::Status | Form::Time, None) => Err("expected a text".to_owned()),
    }
}

/// `4.50 EUR`: an amount of 0 or more and an ISO 4217 code.
fn is_money(text: &str) -> bool {
    let Some((amount, currency)) = text.split_once(' ') else { return false };
    let is_code = currency.len() == 3 && currency.bytes().all(|byte| byte.is_ascii_uppercase());
    is_code && is_decimal(amount)
}

/// Digits with at most one point among them, at most [`DECIMAL_DIGITS_MAX`].
fn is_decimal(text: &str) -> bool {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    text.len() <= DECIMAL_DIGITS_MAX && is_digits(whole) && is_digits(fraction)
}

/// A number without an exponent; what is less than a picodegree is nothing.
fn decimal(value: &Value) -> String {
    match value.as_f64() {
        Some(degrees) if degrees.abs() < 1e-12 => "0".to_owned(),
        Some(degrees) => degrees.to_string(),
        None => value.to_string(),
    }
}

/// A request that makes a delivery, as others are told of it.
pub(in crate::api) fn create_schema() -> Value {
    let needed: Vec<_> = FIELDS.iter().filter(|field| field.is_needed).map(|f| f.key).collect();
    let mut schema = schema(|_| true);
    schema["required"] = json!(needed);
    schema
}

/// A request that changes one.
pub(in crate::api) fn change_schema() -> Value {
    schema(|field| !field.is_fixed)
}

/// A delivery as it is read, but for its ids: every field is there.
pub(in crate::api) fn read_fields() -> impl Iterator<Item = (&'static str, Value)> {
    FIELDS.iter().map(|field| {
        let schema = field.form.schema();
        (field.key, if field.key == STATUS { schema } else { or_null(schema) })
    })
}

fn schema(of: impl Fn(&Field) -> bool) -> Value {
    let fields = FIELDS.iter().filter(|field| of(field)).map(|field| {
        let schema = field.form.asked();
        (field.key.to_owned(), if field.is_needed { schema } else { or_null(schema) })
    });
    let fields: Item = fields.collect();
    json!({ "type": "object", "properties": fields, "additionalProperties": false })
}

impl Form {
    /// As requests may have it: degrees also as a number.
    fn asked(self) -> Value {
        match self {
            Self::Degrees { most } => {
                json!({ "anyOf": [self.schema(), forms::number(-most, most)] })
            }
            _ => self.schema(),
        }
    }

    fn schema(self) -> Value {
        match self {
            Self::Text => forms::text(TEXT_CHARS_MAX),
            Self::Status => forms::one_of(DeliveryStatus::ALL.map(DeliveryStatus::name)),
            Self::Money => {
                json!({ "type": "string", "pattern": "^[0-9]+(\\.[0-9]+)? [A-Z]{3}$" })
            }
            Self::Time => forms::time(),
            Self::Degrees { .. } => {
                let (digits, chars_max) = ("^-?[0-9]+(\\.[0-9]+)?$", DECIMAL_DIGITS_MAX + 1);
                json!({ "type": "string", "pattern": digits, "maxLength": chars_max })
            }
        }
    }
}

/// One documented parameter.
struct Field {
    key: &'static str,
    form: Form,
    /// POST needs it.
    is_needed: bool,
    /// PATCH may not change it.
    is_fixed: bool,
}

#[derive(Clone, Copy)]
enum Form {
    Text,
    Status,
    Money,
    Time,
    Degrees { most: f64 },
}

const fn field(key: &'static str, form: Form) -> Field {
    Field { key, form, is_needed: false, is_fixed: false }
}

/// The parameters in the order of the document.
const FIELDS: [Field; 17] = [
    Field { key: "carrier", form: Form::Text, is_needed: true, is_fixed: true },
    Field { key: "carrier_ref", form: Form::Text, is_needed: false, is_fixed: true },
    field("ref", Form::Text),
    Field { key: "status", form: Form::Status, is_needed: true, is_fixed: false },
    Field { key: "fee", form: Form::Money, is_needed: false, is_fixed: true },
    field("estimated_pickup_at", Form::Time),
    field("estimated_dropoff_at", Form::Time),
    field("tracking_url", Form::Text),
    field("driver_name", Form::Text),
    field("driver_phone", Form::Text),
    field("driver_phone_access_code", Form::Text),
    field("driver_latitude", Form::Degrees { most: 90.0 }),
    field("driver_longitude", Form::Degrees { most: 180.0 }),
    field("assigned_at", Form::Time),
    field("pickup_at", Form::Time),
    field("delivered_at", Form::Time),
    field("cancelled_at", Form::Time),
];
const STATUS: &str = "status";
/// Longest text.
const TEXT_CHARS_MAX: usize = 1_023;
/// Longest decimal.
const DECIMAL_DIGITS_MAX: usize = 30;
