//! An event that can be stored, and what is indexed of it.

use std::ops::Range;

use lastword::{EventKind, Severity};

use super::{Exception, Key};

/// What [`Event::index`] is where the protocol numbers no events: of such a session nobody can say what is missing.
pub(crate) const NO_INDEX: i64 = -1;

/// The name of an event that says what is known of a sender, which each protocol that has such a thing makes of it.
pub(crate) const RESOURCE: &str = "resource";

/// An event that can be stored.
#[derive(Debug, Clone)]
#[cfg_attr(feature = "nats", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Event {
    /// Where its text stands in the body.
    pub(crate) range: Range<usize>,
    pub(crate) key: Key,
    #[cfg_attr(feature = "nats", serde(with = "super::packed::kind"))]
    pub(crate) kind: EventKind,
    #[cfg_attr(feature = "nats", serde(with = "super::packed::severity"))]
    pub(crate) severity: Severity,
    /// Its place in the session, or [`NO_INDEX`]; never `i64::MAX`, so that the place after it can be named too.
    pub(crate) index: i64,
    pub(crate) time_us: i64,
    /// The name of a `GENERIC_EVENT`, cut to what is indexed.
    pub(crate) name: Option<Box<str>>,
    pub(crate) detail: Option<Box<Detail>>,
    /// Its sender says no time, so that it has another one when it is sent again. A message of the stream says it beside its events.
    #[cfg_attr(not(feature = "clickhouse"), allow(dead_code, reason = "only that store knows events by their hours"))]
    #[cfg_attr(feature = "nats", serde(skip))]
    pub(crate) has_arrived: bool,
}

/// What few events have.
#[derive(Debug, Clone)]
#[cfg_attr(feature = "nats", derive(serde::Serialize, serde::Deserialize))]
pub(crate) enum Detail {
    /// It is an exception.
    Exception(Exception),
    /// The client tells what it dropped, by reason.
    Drops(Vec<(String, i64)>),
    /// The session was found by a later process, which may know the signal that ended the first.
    Recovered { signal: Option<Box<str>> },
}
