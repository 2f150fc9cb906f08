//! Marks that nobody sees and that turn the text around them, made visible.
//!
//! With them a name that a client chose seems to be another one: `exe.png` where `gnp.exe` stands. They are written as a terminal is given
//! them, `\u{202e}`. What an address or a field of a form carries stays as it is, so that links and questions find it.

use std::fmt::Write;
use std::ops::RangeInclusive;

/// The marks of direction: alone, embeddings and overrides, isolates. `live.js` has the same.
const TURNING: [RangeInclusive<char>; 4] =
    ['\u{61c}'..='\u{61c}', '\u{200e}'..='\u{200f}', '\u{202a}'..='\u{202e}', '\u{2066}'..='\u{2069}'];

/// How attributes begin that are shown, or read out.
const SHOWN: [&str; 2] = [" title=", " aria-label="];

/// Where in a page something stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Text,
    Tag,
    /// The value of an attribute that is shown.
    Shown,
    /// The value of another one.
    Exact,
}

/// Returns a page on which every mark that would turn text is seen. HTML can't have the character NUL, which clients can send: its picture
/// stands there.
pub(super) fn visible(page: String) -> String {
    if !page.contains(|char: char| char == '\0' || turns(char)) {
        return page;
    }
    let mut seen = String::with_capacity(page.len() + page.len() / 8);
    let mut place = Place::Text;
    for (at, char) in page.char_indices() {
        let is_shown = || page.get(..at).is_some_and(|before| SHOWN.iter().any(|name| before.ends_with(name)));
        // What clients sent has none of these three: they are escaped.
        place = match (place, char) {
            (Place::Text, '<') | (Place::Shown | Place::Exact, '"') => Place::Tag,
            (Place::Tag, '>') => Place::Text,
            (Place::Tag, '"') if is_shown() => Place::Shown,
            (Place::Tag, '"') => Place::Exact,
            _ => place,
        };
        match char {
            '\0' => seen.push('\u{2400}'),
            mark if place != Place::Exact && turns(mark) => {
                // Writing into a `String` does not fail.
                let _ = write!(seen, "\\u{{{:x}}}", u32::from(mark));
            }
            other => seen.push(other),
        }
    }
    seen
}

fn turns(char: char) -> bool {
    TURNING.iter().any(|marks| marks.contains(&char))
}

#[cfg(test)]
mod tests {
    use maud::html;

    use super::super::{LIVE_SCRIPT, message};
    use super::*;

    #[test]
    fn a_mark_that_turns_text_is_seen_where_text_is_and_is_exact_where_a_form_or_a_link_needs_it() {
        let name = "\u{202e}gnp.exe\u{2066}\">\u{200f}";
        let page = html! { a href=(name) title=(name) { (name) } input name="x" value=(name); "a\0" };
        let seen = r"\u{202e}gnp.exe\u{2066}&quot;&gt;\u{200f}";
        let exact = "\u{202e}gnp.exe\u{2066}&quot;&gt;\u{200f}";
        assert_eq!(
            visible(page.into_string()),
            format!("<a href=\"{exact}\" title=\"{seen}\">{seen}</a><input name=\"x\" value=\"{exact}\">a\u{2400}")
        );
    }

    #[test]
    fn every_page_is_written_so_those_that_say_what_is_wrong_too() {
        let page = message("T\u{202e}", "`name` is `\u{2067}`").into_string();
        assert!(!page.contains(turns), "{page}");
        assert!(page.contains(r"<h1>T\u{202e}</h1>") && page.contains(r"`name` is `\u{2067}`"), "{page}");
    }

    #[test]
    fn words_of_any_script_stay_as_they_are() {
        let words = "<p>\u{5d0}\u{5d1} \u{645}\u{631}\u{62d}\u{628}\u{627} \u{1f469}\u{200d}\u{1f680}</p>";
        assert_eq!(visible(words.to_owned()), words);
    }

    #[test]
    fn the_script_of_live_events_knows_the_same_marks() {
        let mark = |mark: &char| format!("\\u{:04x}", u32::from(*mark));
        let class: String = TURNING.iter().map(|marks| mark(marks.start()) + "-" + &mark(marks.end())).collect();
        assert!(LIVE_SCRIPT.contains(&format!("/[{class}]/g")), "{class}");
    }
}
