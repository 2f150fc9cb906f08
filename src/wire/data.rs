//! `MessagePack` to JSON, without a tree of values between.

use rmp::Marker;
use serde::Serialize;

use crate::event::{EXT_I128, EXT_U128, Mark};
use crate::limits::DATA_DEPTH_MAX;

/// The bytes are not the data of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TranscodeError {
    /// A value ends beyond the end of the bytes.
    #[error("the data of the event is damaged: it ends in the middle of a value")]
    Truncated,
    /// A text is not UTF-8.
    #[error("the data of the event is damaged: a text in it is not UTF-8")]
    NotUtf8,
    /// There is no value of this kind.
    #[error("the data of the event is damaged: no value starts with the byte 0xc1")]
    NoSuchValue,
    /// The data is something else than one map.
    #[error("the data of the event is damaged: it must be one map and nothing else")]
    NotOneMap,
    /// The data is nested deeper than any encoder of ours nests it.
    #[error("the data of the event is nested deeper than {DATA_DEPTH_MAX} levels")]
    TooDeep,
    /// A map has a map or a list as a key, which itself has such a key.
    #[error("the data of the event has a map whose key is a map whose key is no plain value")]
    KeyWithinKey,
}

/// Appends the JSON text of one `MessagePack` map.
///
/// Whole numbers stay exact, those of 128 bits too; NaN and the infinities become `null`; binary data becomes a list of numbers. JSON has only
/// texts as keys: any other key is written as the text of its JSON.
///
/// # Errors
///
/// The bytes are not one `MessagePack` map. What was appended until then is still there: the caller cuts it off.
///
/// ```
/// let mut json = Vec::new();
/// lastword::wire::write_data(&mut json, b"\x81\xa3key\x93\x01\xc3\xc0")?;
/// assert_eq!(json, br#"{"key":[1,true,null]}"#);
/// # Ok::<(), lastword::wire::TranscodeError>(())
/// ```
pub fn write_data(out: &mut Vec<u8>, bytes: &[u8]) -> Result<(), TranscodeError> {
    let mut writer = Writer { input: bytes, out };
    match writer.value()? {
        Some(open) if open.map => writer.rest_of(open)?,
        _ => return Err(TranscodeError::NotOneMap),
    }
    if writer.input.is_empty() { Ok(()) } else { Err(TranscodeError::NotOneMap) }
}

/// Appends the JSON text of the value that stands at the beginning; returns what follows it.
#[cfg(feature = "otlp")]
pub(crate) fn write_value<'a>(out: &mut Vec<u8>, bytes: &'a [u8]) -> Result<&'a [u8], TranscodeError> {
    let mut writer = Writer { input: bytes, out };
    if let Some(open) = writer.value()? {
        writer.rest_of(open)?;
    }
    Ok(writer.input)
}

/// A map or a list that has been begun.
struct Open {
    map: bool,
    first: bool,
    /// Values that are still to come; a map has two for each of its entries.
    left: u64,
    /// Where its text starts in the output, if it is the key of a map.
    key_from: Option<usize>,
    /// It is a key, or within one.
    in_key: bool,
}

impl Open {
    const fn new(map: bool, count: u32) -> Self {
        let left = if map { count as u64 * 2 } else { count as u64 };
        Self { map, first: true, left, key_from: None, in_key: false }
    }

    const fn next_is_key(&self) -> bool {
        self.map && self.left.is_multiple_of(2)
    }
}

struct Writer<'a, 'o> {
    input: &'a [u8],
    out: &'o mut Vec<u8>,
}

impl<'a> Writer<'a, '_> {
    /// Writes what is within a map or a list that was begun, and closes it.
    // Always: a call of its own makes each event 2 to 5 % dearer (`benches/wire.rs`).
    #[inline(always)]
    fn rest_of(&mut self, mut open: Open) -> Result<(), TranscodeError> {
        // Flat data, by far the most common, never touches this list.
        let mut parents = Vec::new();
        loop {
            let inner = if open.left == 0 {
                self.close(&open);
                match parents.pop() {
                    Some(parent) => open = parent,
                    None => return Ok(()),
                }
                None
            } else if open.next_is_key() {
                self.key(&mut open)?
            } else {
                self.item(&mut open)?
            };
            if let Some(inner) = inner {
                // The innermost one counts too, and is not in the list.
                if parents.len() + 1 >= DATA_DEPTH_MAX {
                    return Err(TranscodeError::TooDeep);
                }
                parents.push(std::mem::replace(&mut open, inner));
            }
        }
    }

    /// Writes the next value of a list, or the value of a map's entry.
    #[inline]
    fn item(&mut self, open: &mut Open) -> Result<Option<Open>, TranscodeError> {
        if !open.map {
            self.separate(open);
        }
        open.left -= 1;
        let inner = self.value()?;
        Ok(inner.map(|inner| Open { in_key: open.in_key, ..inner }))
    }

    /// Writes the key of a map's entry; returns what it opened, if it is a map or a list itself.
    #[inline]
    fn key(&mut self, open: &mut Open) -> Result<Option<Open>, TranscodeError> {
        self.separate(open);
        open.left -= 1;
        let from = self.out.len();
        match self.value()? {
            // The text of a key that is a key already doubles its backslashes at each level: 128 of them end no program.
            Some(_) if open.in_key => Err(TranscodeError::KeyWithinKey),
            Some(inner) => Ok(Some(Open { key_from: Some(from), in_key: true, ..inner })),
            None => {
                if self.out.get(from) != Some(&b'"') {
                    self.quote(from);
                }
                self.out.push(b':');
                Ok(None)
            }
        }
    }

    #[inline]
    fn separate(&mut self, open: &mut Open) {
        if !std::mem::replace(&mut open.first, false) {
            self.out.push(b',');
        }
    }

    #[inline]
    fn close(&mut self, open: &Open) {
        self.out.push(if open.map { b'}' } else { b']' });
        if let Some(from) = open.key_from {
            self.quote(from);
            self.out.push(b':');
        }
    }

    /// Makes a text of the JSON that was written from there on.
    fn quote(&mut self, from: usize) {
        let json = self.out.split_off(from);
        self.out.extend_from_slice(b"\"");
        // JSON that was just written is UTF-8 without control characters: these two are all there is to escape.
        for byte in json {
            if matches!(byte, b'"' | b'\\') {
                self.out.push(b'\\');
            }
            self.out.push(byte);
        }
        self.out.push(b'"');
    }

    /// Writes the next value, or only its bracket where it is a map or a list, which is then returned.
    #[inline]
    fn value(&mut self) -> Result<Option<Open>, TranscodeError> {
        let [marker] = self.take::<1>()?;
        match Marker::from_u8(marker) {
            Marker::FixStr(length) => self.text(u32::from(length))?,
            Marker::Str8 => {
                let length = self.u8()?;
                self.text(length)?;
            }
            Marker::FixPos(number) => write_json(self.out, &number),
            Marker::FixNeg(number) => write_json(self.out, &number),
            Marker::True => self.out.extend_from_slice(b"true"),
            Marker::False => self.out.extend_from_slice(b"false"),
            Marker::Null => self.out.extend_from_slice(b"null"),
            Marker::U8 => self.number(u8::from_be_bytes)?,
            Marker::U16 => self.number(u16::from_be_bytes)?,
            Marker::U32 => self.number(u32::from_be_bytes)?,
            Marker::U64 => self.number(u64::from_be_bytes)?,
            Marker::I8 => self.number(i8::from_be_bytes)?,
            Marker::I16 => self.number(i16::from_be_bytes)?,
            Marker::I32 => self.number(i32::from_be_bytes)?,
            Marker::I64 => self.number(i64::from_be_bytes)?,
            Marker::F32 => self.number(f32::from_be_bytes)?,
            Marker::F64 => self.number(f64::from_be_bytes)?,
            Marker::FixMap(count) => return Ok(Some(self.open(true, u32::from(count)))),
            Marker::FixArray(count) => return Ok(Some(self.open(false, u32::from(count)))),
            marker => return self.rare_value(marker),
        }
        Ok(None)
    }

    #[cold]
    fn rare_value(&mut self, marker: Marker) -> Result<Option<Open>, TranscodeError> {
        match marker {
            Marker::Str16 => {
                let length = self.u16()?;
                self.text(length)?;
            }
            Marker::Str32 => {
                let length = self.u32()?;
                self.text(length)?;
            }
            Marker::Map16 => return self.u16().map(|count| Some(self.open(true, count))),
            Marker::Map32 => return self.u32().map(|count| Some(self.open(true, count))),
            Marker::Array16 => return self.u16().map(|count| Some(self.open(false, count))),
            Marker::Array32 => return self.u32().map(|count| Some(self.open(false, count))),
            Marker::Bin8 => {
                let length = self.u8()?;
                self.binary(length)?;
            }
            Marker::Bin16 => {
                let length = self.u16()?;
                self.binary(length)?;
            }
            Marker::Bin32 => {
                let length = self.u32()?;
                self.binary(length)?;
            }
            Marker::FixExt1 => self.extension(1)?,
            Marker::FixExt2 => self.extension(2)?,
            Marker::FixExt4 => self.extension(4)?,
            Marker::FixExt8 => self.extension(8)?,
            Marker::FixExt16 => self.extension(16)?,
            Marker::Ext8 => {
                let length = self.u8()?;
                self.extension(length)?;
            }
            Marker::Ext16 => {
                let length = self.u16()?;
                self.extension(length)?;
            }
            Marker::Ext32 => {
                let length = self.u32()?;
                self.extension(length)?;
            }
            _ => return Err(TranscodeError::NoSuchValue),
        }
        Ok(None)
    }

    #[inline]
    fn open(&mut self, map: bool, count: u32) -> Open {
        self.out.push(if map { b'{' } else { b'[' });
        Open::new(map, count)
    }

    #[inline]
    fn text(&mut self, length: u32) -> Result<(), TranscodeError> {
        let bytes = self.bytes(length)?;
        write_text(self.out, std::str::from_utf8(bytes).map_err(|_| TranscodeError::NotUtf8)?);
        Ok(())
    }

    fn binary(&mut self, length: u32) -> Result<(), TranscodeError> {
        let bytes = self.bytes(length)?;
        write_json(self.out, bytes);
        Ok(())
    }

    /// Writes the integers beyond 64 bits, and of any other extension its bytes: of its type nothing remains.
    fn extension(&mut self, length: u32) -> Result<(), TranscodeError> {
        let [of] = self.take::<1>()?;
        match (of, length) {
            (EXT_I128, 16) => self.number(i128::from_be_bytes),
            (EXT_U128, 16) => self.number(u128::from_be_bytes),
            // A text within, which the next value is: where marks matter they were taken off before.
            _ if Mark::of_code(of).is_some() => self.value().map(drop),
            _ => self.binary(length),
        }
    }

    #[inline]
    fn number<T: Serialize, const N: usize>(&mut self, read: impl FnOnce([u8; N]) -> T) -> Result<(), TranscodeError> {
        let number = read(self.take()?);
        write_json(self.out, &number);
        Ok(())
    }

    #[inline]
    fn u8(&mut self) -> Result<u32, TranscodeError> {
        self.take().map(u8::from_be_bytes).map(u32::from)
    }

    #[inline]
    fn u16(&mut self) -> Result<u32, TranscodeError> {
        self.take().map(u16::from_be_bytes).map(u32::from)
    }

    #[inline]
    fn u32(&mut self) -> Result<u32, TranscodeError> {
        self.take().map(u32::from_be_bytes)
    }

    #[inline]
    fn take<const N: usize>(&mut self) -> Result<[u8; N], TranscodeError> {
        let (taken, rest) = self.input.split_first_chunk::<N>().ok_or(TranscodeError::Truncated)?;
        self.input = rest;
        Ok(*taken)
    }

    #[inline]
    fn bytes(&mut self, length: u32) -> Result<&'a [u8], TranscodeError> {
        let (taken, rest) = self.input.split_at_checked(length as usize).ok_or(TranscodeError::Truncated)?;
        self.input = rest;
        Ok(taken)
    }
}

/// Appends a text as JSON.
#[inline]
pub(super) fn write_text(out: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    // Without an early exit, so that it is done in words of a whole vector.
    let plain = !bytes.iter().fold(false, |found, &byte| found | (byte < 0x20) | (byte == b'"') | (byte == b'\\'));
    if plain {
        out.reserve(bytes.len() + 2);
        out.push(b'"');
        out.extend_from_slice(bytes);
        out.push(b'"');
    } else {
        write_json(out, text);
    }
}

/// Appends a value as JSON: a number, a text or a list of bytes.
#[inline]
pub(super) fn write_json<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    // None of these fails to serialise, and writing to a `Vec` does not fail.
    let _ = serde_json::to_writer(out, value);
}

#[cfg(test)]
#[path = "data_tests.rs"]
mod tests;
