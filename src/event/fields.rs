//! Which fields of an event a sink is given.

use super::encode::Tag;
use super::mark::Mark;
use super::pack::{Kind, Length, close, open, read_header, write_text};
use super::view::{DecodeError, Reader};
use super::{EventKind, read_text};
use crate::limits::{DATA_DEPTH_MAX, SAFE_STR_CHARS_MAX};

/// Which fields of an event a sink is given. What it is not given is left out: an entry of a map with its name, an item of a
/// list as null.
///
/// The texts that are meant are `privacy::SafeStr` and `privacy::PiiStr`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
#[non_exhaustive]
pub enum FieldPolicy {
    /// Numbers, booleans, and texts that were checked to name a thing of the program's; of an error, its type. For systems
    /// that others operate, or that count.
    SafeOnly,
    /// All but texts that are said to be about a person.
    #[default]
    Redacted,
    /// All, with texts about persons.
    Personal,
}

impl FieldPolicy {
    /// Returns whether an event reads differently under it than it was encoded.
    #[inline]
    pub(crate) const fn applies_to(self, tag: Tag) -> bool {
        tag.marked
            || (matches!(self, Self::SafeOnly)
                && matches!(tag.kind, EventKind::Generic | EventKind::UnhandledException))
    }

    /// Appends the event as a sink is given it: marks are taken off.
    ///
    /// # Errors
    ///
    /// The bytes are no event of this kind.
    pub(crate) fn select(self, tag: Tag, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), DecodeError> {
        let mut reader = Reader(bytes);
        let whole = |reader: &Reader<'_>| &bytes[..bytes.len() - reader.0.len()];
        reader.u64()?;
        match tag.kind {
            EventKind::Generic => {
                reader.text()?;
                out.extend_from_slice(whole(&reader));
                Selection { policy: self, input: reader.0, out }.value(0)
            }
            EventKind::UnhandledException if self == Self::SafeOnly => {
                reader.text()?;
                out.extend_from_slice(whole(&reader));
                write_text(out, "");
                out.push(0xc0);
                Ok(())
            }
            EventKind::UnhandledException | EventKind::SessionStart | EventKind::SessionEnd => {
                out.extend_from_slice(bytes);
                Ok(())
            }
        }
    }
}

/// What is read, and what of it is written.
struct Selection<'a, 'o> {
    policy: FieldPolicy,
    input: &'a [u8],
    out: &'o mut Vec<u8>,
}

impl<'a> Selection<'a, '_> {
    /// Writes the next value, or null in its place.
    fn value(&mut self, depth: usize) -> Result<(), DecodeError> {
        if !self.kept(depth)? {
            self.out.push(0xc0);
        }
        Ok(())
    }

    /// Writes the next value; or nothing, if it is not for this sink.
    fn kept(&mut self, depth: usize) -> Result<bool, DecodeError> {
        let start = self.input;
        let (kind, count) = self.header()?;
        match kind {
            Kind::Map | Kind::List if depth > DATA_DEPTH_MAX => return Err(DecodeError::TOO_DEEP),
            Kind::Map => {
                let at = open(self.out, 0xdf);
                let mut kept = 0;
                for _ in 0..count {
                    kept += usize::from(self.entry(depth + 1)?);
                }
                close(self.out, at, kept).map_err(|_| DecodeError::TOO_LONG)?;
            }
            Kind::List => {
                let at = open(self.out, 0xdd);
                for _ in 0..count {
                    self.value(depth + 1)?;
                }
                close(self.out, at, count).map_err(|_| DecodeError::TOO_LONG)?;
            }
            Kind::Extension => {
                let [code] = *self.take(1)? else { return Err(DecodeError::CUT_OFF) };
                let inner = self.take(count)?;
                let Some(mark) = Mark::of_code(code) else {
                    self.copy(start);
                    return Ok(true);
                };
                if mark == Mark::Personal && self.policy != FieldPolicy::Personal {
                    return Ok(false);
                }
                self.out.extend_from_slice(inner);
            }
            Kind::Text | Kind::Bytes => {
                self.take(count)?;
                if self.policy == FieldPolicy::SafeOnly {
                    return Ok(false);
                }
                self.copy(start);
            }
            Kind::Plain => {
                self.take(count)?;
                self.copy(start);
            }
        }
        Ok(true)
    }

    /// Writes the next entry of a map, if its value is for this sink, and its name names a thing of the program's.
    fn entry(&mut self, depth: usize) -> Result<bool, DecodeError> {
        let (at, asked) = (self.out.len(), self.policy);
        // That a name was checked is nowhere said: how it looks decides.
        let is_strict = asked == FieldPolicy::SafeOnly;
        self.policy = if is_strict { FieldPolicy::Redacted } else { asked };
        let is_named = self.kept(depth)?;
        self.policy = asked;
        let value = self.input;
        let is_named = is_named && (!is_strict || read_text(&self.out[at..]).is_some_and(is_name));
        let is_kept = (self.kept(depth)? || self.is_id_of_trace(at, value)) && is_named;
        if !is_kept {
            self.out.truncate(at);
        }
        Ok(is_kept)
    }

    /// Writes the id of a trace or of a span, which is made up of digits and tells nothing, and returns whether it is one: `at` is
    /// where the name was written, `value` what began with it.
    fn is_id_of_trace(&mut self, at: usize, value: &[u8]) -> bool {
        let digits = match read_text(&self.out[at..]) {
            Some("trace_id") => 32,
            Some("span_id" | "parent_span_id") => 16,
            _ => return false,
        };
        let is_id = read_text(value)
            .is_some_and(|text| text.len() == digits && text.bytes().all(|byte| byte.is_ascii_hexdigit()));
        if is_id {
            self.copy(value);
        }
        is_id
    }

    /// Reads a header: what follows, and how many bytes or items of it.
    fn header(&mut self) -> Result<(Kind, usize), DecodeError> {
        let [marker] = *self.take(1)? else { return Err(DecodeError::CUT_OFF) };
        let (kind, length) = read_header(marker);
        let count = match length {
            Length::Is(count) => count,
            Length::In(bytes) => self.take(bytes)?.iter().fold(0, |count, byte| count << 8 | usize::from(*byte)),
        };
        Ok((kind, count))
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], DecodeError> {
        let (taken, rest) = self.input.split_at_checked(count).ok_or(DecodeError::CUT_OFF)?;
        self.input = rest;
        Ok(taken)
    }

    /// Writes what was read since then as it is.
    fn copy(&mut self, start: &[u8]) {
        self.out.extend_from_slice(&start[..start.len() - self.input.len()]);
    }
}

/// Whether the key of a map names a thing of the program's, as far as that is to be seen.
fn is_name(key: &str) -> bool {
    key.len() <= SAFE_STR_CHARS_MAX && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.:".contains(&byte))
}
