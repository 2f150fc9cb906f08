//! What the type of a text says of it, kept beside the text until it is known which sink it is for.
//!
//! # Format
//!
//! An extension of the type [`Mark::code`], whose bytes are the text as a `MessagePack` value.

use super::pack::{Kind, Output, read_header, write_text};

/// What is known of a text by its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    /// It was checked: it names a thing of the program's.
    Safe,
    /// It is about a person.
    Personal,
}

/// The name that what a tool was given serialises under, as a newtype.
pub(crate) const INPUT_NAME: &str = "$lastword::ToolInput";

impl Mark {
    const ALL: [Self; 2] = [Self::Safe, Self::Personal];

    /// The name that a type which says so serialises under, as a newtype; other formats leave it away.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Safe => "$lastword::SafeStr",
            Self::Personal => "$lastword::PiiStr",
        }
    }

    #[inline]
    pub(super) fn of(name: &str) -> Option<Self> {
        // One comparison tells it from nearly all names of types.
        name.starts_with('$').then(|| Self::ALL.into_iter().find(|mark| mark.name() == name)).flatten()
    }

    /// The type of the extension.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Safe => b'S',
            Self::Personal => b'P',
        }
    }

    pub(crate) fn of_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|mark| mark.code() == code)
    }

    /// Returns the text that these bytes begin with, encoded, if it is marked.
    pub(super) fn inner(bytes: &[u8]) -> Option<&[u8]> {
        let code_at = match *bytes.first()? {
            0xc7 => 2,
            0xc8 => 3,
            0xc9 => 5,
            _ => return None,
        };
        Self::of_code(*bytes.get(code_at)?)?;
        bytes.get(code_at + 1..)
    }

    /// Writes a text, marked.
    #[inline]
    pub(super) fn write(self, out: &mut Output, text: &str) {
        // The text with its own header, in the shortest form of both; others are put together from what there is.
        #[allow(clippy::cast_possible_truncation)]
        match text.len() as u8 {
            short if text.len() < 32 => out.extend_from_slice(&[0xc7, short + 1, self.code(), 0xa0 | short]),
            length if text.len() < 0xfe => out.extend_from_slice(&[0xc7, length + 2, self.code(), 0xd9, length]),
            _ => {
                let start = out.len();
                write_text(out, text);
                return self.put_before(out, start);
            }
        }
        out.extend_from_slice(text.as_bytes());
        out.is_marked = true;
    }

    /// Marks the text that begins there and ends the output. What is no text, because nothing was left of it, is not marked.
    #[allow(clippy::cast_possible_truncation)]
    pub(super) fn put_before(self, out: &mut Output, start: usize) {
        if out.get(start).is_none_or(|marker| read_header(*marker).0 != Kind::Text) {
            return;
        }
        let length = out.len() - start;
        let [a, b, c, d] = (length as u32).to_be_bytes();
        let (header, header_bytes) = match length {
            0..=0xff => ([0xc7, d, self.code(), 0, 0, 0], 3),
            0x100..=0xffff => ([0xc8, c, d, self.code(), 0, 0], 4),
            // A text of 4 GiB makes a damaged event, which is refused by its size before anybody reads it.
            _ => ([0xc9, a, b, c, d, self.code()], 6),
        };
        // The text moves up, within the buffer.
        let header = &header[..header_bytes];
        out.extend_from_slice(header);
        out.copy_within(start..start + length, start + header_bytes);
        out[start..start + header_bytes].copy_from_slice(header);
        out.is_marked = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_is_written_marked_is_one_that_was_marked_afterwards() {
        for length in [0, 1, 31, 32, 0xfc, 0xfd, 0xfe, 0xff, 0x100, 0x1_0000] {
            let text = "x".repeat(length);
            let (mut at_once, mut afterwards) = (Output::default(), Output::default());
            Mark::Safe.write(&mut at_once, &text);
            write_text(&mut afterwards, &text);
            Mark::Safe.put_before(&mut afterwards, 0);
            assert_eq!(at_once.bytes, afterwards.bytes, "{length}");
            assert!(at_once.is_marked && afterwards.is_marked);
        }
    }
}
