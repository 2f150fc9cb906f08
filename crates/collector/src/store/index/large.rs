//! Taking large values out of events before they are stored: each is stored once, however many events have it, and rows stay small.
//!
//! A value of an event's data that is larger than [`BLOB_BYTES_MIN`] leaves `null` behind, so that what is stored is JSON still; where that
//! is, and what stood there, is noted beside it. Put back, the event is byte for byte what it was.

use lastword::event::names;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::HashMap;

use crate::ingest::Envelope;
use crate::limits::BLOB_BYTES_MIN;

/// What stands where a value was.
pub(crate) const PLACEHOLDER: &str = "null";

/// Data that are never taken out.
const FOUND_BY: [&str; 3] = ["trace_id", "run_id", "user_id"];

/// A value that was taken out of an event.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// Where its placeholder begins, in bytes of what is stored of the event.
    pub(crate) at: usize,
    /// Its JSON; nothing where it is kept outside of the store.
    pub(crate) text: Box<str>,
    /// By what it is found where it is kept outside.
    pub(crate) outside: Option<Outside>,
}

/// A value that is kept in an object store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outside {
    /// Its name there.
    pub(crate) hash: Box<str>,
    /// How long it is.
    pub(crate) bytes: usize,
    /// Which texts it may have, where the store keeps that of each value: see [`filter_of`](super::filter_of).
    pub(crate) filter: Vec<u8>,
}

/// Takes the large values out of the events of an envelope, and returns them by the event's place.
pub(super) fn take(envelope: &mut Envelope) -> HashMap<usize, Vec<Part>> {
    let mut taken = HashMap::new();
    if envelope.events.iter().all(|event| event.range.len() <= BLOB_BYTES_MIN) {
        return taken;
    }
    let mut body = String::with_capacity(envelope.body.len());
    for (place, event) in envelope.events.iter_mut().enumerate() {
        let text = &envelope.body[event.range.clone()];
        let begin = body.len();
        // What metrics say is read again when they are removed.
        let is_kept = text.len() <= BLOB_BYTES_MIN || event.name.as_deref() == Some(names::METRICS);
        let large = if is_kept { Vec::new() } else { large(text) };
        let (mut parts, mut done) = (Vec::with_capacity(large.len()), 0);
        for (at, value) in large {
            body.push_str(&text[done..at]);
            parts.push(Part { at: body.len() - begin, text: value.into(), outside: None });
            body.push_str(PLACEHOLDER);
            done = at + value.len();
        }
        body.push_str(&text[done..]);
        event.range = begin..body.len();
        if !parts.is_empty() {
            taken.insert(place, parts);
        }
    }
    envelope.body = body;
    taken
}

/// Finds the large values of an event's data, in their order, each with where it begins.
fn large(text: &str) -> Vec<(usize, &str)> {
    #[derive(Deserialize)]
    struct Event<'a> {
        #[serde(borrow)]
        event_data: Option<&'a RawValue>,
    }
    #[derive(Deserialize)]
    struct Data<'a>(#[serde(borrow)] HashMap<std::borrow::Cow<'a, str>, &'a RawValue>);
    let data = serde_json::from_str::<Event<'_>>(text).ok().and_then(|event| event.event_data);
    let fields = data.and_then(|data| serde_json::from_str::<Data<'_>>(data.get()).ok());
    let fields = fields.into_iter().flat_map(|Data(fields)| fields);
    let mut large: Vec<(usize, &str)> = fields
        // What an event is found by is read again when it is removed.
        .filter(|(key, value)| value.get().len() > BLOB_BYTES_MIN && !FOUND_BY.contains(&&**key))
        .map(|(_, value)| value.get())
        .filter_map(|value| {
            // It is a part of the text: nothing was copied.
            let at = (value.as_ptr() as usize).checked_sub(text.as_ptr() as usize)?;
            (text.get(at..at + value.len()) == Some(value)).then_some((at, value))
        })
        .collect();
    large.sort_unstable_by_key(|(at, _)| *at);
    large
}

/// Puts values back into what is stored of an event; `None` if they do not fit it.
pub(crate) fn put_back<'p>(stored: &str, parts: impl IntoIterator<Item = (usize, &'p str)>) -> Option<String> {
    let (mut whole, mut done) = (String::with_capacity(stored.len()), 0);
    for (at, text) in parts {
        whole.push_str(stored.get(done..at)?);
        stored.get(at..)?.starts_with(PLACEHOLDER).then_some(())?;
        whole.push_str(text);
        done = at + PLACEHOLDER.len();
    }
    whole.push_str(stored.get(done..)?);
    Some(whole)
}

#[cfg(test)]
mod tests {
    use lastword::{EventKind, Severity};

    use super::*;
    use crate::ingest::{Event, Key};

    #[test]
    fn an_event_is_byte_for_byte_what_it_was_when_its_values_are_put_back() {
        let large = "ü\\\"".repeat(BLOB_BYTES_MIN / 4 + 1);
        let texts = [
            r#"{"event_data":{"a":null}}"#.to_owned(),
            format!(r#"{{ "event_data" : {{"a" : "{large}" , "n": null,"b":[1,"{large}"],"c":3}}, "x":"{large}"}}"#),
            format!(r#"{{"event_data":{{"a":{{"deep":"{large}"}}}}}}"#),
            format!(r#"{{"event_data":"{large}"}}"#),
        ];
        let mut envelope = Envelope { body: texts.concat(), ..Envelope::default() };
        let mut begin = 0;
        for text in &texts {
            envelope.events.push(Event {
                range: begin..begin + text.len(),
                key: Key::new("id", 0),
                kind: EventKind::Generic,
                severity: Severity::Info,
                index: 0,
                time_us: 0,
                name: None,
                detail: None,
                has_arrived: false,
            });
            begin += text.len();
        }
        let taken = take(&mut envelope);
        let counts: Vec<usize> = (0..4).map(|place| taken.get(&place).map_or(0, Vec::len)).collect();
        assert_eq!(counts, [0, 2, 1, 0]);
        for (place, (event, text)) in envelope.events.iter().zip(&texts).enumerate() {
            let stored = &envelope.body[event.range.clone()];
            serde_json::from_str::<serde_json::Value>(stored).unwrap();
            let parts = taken.get(&place).into_iter().flatten().map(|part| (part.at, &*part.text));
            assert_eq!(put_back(stored, parts).as_ref(), Some(text));
        }
        assert_eq!(put_back("{}", [(1, "x")]), None);
        assert_eq!(put_back("{}", [(9, "x")]), None);
    }
}
