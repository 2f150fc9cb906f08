//! Text from outside, made harmless and cut to size.

use std::borrow::Cow;
use std::fmt::Write;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Returns `text` with every character that a terminal would act on written as an escape.
///
/// These are the control characters (C0, DEL, C1: escape sequences begin with one) and the invisible ones that reorder
/// or break a line. What is left shows itself, so a line on the screen is what it seems to be.
pub(crate) fn neutral(text: &str) -> Cow<'_, str> {
    if !text.chars().any(acts) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match character {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            _ if acts(character) => {
                // Writing into a `String` does not fail.
                let _ = write!(shown, "\\u{{{:x}}}", u32::from(character));
            }
            _ => shown.push(character),
        }
    }
    Cow::Owned(shown)
}

/// Returns whether a terminal acts on the character instead of showing it.
fn acts(character: char) -> bool {
    character.is_control()
        || matches!(character,
            // Direction marks, line and paragraph separators, embeddings and overrides, invisible operators and
            // isolates, the byte order mark, interlinear annotations, tags.
            '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Returns how many columns of a terminal the text takes.
pub(crate) fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// Returns the beginning of `text` that fits into `columns`, with `…` at its end where something was cut off.
pub(crate) fn clip(text: &str, columns: usize) -> Cow<'_, str> {
    if width(text) <= columns {
        return Cow::Borrowed(text);
    }
    let (kept, _) = text.split_at(fitting(text, columns.saturating_sub(1)));
    Cow::Owned(if columns == 0 { String::new() } else { format!("{kept}…") })
}

/// Returns how many bytes at the beginning of `text` fit into `columns`.
pub(crate) fn fitting(text: &str, columns: usize) -> usize {
    let mut used = 0;
    let mut end = 0;
    for (start, character) in text.char_indices() {
        used += character.width().unwrap_or(0);
        if used > columns {
            break;
        }
        end = start + character.len_utf8();
    }
    end
}

/// Returns an id in at most 12 columns: whole, or its two ends. Ids that are made of time begin alike, so the end tells.
pub(crate) fn short_id(id: &str) -> Cow<'_, str> {
    const COLUMNS: usize = 12;
    const TAIL: usize = 8;
    let count = id.chars().count();
    if count <= COLUMNS {
        return Cow::Borrowed(id);
    }
    let head: String = id.chars().take(COLUMNS - TAIL - 1).collect();
    let tail: String = id.chars().skip(count - TAIL).collect();
    Cow::Owned(format!("{head}…{tail}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_act_on_is_written_as_an_escape() {
        assert_eq!(neutral("\x1b[31mred\x1b[0m"), "\\u{1b}[31mred\\u{1b}[0m");
        assert_eq!(neutral("a\r\nb\tc\0"), "a\\r\\nb\\tc\\u{0}");
        assert_eq!(neutral("\u{9b}2J \u{7f} \u{202e}txt.exe \u{2028}"), "\\u{9b}2J \\u{7f} \\u{202e}txt.exe \\u{2028}");
    }

    #[test]
    fn what_shows_itself_is_left_alone() {
        for text in ["plain", "naïve", "漢字", "🎉", "\u{200d}"] {
            assert!(matches!(neutral(text), Cow::Borrowed(_)), "{text}");
        }
    }

    #[test]
    fn text_is_cut_by_columns_and_not_by_bytes() {
        assert_eq!(clip("abcdef", 6), "abcdef");
        assert_eq!(clip("abcdef", 4), "abc…");
        assert_eq!(clip("漢字漢字", 4), "漢…");
        assert_eq!(clip("漢字漢字", 5), "漢字…");
        assert_eq!(clip("abc", 0), "");
    }

    #[test]
    fn a_long_id_keeps_both_its_ends() {
        assert_eq!(short_id("session-123"), "session-123");
        assert_eq!(short_id("0190f3c2-8f9a-7c3e-9d4b-1234567890ab"), "019…567890ab");
    }
}
