//! The fields of a small request, taken out one by one: each named where it is wrong, in words and
//! not in types. What is left over at the end is not known.

use serde_json::Value;

use super::error::Problem;
use crate::runtime::admission::Item;

/// The fields of an object that are still to be taken.
pub(super) struct Fields {
    item: Item,
    at: String,
}

impl Fields {
    /// The fields of an object that stands at a pointer.
    pub(super) fn new(value: Value, at: impl Into<String>) -> Result<Self, Problem> {
        let at = at.into();
        match value {
            Value::Object(item) => Ok(Self { item, at }),
            _ => Err(Problem::invalid(&at, "expected an object")),
        }
    }

    /// A field, if it is there and not null.
    pub(super) fn value(&mut self, key: &str) -> Option<Value> {
        self.item.remove(key).filter(|value| !value.is_null())
    }

    /// A text that must be there.
    pub(super) fn text(&mut self, key: &str) -> Result<String, Problem> {
        match self.value(key) {
            Some(Value::String(text)) => Ok(text),
            Some(_) => Err(self.wrong(key, "expected a text")),
            None => Err(self.wrong(key, "is missing")),
        }
    }

    /// A whole number of 0 or more.
    pub(super) fn whole(&mut self, key: &str) -> Result<Option<u64>, Problem> {
        let Some(value) = self.value(key) else { return Ok(None) };
        let whole = value.as_u64().ok_or_else(|| self.wrong(key, "expected a whole number"))?;
        Ok(Some(whole))
    }

    /// A number.
    pub(super) fn number(&mut self, key: &str) -> Result<Option<f64>, Problem> {
        let Some(value) = self.value(key) else { return Ok(None) };
        let number = value.as_f64().ok_or_else(|| self.wrong(key, "expected a number"))?;
        Ok(Some(number))
    }

    /// A number that must be there.
    pub(super) fn needed(&mut self, key: &str) -> Result<f64, Problem> {
        self.number(key)?.ok_or_else(|| self.wrong(key, "is missing"))
    }

    /// The problem of a field.
    pub(super) fn wrong(&self, key: &str, detail: impl Into<String>) -> Problem {
        Problem::invalid(&self.pointer(key), detail)
    }

    /// Where a field stands.
    pub(super) fn pointer(&self, key: &str) -> String {
        format!("{}/{key}", self.at)
    }

    /// Refuses what was not taken.
    pub(super) fn end(self) -> Result<(), Problem> {
        match self.item.keys().next() {
            Some(key) => Err(self.wrong(key, "is not a field of this object")),
            None => Ok(()),
        }
    }
}
