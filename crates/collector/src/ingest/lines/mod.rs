//! Lines of logs in JSON, as loggers of all languages write them: one object a line, a list of objects, or one object.
//!
//! A line becomes an event `log`, or `error` where it tells of one ([`failure`]). All its fields stay among its data; `message`, the trace
//! and the error have many names, and are found under one. The same line with the same time is the same event, unless one request has it
//! several times. A line that says no time was never sent before, for all that can be known.

mod failure;

use std::collections::HashMap;

use lastword::Severity;
use lastword::event::names;
use serde_json::Value;

use super::read::{self, Fields, first, text};
use super::{Draft, Drafts, Intake, Refused, Source, id_of, instance, quote, values};
pub(super) use failure::Failure;

/// What a line becomes.
pub(super) const LOG: &str = "log";

const SESSION: [&str; 4] = ["session_id", "session.id", "sessionId", "session"];
const SERVICE: [&str; 5] = ["service", "service.name", "service_name", "app", "application"];
const HOST: [&str; 4] = ["hostname", "host", "host.name", "HOSTNAME"];
const TIME: [&str; 8] = ["timestamp", "time", "ts", "@timestamp", "date", "datetime", "asctime", "@t"];
const LEVEL: [&str; 9] =
    ["level", "severity", "lvl", "log.level", "levelname", "level_name", "status", "severity_text", "@l"];
const MESSAGE: [&str; 6] = ["message", "msg", "event", "short_message", "@m", "@mt"];
/// The ids of a trace and of a span, as loggers that know of traces name them.
const TRACE: [&str; 5] = ["trace_id", "trace.id", "traceId", "otelTraceID", "traceID"];
const SPAN: [&str; 5] = ["span_id", "span.id", "spanId", "otelSpanID", "spanID"];

/// Reads a body: `session` is whose lines they are that don't say so.
///
/// # Errors
///
/// It is no text, or a list that can't be read, or has too many lines.
pub(crate) fn decode(body: &[u8], session: Option<&str>, now_us: i64) -> Result<Intake, Refused> {
    let mut drafts = Drafts::new(now_us);
    let mut seen = Seen::default();
    values::each(values::utf8(body)?, |place, line| {
        match line {
            Ok(Value::Object(fields)) => return add(&mut drafts, &mut seen, place, &fields, session, now_us),
            Ok(other) => {
                drafts.refuse(place, None, format!("the line is {}: it must be an object", quote(&other.to_string())));
            }
            Err(reason) => drafts.refuse(place, None, format!("the line can't be read: {reason}")),
        }
        Ok(())
    })?;
    Ok(drafts.finish())
}

/// Gives ids to what has none: the same to what is sent again, and another to what is there twice in one request.
#[derive(Default)]
pub(super) struct Seen(HashMap<String, usize>);

impl Seen {
    /// Returns the id of a record, which may have been sent before if it says when it happened.
    pub(super) fn id(&mut self, record: &Fields, time_us: Option<i64>, now_us: i64) -> String {
        let record = serde_json::to_vec(record).unwrap_or_default();
        let arrived = if time_us.is_none() { now_us } else { 0 };
        let id = id_of(&[&record, &arrived.to_le_bytes()]);
        let times = self.0.entry(id.clone()).or_insert(0);
        *times += 1;
        if *times == 1 { id } else { id_of(&[id.as_bytes(), &times.to_le_bytes()]) }
    }
}

fn add(
    drafts: &mut Drafts,
    seen: &mut Seen,
    place: usize,
    line: &Fields,
    session: Option<&str>,
    now_us: i64,
) -> Result<(), Refused> {
    // The Rust crate `tracing-subscriber` has what a line says one level below.
    let inner = read::object(line, "fields");
    let time_us = first(line, &TIME).and_then(read::moment);
    let severity = severity(line);
    let instance = service(line);
    let session_id = text(line, &SESSION).or(session).or(instance.as_deref()).unwrap_or(LOG);
    let failure = Failure::of(line).or_else(|| inner.and_then(Failure::of));
    let told = failure.as_ref().filter(|_| severity >= Severity::Error);
    let id = seen.id(line, time_us, now_us);
    let draft = Draft {
        error: told.map(|failure| (&*failure.kind, &*failure.message)),
        ..Draft::generic(if told.is_some() { names::ERROR } else { LOG }, &id, severity, time_us.unwrap_or(now_us))
    };
    let session = drafts.session(&Source { session_id, ..Source::default() });
    drafts.add(session, place, &draft, |data| {
        let mut written = Vec::new();
        let message = named(line, &MESSAGE);
        if let Some((name, message)) = message {
            data.text("message", message);
            written.push(name);
        }
        for (name, known) in [(names::TRACE_ID, &TRACE), (names::SPAN_ID, &SPAN)] {
            if let Some((known, id)) = named(line, known) {
                data.text(name, id);
                written.push(known);
            }
        }
        if let Some(failure) = &failure {
            failure.write(data, line, &mut written);
        }
        if let (None, Some(inner)) = (message, inner) {
            data.text_if("message", text(inner, &MESSAGE));
        }
        read::rest(data, line, &written);
    })
}

/// Returns the first of these fields that is a text, with its name.
fn named<'a>(line: &'a Fields, names: &[&'static str]) -> Option<(&'static str, &'a str)> {
    names.iter().find_map(|name| Some((*name, text(line, &[name])?)))
}

/// Reads the level, which the Elastic Common Schema may have one level below.
fn severity(line: &Fields) -> Severity {
    let below = || read::object(line, "log").and_then(|log| log.get("level"));
    first(line, &LEVEL).and_then(read::level).or_else(|| below().and_then(read::level)).unwrap_or(Severity::Info)
}

/// Returns the program that wrote a line. `name` is one where pino and bunyan write it, and a part of one where Python does.
fn service(line: &Fields) -> Option<String> {
    let below = || read::object(line, "service").and_then(|service| text(service, &["name"]));
    let of_pino = || text(line, &["name"]).filter(|_| line.contains_key("pid") && line.contains_key("hostname"));
    let service = text(line, &SERVICE).or_else(below).or_else(of_pino)?;
    let pid = first(line, &["pid", "process.pid"]).and_then(Value::as_u64).map(|pid| pid.to_string());
    Some(instance(service, text(line, &HOST), pid.as_deref()))
}

#[cfg(test)]
mod tests;
