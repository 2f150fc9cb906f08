//! Events as bytes, made on the caller's thread.
//!
//! An event is encoded once, into a buffer that its thread keeps, and only then is room for it looked for in the
//! queue: code of the user's (`Serialize`, `Display`, `Debug`) never runs while a place in the queue is held. Once the
//! buffer is warm, encoding allocates nothing.
//!
//! # Format
//!
//! `MessagePack` values one after another; which ones says the [`Tag`], which the queue keeps beside the bytes:
//!
//! ```text
//! SESSION_START        time
//! SESSION_END          time, duration in microseconds
//! UNHANDLED_EXCEPTION  time, type, message, traceback or nil
//! GENERIC_EVENT        time, name, data (a map)
//! ```
//!
//! `time` is a `uint 64`: nanoseconds since 1970. What can be derived (the id, the index, the formatted time) is not stored.

use std::cell::Cell;
use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::{EventKind, Severity};
use crate::clock::Timestamp;
use crate::limits::{DATA_DEPTH_MAX, ERROR_MESSAGE_BYTES_MAX, EVENT_NAME_BYTES_MAX, TRACEBACK_BYTES_MAX};

/// What the queue keeps beside an event's bytes: kind, severity, and who wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tag {
    /// What kind of event it is.
    pub kind: EventKind,
    /// How bad it is.
    pub severity: Severity,
    /// The reporter wrote it about itself.
    pub own: bool,
}

impl Tag {
    const OWN: u32 = 1 << 16;

    /// Makes the tag of an event that the program logged.
    #[must_use]
    pub const fn new(kind: EventKind, severity: Severity) -> Self {
        Self { kind, severity, own: false }
    }

    /// Makes the tag of an event that the reporter writes about itself.
    #[must_use]
    pub const fn own(kind: EventKind, severity: Severity) -> Self {
        Self { kind, severity, own: true }
    }

    /// Returns the tag as the number that stands in a record.
    #[inline]
    #[must_use]
    pub const fn to_u32(self) -> u32 {
        let kind = match self.kind {
            EventKind::SessionStart => 0,
            EventKind::SessionEnd => 1,
            EventKind::UnhandledException => 2,
            EventKind::Generic => 3,
        };
        kind | (self.severity as u32) << 8 | if self.own { Self::OWN } else { 0 }
    }

    /// Reads the number that stands in a record; `None` if it means nothing.
    #[must_use]
    pub const fn from_u32(number: u32) -> Option<Self> {
        let kind = match number & 0xff {
            0 => EventKind::SessionStart,
            1 => EventKind::SessionEnd,
            2 => EventKind::UnhandledException,
            3 => EventKind::Generic,
            _ => return None,
        };
        match Severity::from_u8(((number >> 8) & 0xff) as u8) {
            Some(severity) => Some(Self { kind, severity, own: number & Self::OWN != 0 }),
            None => None,
        }
    }
}

/// The data of an event can't be encoded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// The data is no JSON object.
    #[error(
        "the data of an event must serialise to an object (a map or a struct) or to nothing, and this is something else"
    )]
    NotAnObject,
    /// The data's own `Serialize` failed, or is nested too deep.
    #[error("the data of the event can't be serialised: {0}")]
    Serialize(String),
}

/// A place to encode one event into.
#[derive(Debug, Default)]
pub struct Encoder {
    bytes: Vec<u8>,
    failed: Option<String>,
}

thread_local! {
    static SPARE: Cell<Option<Vec<u8>>> = const { Cell::new(None) };
}

/// Buffers that grew beyond this by one large event are not kept.
const SPARE_BYTES_MAX: usize = 64 * 1024;

impl Drop for Encoder {
    #[inline]
    fn drop(&mut self) {
        if self.bytes.capacity() <= SPARE_BYTES_MAX {
            let bytes = std::mem::take(&mut self.bytes);
            // A thread that is ending has no place left to keep it.
            let _ = SPARE.try_with(|spare| spare.set(Some(bytes)));
        }
    }
}

impl Encoder {
    /// Takes this thread's buffer, or a new one where it is in use further up the stack.
    #[inline]
    #[must_use]
    pub fn take() -> Self {
        let mut bytes = SPARE.try_with(Cell::take).ok().flatten().unwrap_or_else(|| Vec::with_capacity(512));
        bytes.clear();
        Self { bytes, failed: None }
    }

    /// Starts an event: every one begins with its time.
    #[inline]
    pub fn time(&mut self, time: Timestamp) {
        let mut head = [0xcf; 9];
        head[1..].copy_from_slice(&time.unix_nanos().to_be_bytes());
        self.bytes.extend_from_slice(&head);
    }

    /// Writes the name of a generic event, cut to its bound.
    #[inline]
    pub fn name(&mut self, name: &str) {
        self.text(cut(name, EVENT_NAME_BYTES_MAX).0);
    }

    /// Starts the data of a generic event: a map of as many fields as follow.
    #[inline]
    pub fn fields(&mut self, count: u32) {
        if count < 16 {
            // A `fixmap`, by far the most common: its length is part of its marker.
            #[allow(clippy::cast_possible_truncation)]
            self.bytes.push(0x80 | count as u8);
        } else {
            self.bytes.push(0xdf);
            self.bytes.extend_from_slice(&count.to_be_bytes());
        }
    }

    /// Writes a field that serialises.
    #[inline]
    pub fn field<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) {
        self.text(key);
        self.serialize(value);
    }

    /// Writes a field as its `Display` shows it.
    pub fn field_display(&mut self, key: &str, value: &dyn fmt::Display) {
        self.text(key);
        self.formatted(format_args!("{value}"));
    }

    /// Writes a field as its `Debug` shows it.
    pub fn field_debug(&mut self, key: &str, value: &dyn fmt::Debug) {
        self.text(key);
        self.formatted(format_args!("{value:?}"));
    }

    /// Writes the data of a generic event: an object, or nothing for an empty one.
    ///
    /// # Errors
    ///
    /// The data is something else than an object, is nested deeper than [`DATA_DEPTH_MAX`], or fails to serialise.
    pub fn data<T: Serialize + ?Sized>(&mut self, data: &T) -> Result<(), EncodeError> {
        let start = self.bytes.len();
        self.serialize(data);
        if let Some(reason) = self.failed.take() {
            return Err(EncodeError::Serialize(reason));
        }
        match self.bytes.get(start) {
            Some(0x80..=0x8f | 0xde | 0xdf) => Ok(()),
            Some(0xc0) => {
                self.bytes[start] = 0x80;
                Ok(())
            }
            _ => Err(EncodeError::NotAnObject),
        }
    }

    /// Writes what an exception says: its type, its message, and how it came to it.
    pub fn exception(&mut self, error_type: &str, message: &str, traceback: Option<&str>) {
        self.text(cut(error_type, EVENT_NAME_BYTES_MAX).0);
        self.text_cut(message, ERROR_MESSAGE_BYTES_MAX);
        match traceback {
            Some(traceback) => self.text_cut(traceback, TRACEBACK_BYTES_MAX),
            None => self.bytes.push(0xc0),
        }
    }

    /// Writes how long a session lasted.
    pub fn duration(&mut self, duration: Duration) {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        self.bytes.push(0xcf);
        self.bytes.extend_from_slice(&micros.to_be_bytes());
    }

    /// Returns the event.
    ///
    /// # Errors
    ///
    /// A field failed to serialise.
    #[inline]
    pub fn finish(&mut self) -> Result<&[u8], EncodeError> {
        match self.failed.take() {
            None => Ok(&self.bytes),
            Some(reason) => Err(EncodeError::Serialize(reason)),
        }
    }

    #[inline]
    fn text(&mut self, text: &str) {
        let length = text.len();
        // The two short forms, written without a detour: they are nearly all there are.
        #[allow(clippy::cast_possible_truncation)]
        if length < 32 {
            self.bytes.push(0xa0 | length as u8);
        } else if length < 256 {
            self.bytes.extend_from_slice(&[0xd9, length as u8]);
        } else {
            // Writing to a `Vec` does not fail, and a text of 4 GiB was refused by its size before.
            let _ = rmp::encode::write_str_len(&mut self.bytes, length as u32);
        }
        self.bytes.extend_from_slice(text.as_bytes());
    }

    fn text_cut(&mut self, text: &str, bytes_max: usize) {
        match cut(text, bytes_max) {
            (text, 0) => self.text(text),
            (head, rest) => self.formatted(format_args!("{head}… ({rest} bytes more)")),
        }
    }

    /// Writes text whose length is known only afterwards.
    fn formatted(&mut self, text: fmt::Arguments<'_>) {
        if let Some(text) = text.as_str() {
            return self.text(text);
        }
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0xdb, 0, 0, 0, 0]);
        if std::io::Write::write_fmt(&mut self.bytes, text).is_err() {
            self.failed = Some("its `Display` or `Debug` returned an error".into());
        }
        let length = self.bytes.len() - start - 5;
        match u32::try_from(length) {
            Ok(length) => self.bytes[start + 1..start + 5].copy_from_slice(&length.to_be_bytes()),
            Err(_) => self.failed = Some(format!("a text of {length} bytes is too long")),
        }
    }

    #[inline]
    fn serialize<T: Serialize + ?Sized>(&mut self, value: &T) {
        let mut serializer = rmp_serde::Serializer::new(&mut self.bytes).with_struct_map().with_human_readable();
        serializer.unstable_set_max_depth(DATA_DEPTH_MAX);
        if let Err(error) = value.serialize(&mut serializer) {
            self.failed = Some(error.to_string());
        }
    }
}

/// Cuts a text at a character, to at most `bytes_max` bytes; says how many bytes were left out.
fn cut(text: &str, bytes_max: usize) -> (&str, usize) {
    if text.len() <= bytes_max {
        return (text, 0);
    }
    let end = text.floor_char_boundary(bytes_max);
    (&text[..end], text.len() - end)
}
