//! Spans become `span.end`.

use lastword::Severity;

use super::genai::{Facts, Of};
use super::model::{Id, Scope, Span, SpanEvent, find, find_text};
use super::raw::Raw;
use super::{Taking, moment, proto, source, value};
use crate::ingest::{Draft, Object, Refused};

const SPAN_END: &str = "span.end";

/// Fields of a span's own, which no attribute may be taken for.
const OWN: [&str; 20] = [
    "trace_id",
    "span_id",
    "parent_span_id",
    "span_name",
    "span_kind",
    "duration_ms",
    "status",
    "status_message",
    "error.message",
    "attributes_dropped",
    "events",
    "events_dropped",
    "links",
    "links_dropped",
    "trace_state",
    "flags",
    "start_unix_nano",
    "resource",
    "otel.scope.name",
    "otel.scope.version",
];

/// Fields of our own reporter's that say which event it is, and stand outside of its data.
pub(super) const OURS: [&str; 3] = ["session.id", "event_session_index", "log.record.uid"];

/// Takes a span.
pub(super) fn take(taking: &mut Taking<'_, '_>, scope: &Scope<'_>, raw: Raw<'_>) -> Result<(), Refused> {
    let span = match raw.read(proto::span) {
        Ok(span) => span,
        Err(error) => {
            taking.refuse(format!("the span can't be read: {error}"));
            return Ok(());
        }
    };
    let (Some(trace_id), Some(span_id)) = (span.trace_id.digits(16), span.span_id.digits(8)) else {
        taking.refuse(wrong_ids(&span));
        return Ok(());
    };
    let end = span.end_time_unix_nano.max(span.start_time_unix_nano);
    let time_us = if end == 0 { taking.reading.now_us } else { moment(end) };
    let session = taking.sender.session(taking.drafts, taking.place, time_us, &span.attributes)?;
    let ours = taking.sender.is_ours();
    let uid = find_text(&span.attributes, "log.record.uid").filter(|_| ours).map(str::to_owned);
    let id = uid.unwrap_or_else(|| value::span_event_id(&trace_id, &span_id));
    let mut facts = Facts::read(Of { name: &span.name, is_client: span.kind == 3 }, &span.attributes);
    facts.read_events(&span.events);
    let failed = span.status.code == 2;
    let exception = span.events.iter().rev().find(|event| event.name == "exception");
    let error = failed.then(|| Error::of(&span, exception));
    let severity = if failed { Severity::Error } else { Severity::Info };
    let draft = Draft {
        index: index_of(&span.attributes).filter(|_| ours),
        // An exception is recorded on every span that it passes through: the one at which it left the program is the one that counts.
        error: error
            .as_ref()
            .filter(|_| exception.is_some() && is_entry(&span))
            .map(|error| (error.kind, error.message)),
        ..Draft::generic(SPAN_END, &id, severity, time_us)
    };
    let prices = taking.reading.prices;
    let sender = &*taking.sender;
    taking.drafts.add(session, taking.place, &draft, |data| {
        data.text("trace_id", &trace_id);
        data.text("span_id", &span_id);
        value::id_if(data, "parent_span_id", span.parent_span_id);
        data.text("span_name", &span.name);
        data.text_if("span_kind", kind(span.kind));
        data.float("duration_ms", millis(end - span.start_time_unix_nano));
        data.text("status", if failed { "error" } else { "ok" });
        write_error(data, &span, error.as_ref());
        value::uint_if(data, "attributes_dropped", span.dropped_attributes_count);
        value::events(data, &span.events);
        value::uint_if(data, "events_dropped", span.dropped_events_count);
        value::links(data, &span.links);
        value::uint_if(data, "links_dropped", span.dropped_links_count);
        data.text_if("trace_state", Some(&span.trace_state));
        value::uint_if(data, "flags", span.flags);
        data.uint("start_unix_nano", span.start_time_unix_nano);
        sender.write(data);
        source::write_scope(data, scope);
        data.reserve(&OWN);
        for attribute in &span.attributes {
            if !ours || !OURS.contains(&&*attribute.key) {
                value::write(data, &attribute.key, &attribute.value);
            }
        }
        if let Some(error) = error.as_ref().filter(|error| !error.kind.is_empty() && !data.has("error.type")) {
            data.text("error.type", error.kind);
        }
        facts.write(data, prices);
    })
}

/// The number of an event of our own reporter's.
pub(super) fn index_of(attributes: &[super::model::KeyValue<'_>]) -> Option<u64> {
    match find(attributes, "event_session_index")? {
        super::model::Any::Int(index) => u64::try_from(*index).ok(),
        _ => None,
    }
}

fn wrong_ids(span: &Span<'_>) -> String {
    let wrong = |name: &str, id: Id, bytes: usize| {
        let what = if id.is_none() { "nothing but zeros".to_owned() } else { format!("{} bytes", id.length()) };
        format!("the span's {name} has {what}: it must have {bytes} bytes, not all 0")
    };
    match span.trace_id.digits(16) {
        None => wrong("trace id", span.trace_id, 16),
        Some(_) => wrong("span id", span.span_id, 8),
    }
}

/// Returns the kind of a span; `internal` is what is meant where none is said.
const fn kind(kind: u64) -> Option<&'static str> {
    match kind {
        2 => Some("server"),
        3 => Some("client"),
        4 => Some("producer"),
        5 => Some("consumer"),
        _ => None,
    }
}

/// Whether a span is where work entered the program: it has no parent, or one of another program.
fn is_entry(span: &Span<'_>) -> bool {
    const HAS_IS_REMOTE: u32 = 0x100;
    const IS_REMOTE: u32 = 0x200;
    let is_remote = span.flags & (HAS_IS_REMOTE | IS_REMOTE) == HAS_IS_REMOTE | IS_REMOTE;
    span.parent_span_id.is_none() || is_remote || matches!(span.kind, 2 | 5)
}

/// The error that a span ended with.
struct Error<'a> {
    kind: &'a str,
    message: &'a str,
}

impl<'a> Error<'a> {
    fn of(span: &'a Span<'_>, exception: Option<&'a SpanEvent<'_>>) -> Self {
        let said = |key| exception.and_then(|event| find_text(&event.attributes, key));
        let kind = find_text(&span.attributes, "error.type").or_else(|| said("exception.type")).unwrap_or("");
        let message = said("exception.message").unwrap_or(&span.status.message);
        Self { kind, message }
    }
}

fn write_error(data: &mut Object<'_>, span: &Span<'_>, error: Option<&Error<'_>>) {
    let Some(error) = error else {
        data.text_if("status_message", Some(&span.status.message));
        return;
    };
    data.text_if("error.message", Some(error.message));
    // Python's says type and message, where the exception says each by itself.
    if span.status.message != error.message {
        data.text_if("status_message", Some(&span.status.message));
    }
}

#[allow(clippy::cast_precision_loss, reason = "104 days in nanoseconds are the first that lose one")]
fn millis(nanos: u64) -> f64 {
    nanos as f64 / 1e6
}
