//! A stored event.

use std::borrow::Cow;
use std::fmt;

use lastword::{EventKind, Severity};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use super::Moment;

/// A stored event: its text byte for byte as it came, and what was read of it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Event {
    /// The number of its row: events are numbered in the order in which they were stored.
    pub row: i64,
    /// The session it belongs to.
    pub session_id: String,
    /// When the collector took it.
    pub received: Moment,
    /// When it happened, as its client says.
    pub time: Moment,
    /// Its kind.
    pub kind: EventKind,
    /// Its severity.
    pub severity: Severity,
    /// Its number in its session.
    pub index: i64,
    /// The name of a `GENERIC_EVENT`, cut to 256 bytes.
    pub name: Option<String>,
    /// Its JSON, byte for byte as it came: an object.
    pub json: String,
}

impl Event {
    /// Returns the event's JSON with `session_id` as its last field; all else is byte for byte as it came.
    ///
    /// A `session_id` that its client put into the event itself is left out: an object has a key once, and the session that it
    /// was stored under is the one it belongs to.
    #[must_use]
    pub fn to_json(&self) -> String {
        let others = self.without_session();
        let fields = others.as_deref().unwrap_or(&self.json);
        let fields = fields.strip_suffix('}').unwrap_or(fields);
        let session = serde_json::Value::from(self.session_id.as_str());
        // It has fields: without an id it would not have been stored.
        format!("{fields},\"session_id\":{session}}}")
    }

    /// Returns the JSON without the event's own `session_id`, or nothing where it has none, as nearly all do.
    fn without_session(&self) -> Option<String> {
        // The key may be written with escapes.
        if !self.json.contains(SESSION_ID) && !self.json.contains("\\u") {
            return None;
        }
        let Fields(mut fields) = serde_json::from_str(&self.json).ok()?;
        let all = fields.len();
        fields.retain(|(key, _)| key != SESSION_ID);
        if fields.len() == all {
            return None;
        }
        let fields = fields.iter().map(|(key, value)| format!("{}:{value}", serde_json::Value::from(key.as_ref())));
        Some(format!("{{{}}}", fields.collect::<Vec<_>>().join(",")))
    }
}

/// The field that says whose an event is.
const SESSION_ID: &str = "session_id";

/// The fields of an object in their order, each value as its text.
struct Fields<'j>(Vec<(Cow<'j, str>, &'j RawValue)>);

impl<'de: 'j, 'j> Deserialize<'de> for Fields<'j> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry::<Cow<'de, str>, &'de RawValue>()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }

        deserializer.deserialize_map(Object)
    }
}

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw = RawValue::from_string(self.to_json()).map_err(serde::ser::Error::custom)?;
        raw.serialize(serializer)
    }
}
