//! The pieces of `MessagePack`, each in its shortest form.

use std::fmt;
use std::ops::{Deref, DerefMut};

use super::EncodeError;

/// What an event is encoded into.
#[derive(Debug, Default)]
pub(super) struct Output {
    pub(super) bytes: Vec<u8>,
    /// There is a text in it whose type says what is known of it.
    pub(super) is_marked: bool,
}

impl Deref for Output {
    type Target = Vec<u8>;

    #[inline]
    fn deref(&self) -> &Vec<u8> {
        &self.bytes
    }
}

impl DerefMut for Output {
    #[inline]
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }
}

/// Appends a text.
#[inline]
pub(super) fn write_text(out: &mut Vec<u8>, text: &str) {
    let length = text.len();
    // The two short forms, written without a detour: they are nearly all there are.
    #[allow(clippy::cast_possible_truncation)]
    if length < 32 {
        out.push(0xa0 | length as u8);
    } else if length < 256 {
        out.extend_from_slice(&[0xd9, length as u8]);
    } else {
        // A text of 4 GiB makes a damaged event, which is refused by its size before anybody reads it.
        write_long_header(out, 0xda, length as u32);
    }
    out.extend_from_slice(text.as_bytes());
}

/// Appends a number as a text of hexadecimal digits.
#[inline]
pub(super) fn write_hex<const BYTES: usize>(out: &mut Vec<u8>, number: [u8; BYTES]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut pairs = [[0; 2]; BYTES];
    for (pair, byte) in pairs.iter_mut().zip(number) {
        *pair = [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]];
    }
    let digits = pairs.as_flattened();
    #[allow(clippy::cast_possible_truncation)]
    match digits.len() as u8 {
        short @ ..32 => out.push(0xa0 | short),
        long => out.extend_from_slice(&[0xd9, long]),
    }
    out.extend_from_slice(digits);
}

/// Appends text whose length is known only afterwards.
///
/// # Errors
///
/// A `Display` or `Debug` in it failed, or it is too long. What was appended until then is still there.
pub(super) fn write_formatted(out: &mut Vec<u8>, text: fmt::Arguments<'_>) -> Result<(), EncodeError> {
    if let Some(text) = text.as_str() {
        write_text(out, text);
        return Ok(());
    }
    let start = open(out, 0xdb);
    if fmt::write(&mut Text(out), text).is_err() {
        return Err(EncodeError::Serialize("its `Display` or `Debug` returned an error".into()));
    }
    let length = out.len() - start - HEADER_BYTES;
    close(out, start, length)
}

/// Takes the text as it comes. The buffer's own `io::Write` panics where a `Display` fails.
struct Text<'a>(&'a mut Vec<u8>);

impl fmt::Write for Text<'_> {
    #[inline]
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

/// Bytes of the longest header: a marker and 32 bits.
const HEADER_BYTES: usize = 5;

/// Begins a value whose length comes later, and returns where it begins.
#[inline]
pub(super) fn open(out: &mut Vec<u8>, marker: u8) -> usize {
    let start = out.len();
    out.extend_from_slice(&[marker, 0, 0, 0, 0]);
    start
}

/// Writes the length of the value that begins there.
pub(super) fn close(out: &mut [u8], start: usize, length: usize) -> Result<(), EncodeError> {
    let count = u32::try_from(length).map_err(|_| EncodeError::TooLong(length))?;
    if let Some(place) = out.get_mut(start + 1..start + HEADER_BYTES) {
        place.copy_from_slice(&count.to_be_bytes());
    }
    Ok(())
}

/// Appends a header with a length of 16 bits, or, by the marker that follows, of 32.
#[inline]
pub(super) fn write_long_header(out: &mut Vec<u8>, marker: u8, length: u32) {
    match u16::try_from(length) {
        Ok(length) => write_number(out, marker, length.to_be_bytes()),
        Err(_) => write_number(out, marker + 1, length.to_be_bytes()),
    }
}

#[inline]
pub(super) fn write_number<const N: usize>(out: &mut Vec<u8>, marker: u8, bytes: [u8; N]) {
    // As one piece, so that room is looked for once.
    let mut whole = [0; 17];
    whole[0] = marker;
    whole[1..=N].copy_from_slice(&bytes);
    out.extend_from_slice(&whole[..=N]);
}

#[inline]
pub(super) fn write_unsigned(out: &mut Vec<u8>, number: u64) {
    #[allow(clippy::cast_possible_truncation)]
    match number {
        0..=0x7f => out.push(number as u8),
        0x80..=0xff => write_number(out, 0xcc, (number as u8).to_be_bytes()),
        0x100..=0xffff => write_number(out, 0xcd, (number as u16).to_be_bytes()),
        0x1_0000..=0xffff_ffff => write_number(out, 0xce, (number as u32).to_be_bytes()),
        _ => write_number(out, 0xcf, number.to_be_bytes()),
    }
}

#[inline]
pub(super) fn write_signed(out: &mut Vec<u8>, number: i64) {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    match number {
        0.. => write_unsigned(out, number as u64),
        -0x20..0 => out.push(number as u8),
        -0x80..-0x20 => write_number(out, 0xd0, (number as i8).to_be_bytes()),
        -0x8000..-0x80 => write_number(out, 0xd1, (number as i16).to_be_bytes()),
        -0x8000_0000..-0x8000 => write_number(out, 0xd2, (number as i32).to_be_bytes()),
        _ => write_number(out, 0xd3, number.to_be_bytes()),
    }
}

/// Counts one entry more in the header of the map that begins there.
pub(super) fn add_entry(out: &mut Vec<u8>, map: usize) {
    let Some(&marker) = out.get(map) else { return };
    let width = match marker {
        0x80..=0x8e => {
            out[map] += 1;
            return;
        }
        // The longest of the short headers: there is one of 32 bits for more.
        0x8f => 0,
        0xde => 2,
        _ => 4,
    };
    let Some(count) = out.get(map + 1..=map + width) else { return };
    let count = if width == 0 { 15 } else { count.iter().fold(0_u32, |count, byte| count << 8 | u32::from(*byte)) };
    let header = count.saturating_add(1).to_be_bytes();
    out.splice(map..=map + width, [&[0xdf][..], &header].concat());
}

/// What a value is, as its first byte says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A number, a boolean, nil: so many bytes follow.
    Plain,
    /// So many bytes follow, which are UTF-8.
    Text,
    /// So many bytes follow.
    Bytes,
    /// So many values follow.
    List,
    /// So many names with their values follow.
    Map,
    /// A type of one byte follows, and then so many bytes.
    Extension,
}

/// How much follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Length {
    /// So much.
    Is(usize),
    /// It is said in so many bytes.
    In(usize),
}

/// Reads the first byte of a value.
pub(super) const fn read_header(marker: u8) -> (Kind, Length) {
    use Length::{In, Is};
    match marker {
        0x80..=0x8f => (Kind::Map, Is(marker as usize & 15)),
        0x90..=0x9f => (Kind::List, Is(marker as usize & 15)),
        0xa0..=0xbf => (Kind::Text, Is(marker as usize & 31)),
        0xc4..=0xc6 => (Kind::Bytes, In(1 << (marker - 0xc4))),
        0xc7..=0xc9 => (Kind::Extension, In(1 << (marker - 0xc7))),
        0xca | 0xcb => (Kind::Plain, Is(4 << (marker - 0xca))),
        0xcc..=0xcf => (Kind::Plain, Is(1 << (marker - 0xcc))),
        0xd0..=0xd3 => (Kind::Plain, Is(1 << (marker - 0xd0))),
        0xd4..=0xd8 => (Kind::Extension, Is(1 << (marker - 0xd4))),
        0xd9..=0xdb => (Kind::Text, In(1 << (marker - 0xd9))),
        0xdc | 0xdd => (Kind::List, In(2 << (marker - 0xdc))),
        0xde | 0xdf => (Kind::Map, In(2 << (marker - 0xde))),
        _ => (Kind::Plain, Is(0)),
    }
}
