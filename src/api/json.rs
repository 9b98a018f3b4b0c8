//! JSON from outside, with limits that hold while it is read: how deep, how many values, how many
//! objects in a list. No key twice in an object, no NUL in a text.

use std::cell::{Cell, RefCell};
use std::fmt;

use axum::http::StatusCode;
use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::error::Problem;
use crate::runtime::admission::BATCH_MAX;

/// The one value of a body.
///
/// # Errors
/// 400 for what is not JSON, 422 for what is beyond the limits.
pub fn parse(bytes: &[u8]) -> Result<Value, Problem> {
    let reading = Reading { room: Cell::new(ROOM_MAX), refused: RefCell::default() };
    let mut from = serde_json::Deserializer::from_slice(bytes);
    let seed = Seed { reading: &reading, at: &At::Root, depth: 0 };
    let value = seed.deserialize(&mut from).and_then(|value| from.end().map(|()| value));
    value.map_err(|error| {
        reading.refused.take().unwrap_or_else(|| {
            Problem::new(StatusCode::BAD_REQUEST, format!("the body is not JSON: {error}"))
        })
    })
}

struct Reading {
    /// What may still come, in values; an object counts as [`OBJECT_ROOM`] of them.
    room: Cell<usize>,
    refused: RefCell<Option<Problem>>,
}

/// Where the reader is.
enum At<'a> {
    Root,
    Key(&'a Self, &'a str),
    Index(&'a Self, usize),
}

impl At<'_> {
    fn pointer(&self) -> String {
        match self {
            Self::Root => String::new(),
            Self::Key(at, key) => {
                format!("{}/{}", at.pointer(), key.replace('~', "~0").replace('/', "~1"))
            }
            Self::Index(at, index) => format!("{}/{index}", at.pointer()),
        }
    }
}

#[derive(Clone, Copy)]
struct Seed<'a> {
    reading: &'a Reading,
    at: &'a At<'a>,
    depth: usize,
}

impl Seed<'_> {
    fn refuse<E: Error>(&self, detail: impl Into<String>) -> E {
        let problem = Problem::invalid(&self.at.pointer(), detail);
        self.reading.refused.borrow_mut().get_or_insert(problem);
        E::custom("refused")
    }

    fn take<E: Error>(&self, room: usize) -> Result<(), E> {
        let left = self.reading.room.get().checked_sub(room);
        let left = left.ok_or_else(|| self.refuse("the body holds too many values"))?;
        self.reading.room.set(left);
        Ok(())
    }

    fn enter<E: Error>(&self, room: usize) -> Result<(), E> {
        if self.depth == DEPTH_MAX {
            return Err(self.refuse(format!("is nested deeper than {DEPTH_MAX} levels")));
        }
        self.take(room)
    }

    fn text<E: Error>(&self, text: &str) -> Result<(), E> {
        if text.contains('\0') {
            return Err(self.refuse("holds the character U+0000, which is not allowed"));
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        self.take(1).map(|()| Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        self.take(1).map(|()| value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        self.take(1).map(|()| value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        self.take(1).map(|()| value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        // `5.0` is a whole number in JSON, and some clients write every number so.
        let is_whole = value.trunc() == value && value.abs() <= WHOLE_MAX;
        let value = if is_whole { (value as i64).into() } else { value.into() };
        self.take(1).map(|()| value)
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        self.text(value)?;
        self.take(1).map(|()| value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        self.enter(1)?;
        let mut list = Vec::new();
        loop {
            let at = At::Index(self.at, list.len());
            let seed = Seed { at: &at, depth: self.depth + 1, ..self };
            let Some(item) = items.next_element_seed(seed)? else { break };
            // The objects of a request stand in a list that is the body, or in the body.
            if list.len() == BATCH_MAX && self.depth <= 1 {
                let problem = format!("more than {BATCH_MAX} objects: at most so many are allowed");
                return Err(self.refuse(problem));
            }
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        self.enter(OBJECT_ROOM)?;
        let mut object = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            let at = At::Key(self.at, &key);
            let seed = Seed { at: &at, depth: self.depth + 1, ..self };
            seed.text(&key)?;
            if object.contains_key(&key) {
                return Err(seed.refuse("stands there twice"));
            }
            let value = entries.next_value_seed(seed)?;
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}

/// Levels of lists and objects inside each other.
const DEPTH_MAX: usize = 16;
/// Values of one body: with their containers about 50 MB at most, where 8 MiB of text could make
/// three times that.
const ROOM_MAX: usize = 1_500_000;
/// Beyond it, 2^53, not every whole number is one of 64 bits of floating point.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;
/// What the smallest object takes, in values.
const OBJECT_ROOM: usize = 20;

#[cfg(test)]
mod tests {
    use super::parse;

    fn refused(text: &str) -> String {
        format!("{:?}", parse(text.as_bytes()).unwrap_err())
    }

    #[test]
    fn limits_hold_while_reading_and_name_the_place() {
        let good = r#"{"a": [1, -2, 2.5, null, true, "x"], "b": {}}"#;
        let expected: serde_json::Value = serde_json::from_str(good).unwrap();
        assert_eq!(parse(good.as_bytes()).unwrap(), expected);
        assert!(refused(r#"{"a": [{"b": 1, "b": 2}]}"#).contains("/a/0/b"));
        assert!(refused("{\"a\": [\"x\\u0000\"]}").contains("/a/0"));
        assert!(refused("{\"a/\\u0000\": 1}").contains("/a~1"));
        let deep = format!("{}{}", "[".repeat(17), "]".repeat(17));
        assert!(refused(&deep).contains("deeper"));
        assert!(parse(format!("{}{}", "[".repeat(16), "]".repeat(16)).as_bytes()).is_ok());
        let zeros = format!("[{}0]", "0,".repeat(4 << 20));
        assert!(refused(&zeros).contains("more than 1000"));
        let nested = format!("[[[{}0]]]", "0,".repeat(3 << 20));
        assert!(refused(&nested).contains("too many values"));
        assert_eq!(parse(b"[5.0, -1e3, 1e300]").unwrap(), serde_json::json!([5, -1000, 1e300]));
        assert!(refused("{} x").contains("not JSON"));
        assert!(refused("[1,").contains("400"));
    }
}
