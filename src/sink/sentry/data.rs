//! The data of an event as JSON.

use serde_json::{Map, Value};

use crate::event::RawData;
use crate::limits::SENTRY_ENVELOPE_BYTES_MAX;
use crate::wire::{self, TranscodeError};

/// The one name of data that is not taken apart.
const WHOLE: &str = "json";

/// Reads the data of an event.
///
/// # Errors
///
/// Its bytes are damaged.
pub(super) fn object(data: RawData<'_>) -> Result<Map<String, Value>, TranscodeError> {
    let mut json = Vec::new();
    wire::write_data(&mut json, data.as_bytes())?;
    Ok(match serde_json::from_slice(&json) {
        Ok(Value::Object(object)) => object,
        // Nested as deep as it may be, which is one level more than the reader of JSON takes.
        _ => whole(String::from_utf8_lossy(&json).into_owned()),
    })
}

/// Makes nested properties flat ones, names joined by dots: `{"a.b":1}` of `{"a":{"b":1}}`. Lists stay as they are.
///
/// A long name before many short ones makes much of little: what would be more than fits anywhere is one text of JSON.
pub(super) fn flat(data: Map<String, Value>) -> Vec<(String, Value)> {
    if bytes_of_names(&data) > SENTRY_ENVELOPE_BYTES_MAX {
        return whole(Value::Object(data).to_string()).into_iter().collect();
    }
    let mut flat = Vec::new();
    let mut open = vec![(None, data.into_iter())];
    while let Some((path, rest)) = open.last_mut() {
        let Some((name, value)) = rest.next() else {
            open.pop();
            continue;
        };
        let name = path.as_ref().map_or_else(|| name.clone(), |path: &String| format!("{path}.{name}"));
        match value {
            Value::Object(inner) if !inner.is_empty() => open.push((Some(name), inner.into_iter())),
            value => flat.push((name, value)),
        }
    }
    flat
}

/// Returns how many bytes the names will have, once joined.
fn bytes_of_names(data: &Map<String, Value>) -> usize {
    let mut bytes: usize = 0;
    let mut open = vec![(0, data.iter())];
    while let Some((path_bytes, rest)) = open.last_mut() {
        let Some((name, value)) = rest.next() else {
            open.pop();
            continue;
        };
        let name_bytes = *path_bytes + name.len() + 1;
        bytes = bytes.saturating_add(name_bytes);
        if let Value::Object(inner) = value {
            open.push((name_bytes, inner.iter()));
        }
    }
    bytes
}

fn whole(json: String) -> Map<String, Value> {
    Map::from_iter([(WHOLE.to_owned(), Value::String(json))])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::event::{Body, Encoder, EventKind, EventView, Severity, Tag};
    use crate::limits::DATA_DEPTH_MAX;

    fn flattened(data: Value) -> Value {
        let Value::Object(data) = data else { panic!("an object") };
        Value::Object(flat(data).into_iter().collect())
    }

    #[test]
    fn nested_names_are_joined_by_dots_and_lists_stay() {
        let data = json!({"a": {"b": 1, "c": {"d": [{"e": 2}], "": 3}}, "f": {}, "": null, "g": "x"});
        let expected = json!({"a.b": 1, "a.c.d": [{"e": 2}], "a.c.": 3, "f": {}, "": null, "g": "x"});
        assert_eq!(flattened(data), expected);
    }

    #[test]
    fn a_long_name_before_many_short_ones_stays_one_text() {
        let many: Map<_, _> = (0..1_000).map(|n| (n.to_string(), json!(n))).collect();
        let data = json!({ "x".repeat(2_000): many });
        assert_eq!(flattened(data.clone()), json!({"json": data.to_string()}));
    }

    #[test]
    fn the_deepest_data_that_can_be_logged_loses_nothing() {
        let deepest = (1..DATA_DEPTH_MAX).fold(json!({"leaf": 1}), |inner, _| json!({"n": inner}));
        let mut encoder = Encoder::take();
        encoder.time(crate::clock::Timestamp::from_unix_nanos(0));
        encoder.name("n");
        encoder.data(&deepest).unwrap();
        let view = EventView::read(Tag::new(EventKind::Generic, Severity::Info), encoder.finish().unwrap()).unwrap();
        let Body::Generic { data, .. } = view.body() else { panic!("a generic event") };
        let text = flattened(Value::Object(object(data).unwrap())).to_string();
        assert!(text.contains("leaf"), "{text}");
    }
}
