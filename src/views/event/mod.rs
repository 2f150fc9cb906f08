//! What a view folds: one event, read once, from whatever form it is in.
//!
//! # Invariants
//!
//! - An event reads the same from a sink's batch and from its JSON: what the wire does not tell (nanoseconds, `TRACE`) is not told
//!   here either.
//! - Its data is gone through once. Texts are borrowed from the event where its form has them as they are.
//! - Nothing in it is believed: a number may be negative or huge, a text a megabyte. Who keeps a part of it bounds it.

mod datum;
mod field;
mod json;
mod meaning;
mod numbers;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::time::Duration;

use serde::de::DeserializeSeed;
use serde_json::Value;

pub(crate) use datum::Datum;
pub(crate) use field::{Field, Fields};
pub(crate) use meaning::{Doing, Meaning, Operation, UNKNOWN};
pub(crate) use numbers::nanos_of_millis;

use super::counts::Counts;
use super::moment::Moment;
use crate::clock::Timestamp;
use crate::event::{Body, DecodeError, EventKind, EventView, Severity};
use crate::limits::DATA_DEPTH_MAX;
use field::ReadInto;

/// What is to be read is no event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EventError {
    /// It is no JSON, or its data is no object.
    #[error("it can't be read: {0}")]
    Unreadable(String),
    /// Its kind is missing or unknown.
    #[error("`event` is {0}: it must be one of SESSION_START, SESSION_END, UNHANDLED_EXCEPTION, GENERIC_EVENT")]
    Kind(String),
    /// Its time is missing or is none.
    #[error("`timestamp` is {0}: it must be a time as RFC 3339 has it, like \"2026-11-25T10:00:00.000000Z\"")]
    Time(String),
    /// Its bytes are damaged.
    #[error(transparent)]
    Damaged(#[from] DecodeError),
}

/// One event of a session, as views read it.
///
/// ```
/// use lastword::views::Event;
///
/// let line = br#"{"event":"GENERIC_EVENT","event_id":"1","event_session_index":4,"severity":"INFO",
///     "timestamp":"2026-11-25T10:00:00.000000Z","event_name":"cache.miss","event_data":{"key":1},"session_id":"s-1"}"#;
/// let event = Event::from_line(line)?;
/// assert_eq!((event.session_id(), event.index(), event.name()), ("s-1", 4, Some("cache.miss")));
/// # Ok::<(), lastword::views::EventError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Event<'a> {
    session_id: Cow<'a, str>,
    moment: Moment,
    kind: EventKind,
    severity: Severity,
    name: Cow<'a, str>,
    /// How long the session lasted that ends with it.
    session_duration: Duration,
    fields: Fields<'a>,
    meaning: Meaning,
    operation: Option<Operation>,
    counts: Counts,
}

impl<'a> Event<'a> {
    /// Reads an event as a sink has it: of this session, with this index.
    ///
    /// # Errors
    ///
    /// Its data is damaged.
    ///
    /// ```
    /// use lastword::views::Event;
    /// # let batch = lastword::testing::batch("s-1", 4, &[("cache.miss", serde_json::json!({}))])?;
    ///
    /// for event in batch.events() {
    ///     let event = Event::from_view(&batch.session().id, event.index(), &event.view()?)?;
    ///     assert_eq!((event.session_id(), event.index(), event.name()), ("s-1", 4, Some("cache.miss")));
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_view(session_id: &'a str, index: u64, view: &EventView<'a>) -> Result<Self, EventError> {
        let mut event = Self::new(view.kind(), view.severity(), Moment::new(view.time(), session_id, index));
        event.session_id = Cow::Borrowed(session_id);
        match view.body() {
            Body::SessionStart => {}
            Body::SessionEnd { duration } => event.session_duration = duration,
            Body::UnhandledException { error_type, message, .. } => {
                event.fields.set_error(Cow::Borrowed(error_type), Cow::Borrowed(message));
            }
            Body::Generic { name, data } => {
                event.name = Cow::Borrowed(name);
                let all = meaning::wants_all(name);
                let mut reader = rmp_serde::Deserializer::from_read_ref(data.as_bytes()).with_human_readable();
                reader.set_max_depth(DATA_DEPTH_MAX + 1);
                let read = ReadInto { fields: &mut event.fields, all }.deserialize(&mut reader);
                read.map_err(|error| EventError::Unreadable(error.to_string()))?;
            }
        }
        event.understand();
        Ok(event)
    }

    /// Reads an event as the wire has it, with its `session_id`: as `lastword events --json` prints it and `sink::Jsonl` writes it.
    ///
    /// # Errors
    ///
    /// It is no object, or its kind or time is missing or wrong.
    ///
    /// ```
    /// use lastword::views::Event;
    ///
    /// let json = serde_json::json!({"event": "SESSION_START", "timestamp": "2026-11-25T10:00:00Z", "session_id": "s-1"});
    /// assert_eq!(Event::from_json(&json)?.kind(), lastword::EventKind::SessionStart);
    /// # Ok::<(), lastword::views::EventError>(())
    /// ```
    pub fn from_json(json: &'a Value) -> Result<Self, EventError> {
        json::read(json)
    }

    /// Reads an event from a line of such JSON, without a tree of values between.
    ///
    /// # Errors
    ///
    /// As for [`from_json`](Self::from_json); or it is no JSON.
    pub fn from_line(line: &'a [u8]) -> Result<Self, EventError> {
        // Once for all of its texts.
        let line = std::str::from_utf8(line).map_err(|error| EventError::Unreadable(error.to_string()))?;
        let mut reader = serde_json::Deserializer::from_str(line);
        let event = json::read(&mut reader)?;
        reader.end().map_err(|error| EventError::Unreadable(error.to_string()))?;
        Ok(event)
    }

    const fn new(kind: EventKind, severity: Severity, moment: Moment) -> Self {
        let severity = match severity {
            // The wire has one name for both.
            Severity::Trace => Severity::Debug,
            severity => severity,
        };
        Self {
            session_id: Cow::Borrowed(""),
            moment,
            kind,
            severity,
            name: Cow::Borrowed(""),
            session_duration: Duration::ZERO,
            fields: Fields::NONE,
            meaning: Meaning::Other,
            operation: None,
            counts: Counts::NONE,
        }
    }

    /// Works out, once for all views, what it says.
    fn understand(&mut self) {
        self.meaning = Meaning::of(self.kind, &self.name, &self.fields);
        self.operation = self.operation_of();
        if !meaning::wants_all(&self.name) {
            // Read where its name was not yet known.
            self.fields.forget_others();
        }
        self.counts = Counts::of(self);
    }

    /// Returns the session that it is of.
    #[must_use]
    pub fn session_id(&self) -> &str {
        &self.session_id
    }

    /// Returns its place in the session.
    #[must_use]
    pub const fn index(&self) -> u64 {
        self.moment.index()
    }

    /// Returns when it happened, in whole microseconds.
    #[must_use]
    pub const fn time(&self) -> Timestamp {
        self.moment.time()
    }

    /// Returns its place among all events of all sessions.
    #[must_use]
    pub const fn moment(&self) -> Moment {
        self.moment
    }

    /// Returns what kind of event it is.
    #[must_use]
    pub const fn kind(&self) -> EventKind {
        self.kind
    }

    /// Returns how bad it is, as the wire has it: never [`Severity::Trace`].
    #[must_use]
    pub const fn severity(&self) -> Severity {
        self.severity
    }

    /// Returns its name, if it is a [generic](EventKind::Generic) event.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        matches!(self.kind, EventKind::Generic).then_some(&*self.name)
    }

    pub(crate) const fn meaning(&self) -> Meaning {
        self.meaning
    }

    pub(crate) const fn operation(&self) -> Option<Operation> {
        self.operation
    }

    pub(crate) const fn fields(&self) -> &Fields<'a> {
        &self.fields
    }

    /// What it adds to what is counted.
    pub(crate) const fn counts(&self) -> Counts {
        self.counts
    }

    pub(crate) const fn session_duration(&self) -> Duration {
        self.session_duration
    }
}
