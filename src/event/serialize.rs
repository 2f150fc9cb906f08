//! Anything that is `Serialize`, as `MessagePack`, straight into one buffer.
//!
//! What comes out reads as the JSON that `serde_json` makes of the same value: human-readable forms (a UUID, an address or
//! a time is its text), structs as maps, enums tagged from outside, newtypes and `Some` as what is in them, `()` and `None`
//! as nil. Keys of maps may be anything; they become texts where JSON is made.
//!
//! # Invariants
//!
//! - What was appended by a call that succeeded is exactly one value, whatever the value's own `Serialize` did: an entry
//!   that failed is taken out again, and a container that doesn't hold what it announced is an error.
//! - A container of unknown length is not buffered: it gets its longest header, and its count at its end.
//! - The stack that is used is bounded: beyond [`DATA_DEPTH_MAX`] containers or [`DATA_WRAPPERS_MAX`] newtypes and `Some`s
//!   around one value it is an error. A `Serialize` that calls itself without a serializer between is out of its reach.
//!
//! # Format
//!
//! `MessagePack` has no integers beyond 64 bits. Those that fit are plain integers; the others are extensions of 16 bytes,
//! big-endian, of the types [`EXT_I128`] (signed) and [`EXT_U128`] (unsigned). A text whose type says what is known of it
//! stands in an extension too: see [`Mark`].

use std::fmt;

use serde::ser::{self, Serialize};

use super::EncodeError;
use super::compound::Compound;
use super::mark::{INPUT_NAME, Mark};
use super::pack::{Output, write_long_header, write_number, write_signed, write_text, write_unsigned};
use super::screen::{HIDDEN, Looks};
use crate::limits::{DATA_DEPTH_MAX, DATA_WRAPPERS_MAX};

/// The type of the extension that holds an `i128` beyond 64 bits.
pub(crate) const EXT_I128: u8 = b'I';
/// The type of the extension that holds a `u128` beyond 64 bits.
pub(crate) const EXT_U128: u8 = b'U';

/// What of the stack is left for the values within one value.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    containers: usize,
    wrappers: usize,
}

/// Writes one value. It is moved on into what is nested, so that an error leaves nothing to set right.
#[derive(Debug)]
pub(super) struct Serializer<'a> {
    out: &'a mut Output,
    looks: Looks<'a>,
    room: Room,
}

impl<'a> Serializer<'a> {
    /// Starts a value that has as many containers around it already.
    #[inline]
    pub(super) const fn within(out: &'a mut Output, looks: Looks<'a>, containers: usize) -> Self {
        Self { out, looks, room: Room { containers: DATA_DEPTH_MAX - containers, wrappers: DATA_WRAPPERS_MAX } }
    }

    #[inline]
    pub(super) const fn with_room(out: &'a mut Output, looks: Looks<'a>, room: Room) -> Self {
        Self { out, looks, room }
    }

    #[inline]
    fn container(&mut self) -> Result<(), EncodeError> {
        self.room.containers = self.room.containers.checked_sub(1).ok_or(EncodeError::TooDeep)?;
        Ok(())
    }

    #[inline]
    fn wrapped<T: Serialize + ?Sized>(mut self, value: &T) -> Result<(), EncodeError> {
        self.room.wrappers = self.room.wrappers.checked_sub(1).ok_or(EncodeError::TooDeep)?;
        value.serialize(self)
    }

    /// Starts the map of one entry that an enum's variant with data is.
    #[inline]
    fn variant(&mut self, name: &str) -> Result<(), EncodeError> {
        self.container()?;
        self.out.push(0x81);
        self.looks = self.looks.under(self.out.len());
        write_text(self.out, name);
        Ok(())
    }

    /// Writes a text, and what its type says of it, for sinks that ask.
    fn marked<T: Serialize + ?Sized>(self, mark: Mark, value: &T) -> Result<(), EncodeError> {
        let Self { out, looks, room } = self;
        let start = out.len();
        let looks = if mark == Mark::Personal { looks.at_person() } else { looks };
        value.serialize(Serializer { out: &mut *out, looks, room })?;
        mark.put_before(out, start);
        Ok(())
    }

    #[inline]
    fn list(mut self, length: Option<usize>) -> Result<Compound<'a>, EncodeError> {
        self.container()?;
        Compound::list(self.out, self.looks, self.room, length)
    }

    #[inline]
    fn map(mut self, entries: Option<usize>) -> Result<Compound<'a>, EncodeError> {
        self.container()?;
        Compound::map(self.out, self.looks, self.room, entries)
    }
}

macro_rules! plain {
    ($($method:ident($type:ty) => $write:ident as $wide:ty;)*) => {$(
        #[inline]
        fn $method(self, value: $type) -> Result<(), EncodeError> {
            $write(self.out, <$wide>::from(value));
            Ok(())
        }
    )*};
}

impl<'a> ser::Serializer for Serializer<'a> {
    type Ok = ();
    type Error = EncodeError;
    type SerializeSeq = Compound<'a>;
    type SerializeTuple = Compound<'a>;
    type SerializeTupleStruct = Compound<'a>;
    type SerializeTupleVariant = Compound<'a>;
    type SerializeMap = Compound<'a>;
    type SerializeStruct = Compound<'a>;
    type SerializeStructVariant = Compound<'a>;

    plain! {
        serialize_i8(i8) => write_signed as i64;
        serialize_i16(i16) => write_signed as i64;
        serialize_i32(i32) => write_signed as i64;
        serialize_i64(i64) => write_signed as i64;
        serialize_u8(u8) => write_unsigned as u64;
        serialize_u16(u16) => write_unsigned as u64;
        serialize_u32(u32) => write_unsigned as u64;
        serialize_u64(u64) => write_unsigned as u64;
    }

    fn serialize_i128(self, value: i128) -> Result<(), EncodeError> {
        match (i64::try_from(value), u64::try_from(value)) {
            (Ok(number), _) => write_signed(self.out, number),
            (_, Ok(number)) => write_unsigned(self.out, number),
            _ => {
                self.out.extend_from_slice(&[0xd8, EXT_I128]);
                self.out.extend_from_slice(&value.to_be_bytes());
            }
        }
        Ok(())
    }

    fn serialize_u128(self, value: u128) -> Result<(), EncodeError> {
        if let Ok(number) = u64::try_from(value) {
            write_unsigned(self.out, number);
        } else {
            self.out.extend_from_slice(&[0xd8, EXT_U128]);
            self.out.extend_from_slice(&value.to_be_bytes());
        }
        Ok(())
    }

    #[inline]
    fn serialize_bool(self, value: bool) -> Result<(), EncodeError> {
        self.out.push(0xc2 | u8::from(value));
        Ok(())
    }

    #[inline]
    fn serialize_f32(self, value: f32) -> Result<(), EncodeError> {
        write_number(self.out, 0xca, value.to_be_bytes());
        Ok(())
    }

    #[inline]
    fn serialize_f64(self, value: f64) -> Result<(), EncodeError> {
        write_number(self.out, 0xcb, value.to_be_bytes());
        Ok(())
    }

    #[inline]
    fn serialize_char(self, value: char) -> Result<(), EncodeError> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    #[inline]
    fn serialize_str(self, value: &str) -> Result<(), EncodeError> {
        self.looks.write(self.out, value)
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), EncodeError> {
        let shown = self.looks.bytes(self.out, value)?;
        let value = shown.as_deref().unwrap_or(value);
        let length = u32::try_from(value.len()).map_err(|_| EncodeError::TooLong(value.len()))?;
        match u8::try_from(length) {
            Ok(short) => self.out.extend_from_slice(&[0xc4, short]),
            Err(_) => write_long_header(self.out, 0xc5, length),
        }
        self.out.extend_from_slice(value);
        Ok(())
    }

    #[inline]
    fn serialize_unit(self) -> Result<(), EncodeError> {
        self.out.push(0xc0);
        Ok(())
    }

    #[inline]
    fn serialize_none(self) -> Result<(), EncodeError> {
        self.serialize_unit()
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), EncodeError> {
        self.wrapped(value)
    }

    #[inline]
    fn serialize_unit_struct(self, _: &'static str) -> Result<(), EncodeError> {
        self.serialize_unit()
    }

    #[inline]
    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), EncodeError> {
        // It is a name of the program's, and no data.
        write_text(self.out, variant);
        Ok(())
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Result<(), EncodeError> {
        match Mark::of(name) {
            Some(mark) => self.marked(mark, value),
            None if name == INPUT_NAME && !self.looks.shows_input() => self.serialize_unit(),
            None => self.wrapped(value),
        }
    }

    #[inline]
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        mut self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), EncodeError> {
        self.variant(variant)?;
        if self.looks.hides(variant.into()) {
            write_text(self.out, HIDDEN);
            return Ok(());
        }
        value.serialize(self)
    }

    #[inline]
    fn serialize_seq(self, length: Option<usize>) -> Result<Compound<'a>, EncodeError> {
        self.list(length)
    }

    #[inline]
    fn serialize_tuple(self, length: usize) -> Result<Compound<'a>, EncodeError> {
        self.list(Some(length))
    }

    #[inline]
    fn serialize_tuple_struct(self, _: &'static str, length: usize) -> Result<Compound<'a>, EncodeError> {
        self.list(Some(length))
    }

    #[inline]
    fn serialize_tuple_variant(
        mut self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Compound<'a>, EncodeError> {
        self.variant(variant)?;
        if self.looks.hides(variant.into()) {
            return Ok(Compound::hidden(self.out, self.looks, self.room));
        }
        self.list(Some(length))
    }

    #[inline]
    fn serialize_map(self, entries: Option<usize>) -> Result<Compound<'a>, EncodeError> {
        self.map(entries)
    }

    #[inline]
    fn serialize_struct(self, _: &'static str, fields: usize) -> Result<Compound<'a>, EncodeError> {
        self.map(Some(fields))
    }

    #[inline]
    fn serialize_struct_variant(
        mut self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        fields: usize,
    ) -> Result<Compound<'a>, EncodeError> {
        self.variant(variant)?;
        if self.looks.hides(variant.into()) {
            return Ok(Compound::hidden(self.out, self.looks, self.room));
        }
        self.map(Some(fields))
    }

    fn collect_str<T: fmt::Display + ?Sized>(self, value: &T) -> Result<(), EncodeError> {
        self.looks.write_formatted(self.out, format_args!("{value}"))
    }
}
