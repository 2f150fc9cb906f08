//! What comes in: from the bytes of a request to events that can be stored.
//!
//! All of it runs on the runtime's threads, in parallel, so that the one writer has nothing to parse. An event stays a
//! range of the body that it came in; only what is indexed is taken out of it. A body is read twice: once to find where
//! each event begins and ends, once for the event's own fields. No tree of values is built.
//!
//! Absent on purpose: a body that is no JSON is refused as a whole, for nobody can tell where an event of it ends.

mod diagnose;
mod envelope;
mod event;
mod exception;
mod key;

pub(crate) use envelope::{Envelope, EnvelopeError, decode};
pub(crate) use event::{Detail, Event};
pub(crate) use exception::Exception;
pub(crate) use key::Key;

use serde::Serialize;

/// An event that is not stored, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Refusal {
    /// Where it stood in the request's `events`.
    pub(crate) index: usize,
    /// Its id, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) event_id: Option<String>,
    /// What is wrong, which value, what would be right.
    pub(crate) reason: String,
}
