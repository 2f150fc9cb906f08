//! One event as JSON.

use uuid::Uuid;

use super::data::{TranscodeError, write_data, write_json, write_text};
use super::time::{write_duration, write_timestamp};
use crate::event::{Body, EventView};

/// Appends one event as the protocol has it: a JSON object on one line.
///
/// # Errors
///
/// The data of the event is damaged. `out` is then as it was before.
pub fn write_event(out: &mut Vec<u8>, index: u64, id: Uuid, view: &EventView<'_>) -> Result<(), TranscodeError> {
    let start = out.len();
    head(out, index, id, view);
    let written = body(out, view.body());
    match written {
        Ok(()) => out.push(b'}'),
        Err(_) => out.truncate(start),
    }
    written
}

/// Writes what all events have, and leaves the object open.
#[inline]
fn head(out: &mut Vec<u8>, index: u64, id: Uuid, view: &EventView<'_>) {
    // Names of kinds and severities, and ids, have nothing to escape.
    out.extend_from_slice(b"{\"event\":\"");
    out.extend_from_slice(view.kind().as_str().as_bytes());
    out.extend_from_slice(b"\",\"event_id\":\"");
    out.extend_from_slice(id.hyphenated().encode_lower(&mut Uuid::encode_buffer()).as_bytes());
    out.extend_from_slice(b"\",\"event_session_index\":");
    write_json(out, &index);
    out.extend_from_slice(b",\"severity\":\"");
    out.extend_from_slice(view.severity().as_str().as_bytes());
    out.extend_from_slice(b"\",\"timestamp\":\"");
    write_timestamp(out, view.time());
    out.push(b'"');
}

#[inline]
fn body(out: &mut Vec<u8>, body: Body<'_>) -> Result<(), TranscodeError> {
    match body {
        Body::SessionStart => {}
        Body::SessionEnd { duration } => {
            out.extend_from_slice(b",\"duration\":\"");
            write_duration(out, duration);
            out.push(b'"');
        }
        Body::UnhandledException { error_type, message, traceback } => {
            out.extend_from_slice(b",\"error_type\":");
            write_text(out, error_type);
            out.extend_from_slice(b",\"error_message\":");
            write_text(out, message);
            if let Some(traceback) = traceback {
                out.extend_from_slice(b",\"traceback\":");
                write_text(out, traceback);
            }
        }
        Body::Generic { name, data } => {
            out.extend_from_slice(b",\"event_name\":");
            write_text(out, name);
            out.extend_from_slice(b",\"event_data\":");
            write_data(out, data.as_bytes())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};

    use super::*;
    use crate::clock::Timestamp;
    use crate::event::{Encoder, EventKind, Severity, Tag};

    const ID: Uuid = Uuid::from_u128(0x0190_aaaa_bbbb_7ccc_8ddd_0123_4567_89ab);

    fn written(kind: EventKind, severity: Severity, encode: impl FnOnce(&mut Encoder<'_>)) -> Value {
        let mut encoder = Encoder::take();
        encoder.time(Timestamp::from_unix_nanos(1_700_000_000_000_000_000));
        encode(&mut encoder);
        let view = EventView::read(Tag::new(kind, severity), encoder.finish().unwrap()).unwrap();
        let mut out = b"before".to_vec();
        write_event(&mut out, 7, ID, &view).unwrap();
        serde_json::from_slice(out.strip_prefix(b"before").unwrap()).unwrap()
    }

    #[test]
    fn each_kind_has_the_fields_that_the_protocol_gives_it() {
        let start = written(EventKind::SessionStart, Severity::Info, |_| ());
        let expected = json!({
            "event": "SESSION_START", "event_id": "0190aaaa-bbbb-7ccc-8ddd-0123456789ab", "event_session_index": 7,
            "severity": "INFO", "timestamp": "2023-11-14T22:13:20.000000Z",
        });
        assert_eq!(start, expected);

        let end = written(EventKind::SessionEnd, Severity::Info, |e| e.duration(Duration::from_millis(61_500)));
        assert_eq!(end["duration"], "0:01:01.500000");

        let generic = written(EventKind::Generic, Severity::Trace, |encoder| {
            encoder.name("a \"name\"\n");
            encoder.data(&json!({"n": 1, "s": "\u{1}"})).unwrap();
        });
        assert_eq!(generic["severity"], "DEBUG");
        assert_eq!(generic["event_name"], "a \"name\"\n");
        assert_eq!(generic["event_data"], json!({"n": 1, "s": "\u{1}"}));
    }

    #[test]
    fn a_traceback_that_is_not_there_is_left_out() {
        let exception =
            |traceback| written(EventKind::UnhandledException, Severity::Error, |e| e.exception("E", "m", traceback));
        assert_eq!(exception(Some("at 1"))["traceback"], "at 1");
        assert_eq!(exception(None).get("traceback"), None);
        assert_eq!(exception(None)["error_message"], "m");
    }

    #[test]
    fn an_event_with_damaged_data_leaves_nothing_behind() {
        let mut encoder = Encoder::take();
        encoder.time(Timestamp::from_unix_nanos(0));
        encoder.name("n");
        encoder.fields(2);
        encoder.field("only", &1);
        let tag = Tag::new(EventKind::Generic, Severity::Info);
        let view = EventView::read(tag, encoder.finish().unwrap()).unwrap();
        let mut out = b"before".to_vec();
        assert_eq!(write_event(&mut out, 0, ID, &view), Err(TranscodeError::Truncated));
        assert_eq!(out, b"before");
    }
}
