//! One span, as its start and its end tell of it.

use std::borrow::Cow;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::attributes::Attributes;
use crate::clock::Timestamp;
use crate::event::SpanId;
use crate::limits::{SESSION_ID_BYTES_MAX, VIEW_NAME_BYTES_MAX, VIEW_TEXT_BYTES_MAX};
use crate::views::event::{Event, Field, nanos_of_millis};
use crate::views::moment::Moment;
use crate::views::table::{cut, cut_name};

/// How a span ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SpanStatus {
    /// It did not, as far as is known: it runs, or its program ended before it.
    #[default]
    Running,
    /// It went well.
    Ok,
    /// It failed.
    Error,
}

/// A span of a trace. Its texts are cut to bounds.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Span {
    /// The span that it is within, which may be unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<SpanId>,
    /// What it is called.
    pub name: Box<str>,
    /// As OpenTelemetry has it; `internal` unless said.
    pub kind: Cow<'static, str>,
    /// When it began, in nanoseconds since 1970.
    pub start_nanos: u64,
    /// How long it took, in nanoseconds; `None` for one that never ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_nanos: Option<u64>,
    /// How it ended.
    pub status: SpanStatus,
    /// The type of the error that it ended with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_type: Option<Box<str>>,
    /// What that error says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_message: Option<Box<str>>,
    /// The session that told of it.
    pub session_id: Box<str>,
    /// The run that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<Box<str>>,
    /// What else is known of it.
    pub attributes: Attributes,
    /// Other events that happened within it.
    pub events: u64,
    /// When its start and its end were told of, the first time each.
    started: Option<Moment>,
    ended: Option<Moment>,
}

impl Span {
    /// Returns when it began.
    #[must_use]
    pub const fn start(&self) -> Timestamp {
        Timestamp::from_unix_nanos(self.start_nanos)
    }

    /// Returns how long it took; `None` for one that never ended.
    #[must_use]
    pub fn duration(&self) -> Option<Duration> {
        self.duration_nanos.map(Duration::from_nanos)
    }

    /// Returns the attribute of this name.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<Value> {
        self.attributes.get(name)
    }

    /// Whether more is known of it than its id.
    pub(super) const fn is_told(&self) -> bool {
        self.started.is_some() || self.ended.is_some()
    }

    pub(super) const fn end_nanos(&self) -> u64 {
        self.start_nanos.saturating_add(match self.duration_nanos {
            Some(nanos) => nanos,
            None => 0,
        })
    }

    /// Takes what the event of its start says, unless its end is known: that says it all.
    pub(super) fn begin(&mut self, event: &Event<'_>) {
        let moment = event.moment();
        if self.ended.is_none() && self.started.is_none_or(|before| moment < before) {
            self.describe(event);
            self.start_nanos = event.time().unix_nanos();
        }
        self.started = Some(self.started.map_or(moment, |before| before.min(moment)));
    }

    /// Takes what the event of its end says.
    pub(super) fn end(&mut self, event: &Event<'_>) {
        let moment = event.moment();
        if self.ended.is_some_and(|before| before <= moment) {
            return;
        }
        self.ended = Some(moment);
        self.describe(event);
        let nanos = nanos_of_millis(&event.fields()[Field::DurationMs]).unwrap_or(0);
        self.duration_nanos = Some(nanos);
        self.start_nanos = event.time().unix_nanos().saturating_sub(nanos);
        let failed = event.fields().text(Field::Status) == Some("error");
        self.status = if failed { SpanStatus::Error } else { SpanStatus::Ok };
        let text = |field, bytes_max| event.fields().text(field).map(|text| cut(text, bytes_max).into());
        self.error_type = text(Field::ErrorType, VIEW_NAME_BYTES_MAX);
        self.error_message = text(Field::ErrorMessage, VIEW_TEXT_BYTES_MAX);
    }

    fn describe(&mut self, event: &Event<'_>) {
        let fields = event.fields();
        let name = fields.text(Field::SpanName).or(event.name()).unwrap_or("");
        self.parent = fields.text(Field::ParentSpanId).and_then(|id| id.parse().ok());
        self.name = cut_name(name).into();
        self.kind = kind(fields.text(Field::SpanKind).unwrap_or("internal"));
        self.session_id = cut(event.session_id(), SESSION_ID_BYTES_MAX).into();
        self.run_id = fields.text(Field::RunId).map(|id| cut_name(id).into());
        self.attributes = Attributes::of(event);
    }

    /// Adds what is known of the same span from elsewhere.
    pub(super) fn fold(&mut self, other: Self) {
        let events = self.events.saturating_add(other.events);
        let earliest = |one: Option<Moment>, another: Option<Moment>| match (one, another) {
            (Some(one), Some(another)) => Some(one.min(another)),
            (one, another) => one.or(another),
        };
        let started = earliest(self.started, other.started);
        let ended = earliest(self.ended, other.ended);
        // An end says more than a start, and either more than nothing; of two of a kind the first one counts.
        let rank = |span: &Self| (span.ended.is_none(), span.ended, span.started.is_none(), span.started);
        if rank(&other) < rank(self) {
            *self = other;
        }
        (self.events, self.started, self.ended) = (events, started, ended);
    }
}

/// Returns the kind of a span. There are five, and nearly all spans are of the first.
fn kind(said: &str) -> Cow<'static, str> {
    const KINDS: [&str; 5] = ["internal", "client", "server", "producer", "consumer"];
    KINDS.into_iter().find(|kind| *kind == said).map_or_else(|| cut_name(said).to_owned().into(), Cow::Borrowed)
}
