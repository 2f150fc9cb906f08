//! Records of logs become `log`, or events of the name that they have.

use std::collections::HashMap;

use lastword::{EventKind, Severity};

use super::genai::{self, Facts, Of};
use super::model::{Any, KeyValue, LogRecord, Scope, find, find_text};
use super::raw::Raw;
use super::spans::{OURS, index_of};
use super::{Taking, moment, proto, source, value};
use crate::ingest::{Draft, Object, Refused, id_of, severity_of};

const LOG: &str = "log";
const ERROR: &str = "error";
const OPERATION: &str = "operation";

/// How often the same record was seen in this request: that many events it is.
#[derive(Default)]
pub(super) struct Alike(HashMap<String, usize>);

impl Alike {
    fn id(&mut self, parts: [&[u8]; 4]) -> String {
        let id = id_of(&parts);
        let times = self.0.entry(id.clone()).or_insert(0);
        *times += 1;
        if *times == 1 { id } else { id_of(&[id.as_bytes(), &times.to_le_bytes()]) }
    }
}

/// Takes a record of a log.
pub(super) fn take(
    taking: &mut Taking<'_, '_>,
    alike: &mut Alike,
    scope: &Scope<'_>,
    raw: Raw<'_>,
) -> Result<(), Refused> {
    let record = match raw.read(proto::log_record) {
        Ok(record) => record,
        Err(error) => {
            taking.refuse(format!("the record can't be read: {error}"));
            return Ok(());
        }
    };
    let time_us = match (record.time_unix_nano, record.observed_time_unix_nano) {
        (0, 0) => taking.reading.now_us,
        (0, observed) => moment(observed),
        (time, _) => moment(time),
    };
    let session = taking.sender.session(taking.drafts, taking.place, time_us, &record.attributes)?;
    let ours = taking.sender.is_ours();
    let uid = find_text(&record.attributes, "log.record.uid");
    let id = match uid {
        Some(uid) => uid.to_owned(),
        None => {
            // What says no time can't be told from what happened again: it is another one each time that it arrives.
            let is_timeless = record.time_unix_nano == 0 && record.observed_time_unix_nano == 0;
            let arrived = if is_timeless { time_us.to_le_bytes() } else { [0; 8] };
            alike.id([raw.bytes(), taking.sender.id.as_bytes(), scope.name.as_bytes(), &arrived])
        }
    };
    let severity = severity(&record);
    let exception = Exception::of(&record.attributes);
    let what = What::of(&record, severity, exception.as_ref(), ours);
    let draft = Draft {
        kind: what.kind,
        index: index_of(&record.attributes).filter(|_| ours),
        error: exception.as_ref().filter(|_| what.is_error).map(|it| (it.kind, it.message)),
        traceback: exception.as_ref().and_then(|it| it.traceback),
        duration_ms: find(&record.attributes, "duration_ms").and_then(Any::number).filter(|_| ours),
        ..Draft::generic(&what.name, &id, severity, time_us)
    };
    let facts = Facts::read(Of { name: &what.said, is_client: false }, &record.attributes);
    let prices = taking.reading.prices;
    let sender = &*taking.sender;
    taking.drafts.add(session, taking.place, &draft, |data| {
        what.write(data, &record, exception.as_ref(), ours);
        sender.write(data);
        source::write_scope(data, scope);
        for attribute in &record.attributes {
            let is_told = ours && (OURS.contains(&&*attribute.key) || what.tells(&attribute.key));
            if !is_told {
                value::write(data, &attribute.key, &attribute.value);
            }
        }
        if what.name == OPERATION || facts.operation.is_some_and(|_| genai_by_itself(&record.attributes)) {
            facts.write(data, prices);
        }
        if what.said.starts_with("gen_ai.") {
            genai::write_event(data, &what.said, &record.body, &record.attributes);
        }
    })
}

/// Whether a record speaks of generative AI by OpenTelemetry's names, so that canonical ones are added to it.
fn genai_by_itself(attributes: &[KeyValue<'_>]) -> bool {
    find(attributes, "gen_ai.operation.name").is_some()
}

/// What a record becomes.
struct What<'a> {
    kind: EventKind,
    name: String,
    /// The name that it was sent with.
    said: String,
    is_error: bool,
    /// A call of a model or a tool, and whether it failed.
    operation: Option<bool>,
    body: &'a Any<'a>,
}

impl<'a> What<'a> {
    fn of(record: &'a LogRecord<'_>, severity: Severity, exception: Option<&Exception<'_>>, ours: bool) -> Self {
        let said = name_of(record);
        let kind = match said.as_str() {
            "SESSION_START" => EventKind::SessionStart,
            "SESSION_END" => EventKind::SessionEnd,
            "UNHANDLED_EXCEPTION" if exception.is_some() => EventKind::UnhandledException,
            _ => EventKind::Generic,
        };
        let is_placed = !record.span_id.is_none() && !record.trace_id.is_none();
        let operation = genai::of_event(&said, &record.attributes).filter(|_| !is_placed && !ours);
        let is_logged = said.is_empty() && exception.is_some() && severity >= Severity::Error;
        let name = match (&operation, said.as_str()) {
            (Some(_), _) => OPERATION,
            (None, "") if is_logged => ERROR,
            (None, "") => LOG,
            (None, said) => said,
        };
        Self {
            kind,
            name: name.to_owned(),
            is_error: is_logged || kind == EventKind::UnhandledException,
            operation: operation.map(|(_, failed)| failed),
            body: &record.body,
            said,
        }
    }

    /// Whether an attribute of our own reporter's stands outside of the event's data.
    fn tells(&self, key: &str) -> bool {
        match self.kind {
            EventKind::UnhandledException => key.starts_with("exception."),
            EventKind::SessionEnd => key == "duration_ms",
            _ => false,
        }
    }

    fn write(&self, data: &mut Object<'_>, record: &LogRecord<'_>, exception: Option<&Exception<'_>>, ours: bool) {
        value::id_if(data, "trace_id", record.trace_id);
        value::id_if(data, "span_id", record.span_id);
        if let Some(failed) = self.operation {
            data.text("span_name", &self.said);
            data.text("status", if failed { "error" } else { "ok" });
            if let Some(took) = find(&record.attributes, "duration_ms").and_then(Any::number) {
                data.float("duration_ms", took);
            }
            if failed {
                data.text_if("error.message", find_text(&record.attributes, "error"));
            }
        } else if !ours && !record.span_id.is_none() {
            // A record within a span tells how long something took, not that the span ended.
            data.reserve(&["duration_ms"]);
        }
        if self.name == ERROR
            && let Some(exception) = exception
        {
            data.text("error.type", exception.kind);
            data.text("error.message", exception.message);
        }
        match self.body {
            Any::None => {}
            Any::Text(_) if ours => {}
            Any::Text(text) if **text == *self.said => {}
            Any::Text(text) => data.text("message", text),
            body => value::write(data, "body", body),
        }
        let (number, text) = (record.severity_number, &*record.severity_text);
        if !matches!(number, 0 | 1 | 5 | 9 | 13 | 17 | 21) {
            data.uint("severity_number", number);
        }
        if !text.is_empty() && severity_of(text) != Some(severity(record)) {
            data.text("severity_text", text);
        }
        if record.observed_time_unix_nano != record.time_unix_nano {
            value::uint_if(data, "observed_unix_nano", record.observed_time_unix_nano);
        }
        value::uint_if(data, "flags", record.flags);
        value::uint_if(data, "attributes_dropped", record.dropped_attributes_count);
    }
}

/// Returns the name of an event, in any of the places in which it has been: its own field, an attribute, the body in full.
fn name_of(record: &LogRecord<'_>) -> String {
    if !record.event_name.is_empty() {
        return record.event_name.to_string();
    }
    let Some(name) = find_text(&record.attributes, "event.name") else { return String::new() };
    let full = record.body.text().filter(|body| body.strip_suffix(name).is_some_and(|before| before.ends_with('.')));
    full.unwrap_or(name).to_owned()
}

/// Returns the severity of a record: that of its number, else of its text.
fn severity(record: &LogRecord<'_>) -> Severity {
    match record.severity_number {
        1..=4 => Severity::Trace,
        5..=8 => Severity::Debug,
        9..=12 => Severity::Info,
        13..=16 => Severity::Warning,
        17..=20 => Severity::Error,
        21..=24 => Severity::Critical,
        _ => severity_of(&record.severity_text).unwrap_or(Severity::Info),
    }
}

/// The exception that a record tells of.
struct Exception<'a> {
    kind: &'a str,
    message: &'a str,
    traceback: Option<&'a str>,
}

impl<'a> Exception<'a> {
    fn of(attributes: &'a [KeyValue<'_>]) -> Option<Self> {
        let text = |key| find_text(attributes, key);
        let (kind, message) = (text("exception.type"), text("exception.message"));
        (kind.is_some() || message.is_some()).then(|| Self {
            kind: kind.unwrap_or("Error"),
            message: message.unwrap_or(""),
            traceback: text("exception.stacktrace"),
        })
    }
}
