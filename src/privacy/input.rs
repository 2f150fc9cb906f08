//! What a tool was given, as far as it may be reported.

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::checked::without_persons;
use super::scan;
use crate::event::INPUT_NAME;
use crate::limits::{
    INPUT_DEPTH_MAX, INPUT_ITEMS_MAX, INPUT_JSON_CHARS_MAX, INPUT_TEXT_CHARS_KEPT, INPUT_TEXT_CHARS_MAX,
    STRING_MARGIN_BYTES,
};

/// What a tool was given. It is reported as null, unless [`Privacy::tool_input`](super::Privacy::tool_input) says otherwise;
/// then as an outline: texts over 512 characters are cut to 128, lists and objects have 20 items and stand two deep, and all of
/// it is 4,096 characters of JSON. What was left out is said. It is redacted like everything else.
///
/// ```
/// use lastword::privacy::{Privacy, ToolInput};
/// use lastword::{Reporter, event};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let (sink, other) = (lastword::testing::MemorySink::new(), lastword::testing::MemorySink::new());
///
/// let input = serde_json::json!({"command": "ls", "edits": [{"at": {"line": 7}}]});
/// let reporter = Reporter::builder("s").enabled(true).sink(sink.clone()).start()?;
/// event!(reporter, "tool_use", tool = "bash", input = ToolInput(&input));
/// let asked = Reporter::builder("t").privacy(Privacy::new().tool_input()).enabled(true).sink(other.clone()).start()?;
/// event!(asked, "tool_use", tool = "bash", input = ToolInput(&input));
/// # let deadline = std::time::Duration::from_secs(5);
/// # reporter.blocking_stop(deadline);
/// # asked.blocking_stop(deadline);
/// assert!(sink.events()[1]["event_data"]["input"].is_null());
/// let outline = &other.events()[1]["event_data"]["input"];
/// assert_eq!(outline, &serde_json::json!({"command": "ls", "edits": ["{1 item}"]}));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct ToolInput<'a, T: ?Sized>(pub &'a T);

impl<T: Serialize + ?Sized> Serialize for ToolInput<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // What is in there runs only where it is asked for.
        serializer.serialize_newtype_struct(INPUT_NAME, &Outline(self.0))
    }
}

struct Outline<'a, T: ?Sized>(&'a T);

impl<T: Serialize + ?Sized> Serialize for Outline<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // What is about a person would be a text like any other in there.
        let whole = without_persons(|| serde_json::to_value(self.0)).map_err(serde::ser::Error::custom)?;
        let outline = outlined(whole, 0);
        let json = outline.to_string();
        match json.char_indices().nth(INPUT_JSON_CHARS_MAX) {
            None => outline.serialize(serializer),
            Some((end, _)) => serializer.collect_str(&format_args!(
                "{}… (of {} characters)",
                &json[..before_secret(&json, end)],
                json.chars().count()
            )),
        }
    }
}

fn outlined(value: Value, depth: usize) -> Value {
    let counted = |open, count: usize, close| {
        Value::String(format!("{open}{count} item{}{close}", if count == 1 { "" } else { "s" }))
    };
    match value {
        Value::String(text) => Value::String(cut(text)),
        Value::Array(items) if depth >= INPUT_DEPTH_MAX => counted('[', items.len(), ']'),
        Value::Object(entries) if depth >= INPUT_DEPTH_MAX => counted('{', entries.len(), '}'),
        Value::Array(items) => {
            let count = items.len();
            let kept = items.into_iter().take(INPUT_ITEMS_MAX).map(|item| outlined(item, depth + 1));
            let more = (count > INPUT_ITEMS_MAX).then(|| Value::String(format!("… (of {count} items)")));
            kept.chain(more).collect()
        }
        Value::Object(entries) => {
            let count = entries.len();
            let kept =
                entries.into_iter().take(INPUT_ITEMS_MAX).map(|(key, value)| (cut(key), outlined(value, depth + 1)));
            let more = (count > INPUT_ITEMS_MAX).then(|| ("…".to_owned(), Value::String(format!("of {count} items"))));
            kept.chain(more).collect::<Map<_, _>>().into()
        }
        plain => plain,
    }
}

fn cut(text: String) -> String {
    if text.len() <= INPUT_TEXT_CHARS_MAX {
        return text;
    }
    let count = text.chars().count();
    if count <= INPUT_TEXT_CHARS_MAX {
        return text;
    }
    let end = text.char_indices().nth(INPUT_TEXT_CHARS_KEPT).map_or(text.len(), |(end, _)| end);
    format!("{}… (of {count} characters)", &text[..before_secret(&text, end)])
}

/// Returns where a text is to be cut that is to be cut there: before a secret that the cut would make two of, of which the first
/// half might not be seen as one.
fn before_secret(text: &str, end: usize) -> usize {
    let seen = &text[..text.floor_char_boundary(end.saturating_add(STRING_MARGIN_BYTES))];
    scan::find(seen).into_iter().find(|found| (found.start..found.end).contains(&end)).map_or(end, |found| found.start)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn outline(value: &Value) -> Value {
        serde_json::to_value(Outline(value)).unwrap()
    }

    #[test]
    fn long_texts_many_items_and_what_is_deep_are_cut_with_a_note() {
        assert_eq!(outline(&json!("x".repeat(512))), json!("x".repeat(512)));
        assert_eq!(outline(&json!("ö".repeat(513))), json!(format!("{}… (of 513 characters)", "ö".repeat(128))));
        assert_eq!(
            outline(&json!({"a": {"b": {"c": 1}, "d": [1, 2]}})),
            json!({"a": {"b": "{1 item}", "d": "[2 items]"}})
        );
        let many = outline(&json!((0..21).collect::<Vec<_>>()));
        assert_eq!((many.as_array().unwrap().len(), &many[20]), (21, &json!("… (of 21 items)")));
        let many: Value = (0..30).map(|key| (format!("{key:02}"), json!(key))).collect::<Map<_, _>>().into();
        assert_eq!((outline(&many).as_object().unwrap().len(), &outline(&many)["…"]), (21, &json!("of 30 items")));
    }

    #[test]
    fn no_secret_is_cut_in_two() {
        let token = "ghp_abcdefghijklmnopqrstuvwxyz0123456789";
        let text = format!("{} {token} {}", "x".repeat(110), "y ".repeat(300));
        let kept = outline(&json!(text));
        assert_eq!(kept, json!(format!("{} … (of 752 characters)", "x".repeat(110))));
        let many = outline(&json!(vec![format!("{} {token}", "z ".repeat(212)); 20]));
        let text = many.as_str().unwrap();
        assert!(!text[..text.rfind("… (of").unwrap()].ends_with(|last: char| last.is_ascii_digit()), "{text}");
    }

    #[test]
    fn all_of_it_is_bounded_too() {
        let wide: Value = vec!["y".repeat(500); 20].into();
        let text = outline(&wide);
        let text = text.as_str().unwrap();
        assert!(text.ends_with("… (of 10061 characters)"), "{}", &text[text.len() - 40..]);
        assert_eq!(text.chars().count(), 4_096 + "… (of 10061 characters)".chars().count());
    }
}
