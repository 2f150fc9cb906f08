//! One line of the log: as one JSON object, or as people read it.

use std::error::Error;
use std::fmt::{self, Write};

use serde::Serialize;
use serde_json::{Map, Value, json};
use tracing::field::{Field, Visit};

use super::Level;
use crate::limits::{LOG_CHAIN_MAX, LOG_TEXT_BYTES_MAX};
use crate::output::text::neutral;

/// How a line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// One JSON object.
    Json,
    /// Time, level, message, then fields.
    Pretty {
        /// Whether the level is coloured.
        colour: bool,
    },
}

/// What is said: a message, and fields.
#[derive(Debug, Default, Clone)]
pub(super) struct Said {
    pub(super) message: String,
    pub(super) fields: Map<String, Value>,
}

/// A line, in the order of its parts.
#[derive(Debug, Serialize)]
pub(super) struct Line<'l> {
    pub(super) timestamp: String,
    pub(super) level: &'static str,
    pub(super) message: &'l str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) request_id: Option<&'l Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) trace_id: Option<&'l Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) span_id: Option<&'l Value>,
    pub(super) target: &'l str,
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub(super) metadata: &'l Map<String, Value>,
}

impl Line<'_> {
    /// Writes it, with its line feed.
    pub(super) fn write(&self, form: Form, level: Level) -> Vec<u8> {
        match form {
            // Whatever was said is text, numbers and such as that, which serialize.
            Form::Json => {
                let mut line = serde_json::to_vec(self).unwrap_or_default();
                line.push(b'\n');
                line
            }
            Form::Pretty { colour } => self.pretty(level, colour).into_bytes(),
        }
    }

    fn pretty(&self, level: Level, colour: bool) -> String {
        let name = self.level.to_uppercase();
        let (begin, end) = if colour { (paint(level), "\x1b[0m") } else { ("", "") };
        // Writing into a `String` does not fail.
        let mut line = String::new();
        let _ = write!(line, "{} {begin}{name:>5}{end} {}", self.timestamp, neutral(self.message));
        let ids = [("request_id", self.request_id), ("trace_id", self.trace_id), ("span_id", self.span_id)];
        let ids = ids.into_iter().filter_map(|(name, id)| Some((name, id?)));
        for (name, value) in self.metadata.iter().map(|(name, value)| (name.as_str(), value)).chain(ids) {
            let _ = match value {
                Value::String(text) if !text.contains([' ', '"']) => write!(line, " {name}={}", neutral(text)),
                value => write!(line, " {name}={}", neutral(&value.to_string())),
            };
        }
        line.push('\n');
        line
    }
}

const fn paint(level: Level) -> &'static str {
    match level {
        Level::Fatal | Level::Error | Level::Silent => "\x1b[31m",
        Level::Warn => "\x1b[33m",
        Level::Info => "\x1b[32m",
        Level::Debug => "\x1b[34m",
        Level::Trace => "\x1b[35m",
    }
}

impl Said {
    fn put(&mut self, field: &Field, value: Value) {
        match (field.name(), value) {
            ("message", Value::String(text)) => self.message = text,
            (name, value) => {
                self.fields.insert(name.to_owned(), value);
            }
        }
    }
}

impl Visit for Said {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, cut(format_args!("{value:?}")).into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, cut(format_args!("{value}")).into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        // What JSON has no number for is written as the text that it is.
        self.put(field, if value.is_finite() { value.into() } else { value.to_string().into() });
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.put(field, told(value));
    }
}

/// Tells an error: its type, its message and what caused it.
fn told(value: &(dyn Error + 'static)) -> Value {
    let mut chain = Vec::new();
    let mut cause = value.source();
    while let Some(error) = cause.filter(|_| chain.len() < LOG_CHAIN_MAX) {
        chain.push(Value::String(cut(format_args!("{error}"))));
        cause = error.source();
    }
    // A derived `Debug` begins with the name of the type, or of the variant.
    let shown = cut(format_args!("{value:?}"));
    let kind: String = shown.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    let mut told = json!({ "type": kind, "message": cut(format_args!("{value}")) });
    if !chain.is_empty() {
        told["chain"] = Value::Array(chain);
    }
    told
}

/// Writes something up to a bound. What fails to show itself ends there.
fn cut(arguments: fmt::Arguments<'_>) -> String {
    struct Bounded(String);
    impl Write for Bounded {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            let room = LOG_TEXT_BYTES_MAX.saturating_sub(self.0.len());
            if text.len() <= room {
                self.0.push_str(text);
                return Ok(());
            }
            self.0.push_str(&text[..text.floor_char_boundary(room)]);
            self.0.push('…');
            Err(fmt::Error)
        }
    }
    let mut bounded = Bounded(String::new());
    // An error: it is cut, or it is what could be shown of it.
    let _ = bounded.write_fmt(arguments);
    bounded.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line<'l>(said: &'l Said, id: Option<&'l Value>) -> Line<'l> {
        Line {
            timestamp: "2026-11-20T09:20:34.000000Z".to_owned(),
            level: "warn",
            message: &said.message,
            request_id: id,
            trace_id: None,
            span_id: None,
            target: "lastword",
            metadata: &said.fields,
        }
    }

    #[test]
    fn a_line_of_json_has_time_level_message_id_and_metadata() {
        let mut said = Said { message: "a \"disk\"\nis full".to_owned(), ..Said::default() };
        said.fields.insert("bytes".to_owned(), 7.into());
        let id = Value::from("r-1");
        let written = String::from_utf8(line(&said, Some(&id)).write(Form::Json, Level::Warn)).unwrap();
        assert_eq!(
            written,
            "{\"timestamp\":\"2026-11-20T09:20:34.000000Z\",\"level\":\"warn\",\"message\":\"a \\\"disk\\\"\\nis full\",\
             \"request_id\":\"r-1\",\"target\":\"lastword\",\"metadata\":{\"bytes\":7}}\n"
        );
    }

    #[test]
    fn a_line_for_people_is_one_line_and_acts_on_no_terminal() {
        let mut said = Said { message: "gone\n\x1b[2J".to_owned(), ..Said::default() };
        said.fields.insert("path".to_owned(), "a b".into());
        let written = String::from_utf8(line(&said, None).write(Form::Pretty { colour: false }, Level::Warn)).unwrap();
        assert_eq!(written, "2026-11-20T09:20:34.000000Z  WARN gone\\n\\u{1b}[2J path=\"a b\"\n");
    }

    #[test]
    fn an_error_keeps_its_type_its_message_and_what_caused_it() {
        let cause = std::io::Error::other("the disk is full");
        let error = crate::error::Error::Terminal(cause);
        let told = told(&error);
        assert_eq!(told["type"], "Terminal");
        assert_eq!(told["message"], "cannot use the terminal: the disk is full");
        assert_eq!(told["chain"], json!(["the disk is full"]));
    }

    #[test]
    fn what_is_too_long_is_cut() {
        let cut = cut(format_args!("{}", "é".repeat(LOG_TEXT_BYTES_MAX)));
        assert!(cut.len() <= LOG_TEXT_BYTES_MAX + '…'.len_utf8() && cut.ends_with("é…"));
    }
}
