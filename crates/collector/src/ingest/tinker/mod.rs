//! The protocol of `tinker` and of our own reporter: one session's id around some events.
//!
//! A body is read twice: once to find where each event begins and ends, once for the event's own fields. No tree of values is built, and an
//! event's text is stored byte for byte as it came.
//!
//! Absent on purpose: a body that is no JSON is refused as a whole, for nobody can tell where an event of it ends.

mod diagnose;
mod event;

pub(crate) use event::detail_of;

use std::borrow::Cow;

use lastword::limits::SESSION_ID_BYTES_MAX;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::values::Raws;
use super::{Envelope, Intake, Refusal, Refused, quote};
use crate::limits::{NAME_BYTES_MAX, REQUEST_EVENTS_MAX};
use diagnose::event_id;

/// The request can't be read at all.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EnvelopeError {
    /// The bytes are no text.
    #[error("the body is not UTF-8: the first bad byte is at {0}")]
    NotUtf8(usize),
    /// The text is no JSON.
    #[error("the body is not JSON: {0}")]
    NotJson(String),
    /// It is JSON, but can't be taken as it is: a field is twice in it, for instance.
    #[error("the body can't be read: {0}")]
    Unclear(String),
    /// It is JSON, but not an object.
    #[error("the body is {0}: it must be an object with `session_id` and `events`")]
    NotAnObject(String),
    /// A field is not there.
    #[error("`{0}` is missing: the body must be an object with `session_id` and `events`")]
    Missing(&'static str),
    /// A field is something else than it should be.
    #[error("`{field}` is {value}: it must be {right}")]
    Wrong {
        /// The field.
        field: &'static str,
        /// The beginning of what it is.
        value: String,
        /// What it must be.
        right: &'static str,
    },
    /// There are too many events.
    #[error("the request has more than {REQUEST_EVENTS_MAX} events: send them in several")]
    TooManyEvents,
}

impl From<EnvelopeError> for Refused {
    fn from(error: EnvelopeError) -> Self {
        match error {
            EnvelopeError::TooManyEvents => Self::TooManyEvents,
            other => Self::Bad(other.to_string()),
        }
    }
}

#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow)]
    session_id: Cow<'a, str>,
    #[serde(borrow)]
    events: Raws<'a>,
    #[serde(borrow)]
    platform: Option<&'a RawValue>,
    #[serde(borrow)]
    sdk_version: Option<&'a RawValue>,
    #[serde(borrow)]
    process_uuid: Option<&'a RawValue>,
}

/// Reads a request's body.
///
/// # Errors
///
/// Nothing of it can be stored. Bad events are no error: they are in [`Intake::refused`].
pub(crate) fn decode(body: Vec<u8>) -> Result<Intake, EnvelopeError> {
    let body = String::from_utf8(body).map_err(|error| EnvelopeError::NotUtf8(error.utf8_error().valid_up_to()))?;
    let wire: Wire<'_> = serde_json::from_str(&body).map_err(|error| why(&body, &error))?;
    check_session(&wire.session_id)?;
    if wire.events.0.len() > REQUEST_EVENTS_MAX {
        return Err(EnvelopeError::TooManyEvents);
    }
    let mut events = Vec::with_capacity(wire.events.0.len());
    let mut refused = Vec::new();
    for (index, raw) in wire.events.0.iter().enumerate() {
        let text = raw.get();
        let start = text.as_ptr() as usize - body.as_ptr() as usize;
        match event::read(text, start..start + text.len()) {
            Ok(event) => events.push(event),
            Err(reason) => refused.push(Refusal { index, event_id: event_id(text), reason }),
        }
    }
    let session_id = wire.session_id.into_owned();
    let (platform, sdk_version) = (text(wire.platform), text(wire.sdk_version));
    let process_uuid = text(wire.process_uuid);
    let envelope = Envelope { session_id, platform, sdk_version, process_uuid, received_us: None, body, events };
    Ok(Intake { envelopes: vec![envelope], refused })
}

fn check_session(id: &str) -> Result<(), EnvelopeError> {
    if id.is_empty() || id.len() > SESSION_ID_BYTES_MAX {
        return Err(EnvelopeError::Wrong {
            field: "session_id",
            value: if id.is_empty() { "empty".to_owned() } else { format!("{} bytes long", id.len()) },
            right: "a string of 1 to 256 bytes",
        });
    }
    Ok(())
}

/// Reads a field that is there to be shown only: what is no string is as good as missing.
fn text(value: Option<&RawValue>) -> Option<String> {
    let mut text: String = serde_json::from_str(value?.get()).ok()?;
    text.truncate(text.floor_char_boundary(NAME_BYTES_MAX));
    // What is empty says nothing.
    (!text.is_empty()).then_some(text)
}

/// Says why a body could not be read.
fn why(body: &str, error: &serde_json::Error) -> EnvelopeError {
    #[derive(Deserialize)]
    struct Loose<'a> {
        #[serde(borrow)]
        session_id: Option<&'a RawValue>,
        #[serde(borrow)]
        events: Option<&'a RawValue>,
    }
    if let Err(error) = serde_json::from_str::<IgnoredAny>(body) {
        return EnvelopeError::NotJson(error.to_string());
    }
    if !body.trim_start().starts_with('{') {
        return EnvelopeError::NotAnObject(quote(body.trim()));
    }
    let Ok(loose) = serde_json::from_str::<Loose<'_>>(body) else {
        return EnvelopeError::Unclear(error.to_string());
    };
    let Some(session) = loose.session_id else { return EnvelopeError::Missing("session_id") };
    let Some(events) = loose.events else { return EnvelopeError::Missing("events") };
    if serde_json::from_str::<String>(session.get()).is_err() {
        let (field, value) = ("session_id", quote(session.get()));
        return EnvelopeError::Wrong { field, value, right: "a string of 1 to 256 bytes" };
    }
    if !events.get().starts_with('[') {
        return EnvelopeError::Wrong { field: "events", value: quote(events.get()), right: "an array" };
    }
    EnvelopeError::Unclear(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(body: &str) -> String {
        decode(body.as_bytes().to_vec()).unwrap_err().to_string()
    }

    #[test]
    fn a_body_that_cannot_be_read_is_told_why() {
        assert!(wrong("").starts_with("the body is not JSON"));
        assert!(wrong("{\"session_id\":\"s\",\"events\":[").starts_with("the body is not JSON"));
        assert!(wrong("[]").starts_with("the body is []: it must be an object"));
        assert!(wrong("{}").starts_with("`session_id` is missing"));
        assert!(wrong(r#"{"session_id":"s"}"#).starts_with("`events` is missing"));
        assert!(wrong(r#"{"session_id":5,"events":[]}"#).starts_with("`session_id` is 5: it must be a string"));
        assert!(wrong(r#"{"session_id":"","events":[]}"#).starts_with("`session_id` is empty"));
        assert!(wrong(r#"{"session_id":"s","events":{}}"#).starts_with("`events` is {}: it must be an array"));
        let twice = wrong(r#"{"session_id":"s","session_id":"t","events":[]}"#);
        assert!(twice.starts_with("the body can't be read: duplicate field `session_id`"), "{twice}");
        assert_eq!(decode(vec![b'{', 0xff]).unwrap_err(), EnvelopeError::NotUtf8(1));
    }

    #[test]
    fn a_bad_event_is_set_apart_and_every_good_one_is_a_range_of_the_body() {
        let good = r#"{"event":"SESSION_START","event_id":"a","event_session_index":0,"severity":"INFO","timestamp":"2026-11-20T09:20:34Z"}"#;
        let body = format!(r#"{{"events":[ {good} , {{"event_id":"b"}}, 3],"session_id":"s","process_uuid":7}}"#);
        let Intake { envelopes, refused } = decode(body.into_bytes()).unwrap();
        let envelope = &envelopes[0];
        assert_eq!(&envelope.body[envelope.events[0].range.clone()], good);
        assert_eq!(envelope.events.len(), 1);
        let refused: Vec<_> = refused.iter().map(|r| (r.index, r.event_id.as_deref())).collect();
        assert_eq!(refused, [(1, Some("b")), (2, None)]);
        assert_eq!(envelope.process_uuid, None);
    }

    #[test]
    fn more_events_than_one_request_may_have_are_refused_together() {
        let body = format!(r#"{{"session_id":"s","events":[{}1]}}"#, "1,".repeat(REQUEST_EVENTS_MAX));
        assert_eq!(decode(body.into_bytes()).unwrap_err(), EnvelopeError::TooManyEvents);
    }
}
