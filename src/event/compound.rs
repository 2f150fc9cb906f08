//! Lists, maps and structs while they are serialised.
//!
//! The count that stands in a header and what was written agree, or it is an error.

use serde::ser::{self, Serialize};

use super::EncodeError;
use super::pack::{Output, close, open, write_long_header, write_text};
use super::screen::{HIDDEN, Looks};
use super::serialize::{Room, Serializer};

/// Writes the header of a container whose short form is `fix` and whose form of 16 bits is `marker`.
#[inline]
fn header(out: &mut Vec<u8>, fix: u8, marker: u8, count: Option<usize>, each: usize) -> Result<End, EncodeError> {
    let Some(count) = count else { return Ok(End::Patched(open(out, marker + 1))) };
    #[allow(clippy::cast_possible_truncation)]
    match u32::try_from(count) {
        Ok(short @ 0..16) => out.push(fix | short as u8),
        Ok(long) => write_long_header(out, marker, long),
        Err(_) => return Err(EncodeError::TooLong(count)),
    }
    Ok(End::Announced(count.saturating_mul(each)))
}

/// What is to be done when a container ends.
#[derive(Debug, Clone, Copy)]
enum End {
    /// Its length stands already: so many values, of which a map has two an entry.
    Announced(usize),
    /// Its header begins there, and lacks the count.
    Patched(usize),
    /// Nothing: what is in it is hidden.
    Hidden,
}

/// A list, map or struct that has been begun.
#[derive(Debug)]
pub(super) struct Compound<'a> {
    out: &'a mut Output,
    looks: Looks<'a>,
    room: Room,
    end: End,
    written: usize,
    /// The value of the key that was written last is hidden.
    hides_value: bool,
    /// Where that key begins.
    key_at: usize,
}

impl<'a> Compound<'a> {
    /// Begins a list of so many values, or of as many as will come.
    #[inline]
    pub(super) fn list(
        out: &'a mut Output,
        looks: Looks<'a>,
        room: Room,
        length: Option<usize>,
    ) -> Result<Self, EncodeError> {
        let end = header(out, 0x90, 0xdc, length, 1)?;
        Ok(Self { out, looks, room, end, written: 0, hides_value: false, key_at: 0 })
    }

    /// Begins a map of so many entries, or of as many as will come.
    #[inline]
    pub(super) fn map(
        out: &'a mut Output,
        looks: Looks<'a>,
        room: Room,
        entries: Option<usize>,
    ) -> Result<Self, EncodeError> {
        let end = header(out, 0x80, 0xde, entries, 2)?;
        Ok(Self { out, looks, room, end, written: 0, hides_value: false, key_at: 0 })
    }

    /// Begins something of which nobody may see anything.
    #[cold]
    pub(super) fn hidden(out: &'a mut Output, looks: Looks<'a>, room: Room) -> Self {
        write_text(out, HIDDEN);
        Self { out, looks, room, end: End::Hidden, written: 0, hides_value: false, key_at: 0 }
    }

    /// Writes one value. Who goes on after its error goes on without it, in a container that is whole.
    #[inline]
    fn value<T: Serialize + ?Sized>(&mut self, looks: Looks<'_>, value: &T) -> Result<(), EncodeError> {
        if matches!(self.end, End::Hidden) {
            return Ok(());
        }
        let start = self.out.len();
        match value.serialize(Serializer::with_room(&mut *self.out, looks, self.room)) {
            Ok(()) => {
                self.written += 1;
                Ok(())
            }
            Err(error) => {
                self.out.truncate(start);
                Err(error)
            }
        }
    }

    #[inline]
    fn field<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Result<(), EncodeError> {
        if matches!(self.end, End::Hidden) {
            return Ok(());
        }
        let start = self.out.len();
        write_text(self.out, key);
        if self.looks.hides(key.into()) {
            self.hide();
        } else {
            self.value(self.looks.under(start), value).inspect_err(|_| self.out.truncate(start))?;
        }
        self.written += 1;
        Ok(())
    }

    /// Writes what stands for a value that nobody may see, and runs no code of that value's.
    #[cold]
    fn hide(&mut self) {
        write_text(self.out, HIDDEN);
        self.written += 1;
    }

    #[inline]
    fn finish(self, each: usize) -> Result<(), EncodeError> {
        match self.end {
            End::Hidden => Ok(()),
            _ if !self.written.is_multiple_of(each) => Err(EncodeError::UnpairedKey),
            End::Announced(announced) if announced == self.written => Ok(()),
            End::Announced(announced) => {
                Err(EncodeError::WrongLength { announced: announced / each, written: self.written / each })
            }
            End::Patched(start) => close(self.out, start, self.written / each),
        }
    }
}

macro_rules! lists {
    ($($trait:ident::$method:ident),*) => {$(
        impl ser::$trait for Compound<'_> {
            type Ok = ();
            type Error = EncodeError;

            #[inline]
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
                self.value(self.looks, value)
            }

            #[inline]
            fn end(self) -> Result<(), EncodeError> {
                self.finish(1)
            }
        }
    )*};
}

lists!(
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field
);

macro_rules! structs {
    ($($trait:ident),*) => {$(
        impl ser::$trait for Compound<'_> {
            type Ok = ();
            type Error = EncodeError;

            #[inline]
            fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), EncodeError> {
                self.field(key, value)
            }

            #[inline]
            fn end(self) -> Result<(), EncodeError> {
                self.finish(2)
            }
        }
    )*};
}

structs!(SerializeStruct, SerializeStructVariant);

impl ser::SerializeMap for Compound<'_> {
    type Ok = ();
    type Error = EncodeError;

    #[inline]
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), EncodeError> {
        if !self.written.is_multiple_of(2) {
            return Err(EncodeError::UnpairedKey);
        }
        let key_at = self.out.len();
        self.value(self.looks.at_key(), key)?;
        self.hides_value = self.looks.hides_written(self.out, key_at);
        self.key_at = key_at;
        Ok(())
    }

    #[inline]
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        if self.written.is_multiple_of(2) {
            return Err(EncodeError::UnpairedKey);
        }
        if std::mem::take(&mut self.hides_value) {
            self.hide();
            return Ok(());
        }
        self.value(self.looks.under(self.key_at), value)
    }

    #[inline]
    fn end(self) -> Result<(), EncodeError> {
        self.finish(2)
    }
}
