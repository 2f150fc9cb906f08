//! Nested properties as flat ones.
//!
//! It goes over JSON that this library has just written: compact and whole. Names are copied as they are escaped there,
//! and compared so, because one text is always escaped in the same way. Nothing recurses.

use std::collections::HashSet;

use super::entry::TooLong;
use crate::limits::DATADOG_ENTRY_BYTES_MAX;

/// What no property may be named, nor begin with before a dot: what this sink sets, and what Datadog would read in its
/// place (the preprocessing of JSON logs, in its documentation).
const RESERVED: [&[u8]; 17] = [
    b"@timestamp",
    b"ddsource",
    b"ddtags",
    b"event",
    b"event_id",
    b"event_session_index",
    b"host",
    b"hostname",
    b"message",
    b"platform",
    b"process_uuid",
    b"service",
    b"session_id",
    b"source",
    b"status",
    b"timestamp",
    b"userBucket",
];
/// What stands before the name of a property that is reserved or there already.
const ELSEWHERE: &[u8] = b"data.";

/// Appends the properties of a JSON object to an entry that is open and begins at `start`: `,"a.b":1` for
/// `{"a":{"b":1}}`. Lists are copied as they are.
///
/// A name that is reserved, or was there before, is put under `data.`; where that was there too, the property is left out.
///
/// # Errors
///
/// The entry is longer than Datadog takes it: a long name before many short ones makes much of little.
pub(super) fn append(out: &mut Vec<u8>, start: usize, json: &[u8]) -> Result<(), TooLong> {
    let mut names = Names::default();
    let mut path = Vec::new();
    // How long the path was before each object that is open, but for the outermost.
    let mut parents = Vec::new();
    let mut rest = json.get(1..).unwrap_or_default();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'}' => match parents.pop() {
                Some(length) => path.truncate(length),
                None => break,
            },
            b'"' => {
                let length = path.len();
                if !parents.is_empty() {
                    path.push(b'.');
                }
                let (name, after) = split(rest, text_end(rest));
                path.extend_from_slice(name);
                // The quote and the colon.
                rest = after.get(2..).unwrap_or_default();
                if rest.starts_with(b"{") && !rest.starts_with(b"{}") {
                    parents.push(length);
                    rest = &rest[1..];
                } else {
                    let (value, after) = split(rest, value_end(rest));
                    names.append(out, &path, value);
                    path.truncate(length);
                    rest = after;
                }
                if out.len() + path.len() - start > DATADOG_ENTRY_BYTES_MAX {
                    return Err(TooLong);
                }
            }
            // A comma.
            _ => {}
        }
    }
    Ok(())
}

/// The names of an entry that are no longer free.
#[derive(Default)]
struct Names(HashSet<Vec<u8>>);

impl Names {
    fn append(&mut self, out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
        let first = name.split(|&byte| byte == b'.').next().unwrap_or_default();
        if !RESERVED.contains(&first) && self.0.insert(name.to_vec()) {
            write(out, &[name], value);
        } else if self.0.insert([ELSEWHERE, name].concat()) {
            write(out, &[ELSEWHERE, name], value);
        }
    }
}

fn write(out: &mut Vec<u8>, name: &[&[u8]], value: &[u8]) {
    out.extend_from_slice(b",\"");
    for part in name {
        out.extend_from_slice(part);
    }
    out.extend_from_slice(b"\":");
    out.extend_from_slice(value);
}

fn split(json: &[u8], at: usize) -> (&[u8], &[u8]) {
    json.split_at_checked(at).unwrap_or((json, b""))
}

/// Returns where the text ends whose opening quote was just before: the place of its closing quote.
fn text_end(json: &[u8]) -> usize {
    let mut at = 0;
    while let Some(&byte) = json.get(at) {
        match byte {
            b'"' => break,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    at
}

/// Returns where the value ends that stands here.
fn value_end(json: &[u8]) -> usize {
    let (mut at, mut depth) = (0, 0_usize);
    while let Some(&byte) = json.get(at) {
        match byte {
            b'"' => at += 1 + text_end(json.get(at + 1..).unwrap_or_default()),
            b'[' | b'{' => depth += 1,
            b']' | b'}' | b',' if depth == 0 => break,
            b']' | b'}' => depth -= 1,
            _ => {}
        }
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Value, json};

    use super::*;

    fn flat(json: &str) -> Value {
        let mut out = b"{\"first\":0".to_vec();
        append(&mut out, 0, json.as_bytes()).unwrap();
        out.push(b'}');
        let mut value: Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(value.as_object_mut().unwrap().remove("first"), Some(json!(0)));
        value
    }

    #[test]
    fn nested_names_are_joined_and_everything_else_stays_as_it_is() {
        let nested = json!({
            "a": 1, "b": {"c": {"d": "}\",{\\", "e": -1.5e3}, "f": [1, {"g": {"h": []}}, "]"]}, "i": {}, "j": null,
            "k \"q\"": {"ü\n": true}, "": {"": 0},
        });
        let expected = json!({
            "a": 1, "b.c.d": "}\",{\\", "b.c.e": -1.5e3, "b.f": [1, {"g": {"h": []}}, "]"], "i": {}, "j": null,
            "k \"q\".ü\n": true, ".": 0,
        });
        assert_eq!(flat(&nested.to_string()), expected);
        assert_eq!(flat("{}"), json!({}));
    }

    #[test]
    fn a_reserved_name_is_never_overwritten() {
        let nested = json!({"message": 1, "status": {"code": 2}, "host.name": 3, "messages": 4, "a": {"message": 5}});
        let expected =
            json!({"data.message": 1, "data.status.code": 2, "data.host.name": 3, "messages": 4, "a.message": 5});
        assert_eq!(flat(&nested.to_string()), expected);
    }

    #[test]
    fn two_properties_never_share_a_name() {
        assert_eq!(flat(r#"{"a.b":1,"a":{"b":2}}"#), json!({"a.b": 1, "data.a.b": 2}));
        assert_eq!(flat(r#"{"a":1,"a":2,"a":3}"#), json!({"a": 1, "data.a": 2}), "the third has nowhere to go");
        assert_eq!(flat(r#"{"data":{"message":1},"message":2}"#), json!({"data.message": 1}));
    }

    #[test]
    fn a_long_name_before_many_short_ones_ends_at_the_bound() {
        let inner: Map<String, Value> = (0..1_000).map(|number| (number.to_string(), json!(number))).collect();
        let nested = json!({"x".repeat(100_000): inner}).to_string();
        let mut out = Vec::new();
        assert!(append(&mut out, 0, nested.as_bytes()).is_err());
        assert!(out.len() < DATADOG_ENTRY_BYTES_MAX + 200_000, "{}", out.len());
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<i64>().prop_map(Value::from),
            "[a\"\\\\{},\\[\\]:.ü\n]{0,6}".prop_map(Value::from)
        ];
        leaf.prop_recursive(5, 40, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec(("[abe\"\\\\{},.]{0,3}", inner), 0..5)
                    .prop_map(|entries| Value::Object(entries.into_iter().collect())),
            ]
        })
    }

    /// How many properties there are: leaves, lists and empty objects.
    fn leaves(value: &Value) -> usize {
        match value {
            Value::Object(inner) if !inner.is_empty() => inner.values().map(leaves).sum(),
            _ => 1,
        }
    }

    proptest! {
        #[test]
        fn whatever_is_nested_comes_out_flat_and_valid(inner in prop::collection::vec(any_value(), 0..5)) {
            let object: Map<String, Value> = inner.into_iter().enumerate().map(|(place, value)| (format!("p{place}"), value)).collect();
            let nested = Value::Object(object);
            let flat = flat(&nested.to_string());
            let members = flat.as_object().unwrap();
            prop_assert!(members.values().all(|value| value.as_object().is_none_or(Map::is_empty)));
            prop_assert!(members.len() <= leaves(&nested));
        }
    }
}
