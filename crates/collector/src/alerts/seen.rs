//! An event, as a rule looks at it.

use std::borrow::Cow;
use std::cell::OnceCell;

use lastword::event::names;
use lastword::{EventKind, Severity};
use serde::Deserialize;
use serde_json::Value;

use super::about::{self, About};
use crate::clock;
use crate::ingest::{Exception, NO_INDEX};
use crate::query;

/// An event, read as far as rules ask.
#[derive(Debug)]
pub struct Seen<'e> {
    pub(super) time_us: i64,
    /// When it was received; when it happened, where that is not known.
    pub(super) received_us: i64,
    /// Where it is stored.
    pub(super) row: Option<i64>,
    pub(super) session_id: Cow<'e, str>,
    pub(super) index: Option<i64>,
    pub(super) kind: EventKind,
    pub(super) severity: Severity,
    pub(super) name: Option<Cow<'e, str>>,
    json: &'e str,
    /// Its JSON, once a rule asks for one of its fields.
    parsed: OnceCell<Value>,
}

/// A line is no event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it is no event: {0}")]
#[non_exhaustive]
pub struct SeenError(String);

#[derive(Deserialize)]
struct Line<'e> {
    event: Cow<'e, str>,
    #[serde(default)]
    severity: Cow<'e, str>,
    timestamp: Cow<'e, str>,
    event_session_index: Option<i64>,
    #[serde(borrow)]
    event_name: Option<Cow<'e, str>>,
    #[serde(borrow, default)]
    session_id: Cow<'e, str>,
}

impl<'e> Seen<'e> {
    /// Reads an event from a line of JSON, as `lastword events --json` prints it.
    ///
    /// # Errors
    ///
    /// The line is no such event.
    pub fn from_line(json: &'e str) -> Result<Self, SeenError> {
        let line: Line<'e> = serde_json::from_str(json).map_err(|error| SeenError(error.to_string()))?;
        let wrong = |what: &str, is: &str| SeenError(format!("`{what}` is `{is}`"));
        let kind = EventKind::from_wire(&line.event).ok_or_else(|| wrong("event", &line.event))?;
        let time_us = clock::parse(&line.timestamp).ok_or_else(|| wrong("timestamp", &line.timestamp))?;
        Ok(Self {
            time_us,
            received_us: time_us,
            row: None,
            session_id: line.session_id,
            index: line.event_session_index.filter(|index| *index >= 0),
            kind,
            severity: line.severity.parse().unwrap_or_default(),
            name: line.event_name.filter(|_| kind == EventKind::Generic),
            json,
            parsed: OnceCell::new(),
        })
    }

    /// Takes an event as it is stored, at the moment that it happened, or that it was received if that was earlier.
    #[must_use]
    pub fn from_stored(event: &'e query::Event) -> Self {
        Self {
            time_us: event.time.0.min(event.received.0),
            received_us: event.received.0,
            row: Some(event.row),
            session_id: Cow::Borrowed(&event.session_id),
            index: (event.index != NO_INDEX).then_some(event.index),
            kind: event.kind,
            severity: event.severity,
            name: event.name.as_deref().map(Cow::Borrowed),
            json: &event.json,
            parsed: OnceCell::new(),
        }
    }

    /// Returns when it happened, in microseconds since 1970.
    #[must_use]
    pub const fn time_us(&self) -> i64 {
        self.time_us
    }

    /// Returns a field: of its data, or of the event itself. A dot in a name leads into an object, unless the name has it.
    pub(super) fn field(&self, path: &str) -> Option<&Value> {
        let event = self.parsed.get_or_init(|| serde_json::from_str(self.json).unwrap_or_default());
        event.get("event_data").and_then(|data| find(data, path)).or_else(|| find(event, path))
    }

    /// Returns which exception it tells of, and what people are told of it: one that nobody handled, or an error that the program dealt with.
    pub(super) fn exception(&self) -> Option<(Exception, About)> {
        let (error_type, message) = match (self.kind, self.name.as_deref()) {
            (EventKind::UnhandledException, _) => ("error_type", "error_message"),
            (_, Some(names::ERROR)) => (names::ERROR_TYPE, names::ERROR_MESSAGE),
            (_, Some(names::USER_ERROR)) => ("error_type", "message"),
            _ => return None,
        };
        let text = |name| self.field(name).and_then(Value::as_str).unwrap_or_default();
        let (error_type, message) = (text(error_type), text(message));
        let exception = Exception::of(error_type, message);
        let page = match self.name.as_deref() {
            Some(name) if self.kind == EventKind::Generic => about::page_of_event(self.row, name, &self.session_id),
            _ => about::page_of(&exception.fingerprint),
        };
        let mut about = About::new(error_type, message, page);
        about.session = Some(self.session_id.clone().into_owned());
        Some((exception, about))
    }

    /// Returns a field's number.
    pub(super) fn number(&self, path: &str) -> Option<f64> {
        let value = self.field(path)?;
        value.as_f64().or_else(|| value.as_str()?.parse().ok()).filter(|number| number.is_finite())
    }
}

fn find<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    if let Some(found) = value.get(path) {
        return Some(found);
    }
    path.match_indices('.').find_map(|(dot, _)| find(value.get(&path[..dot])?, &path[dot + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dot_leads_into_an_object_unless_the_name_has_it() {
        let line = r#"{"event":"GENERIC_EVENT","timestamp":"2026-11-20T09:20:34Z","event_name":"n","session_id":"s",
            "event_data":{"a.b":1,"a":{"c":"2.5","d":{"e":true}},"x.y":{"z":3}}}"#;
        let seen = Seen::from_line(line).unwrap();
        assert_eq!((seen.number("a.b"), seen.number("a.c"), seen.number("x.y.z")), (Some(1.0), Some(2.5), Some(3.0)));
        assert_eq!(seen.field("a.d.e"), Some(&Value::Bool(true)));
        assert_eq!(seen.field("event_name"), Some(&Value::from("n")));
        assert_eq!((seen.field("a.x"), seen.number("a.d")), (None, None));
    }
}
