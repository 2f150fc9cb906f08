//! Events as they are read back: on the reporter's thread, by sinks.

use std::time::Duration;

use rmp::Marker;
use serde::Deserialize;

use super::encode::Tag;
use super::{EventKind, Severity};
use crate::clock::Timestamp;

/// The bytes of an event make no sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the bytes of the event are damaged: {0}")]
pub struct DecodeError(&'static str);

impl DecodeError {
    /// The tag of the record names no kind of event.
    pub(crate) const UNKNOWN_TAG: Self = Self("its tag names no kind of event");
    /// Something begins that does not end.
    pub(super) const CUT_OFF: Self = Self("it is cut off");
    /// No event is nested so deep.
    pub(super) const TOO_DEEP: Self = Self("it is nested too deep");
    /// No event is so long.
    pub(super) const TOO_LONG: Self = Self("it has more items than can be");
}

/// What an event says, borrowed from its bytes.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Body<'a> {
    /// The session began.
    SessionStart,
    /// The session ended.
    SessionEnd {
        /// How long it lasted.
        duration: Duration,
    },
    /// An error or a panic.
    UnhandledException {
        /// The type of the error.
        error_type: &'a str,
        /// What it says.
        message: &'a str,
        /// Its causes, and its backtrace where there is one.
        traceback: Option<&'a str>,
    },
    /// Anything else.
    Generic {
        /// The event's name.
        name: &'a str,
        /// The event's data: one `MessagePack` map.
        data: RawData<'a>,
    },
}

/// The data of a generic event, as the `MessagePack` map it was encoded to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RawData<'a>(&'a [u8]);

impl<'a> RawData<'a> {
    /// Returns the `MessagePack` map.
    #[must_use]
    pub const fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// Reads the data into a value of the caller's choice, `serde_json::Value` for one.
    ///
    /// It reads what `MessagePack` has: an integer beyond 64 bits is an extension in it, which no integer type and no
    /// `Value` reads, and the keys of a map are not yet texts. [`write_data`](crate::wire::write_data) writes both as JSON.
    ///
    /// # Errors
    ///
    /// The data does not have the form that the caller asks for.
    pub fn get<T: Deserialize<'a>>(self) -> Result<T, rmp_serde::decode::Error> {
        T::deserialize(&mut rmp_serde::Deserializer::from_read_ref(self.0).with_human_readable())
    }
}

/// One event, borrowed from the bytes of its record.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EventView<'a> {
    tag: Tag,
    time: Timestamp,
    body: Body<'a>,
}

impl<'a> EventView<'a> {
    /// Reads an event from the bytes that an encoder made.
    ///
    /// # Errors
    ///
    /// The bytes are not those of an event with this tag.
    pub fn read(tag: Tag, bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader(bytes);
        let time = Timestamp::from_unix_nanos(reader.u64()?);
        let body = match tag.kind {
            EventKind::SessionStart => Body::SessionStart,
            EventKind::SessionEnd => Body::SessionEnd { duration: Duration::from_micros(reader.u64()?) },
            EventKind::UnhandledException => Body::UnhandledException {
                error_type: reader.text()?,
                message: reader.text()?,
                traceback: if reader.0.first() == Some(&Marker::Null.to_u8()) { None } else { Some(reader.text()?) },
            },
            EventKind::Generic => Body::Generic { name: reader.text()?, data: RawData(reader.0) },
        };
        Ok(Self { tag, time, body })
    }

    /// Returns what kind of event it is.
    #[must_use]
    pub const fn kind(&self) -> EventKind {
        self.tag.kind
    }

    /// Returns how bad it is.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        self.tag.severity
    }

    /// Returns when it happened.
    #[must_use]
    pub const fn time(&self) -> Timestamp {
        self.time
    }

    /// Returns what it says.
    #[must_use]
    pub const fn body(&self) -> Body<'a> {
        self.body
    }
}

pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn u64(&mut self) -> Result<u64, DecodeError> {
        match self.0.split_first_chunk::<9>() {
            Some(([0xcf, number @ ..], rest)) => {
                self.0 = rest;
                Ok(u64::from_be_bytes(*number))
            }
            _ => Err(DecodeError("a number is missing")),
        }
    }

    pub(super) fn text(&mut self) -> Result<&'a str, DecodeError> {
        let (text, rest) =
            rmp::decode::read_str_from_slice(self.0).map_err(|_| DecodeError("a text is missing or is not UTF-8"))?;
        self.0 = rest;
        Ok(text)
    }
}
