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

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;
use std::num::NonZeroU64;
use std::time::Duration;

use serde::ser::{self, Serialize};

use super::guard::cut_at_word;
use super::mark::Mark;
use super::pack::{Output, add_entry, write_span_ids, write_text};
use super::screen::{HIDDEN, Key, Looks, Screen, Shown};
use super::serialize::Serializer;
use super::{EventKind, Severity};
use crate::clock::Timestamp;
use crate::limits::{
    DATA_DEPTH_MAX, DATA_WRAPPERS_MAX, ERROR_MESSAGE_BYTES_MAX, EVENT_NAME_BYTES_MAX, TRACEBACK_BYTES_MAX,
};

/// What the queue keeps beside an event's bytes: kind, severity, and who wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tag {
    /// What kind of event it is.
    pub kind: EventKind,
    /// How bad it is.
    pub severity: Severity,
    /// The reporter wrote it about itself.
    pub own: bool,
    /// There are texts in it whose type says what is known of them: not every sink is given all of them.
    pub marked: bool,
}

impl Tag {
    const OWN: u32 = 1 << 16;
    const MARKED: u32 = 1 << 17;

    /// Makes the tag of an event that the program logged.
    #[must_use]
    pub const fn new(kind: EventKind, severity: Severity) -> Self {
        Self { kind, severity, own: false, marked: false }
    }

    /// Makes the tag of an event that the reporter writes about itself.
    #[must_use]
    pub const fn own(kind: EventKind, severity: Severity) -> Self {
        Self { kind, severity, own: true, marked: false }
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
        let own = if self.own { Self::OWN } else { 0 };
        kind | (self.severity as u32) << 8 | own | if self.marked { Self::MARKED } else { 0 }
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
            Some(severity) => {
                Some(Self { kind, severity, own: number & Self::OWN != 0, marked: number & Self::MARKED != 0 })
            }
            None => None,
        }
    }
}

/// The data of an event can't be encoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// The data is no JSON object.
    #[error(
        "the data of an event must serialise to an object (a map or a struct) or to nothing, and this is something else"
    )]
    NotAnObject,
    /// The data is nested too deep.
    #[error(
        "the data of the event is nested deeper than {DATA_DEPTH_MAX} levels, or than {DATA_WRAPPERS_MAX} newtypes and \
         `Some`s"
    )]
    TooDeep,
    /// A `Serialize` announced a list, map or struct of one length and wrote another.
    #[error(
        "the data of the event has a list or an object that was announced with {announced} items and has {written}"
    )]
    WrongLength {
        /// How many items its `Serialize` said it has.
        announced: usize,
        /// How many it wrote.
        written: usize,
    },
    /// A `Serialize` wrote a map's key without its value, or a value without its key.
    #[error("the data of the event has a map that does not alternate between keys and values")]
    UnpairedKey,
    /// A list, map or text has more items or bytes than its header can say.
    #[error(
        "the data of the event has a list, an object or a text of {0} items or bytes: there is room for 4294967295"
    )]
    TooLong(usize),
    /// Code that decides what may leave failed: the event must not.
    #[error("what decides whether a text of the event may leave panicked")]
    Screen,
    /// The data's own `Serialize` or `Display` failed: what it said.
    #[error("the data of the event can't be serialised: {0}")]
    Serialize(String),
}

impl ser::Error for EncodeError {
    #[cold]
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::Serialize(message.to_string())
    }
}

/// A place to encode one event into.
#[derive(Debug, Default)]
pub struct Encoder<'s> {
    bytes: Output,
    looks: Looks<'s>,
    failed: Option<EncodeError>,
}

thread_local! {
    static SPARE: Cell<Option<Vec<u8>>> = const { Cell::new(None) };
}

/// Buffers that grew beyond this by one large event are not kept.
const SPARE_BYTES_MAX: usize = 64 * 1024;

impl Drop for Encoder<'_> {
    #[inline]
    fn drop(&mut self) {
        if self.bytes.capacity() <= SPARE_BYTES_MAX {
            let bytes = std::mem::take(&mut self.bytes.bytes);
            // A thread that is ending has no place left to keep it.
            let _ = SPARE.try_with(|spare| spare.set(Some(bytes)));
        }
    }
}

impl<'s> Encoder<'s> {
    /// Takes this thread's buffer, or a new one where it is in use further up the stack. What is written is not looked at.
    #[inline]
    #[must_use]
    pub fn take() -> Self {
        Self::screened(None)
    }

    /// Takes a buffer for an event whose texts this screen looks at.
    #[inline]
    #[must_use]
    pub fn screened(screen: Option<&'s dyn Screen>) -> Self {
        let mut bytes = SPARE.try_with(Cell::take).ok().flatten().unwrap_or_else(|| Vec::with_capacity(512));
        bytes.clear();
        Self { bytes: Output { bytes, is_marked: false }, looks: Looks::new(screen), failed: None }
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

    /// Writes the name of a generic event that may have been put together from anything.
    pub(crate) fn name_of_any(&mut self, name: &str) {
        self.looked_at(cut_at_word(name, EVENT_NAME_BYTES_MAX));
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
    pub fn field<'k, T: Serialize + ?Sized>(&mut self, key: impl Into<Key<'k>>, value: &T) {
        let Some(looks) = self.key(key.into()) else { return };
        let start = self.bytes.len();
        // The event's data, whose field it is, is the first level.
        if let Err(error) = value.serialize(Serializer::within(&mut self.bytes, looks, 1)) {
            self.fail(start, error);
        }
    }

    /// Writes the ids of a span as the fields that they are, in one piece. Nobody looks at them: digits alone may look like a
    /// number of a card.
    #[inline]
    pub(crate) fn field_span_ids(&mut self, trace_id: u128, span_id: u64, parent_span_id: Option<NonZeroU64>) {
        write_span_ids(&mut self.bytes, trace_id, span_id, parent_span_id);
    }

    /// Writes a field with a text that stands in the source of a program, so nobody looks at it; every sink is given it where
    /// it is known to be safe.
    #[inline]
    pub(crate) fn field_literal(&mut self, key: &'static str, text: &'static str, is_safe: bool) {
        self.text(key);
        if is_safe { Mark::Safe.write(&mut self.bytes, text) } else { self.text(text) }
    }

    /// Writes a field as its `Display` shows it.
    pub fn field_display<'k>(&mut self, key: impl Into<Key<'k>>, value: &dyn fmt::Display) {
        if let Some(looks) = self.key(key.into()) {
            self.formatted(looks, format_args!("{value}"));
        }
    }

    /// Writes a field as its `Debug` shows it.
    pub fn field_debug<'k>(&mut self, key: impl Into<Key<'k>>, value: &dyn fmt::Debug) {
        if let Some(looks) = self.key(key.into()) {
            self.formatted(looks, format_args!("{value:?}"));
        }
    }

    /// Writes the key of a field; `None` if its value is hidden, and written as that.
    #[inline]
    fn key(&mut self, key: Key<'_>) -> Option<Looks<'s>> {
        let start = self.bytes.len();
        self.text(key.text());
        if self.looks.hides(key) {
            self.text(HIDDEN);
            return None;
        }
        Some(self.looks.under(start))
    }

    /// Writes the data of a generic event: an object, or nothing for an empty one. Returns where it begins.
    ///
    /// # Errors
    ///
    /// The data is something else than an object, is nested deeper than [`DATA_DEPTH_MAX`], or fails to serialise.
    pub fn data<T: Serialize + ?Sized>(&mut self, data: &T) -> Result<usize, EncodeError> {
        let start = self.bytes.len();
        let error =
            match (data.serialize(Serializer::within(&mut self.bytes, self.looks, 0)), self.bytes.get_mut(start)) {
                (Ok(()), Some(0x80..=0x8f | 0xde | 0xdf)) => return Ok(start),
                (Ok(()), Some(nil @ 0xc0)) => {
                    *nil = 0x80;
                    return Ok(start);
                }
                (Ok(()), _) => EncodeError::NotAnObject,
                (Err(error), _) => error,
            };
        self.fail(start, error.clone());
        Err(error)
    }

    /// Adds a field at the end of the data that begins there.
    pub(crate) fn one_more_field<T: Serialize + ?Sized>(&mut self, data: usize, key: &str, value: &T) {
        add_entry(&mut self.bytes, data);
        self.field(key, value);
    }

    /// Writes what an exception says: its type, its message, and how it came to it.
    pub fn exception(&mut self, error_type: &str, message: &str, traceback: Option<&str>) {
        self.looked_at(cut(error_type, EVENT_NAME_BYTES_MAX).0);
        self.text_cut("message", message, ERROR_MESSAGE_BYTES_MAX);
        match traceback {
            Some(traceback) => self.text_cut("traceback", traceback, TRACEBACK_BYTES_MAX),
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
    /// Something in it failed to serialise: there is no event without it.
    #[inline]
    pub fn finish(&mut self) -> Result<&[u8], EncodeError> {
        match &self.failed {
            None => Ok(&self.bytes),
            Some(error) => Err(error.clone()),
        }
    }

    /// Returns whether a text was written whose type says what is known of it.
    #[inline]
    pub(crate) const fn is_marked(&self) -> bool {
        self.bytes.is_marked
    }

    #[inline]
    fn text(&mut self, text: &str) {
        write_text(&mut self.bytes, text);
    }

    /// Writes a text that stands under no name, and is one whatever becomes of it.
    fn looked_at(&mut self, text: &str) {
        let start = self.bytes.len();
        if let Err(error) = self.looks.at_key().write(&mut self.bytes, text) {
            self.fail(start, error);
        }
    }

    /// Writes a text of an exception, which is a text whatever becomes of it.
    fn text_cut(&mut self, name: &str, text: &str, bytes_max: usize) {
        let mut shown = Cow::Borrowed(text);
        if let Some(screen) = self.looks.screen {
            let mut encoded = Vec::with_capacity(name.len() + 1);
            write_text(&mut encoded, name);
            match screen.text(&encoded, text) {
                Ok(Shown::AsItIs) => {}
                Ok(Shown::Instead(other)) => shown = Cow::Owned(other),
                Ok(Shown::Nothing) => shown = Cow::Borrowed(""),
                Err(error) => return self.fail(self.bytes.len(), error),
            }
        }
        match cut(&shown, bytes_max) {
            (text, 0) => self.text(text),
            (head, rest) => self.formatted(Looks::default(), format_args!("{head}… ({rest} bytes more)")),
        }
    }

    fn formatted(&mut self, looks: Looks<'_>, text: fmt::Arguments<'_>) {
        let start = self.bytes.len();
        if let Err(error) = looks.write_formatted(&mut self.bytes, text) {
            self.fail(start, error);
        }
    }

    /// Takes out what failed, and remembers why: the first reason is the one to tell.
    #[cold]
    fn fail(&mut self, start: usize, error: EncodeError) {
        self.bytes.truncate(start);
        self.failed.get_or_insert(error);
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
