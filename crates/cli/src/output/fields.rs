//! The data of an event in short: `key=value key="some words"`, in the order in which it was sent.

use std::fmt;

use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// Returns an object's fields as `key=value`, anything else as its JSON.
///
/// Values stay the text they were stored as: a number of any size or form is shown as it was sent.
pub(crate) fn summary(data: &RawValue) -> String {
    let mut json = serde_json::Deserializer::from_str(data.get());
    json.deserialize_map(Fields).unwrap_or_else(|_| data.get().to_owned())
}

struct Fields;

impl<'de> Visitor<'de> for Fields {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<String, A::Error> {
        let mut line = String::new();
        while let Some(key) = map.next_key::<String>()? {
            let value = map.next_value::<&RawValue>()?;
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(&key);
            line.push('=');
            line.push_str(&short(value.get()));
        }
        Ok(line)
    }
}

/// Returns a JSON value in short: strings without quotes where they are one plain word.
fn short(json: &str) -> String {
    let Ok(text) = serde_json::from_str::<String>(json) else {
        return json.to_owned();
    };
    let is_word = |c: char| !c.is_whitespace() && !c.is_control() && !matches!(c, '"' | '=' | '\\');
    if !text.is_empty() && text.chars().all(is_word) {
        return text;
    }
    // Written anew, so that `\u00e9` of a client that sends ASCII only can be read.
    serde_json::to_string(&text).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(json: &str) -> String {
        summary(&RawValue::from_string(json.to_owned()).unwrap())
    }

    #[test]
    fn fields_keep_their_order_and_their_text() {
        assert_eq!(of(r#"{"z":1e400,"a":-0.10,"n":null,"s":"word","e":""}"#), r#"z=1e400 a=-0.10 n=null s=word e="""#);
    }

    #[test]
    fn words_with_spaces_or_signs_are_quoted() {
        assert_eq!(of(r#"{"a":"two words","b":"x=y","c":[1, 2]}"#), r#"a="two words" b="x=y" c=[1, 2]"#);
    }

    #[test]
    fn what_is_no_object_is_shown_as_json() {
        assert_eq!(of("[1,2]"), "[1,2]");
        assert_eq!(of("null"), "null");
    }
}
