//! Going through the text of an event that is known to be JSON, without a tree of values and without checking it again.
//!
//! What is no JSON is gone through to its end all the same; what is then found in it means nothing.

use std::borrow::Cow;
use std::ops::Range;

/// A text within JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Text {
    /// Where it stands, without its quotes.
    pub(crate) range: Range<usize>,
    /// Whether it is the name of a field, and not a value.
    pub(crate) is_name: bool,
    /// How many objects and lists it stands in.
    pub(crate) depth: usize,
    is_escaped: bool,
}

/// The place up to which JSON was gone through.
pub(crate) struct Cursor<'j> {
    json: &'j str,
    at: usize,
    depth: usize,
    /// Which of the objects and lists that it stands in are lists: a bit each, the innermost is the lowest. Deeper than
    /// [`EVENT_DEPTH_MAX`](crate::limits::EVENT_DEPTH_MAX) no event is, so none that matters is shifted out.
    lists: u128,
}

impl<'j> Cursor<'j> {
    pub(crate) fn new(json: &'j str) -> Self {
        Self { json, at: 0, depth: 0, lists: 0 }
    }

    /// Goes on to the next text and past it.
    pub(crate) fn next_text(&mut self) -> Option<Text> {
        let bytes = self.json.as_bytes();
        while let Some(byte) = bytes.get(self.at) {
            self.at += 1;
            match byte {
                b'{' | b'[' => {
                    self.depth += 1;
                    self.lists = self.lists << 1 | u128::from(*byte == b'[');
                }
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    self.lists >>= 1;
                }
                b'"' => {
                    let begin = self.at;
                    let is_escaped = self.pass_text()?;
                    let range = begin..self.at - 1;
                    let is_name = self.after_blanks() == Some(b':');
                    return Some(Text { range, is_name, depth: self.depth, is_escaped });
                }
                _ => {}
            }
        }
        None
    }

    /// Returns how deep the name stands whose value the object is that this name, the last one found, stands in, or a list of such
    /// objects; 0 if there is none.
    pub(crate) fn owner_depth(&self, name: &Text) -> usize {
        let lists_around = (self.lists >> 1).trailing_ones() as usize;
        name.depth.saturating_sub(1 + lists_around)
    }

    /// Returns what a text says; `None` if that is nothing that a `str` holds (half of a pair of surrogates).
    #[inline]
    pub(crate) fn said(&self, text: &Text) -> Option<Cow<'j, str>> {
        if !text.is_escaped {
            return Some(Cow::Borrowed(self.raw(text)));
        }
        serde_json::from_str(&self.json[text.range.start - 1..text.range.end + 1]).ok().map(Cow::Owned)
    }

    /// Returns a text as it is written.
    #[inline]
    pub(crate) fn raw(&self, text: &Text) -> &'j str {
        &self.json[text.range.clone()]
    }

    /// Returns the first byte of the value that follows a name.
    pub(crate) fn value_begins_with(&self) -> Option<u8> {
        let rest = self.json.as_bytes()[self.at..].iter();
        rest.copied().find(|byte| !matches!(byte, b':' | b' ' | b'\t' | b'\n' | b'\r'))
    }

    /// Goes past the value that follows a name, whatever it is; returns where it stands.
    pub(crate) fn pass_value(&mut self) -> Range<usize> {
        let bytes = self.json.as_bytes();
        while matches!(bytes.get(self.at), Some(b':' | b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
        let begin = self.at;
        match bytes.get(begin) {
            Some(b'"') => {
                self.at += 1;
                self.pass_text();
            }
            Some(b'{' | b'[') => self.pass_nested(),
            _ => {
                let ends = |byte: &u8| matches!(byte, b',' | b'}' | b']' | b' ' | b'\t' | b'\n' | b'\r');
                self.at = bytes.iter().skip(begin).position(ends).map_or(bytes.len(), |bytes| begin + bytes);
            }
        }
        begin..self.at
    }

    /// Goes past the object or list that begins here.
    fn pass_nested(&mut self) {
        let bytes = self.json.as_bytes();
        let mut depth = 0_usize;
        while let Some(byte) = bytes.get(self.at) {
            self.at += 1;
            match byte {
                b'"' => drop(self.pass_text()),
                b'{' | b'[' => depth += 1,
                b'}' | b']' if depth == 1 => return,
                b'}' | b']' => depth -= 1,
                _ => {}
            }
        }
    }

    /// Goes past the end of a text whose first quote was passed; tells whether there are escapes in it. One without an end is none.
    fn pass_text(&mut self) -> Option<bool> {
        let bytes = self.json.as_bytes();
        let mut is_escaped = false;
        while let Some(ahead) = memchr::memchr2(b'"', b'\\', &bytes[self.at.min(bytes.len())..]) {
            self.at += ahead;
            if bytes[self.at] == b'"' {
                self.at += 1;
                return Some(is_escaped);
            }
            is_escaped = true;
            self.at += 2;
        }
        self.at = bytes.len();
        None
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
            found.push((cursor.said(&text).unwrap().into_owned(), text.is_name, text.depth));
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
    fn the_owner_of_an_object_is_found_through_lists_of_it() {
        let json = r#"{"a":[[],[{"b":1}],{"c":{"d":[{"e":{}}]}}],"f":{"g":2}}"#;
        let mut cursor = Cursor::new(json);
        let mut found = Vec::new();
        while let Some(text) = cursor.next_text() {
            found.push((cursor.raw(&text), text.depth, cursor.owner_depth(&text)));
        }
        let owners = [("a", 1, 0), ("b", 4, 1), ("c", 3, 1), ("d", 4, 3), ("e", 6, 4), ("f", 1, 0), ("g", 2, 1)];
        assert_eq!(found, owners);
    }

    #[test]
    fn a_value_is_passed_whatever_it_is() {
        for value in ["5", "\"t}\\\"\"", "[1,[\"]\"],{}]", "{\"a\":{\"b\":[]}}", "null", "-1.5e3", "{}"] {
            for (before, after) in [("{\"k\":", ",\"n\":1}"), ("{\"k\" : ", " }"), ("[{\"k\":", "}]")] {
                let json = format!("{before}{value}{after}");
                let mut cursor = Cursor::new(&json);
                cursor.next_text().unwrap();
                assert_eq!(&json[cursor.pass_value()], value, "{json}");
                let next = cursor.next_text().map(|text| cursor.raw(&text));
                assert_eq!(next, after.contains('n').then_some("n"), "{json}");
            }
        }
    }

    #[test]
    fn what_is_no_json_is_gone_through_to_its_end() {
        for json in ["\"", "{\"a", "\\", "{\"a\":\"\\", "]]}}", "{\"a\":"] {
            let mut cursor = Cursor::new(json);
            while let Some(text) = cursor.next_text() {
                cursor.said(&text);
                cursor.pass_value();
            }
        }
    }
}
