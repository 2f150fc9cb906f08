//! Ids as parts of a path, so that each has a link.
//!
//! Clients choose ids. A part of a path that is `.` or `..` is taken out by every browser, escaped or not, and a proxy may undo an escaped
//! `/`. Such an id is written as `~~` and then its bytes, those that are neither letters, digits, `-` nor `_` as `~` and two digits:
//! `..` is `~~~2E~2E`. All others are written as they always are.

use std::fmt::Write;

/// What an id begins with that a path can't carry as it is.
const MARK: &str = "~~";

/// Returns an id as a part of a path.
///
/// ```
/// use lastword_collector::segment::encode;
///
/// assert_eq!(encode("session 1"), "session%201");
/// assert_eq!(encode("a/b"), "~~a~2Fb");
/// ```
#[must_use]
pub fn encode(id: &str) -> String {
    let is_lost = |c: char| matches!(c, '/' | '\\' | '?' | '#' | '%') || c.is_control();
    if matches!(id, "" | "." | "..") || id.starts_with(MARK) || id.contains(is_lost) {
        return MARK.to_owned() + &escape(id).replace('~', "%7E").replace('.', "%2E").replace('%', "~");
    }
    escape(id)
}

/// Returns a path with its ids as percent-encoding has them; `None` if they are already.
pub(crate) fn decode(path: &str) -> Option<String> {
    let plain = |part: &str| part.strip_prefix(MARK).map_or_else(|| part.to_owned(), |id| id.replace('~', "%"));
    path.contains("/~~").then(|| path.split('/').map(plain).collect::<Vec<_>>().join("/"))
}

/// Returns a text as a part of a URL.
pub(crate) fn escape(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut url, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            url.push(char::from(byte));
        } else {
            let _ = write!(url, "%{byte:02X}");
        }
        url
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_a_url_is_escaped() {
        assert_eq!(escape("a-b_c.d~e"), "a-b_c.d~e");
        assert_eq!(escape("a/b?c#d%e é"), "a%2Fb%3Fc%23d%25e%20%C3%A9");
    }

    #[test]
    fn every_id_comes_back_and_no_path_loses_one() {
        for (id, part) in [
            ("..", "~~~2E~2E"),
            (".", "~~~2E"),
            ("a.b~c d", "a.b~c%20d"),
            ("a/../b", "~~a~2F~2E~2E~2Fb"),
            ("~~x", "~~~7E~7Ex"),
            ("é\n%", "~~~C3~A9~0A~25"),
            ("...", "..."),
        ] {
            assert_eq!(encode(id), part);
            let path = format!("/sessions/{part}/x");
            assert_eq!(decode(&path).unwrap_or(path), format!("/sessions/{}/x", percent(id, part)));
        }
    }

    /// Returns what the router is given of an id.
    fn percent(id: &str, part: &str) -> String {
        if part.starts_with(MARK) { escape(id).replace('.', "%2E").replace('~', "%7E") } else { escape(id) }
    }
}
