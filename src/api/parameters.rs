//! The parameters after the question mark, read into what a path wants: each named where it is
//! wrong, in words and not in types.

use std::fmt;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use serde::de::value::{MapDeserializer, StrDeserializer};
use serde::de::{DeserializeOwned, Deserializer, Error, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

use super::error::Problem;
use super::state::Api;

/// The parameters.
pub(super) struct Parameters<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequestParts<Arc<Api>> for Parameters<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Api>) -> Result<Self, Problem> {
        let pairs = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri);
        let Query(pairs) = pairs.map_err(|_| Problem::invalid("", "cannot be read as pairs"))?;
        read(&pairs).map(Self).map_err(|wrong| Problem::invalid(&wrong.pointer, wrong.detail))
    }
}

fn read<T: DeserializeOwned>(pairs: &[(String, String)]) -> Result<T, Wrong> {
    // The key of a documented push is for whoever checks who is asking.
    let pairs = pairs.iter().filter(|(key, _)| key != KEY);
    let pairs = pairs.map(|(key, text)| (key.as_str(), Text { key, text }));
    T::deserialize(MapDeserializer::new(pairs))
}

/// Which parameter is wrong, and what was expected.
#[derive(Debug)]
struct Wrong {
    pointer: String,
    detail: String,
}

impl Wrong {
    fn at(key: &str, detail: impl Into<String>) -> Self {
        Self { pointer: format!("/{key}"), detail: detail.into() }
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl std::error::Error for Wrong {}

impl Error for Wrong {
    fn custom<M: fmt::Display>(message: M) -> Self {
        Self { pointer: String::new(), detail: message.to_string() }
    }

    fn missing_field(key: &'static str) -> Self {
        Self::at(key, "is missing")
    }

    fn unknown_field(key: &str, known: &'static [&'static str]) -> Self {
        Self::at(key, format!("is not a parameter of this path: it knows {}", known.join(", ")))
    }

    fn duplicate_field(key: &'static str) -> Self {
        Self::at(key, "is given twice")
    }
}

/// The text of one parameter.
#[derive(Clone, Copy)]
struct Text<'a> {
    key: &'a str,
    text: &'a str,
}

impl Text<'_> {
    fn wrong(&self, expected: &str) -> Wrong {
        Wrong::at(self.key, format!("expected {expected}"))
    }

    fn whole(&self) -> Result<u64, Wrong> {
        self.text.parse().map_err(|_| self.wrong("a whole number of 0 or more"))
    }

    fn number(&self) -> Result<f64, Wrong> {
        let number: Option<f64> = self.text.parse().ok();
        number.filter(|number| number.is_finite()).ok_or_else(|| self.wrong("a number"))
    }
}

impl<'de> IntoDeserializer<'de, Wrong> for Text<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Text<'_> {
    type Error = Wrong;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        if self.text.contains('\0') {
            return Err(self.wrong("a text without U+0000"));
        }
        let text: StrDeserializer<'_, Wrong> = self.text.into_deserializer();
        text.deserialize_any(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_some(self)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        let value = self.text.parse().map_err(|_| self.wrong("true or false"))?;
        visitor.visit_bool(value)
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_u64(self.whole()?)
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        self.deserialize_u64(visitor)
    }

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        let value = self.text.parse().map_err(|_| self.wrong("a whole number"))?;
        visitor.visit_i64(value)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_f64(self.number()?)
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i128 u8 u16 u128 f32 char str string bytes byte_buf unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

const KEY: &str = "apikey";

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::read;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Wanted {
        lat: f64,
        page: Option<u64>,
        number: Option<String>,
    }

    #[test]
    fn what_is_wrong_is_named_and_said_in_words() {
        let wanted = |pairs: &[(&str, &str)]| {
            let pairs = pairs.iter().map(|(key, text)| ((*key).to_owned(), (*text).to_owned()));
            read::<Wanted>(&pairs.collect::<Vec<_>>())
        };
        let good = wanted(&[("lat", "52.5"), ("number", "7"), ("apikey", "x")]).unwrap();
        assert_eq!((good.lat, good.page, good.number.as_deref()), (52.5, None, Some("7")));
        let refused = |pairs: &[(&str, &str)]| {
            let wrong = wanted(pairs).unwrap_err();
            format!("{} {}", wrong.pointer, wrong.detail)
        };
        assert_eq!(refused(&[]), "/lat is missing");
        assert_eq!(refused(&[("lat", "north")]), "/lat expected a number");
        assert_eq!(refused(&[("lat", "inf")]), "/lat expected a number");
        let page = refused(&[("lat", "1"), ("page", "-1")]);
        assert_eq!(page, "/page expected a whole number of 0 or more");
        assert_eq!(refused(&[("lat", "1"), ("lat", "2")]), "/lat is given twice");
        assert!(refused(&[("lat", "1"), ("x", "2")]).starts_with("/x is not a parameter"));
    }
}
