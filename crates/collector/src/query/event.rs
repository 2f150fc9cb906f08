//! A stored event.

use lastword::{EventKind, Severity};
use serde::{Serialize, Serializer};
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
    /// Returns the event's JSON with `session_id` added as its last field; all else is byte for byte as it came.
    #[must_use]
    pub fn to_json(&self) -> String {
        let fields = self.json.strip_suffix('}').unwrap_or(&self.json);
        let session = serde_json::Value::from(self.session_id.as_str());
        // It has fields: without an id it would not have been stored.
        format!("{fields},\"session_id\":{session}}}")
    }
}

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw = RawValue::from_string(self.to_json()).map_err(serde::ser::Error::custom)?;
        raw.serialize(serializer)
    }
}
