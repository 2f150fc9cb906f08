//! What stands in a message of the stream: events of one session, read and redacted, so that a writer only has to store them.
//!
//! MessagePack, with the number of the form in a header. A writer that meets a form that it does not know leaves the message to a newer one
//! ([`Unread::Newer`]): writers are brought up to date before those that take events in. Fields are only ever added at the end, with a default.

use std::io::{Read as _, Write as _};

use axum::body::Bytes;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use lastword::limits::SESSION_ID_BYTES_MAX;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::clock;
use crate::ingest::{Detail, Envelope, Event, NO_INDEX, quote};
use crate::limits::{
    DROP_REASONS_MAX, EVENT_BYTES_MAX, NAME_BYTES_MAX, REQUEST_EVENTS_MAX, SIGNAL_BYTES_MAX, STREAM_MESSAGE_BYTES,
    STREAM_PLAIN_BYTES_MAX,
};

/// The header that says in which form a message is.
pub(super) const FORM_HEADER: &str = "Lastword-Form";
/// The form that this program writes.
pub(super) const FORM: u16 = 1;

/// The header that says how a message is compressed, if it is.
pub(super) const ENCODING_HEADER: &str = "Lastword-Encoding";
/// How it is then.
pub(super) const ENCODING: &str = "deflate";
/// The header that says which events have the time at which they were taken in, for want of one of their own: a digit of base 16 for each four, the
/// first of them its lowest bit. It is no field of an event, since older versions take none that is longer than they know.
pub(super) const ARRIVED_HEADER: &str = "Lastword-Arrived";
/// The longest platform, version or id of a process that is taken out of a message.
const TEXT_BYTES_MAX: usize = 64 * 1024;
/// About how much of a message what is known of an event takes beside its text.
const HEAD_BYTES: usize = 64;

/// Events of one session, as they are written.
#[derive(Serialize)]
struct Written<'a> {
    session_id: &'a str,
    platform: Option<&'a str>,
    sdk_version: Option<&'a str>,
    process_uuid: Option<&'a str>,
    body: &'a str,
    events: &'a [Event],
}

/// The same, as they are read.
#[derive(Deserialize)]
struct Read {
    session_id: String,
    platform: Option<String>,
    sdk_version: Option<String>,
    process_uuid: Option<String>,
    body: String,
    events: Vec<Event>,
}

/// Why events can't be put into messages.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unwritten {
    /// One of them is larger than a message may be.
    #[error("an event has {bytes} bytes when it is compressed: the stream takes messages of {max} bytes at most")]
    TooLarge { bytes: usize, max: usize },
    /// They can't be encoded.
    #[error("the events can't be encoded: {0}")]
    Unencoded(String),
}

/// Why a message can't be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unread {
    /// A newer program wrote it.
    #[error("it is in form {0}, of a newer version: this one reads forms up to {FORM}")]
    Newer(u16),
    /// Nothing can read it.
    #[error("it can't be read: {0}")]
    Broken(String),
}

/// A message, and how many events are in it.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) payload: Bytes,
    pub(super) is_compressed: bool,
    /// What [`ARRIVED_HEADER`] says, where there is anything to say.
    pub(super) arrived: Option<String>,
    pub(super) events: usize,
}

/// Puts the events of a session into as few messages as may be, each of [`STREAM_MESSAGE_BYTES`] or one event, and none of more than `max` bytes.
///
/// Only the texts of events are in them: the body that they are ranges of may still have what was taken out of them.
pub(super) fn write(envelope: &Envelope, max: usize) -> Result<Vec<Message>, Unwritten> {
    let small = STREAM_MESSAGE_BYTES.min(max);
    let mut messages = Vec::new();
    let (mut body, mut events, mut bytes) = (String::new(), Vec::new(), 0);
    for event in &envelope.events {
        if !events.is_empty() && bytes + size(event) > small {
            messages.push(encode(envelope, &body, &events, max)?);
            body.clear();
            events.clear();
            bytes = 0;
        }
        let begin = body.len();
        body.push_str(&envelope.body[event.range.clone()]);
        events.push(Event { range: begin..body.len(), ..event.clone() });
        bytes += size(event);
    }
    if !events.is_empty() {
        messages.push(encode(envelope, &body, &events, max)?);
    }
    Ok(messages)
}

/// Returns about how many bytes an event takes: its text, and what is known of it.
fn size(event: &Event) -> usize {
    let of_detail = match event.detail.as_deref() {
        Some(Detail::Exception(exception)) => exception.error_type.len() + exception.message.len(),
        Some(Detail::Drops(drops)) => drops.iter().map(|(reason, _)| reason.len() + 8).sum(),
        Some(Detail::Recovered { .. }) | None => 0,
    };
    event.range.len() + HEAD_BYTES + of_detail
}

fn encode(envelope: &Envelope, body: &str, events: &[Event], max: usize) -> Result<Message, Unwritten> {
    let written = Written {
        session_id: &envelope.session_id,
        platform: envelope.platform.as_deref(),
        sdk_version: envelope.sdk_version.as_deref(),
        process_uuid: envelope.process_uuid.as_deref(),
        body,
        events,
    };
    let plain = rmp_serde::to_vec(&written).map_err(|error| Unwritten::Unencoded(error.to_string()))?;
    let is_compressed = plain.len() > max;
    let payload =
        if is_compressed { compress(&plain).map_err(|error| Unwritten::Unencoded(error.to_string()))? } else { plain };
    if payload.len() > max {
        return Err(Unwritten::TooLarge { bytes: payload.len(), max });
    }
    Ok(Message { payload: payload.into(), is_compressed, arrived: arrived(events), events: events.len() })
}

/// Says which events have the time at which they were taken in; nothing where none has.
fn arrived(events: &[Event]) -> Option<String> {
    let digit = |four: &[Event]| {
        let bits = four.iter().rev().fold(0, |bits, event| bits << 1 | u32::from(event.has_arrived));
        char::from_digit(bits, 16).unwrap_or('0')
    };
    events.iter().any(|event| event.has_arrived).then(|| events.chunks(4).map(digit).collect())
}

/// Has each event know again whether it has the time at which it was taken in. What can't be read means that it may have: it is looked for
/// everywhere then.
fn set_arrived(events: &mut [Event], arrived: &str) {
    for (four, digit) in events.chunks_mut(4).zip(arrived.chars()) {
        let bits = digit.to_digit(16).unwrap_or(0xf);
        for (place, event) in four.iter_mut().enumerate() {
            event.has_arrived = bits >> place & 1 == 1;
        }
    }
}

fn compress(plain: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(plain)?;
    encoder.finish()
}

/// Reads a message by what its headers say: in which form it is, how it is compressed, which events have the time at which they were taken in.
pub(super) fn read(
    form: Option<u16>,
    encoding: Option<&str>,
    arrived: Option<&str>,
    payload: &[u8],
) -> Result<Envelope, Unread> {
    match form {
        Some(form) if form > FORM => return Err(Unread::Newer(form)),
        Some(_) => {}
        None => return Err(Unread::Broken(format!("it has no header {FORM_HEADER}"))),
    }
    let broken = |error: &dyn std::fmt::Display| Unread::Broken(error.to_string());
    let read: Read = match encoding {
        None => rmp_serde::from_slice(payload).map_err(|error| broken(&error))?,
        Some(ENCODING) => {
            let plain = DeflateDecoder::new(payload).take(STREAM_PLAIN_BYTES_MAX);
            rmp_serde::from_read(plain).map_err(|error| broken(&error))?
        }
        Some(other) => return Err(Unread::Broken(format!("it is compressed as `{}`", quote(other)))),
    };
    let Read { session_id, platform, sdk_version, process_uuid, body, mut events } = read;
    if session_id.is_empty() || session_id.len() > SESSION_ID_BYTES_MAX {
        return Err(Unread::Broken(format!("its session has an id of {} bytes", session_id.len())));
    }
    // Whoever may publish may have written anything: what is stored keeps the rules that it would keep if it had come in by a request.
    if events.len() > REQUEST_EVENTS_MAX {
        return Err(Unread::Broken(format!("it has {} events: at most {REQUEST_EVENTS_MAX} are taken", events.len())));
    }
    if [&platform, &sdk_version, &process_uuid].into_iter().flatten().any(|text| text.len() > TEXT_BYTES_MAX) {
        return Err(Unread::Broken("what it says of its session is too long".to_owned()));
    }
    for event in &events {
        check(&body, event).map_err(|why| Unread::Broken(format!("the event at {:?} {why}", event.range)))?;
    }
    set_arrived(&mut events, arrived.unwrap_or_default());
    Ok(Envelope { session_id, platform, sdk_version, process_uuid, received_us: None, body, events })
}

/// Checks that an event is one that could have come in by a request.
fn check(body: &str, event: &Event) -> Result<(), &'static str> {
    let text = body.get(event.range.clone()).ok_or("does not stand there")?;
    if text.len() > EVENT_BYTES_MAX {
        return Err("is too large");
    }
    if !text.starts_with('{') || serde_json::from_str::<&RawValue>(text).is_err() {
        return Err("is no object of JSON");
    }
    if event.index != NO_INDEX && !(0..i64::MAX).contains(&event.index) {
        return Err("has a number that no event has");
    }
    if !(clock::FIRST_US..=clock::LAST_US).contains(&event.time_us) {
        return Err("has a time that no event has");
    }
    if !event.key.is_of_an_id() {
        return Err("has a key of no id");
    }
    if event.name.as_ref().is_some_and(|name| name.len() > NAME_BYTES_MAX) {
        return Err("has too long a name");
    }
    match event.detail.as_deref() {
        Some(Detail::Exception(exception)) if !exception.is_bounded() => Err("is an exception of too long a text"),
        Some(Detail::Drops(drops))
            if drops.len() > DROP_REASONS_MAX
                || drops.iter().any(|(reason, count)| *count < 1 || reason.len() > NAME_BYTES_MAX) =>
        {
            Err("says that it dropped what can't be")
        }
        Some(Detail::Recovered { signal: Some(signal) }) if signal.len() > SIGNAL_BYTES_MAX => {
            Err("has too long a signal")
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::{Key, tinker};

    fn envelope(events: usize, text: &str) -> Envelope {
        let event = |index: usize| {
            format!(
                r#"{{"event":"UNHANDLED_EXCEPTION","event_id":"e-{index}","event_session_index":{index},"severity":"ERROR","timestamp":"2026-11-20T09:20:34.5Z","error_type":"T","error_message":"{text}"}}"#
            )
        };
        let events: Vec<String> = (0..events).map(event).collect();
        let body = format!(r#"{{"session_id":"s","sdk_version":"1","events":[{}]}}"#, events.join(","));
        tinker::decode(body.into_bytes()).unwrap().envelopes.remove(0)
    }

    fn texts(envelope: &Envelope) -> Vec<(String, String)> {
        // What a writer knows of an event beside its text is told by its `Debug`, but for the place where the text stands.
        let known = |event: &Event| format!("{:?}", Event { range: 0..0, ..event.clone() });
        envelope.events.iter().map(|event| (envelope.body[event.range.clone()].to_owned(), known(event))).collect()
    }

    fn read_all(messages: &[Message]) -> Vec<(String, String)> {
        let read = |message: &Message| {
            let encoding = message.is_compressed.then_some(ENCODING);
            let envelope = read(Some(FORM), encoding, message.arrived.as_deref(), &message.payload).unwrap();
            assert_eq!((&*envelope.session_id, envelope.sdk_version.as_deref()), ("s", Some("1")));
            texts(&envelope)
        };
        messages.iter().flat_map(read).collect()
    }

    #[test]
    fn what_is_written_is_read_as_it_was_in_as_many_messages_as_it_takes() {
        for (events, text, messages) in [(1, "a", 1), (100, "b", 1), (300, &*"long ".repeat(1_000), 8)] {
            let envelope = envelope(events, text);
            let written = write(&envelope, 1 << 20).unwrap();
            assert_eq!(written.len(), messages, "{events}");
            assert!(written.iter().all(|message| message.payload.len() <= STREAM_MESSAGE_BYTES + 4096));
            assert_eq!(read_all(&written), texts(&envelope));
            // The same events are the same bytes, by which the stream knows them.
            let again = write(&envelope, 1 << 20).unwrap();
            assert!(written.iter().zip(&again).all(|(one, other)| one.payload == other.payload));
        }
    }

    #[test]
    fn which_events_said_no_time_is_known_behind_the_stream_too() {
        for chosen in [&[][..], &[0], &[3, 4, 8], &[0, 1, 2, 3, 4, 5, 6, 7, 8]] {
            let mut some = envelope(9, "x");
            for &place in chosen {
                some.events[place].has_arrived = true;
            }
            let written = write(&some, 1 << 20).unwrap();
            assert_eq!(read_all(&written), texts(&some), "{:?}", written[0].arrived);
            assert_eq!(written[0].arrived.is_none(), chosen.is_empty());
        }
        // Of an older version, and of one that says what can't be.
        let mut events = envelope(5, "x").events;
        set_arrived(&mut events, "");
        assert!(events.iter().all(|event| !event.has_arrived));
        set_arrived(&mut events, "~0000");
        assert_eq!(events.iter().map(|event| event.has_arrived).collect::<Vec<_>>(), [true, true, true, true, false]);
    }

    #[test]
    fn one_event_that_is_too_large_is_compressed_and_refused_only_if_that_does_not_help() {
        let plain = envelope(1, &"again and ".repeat(5_000));
        let written = write(&plain, 10_000).unwrap();
        assert!(written[0].is_compressed);
        assert_eq!(read_all(&written), texts(&plain));
        assert!(matches!(write(&plain, 50), Err(Unwritten::TooLarge { max: 50, .. })));
    }

    #[test]
    fn nothing_is_in_a_message_but_the_texts_of_its_events() {
        // As redaction leaves it: what was there before stands in the body, and no event is there.
        let mut taken_out = envelope(2, "a secret");
        let text = taken_out.body[taken_out.events[0].range.clone()].replace("a secret", "[gone]");
        taken_out.events.truncate(1);
        taken_out.events[0].range = taken_out.body.len()..taken_out.body.len() + text.len();
        taken_out.events[0].detail = None;
        taken_out.body.push_str(&text);
        let written = write(&taken_out, 1 << 20).unwrap();
        let payload = String::from_utf8_lossy(&written[0].payload).into_owned();
        assert!(payload.contains("[gone]") && !payload.contains("a secret"), "{payload}");
    }

    #[test]
    fn what_no_request_could_have_brought_is_not_taken_out_of_a_message_either() {
        let read_with = |change: &dyn Fn(&mut Event)| {
            let mut envelope = envelope(1, "x");
            change(&mut envelope.events[0]);
            let body = envelope.body.clone();
            let message = encode(&envelope, &body, &envelope.events, 1 << 20).unwrap();
            read(Some(FORM), None, None, &message.payload).map(drop)
        };
        assert_eq!(read_with(&|_| {}), Ok(()));
        let bad: [&dyn Fn(&mut Event); 9] = [
            &|event| event.index = i64::MAX,
            &|event| event.index = i64::MIN,
            &|event| event.time_us = i64::MAX,
            &|event| event.range = 1..event.range.end,
            &|event| event.range = 0..usize::MAX,
            &|event| event.name = Some("n".repeat(NAME_BYTES_MAX + 1).into()),
            &|event| event.key = Key::Text("k".repeat(10_000).into()),
            &|event| event.detail = Some(Box::new(Detail::Drops(vec![("r".to_owned(), -1)]))),
            &|event| event.detail = Some(Box::new(Detail::Recovered { signal: Some("S".repeat(100).into()) })),
        ];
        for (place, change) in bad.into_iter().enumerate() {
            assert!(matches!(read_with(change), Err(Unread::Broken(_))), "{place}");
        }
    }

    #[test]
    fn whatever_the_bytes_are_reading_them_ends_with_an_answer() {
        let written = write(&envelope(3, "x"), 1 << 20).unwrap();
        let good = &written[0].payload;
        for end in 0..good.len() {
            assert!(read(Some(FORM), None, None, &good[..end]).is_err(), "{end}");
            let mut bad = good.to_vec();
            bad[end] ^= 0x55;
            let _ = read(Some(FORM), None, None, &bad);
            let _ = read(Some(FORM), Some(ENCODING), Some("f~"), &bad);
        }
        assert_eq!(read(Some(FORM + 1), None, None, good).unwrap_err(), Unread::Newer(FORM + 1));
        assert!(matches!(read(None, None, None, good), Err(Unread::Broken(_))));
        assert!(matches!(read(Some(FORM), Some("gzip"), None, good), Err(Unread::Broken(_))));
    }
}
