//! Writing OTLP's values as JSON: what they are stays what it is, bytes are their base64.

use super::model::{Any, Digits, Id, KeyValue, Link, SpanEvent};
use crate::ingest::{List, Object, base64};

/// Writes a value under a name.
pub(super) fn write(object: &mut Object<'_>, name: &str, value: &Any<'_>) {
    match value {
        Any::None => object.value(name, &serde_json::Value::Null),
        Any::Text(text) => object.text(name, text),
        Any::Bool(is) => object.bool(name, *is),
        Any::Int(number) => object.int(name, *number),
        Any::Double(number) => object.float(name, *number),
        Any::Bytes(bytes) => object.text(name, &base64(bytes)),
        Any::List(values) => object.list(name, |list| values.iter().for_each(|value| add(list, value))),
        Any::Map(entries) => object.object(name, |object| write_all(object, entries)),
    }
}

/// Writes attributes under their own names.
pub(super) fn write_all(object: &mut Object<'_>, attributes: &[KeyValue<'_>]) {
    for attribute in attributes {
        write(object, &attribute.key, &attribute.value);
    }
}

fn add(list: &mut List<'_>, value: &Any<'_>) {
    match value {
        Any::None => list.null(),
        Any::Text(text) => list.text(text),
        Any::Bool(is) => list.bool(*is),
        Any::Int(number) => list.int(*number),
        Any::Double(number) => list.float(*number),
        Any::Bytes(bytes) => list.text(&base64(bytes)),
        Any::List(values) => list.list(|list| values.iter().for_each(|value| add(list, value))),
        Any::Map(entries) => list.object(|object| write_all(object, entries)),
    }
}

/// Writes a number where it says something.
pub(super) fn uint_if(object: &mut Object<'_>, name: &str, number: impl Into<u64>) {
    let number = number.into();
    if number != 0 {
        object.uint(name, number);
    }
}

/// Writes an id that says something, as many bytes as it has.
pub(super) fn id_if(object: &mut Object<'_>, name: &str, id: Id) {
    if let Some(digits) = id.digits(id.length()) {
        object.text(name, &digits);
    }
}

/// Writes the events of a span.
pub(super) fn events(object: &mut Object<'_>, events: &[SpanEvent<'_>]) {
    if events.is_empty() {
        return;
    }
    object.list("events", |list| {
        for event in events {
            list.object(|object| {
                object.text("name", &event.name);
                object.uint("time_unix_nano", event.time_unix_nano);
                uint_if(object, "attributes_dropped", event.dropped_attributes_count);
                attributes_if(object, &event.attributes);
            });
        }
    });
}

/// Writes the links of a span.
pub(super) fn links(object: &mut Object<'_>, links: &[Link<'_>]) {
    if links.is_empty() {
        return;
    }
    object.list("links", |list| {
        for link in links {
            list.object(|object| {
                id_if(object, "trace_id", link.trace_id);
                id_if(object, "span_id", link.span_id);
                object.text_if("trace_state", Some(&link.trace_state));
                uint_if(object, "flags", link.flags);
                uint_if(object, "attributes_dropped", link.dropped_attributes_count);
                attributes_if(object, &link.attributes);
            });
        }
    });
}

pub(super) fn attributes_if(object: &mut Object<'_>, attributes: &[KeyValue<'_>]) {
    if !attributes.is_empty() {
        object.object("attributes", |object| write_all(object, attributes));
    }
}

/// Returns a value as a label: a text as it is, all else as its JSON.
pub(super) fn label(value: &Any<'_>) -> String {
    match value {
        Any::Text(text) => text.to_string(),
        other => {
            let mut json = Vec::new();
            let mut object = Object::begin(&mut json, 0);
            write(&mut object, "v", other);
            object.end();
            // What stands between `{"v":` and `}`.
            String::from_utf8(json)
                .ok()
                .and_then(|json| json.get(5..json.len() - 1).map(str::to_owned))
                .unwrap_or_default()
        }
    }
}

/// Returns an event's id of a trace's and a span's.
pub(super) fn span_event_id(trace_id: &Digits, span_id: &Digits) -> String {
    [trace_id, "-", span_id].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_a_text() {
        assert_eq!(label(&Any::Text("a".into())), "a");
        assert_eq!(label(&Any::Int(-3)), "-3");
        assert_eq!(label(&Any::List(vec![Any::Bool(true), Any::None])), "[true,null]");
    }
}
