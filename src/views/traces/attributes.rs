//! What is known of a span beside its place, its time and its end: a few bytes, since there are many spans.

use std::fmt;
use std::io::{Cursor, Write as _};

use rmp::encode;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::limits::{VIEW_SPAN_ATTRIBUTE_BYTES_MAX, VIEW_SPAN_ATTRIBUTES_MAX, VIEW_TEXT_BYTES_MAX};
use crate::views::event::{Datum, Event};
use crate::views::table::{cut, cut_name};

/// What protocols add of their own, which says least of a span: kept only where the others leave room.
const OF_PROTOCOLS: [&str; 10] = [
    "attributes_dropped",
    "events_dropped",
    "flags",
    "links",
    "links_dropped",
    "otel.scope.name",
    "otel.scope.version",
    "resource",
    "start_unix_nano",
    "trace_state",
];

/// Names and values, as many as are kept: one `MessagePack` map, without its header.
#[derive(Clone, PartialEq, Default)]
pub struct Attributes(Box<[u8]>);

impl Attributes {
    /// Keeps as many attributes of an event as there is room for.
    pub(super) fn of(event: &Event<'_>) -> Self {
        let mut room = [0; VIEW_SPAN_ATTRIBUTE_BYTES_MAX];
        let mut used = 0;
        let of_protocols = |name: &str| OF_PROTOCOLS.contains(&name);
        let attributes = || event.fields().attributes();
        let own = attributes().filter(|(name, _)| !of_protocols(name));
        let others = attributes().filter(|(name, _)| of_protocols(name));
        for (name, value) in own.chain(others).take(VIEW_SPAN_ATTRIBUTES_MAX) {
            let mut rest = &mut room[used..];
            if write(&mut rest, name, value).is_ok() {
                used = VIEW_SPAN_ATTRIBUTE_BYTES_MAX - rest.len();
            }
        }
        Self(room[..used].into())
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

/// There is no room for it.
struct Full;

/// Writes a name and a value.
fn write(out: &mut &mut [u8], name: &str, value: &Datum<'_>) -> Result<(), Full> {
    write_text(out, cut_name(name))?;
    match value {
        Datum::Null => encode::write_nil(out).map_err(|_| Full),
        Datum::Bool(bool) => encode::write_bool(out, *bool).map_err(|_| Full),
        Datum::Unsigned(number) => encode::write_uint(out, *number).map(drop).map_err(|_| Full),
        Datum::Signed(number) => encode::write_sint(out, *number).map(drop).map_err(|_| Full),
        Datum::Float(number) => encode::write_f64(out, *number).map_err(|_| Full),
        Datum::Text(text) => write_text(out, cut(text, VIEW_TEXT_BYTES_MAX)),
        Datum::List(_) | Datum::Map(_) => write_nested(out, &value.shown()),
    }
}

/// Writes a list or an object; as a text, if it is too long or too deep to be kept as it is.
fn write_nested(out: &mut &mut [u8], json: &str) -> Result<(), Full> {
    let whole = (json.len() <= VIEW_TEXT_BYTES_MAX).then(|| serde_json::from_str::<Value>(json).ok()).flatten();
    match whole.and_then(|value| rmp_serde::to_vec(&value).ok()) {
        Some(bytes) => out.write_all(&bytes).map_err(|_| Full),
        None => write_text(out, cut(json, VIEW_TEXT_BYTES_MAX)),
    }
}

fn write_text(out: &mut &mut [u8], text: &str) -> Result<(), Full> {
    encode::write_str(out, text).map_err(|_| Full)
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
