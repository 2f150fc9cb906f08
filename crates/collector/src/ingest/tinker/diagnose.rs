//! What is wrong with an event, said so that its author can put it right. Only bad events come here, so it may be slow.

use std::collections::HashMap;

use serde_json::value::RawValue;

use super::super::quote;

/// The fields that every event must have, and what each must be.
const REQUIRED: [(&str, Form); 5] = [
    ("event", Form::String),
    ("event_id", Form::String),
    ("event_session_index", Form::Integer),
    ("severity", Form::String),
    ("timestamp", Form::String),
];

#[derive(Clone, Copy)]
enum Form {
    String,
    Integer,
}

/// Says what is wrong with an object that could not be read as an event.
pub(super) fn diagnose(text: &str, error: &serde_json::Error) -> String {
    let fields: HashMap<String, &RawValue> = serde_json::from_str(text).unwrap_or_default();
    for (name, form) in REQUIRED {
        let Some(value) = fields.get(name) else { return format!("`{name}` is missing") };
        if let Some(complaint) = complaint(name, form, value.get()) {
            return complaint;
        }
    }
    let name = fields.get("event_name").and_then(|name| complaint("event_name", Form::String, name.get()));
    name.unwrap_or_else(|| format!("the event can't be read: {error}"))
}

/// Says what is wrong with a field's value, if its form is.
fn complaint(name: &str, form: Form, json: &str) -> Option<String> {
    match form {
        Form::String if !json.starts_with('"') => Some(format!("`{name}` is {}: it must be a string", quote(json))),
        Form::String if serde_json::from_str::<String>(json).is_err() => {
            Some(format!("`{name}` is {}: it has an escape that stands for no character", quote(json)))
        }
        Form::Integer if json.parse::<i64>().is_err() => {
            Some(format!("`{name}` is {}: it must be an integer from 0 to {}", quote(json), i64::MAX - 1))
        }
        Form::String | Form::Integer => None,
    }
}

/// Returns an event's id where it has one, whatever else is wrong with it.
pub(super) fn event_id(text: &str) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Id {
        event_id: String,
    }
    let Id { mut event_id } = serde_json::from_str(text).ok()?;
    event_id.truncate(event_id.floor_char_boundary(crate::limits::EVENT_ID_CHARS_MAX));
    Some(event_id)
}
