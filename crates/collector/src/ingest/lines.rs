//! Lines of logs in JSON, as loggers of all languages write them: one object a line, a list of objects, or one object.
//!
//! A line becomes an event `log`. All its fields stay among its data, those that were read as well: `message`, the level and the time have
//! many names. The same line with the same time is the same event, unless one request has it several times.

use std::collections::HashMap;

use lastword::Severity;
use serde_json::{Map, Value};

use super::{Draft, Drafts, Intake, Refused, Source, id_of, quote};
use crate::clock;

/// What a line becomes.
const LOG: &str = "log";

const SESSION: [&str; 4] = ["session_id", "session.id", "sessionId", "session"];
const SERVICE: [&str; 4] = ["service", "service.name", "logger", "name"];
const TIME: [&str; 6] = ["timestamp", "time", "ts", "@timestamp", "date", "datetime"];
const LEVEL: [&str; 6] = ["level", "severity", "lvl", "log.level", "levelname", "status"];

/// Reads a body: `session` is whose lines they are that don't say so.
///
/// # Errors
///
/// It is no JSON, neither as a whole nor in its first line.
pub(crate) fn decode(body: &[u8], session: Option<&str>, now_us: i64) -> Result<Intake, Refused> {
    let body = std::str::from_utf8(body).map_err(|error| {
        Refused::Bad(format!("the body is not UTF-8: the first bad byte is at {}", error.valid_up_to()))
    })?;
    let mut drafts = Drafts::default();
    let mut seen = HashMap::new();
    let mut add = |place: usize, line: Result<Value, String>| match line {
        Ok(Value::Object(fields)) => add(&mut drafts, &mut seen, place, &fields, session, now_us),
        Ok(other) => {
            drafts.refuse(place, None, format!("the line is {}: it must be an object", quote(&other.to_string())));
            Ok(())
        }
        Err(reason) => {
            drafts.refuse(place, None, reason);
            Ok(())
        }
    };
    if body.trim_start().starts_with('[') {
        let lines: Vec<Value> = serde_json::from_str(body)
            .map_err(|error| Refused::Bad(format!("the body is no list of JSON: {error}")))?;
        for (place, line) in lines.into_iter().enumerate() {
            add(place, Ok(line))?;
        }
    } else {
        // Values one after the other, whether there are line breaks between them, within them, or both.
        let mut values = serde_json::Deserializer::from_str(body).into_iter::<Value>();
        let mut place = 0;
        loop {
            match values.next() {
                None => break,
                Some(Ok(line)) => add(place, Ok(line))?,
                Some(Err(error)) => {
                    // Nobody can tell where a value ends that is none, but a line does.
                    let offset = values.byte_offset();
                    add(place, Err(format!("the line is no JSON: {error}")))?;
                    let rest = &body[offset..];
                    let Some(next) = rest.find('\n') else { break };
                    for line in rest[next..].lines().filter(|line| !line.trim().is_empty()) {
                        place += 1;
                        add(
                            place,
                            serde_json::from_str(line).map_err(|error| format!("the line is no JSON: {error}")),
                        )?;
                    }
                    break;
                }
            }
            place += 1;
        }
    }
    Ok(drafts.finish())
}

fn add(
    drafts: &mut Drafts,
    seen: &mut HashMap<String, usize>,
    place: usize,
    fields: &Map<String, Value>,
    session: Option<&str>,
    now_us: i64,
) -> Result<(), Refused> {
    let named = |names: &[&str]| names.iter().find_map(|name| fields.get(*name));
    let text = |names: &[&str]| named(names).and_then(Value::as_str).filter(|text| !text.is_empty());
    let session_id = text(&SESSION).or(session).or_else(|| text(&SERVICE)).unwrap_or(LOG);
    let line = serde_json::to_vec(fields).unwrap_or_default();
    let id = id_of(&[&line]);
    let times = seen.entry(id.clone()).or_insert(0);
    *times += 1;
    let id = if *times == 1 { id } else { id_of(&[&line, &times.to_le_bytes()]) };
    let time_us = named(&TIME).and_then(moment).unwrap_or(now_us);
    let severity = named(&LEVEL).and_then(level).unwrap_or(Severity::Info);
    let session = drafts.session(&Source { session_id, ..Source::default() });
    drafts.add(session, place, &Draft::generic(LOG, &id, severity, time_us), |data| {
        fields.iter().for_each(|(name, value)| data.value(name, value));
    })
}

/// Reads a time: a text, or seconds, milliseconds, microseconds or nanoseconds since 1970, told apart by their size.
fn moment(value: &Value) -> Option<i64> {
    if let Some(text) = value.as_str() {
        return clock::parse(text).or_else(|| text.parse::<f64>().ok().and_then(since_1970));
    }
    value.as_f64().and_then(since_1970)
}

fn since_1970(number: f64) -> Option<i64> {
    let seconds = match number.abs() {
        size if size < 1e11 => number,
        size if size < 1e14 => number / 1e3,
        size if size < 1e17 => number / 1e6,
        _ => number / 1e9,
    };
    clock::of_seconds(seconds)
}

/// Reads a level: a name of whatever logger, or a number as pino and bunyan have them.
fn level(value: &Value) -> Option<Severity> {
    if let Some(number) = value.as_f64() {
        return Some(match number {
            n if n < 20.0 => Severity::Trace,
            n if n < 30.0 => Severity::Debug,
            n if n < 40.0 => Severity::Info,
            n if n < 50.0 => Severity::Warning,
            n if n < 60.0 => Severity::Error,
            _ => Severity::Critical,
        });
    }
    severity_of(value.as_str()?)
}

/// Reads the name of a level, in any case, of whatever logger; `None` where it is none.
pub(crate) fn severity_of(name: &str) -> Option<Severity> {
    let name = name.trim().to_ascii_lowercase();
    Some(match name.as_str() {
        "trace" | "finest" | "verbose" | "silly" => Severity::Trace,
        "debug" | "fine" => Severity::Debug,
        "info" | "information" | "notice" | "log" | "default" | "ok" => Severity::Info,
        "warn" | "warning" => Severity::Warning,
        "error" | "err" => Severity::Error,
        "fatal" | "critical" | "crit" | "alert" | "emerg" | "emergency" | "panic" => Severity::Critical,
        _ => return None,
    })
}
