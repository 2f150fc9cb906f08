//! A message that is not read yet, in either form, and the groups in which records come.
//!
//! Records are read one at a time, each from its own bytes, so that what a body makes the collector build is bounded by its largest
//! record and not by the body.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::wire::{Message, WireError};
use crate::ingest::Refused;
use crate::limits::REQUEST_EVENTS_MAX;

/// The form of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// `application/x-protobuf`, and gRPC.
    Protobuf,
    /// `application/json`.
    Json,
}

/// A message that is not read yet.
#[derive(Debug, Clone, Copy)]
pub(super) enum Raw<'b> {
    Protobuf(&'b [u8]),
    Json(&'b RawValue),
}

impl<'b> Raw<'b> {
    /// Returns a body as a message.
    ///
    /// # Errors
    ///
    /// It is no JSON.
    pub(super) fn of(format: Format, body: &'b [u8]) -> Result<Self, Refused> {
        Ok(match format {
            Format::Protobuf => Self::Protobuf(body),
            Format::Json => Self::Json(
                serde_json::from_slice(body).map_err(|error| Refused::Bad(format!("the body is no JSON: {error}")))?,
            ),
        })
    }

    /// Returns the bytes as they were sent.
    pub(super) fn bytes(self) -> &'b [u8] {
        match self {
            Self::Protobuf(bytes) => bytes,
            Self::Json(json) => json.get().as_bytes(),
        }
    }

    /// Reads it by the reader of its form.
    pub(super) fn read<T: serde::Deserialize<'b>>(
        self,
        protobuf: fn(&'b [u8]) -> Result<T, WireError>,
    ) -> Result<T, String> {
        match self {
            Self::Protobuf(bytes) => protobuf(bytes).map_err(|error| error.to_string()),
            Self::Json(json) => serde_json::from_str(json.get()).map_err(|error| error.to_string()),
        }
    }
}

/// Which field of a message has its parts, and which says what they have in common.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    head: (u32, &'static str),
    items: (u32, &'static str),
}

impl Shape {
    /// A request: groups by resource.
    pub(super) const fn request(items: &'static str) -> Self {
        Self { head: (0, ""), items: (1, items) }
    }

    /// What comes of one resource: groups by scope.
    pub(super) const fn of_resource(items: &'static str) -> Self {
        Self { head: (1, "resource"), items: (2, items) }
    }

    /// What comes of one scope: records.
    pub(super) const fn of_scope(items: &'static str) -> Self {
        Self { head: (1, "scope"), items: (2, items) }
    }
}

/// A message that is a group: its parts, and what they have in common.
#[derive(Debug, Default)]
pub(super) struct Group<'b> {
    pub(super) head: Option<Raw<'b>>,
    pub(super) items: Vec<Raw<'b>>,
}

impl<'b> Group<'b> {
    /// Reads the parts of a group, none of which is looked into.
    ///
    /// # Errors
    ///
    /// It is not of this shape, or has more parts than a request may have events.
    pub(super) fn read(raw: Raw<'b>, shape: Shape) -> Result<Self, Refused> {
        match raw {
            Raw::Protobuf(bytes) => Self::of_protobuf(bytes, shape).map_err(|error| match error {
                WireError::Many => Refused::TooManyEvents,
                error => {
                    Refused::Bad(format!("the body is no protobuf of OTLP: {error}; is its content type what it is?"))
                }
            }),
            Raw::Json(json) => {
                let mut group = Self::default();
                let mut full = false;
                let seed = Parts { group: &mut group, shape, full: &mut full };
                let read = seed.deserialize(&mut serde_json::Deserializer::from_str(json.get()));
                match read {
                    Ok(()) => Ok(group),
                    Err(_) if full => Err(Refused::TooManyEvents),
                    Err(error) => Err(Refused::Bad(format!("the body is no JSON of OTLP: {error}"))),
                }
            }
        }
    }

    fn of_protobuf(bytes: &'b [u8], shape: Shape) -> Result<Self, WireError> {
        let (mut message, mut group) = (Message(bytes), Self::default());
        while let Some(field) = message.next()? {
            if field.number == shape.items.0 {
                if group.items.len() >= REQUEST_EVENTS_MAX {
                    return Err(WireError::Many);
                }
                group.items.push(Raw::Protobuf(field.bytes()?));
            } else if field.number == shape.head.0 {
                group.head = Some(Raw::Protobuf(field.bytes()?));
            }
        }
        Ok(group)
    }
}

/// Reads a group of JSON.
struct Parts<'g, 'b> {
    group: &'g mut Group<'b>,
    shape: Shape,
    full: &'g mut bool,
}

impl<'de> DeserializeSeed<'de> for Parts<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Parts<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object with a list `{}`", self.shape.items.1)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        while let Some(key) = entries.next_key::<std::borrow::Cow<'de, str>>()? {
            if *key == *self.shape.items.1 {
                entries.next_value_seed(Items { items: &mut self.group.items, full: &mut *self.full })?;
            } else if *key == *self.shape.head.1 {
                let head = entries.next_value::<&'de RawValue>()?;
                self.group.head = Some(head).filter(|head| head.get() != "null").map(Raw::Json);
            } else {
                entries.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

/// Reads a list of JSON, up to its bound.
pub(super) struct Items<'g, 'b> {
    pub(super) items: &'g mut Vec<Raw<'b>>,
    pub(super) full: &'g mut bool,
}

impl<'de> DeserializeSeed<'de> for Items<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Items<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while let Some(item) = items.next_element::<&'de RawValue>()? {
            if self.items.len() >= REQUEST_EVENTS_MAX {
                *self.full = true;
                return Err(serde::de::Error::custom("too many"));
            }
            self.items.push(Raw::Json(item));
        }
        Ok(())
    }
}
