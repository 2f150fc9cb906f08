//! Which events a rule is about.

use std::collections::BTreeMap;

use lastword::{EventKind, Severity};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::seen::Seen;
use crate::page::Address;
use crate::query::{EventQuery, Grid, HistogramQuery};

/// Which events. What is not given doesn't narrow them down.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Filter {
    /// Generic events of this name.
    name: Option<String>,
    #[serde(default, deserialize_with = "kind")]
    pub(super) kind: Option<EventKind>,
    /// As bad as this, or worse.
    #[serde(default, deserialize_with = "severity")]
    severity: Option<Severity>,
    session: Option<String>,
    /// Fields with these values; `*` is any.
    #[serde(default, rename = "where")]
    fields: BTreeMap<String, Value>,
}

impl Filter {
    /// Returns the query that finds them, and perhaps more: what fields say is left to [`Filter::passes`].
    pub(super) fn query(&self) -> EventQuery {
        EventQuery {
            name: self.name.clone(),
            kind: self.kind,
            severity: self.severity,
            session: self.session.clone(),
            ..EventQuery::default()
        }
    }

    /// Returns which events these are, in words.
    pub(super) fn spoken(&self) -> String {
        let mut text = match (&self.name, self.kind) {
            (Some(name), _) => format!("{name} events"),
            (None, Some(kind)) => format!("{} events", kind.as_str()),
            (None, None) => "events".to_owned(),
        };
        if let Some(severity) = self.severity {
            text.push_str(&format!(" of severity {} and worse", severity.as_str().to_ascii_lowercase()));
        }
        if let Some(session) = &self.session {
            text.push_str(&format!(" of the session {session}"));
        }
        for (place, (field, value)) in self.fields.iter().enumerate() {
            let value = text_of(value);
            text.push_str(&format!(" {} {field} = {value}", if place == 0 { "with" } else { "and" }));
        }
        text
    }

    /// Returns where the pages show these events, and perhaps more.
    pub(super) fn link(&self, since: &str) -> Address {
        let pairs = [
            ("name", self.name.as_deref().unwrap_or_default()),
            ("kind", self.kind.map_or("", EventKind::as_str)),
            ("severity", self.severity.map_or("", Severity::as_str)),
            ("session", self.session.as_deref().unwrap_or_default()),
            ("since", since),
        ];
        Address::of("/events", &pairs)
    }

    /// Returns the query that counts them over time.
    pub(super) fn histogram(&self, grid: Grid) -> HistogramQuery {
        HistogramQuery { grid, name: self.name.clone(), kind: self.kind, severity: self.severity }
    }

    /// Returns the query that finds those of two filters.
    pub(super) fn query_of_both(&self, other: &Self) -> EventQuery {
        let (one, two) = (self.query(), other.query());
        EventQuery {
            name: one.name.filter(|name| two.name.as_ref() == Some(name)),
            kind: one.kind.filter(|kind| two.kind == Some(*kind)),
            severity: one.severity.zip(two.severity).map(|(one, two)| one.min(two)),
            session: one.session.filter(|session| two.session.as_ref() == Some(session)),
            ..EventQuery::default()
        }
    }

    /// Returns whether it depends on fields.
    pub(super) fn looks_into_fields(&self) -> bool {
        !self.fields.is_empty()
    }

    /// Returns whether events that pass are counted as they come.
    pub(super) fn is_counted(&self) -> bool {
        self.session.is_none() && self.fields.is_empty()
    }

    pub(super) fn passes(&self, event: &Seen<'_>) -> bool {
        let is = |wanted: &Option<String>, has: Option<&str>| wanted.is_none() || wanted.as_deref() == has;
        is(&self.name, event.name.as_deref())
            && is(&self.session, Some(&event.session_id))
            && self.kind.is_none_or(|kind| kind == event.kind)
            && self.severity.is_none_or(|severity| event.severity >= severity)
            && self.fields.iter().all(|(path, wanted)| event.field(path).is_some_and(|has| is_same(wanted, has)))
    }
}

/// Compares what a rule says with what an event has: by their texts, for a rule need not know whether a number is sent as one.
fn is_same(wanted: &Value, has: &Value) -> bool {
    match (wanted, has) {
        (Value::String(any), has) if any == "*" => !has.is_null(),
        (Value::Number(wanted), Value::Number(has)) => wanted.as_f64() == has.as_f64(),
        (wanted, has) => text_of(wanted) == text_of(has),
    }
}

fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

fn kind<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<EventKind>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let kind = EventKind::from_wire(&text.to_ascii_uppercase());
    kind.map(Some).ok_or_else(|| {
        let known = EventKind::ALL.map(EventKind::as_str).join(", ");
        serde::de::Error::custom(format!("`kind` is `{text}`: it must be one of {known}"))
    })
}

fn severity<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Severity>, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map(Some).map_err(|_| {
        let known = "debug, info, warning, error, critical";
        serde::de::Error::custom(format!("`severity` is `{text}`: it must be one of {known}"))
    })
}
