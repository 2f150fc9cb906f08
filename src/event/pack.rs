//! The pieces of `MessagePack`, each in its shortest form.

use std::fmt;
use std::num::NonZeroU64;
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

/// Appends the ids of a span: three fields, whose places are known, or two.
#[inline]
pub(super) fn write_span_ids(out: &mut Vec<u8>, trace_id: u128, span_id: u64, parent_span_id: Option<NonZeroU64>) {
    // Behind each name a text of 32 or of 16 digits. They are put where they belong once the rest is there: what is written in small
    // pieces and then copied in larger ones is waited for.
    const PARENT: &[u8; 32] = b"\xaeparent_span_id\xb0----------------";
    const OWN: &[u8; 68] = b"\xa8trace_id\xd9\x20--------------------------------\xa7span_id\xb0----------------";
    #[allow(clippy::cast_possible_truncation)]
    let (high, low) = ((trace_id >> 64) as u64, trace_id as u64);
    out.extend_from_slice(OWN);
    if let Some(ids) = out.last_chunk_mut::<{ OWN.len() }>() {
        ids[11..27].copy_from_slice(&hex(high));
        ids[27..43].copy_from_slice(&hex(low));
        ids[52..].copy_from_slice(&hex(span_id));
    }
    if let Some(parent) = parent_span_id {
        out.extend_from_slice(PARENT);
        if let Some(ids) = out.last_chunk_mut::<{ PARENT.len() }>() {
            ids[16..].copy_from_slice(&hex(parent.get()));
        }
    }
}

/// Returns the hexadecimal digits of a number.
#[inline]
fn hex(number: u64) -> [u8; 16] {
    let [high, low] = [number >> 32, number & 0xffff_ffff].map(|half| digits(half).to_be_bytes());
    let mut all = [0; 16];
    all[..8].copy_from_slice(&high);
    all[8..].copy_from_slice(&low);
    all
}

/// Returns the eight digits of 32 bits, all of them worked out at once: a byte of a wider number each.
#[inline]
const fn digits(number: u64) -> u64 {
    const EACH: u64 = u64::MAX / 0xff;
    let mut digits = number;
    digits = (digits | digits << 16) & 0x0000_ffff_0000_ffff;
    digits = (digits | digits << 8) & 0x00ff_00ff_00ff_00ff;
    digits = (digits | digits << 4) & (EACH * 0x0f);
    // Those from 10 on are letters, which stand 39 places further on.
    let letters = ((digits + EACH * 6) >> 4) & EACH;
    digits + EACH * b'0' as u64 + letters * 39
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digits_of_a_number_are_those_of_the_standard_library() {
        for number in [0, 1, 9, 10, 15, 16, 0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210, u64::MAX, 1 << 63] {
            assert_eq!(hex(number), *format!("{number:016x}").as_bytes());
        }
    }

    #[test]
    fn the_ids_of_a_span_are_fields_like_others() {
        let (trace_id, span_id) = (0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c, 0xb7ad_6b71_6920_3331);
        let mut expected = Vec::new();
        for text in ["trace_id", "0af7651916cd43dd8448eb211c80319c", "span_id", "b7ad6b7169203331"] {
            write_text(&mut expected, text);
        }
        let mut out = Vec::new();
        write_span_ids(&mut out, trace_id, span_id, None);
        assert_eq!(out, expected);
        out.clear();
        write_span_ids(&mut out, trace_id, span_id, NonZeroU64::new(7));
        write_text(&mut expected, "parent_span_id");
        write_text(&mut expected, "0000000000000007");
        assert_eq!(out, expected);
    }
}
