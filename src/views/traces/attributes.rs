//! What is known of a span beside its place, its time and its end: a few bytes, since there are many spans.

use std::fmt;
use std::io::Cursor;

use rmp::encode;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::limits::{VIEW_SPAN_ATTRIBUTE_BYTES_MAX, VIEW_SPAN_ATTRIBUTES_MAX, VIEW_TEXT_BYTES_MAX};
use crate::views::event::{Datum, Event};
use crate::views::table::{cut, cut_name};

/// Names and values, as many as are kept: one `MessagePack` map, without its header.
#[derive(Clone, PartialEq, Default)]
pub struct Attributes(Box<[u8]>);

impl Attributes {
    /// Keeps as many attributes of an event as there is room for.
    pub(super) fn of(event: &Event<'_>) -> Self {
        let mut kept = Vec::with_capacity(VIEW_SPAN_ATTRIBUTE_BYTES_MAX / 4);
        for (name, value) in event.fields().attributes().take(VIEW_SPAN_ATTRIBUTES_MAX) {
            let before = kept.len();
            write(&mut kept, name, value);
            if kept.len() > VIEW_SPAN_ATTRIBUTE_BYTES_MAX {
                kept.truncate(before);
            }
        }
        Self(kept.into())
    }

    /// Returns the value of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Value> {
        self.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// Goes through names and values.
    pub fn iter(&self) -> impl Iterator<Item = (String, Value)> {
        let mut reader = rmp_serde::Deserializer::new(Cursor::new(&*self.0));
        let end = self.0.len() as u64;
        std::iter::from_fn(move || {
            let more = reader.position() < end;
            more.then(|| {
                Some((Deserialize::deserialize(&mut reader).ok()?, Deserialize::deserialize(&mut reader).ok()?))
            })?
        })
    }
}

/// Appends a name and a value. Writing to a `Vec` does not fail.
fn write(out: &mut Vec<u8>, name: &str, value: &Datum<'_>) {
    let _ = encode::write_str(out, cut_name(name));
    let _ = match value {
        Datum::Null => encode::write_nil(out).map_err(drop),
        Datum::Bool(bool) => encode::write_bool(out, *bool).map_err(drop),
        Datum::Unsigned(number) => encode::write_uint(out, *number).map(drop).map_err(drop),
        Datum::Signed(number) => encode::write_sint(out, *number).map(drop).map_err(drop),
        Datum::Float(number) => encode::write_f64(out, *number).map_err(drop),
        Datum::Text(text) => encode::write_str(out, cut(text, VIEW_TEXT_BYTES_MAX)).map_err(drop),
        Datum::List(_) | Datum::Map(_) => write_nested(out, &value.shown()),
    };
}

/// Appends a list or an object; as a text, if it is too long or too deep to be kept as it is.
fn write_nested(out: &mut Vec<u8>, json: &str) -> Result<(), ()> {
    let whole = (json.len() <= VIEW_TEXT_BYTES_MAX).then(|| serde_json::from_str::<Value>(json).ok()).flatten();
    match whole.and_then(|value| rmp_serde::to_vec(&value).ok()) {
        Some(bytes) => out.extend_from_slice(&bytes),
        None => encode::write_str(out, cut(json, VIEW_TEXT_BYTES_MAX)).map_err(drop)?,
    }
    Ok(())
}

impl fmt::Debug for Attributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl Serialize for Attributes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Attributes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Attributes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("names and values")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Attributes, A::Error> {
                let mut kept = Vec::new();
                while let Some((name, value)) = entries.next_entry::<String, Value>()? {
                    kept.extend(rmp_serde::to_vec(&name).map_err(A::Error::custom)?);
                    kept.extend(rmp_serde::to_vec(&value).map_err(A::Error::custom)?);
                }
                Ok(Attributes(kept.into()))
            }
        }
        deserializer.deserialize_map(Read)
    }
}
