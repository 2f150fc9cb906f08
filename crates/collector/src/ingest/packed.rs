//! What is known of an event, as it stands in a message of the stream between collectors.
//!
//! Kinds and severities are numbers there, and keys are the bytes that they are.

use std::fmt;

use lastword::{EventKind, Severity};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Key;

/// For `#[serde(with = "..")]`: a kind by its place among all of them, which no later version changes.
pub(super) mod kind {
    use super::{Deserialize, Deserializer, Error, EventKind, Serializer};

    pub(crate) fn serialize<S: Serializer>(kind: &EventKind, serializer: S) -> Result<S::Ok, S::Error> {
        let place = EventKind::ALL.iter().position(|known| known == kind);
        serializer.serialize_u8(place.and_then(|place| u8::try_from(place).ok()).unwrap_or(u8::MAX))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<EventKind, D::Error> {
        let place = u8::deserialize(deserializer)?;
        let kind = EventKind::ALL.get(usize::from(place)).copied();
        kind.ok_or_else(|| D::Error::custom(format!("there is no kind {place}")))
    }
}

/// For `#[serde(with = "..")]`: a severity by its number.
pub(super) mod severity {
    use super::{Deserialize, Deserializer, Error, Serializer, Severity};

    pub(crate) fn serialize<S: Serializer>(severity: &Severity, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(*severity as u8)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Severity, D::Error> {
        let number = u8::deserialize(deserializer)?;
        Severity::from_u8(number).ok_or_else(|| D::Error::custom(format!("there is no severity {number}")))
    }
}

impl Serialize for Key {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Bytes { .. } => serializer.serialize_bytes(self.as_bytes()),
            Self::Text(text) => serializer.serialize_str(text),
        }
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;

        impl Visitor<'_> for Bytes {
            type Value = Key;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the bytes or the text of a key")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Key, E> {
                Ok(Key::Text(text.into()))
            }

            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Key, E> {
                Key::of_bytes(bytes).ok_or_else(|| E::custom(format!("a key has no {} bytes", bytes.len())))
            }
        }

        deserializer.deserialize_any(Bytes)
    }
}
