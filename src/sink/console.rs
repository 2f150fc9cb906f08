//! One line an event, for the eyes of whoever debugs.

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, PoisonError};

use super::{Ack, Batch, BatchEvent, Closing, Delivery, Policy, SettingError, Sink, SinkError};
use serde_json::Value;

use crate::Severity;
use crate::event::{Body, DecodeError, RawData, names};
use crate::wire;

/// Shows events as they are accepted, one line each: on standard error, or wherever it is told to.
///
/// For debugging: writing blocks the reporter's thread for as long as the terminal does. Text that events carry can't
/// steer the terminal: control characters are shown as escapes. Colour is used on a terminal alone, and not where
/// `NO_COLOR` is set.
///
/// ```
/// use lastword::sink::{Console, Sink};
///
/// let sink = Console::new().json();
/// assert_eq!(sink.policy().flush_threshold, Some(1));
/// ```
pub struct Console {
    name: String,
    json: bool,
    color: bool,
    out: Mutex<Box<dyn Write + Send>>,
}

impl Default for Console {
    fn default() -> Self {
        Self::new()
    }
}

impl Console {
    /// Shows events on standard error, as text.
    #[must_use]
    pub fn new() -> Self {
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let color = !no_color && io::stderr().is_terminal();
        Self { name: "console".into(), json: false, color, out: Mutex::new(Box::new(io::stderr())) }
    }

    /// Writes the wire's own JSON, one object a line.
    #[must_use]
    pub const fn json(mut self) -> Self {
        self.json = true;
        self
    }

    /// Writes somewhere else, without colour.
    #[must_use]
    pub fn writer(mut self, out: impl Write + Send + 'static) -> Self {
        self.out = Mutex::new(Box::new(out));
        self.color = false;
        self
    }

    /// Names the sink; `console` unless set.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Appends the line of an event; `false`, and nothing is appended, if its bytes are damaged.
    fn line(&self, lines: &mut String, event: &BatchEvent<'_>) -> bool {
        let mut line = Vec::new();
        let written = if self.json { json_line(&mut line, event) } else { text_line(&mut line, event, self.color) };
        if written.is_ok() {
            neutralise(lines, &String::from_utf8_lossy(&line), self.color);
            lines.push('\n');
        }
        written.is_ok()
    }

    fn show(&self, batch: &Batch) -> Result<Ack, SinkError> {
        let mut lines = String::new();
        let damaged = batch.events().enumerate().filter(|(_, event)| !self.line(&mut lines, event));
        let refused = damaged.map(|(place, _)| place).collect();
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        out.write_all(lines.as_bytes()).and_then(|()| out.flush()).map_err(|error| SinkError::Transient {
            reason: format!("can't be written: {error}"),
            retry_after: None,
        })?;
        Ok(Ack::all_but(refused))
    }
}

/// The bytes of an event are damaged; which way, a console has no use for.
struct Damaged;

impl From<DecodeError> for Damaged {
    fn from(_: DecodeError) -> Self {
        Self
    }
}

impl From<wire::TranscodeError> for Damaged {
    fn from(_: wire::TranscodeError) -> Self {
        Self
    }
}

fn json_line(line: &mut Vec<u8>, event: &BatchEvent<'_>) -> Result<(), Damaged> {
    let view = event.view()?;
    Ok(wire::write_event(line, event.index(), event.id(&view), &view)?)
}

fn text_line(line: &mut Vec<u8>, event: &BatchEvent<'_>, color: bool) -> Result<(), Damaged> {
    let view = event.view()?;
    wire::write_timestamp(line, view.time());
    let severity = view.severity();
    let (on, off) = if color { (color_of(severity), OFF) } else { ("", "") };
    // Writing to a `Vec` does not fail, here and below.
    let _ = write!(line, " {on}{severity:<8}{off} #{} ", event.index());
    match view.body() {
        Body::SessionStart => line.extend_from_slice(b"session started"),
        Body::SessionEnd { duration } => {
            line.extend_from_slice(b"session ended after ");
            wire::write_duration(line, duration);
        }
        Body::UnhandledException { error_type, message, traceback } => {
            let _ = write!(line, "{error_type}: {message}");
            if let Some(traceback) = traceback {
                let _ = write!(line, " | {traceback}");
            }
        }
        Body::Generic { name, data } => {
            let _ = write!(line, "{name} ");
            if !(matches!(name, names::SPAN_START | names::SPAN_END) && span_line(line, data)?) {
                wire::write_data(line, data.as_bytes())?;
            }
        }
    }
    Ok(())
}

/// Writes a span as people read it: its name, how long it took and how it ended, the first digits of its ids, the rest of its
/// data. Returns whether it is one: what has no ids is shown as it is.
fn span_line(line: &mut Vec<u8>, data: RawData<'_>) -> Result<bool, Damaged> {
    let mut json = Vec::new();
    wire::write_data(&mut json, data.as_bytes())?;
    let Ok(mut data) = serde_json::from_slice::<serde_json::Map<String, Value>>(&json) else { return Ok(false) };
    let mut text = |name: &str| match data.remove(name) {
        Some(Value::String(text)) => Some(text),
        Some(other) => Some(other.to_string()),
        None => None,
    };
    let (Some(trace), Some(span)) = (text(names::TRACE_ID), text(names::SPAN_ID)) else { return Ok(false) };
    let _ = write!(line, "{}", text(names::SPAN_NAME).unwrap_or_default());
    if let (Some(duration_ms), Some(status)) = (text(names::DURATION_MS), text(names::STATUS)) {
        let _ = write!(line, " {:.3} ms {status}", duration_ms.parse::<f64>().unwrap_or_default());
    }
    if let Some(error) = text(names::ERROR_TYPE) {
        let _ = write!(line, " ({error}: {})", text(names::ERROR_MESSAGE).unwrap_or_default());
    }
    let _ = write!(line, " [{trace:.8} {span:.8}");
    if let Some(parent) = text(names::PARENT_SPAN_ID) {
        let _ = write!(line, " in {parent:.8}");
    }
    line.push(b']');
    if !data.is_empty() {
        let _ = write!(line, " {}", Value::Object(data));
    }
    Ok(true)
}

const OFF: &str = "\u{1b}[0m";

const fn color_of(severity: Severity) -> &'static str {
    match severity {
        Severity::Trace | Severity::Debug => "\u{1b}[2m",
        Severity::Info => "\u{1b}[32m",
        Severity::Warning => "\u{1b}[33m",
        Severity::Error => "\u{1b}[31m",
        Severity::Critical => "\u{1b}[1;31m",
    }
}

/// Appends a text, with the characters that could steer a terminal as escapes that JSON knows too.
fn neutralise(out: &mut String, text: &str, color: bool) {
    // Colours of our own stand at one place each, before any text of the event.
    let start = if color { text.find(OFF).map_or(0, |at| at + OFF.len()) } else { 0 };
    let (ours, theirs) = text.split_at(start);
    out.push_str(ours);
    for character in theirs.chars() {
        if steers(character) {
            // Writing to a `String` does not fail.
            let _ = fmt::Write::write_fmt(out, format_args!("\\u{:04x}", u32::from(character)));
        } else {
            out.push(character);
        }
    }
}

/// Control characters, and those that turn the direction of writing around.
fn steers(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

impl Sink for Console {
    fn name(&self) -> &str {
        &self.name
    }

    fn policy(&self) -> Policy {
        Policy { flush_threshold: Some(1), max_retries: Some(0), ..Policy::default() }
    }

    fn open(&self) -> Result<(), SettingError> {
        Ok(())
    }

    fn deliver<'a>(&'a self, batch: &'a Batch) -> Delivery<'a> {
        Box::pin(async move { self.show(batch) })
    }

    fn close(&self) -> Closing<'_> {
        Box::pin(std::future::ready(()))
    }
}

impl fmt::Debug for Console {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Console").field("name", &self.name).field("json", &self.json).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use serde_json::{Value, json};
    use uuid::Uuid;

    use super::*;
    use crate::clock::Timestamp;
    use crate::event::{Encoder, EventKind, Tag};
    use crate::sink::{BatchBuilder, Session};

    #[derive(Clone, Default)]
    struct Shown(Arc<Mutex<Vec<u8>>>);

    impl Write for Shown {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Shown {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    fn batch() -> Batch {
        let mut builder = BatchBuilder::new(Arc::new(Session::new("s", "1.0", Uuid::nil(), 7)));
        let mut push = |kind, severity, encode: &dyn Fn(&mut Encoder<'_>)| {
            let mut encoder = Encoder::take();
            encoder.time(Timestamp::from_unix_nanos(1_700_000_000_000_000_000));
            encode(&mut encoder);
            let (seq, tag) = (builder.len() as u64, Tag::new(kind, severity).to_u32());
            let bytes = encoder.finish().unwrap();
            let read = |out: &mut Vec<u8>| -> Result<(), ()> {
                out.extend_from_slice(bytes);
                Ok(())
            };
            builder.push(seq, tag, read).unwrap();
        };
        push(EventKind::Generic, Severity::Warning, &|encoder| {
            encoder.name("cache\u{1b}[2Jmiss");
            encoder.data(&json!({"text": "a\nb\u{9b}c\u{202e}d"})).unwrap();
        });
        push(EventKind::UnhandledException, Severity::Critical, &|e| {
            e.exception("Oops", "it\r\nbroke", Some("at 1\nat 2"));
        });
        push(EventKind::SessionEnd, Severity::Info, &|e| e.duration(Duration::from_secs(61)));
        builder.build()
    }

    #[tokio::test]
    async fn each_event_is_one_line_in_which_nothing_steers_the_terminal() {
        let shown = Shown::default();
        let sink = Console::new().writer(shown.clone());
        assert_eq!(sink.deliver(&batch()).await, Ok(Ack::all()));
        let expected = "\
2023-11-14T22:13:20.000000Z WARNING  #0 cache\\u001b[2Jmiss {\"text\":\"a\\nb\\u009bc\\u202ed\"}
2023-11-14T22:13:20.000000Z CRITICAL #1 Oops: it\\u000d\\u000abroke | at 1\\u000aat 2
2023-11-14T22:13:20.000000Z INFO     #2 session ended after 0:01:01
";
        assert_eq!(shown.text(), expected);
    }

    #[tokio::test]
    async fn json_lines_are_the_wires_own_and_say_the_same_after_escaping() {
        let shown = Shown::default();
        let sink = Console::new().json().writer(shown.clone());
        assert_eq!(sink.deliver(&batch()).await, Ok(Ack::all()));
        let lines: Vec<Value> = shown.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 3);
        assert_eq!(lines[0]["event_data"]["text"], "a\nb\u{9b}c\u{202e}d");
        assert_eq!(lines[1]["traceback"], "at 1\nat 2");
        assert!(!shown.text().contains('\u{9b}'));
    }

    #[tokio::test]
    async fn a_span_is_a_line_that_people_read() {
        let (trace_id, span_id) = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331");
        let ended = json!({
            "trace_id": trace_id, "span_id": span_id, "parent_span_id": "00f067aa0ba902b7", "span_name": "chat gpt-4o",
            "duration_ms": 12.3456, "status": "error", "error.type": "timeout", "error.message": "too slow", "attempt": 1,
        });
        let begun = json!({"trace_id": trace_id, "span_id": span_id, "span_name": "chat gpt-4o"});
        let batch =
            crate::testing::batch("s", 0, &[("span.start", begun), ("span.end", ended), ("span.end", json!({}))]);
        let shown = Shown::default();
        assert_eq!(Console::new().writer(shown.clone()).deliver(&batch.unwrap()).await, Ok(Ack::all()));
        let lines: Vec<_> = shown.text().lines().map(|line| line.split_once('#').unwrap().1.to_owned()).collect();
        let expected = [
            "0 span.start chat gpt-4o [0af76519 b7ad6b71]",
            "1 span.end chat gpt-4o 12.346 ms error (timeout: too slow) [0af76519 b7ad6b71 in 00f067aa] {\"attempt\":1}",
            "2 span.end {}",
        ];
        assert_eq!(lines, expected);
    }

    #[tokio::test]
    async fn colours_are_ours_alone() {
        let shown = Shown::default();
        let sink = Console { color: true, ..Console::new().writer(shown.clone()) };
        assert_eq!(sink.deliver(&batch()).await, Ok(Ack::all()));
        let first = shown.text().lines().next().unwrap().to_owned();
        assert!(first.contains("\u{1b}[33mWARNING \u{1b}[0m #0 cache\\u001b[2Jmiss"), "{first:?}");
        assert_eq!(shown.text().matches('\u{1b}').count(), 6);
    }

    #[tokio::test]
    async fn a_place_that_can_not_be_written_to_is_no_delivery() {
        let mut full: [u8; 10] = [0; 10];
        let sink = Console::new().writer(io::Cursor::new(Box::from(&mut full[..]) as Box<[u8]>));
        assert!(matches!(sink.deliver(&batch()).await, Err(SinkError::Transient { .. })));
    }
}
