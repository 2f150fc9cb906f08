//! What stands between the reporter and code of the user's: panics are caught, text is kept up to a bound.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::limits::CUT_WORD_BYTES_MAX;

/// Runs code of the user's; `None` if it panicked.
pub(super) fn guarded<T>(run: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(run)).ok()
}

/// Keeps the head of what is written, and counts the rest.
#[derive(Debug)]
pub(super) struct Clipped {
    text: String,
    bytes_max: usize,
    left_out: usize,
}

/// Room for what is said about the rest.
const REMARK_BYTES_MAX: usize = 40;

impl Clipped {
    /// Keeps `bytes_max` bytes, the remark on the rest included.
    pub(super) const fn new(bytes_max: usize) -> Self {
        Self { text: String::new(), bytes_max: bytes_max.saturating_sub(REMARK_BYTES_MAX), left_out: 0 }
    }

    pub(super) fn push(&mut self, text: &str) {
        let room = if self.left_out == 0 { self.bytes_max - self.text.len() } else { 0 };
        let kept = text.floor_char_boundary(room);
        self.text.push_str(&text[..kept]);
        self.left_out += text.len() - kept;
    }

    /// Returns what was kept, and says how much was not.
    pub(super) fn finish(mut self) -> String {
        if self.left_out > 0 {
            let kept = before_word(&self.text, self.text.len());
            self.left_out += self.text.len() - kept;
            self.text.truncate(kept);
            self.text.push_str(&format!("… ({} bytes more)", self.left_out));
        }
        self.text
    }
}

/// Returns the head of a text, of at most so many bytes, in which no word is cut in two.
pub(crate) fn cut_at_word(text: &str, bytes_max: usize) -> &str {
    if text.len() <= bytes_max { text } else { &text[..before_word(text, text.floor_char_boundary(bytes_max))] }
}

/// Returns where a text that is to be cut there is cut, so that no word is cut in two: of a half of a secret nobody could
/// tell what it is.
pub(super) fn before_word(text: &str, end: usize) -> usize {
    let first = text.floor_char_boundary(end.saturating_sub(CUT_WORD_BYTES_MAX));
    let head = &text[first..end];
    let behind = |ends: fn(char) -> bool| head.char_indices().rfind(|(_, char)| ends(*char));
    let found = behind(|char| char.is_whitespace() || matches!(char, '"' | '\'' | '\\'))
        .or_else(|| behind(|char| !char.is_ascii_alphanumeric() && !matches!(char, '-' | '_' | '.')));
    let end = found.map_or(end, |(at, char)| first + at + char.len_utf8());
    // Numbers of cards and telephones are words of digits.
    let is_of_number = |char: char| char.is_ascii_digit() || matches!(char, ' ' | '+' | '-' | '(' | ')');
    let number = text[..end].trim_end_matches(is_of_number).len();
    let run = &text[number..end];
    // Digits at the end of a word are part of it.
    let is_end_of_word = text[..number].ends_with(|char: char| char.is_alphanumeric() || char == '_');
    let number = number + if is_end_of_word { run.find([' ', '+', '(']).unwrap_or(run.len()) } else { 0 };
    let is_number = end - number <= NUMBER_BYTES_MAX && text[number..end].contains(|char: char| char.is_ascii_digit());
    if is_number { number } else { end }
}

/// The longest number of a card or a telephone, with what stands between its digits.
const NUMBER_BYTES_MAX: usize = 32;

impl fmt::Write for Clipped {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push(text);
        Ok(())
    }
}

/// Keeps the head of what is written and fails beyond it, so that whoever writes stops.
#[derive(Debug)]
pub(super) struct Head<const BYTES: usize>(pub(super) String);

impl<const BYTES: usize> fmt::Write for Head<BYTES> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let kept = text.floor_char_boundary(BYTES - self.0.len());
        self.0.push_str(&text[..kept]);
        if kept < text.len() { Err(fmt::Error) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    #[test]
    fn what_does_not_fit_is_counted() {
        let mut out = Clipped::new(REMARK_BYTES_MAX + 5);
        for part in ["abc", "öö", "d"] {
            out.write_str(part).unwrap();
        }
        assert_eq!(out.finish(), "abcö… (3 bytes more)");
    }

    #[test]
    fn no_word_is_cut_in_two() {
        let mut out = Clipped::new(REMARK_BYTES_MAX + 20);
        write!(out, "the key is ghp_abcdefghijkl").unwrap();
        assert_eq!(out.finish(), "the key is … (16 bytes more)");
        assert_eq!(before_word("https://x/?a=1&key=abc", 22), 19);
        assert_eq!(before_word("pay by 4111 1111 1111 1111", 20), 6);
        assert_eq!(before_word(&"x".repeat(5_000), 4_000), 4_000);
    }

    #[test]
    fn what_fits_stays_as_it_is() {
        let mut out = Clipped::new(REMARK_BYTES_MAX + 5);
        write!(out, "abcde").unwrap();
        assert_eq!(out.finish(), "abcde");
    }

    #[test]
    fn a_head_stops_who_writes() {
        let mut head = Head::<4>(String::new());
        assert!(write!(head, "abcdef").is_err());
        assert_eq!(head.0, "abcd");
    }
}
