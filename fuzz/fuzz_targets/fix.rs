//! The reader of one fix against rmp-serde: the same bytes are a fix to both or to neither, and
//! mean the same.

#![no_main]

use std::fmt;

use doorstep::domain::geo::Point;
use doorstep::domain::position::Accuracy;
use doorstep::domain::time::Time;
use doorstep::ingest::quic::wire::fix::Fix;
use doorstep::ingest::quic::wire::reader::Reader;
use libfuzzer_sys::fuzz_target;
use serde::de::{self, Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

fuzz_target!(|bytes: &[u8]| {
    let ours = Fix::read(&mut Reader::new(bytes));
    let mut oracle = rmp_serde::Deserializer::from_read_ref(bytes);
    let Ok(Item::Array(items)) = Item::deserialize(&mut oracle) else {
        // Elements beyond the known ones are passed over without a look at their meaning.
        let is_longer = matches!(bytes, [0x98..=0x9f, ..] | [0xdc | 0xdd, ..]);
        assert!(ours.is_err() || is_longer, "no array to rmp-serde: {ours:?}");
        return;
    };
    let theirs = meaning(&items);
    match (&ours, &theirs) {
        (Ok(ours), Some(theirs)) => assert_eq!(ours, theirs),
        (Err(_), None) => {}
        _ => panic!("{ours:?} against {theirs:?}"),
    }
});

/// What a fix means, written a second time.
fn meaning(items: &[Item]) -> Option<Fix> {
    let whole = |at: usize| match items.get(at) {
        Some(Item::Integer(value)) => i64::try_from(*value).ok(),
        _ => None,
    };
    let number = |at: usize| match items.get(at) {
        None | Some(Item::Nil) => Some(None),
        Some(Item::Integer(value)) => Some(Some(i64::try_from(*value).ok()? as f32)),
        Some(Item::Single(value)) => Some(Some(*value)),
        Some(Item::Double(value)) => Some(Some(*value as f32)),
        Some(Item::Array(_) | Item::Other) => None,
    };
    let (t, lat, lon) = (whole(0)?, whole(1)?, whole(2)?);
    let point = match (i32::try_from(lat), i32::try_from(lon)) {
        (Ok(lat), Ok(lon)) => Point::from_e7(lat, lon).ok(),
        _ => None,
    };
    Some(Fix {
        device_time: Time::from_ms(t),
        point,
        accuracy_m: number(3)?.and_then(Accuracy::new),
        speed_mps: number(4)?.filter(|speed| *speed >= 0.0 && speed.is_finite()),
        heading_deg: number(5)?
            .filter(|heading| *heading >= 0.0 && *heading <= 360.0)
            .map(|heading| if heading == 360.0 { 0.0 } else { heading }),
        battery_pct: number(6)?
            .filter(|battery| *battery >= 0.0 && *battery <= 100.0)
            .map(|battery| battery as u8),
    })
}

/// A value of MessagePack as serde sees it.
#[derive(Debug)]
enum Item {
    Nil,
    Integer(i128),
    Single(f32),
    Double(f64),
    Array(Vec<Self>),
    Other,
}

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(ItemVisitor)
    }
}

struct ItemVisitor;

impl<'de> Visitor<'de> for ItemVisitor {
    type Value = Item;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Item, E> {
        Ok(Item::Nil)
    }

    fn visit_none<E: de::Error>(self) -> Result<Item, E> {
        Ok(Item::Nil)
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<Item, E> {
        Ok(Item::Other)
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Item, E> {
        Ok(Item::Integer(value.into()))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Item, E> {
        Ok(Item::Integer(value.into()))
    }

    fn visit_f32<E: de::Error>(self, value: f32) -> Result<Item, E> {
        Ok(Item::Single(value))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Item, E> {
        Ok(Item::Double(value))
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<Item, E> {
        Ok(Item::Other)
    }

    fn visit_bytes<E: de::Error>(self, _: &[u8]) -> Result<Item, E> {
        Ok(Item::Other)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, from: D) -> Result<Item, D::Error> {
        IgnoredAny::deserialize(from).map(|_| Item::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Item, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = from.next_element()? {
            items.push(item);
        }
        Ok(Item::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Item, A::Error> {
        while from.next_entry::<Self::Value, Self::Value>()?.is_some() {}
        Ok(Item::Other)
    }
}
