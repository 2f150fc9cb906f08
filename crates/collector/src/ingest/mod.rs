//! What comes in: from the bytes of a request to events that can be stored, whatever protocol it is in.
//!
//! All of it runs on the runtime's threads, in parallel, so that the one writer has nothing to parse. A protocol is a folder here: it
//! makes an [`Intake`] of a body. [`tinker`] takes events as they are: an event stays a range of the body that it came in, and only what
//! is indexed is taken out of it. Every other protocol writes its events anew, as the wire has them ([`Drafts`]), and keeps all that it was
//! told among their data.
//!
//! # Invariants
//!
//! - Nothing that was sent is thrown away in silence: it is stored, or it is a [`Refusal`] with its place and the reason.
//! - What is sent again becomes an event with the same [`Key`] in the same session, so that it is stored once.
//! - What a body makes the collector build is bounded by the body's size and by `limits`.

pub(crate) mod agents;
#[cfg(any(test, fuzzing))]
#[cfg_attr(not(fuzzing), allow(unreachable_pub, reason = "it is public to the fuzzer"))]
pub mod any_bytes;
mod base64;
pub(crate) mod datadog;
mod draft;
mod event;
mod exception;
mod key;
pub(crate) mod lines;
mod messages;
mod object;
pub(crate) mod otlp;
#[cfg(feature = "nats")]
mod packed;
pub(crate) mod posthog;
mod quote;
mod read;
pub(crate) mod sentry;
pub(crate) mod tinker;
mod values;

pub(crate) use base64::base64;
pub(crate) use draft::{Draft, Drafts, SessionKey, Source, id_of};
pub(crate) use event::{Detail, Event, NO_INDEX, RESOURCE};
pub(crate) use exception::Exception;
pub(crate) use key::Key;
pub(crate) use messages::{Side, canonical};
pub(crate) use object::{List, Object};
pub(crate) use quote::quote;
pub(crate) use read::severity_of;

use serde::Serialize;

/// All that a request says, its bad events set apart.
#[derive(Debug, Default)]
pub(crate) struct Intake {
    /// The events, by session. All of them are stored as one, or none.
    pub(crate) envelopes: Vec<Envelope>,
    pub(crate) refused: Vec<Refusal>,
}

impl Intake {
    /// Returns how many events can be stored.
    pub(crate) fn events(&self) -> usize {
        self.envelopes.iter().map(|envelope| envelope.events.len()).sum()
    }

    /// Returns how many bytes their texts have.
    pub(crate) fn bytes(&self) -> usize {
        self.envelopes.iter().map(|envelope| envelope.body.len()).sum()
    }
}

/// Events of one session.
#[derive(Debug, Default)]
pub(crate) struct Envelope {
    pub(crate) session_id: String,
    pub(crate) platform: Option<String>,
    pub(crate) sdk_version: Option<String>,
    pub(crate) process_uuid: Option<String>,
    /// When they were received, of events that another store has had; of others it is when they are stored.
    pub(crate) received_us: Option<i64>,
    /// The text of which every event is a range.
    pub(crate) body: String,
    pub(crate) events: Vec<Event>,
}

/// Returns the session of a program's instance: `service@host:process`, what of that is known.
pub(crate) fn instance(service: &str, host: Option<&str>, process: Option<&str>) -> String {
    let with = |joint: &str, part: Option<&str>| part.map(|part| format!("{joint}{part}")).unwrap_or_default();
    format!("{service}{}{}", with("@", host), with(":", process))
}

/// An event that is not stored, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Refusal {
    /// Where it stood in the request.
    pub(crate) index: usize,
    /// Its id, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) event_id: Option<String>,
    /// What is wrong, which value, what would be right.
    pub(crate) reason: String,
}

/// Nothing of a request can be stored.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    /// It is not what it should be: what is wrong, which value, what would be right.
    #[error("{0}")]
    Bad(String),
    /// It has more events than one request may have.
    #[error("the request has more than {max} events: send them in several", max = crate::limits::REQUEST_EVENTS_MAX)]
    TooManyEvents,
    /// Its events have too many bytes.
    #[error(
        "the events of the request have more than {max} bytes: send them in several",
        max = crate::limits::REQUEST_EVENTS_BYTES_MAX
    )]
    TooLarge,
}
