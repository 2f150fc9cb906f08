//! Going through the text of an event that is known to be JSON, without a tree of values.

use std::borrow::Cow;
use std::ops::Range;

/// A text within JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Text {
    /// Where it stands, without its quotes.
    pub(super) range: Range<usize>,
    /// Whether it is the name of a field, and not a value.
    pub(super) is_name: bool,
    /// How many objects and lists it stands in.
    pub(super) depth: usize,
    is_escaped: bool,
}

/// The place up to which JSON was gone through.
pub(super) struct Cursor<'j> {
    json: &'j str,
    at: usize,
    depth: usize,
}

impl<'j> Cursor<'j> {
    pub(super) fn new(json: &'j str) -> Self {
        Self { json, at: 0, depth: 0 }
    }

    /// Goes on to the next text and past it.
    pub(super) fn next_text(&mut self) -> Option<Text> {
        let bytes = self.json.as_bytes();
        while let Some(byte) = bytes.get(self.at) {
            self.at += 1;
            match byte {
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                b'"' => {
                    let begin = self.at;
                    let is_escaped = self.pass_text();
                    let range = begin..self.at.saturating_sub(1).max(begin);
                    let is_name = self.after_blanks() == Some(b':');
                    return Some(Text { range, is_name, depth: self.depth, is_escaped });
                }
                _ => {}
            }
        }
        None
    }

    /// Returns what a text says.
    pub(super) fn read(&self, text: &Text) -> Cow<'j, str> {
        let raw = &self.json[text.range.clone()];
        if !text.is_escaped {
            return Cow::Borrowed(raw);
        }
        let quoted = &self.json[text.range.start - 1..text.range.end + 1];
        // A text that no `str` holds (half of a pair of surrogates) is looked at as it is written.
        serde_json::from_str(quoted).map_or(Cow::Borrowed(raw), Cow::Owned)
    }

    /// Whether the value that follows a name is an object or a list.
    pub(super) fn is_before_nested(&self) -> bool {
        let rest = self.json.as_bytes()[self.at..].iter();
        let first = rest.copied().find(|byte| !matches!(byte, b':' | b' ' | b'\t' | b'\n' | b'\r'));
        matches!(first, Some(b'{' | b'['))
    }

    /// Goes past the value that follows a name, whatever it is; returns where it stands.
    pub(super) fn pass_value(&mut self) -> Range<usize> {
        let bytes = self.json.as_bytes();
        while matches!(bytes.get(self.at), Some(b':' | b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
        let (begin, depth) = (self.at, self.depth);
        while let Some(byte) = bytes.get(self.at) {
            match byte {
                b'"' => {
                    self.at += 1;
                    self.pass_text();
                    if self.depth == depth {
                        break;
                    }
                    continue;
                }
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' if self.depth == depth => break,
                b'}' | b']' => {
                    self.depth -= 1;
                    if self.depth == depth {
                        self.at += 1;
                        break;
                    }
                }
                b',' if self.depth == depth => break,
                _ => {}
            }
            self.at += 1;
        }
        begin..begin + self.json[begin..self.at].trim_end().len()
    }

    /// Goes past the end of a text whose first quote was passed; tells whether there are escapes in it.
    fn pass_text(&mut self) -> bool {
        let bytes = self.json.as_bytes();
        let mut is_escaped = false;
        while let Some(ahead) = memchr::memchr2(b'"', b'\\', &bytes[self.at.min(bytes.len())..]) {
            self.at += ahead;
            if bytes[self.at] == b'"' {
                self.at += 1;
                return is_escaped;
            }
            is_escaped = true;
            self.at += 2;
        }
        self.at = bytes.len();
        is_escaped
    }

    fn after_blanks(&self) -> Option<u8> {
        self.json.as_bytes()[self.at..].iter().find(|byte| !byte.is_ascii_whitespace()).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_found_with_what_it_is_and_where() {
        let json = r#"{"a" : "x\"y", "b":[1,{"c\\":"é"},"z"] , "d":{}}"#;
        let mut cursor = Cursor::new(json);
        let mut found = Vec::new();
        while let Some(text) = cursor.next_text() {
            found.push((cursor.read(&text).into_owned(), text.is_name, text.depth));
        }
        let found: Vec<_> = found.iter().map(|(text, is_name, depth)| (text.as_str(), *is_name, *depth)).collect();
        assert_eq!(
            found,
            [
                ("a", true, 1),
                ("x\"y", false, 1),
                ("b", true, 1),
                ("c\\", true, 3),
                ("é", false, 3),
                ("z", false, 2),
                ("d", true, 1)
            ]
        );
    }

    #[test]
    fn a_value_is_passed_whatever_it_is() {
        for value in ["5", "\"t}\\\"\"", "[1,[\"]\"],{}]", "{\"a\":{\"b\":[]}}", "null", "-1.5e3", "{}"] {
            for (before, after) in [("{\"k\":", ",\"n\":1}"), ("{\"k\" : ", " }"), ("[{\"k\":", "}]")] {
                let json = format!("{before}{value}{after}");
                let mut cursor = Cursor::new(&json);
                cursor.next_text().unwrap();
                assert_eq!(&json[cursor.pass_value()], value, "{json}");
                let next = cursor.next_text().map(|text| cursor.read(&text).into_owned());
                assert_eq!(next.as_deref(), after.contains('n').then_some("n"), "{json}");
            }
        }
    }

    #[test]
    fn what_is_no_json_is_gone_through_to_its_end() {
        for json in ["\"", "{\"a", "\\", "{\"a\":\"\\", "]]}}", "{\"a\":"] {
            let mut cursor = Cursor::new(json);
            while let Some(text) = cursor.next_text() {
                cursor.read(&text);
                cursor.pass_value();
            }
        }
    }
}
