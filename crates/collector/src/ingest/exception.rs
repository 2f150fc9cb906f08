//! Which exceptions are the same one.
//!
//! The fingerprint is taken of the error's type and of its message with everything that changes from one occurrence to
//! the next replaced: numbers, hexadecimal and UUIDs by `#`, what stands in quotes by `*`. It is FNV-1a, 64 bits, for
//! the same text must have the same fingerprint in every version of this program.

use serde_json::value::RawValue;

use crate::limits::GROUP_TEXT_BYTES_MAX;

/// What an `UNHANDLED_EXCEPTION` says, as far as it is needed to group it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "nats", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Exception {
    /// Of 16 hexadecimal digits.
    pub(crate) fingerprint: String,
    /// The error's type.
    pub(crate) error_type: String,
    /// The message as it came.
    pub(crate) message: String,
}

impl Exception {
    /// Takes the fingerprint of an exception of this type and message, both JSON strings.
    pub(crate) fn new(error_type: &RawValue, message: &RawValue) -> Self {
        Self::of(&text(error_type), &text(message))
    }

    /// Takes the fingerprint of a stored `UNHANDLED_EXCEPTION`; `None` of any other event.
    pub(crate) fn of_event(text: &str) -> Option<Self> {
        #[derive(serde::Deserialize)]
        struct Event<'a> {
            #[serde(borrow)]
            error_type: &'a RawValue,
            #[serde(borrow)]
            error_message: &'a RawValue,
        }
        let Event { error_type, error_message } =
            text.contains("UNHANDLED_EXCEPTION").then(|| serde_json::from_str(text).ok()).flatten()?;
        Some(Self::new(error_type, error_message))
    }

    /// Whether it is as long as those are that are made here.
    #[cfg(feature = "nats")]
    pub(crate) fn is_bounded(&self) -> bool {
        self.fingerprint.len() == 16
            && self.error_type.len() <= GROUP_TEXT_BYTES_MAX
            && self.message.len() <= GROUP_TEXT_BYTES_MAX
    }

    /// Takes the fingerprint of an exception of this type and message.
    pub(crate) fn of(error_type: &str, message: &str) -> Self {
        let begin = |text: &str| text[..text.floor_char_boundary(GROUP_TEXT_BYTES_MAX)].to_owned();
        let (error_type, message) = (begin(error_type), begin(message));
        let mut hash = Fnv::new();
        hash.write(error_type.as_bytes());
        hash.write(&[0]);
        hash.write(normalise(&message).as_bytes());
        Self { fingerprint: format!("{:016x}", hash.0), error_type, message }
    }
}

/// Returns the beginning of a JSON string. One that no `str` can hold (a lone surrogate) is returned as it is written.
fn text(json: &RawValue) -> String {
    let mut text: String = serde_json::from_str(json.get()).unwrap_or_else(|_| json.get().trim_matches('"').to_owned());
    text.truncate(text.floor_char_boundary(GROUP_TEXT_BYTES_MAX));
    text
}

/// Replaces what changes from one occurrence of an error to the next.
fn normalise(message: &str) -> String {
    let mut normal = String::with_capacity(message.len());
    let mut rest = message;
    while let Some(first) = rest.chars().next() {
        let width = match first {
            '\'' | '"' | '`' => quoted(rest, first),
            _ if first.is_alphanumeric() => word(rest),
            _ => first.len_utf8(),
        };
        let (piece, after) = rest.split_at(width);
        match first {
            '\'' | '"' | '`' if width > 1 => normal.push('*'),
            _ if is_variable(piece) => normal.push('#'),
            _ => normal.push_str(piece),
        }
        rest = after;
    }
    normal
}

/// Returns the length of what is quoted, quotes included; 1 if the quote is never closed.
fn quoted(text: &str, quote: char) -> usize {
    text[1..].find(quote).map_or(1, |end| end + 2)
}

/// Returns the length of the word at the beginning: letters and digits, with what joins the parts of a UUID, of a number
/// or of a time, and with apostrophes, which begin no quote there.
fn word(text: &str) -> usize {
    let mut before = ' ';
    for (place, character) in text.char_indices() {
        let joins_digits =
            || before.is_ascii_digit() && text[place + 1..].starts_with(|after: char| after.is_ascii_digit());
        let belongs = match character {
            '-' | '_' | '\'' => true,
            '.' | ':' | ',' => joins_digits(),
            _ => character.is_alphanumeric(),
        };
        if !belongs {
            return place;
        }
        before = character;
    }
    text.len()
}

/// Tells whether a word is a number, an address, a hash or an id: it has more than one digit, or one and besides only
/// hexadecimal letters and dashes.
fn is_variable(word: &str) -> bool {
    word.bytes().filter(u8::is_ascii_digit).count() > 1
        || (word.bytes().any(|byte| byte.is_ascii_digit())
            && word.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-'))
}

struct Fnv(u64);

impl Fnv {
    fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fingerprint(message: &str) -> String {
        let raw = |text: &str| RawValue::from_string(serde_json::to_string(text).unwrap()).unwrap();
        Exception::new(&raw("TimeoutError"), &raw(message)).fingerprint
    }

    #[test]
    fn messages_that_differ_in_numbers_ids_and_quoted_text_are_the_same_exception() {
        let pairs = [
            ("no answer after 30 s", "no answer after 5 s"),
            ("no answer after 30 s", "no answer after 12.5 s"),
            ("since 09:20:34, 3 times", "since 10:00, 14 times"),
            ("request 018f3a1b-2c4d-7e5f-8a6b-9c0d1e2f3a4b failed", "request 1 failed"),
            ("at 0x7f00deadbeef", "at 0x1234567890ab"),
            ("can't open 'a.txt'", "can't open 'some other file.txt'"),
            ("no key \"user\"", "no key \"größe\""),
        ];
        for (one, other) in pairs {
            assert_eq!(fingerprint(one), fingerprint(other), "{one} / {other}");
        }
    }

    #[test]
    fn messages_that_differ_in_words_are_different_exceptions() {
        assert_ne!(fingerprint("connection refused"), fingerprint("connection reset"));
        assert_ne!(fingerprint(""), fingerprint("x"));
    }

    #[test]
    fn the_fingerprint_of_a_text_never_changes() {
        assert_eq!(fingerprint("no answer after 30 s"), "e4bdba8c5cc238f7");
    }

    #[test]
    fn a_message_that_is_no_text_is_grouped_as_it_is_written() {
        let raw = |json: &str| RawValue::from_string(json.to_owned()).unwrap();
        let exception = Exception::new(&raw(r#""E""#), &raw(r#""lone \ud800""#));
        assert_eq!(exception.message, r"lone \ud800");
    }
}
