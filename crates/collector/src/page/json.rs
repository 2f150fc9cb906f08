//! JSON over several lines, as people read it. Only spaces are added: each number and text stays as it was written.

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
}
