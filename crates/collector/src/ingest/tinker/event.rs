//! One event: what is read of it, and what makes it bad.

use std::borrow::Cow;
use std::ops::Range;

use lastword::event::names::{SESSION_RECOVERED, TELEMETRY_DROPPED};
use lastword::{EventKind, Severity};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::{Detail, Event, Exception, Key, quote};
use super::diagnose::diagnose;
use crate::clock;
use crate::limits::{
    DROP_REASONS_MAX, EVENT_BYTES_MAX, EVENT_DEPTH_MAX, EVENT_ID_CHARS_MAX, NAME_BYTES_MAX, SIGNAL_BYTES_MAX,
};

/// The fields that are read. Others may be there.
#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow)]
    event: Cow<'a, str>,
    #[serde(borrow)]
    event_id: Cow<'a, str>,
    event_session_index: i64,
    #[serde(borrow)]
    severity: Cow<'a, str>,
    #[serde(borrow)]
    timestamp: Cow<'a, str>,
    event_name: Option<String>,
    #[serde(borrow)]
    event_data: Option<&'a RawValue>,
    #[serde(borrow)]
    error_type: Option<&'a RawValue>,
    #[serde(borrow)]
    error_message: Option<&'a RawValue>,
}

/// Reads the event that stands at `range` of a body as `text`.
///
/// # Errors
///
/// It is bad: what is wrong, which value, what would be right.
pub(super) fn read(text: &str, range: Range<usize>) -> Result<Event, String> {
    if text.len() > EVENT_BYTES_MAX {
        return Err(format!("the event has {} bytes: at most {EVENT_BYTES_MAX} are taken", text.len()));
    }
    if is_too_deep(text) {
        return Err(format!("the event is nested more than {EVENT_DEPTH_MAX} levels deep"));
    }
    if !text.starts_with('{') {
        return Err(format!("the event is {}: it must be an object", quote(text)));
    }
    let wire: Wire<'_> = serde_json::from_str(text).map_err(|error| diagnose(text, &error))?;
    check_id(&wire.event_id)?;
    if !(0..i64::MAX).contains(&wire.event_session_index) {
        let index = wire.event_session_index;
        return Err(format!("`event_session_index` is {index}: it must be from 0 to {}", i64::MAX - 1));
    }
    let kind = EventKind::from_wire(&wire.event).ok_or_else(|| {
        let known = EventKind::ALL.map(EventKind::as_str).join(", ");
        format!("`event` is {}: it must be one of {known}", quote(&wire.event))
    })?;
    let severity = Severity::from_wire(&wire.severity).ok_or_else(|| {
        format!("`severity` is {}: it must be one of DEBUG, INFO, WARNING, ERROR, CRITICAL", quote(&wire.severity))
    })?;
    let time_us = clock::parse(&wire.timestamp).ok_or_else(|| {
        format!("`timestamp` is {}: it must be like 2026-11-20T09:20:34.502124Z", quote(&wire.timestamp))
    })?;
    let (name, detail) = specifics(kind, &wire)?;
    let key = Key::new(&wire.event_id, time_us);
    Ok(Event { range, key, kind, severity, index: wire.event_session_index, time_us, name, detail, has_arrived: false })
}

/// What only some kinds of events have: a name, a detail.
type Specifics = (Option<Box<str>>, Option<Box<Detail>>);

/// Reads what only events of this kind have.
fn specifics(kind: EventKind, wire: &Wire<'_>) -> Result<Specifics, String> {
    match kind {
        EventKind::Generic => {
            let Some(name) = &wire.event_name else {
                return Err("`event_name` is missing: a GENERIC_EVENT must have one".to_owned());
            };
            if let Some(data) = wire.event_data.filter(|data| !data.get().starts_with('{')) {
                return Err(format!("`event_data` is {}: it must be an object", quote(data.get())));
            }
            let detail = detail(name, wire.event_data);
            let name = &name[..name.floor_char_boundary(NAME_BYTES_MAX)];
            Ok((Some(name.into()), detail.map(Box::new)))
        }
        EventKind::UnhandledException => {
            let error_type = string("error_type", wire.error_type)?;
            let message = string("error_message", wire.error_message)?;
            Ok((None, Some(Box::new(Detail::Exception(Exception::new(error_type, message))))))
        }
        _ => Ok((None, None)),
    }
}

/// Reads again what a stored `GENERIC_EVENT` of this name says by its data.
pub(crate) fn detail_of(name: &str, text: &str) -> Option<Detail> {
    #[derive(Deserialize)]
    struct Said<'a> {
        #[serde(borrow)]
        event_data: Option<&'a RawValue>,
    }
    let tells = matches!(name, TELEMETRY_DROPPED | SESSION_RECOVERED);
    let said: Said<'_> = tells.then(|| serde_json::from_str(text).ok()).flatten()?;
    detail(name, said.event_data)
}

fn detail(name: &str, data: Option<&RawValue>) -> Option<Detail> {
    match name {
        TELEMETRY_DROPPED => data.map(drops),
        SESSION_RECOVERED => Some(recovered(data)),
        _ => None,
    }
}

/// Finds a field that must be a string. It stays JSON, for it may hold what no `str` can (a lone surrogate).
fn string<'a>(field: &str, value: Option<&'a RawValue>) -> Result<&'a RawValue, String> {
    match value {
        Some(value) if value.get().starts_with('"') => Ok(value),
        Some(value) => Err(format!("`{field}` is {}: it must be a string", quote(value.get()))),
        None => Err(format!("`{field}` is missing: an UNHANDLED_EXCEPTION must have one")),
    }
}

fn check_id(id: &str) -> Result<(), String> {
    if id.is_empty() {
        return Err(format!("`event_id` is empty: it must have 1 to {EVENT_ID_CHARS_MAX} characters"));
    }
    // No character is shorter than a byte.
    if id.len() > EVENT_ID_CHARS_MAX {
        let characters = id.chars().count();
        if characters > EVENT_ID_CHARS_MAX {
            return Err(format!("`event_id` has {characters} characters: at most {EVENT_ID_CHARS_MAX} are taken"));
        }
    }
    Ok(())
}

/// Reads `{reason: count}`. What has another form is no reason to refuse the event, which says something all the same.
fn drops(data: &RawValue) -> Detail {
    let counts: serde_json::Map<String, serde_json::Value> = serde_json::from_str(data.get()).unwrap_or_default();
    let counts = counts.into_iter().filter_map(|(reason, count)| {
        let count = count.as_i64().filter(|count| *count > 0)?;
        Some((reason[..reason.floor_char_boundary(NAME_BYTES_MAX)].to_owned(), count))
    });
    Detail::Drops(counts.take(DROP_REASONS_MAX).collect())
}

/// Reads the signal that ended the process, if one is named. What has another form is no reason to refuse the event either.
fn recovered(data: Option<&RawValue>) -> Detail {
    let said: serde_json::Map<String, serde_json::Value> =
        data.and_then(|data| serde_json::from_str(data.get()).ok()).unwrap_or_default();
    let signal = said.get("signal").and_then(serde_json::Value::as_str).filter(|signal| !signal.is_empty());
    Detail::Recovered { signal: signal.map(|signal| signal[..signal.floor_char_boundary(SIGNAL_BYTES_MAX)].into()) }
}

/// Tells whether brackets are nested too deep. Nearly every event has fewer brackets than that in all.
fn is_too_deep(text: &str) -> bool {
    if text.bytes().filter(|byte| matches!(byte, b'{' | b'[')).count() <= EVENT_DEPTH_MAX {
        return false;
    }
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => depth += 1,
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > EVENT_DEPTH_MAX {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(json: &str) -> String {
        read(json, 0..json.len()).unwrap_err()
    }

    fn generic(field: &str, value: &str) -> String {
        let mut fields = vec![
            ("event", r#""GENERIC_EVENT""#),
            ("event_id", r#""e-1""#),
            ("event_session_index", "7"),
            ("severity", r#""INFO""#),
            ("timestamp", r#""2026-11-20T09:20:34Z""#),
            ("event_name", r#""n""#),
            ("event_data", "{}"),
        ];
        fields.retain(|(name, _)| *name != field);
        if !value.is_empty() {
            fields.push((field, value));
        }
        let fields: Vec<String> = fields.iter().map(|(name, value)| format!(r#""{name}":{value}"#)).collect();
        format!("{{{}}}", fields.join(","))
    }

    #[test]
    fn a_good_event_is_read() {
        let json = generic("more", "1");
        let event = read(&json, 0..json.len()).unwrap();
        assert_eq!((event.kind, event.severity, event.index), (EventKind::Generic, Severity::Info, 7));
        assert_eq!(event.name.as_deref(), Some("n"));
    }

    #[test]
    fn each_reason_names_the_field_the_value_and_what_would_be_right() {
        let cases = [
            ("event", r#""NOISE""#, "`event` is NOISE: it must be one of SESSION_START"),
            ("event", "", "`event` is missing"),
            ("event_id", "5", "`event_id` is 5: it must be a string"),
            ("event_id", r#""""#, "`event_id` is empty"),
            ("event_session_index", "-1", "`event_session_index` is -1: it must be from 0"),
            ("event_session_index", "1.5", "`event_session_index` is 1.5: it must be an integer"),
            ("event_session_index", "9223372036854775807", "it must be from 0 to 9223372036854775806"),
            ("event_session_index", "99999999999999999999", "`event_session_index` is 99999999999999999999"),
            ("severity", r#""warn""#, "`severity` is warn: it must be one of DEBUG"),
            ("severity", "null", "`severity` is null: it must be a string"),
            ("timestamp", r#""yesterday""#, "`timestamp` is yesterday: it must be like 2026-"),
            ("timestamp", r#""""#, "`timestamp` is \"\": it must be like 2026-"),
            ("timestamp", r#"" \t""#, "`timestamp` is \"  \": it must be like 2026-"),
            ("event_name", "", "`event_name` is missing"),
            ("event_name", "[1]", "`event_name` is [1]: it must be a string"),
            ("event_data", "[]", "`event_data` is []: it must be an object"),
        ];
        for (field, value, expected) in cases {
            let reason = reason(&generic(field, value));
            assert!(reason.contains(expected), "{field}={value}: {reason}");
        }
        assert_eq!(reason("7"), "the event is 7: it must be an object");
        let long = format!("\"{}\"", "é".repeat(129));
        assert!(reason(&generic("event_id", &long)).contains("129 characters"));
        assert!(read(&generic("event_id", &format!("\"{}\"", "é".repeat(128))), 0..0).is_ok());
    }

    #[test]
    fn an_event_too_deep_for_its_readers_is_refused_and_brackets_in_strings_do_not_count() {
        let deep = |levels: usize| format!("{{\"a\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
        assert!(reason(&generic("event_data", &deep(EVENT_DEPTH_MAX))).contains("levels deep"));
        assert!(read(&generic("event_data", &deep(EVENT_DEPTH_MAX - 2)), 0..0).is_ok());
        assert!(read(&generic("event_name", &format!("\"\\\"{}\"", "[".repeat(500))), 0..0).is_ok());
    }

    #[test]
    fn the_signal_of_a_recovered_session_is_read_and_an_odd_one_is_passed_over() {
        let signal = |data: &str| {
            let json = generic("event_name", r#""session.recovered""#)
                .replace(r#""event_data":{}"#, &format!(r#""event_data":{data}"#));
            match read(&json, 0..0).unwrap().detail.map(|detail| *detail) {
                Some(Detail::Recovered { signal }) => signal,
                _ => panic!("it is not recovered"),
            }
        };
        assert_eq!(signal(r#"{"events":3,"signal":"SIGSEGV"}"#).as_deref(), Some("SIGSEGV"));
        assert_eq!(signal(&format!(r#"{{"signal":"{}"}}"#, "é".repeat(40))).unwrap().len(), SIGNAL_BYTES_MAX);
        for odd in ["{}", r#"{"signal":11}"#, r#"{"signal":null}"#, r#"{"signal":""}"#] {
            assert_eq!(signal(odd), None, "{odd}");
        }
    }

    #[test]
    fn what_the_client_dropped_is_read_and_odd_counts_are_passed_over() {
        let json = generic("event_name", r#""telemetry.dropped""#)
            .replace(r#""event_data":{}"#, r#""event_data":{"queue_full":3,"odd":"x","negative":-1}"#);
        let event = read(&json, 0..0).unwrap();
        let Some(Detail::Drops(drops)) = event.detail.as_deref() else { panic!("no drops") };
        assert_eq!(drops, &[("queue_full".to_owned(), 3)]);
    }
}
