//! What a model was asked and what it said, in one form whatever client tells of it: that of OpenTelemetry's conventions
//! (`gen_ai.input.messages`, `gen_ai.output.messages`).
//!
//! ```text
//! [{"role": "user", "parts": [{"type": "text", "content": ".."}]},
//!  {"role": "assistant", "parts": [{"type": "tool_call", "id": "..", "name": "..", "arguments": {..}}], "finish_reason": "stop"},
//!  {"role": "tool", "parts": [{"type": "tool_call_response", "id": "..", "response": ..}]}]
//! ```
//!
//! Read are the forms of OpenAI (chat and responses), Anthropic, Google, Vercel and `LangChain`. What a message or a part has beside what is
//! known stays in it, and a part that is not known stays as it is.

#[cfg(test)]
mod tests;
mod whole;

use lastword::event::names::gen_ai;
use serde_json::{Map, Value, json};

use super::Object;
use crate::limits::{EVENT_BYTES_MAX, GENAI_MESSAGES_MAX, GENAI_ROOM_BYTES};
use whole::has_all;

type Fields = Map<String, Value>;

/// Whose turn it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// What the model was given.
    Input,
    /// What it came to.
    Output,
}

impl Side {
    const fn role(self) -> &'static str {
        match self {
            Self::Input => "user",
            Self::Output => "assistant",
        }
    }
}

/// Returns the messages in a value; `None` if it is none that is known.
pub(crate) fn canonical(value: Value, side: Side) -> Option<Value> {
    let mut messages = Vec::new();
    take(value, side, &mut messages, 0)?;
    (!messages.is_empty()).then_some(Value::Array(messages))
}

/// Writes what a client tells under a canonical name: messages in the one form, as long as they are such and the event has room for what
/// that adds; all else as it is.
pub(super) fn write(data: &mut Object<'_>, name: &str, value: &Value) {
    let side = match name {
        gen_ai::INPUT_MESSAGES => Side::Input,
        gen_ai::OUTPUT_MESSAGES => Side::Output,
        _ => return data.value(name, value),
    };
    // It stands in the place of what was sent, so nothing of that may be missing in it.
    let made = canonical(value.clone(), side).filter(|made| has_all(made, value));
    let fits = |made: &Value| data.bytes() + made.to_string().len() + GENAI_ROOM_BYTES <= EVENT_BYTES_MAX;
    match made.filter(fits) {
        Some(made) => data.value(name, &made),
        None => data.value(name, value),
    }
}

/// How deep lists and texts of JSON lie in each other at most.
const DEPTH_MAX: usize = 4;

fn take(value: Value, side: Side, messages: &mut Vec<Value>, depth: usize) -> Option<()> {
    if depth > DEPTH_MAX || messages.len() >= GENAI_MESSAGES_MAX {
        return None;
    }
    match value {
        Value::String(text) if text.is_empty() => return None,
        Value::String(text) => {
            let before = messages.len();
            let read = serde_json::from_str::<Value>(&text).ok().filter(|read| read.is_array() || read.is_object());
            if read.and_then(|read| take(read, side, messages, depth + 1)).is_none() {
                messages.truncate(before);
                messages.push(json!({ "role": side.role(), "parts": [text_part(text)] }));
            }
        }
        // A list of parts alone is one message.
        Value::Array(values) if !values.is_empty() && values.iter().all(is_part) => {
            let parts: Vec<Value> = values.into_iter().map(part).collect();
            messages.push(json!({ "role": side.role(), "parts": parts }));
        }
        Value::Array(values) => values.into_iter().try_for_each(|value| take(value, side, messages, depth + 1))?,
        Value::Object(fields) => of_object(fields, side, messages, depth)?,
        _ => return None,
    }
    Some(())
}

/// Whether a value is a part of a message, and no message.
fn is_part(value: &Value) -> bool {
    const KNOWN: [&str; 4] = ["text", "input_text", "output_text", "image_url"];
    let is_known = value.get("type").and_then(Value::as_str).is_some_and(|kind| KNOWN.contains(&kind));
    is_known && value.get("role").is_none()
}

fn of_object(mut fields: Fields, side: Side, messages: &mut Vec<Value>, depth: usize) -> Option<()> {
    for around in ["messages", "choices", "contents"] {
        if fields.get(around).is_some_and(Value::is_array) && !fields.contains_key("role") {
            if let Some(system) = fields.remove("system").filter(|system| !system.is_null()) {
                messages.push(message(Fields::from_iter([("content".to_owned(), system)]), "system"));
            }
            return take(fields.remove(around)?, side, messages, depth + 1);
        }
    }
    match fields.get("type").and_then(Value::as_str) {
        Some("function_call") => messages.push(json!({ "role": "assistant", "parts": [tool_call(fields)] })),
        Some("function_call_output") => {
            messages.push(json!({ "role": "tool", "parts": [tool_response(fields)] }));
        }
        Some("reasoning") if !fields.contains_key("role") => {
            messages.push(json!({ "role": "assistant", "parts": [reasoning(fields)] }));
        }
        _ if ["role", "content", "parts", "message", "tool_calls", "kwargs", "data"]
            .iter()
            .any(|key| fields.contains_key(*key)) =>
        {
            messages.push(message(fields, side.role()));
        }
        _ => {
            // Vercel's `ai.prompt`, of one text.
            if let Some(system) = fields.remove("system").filter(|system| !system.is_null()) {
                messages.push(message(Fields::from_iter([("content".to_owned(), system)]), "system"));
            }
            return take(fields.remove("prompt")?, side, messages, depth + 1);
        }
    }
    Some(())
}

/// Brings one message into form.
fn message(mut fields: Fields, role: &str) -> Value {
    // A choice has its message within; LangChain's have theirs within as well.
    for around in ["message", "kwargs", "data"] {
        if let Some(Value::Object(_)) = fields.get(around)
            && let Some(Value::Object(inner)) = fields.remove(around)
        {
            inner.into_iter().for_each(|(key, value)| {
                fields.insert(key, value);
            });
        } else if around == "message"
            && let Some(Value::String(text)) = fields.remove(around)
        {
            fields.insert("content".to_owned(), text.into());
        }
    }
    let role = role_of(&mut fields, role);
    let mut parts = Vec::new();
    if let Some(Value::Array(given)) = fields.remove("parts") {
        parts.extend(given.into_iter().map(part));
    }
    let content = fields.remove("content").filter(|content| !content.is_null()).or_else(|| fields.remove("contents"));
    let id = (role == "tool").then(|| fields.remove("tool_call_id").or_else(|| fields.remove("id"))).flatten();
    match content {
        Some(content)
            if role == "tool" && !matches!(&content, Value::Array(parts) if parts.iter().any(is_response)) =>
        {
            parts.push(json!({ "type": "tool_call_response", "id": id, "response": content }));
        }
        Some(Value::Array(given)) => parts.extend(given.into_iter().map(part)),
        Some(Value::String(text)) if text.is_empty() => {}
        Some(content @ (Value::String(_) | Value::Object(_))) => parts.push(part(content)),
        Some(other) => parts.push(text_part(other.to_string())),
        None => {}
    }
    let calls = match fields.remove("tool_calls") {
        Some(Value::String(text)) => serde_json::from_str(&text).unwrap_or(Value::Null),
        other => other.unwrap_or_default(),
    };
    if let Value::Array(calls) = calls {
        let objects =
            calls.into_iter().filter_map(|call| if let Value::Object(call) = call { Some(call) } else { None });
        parts.extend(objects.map(tool_call));
    }
    let mut made = Fields::from_iter([("role".to_owned(), role.into()), ("parts".to_owned(), parts.into())]);
    fields.into_iter().filter(|(_, value)| !value.is_null()).for_each(|(key, value)| {
        made.entry(key).or_insert(value);
    });
    Value::Object(made)
}

fn is_response(part: &Value) -> bool {
    let kind = part.get("type").and_then(Value::as_str);
    matches!(kind, Some("tool_result" | "tool-result" | "tool_call_response"))
}

fn role_of(fields: &mut Fields, role: &str) -> String {
    let said = fields.remove("role").and_then(|role| role.as_str().map(str::to_owned));
    let said = said.or_else(|| match fields.get("type").and_then(Value::as_str) {
        // LangChain says it by the type.
        Some("human" | "ai" | "system" | "tool" | "constructor") => {
            let kind = fields.remove("type")?;
            kind.as_str().filter(|kind| *kind != "constructor").map(str::to_owned)
        }
        _ => None,
    });
    match said.as_deref() {
        Some("human") => "user".to_owned(),
        Some("ai" | "model") => "assistant".to_owned(),
        Some(said) => said.to_owned(),
        None => role.to_owned(),
    }
}

fn text_part(text: impl Into<Value>) -> Value {
    json!({ "type": "text", "content": text.into() })
}

/// Brings a part of a message into form.
fn part(value: Value) -> Value {
    let mut fields = match value {
        Value::Object(fields) => fields,
        Value::String(text) => return text_part(text),
        // As it is: within a text nobody would look for who somebody is.
        list @ Value::Array(_) => return json!({ "type": "json", "content": list }),
        other => return text_part(other.to_string()),
    };
    match fields.get("type").and_then(Value::as_str).unwrap_or("") {
        "text" | "input_text" | "output_text" => renamed(fields, "text", &[("text", "content")]),
        "tool_use" | "tool-call" => tool_call(fields),
        "tool_result" | "tool-result" => tool_response(fields),
        "thinking" | "reasoning" => reasoning(fields),
        "" if fields.len() == 1 && fields.contains_key("text") => text_part(fields.remove("text").unwrap_or_default()),
        // Google's.
        "" if fields.contains_key("functionCall") || fields.contains_key("function_call") => {
            match fields.remove("functionCall").or_else(|| fields.remove("function_call")) {
                Some(Value::Object(call)) => tool_call(call),
                other => other.unwrap_or_default(),
            }
        }
        _ => Value::Object(fields),
    }
}

fn reasoning(fields: Fields) -> Value {
    renamed(fields, "reasoning", &[("thinking", "content"), ("text", "content"), ("summary", "content")])
}

/// A call of a tool, by whatever names.
fn tool_call(mut fields: Fields) -> Value {
    if let Some(Value::Object(function)) = fields.remove("function") {
        function.into_iter().for_each(|(key, value)| {
            fields.insert(key, value);
        });
    }
    let names =
        [("call_id", "id"), ("toolCallId", "id"), ("toolName", "name"), ("args", "arguments"), ("input", "arguments")];
    let mut call = renamed(fields, "tool_call", &names);
    if let Some(arguments) = call.get_mut("arguments")
        && let Some(read) = arguments.as_str().and_then(|text| Some((text, serde_json::from_str::<Value>(text).ok()?)))
        && !has_long_number(read.0)
    {
        *arguments = read.1;
    }
    call
}

/// Whether a text has more digits in a row than a number keeps.
fn has_long_number(text: &str) -> bool {
    const DIGITS_KEPT: usize = 15;
    text.as_bytes().chunk_by(|a, b| a.is_ascii_digit() && b.is_ascii_digit()).any(|run| run.len() > DIGITS_KEPT)
}

/// What a tool came to, by whatever names.
fn tool_response(fields: Fields) -> Value {
    let names = [
        ("tool_use_id", "id"),
        ("tool_call_id", "id"),
        ("call_id", "id"),
        ("toolCallId", "id"),
        ("toolName", "name"),
        ("content", "response"),
        ("result", "response"),
        ("output", "response"),
    ];
    renamed(fields, "tool_call_response", &names)
}

/// Gives a part its type, and its fields the names that they have there: of several that mean the same the first counts.
fn renamed(mut fields: Fields, kind: &str, names: &[(&str, &str)]) -> Value {
    let mut made = Fields::from_iter([("type".to_owned(), kind.into())]);
    fields.remove("type");
    for (theirs, ours) in names {
        if !fields.contains_key(*ours)
            && let Some(value) = fields.remove(*theirs)
        {
            fields.insert((*ours).to_owned(), value);
        }
    }
    made.extend(fields);
    Value::Object(made)
}
