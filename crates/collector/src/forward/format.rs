//! An event as one message: JSON, CEF or LEEF.
//!
//! CEF and LEEF tell what was, where and how bad it is, and carry the event's JSON, cut, as a field of their own.

use lastword::{EventKind, Severity};
use serde_json::Value;

use super::target::Format;
use crate::limits::{FORWARD_FIELD_CHARS_MAX, FORWARD_TITLE_CHARS_MAX};
use crate::query::Event;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Writes an event as one line.
pub(super) fn line(event: &Event, format: Format) -> String {
    match format {
        Format::Json => json(event),
        Format::Cef => cef(event),
        Format::Leef => leef(event),
    }
}

/// Writes an event's JSON in one line: outside of its texts, which can't have any, a line break is a space.
pub(super) fn json(event: &Event) -> String {
    event.to_json().replace(['\n', '\r'], " ")
}

/// Returns what an event is called: by its name, or by its kind.
pub(super) fn title(event: &Event) -> &str {
    event.name.as_deref().filter(|name| !name.is_empty()).unwrap_or_else(|| event.kind.as_str())
}

/// What both formats tell.
struct Told {
    id: String,
    message: Option<String>,
    json: String,
}

impl Told {
    fn of(event: &Event) -> Self {
        let read: Value = serde_json::from_str(&event.json).unwrap_or_default();
        let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        let message = if event.kind == EventKind::UnhandledException {
            let parts = [text(&read, "error_type"), text(&read, "error_message")];
            Some(parts.into_iter().flatten().collect::<Vec<_>>().join(": "))
        } else {
            let data = &read["event_data"];
            ["message", "error.message", "body"].into_iter().find_map(|name| text(data, name))
        };
        let cut = |text: String| text.chars().take(FORWARD_FIELD_CHARS_MAX).collect::<String>();
        Self {
            id: text(&read, "event_id").unwrap_or_default(),
            message: message.filter(|message| !message.is_empty()).map(cut),
            json: cut(json(event)),
        }
    }
}

/// How bad it is, 0 to 10, as both formats count.
const fn weight(severity: Severity) -> u8 {
    match severity {
        Severity::Debug => 1,
        Severity::Warning => 6,
        Severity::Error => 8,
        Severity::Critical => 10,
        _ => 3,
    }
}

/// `CEF:0|vendor|product|version|signature|name|severity|key=value key=value`
fn cef(event: &Event) -> String {
    let Told { id, message, json } = Told::of(event);
    let title = title(event);
    let name = message.as_deref().unwrap_or(title).chars().take(FORWARD_TITLE_CHARS_MAX).collect::<String>();
    let mut line = format!(
        "CEF:0|lastword|collector|{VERSION}|{}|{}|{}|rt={}",
        cef_header(title),
        cef_header(&name),
        weight(event.severity),
        event.time.0.div_euclid(1000)
    );
    let mut add = |key: &str, value: &str| {
        line.push(' ');
        line.push_str(key);
        line.push('=');
        line.push_str(&cef_value(value));
    };
    add("externalId", &id);
    add("cs1Label", "session_id");
    add("cs1", &event.session_id);
    if let Some(message) = &message {
        add("msg", message);
    }
    add("cs2Label", "event");
    add("cs2", &json);
    line
}

/// In a header `\` and `|` are escaped; a line break has no escape there.
fn cef_header(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('|', "\\|");
    escaped.chars().map(|c| if breaks(c) { ' ' } else { c }).collect()
}

/// In a value `\`, `=` and line breaks are escaped; what else a terminal or a parser would take for one is a space.
fn cef_value(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('=', "\\=").replace('\n', "\\n").replace('\r', "\\r");
    escaped.chars().map(|c| if breaks(c) { ' ' } else { c }).collect()
}

/// `LEEF:2.0|vendor|product|version|event id|delimiter|key=value<tab>key=value`
fn leef(event: &Event) -> String {
    let Told { id, message, json } = Told::of(event);
    let mut line = format!("LEEF:2.0|lastword|collector|{VERSION}|{}|x09|", leef_text(title(event)).replace('|', "_"));
    let mut add = |key: &str, value: &str| {
        line.push_str(key);
        line.push('=');
        line.push_str(&leef_text(value));
        line.push('\t');
    };
    add("devTime", &event.time.0.div_euclid(1000).to_string());
    add("sev", &weight(event.severity).to_string());
    add("cat", event.kind.as_str());
    add("eventId", &id);
    add("sessionId", &event.session_id);
    if let Some(message) = &message {
        add("msg", message);
    }
    add("event", &json);
    line.pop();
    line
}

/// LEEF has no escapes: what would end a value is a space.
fn leef_text(text: &str) -> String {
    text.chars().map(|c| if breaks(c) { ' ' } else { c }).collect()
}

/// Whether a character begins another line or field for some reader: all that control, and Unicode's own line breaks.
fn breaks(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}
