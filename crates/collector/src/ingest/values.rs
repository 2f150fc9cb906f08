//! The values of a body: a list of them, or one after the other, whether there are line breaks between them, within them, or both.

use std::fmt;

use serde::de::{IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

use super::Refused;
use crate::limits::{REQUEST_EVENTS_MAX, VALUE_BYTES_MAX};

/// The texts of a list's elements: at most one more than are allowed, so that a body of commas takes no memory.
pub(super) struct Raws<'a>(pub(super) Vec<&'a RawValue>);

impl<'de: 'a, 'a> Deserialize<'de> for Raws<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Vec<&'de RawValue>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array of events")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut events = Vec::with_capacity(100);
                while let Some(event) = seq.next_element()? {
                    events.push(event);
                    if events.len() > REQUEST_EVENTS_MAX {
                        while seq.next_element::<IgnoredAny>()?.is_some() {}
                        break;
                    }
                }
                Ok(events)
            }
        }
        deserializer.deserialize_seq(Collect).map(Raws)
    }
}

/// Returns a body as text.
pub(super) fn utf8(body: &[u8]) -> Result<&str, Refused> {
    std::str::from_utf8(body).map_err(|error| {
        Refused::Bad(format!("the body is not UTF-8: the first bad byte is at {}", error.valid_up_to()))
    })
}

/// Reads a text of JSON. A lone surrogate, which no `str` can hold and Python writes all the same, becomes the character that stands for
/// what can't be shown.
///
/// # Errors
///
/// It is none, in words for who sent it.
pub(super) fn read(json: &str) -> Result<Value, String> {
    read_up_to(VALUE_BYTES_MAX, json)
}

/// Reads a text of JSON that is no longer.
pub(super) fn read_up_to(bytes_max: usize, json: &str) -> Result<Value, String> {
    if json.len() > bytes_max {
        return Err(format!("it has {} bytes: at most {bytes_max} are taken", json.len()));
    }
    serde_json::from_str(json).or_else(|error| {
        serde_json::from_str(&without_lone_surrogates(json)).map_err(|_| format!("it is no JSON: {error}"))
    })
}

/// Calls `take` with the value of each place of a body, or with why there is none.
///
/// # Errors
///
/// The body is a list that can't be read, or has too many values; or what `take` returns.
pub(super) fn each(
    body: &str,
    mut take: impl FnMut(usize, Result<Value, String>) -> Result<(), Refused>,
) -> Result<(), Refused> {
    if body.trim_start().starts_with('[') {
        let Raws(values) = serde_json::from_str(body)
            .map_err(|error| Refused::Bad(format!("the body is no list of JSON: {error}")))?;
        if values.len() > REQUEST_EVENTS_MAX {
            return Err(Refused::TooManyEvents);
        }
        return values.into_iter().enumerate().try_for_each(|(place, value)| take(place, read(value.get())));
    }
    let mut values = serde_json::Deserializer::from_str(body).into_iter::<&RawValue>();
    for place in 0.. {
        let begin = values.byte_offset();
        match values.next() {
            None => break,
            Some(Ok(value)) => take(place, read(value.get()))?,
            // Nobody can tell where a value ends that is none, but a line does.
            Some(Err(_)) => {
                let lines = body[begin..].lines().filter(|line| !line.trim().is_empty());
                return lines.zip(place..).try_for_each(|(line, place)| take(place, read(line)));
            }
        }
    }
    Ok(())
}

/// Replaces every escape of half a character that has no other half after or before it.
fn without_lone_surrogates(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        out.push_str(before);
        let width = match unit(escape) {
            Some(0xd800..=0xdbff) if matches!(escape.get(6..).and_then(unit), Some(0xdc00..=0xdfff)) => 12,
            Some(0xd800..=0xdfff) => 0,
            Some(_) => 6,
            None => escape.chars().take(2).map(char::len_utf8).sum(),
        };
        out.push_str(if width == 0 { "\\ufffd" } else { &escape[..width] });
        rest = &escape[if width == 0 { 6 } else { width }..];
    }
    out + rest
}

/// Reads the escape of a unit of UTF-16 at the beginning.
fn unit(escape: &str) -> Option<u32> {
    u32::from_str_radix(escape.strip_prefix("\\u")?.get(..4)?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(body: &str) -> Vec<Result<Value, String>> {
        let mut all = Vec::new();
        each(body, |place, value| {
            assert_eq!(place, all.len());
            all.push(value);
            Ok(())
        })
        .unwrap();
        all
    }

    #[test]
    fn lists_lines_and_values_over_several_lines_are_read() {
        for body in ["[{\"a\":1},2]", "{\"a\":1}\n2\n", "{\"a\":\n1} 2", " {\"a\":1}\r\n\r\n2"] {
            let read: Vec<Value> = values(body).into_iter().map(Result::unwrap).collect();
            assert_eq!(Value::from(read).to_string(), "[{\"a\":1},2]", "{body}");
        }
        assert!(values("").is_empty() && values("[]").is_empty() && values(" \n ").is_empty());
    }

    #[test]
    fn a_line_that_is_none_is_set_apart_and_those_around_it_are_read() {
        let read = values("{\"a\":1}\n{\"torn\":\n{\"b\":2}\nnot json\n3");
        let good: Vec<String> = read.iter().filter_map(|value| value.as_ref().ok()).map(Value::to_string).collect();
        assert_eq!(good, ["{\"a\":1}", "{\"b\":2}", "3"]);
        assert_eq!(read.len(), 5);
        assert!(read[1].as_ref().unwrap_err().starts_with("it is no JSON"), "{read:?}");
    }

    #[test]
    fn half_a_character_costs_that_character_alone() {
        let read = values("[\"a\\ud800b\",\"\\ud83d\\ude00\\\\ud800\",\"\\udc00\\ud800\\n\"]");
        let read: Vec<Value> = read.into_iter().map(Result::unwrap).collect();
        assert_eq!(Value::from(read), serde_json::json!(["a\u{fffd}b", "😀\\ud800", "\u{fffd}\u{fffd}\n"]));
        assert!(values("\"\\ud8")[0].is_err() && values("\"\\")[0].is_err() && values("\"\\é\\ud800\"")[0].is_err());
    }

    #[test]
    fn more_values_than_a_request_may_have_are_refused_together() {
        let body = format!("[{}1]", "1,".repeat(REQUEST_EVENTS_MAX));
        assert_eq!(each(&body, |_, _| Ok(())), Err(Refused::TooManyEvents));
        assert!(matches!(each("[1,", |_, _| Ok(())), Err(Refused::Bad(_))));
    }
}
