//! One value among an event's data, from whatever form the event is in.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A value: what JSON has, borrowed from the event where it can be.
///
/// What is no JSON becomes what [`write_data`](crate::wire::write_data) makes of it: NaN is null, binary data a list, an integer
/// beyond 64 bits a float.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) enum Datum<'a> {
    #[default]
    Null,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Text(Cow<'a, str>),
    List(Vec<Datum<'a>>),
    /// Its keys rise, and each is there once.
    Map(Vec<(Cow<'a, str>, Datum<'a>)>),
}

impl<'a> Datum<'a> {
    pub(crate) const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    pub(crate) fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    pub(crate) const fn bool(&self) -> Option<bool> {
        if let Self::Bool(bool) = self { Some(*bool) } else { None }
    }

    /// Returns a number, which is finite.
    #[allow(clippy::cast_precision_loss)]
    pub(crate) const fn number(&self) -> Option<f64> {
        match self {
            Self::Unsigned(number) => Some(*number as f64),
            Self::Signed(number) => Some(*number as f64),
            Self::Float(number) => Some(*number),
            _ => None,
        }
    }

    /// Returns a number of things: what is negative is none, and a fraction is left away.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub(crate) const fn count(&self) -> Option<u64> {
        match self {
            Self::Unsigned(number) => Some(*number),
            // A cast keeps within the bounds of what it is cast to.
            Self::Float(number) if *number >= 0.0 => Some(*number as u64),
            _ => None,
        }
    }

    pub(crate) fn list(&self) -> &[Self] {
        if let Self::List(items) = self { items } else { &[] }
    }

    pub(crate) fn entries(&self) -> &[(Cow<'a, str>, Self)] {
        if let Self::Map(entries) = self { entries } else { &[] }
    }

    /// Returns the entry of a map.
    pub(crate) fn get(&self, key: &str) -> &Self {
        const NULL: &Datum<'static> = &Datum::Null;
        let entries = self.entries();
        entries.binary_search_by(|(name, _)| (**name).cmp(key)).map_or(NULL, |at| &entries[at].1)
    }

    /// Returns it as people read it: a text as it is, anything else as JSON.
    pub(crate) fn shown(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) => Cow::Borrowed(text),
            other => {
                let mut out = String::new();
                other.write_json(&mut out);
                Cow::Owned(out)
            }
        }
    }

    /// Appends its JSON.
    pub(crate) fn write_json(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(bool) => out.push_str(if *bool { "true" } else { "false" }),
            Self::Unsigned(number) => out.push_str(&number.to_string()),
            Self::Signed(number) => out.push_str(&number.to_string()),
            Self::Float(number) => out.push_str(&serde_json::to_string(number).unwrap_or_default()),
            Self::Text(text) => out.push_str(&serde_json::to_string(text).unwrap_or_default()),
            Self::List(items) => {
                out.push('[');
                for (place, item) in items.iter().enumerate() {
                    out.push_str(if place == 0 { "" } else { "," });
                    item.write_json(out);
                }
                out.push(']');
            }
            Self::Map(entries) => {
                out.push('{');
                for (place, (key, value)) in entries.iter().enumerate() {
                    out.push_str(if place == 0 { "" } else { "," });
                    out.push_str(&serde_json::to_string(key).unwrap_or_default());
                    out.push(':');
                    value.write_json(out);
                }
                out.push('}');
            }
        }
    }

    /// Makes a key of a map of it, as JSON has keys: a text.
    pub(super) fn into_key(self) -> Cow<'a, str> {
        match self {
            Self::Text(text) => text,
            other => Cow::Owned(other.shown().into_owned()),
        }
    }
}

/// Puts entries in the order of their keys; of two with one key the last one counts.
pub(super) fn in_order<'a>(entries: &mut Vec<(Cow<'a, str>, Datum<'a>)>) {
    if entries.is_sorted_by(|one, next| one.0 < next.0) {
        return;
    }
    entries.reverse();
    entries.sort_by(|one, next| one.0.cmp(&next.0));
    entries.dedup_by(|next, one| next.0 == one.0);
}

impl<'de> Deserialize<'de> for Datum<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Read)
    }
}

struct Read;

impl<'de> Visitor<'de> for Read {
    type Value = Datum<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    #[inline]
    fn visit_bool<E>(self, bool: bool) -> Result<Datum<'de>, E> {
        Ok(Datum::Bool(bool))
    }

    #[inline]
    fn visit_u64<E>(self, number: u64) -> Result<Datum<'de>, E> {
        Ok(Datum::Unsigned(number))
    }

    #[inline]
    fn visit_i64<E>(self, number: i64) -> Result<Datum<'de>, E> {
        // One number is one value, whatever type it was written as.
        Ok(u64::try_from(number).map_or(Datum::Signed(number), Datum::Unsigned))
    }

    fn visit_f32<E>(self, number: f32) -> Result<Datum<'de>, E> {
        // As JSON has it: the shortest decimal fraction that stands for it.
        Ok(number.to_string().parse().ok().filter(|number: &f64| number.is_finite()).map_or(Datum::Null, Datum::Float))
    }

    #[inline]
    fn visit_f64<E>(self, number: f64) -> Result<Datum<'de>, E> {
        Ok(if number.is_finite() { Datum::Float(number) } else { Datum::Null })
    }

    #[inline]
    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Datum<'de>, E> {
        Ok(Datum::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Datum<'de>, E> {
        Ok(Datum::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_string<E>(self, text: String) -> Result<Datum<'de>, E> {
        Ok(Datum::Text(Cow::Owned(text)))
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Datum<'de>, E> {
        Ok(Datum::List(bytes.iter().map(|&byte| Datum::Unsigned(byte.into())).collect()))
    }

    fn visit_unit<E>(self) -> Result<Datum<'de>, E> {
        Ok(Datum::Null)
    }

    fn visit_none<E>(self) -> Result<Datum<'de>, E> {
        Ok(Datum::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Datum<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }

    /// An extension of `MessagePack`: its type and its bytes.
    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Datum<'de>, D::Error> {
        Extension::deserialize(deserializer).map(|extension| extension.0)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Datum<'de>, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Datum::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Datum<'de>, A::Error> {
        let mut map = Vec::new();
        while let Some(key) = entries.next_key::<Datum<'de>>()? {
            map.push((key.into_key(), entries.next_value()?));
        }
        in_order(&mut map);
        Ok(Datum::Map(map))
    }
}

/// What an extension says: an integer beyond 64 bits, or nothing that is known.
struct Extension<'a>(Datum<'a>);

impl<'de> Deserialize<'de> for Extension<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Parts;
        impl<'de> Visitor<'de> for Parts {
            type Value = Extension<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a type and bytes")
            }

            #[allow(clippy::cast_precision_loss)]
            fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Extension<'de>, A::Error> {
                let code = parts.next_element::<i8>()?.map(i8::cast_unsigned);
                let bytes = parts.next_element::<Bytes>()?.map(|bytes| <[u8; 16]>::try_from(bytes.0));
                while parts.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Extension(match (code, bytes) {
                    (Some(crate::event::EXT_I128), Some(Ok(bytes))) => Datum::Float(i128::from_be_bytes(bytes) as f64),
                    (Some(crate::event::EXT_U128), Some(Ok(bytes))) => Datum::Float(u128::from_be_bytes(bytes) as f64),
                    _ => Datum::Null,
                }))
            }
        }
        deserializer.deserialize_any(Parts)
    }
}

/// The bytes of an extension.
struct Bytes(Vec<u8>);

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl Visitor<'_> for Read {
            type Value = Bytes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes")
            }

            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Bytes, E> {
                Ok(Bytes(bytes.to_vec()))
            }
        }
        deserializer.deserialize_bytes(Read)
    }
}
