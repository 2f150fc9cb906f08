//! An event of a run as a line of its file: redacted, encoded once, ended by a line feed.

use std::borrow::Cow;

use serde::Serialize;

use super::model::RunEvent;
use crate::event::{EncodeError, Encoder, Screen, Shown, cut_at_word};
use crate::limits::{EVENT_BYTES_MAX, RUN_EVENT_TYPE_BYTES_MAX};
use crate::wire;

/// A line, but for its time, which is read when it is written.
pub(super) struct Line {
    /// What follows the time.
    rest: Vec<u8>,
    /// Whether its data is all there.
    pub(super) is_whole: bool,
    /// Whether its data was an object before it was put into one.
    pub(super) is_object: bool,
}

/// Why there is no data.
#[derive(Serialize)]
struct Omitted {
    omitted: String,
}

impl Line {
    /// Makes the line of an event. Data that is no object stands in one, under `value`; data that can't be written is left out,
    /// and the reason stands in its place.
    pub(super) fn new<T>(screen: Option<&dyn Screen>, run_id: &str, kind: &str, data: &T) -> Self
    where
        T: Serialize + ?Sized,
    {
        let mut rest = Vec::with_capacity(256);
        rest.extend_from_slice(b",\"runId\":");
        text(&mut rest, run_id);
        rest.extend_from_slice(b",\"type\":");
        text(&mut rest, cut_at_word(&screened(screen, kind), RUN_EVENT_TYPE_BYTES_MAX));
        rest.extend_from_slice(b",\"data\":");
        let head = rest.len();
        let encoded = encode(&mut rest, screen, data);
        if let Err(omitted) = &encoded {
            rest.truncate(head);
            // A text in an object is always written.
            let _ = encode(&mut rest, screen, &Omitted { omitted: omitted.clone() });
        }
        rest.extend_from_slice(b"}\n");
        Self { rest, is_whole: encoded.is_ok(), is_object: encoded.unwrap_or(true) }
    }

    /// Returns the line, of this time.
    pub(super) fn at(&self, ts: u64) -> Vec<u8> {
        let mut line = Vec::with_capacity(self.rest.len() + 24);
        line.extend_from_slice(b"{\"ts\":");
        text(&mut line, &ts);
        line.extend_from_slice(&self.rest);
        line
    }
}

/// Reads a line; `None` if it is no event.
pub(super) fn parse(line: &[u8]) -> Option<RunEvent> {
    serde_json::from_slice(line).ok()
}

/// Writes data as JSON; returns whether it was an object.
fn encode<T: Serialize + ?Sized>(out: &mut Vec<u8>, screen: Option<&dyn Screen>, data: &T) -> Result<bool, String> {
    let mut encoder = Encoder::screened(screen);
    let is_object = !matches!(encoder.data(data), Err(EncodeError::NotAnObject));
    if !is_object {
        encoder = Encoder::screened(screen);
        encoder.fields(1);
        encoder.field("value", data);
    }
    let bytes = encoder.finish().map_err(|error| error.to_string())?;
    if bytes.len() > EVENT_BYTES_MAX {
        return Err(format!("{} bytes, and an event has at most {EVENT_BYTES_MAX}", bytes.len()));
    }
    wire::write_data(out, bytes).map_err(|error| error.to_string())?;
    Ok(is_object)
}

/// Returns a type as it may be shown.
fn screened<'k>(screen: Option<&dyn Screen>, kind: &'k str) -> Cow<'k, str> {
    match screen.map(|screen| screen.text(&[], kind)) {
        None | Some(Ok(Shown::AsItIs)) => Cow::Borrowed(kind),
        Some(Ok(Shown::Instead(other))) => Cow::Owned(other),
        Some(Ok(Shown::Nothing) | Err(_)) => Cow::Borrowed(""),
    }
}

fn text<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    // Texts and numbers are always written, and so is memory.
    let _ = serde_json::to_writer(out, value);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::privacy::Privacy;

    fn line(data: &impl Serialize) -> (String, bool) {
        let redactor = Privacy::new().redactor();
        let line = Line::new(redactor.as_ref().map(|redactor| redactor as &dyn Screen), "run_1_a", "t\"", data);
        (String::from_utf8(line.at(7)).unwrap(), line.is_whole)
    }

    #[test]
    fn an_event_is_one_line_without_its_secrets() {
        let (text, is_whole) = line(&json!({"command": "a\nb", "password": "hunter2", "n": 1}));
        let expected =
            r#"{"ts":7,"runId":"run_1_a","type":"t\"","data":{"command":"a\nb","n":1,"password":"[redacted]"}}"#;
        assert_eq!((text.trim_end_matches('\n'), is_whole), (expected, true));
        assert_eq!(text.matches('\n').count(), 1);
    }

    #[test]
    fn data_of_any_form_is_an_object_and_what_cannot_be_is_said() {
        assert!(line(&5).0.contains(r#""data":{"value":5}"#));
        assert!(line(&()).0.contains(r#""data":{}"#));
        let (text, is_whole) = line(&json!({"text": vec!["x".repeat(60_000); 10]}));
        assert!(!is_whole && text.contains(r#""omitted":"600"#) && text.len() < 200, "{text}");
        assert_eq!(parse(text.as_bytes()).unwrap().kind, "t\"");
    }
}
