//! JSON over several lines, as people read it. Only spaces are added: each number and text stays as it was written.

use std::io::{self, Write};

use serde_json::Value;

/// Returns a value likewise, and whether that is all of it. What is beyond the bytes is not even written, however deep it lies.
pub(super) fn of(value: &Value, bytes_max: usize) -> (String, bool) {
    let mut written = Begun { bytes: Vec::new(), bytes_max };
    let is_whole = serde_json::to_writer(&mut written, value).is_ok();
    let text = String::from_utf8_lossy(&written.bytes);
    let pretty = pretty(&text, bytes_max);
    let is_whole = is_whole && pretty.len() <= bytes_max;
    (pretty, is_whole)
}

/// The beginning of what is written.
struct Begun {
    bytes: Vec<u8>,
    bytes_max: usize,
}

impl Write for Begun {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = self.bytes_max.saturating_sub(self.bytes.len());
        if room == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let taken = bytes.len().min(room);
        self.bytes.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Returns a text of JSON with each field and item on a line of its own, or so many bytes of it and a few more.
pub(super) fn pretty(json: &str, bytes_max: usize) -> String {
    let mut text = String::with_capacity(json.len().min(bytes_max));
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    let mut chars = json.chars().peekable();
    while let Some(char) = chars.next() {
        if text.len() > bytes_max {
            break;
        }
        if in_text {
            text.push(char);
            in_text = escaped || char != '"';
            escaped = !escaped && char == '\\';
            continue;
        }
        match char {
            '{' | '[' => {
                while chars.next_if(char::is_ascii_whitespace).is_some() {}
                text.push(char);
                match chars.next_if(|next| matches!(next, '}' | ']')) {
                    Some(end) => text.push(end),
                    None => {
                        depth += 1;
                        line(&mut text, depth);
                    }
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                line(&mut text, depth);
                text.push(char);
            }
            ',' => {
                text.push(char);
                line(&mut text, depth);
            }
            ':' => text.push_str(": "),
            space if space.is_ascii_whitespace() => {}
            other => {
                in_text = other == '"';
                text.push(other);
            }
        }
    }
    text
}

fn line(text: &mut String, depth: usize) {
    text.push('\n');
    text.extend(std::iter::repeat_n("  ", depth));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_spaces_are_added_and_none_within_a_text() {
        let json = r#"{"a": 1.50,"b":[ ],"c":{},"d":[1e400,"x, {y: \"z\\"],"e":"\\"}"#;
        let lines = "{\n  \"a\": 1.50,\n  \"b\": [],\n  \"c\": {},\n  \"d\": [\n    1e400,\n    \"x, {y: \\\"z\\\\\"\n  ],\n  \"e\": \"\\\\\"\n}";
        assert_eq!(pretty(json, 1000), lines);
        assert_eq!(pretty("]}", 1000), "\n]\n}");
        assert!((101..200).contains(&pretty(&"[".repeat(1000), 100).len()));
    }

    #[test]
    fn of_a_value_no_more_is_made_than_is_wanted() {
        let value = serde_json::json!({ "a": [1, "é"], "b": {} });
        let lines = "{\n  \"a\": [\n    1,\n    \"é\"\n  ],\n  \"b\": {}\n}";
        assert_eq!(of(&value, 1000), (lines.to_owned(), true));
        assert_eq!(of(&value, lines.len()), (lines.to_owned(), true));
        assert!(!of(&value, lines.len() - 1).1 && !of(&value, 10).1);
        // Each of the numbers would stand behind 200 spaces.
        let deep = (0..100).fold(serde_json::json!(vec![1; 100_000]), |inner, _| serde_json::json!([inner]));
        let (text, is_whole) = of(&deep, 10_000);
        assert!(text.len() < 10_500 && !is_whole);
        assert!(of(&serde_json::json!("é".repeat(100)), 10).0.starts_with("\"éé"));
    }
}
