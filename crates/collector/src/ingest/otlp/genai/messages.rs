//! What a call of a model was given and came to, gathered from wherever its attributes and events say it.

use serde_json::{Map, Value};

use super::aliases::{self, MessageAlias};
use crate::ingest::Object;
use crate::ingest::messages::{Side, canonical};
use crate::ingest::otlp::model::{Any, KeyValue, SpanEvent, find, find_text};
use crate::limits::{EVENT_BYTES_MAX, GENAI_ROOM_BYTES};
use lastword::event::names::gen_ai;

const SIDES: [(Side, &str); 2] = [(Side::Input, gen_ai::INPUT_MESSAGES), (Side::Output, gen_ai::OUTPUT_MESSAGES)];

/// What is said of both sides.
#[derive(Debug, Default)]
pub(super) struct Messages<'a>([Said<'a>; SIDES.len()]);

/// What is said of one side. Of several ways the first counts.
#[derive(Debug, Default)]
struct Said<'a> {
    /// All of it in one attribute, by its rank among them.
    whole: Option<(usize, &'a Any<'a>)>,
    /// A field of a message an attribute: which message, the way to the field, its value.
    flat: Vec<(usize, &'a str, &'a Any<'a>)>,
    /// A message an event.
    events: Vec<Value>,
}

impl<'a> Messages<'a> {
    /// Takes an attribute, if it is one of these.
    pub(super) fn take(&mut self, attribute: &'a KeyValue<'a>) -> bool {
        let Some(alias) = aliases::message(&attribute.key) else { return false };
        let value = &attribute.value;
        match alias {
            MessageAlias::Whole { side, rank } => {
                let whole = &mut self.0[side as usize].whole;
                if whole.is_none_or(|(known, _)| rank < known) {
                    *whole = Some((rank, value));
                }
            }
            MessageAlias::Field { side, message, path } => self.0[side as usize].flat.push((message, path, value)),
        }
        true
    }

    /// Takes what a span's events say.
    pub(super) fn take_events(&mut self, events: &[SpanEvent<'_>]) {
        for event in events.iter().filter(|event| event.name.starts_with("gen_ai.")) {
            let name = &*event.name;
            for (side, key, attribute) in [
                (Side::Input, "gen_ai.content.prompt", "gen_ai.prompt"),
                (Side::Output, "gen_ai.content.completion", "gen_ai.completion"),
            ] {
                if name == key
                    && let Some(Value::Array(found)) =
                        find(&event.attributes, attribute).and_then(|said| canonical(to_json(said), side))
                {
                    self.0[side as usize].events.extend(found);
                }
            }
            if let Some((side, message)) = of_event(name, None, &event.attributes) {
                self.0[side as usize].events.push(message);
            }
        }
    }

    /// Adds them under canonical names, where they were sent under others and the event has room.
    pub(super) fn write(&self, data: &mut Object<'_>) {
        for ((side, name), said) in SIDES.into_iter().zip(&self.0) {
            if data.has(name) {
                continue;
            }
            // Message by message is told more exactly than all in one.
            let found = canonical(gathered(&said.flat), side);
            let found = found.or_else(|| said.whole.and_then(|(_, value)| canonical(to_json(value), side)));
            let found = found.or_else(|| canonical(Value::Array(said.events.clone()), side));
            if let Some(found) = found {
                write(data, name, &found);
            }
        }
    }
}

/// Writes messages, unless the event would become larger than one may be: what was sent is in it anyway.
fn write(data: &mut Object<'_>, name: &str, messages: &Value) {
    let bytes = messages.to_string().len();
    if data.bytes() + bytes + GENAI_ROOM_BYTES <= EVENT_BYTES_MAX {
        data.value(name, messages);
    }
}

/// Adds the message that an event of OpenTelemetry's older conventions is, whose body says it.
pub(in crate::ingest::otlp) fn write_event(
    data: &mut Object<'_>,
    name: &str,
    body: &Any<'_>,
    attributes: &[KeyValue<'_>],
) {
    let Some((side, message)) = of_event(name, Some(body), attributes) else { return };
    let (_, canonical_name) = SIDES[side as usize];
    if let Some(message) = canonical(Value::Array(vec![message]), side)
        && !data.has(canonical_name)
    {
        write(data, canonical_name, &message);
    }
}

/// Returns the message that an event of a span or a log is: `gen_ai.user.message` and its like, `gen_ai.choice`.
fn of_event(name: &str, body: Option<&Any<'_>>, attributes: &[KeyValue<'_>]) -> Option<(Side, Value)> {
    let (side, role) = match name {
        "gen_ai.system.message" => (Side::Input, "system"),
        "gen_ai.user.message" => (Side::Input, "user"),
        "gen_ai.assistant.message" => (Side::Input, "assistant"),
        "gen_ai.tool.message" => (Side::Input, "tool"),
        "gen_ai.choice" => (Side::Output, "assistant"),
        _ => return None,
    };
    let mut fields = match body.map(to_json) {
        Some(Value::Object(fields)) => fields,
        Some(Value::String(text)) if !text.is_empty() => Map::from_iter([("content".to_owned(), text.into())]),
        _ => Map::new(),
    };
    if let Some(content) = find_text(attributes, "gen_ai.event.content") {
        match serde_json::from_str(content) {
            Ok(Value::Object(read)) => fields.extend(read),
            _ => _ = fields.insert("content".to_owned(), content.into()),
        }
    }
    for key in ["content", "message", "finish_reason", "index", "tool_calls", "id", "role"] {
        if let Some(value) = find(attributes, key)
            && !fields.contains_key(key)
        {
            let value = to_json(value);
            let read = value
                .as_str()
                .filter(|text| text.starts_with(['{', '[']))
                .and_then(|text| serde_json::from_str(text).ok());
            fields.insert(key.to_owned(), read.unwrap_or(value));
        }
    }
    if !["content", "message", "tool_calls"].iter().any(|key| fields.contains_key(*key)) {
        return None;
    }
    fields.entry("role").or_insert_with(|| role.into());
    let mut made = canonical(Value::Object(fields), side)?;
    made.as_array_mut().and_then(Vec::pop).map(|message| (side, message))
}

/// How deep a field of a message may lie.
const STEPS_MAX: usize = 8;

/// Puts fields that came an attribute each back together: words that only say what is around them are left out of the way, and
/// numbers are places in lists.
fn gathered(flat: &[(usize, &str, &Any<'_>)]) -> Value {
    let mut all = Value::Null;
    for (place, path, value) in flat {
        let place = place.to_string();
        let words =
            path.split('.').filter(|step| !matches!(*step, "message" | "tool_call" | "message_content" | "function"));
        let steps: Vec<&str> = std::iter::once(place.as_str()).chain(words).take(STEPS_MAX + 1).collect();
        if steps.len() <= STEPS_MAX {
            *field(&mut all, &steps) = to_json(value);
        }
    }
    listed(all)
}

/// Returns the field at a place, which is made if it is not there.
fn field<'v>(within: &'v mut Value, steps: &[&str]) -> &'v mut Value {
    let Some((step, rest)) = steps.split_first() else { return within };
    if !within.is_object() {
        *within = Value::Object(Map::new());
    }
    field(&mut within[*step], rest)
}

/// Makes lists of objects whose fields are numbers. A list has no gaps, however large the numbers are.
fn listed(value: Value) -> Value {
    let Value::Object(fields) = value else { return value };
    let numbered: Option<Vec<usize>> = fields.keys().map(|key| key.parse().ok()).collect();
    let fields = fields.into_iter().map(|(key, value)| (key, listed(value)));
    let Some(numbers) = numbered.filter(|numbers| !numbers.is_empty()) else { return fields.collect() };
    let mut elements: Vec<(usize, Value)> = numbers.into_iter().zip(fields.map(|(_, value)| value)).collect();
    elements.sort_by_key(|(number, _)| *number);
    elements.into_iter().map(|(_, value)| value).collect()
}

fn to_json(value: &Any<'_>) -> Value {
    match value {
        Any::None => Value::Null,
        Any::Text(text) => Value::from(&**text),
        Any::Bool(is) => Value::from(*is),
        Any::Int(number) => Value::from(*number),
        Any::Double(number) => Value::from(*number),
        Any::Bytes(bytes) => Value::from(crate::ingest::base64(bytes)),
        Any::List(values) => values.iter().map(to_json).collect(),
        Any::Map(entries) => entries.iter().map(|entry| (entry.key.to_string(), to_json(&entry.value))).collect(),
    }
}
