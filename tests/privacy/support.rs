//! Reporters with a sink that keeps everything, and a search through what it was given.

use std::time::Duration;

use lastword::privacy::Privacy;
use lastword::testing::MemorySink;
use lastword::{Admission, Reporter};
use serde_json::Value;

/// Longer than any of these tests takes.
pub(crate) const LONG: Duration = Duration::from_secs(30);

/// Reports what `act` reports with these settings, and returns the events that arrived between start and end.
pub(crate) fn reported_with(privacy: Privacy, act: impl FnOnce(&Reporter)) -> Vec<Value> {
    let sink = MemorySink::new();
    let reporter = Reporter::builder("s").enabled(true).privacy(privacy).sink(sink.clone()).start().unwrap();
    act(&reporter);
    let drain = reporter.blocking_stop(LONG);
    assert!(drain.is_drained(), "{drain}");
    let events = sink.events();
    events[1..events.len() - 1].to_vec()
}

/// [`reported_with`] all that is taken out unless a program says otherwise.
pub(crate) fn reported(act: impl FnOnce(&Reporter)) -> Vec<Value> {
    reported_with(Privacy::new(), act)
}

/// Fails if a half of a secret stands in a text: a secret that is cut is none the less one.
pub(crate) fn assert_hidden(text: &str, secret: &str, what: &str) {
    assert!(is_hidden(text, secret), "{what}: a half of {secret:?} is in {text:?}");
}

/// Whether no half of a secret stands in a text.
pub(crate) fn is_hidden(text: &str, secret: &str) -> bool {
    let middle = text_middle(secret);
    [&secret[..middle], &secret[middle..]].iter().all(|half| half.len() < 4 || !text.contains(half))
}

fn text_middle(secret: &str) -> usize {
    secret.floor_char_boundary(secret.len() / 2)
}

/// All texts of a value, names of fields included.
pub(crate) fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(values) => values.iter().flat_map(texts).collect(),
        Value::Object(fields) => {
            fields.iter().flat_map(|(name, value)| [name.clone()].into_iter().chain(texts(value))).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}

/// Fails if a half of the secret stands in any text of any event, or in their JSON.
pub(crate) fn assert_none_leaves(events: &[Value], secret: &str, what: &str) {
    assert!(!events.is_empty(), "{what}: nothing arrived");
    for event in events {
        texts(event).iter().for_each(|text| assert_hidden(text, secret, what));
        assert_hidden(&event.to_string(), secret, what);
    }
}

/// Says that an event was taken.
pub(crate) fn sent(admission: Admission) {
    assert!(admission.is_accepted(), "{admission:?}");
}
