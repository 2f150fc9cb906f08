//! Requests of HTTP: what is posted, and what an answer says of it.

use serde::Deserialize;
use serde_json::{Value, json};
use xxhash_rust::xxh3::xxh3_128;

use super::format;
use super::target::{Format, Target, To};
use crate::clock;
use crate::json::Cursor;
use crate::post::{Answer, Post};
use crate::query::Event;

/// What became of a batch.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// All of it was taken.
    Taken,
    /// None of it was, and never will be as it is.
    Refused(String),
    /// None of it was; it may be later.
    Later(String),
    /// Each event has a fate of its own, in the order of the batch.
    Each(Vec<Fate>),
}

/// What became of one event.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Taken,
    Refused(String),
    Later(String),
}

/// A request of a batch.
pub(super) fn post(target: &Target, token: Option<&str>, events: &[&Event]) -> Post {
    let (url, content_type, body) = match target.to {
        To::Splunk => (below(&target.url, "/services/collector/event"), "application/json", splunk(target, events)),
        To::Elasticsearch => {
            let path = "/_bulk?filter_path=errors,items.*.status,items.*.error";
            (below(&target.url, path), "application/x-ndjson", bulk(target, events))
        }
        _ if target.format == Format::Json => {
            let items: Vec<String> = events.iter().map(|event| format::json(event)).collect();
            (target.url.clone(), "application/json", format!("[{}]", items.join(",")))
        }
        _ => {
            let lines: String = events.iter().map(|event| format::line(event, target.format) + "\n").collect();
            (target.url.clone(), "text/plain; charset=utf-8", lines)
        }
    };
    let authorization = token.map(|token| target.authorization(token));
    Post { url, content_type, authorization, body, timeout: target.timeout }
}

fn below(base: &str, path: &str) -> String {
    format!("{}{path}", base.trim_end_matches('/'))
}

/// One object after the other, each with its time beside it.
fn splunk(target: &Target, events: &[&Event]) -> String {
    let mut body = String::new();
    for event in events {
        let text = format::line(event, target.format);
        let told = if target.format == Format::Json { text } else { Value::from(text).to_string() };
        let (seconds, micros) = (event.time.0.div_euclid(1_000_000), event.time.0.rem_euclid(1_000_000));
        let kind = match target.format {
            Format::Json => "_json",
            Format::Cef => "cef",
            Format::Leef => "leef",
        };
        body.push_str(&format!(r#"{{"time":{seconds}.{micros:06},"source":"lastword","sourcetype":"{kind}","#));
        if let Some(index) = &target.index {
            body.push_str(&format!(r#""index":{},"#, Value::from(index.as_str())));
        }
        body.push_str(&format!(r#""event":{told}}}"#));
    }
    body
}

/// An action and a document a line. The id is the event's own, so that what is sent again is known.
fn bulk(target: &Target, events: &[&Event]) -> String {
    let mut body = String::new();
    for event in events {
        let id = id(event);
        let action = json!({ "create": { "_index": target.index, "_id": id } });
        let document = format::json(event);
        body.push_str(&format!("{action}\n"));
        match document.strip_prefix('{') {
            // A field that stands twice is refused.
            Some(fields) if !has_field(&document, "@timestamp") => {
                body.push_str(&format!("{{\"@timestamp\":\"{}\",{fields}\n", clock::format(event.time.0)));
            }
            _ => body.push_str(&format!("{document}\n")),
        }
    }
    body
}

/// Whether an object has a field of this name itself, and not only in what it carries.
fn has_field(json: &str, name: &str) -> bool {
    let mut cursor = Cursor::new(json);
    while let Some(text) = cursor.next_text() {
        if text.depth == 1 && text.is_name {
            if cursor.said(&text).is_some_and(|said| said == name) {
                return true;
            }
            cursor.pass_value();
        }
    }
    false
}

/// What an event is known by: its session, its id and its time (the same id at another time is another event of the store), as one text of a length that any index takes.
fn id(event: &Event) -> String {
    #[derive(Deserialize)]
    struct Known {
        event_id: String,
    }
    let known = serde_json::from_str::<Known>(&event.json).map(|known| known.event_id).unwrap_or_default();
    let all = format!("{}\0{known}\0{}", event.session_id, event.time.0);
    format!("{:032x}", xxh3_128(all.as_bytes()))
}

/// Reads an answer to a batch of so many events.
pub(super) fn verdict(to: To, answer: &Answer, events: usize) -> Verdict {
    let Answer { status, body } = answer;
    let said = || match quoted(body) {
        text if text.trim().is_empty() => format!("it answered {status}"),
        text => format!("it answered {status}: {text}"),
    };
    match status {
        200..=299 if to == To::Elasticsearch => of_bulk(body, events),
        200..=299 => Verdict::Taken,
        400 if to == To::Splunk && is_of_setup(body) => Verdict::Later(said()),
        400 | 413 | 422 => Verdict::Refused(said()),
        // The token, the address or the form is wrong, or it is too early: none of it is the events' fault.
        _ => Verdict::Later(said()),
    }
}

/// The beginning of what it said, in one line.
fn quoted(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(256)]);
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Whether Splunk means how it is set up (no such index, acknowledgements by channel), and not what was sent.
fn is_of_setup(body: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Said {
        code: u32,
    }
    serde_json::from_slice::<Said>(body).is_ok_and(|said| matches!(said.code, 7 | 10 | 11 | 14))
}

fn of_bulk(body: &[u8], events: usize) -> Verdict {
    let Ok(answer) = serde_json::from_slice::<Value>(body) else {
        return Verdict::Later(format!("its answer is none of `_bulk`: {}", quoted(body)));
    };
    if answer["errors"] == false {
        return Verdict::Taken;
    }
    let items = answer["items"].as_array().map_or(&[][..], Vec::as_slice);
    if items.len() != events {
        return Verdict::Later(format!("it answered of {} events, and {events} were sent", items.len()));
    }
    Verdict::Each(items.iter().map(|item| fate(&item["create"])).collect())
}

fn fate(item: &Value) -> Fate {
    let said = || {
        let error = item["error"].to_string();
        quoted(error.as_bytes())
    };
    match item["status"].as_u64() {
        // It was there before: what was sent again.
        Some(200..=299 | 409) => Fate::Taken,
        Some(400 | 413 | 422) => Fate::Refused(said()),
        // No such index, or no right to it: that is mended by somebody.
        _ => Fate::Later(said()),
    }
}
