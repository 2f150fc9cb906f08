//! An event's id in the form in which it is indexed.
//!
//! Ids of 36 characters are most of what an index of short rows would hold, and nearly all of them are UUIDs in one of
//! two spellings. Those are kept as their 16 bytes. The spelling is kept too, for ids are equal as text or not at all.
//!
//! Ids that are drawn by lot (UUIDs of version 4, spans within traces) would each be written to another page of the index. They stand
//! behind the time of their event, so that what happened at the same time is written to the same page, and what was sent again is looked
//! for where it was written. An event that is sent again has the time that it had. One whose time is that of its arrival has no such id:
//! [`Drafts`](super::Drafts) gives it another.

use rusqlite::ToSql;
use rusqlite::types::{ToSqlOutput, ValueRef};

/// The longest of the forms below.
const BYTES_MAX: usize = TIME_BYTES + SPAN_BYTES;
/// Units of 1024 microseconds, of which 5 bytes count 35 years; then it begins again, which only costs pages.
const TIME_BYTES: usize = 5;
const UUID_BYTES: usize = 16;
/// The ids of a trace and of a span in it.
const SPAN_BYTES: usize = 24;

/// An event's id. The forms differ in their lengths:
///
/// | bytes | id |
/// |---|---|
/// | 16 | a UUID in lower case with dashes |
/// | 17 | 32 hexadecimal digits in lower case, and a zero |
/// | 21 | the time, and a UUID of version 4 in lower case with dashes |
/// | 29 | the time, and the ids of a trace and of a span with a dash between them |
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Key {
    Bytes {
        bytes: [u8; BYTES_MAX],
        length: u8,
    },
    /// Any other text.
    Text(Box<str>),
}

impl Key {
    /// Returns the key of the id of an event that happened at a time.
    pub(crate) fn new(id: &str, time_us: i64) -> Self {
        let mut bytes = [0; BYTES_MAX];
        let Some(form) = Form::read(id, &mut bytes[TIME_BYTES..]) else { return Self::Text(id.into()) };
        let (timed, length) = match form {
            Form::Dashed => (false, UUID_BYTES),
            Form::Plain => (false, UUID_BYTES + 1),
            Form::Random => (true, UUID_BYTES),
            Form::Span => (true, SPAN_BYTES),
        };
        let length = if timed {
            let [.., a, b, c, d, e] = (time_us >> 10).to_be_bytes();
            bytes[..TIME_BYTES].copy_from_slice(&[a, b, c, d, e]);
            TIME_BYTES + length
        } else {
            bytes.copy_within(TIME_BYTES.., 0);
            bytes[length..].fill(0);
            length
        };
        Self::Bytes { bytes, length: u8::try_from(length).unwrap_or(u8::MAX) }
    }

    /// Whether the key of this id depends on the time of its event.
    pub(crate) fn is_timed(id: &str) -> bool {
        matches!(Form::read(id, &mut [0; SPAN_BYTES]), Some(Form::Random | Form::Span))
    }

    /// Returns the key that has these bytes, if one may.
    #[cfg(feature = "nats")]
    pub(super) fn of_bytes(bytes: &[u8]) -> Option<Self> {
        let mut all = [0; BYTES_MAX];
        all.get_mut(..bytes.len())?.copy_from_slice(bytes);
        Some(Self::Bytes { bytes: all, length: u8::try_from(bytes.len()).ok()? })
    }

    /// Whether an id may have this key.
    #[cfg(feature = "nats")]
    pub(crate) fn is_of_an_id(&self) -> bool {
        match self {
            Self::Bytes { length, .. } => matches!(usize::from(*length), 16 | 17 | 21 | 29),
            // Of characters, each of which has four bytes at most.
            Self::Text(text) => !text.is_empty() && text.len() <= 4 * crate::limits::EVENT_ID_CHARS_MAX,
        }
    }

    /// Returns the id as it is spelled: a key says all of it, so that nobody has to read it out of the event again.
    #[cfg(feature = "clickhouse")]
    pub(crate) fn id(&self) -> std::borrow::Cow<'_, str> {
        let bytes = match self {
            Self::Text(text) => return std::borrow::Cow::Borrowed(text),
            Self::Bytes { .. } => self.as_bytes(),
        };
        let (dashes, digits): (&[usize], &[u8]) = match bytes.len() {
            UUID_BYTES => (&[4, 6, 8, 10], bytes),
            // The zero is no part of it.
            17 => (&[], bytes.get(..UUID_BYTES).unwrap_or_default()),
            21 => (&[4, 6, 8, 10], bytes.get(TIME_BYTES..).unwrap_or_default()),
            _ => (&[UUID_BYTES], bytes.get(TIME_BYTES..).unwrap_or_default()),
        };
        let mut id = String::with_capacity(2 * digits.len() + dashes.len());
        for (place, byte) in digits.iter().enumerate() {
            if dashes.contains(&place) {
                id.push('-');
            }
            for nibble in [byte >> 4, byte & 0xf] {
                id.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0'));
            }
        }
        id.into()
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Bytes { bytes, length } => bytes.get(..usize::from(*length)).unwrap_or(bytes),
            Self::Text(text) => text.as_bytes(),
        }
    }
}

impl ToSql for Key {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Bytes { .. } => ValueRef::Blob(self.as_bytes()),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
        }))
    }
}

/// How an id is spelled, where it is one of those that are kept as bytes.
enum Form {
    Dashed,
    Random,
    Plain,
    Span,
}

impl Form {
    /// Reads an id's digits into the first of 24 bytes.
    fn read(id: &str, bytes: &mut [u8]) -> Option<Self> {
        let uuid = bytes.get_mut(..UUID_BYTES)?;
        match id.len() {
            36 if digits(id, uuid, &[8, 13, 18, 23]) => {
                Some(if id.as_bytes()[14] == b'4' { Self::Random } else { Self::Dashed })
            }
            32 if digits(id, uuid, &[]) => Some(Self::Plain),
            49 if digits(id, bytes.get_mut(..SPAN_BYTES)?, &[32]) => Some(Self::Span),
            _ => None,
        }
    }
}

/// Reads lower-case hexadecimal digits, with dashes in these places.
fn digits(id: &str, bytes: &mut [u8], dashes: &[usize]) -> bool {
    let mut nibbles = 0;
    for (place, character) in id.bytes().enumerate() {
        if dashes.contains(&place) {
            if character != b'-' {
                return false;
            }
            continue;
        }
        let nibble = match character {
            b'0'..=b'9' => character - b'0',
            b'a'..=b'f' => character - b'a' + 10,
            _ => return false,
        };
        let Some(byte) = bytes.get_mut(nibbles / 2) else { return false };
        *byte = *byte << 4 | nibble;
        nibbles += 1;
    }
    nibbles == bytes.len() * 2
}

#[cfg(test)]
mod tests {
    use super::*;

    const V4: &str = "3f2b8c1e-2c4d-4e5f-8a6b-9c0d1e2f3a4b";
    const SPAN: &str = "642b3652356ec46f43ead45575b86b87-e8a40931eab9429c";

    fn key(id: &str) -> Key {
        Key::new(id, 1_795_672_661_000_000)
    }

    #[test]
    fn ids_that_differ_as_text_have_different_keys() {
        let spellings = [
            "018f3a1b-2c4d-7e5f-8a6b-9c0d1e2f3a4b",
            "018F3A1B-2C4D-7E5F-8A6B-9C0D1E2F3A4B",
            "018f3a1b2c4d7e5f8a6b9c0d1e2f3a4b",
            "018f3a1b2c4d7e5f8a6b9c0d1e2f3a4B",
            "018f3a1b2c4d7e5f-8a6b-9c0d-1e2f3a4b0",
            V4,
            &V4.to_ascii_uppercase(),
            &V4.replace('-', ""),
            SPAN,
            &SPAN.to_ascii_uppercase(),
            &SPAN.replace('-', ""),
            &SPAN.replace('-', "_"),
            "a",
            "",
        ];
        let keys: Vec<Key> = spellings.iter().map(|id| key(id)).collect();
        for (place, key) in keys.iter().enumerate() {
            assert!(!keys[place + 1..].contains(key), "{}", spellings[place]);
        }
    }

    #[test]
    fn the_two_usual_spellings_take_their_bytes() {
        let dashed = key("018f3a1b-2c4d-7e5f-8a6b-9c0d1e2f3a4b");
        assert_eq!((dashed.as_bytes().len(), &dashed.as_bytes()[..4]), (16, &[0x01, 0x8f, 0x3a, 0x1b][..]));
        let plain = key("018f3a1b2c4d7e5f8a6b9c0d1e2f3a4b");
        assert_eq!((plain.as_bytes().len(), &plain.as_bytes()[15..]), (17, &[0x4b, 0][..]));
    }

    #[cfg(feature = "clickhouse")]
    #[test]
    fn an_id_is_spelled_again_as_it_was() {
        let uuid = "018f3a1b-2c4d-7e5f-8a6b-9c0d1e2f3a4b";
        for id in [uuid, &uuid.to_ascii_uppercase(), &uuid.replace('-', ""), V4, SPAN, "a", "", "é"] {
            assert_eq!(key(id).id(), id);
        }
    }

    #[test]
    fn ids_drawn_by_lot_are_neighbours_when_their_events_are() {
        let later = 1_795_672_661_000_000 + 10_000;
        for id in [V4, SPAN] {
            assert!(Key::is_timed(id));
            assert_eq!(key(id), Key::new(id, 1_795_672_661_000_000));
            let other = format!("{}{}", if id.starts_with('0') { 'f' } else { '0' }, &id[1..]);
            assert!(
                key(id) < Key::new(id, later) && key(&other) < Key::new(id, later) && key(id) < Key::new(&other, later)
            );
        }
        for id in ["018f3a1b-2c4d-7e5f-8a6b-9c0d1e2f3a4b", "018f3a1b2c4d4e5f8a6b9c0d1e2f3a4b", "a"] {
            assert!(!Key::is_timed(id));
            assert_eq!(key(id), Key::new(id, later));
        }
    }
}
