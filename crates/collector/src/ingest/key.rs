//! An event's id in the form in which it is indexed.
//!
//! Ids of 36 characters are most of what an index of short rows would hold, and nearly all of them are UUIDs in one of
//! two spellings. Those are kept as their 16 bytes. The spelling is kept too, for ids are equal as text or not at all.

use rusqlite::ToSql;
use rusqlite::types::{ToSqlOutput, ValueRef};

/// An event's id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    /// A UUID in lower case with dashes.
    Dashed([u8; 16]),
    /// 32 hexadecimal digits in lower case: a blob of 17 bytes, so that it differs from [`Key::Dashed`].
    Plain([u8; 17]),
    /// Any other text.
    Text(Box<str>),
}

impl Key {
    /// Returns the key of an id.
    pub(crate) fn new(id: &str) -> Self {
        let mut bytes = [0; 17];
        match id.len() {
            36 if digits(id, &mut bytes[..16], true) => {
                let [head @ .., _] = bytes;
                Self::Dashed(head)
            }
            32 if digits(id, &mut bytes[..16], false) => Self::Plain(bytes),
            _ => Self::Text(id.into()),
        }
    }
}

impl ToSql for Key {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Dashed(bytes) => ValueRef::Blob(bytes),
            Self::Plain(bytes) => ValueRef::Blob(bytes),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
        }))
    }
}

/// Reads lower-case hexadecimal digits, with dashes where a UUID has them or with none.
fn digits(id: &str, bytes: &mut [u8], dashed: bool) -> bool {
    let mut nibbles = 0;
    for (place, character) in id.bytes().enumerate() {
        if dashed && matches!(place, 8 | 13 | 18 | 23) {
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

    #[test]
    fn ids_that_differ_as_text_have_different_keys() {
        let spellings = [
            "018f3a1b-2c4d-7e5f-8a6b-9c0d1e2f3a4b",
            "018F3A1B-2C4D-7E5F-8A6B-9C0D1E2F3A4B",
            "018f3a1b2c4d7e5f8a6b9c0d1e2f3a4b",
            "018f3a1b2c4d7e5f8a6b9c0d1e2f3a4B",
            "018f3a1b2c4d7e5f-8a6b-9c0d-1e2f3a4b0",
            "a",
        ];
        let keys: Vec<Key> = spellings.iter().map(|id| Key::new(id)).collect();
        for (place, key) in keys.iter().enumerate() {
            assert!(!keys[place + 1..].contains(key), "{}", spellings[place]);
        }
    }

    #[test]
    fn the_two_usual_spellings_take_their_bytes() {
        let Key::Dashed(bytes) = Key::new("018f3a1b-2c4d-7e5f-8a6b-9c0d1e2f3a4b") else { panic!("not dashed") };
        assert_eq!(bytes[..4], [0x01, 0x8f, 0x3a, 0x1b]);
        let Key::Plain(bytes) = Key::new("018f3a1b2c4d7e5f8a6b9c0d1e2f3a4b") else { panic!("not plain") };
        assert_eq!(bytes[15..], [0x4b, 0]);
    }
}
